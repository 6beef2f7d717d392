/* Scatter and gather: every dtype, every root, even and uneven parts, ranks with nothing; and a wrong argument on one
 * rank is the same error on all. The content is a pattern of the byte's place in the whole array, which each rank knows
 * by itself. */
#include "support.h"

static const furrow_dtype_t dtypes[] = {
#define DTYPE(name, text, kind, bytes) FURROW_##name,
    FURROW_DTYPE_LIST(DTYPE)
#undef DTYPE
};

static const struct {
    int ndim;
    int64_t shape[4];
} shapes[] = {{1, {0}},       {1, {1}},    {1, {7}},          {2, {13, 3}},
              {3, {5, 2, 3}}, {2, {4, 0}}, {4, {2, 1, 1, 9}}, {2, {211, 17}}};

static unsigned char byte_at(int64_t place)
{
    return (unsigned char)(place * 5 + place / 253 + 17);
}

static void fill(void *data, int64_t first, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i++) ((unsigned char *)data)[i] = byte_at(first + i);
}

static bool holds(const void *data, int64_t first, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i++)
        if (((const unsigned char *)data)[i] != byte_at(first + i)) return false;
    return true;
}

static int64_t bytes_of_row(const furrow_array_t *a)
{
    int64_t bytes = furrow_dtype_size(a->dtype);

    for (int i = 1; i < a->ndim; i++) bytes *= a->shape[i];
    return bytes;
}

/* An array with its pattern; `data` is to be freed. */
static furrow_array_t make_whole(furrow_dtype_t dtype, int ndim, const int64_t *shape)
{
    furrow_array_t a = {.dtype = dtype, .ndim = ndim};

    memcpy(a.shape, shape, (size_t)ndim * sizeof *shape);
    a.data = malloc((size_t)(a.shape[0] * bytes_of_row(&a)) + 1);
    if (a.data == NULL) abort();
    fill(a.data, 0, a.shape[0] * bytes_of_row(&a));
    return a;
}

/* How rows may fall to ranks: as numpy.array_split, all to one rank, every other rank nothing. */
enum { SPLIT, LAST_TAKES_ALL, FIRST_TAKES_ALL, ODD_RANKS, CUTS };

static void deal_rows(int cut, int64_t rows, int64_t *counts)
{
    const int takers = cut == ODD_RANKS && world.ranks > 1 ? world.ranks / 2 : 1;

    memset(counts, 0, (size_t)world.ranks * sizeof *counts);
    for (int64_t i = 0; i < rows; i++) {
        int64_t to = i % world.ranks;
        if (cut == LAST_TAKES_ALL) to = world.ranks - 1;
        if (cut == FIRST_TAKES_ALL) to = 0;
        if (cut == ODD_RANKS) to = world.ranks > 1 ? 2 * (i % takers) + 1 : 0;
        counts[to]++; /* one at a time: the first rows % ranks get one more */
    }
}

static bool looks_like(const furrow_array_t *a, const furrow_array_t *model, int64_t rows)
{
    bool same = a->dtype == model->dtype && a->ndim == model->ndim && a->shape[0] == rows && a->data != NULL;

    for (int i = 1; same && i < a->ndim; i++) same = a->shape[i] == model->shape[i];
    return same;
}

static void check_round_trip(furrow_array_t whole, int root, int cut)
{
    const int back = (root + 1) % world.ranks; /* gathered on another rank */
    const int64_t row = bytes_of_row(&whole);
    int64_t counts[64], first = 0;
    furrow_array_t part = {.ndim = -1}, again = {.ndim = -1};

    deal_rows(cut, whole.shape[0], counts);
    for (int r = 0; r < world.rank; r++) first += counts[r];
    const furrow_status_t scattered =
        furrow_scatter(world.ctx, root, world.rank == root ? &whole : NULL, cut == SPLIT ? NULL : counts, &part, NULL);
    ASSERT_ALL(scattered == FURROW_OK);
    ASSERT_ALL(looks_like(&part, &whole, counts[world.rank]) &&
               holds(part.data, first * row, counts[world.rank] * row));
    const furrow_status_t gathered = furrow_gather(world.ctx, back, &part, world.rank == back ? &again : NULL, NULL);
    ASSERT_ALL(gathered == FURROW_OK);
    ASSERT_ALL(world.rank != back || (looks_like(&again, &whole, whole.shape[0]) &&
                                      memcmp(again.data, whole.data, (size_t)(whole.shape[0] * row)) == 0));
    furrow_array_free(&part);
    if (world.rank == back) furrow_array_free(&again);
    ASSERT_ALL(part.data == NULL && (world.rank == back ? again.ndim == 0 : again.ndim == -1));
}

