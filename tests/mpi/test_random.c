/* Files of random elements: for any number of ranks and threads they hold what furrow_random() gives for their places.
 */
#include "support.h"

enum { SEED = 7 };

static void check(furrow_dist_t dist, furrow_dtype_t dtype, int ndim, const int64_t *shape, int threads)
{
    const furrow_context_opts_t opts = {.threads = threads};
    const int64_t size = furrow_dtype_size(dtype);
    int64_t items = 1;
    furrow_context_t *ctx;

    for (int i = 0; i < ndim; i++) items *= shape[i];
    char *expected = malloc((size_t)(items * size) + 1);
    if (expected == NULL) abort();
    ASSERT_ALL(furrow_random(SEED, dist, dtype, 0, items, expected, NULL) == FURROW_OK);
    ASSERT_ALL(furrow_context_open(&opts, &ctx, NULL) == FURROW_OK);
    ASSERT_ALL(furrow_random_file(ctx, path_of("random.npy"), FURROW_SOURCE_SHARED, SEED, dist, dtype, ndim, shape,
                                  NULL) == FURROW_OK);
    furrow_context_close(ctx);
    ASSERT_ALL(npy_holds("random.npy", expected, (size_t)(items * size)) && count_entries(world.folder) == 1);
    free(expected);
    clear_folder();
}

static void test_random__file_holds_the_sequence(void **state)
{
    static const int64_t shape[] = {1001, 397}, short_shape[] = {3}, none[] = {0, 5};

    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        check(FURROW_UNIFORM, FURROW_F8, 2, shape, threads);
        check(FURROW_UNIFORM, FURROW_F4, 2, shape, threads);
        check(FURROW_NORMAL, FURROW_F8, 2, shape, threads);
        check(FURROW_NORMAL, FURROW_F4, 1, shape, threads);
        check(FURROW_UNIFORM, FURROW_F8, 1, short_shape, threads);
        check(FURROW_UNIFORM, FURROW_F8, 0, NULL, threads);
        check(FURROW_UNIFORM, FURROW_F4, 2, none, threads);
    }
}

static void refuse(furrow_dist_t dist, furrow_dtype_t dtype, int ndim, const int64_t *shape, furrow_status_t expected,
                   const char *text)
{
    furrow_error_t err;

    const furrow_status_t status = furrow_random_file(world.ctx, path_of("random.npy"), FURROW_SOURCE_SHARED, SEED,
                                                      dist, dtype, ndim, shape, &err);
    ASSERT_ALL(failed_alike(status, &err, expected, 0, text));
    ASSERT_ALL(count_entries(world.folder) == 0);
}

static void test_random__refused(void **state)
{
    static const int64_t one[] = {1}, negative[] = {-1}, huge[] = {INT64_C(1) << 32, INT64_C(1) << 32};

    (void)state;
    refuse(FURROW_UNIFORM, FURROW_I4, 1, one, FURROW_EARG, "not i4");
    refuse((furrow_dist_t)9, FURROW_F4, 1, one, FURROW_EARG, "9 is no distribution");
    refuse(FURROW_UNIFORM, FURROW_F4, 1, negative, FURROW_EOVERFLOW, "axis 0 of length -1");
    refuse(FURROW_UNIFORM, FURROW_F4, 2, huge, FURROW_EOVERFLOW, "axis 1 of length 4294967296");
    refuse(FURROW_UNIFORM, FURROW_F4, 1, NULL, FURROW_EARG, "1 dimensions");
    refuse(FURROW_UNIFORM, FURROW_F4, -1, one, FURROW_EARG, "-1 dimensions");
    refuse(FURROW_UNIFORM, FURROW_F4, FURROW_MAX_NDIM + 1, NULL, FURROW_EARG, "65 dimensions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random__file_holds_the_sequence),
        cmocka_unit_test(test_random__refused),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
