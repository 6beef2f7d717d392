/* Reductions and dot products: stored exact values, whatever the ranks, the threads, the way the data came and how it
 * is cut. */
#include "support.h"

#include <math.h>

#include "data/reduce_values.h"
#include "furrow_mpi.h"

/* ------------------------------------------------------------------ expected */

static bool same_double(double x, uint64_t bits)
{
    double expected;
    uint64_t seen;

    memcpy(&expected, &bits, sizeof expected);
    memcpy(&seen, &x, sizeof seen);
    return isnan(expected) ? isnan(x) : seen == bits;
}

static bool same_value(const furrow_value_t *v, const reduced_t *e)
{
    if (!same_double(v->re, e->re)) return false;
    if (e->kind == 'f') return v->kind == FURROW_VALUE_FLOAT;
    if (e->kind == 'c') return v->kind == FURROW_VALUE_COMPLEX && same_double(v->im, e->im);
    const bool fits = strlen(e->digits) < 19 || (double)INT64_MAX > fabs(v->re);
    return v->kind == FURROW_VALUE_INT && strcmp(v->digits, e->digits) == 0 && (!fits || v->fits_i8) &&
           (!v->fits_i8 || v->i == strtoll(e->digits, NULL, 10));
}

static bool is_expected(const char *name, const furrow_reduction_t *r, const reduced_t *e)
{
    furrow_value_t v;
    furrow_error_t err;

    const furrow_status_t status = furrow_reduction_value(r, e->group, e->op, &v, &err);
    if (e->kind == '-' ? status == FURROW_EEMPTY : status == FURROW_OK && same_value(&v, e)) return true;
    (void)fprintf(stderr, "rank %d: %s: group %d, %s: got status %d, '%s', %.17g, %.17g; expected %s%llx %llx\n",
                  world.rank, name, (int)e->group, furrow_op_name(e->op), (int)status, v.digits, v.re, v.im, e->digits,
                  (unsigned long long)e->re, (unsigned long long)e->im);
    return false;
}

/* All values of a case, or those of the whole array where there are no sections. */
static bool all_expected(const reduce_case_t *c, const furrow_reduction_t *r, bool with_sections)
{
    const int64_t groups = furrow_reduction_groups(r);
    bool good = true;

    for (int i = 0; i < c->values; i++)
        if (with_sections || c->opts.axis0 || c->value[i].group == 0)
            good = good && is_expected(c->name, r, &c->value[i]);
    if (!c->opts.axis0) good = good && groups == 1 + (with_sections ? c->opts.sections : 0);
    for (int64_t g = 0; c->hist != NULL && g < groups; g++)
        good = good && memcmp(furrow_reduction_hist(r, g), c->hist + g * c->opts.bins,
                              (size_t)c->opts.bins * sizeof *c->hist) == 0;
    return good && (c->hist != NULL || furrow_reduction_hist(r, 0) == NULL);
}

static int64_t row_bytes(const reduce_case_t *c)
{
    int64_t bytes = furrow_dtype_size(c->dtype);

    for (int i = 1; i < c->ndim; i++) bytes *= c->shape[i];
    return bytes;
}

/* ----------------------------------------------------------- arrays in memory */

/* Rows of rank `rank` of `ranks`: as numpy.array_split; all on the last; all on the first; every other rank none. */
enum { SPLIT, ON_LAST, ON_FIRST, ON_ODD, CUTS };

static furrow_range_t rows_of(int cut, int64_t rows, int rank, int ranks)
{
    if (cut == ON_LAST) return (furrow_range_t){rank == ranks - 1 ? 0 : 0, rank == ranks - 1 ? rows : 0};
    if (cut == ON_FIRST) return (furrow_range_t){rank == 0 ? 0 : rows, rows};
    if (cut == ON_ODD && ranks > 1) {
        const int takers = ranks / 2, stop = (rank + 1) / 2, start = rank / 2;
        return (furrow_range_t){rows * start / takers, rows * (stop < takers ? stop : takers) / takers};
    }
    return (furrow_range_t){rows * rank / ranks, rows * (rank + 1) / ranks};
}

static furrow_array_t part_of(const reduce_case_t *c, int cut, int rank, int ranks)
{
    const furrow_range_t rows = rows_of(cut, c->shape[0], rank, ranks);
    furrow_array_t part = {.dtype = c->dtype, .ndim = c->ndim};

    memcpy(part.shape, c->shape, sizeof c->shape);
    part.shape[0] = rows.stop - rows.start;
    part.data = (void *)(uintptr_t)(c->data + rows.start * row_bytes(c));
    if (part.shape[0] == 0) part.data = NULL;
    return part;
}