static void test_scatter_gather__every_dtype(void **state)
{
    (void)state;
    for (int d = 0; d < LENGTH(dtypes); d++) {
        furrow_array_t whole = make_whole(dtypes[d], 2, (int64_t[]){23, 3});
        for (int cut = 0; cut < CUTS; cut++) check_round_trip(whole, d % world.ranks, cut);
        free(whole.data);
    }
}

static void test_scatter_gather__every_root_and_shape(void **state)
{
    (void)state;
    for (int s = 0; s < LENGTH(shapes); s++) {
        furrow_array_t whole = make_whole(FURROW_F4, shapes[s].ndim, shapes[s].shape);
        for (int root = 0; root < world.ranks; root++)
            for (int cut = 0; cut < CUTS; cut++) check_round_trip(whole, root, cut);
        free(whole.data);
    }
}

/* ------------------------------------------------------------ wrong arguments */

/* Rank `odd` passes `wrong` as the array; the others pass what is right. */
static void refuse_scatter(int root, const furrow_array_t *whole, const int64_t *counts, const char *text)
{
    furrow_array_t part = {.ndim = 99};
    furrow_error_t err;

    const furrow_status_t status = furrow_scatter(world.ctx, root, whole, counts, &part, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, root, text));
    ASSERT_ALL(part.ndim == 99 && part.data == NULL);
}

static void test_scatter_gather__wrong_whole(void **state)
{
    const furrow_array_t good = make_whole(FURROW_I2, 2, (int64_t[]){10, 2});

    (void)state;
    for (int root = 0; root < world.ranks; root++) {
        furrow_array_t wrong = good;
        int64_t counts[64] = {0};
        refuse_scatter(root, NULL, NULL, "no array");
        wrong.ndim = 0;
        refuse_scatter(root, &wrong, NULL, "0 dimensions");
        wrong.ndim = FURROW_MAX_NDIM + 1;
        refuse_scatter(root, &wrong, NULL, "65 dimensions");
        wrong = good;
        wrong.shape[0] = -1;
        refuse_scatter(root, &wrong, NULL, "-1 rows");
        wrong.shape[0] = INT64_MAX;
        refuse_scatter(root, &wrong, NULL, "out of range");
        wrong = good;
        wrong.shape[1] = -3;
        refuse_scatter(root, &wrong, NULL, "axis 1 of length -3");
        wrong.shape[1] = INT64_MAX;
        refuse_scatter(root, &wrong, NULL, "out of range");
        wrong = good;
        wrong.data = NULL;
        refuse_scatter(root, &wrong, NULL, "without data");
        refuse_scatter(root, &good, counts, "the counts add to 0 rows, the array has 10");
        counts[0] = 11;
        refuse_scatter(root, &good, counts, "the counts add to 11 rows, the array has 10");
        counts[world.ranks - 1] = -1;
        refuse_scatter(root, &good, counts, "-1 rows for rank");
    }
    free(good.data);
}

/* The root is no rank: for all of them, or for one that got it wrong. */
static void test_scatter_gather__bad_root(void **state)
{
    furrow_array_t whole = make_whole(FURROW_I2, 1, (int64_t[]){10}), part = {.ndim = 99}, all = {.ndim = 99};
    furrow_error_t err;

    (void)state;
    for (int odd = -1; odd < world.ranks; odd++) {
        const bool wrong = odd < 0 || world.rank == odd;
        furrow_status_t status = furrow_scatter(world.ctx, wrong ? world.ranks : 0, &whole, NULL, &part, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, odd < 0 ? 0 : odd, "is none of the"));
        status = furrow_gather(world.ctx, wrong ? -1 : 0, &whole, &all, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, odd < 0 ? 0 : odd, "root -1 is none of the"));
        ASSERT_ALL(part.ndim == 99 && all.ndim == 99);
    }
    free(whole.data);
}

