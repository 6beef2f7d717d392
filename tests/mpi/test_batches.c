/* The loader of batches on ranks: the parts of a batch follow each other in rank order, and are the batch of one rank;
 * with `whole` every rank has all; ranks need not keep step. Image i is a PPM file of one colour, i. */
#include "support.h"

#include "furrow_images.h"

enum { IMAGES = 17, SLOT = 3 };

static furrow_listing_t *listing;

static int put_images(void **state)
{
    const char *source = world.folder;

    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        const uint8_t pixel[SLOT] = {(uint8_t)i, (uint8_t)i, (uint8_t)i};
        char name[16];
        (void)snprintf(name, sizeof name, "%02d.ppm", i);
        put_file(name, "P6 1 1 255\n", 11, pixel, sizeof pixel);
    }
    return furrow_listing_open(world.ctx, &source, 1, false, &listing, NULL) != FURROW_OK;
}

static int free_images(void **state)
{
    (void)state;
    furrow_listing_free(listing);
    return 0;
}

/* The images of all batches on this rank, in `mine`; how many of each batch. Local, after the collective opening. */
static bool read_all(const furrow_batches_opts_t *opts, int *mine, int64_t *count, int64_t *batches)
{
    furrow_batches_t *l;
    furrow_batch_t b;
    int64_t used = 0;

    if (furrow_batches_open(world.ctx, listing, opts, &l, NULL) != FURROW_OK) return false;
    bool right = true;
    for (*batches = 0; furrow_batches_next(l, &b, NULL) == FURROW_OK; ++*batches) {
        usleep((useconds_t)(500 * world.rank)); /* out of step */
        for (int64_t i = 0; i < b.count; i++) {
            mine[used] = (int)b.image[i];
            right = right && ((uint8_t *)b.data)[i * SLOT] == b.image[i];
            used++;
        }
        count[*batches] = b.count;
    }
    furrow_batches_free(l);
    return right;
}

static void parts_make_up_the_batches(void **state)
{
    (void)state;
    for (int64_t batch = 1; batch <= IMAGES + 1; batch += 3) {
        furrow_batches_opts_t opts = {.image = FURROW_IMAGE_OPTS_INIT, .batch = batch, .shuffle = true, .seed = 8};
        int whole[2 * IMAGES], mine[2 * IMAGES];
        int64_t whole_count[2 * IMAGES], count[2 * IMAGES], batches, own_batches;
        opts.whole = true;
        opts.epochs = 2;
        ASSERT_ALL(read_all(&opts, whole, whole_count, &batches));
        ASSERT_ALL(same_on_all(whole, sizeof whole));
        opts.whole = false;
        ASSERT_ALL(read_all(&opts, mine, count, &own_batches));
        bool right = own_batches == batches;
        int64_t at = 0, own = 0;
        for (int64_t b = 0; b < batches && right; b++) {
            const furrow_range_t part = furrow_split(whole_count[b], world.ranks, world.rank);
            right = count[b] == part.stop - part.start;
            for (int64_t i = 0; i < count[b] && right; i++) right = mine[own + i] == whole[at + part.start + i];
            own += count[b];
            at += whole_count[b];
        }
        ASSERT_ALL(right && at == 2 * IMAGES);
    }
}

static void one_rank_s_failure_is_that_of_all(void **state)
{
    furrow_batches_opts_t opts = {.image = FURROW_IMAGE_OPTS_INIT, .batch = 4};
    furrow_batches_t *l;
    furrow_error_t err;

    (void)state;
    if (world.rank == world.ranks - 1) opts.ahead = -1;
    const furrow_status_t status = furrow_batches_open(world.ctx, listing, &opts, &l, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, world.ranks - 1, "ahead -1"));
    ASSERT_ALL(l == NULL);
}

static void a_listing_is_the_same_everywhere(void **state)
{
    const char *source = world.rank == 0 ? world.folder : "only rank 0 looks";
    furrow_listing_t *l;
    furrow_error_t err;

    (void)state;
    ASSERT_ALL(furrow_listing_open(world.ctx, &source, 1, false, &l, NULL) == FURROW_OK);
    bool same = furrow_listing_count(l) == IMAGES;
    for (int i = 0; same && i < IMAGES; i++)
        same = strcmp(furrow_listing_name(l, i), furrow_listing_name(listing, i)) == 0;
    furrow_listing_free(l);
    ASSERT_ALL(same);
    source = "none";
    const furrow_status_t status = furrow_listing_open(world.ctx, &source, 1, false, &l, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EIO, 0, "none: cannot open: No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_make_up_the_batches),
        cmocka_unit_test(one_rank_s_failure_is_that_of_all),
        cmocka_unit_test(a_listing_is_the_same_everywhere),
    };
    int failed;

    open_world();
    failed = cmocka_run_group_tests(tests, put_images, free_images);
    close_world();
    return failed;
}