/* Collective over `ctx`, whose ranks need not be all; the verdict is this rank's own. */
static bool array_reduces(furrow_context_t *ctx, const reduce_case_t *c, int cut)
{
    const furrow_array_t part = part_of(c, cut, furrow_context_rank(ctx), furrow_context_ranks(ctx));
    furrow_reduce_opts_t opts = c->opts;
    furrow_reduction_t *r = NULL;
    furrow_error_t err;

    opts.sections = 0;
    const furrow_status_t status = furrow_reduce_array(ctx, &part, &opts, &r, &err);
    if (status != FURROW_OK) (void)fprintf(stderr, "%s: %s\n", c->name, err.text);
    const bool good = status == FURROW_OK && all_expected(c, r, false);
    furrow_reduction_free(r);
    return good;
}

static void test_reduce__arrays(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        const furrow_context_opts_t opts = {.threads = threads};
        furrow_context_t *ctx;
        ASSERT_ALL(furrow_context_open(&opts, &ctx, NULL) == FURROW_OK);
        for (int i = 0; i < LENGTH(reduce_cases); i++)
            for (int cut = 0; cut < CUTS; cut++) ASSERT_ALL(array_reduces(ctx, &reduce_cases[i], cut));
        furrow_context_close(ctx);
    }
}

/* A communicator of the program's own: ranks of one half know nothing of the other. */
static void test_reduce__half_of_the_ranks(void **state)
{
    const furrow_context_opts_t opts = {.threads = 2};
    furrow_context_t *ctx;
    MPI_Comm half;
    int rank, ranks, ended;

    (void)state;
    MPI_Comm_split(MPI_COMM_WORLD, world.rank % 2, -world.rank, &half);
    MPI_Comm_rank(half, &rank);
    MPI_Comm_size(half, &ranks);
    ASSERT_ALL(furrow_context_open_comm(half, &opts, &ctx, NULL) == FURROW_OK);
    MPI_Comm_free(&half); /* the context has its own */
    ASSERT_ALL(furrow_context_rank(ctx) == rank && furrow_context_ranks(ctx) == ranks);
    bool good = true;
    for (int i = 0; i < LENGTH(reduce_cases) && good; i++)
        if (world.rank % 2 == 0 || i % 3 > 0) good = array_reduces(ctx, &reduce_cases[i], i % CUTS);
    ASSERT_ALL(good);
    furrow_error_t err = {.text = "on my own"};
    const furrow_status_t status = furrow_agree(ctx, world.rank == 0 ? FURROW_EIO : FURROW_OK, &err);
    ASSERT_ALL(status == (world.rank % 2 == 0 ? FURROW_EIO : FURROW_OK)); /* no word of it in the other half */
    furrow_context_close(ctx);
    MPI_Finalized(&ended);
    ASSERT_ALL(!ended);
}

/* ------------------------------------------------------------------- datasets */

/* Copy rows into the order of a file, C or Fortran, and swap bytes if asked for. */
static void arrange(const reduce_case_t *c, int64_t first, int64_t rows, bool fortran, bool swap, unsigned char *out)
{
    const int64_t size = furrow_dtype_size(c->dtype), items = row_bytes(c) / size;
    const int64_t word = furrow_dtype_kind(c->dtype) == 'c' ? size / 2 : size;

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < items; j++) {
            const int64_t last = c->ndim > 2 ? c->shape[2] : 1; /* column (a, b) = (j / last, j % last) */
            const int64_t column = c->ndim > 2 ? j / last + c->shape[1] * (j % last) : j;
            unsigned char *to = out + (fortran ? i + rows * column : i * items + j) * size;
            const unsigned char *from = c->data + ((first + i) * items + j) * size;
            for (int64_t b = 0; b < size; b++) to[b] = from[swap ? b / word * word + word - 1 - b % word : b];
        }
}

/* A file for each of `count` cuts of the rows, uneven, some empty. */
static void put_case(const reduce_case_t *c, bool fortran, bool swap, int count)
{
    unsigned char data[2048];
    char name[16], shape[64], descr[8];

    for (int f = 0; f < count; f++) {
        const int64_t first = c->shape[0] * (f * f) / (count * count),
                      stop = c->shape[0] * (f + 1) * (f + 1) / (count * count);
        const bool swaps = swap && f % 2 == 0;
        const char *type = c->dtype == FURROW_BOOL ? "b1" : furrow_dtype_name(c->dtype);
        int used = snprintf(shape, sizeof shape, "(%d,", (int)(stop - first));
        for (int i = 1; i < c->ndim; i++)
            used += snprintf(shape + used, sizeof shape - (size_t)used, " %d,", (int)c->shape[i]);
        (void)snprintf(shape + used, sizeof shape - (size_t)used, ")");
        (void)snprintf(descr, sizeof descr, "%c%s", furrow_dtype_size(c->dtype) == 1 ? '|' : swaps ? '>' : '<', type);
        (void)snprintf(name, sizeof name, "%d", f);
        arrange(c, first, stop - first, fortran, swaps, data);
        put_npy(name, descr, fortran, shape, data, (size_t)((stop - first) * row_bytes(c)));
    }
}