static void test_scatter_gather__one_rank_has_no_place(void **state)
{
    furrow_array_t whole = make_whole(FURROW_C8, 1, (int64_t[]){10}), part = {.ndim = 99};
    furrow_error_t err;

    (void)state;
    for (int odd = 0; odd < world.ranks; odd++) {
        furrow_status_t status =
            furrow_scatter(world.ctx, world.ranks - 1, &whole, NULL, world.rank == odd ? NULL : &part, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, odd, "no place for the part"));
        status = furrow_gather(world.ctx, odd, &whole, NULL, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, odd, "no place for the array"));
        ASSERT_ALL(part.ndim == 99);
    }
    free(whole.data);
}

/* Rank `odd` gives a part that does not join the others. The root compares with its own: where it is the odd one,
 * others differ. */
static void check_mismatch(int odd, const furrow_array_t *good, const furrow_array_t *wrong)
{
    furrow_array_t all = {.ndim = 99};
    furrow_error_t err;

    for (int root = 0; root < world.ranks; root++) {
        const int first = root != odd ? odd : odd == 0 ? 1 : 0;
        const furrow_status_t status = furrow_gather(world.ctx, root, world.rank == odd ? wrong : good, &all, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EMISMATCH, first, "differs in dtype or shape"));
        ASSERT_ALL(all.ndim == 99);
    }
}

static void test_scatter_gather__parts_mismatch(void **state)
{
    furrow_array_t good = make_whole(FURROW_U2, 2, (int64_t[]){3, 4}), wrong = good;

    (void)state;
    for (int odd = 0; odd < world.ranks && world.ranks > 1; odd++) {
        wrong = good;
        wrong.dtype = FURROW_I2;
        check_mismatch(odd, &good, &wrong);
        wrong = good;
        wrong.shape[1] = 2;
        check_mismatch(odd, &good, &wrong);
        wrong = good;
        wrong.ndim = 1;
        check_mismatch(odd, &good, &wrong);
    }
    free(good.data);
}

static void test_scatter_gather__one_part_is_wrong(void **state)
{
    furrow_array_t good = make_whole(FURROW_U2, 2, (int64_t[]){3, 4}), all = {.ndim = 99}, wrong = good;
    furrow_error_t err;

    (void)state;
    wrong.data = NULL;
    for (int odd = 0; odd < world.ranks; odd++) {
        furrow_status_t status = furrow_gather(world.ctx, 0, world.rank == odd ? NULL : &good, &all, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, odd, "no array"));
        status = furrow_gather(world.ctx, 0, world.rank == odd ? &wrong : &good, &all, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, odd, "without data"));
        ASSERT_ALL(all.ndim == 99);
    }
    free(good.data);
}

/* More than any machine has, of an array that nobody reads before memory is found: every rank says the same. */
static void test_scatter_gather__out_of_memory(void **state)
{
    char none;
    furrow_array_t part = {.dtype = FURROW_U1, .ndim = 2, .shape = {1, INT64_C(1) << 60}, .data = &none},
                   all = {.ndim = 99};
    furrow_error_t err;
    const int root = world.ranks - 1;

    (void)state;
    const furrow_status_t status = furrow_gather(world.ctx, root, &part, &all, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_ENOMEM, root, "out of memory"));
    ASSERT_ALL(all.ndim == 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scatter_gather__every_dtype),
        cmocka_unit_test(test_scatter_gather__every_root_and_shape),
        cmocka_unit_test(test_scatter_gather__wrong_whole),
        cmocka_unit_test(test_scatter_gather__bad_root),
        cmocka_unit_test(test_scatter_gather__one_rank_has_no_place),
        cmocka_unit_test(test_scatter_gather__parts_mismatch),
        cmocka_unit_test(test_scatter_gather__one_part_is_wrong),
        cmocka_unit_test(test_scatter_gather__out_of_memory),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