static void check_dataset(const reduce_case_t *c, int count, furrow_source_t source)
{
    const char *paths[8];
    furrow_dataset_t *d;
    furrow_reduction_t *r = NULL;
    furrow_error_t err;

    for (int f = 0; f < count; f++) paths[f] = path_of((char[]){(char)('0' + f), '\0'});
    ASSERT_ALL(furrow_dataset_open(world.ctx, paths, count, source, &d, NULL) == FURROW_OK);
    const furrow_status_t status = furrow_reduce(d, &c->opts, &r, &err);
    if (status != FURROW_OK) (void)fprintf(stderr, "%s: %s\n", c->name, err.text);
    ASSERT_ALL(status == FURROW_OK && all_expected(c, r, true));
    furrow_reduction_free(r);
    furrow_dataset_free(d);
}

static void check_datasets(bool fortran, bool swap)
{
    for (int i = 0; i < LENGTH(reduce_cases); i++)
        for (int count = 1; count <= 4; count += 3) {
            put_case(&reduce_cases[i], fortran, swap, count);
            check_dataset(&reduce_cases[i], count, FURROW_SOURCE_SHARED);
            check_dataset(&reduce_cases[i], count, FURROW_SOURCE_ROOT);
            clear_folder();
        }
}

static void test_reduce__files(void **state)
{
    (void)state;
    check_datasets(false, false);
}

static void test_reduce__swapped_files(void **state)
{
    (void)state;
    check_datasets(false, true);
}

static void test_reduce__fortran_files(void **state)
{
    (void)state;
    check_datasets(true, true);
}

/* ----------------------------------------------------------------- dot product */

static bool dot_is(const dot_case_t *c, furrow_status_t status, const furrow_value_t *v)
{
    if (status == FURROW_OK && same_value(v, &c->value)) return true;
    (void)fprintf(stderr, "rank %d: %s: got status %d, '%s', %.17g\n", world.rank, c->name, (int)status, v->digits,
                  v->re);
    return false;
}

static void check_dot_arrays(const dot_case_t *c, int cut)
{
    const furrow_range_t rows = rows_of(cut, c->items, world.rank, world.ranks);
    const int64_t first = rows.start * furrow_dtype_size(c->dtype);
    furrow_array_t a = {.dtype = c->dtype, .ndim = 1, .shape = {rows.stop - rows.start}}, b = a;
    furrow_value_t v = {0};

    a.data = (void *)(uintptr_t)(c->a + first);
    b.data = (void *)(uintptr_t)(c->b + first);
    const furrow_status_t status = furrow_dot_arrays(world.ctx, &a, &b, &v, NULL);
    ASSERT_ALL(dot_is(c, status, &v));
}

static void check_dot_files(const dot_case_t *c, furrow_source_t source)
{
    const size_t bytes = (size_t)(c->items * furrow_dtype_size(c->dtype));
    furrow_dataset_t *a, *b;
    char descr[8], shape[32];
    furrow_value_t v = {0};

    (void)snprintf(descr, sizeof descr, "%s", c->dtype == FURROW_BOOL ? "b1" : furrow_dtype_name(c->dtype));
    (void)snprintf(shape, sizeof shape, "(%d,)", (int)c->items);
    put_npy("a", descr, false, shape, c->a, bytes);
    put_npy("b", descr, false, shape, c->b, bytes);
    ASSERT_ALL(furrow_dataset_open(world.ctx, (const char *[]){path_of("a")}, 1, source, &a, NULL) == FURROW_OK);
    ASSERT_ALL(furrow_dataset_open(world.ctx, (const char *[]){path_of("b")}, 1, source, &b, NULL) == FURROW_OK);
    const furrow_status_t status = furrow_dot(a, b, &v, NULL);
    ASSERT_ALL(dot_is(c, status, &v));
    furrow_dataset_free(a);
    furrow_dataset_free(b);
    clear_folder();
}

static void test_reduce__dot(void **state)
{
    (void)state;
    for (int i = 0; i < LENGTH(dot_cases); i++) {
        for (int cut = 0; cut < CUTS; cut++) check_dot_arrays(&dot_cases[i], cut);
        check_dot_files(&dot_cases[i], FURROW_SOURCE_SHARED);
        check_dot_files(&dot_cases[i], FURROW_SOURCE_ROOT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reduce__arrays),        cmocka_unit_test(test_reduce__half_of_the_ranks),
        cmocka_unit_test(test_reduce__files),         cmocka_unit_test(test_reduce__swapped_files),
        cmocka_unit_test(test_reduce__fortran_files), cmocka_unit_test(test_reduce__dot),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
