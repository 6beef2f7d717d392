/* Samples of JPEGs: every kernel table gives the bytes of plain C, and says of the same samples that they are not sane.
 * (That plain C gives those of libjpeg-turbo is for unit.jpeg_skim to tell.) */
#include "dct.h"

#include <math.h>
#include <stdlib.h>

#include "support.h"

enum { PLANES = FURROW_DCT_PLANES_MAX, BLOCKS = FURROW_DCT_BLOCKS, SIDE_MAX = 4, ROW = BLOCKS * SIDE_MAX + 8 };

typedef struct {
    int16_t coefficients[PLANES * BLOCKS];
    int16_t factors[PLANES];
} group_t;

static const furrow_kernels_t *reference(void)
{
    int i = 0;

    while (strcmp(furrow_kernels_at(i)->name, "reference") != 0) i++;
    return furrow_kernels_at(i);
}

/* Bytes beyond those of the rows must stay as they are. */
static bool transform(const furrow_kernels_t *kernels, int size, const group_t *group, uint8_t out[SIDE_MAX * ROW])
{
    memset(out, 0xa5, SIDE_MAX * ROW);
    return furrow_dct(kernels, size, group->coefficients, group->factors, out, ROW);
}

/* Returns whether all of them found it sane. */
static bool check(int size, const group_t *group)
{
    uint8_t wanted[SIDE_MAX * ROW], found[SIDE_MAX * ROW];
    const bool sane = transform(reference(), size, group, wanted);

    for (int i = 0; furrow_kernels_at(i) != NULL; i++) {
        assert_int_equal(transform(furrow_kernels_at(i), size, group, found), sane);
        if (sane) assert_memory_equal(found, wanted, sizeof wanted);
        for (int y = 0; y < SIDE_MAX; y++)
            for (int x = y < size ? BLOCKS * size : 0; x < ROW; x++) assert_int_equal(found[y * ROW + x], 0xa5);
    }
    return sane;
}

static void set_factors(group_t *group, int factor)
{
    for (int p = 0; p < PLANES; p++) group->factors[p] = (int16_t)factor;
}

/* Coefficients that fall off as those of pictures do, up to beyond what is sane. */
static void test_dct__random(void **state)
{
    uint64_t seed = 7;
    int sane = 0, all = 0;

    (void)state;
    for (int size = 1; size <= SIDE_MAX; size *= 2)
        for (int round = 0; round < 3000; round++, all++) {
            const int used = FURROW_DCT_USED(size), factor = random_between(&seed, 0, 30);
            const int most = factor == 0 ? 30000 : random_between(&seed, 1, FURROW_DCT_LARGEST) / factor;
            group_t group;
            set_factors(&group, factor);
            for (int i = 0; i < PLANES * BLOCKS; i++) {
                const int bound = most / (1 + (i / BLOCKS % used + i / BLOCKS / used) / 4);
                group.coefficients[i] = (int16_t)random_between(&seed, -bound, bound);
            }
            sane += check(size, &group);
        }
    if (sane < all / 4 || sane > all * 9 / 10) fail_msg("%d of %d are sane", sane, all);
}

/* The largest of coefficients with every sign: no sum of them overflows, and all samples that come of it are strays. */
static void test_dct__extremes(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int size = 1; size <= SIDE_MAX; size *= 2)
        for (int round = 0; round < 2000; round++) {
            group_t group;
            set_factors(&group, 1);
            for (int i = 0; i < PLANES * BLOCKS; i++)
                group.coefficients[i] = random_between(&seed, 0, 1) == 0 ? -FURROW_DCT_LARGEST : FURROW_DCT_LARGEST;
            (void)check(size, &group);
        }
}

/* One coefficient at its limit, in every plane and block. */
static void test_dct__limits(void **state)
{
    static const int factors[] = {1, 3, 255, FURROW_DCT_LARGEST};

    (void)state;
    for (int size = 1; size <= SIDE_MAX; size *= 2)
        for (size_t f = 0; f < COUNT(factors); f++)
            for (int i = 0; i < FURROW_DCT_USED(size) * FURROW_DCT_USED(size) * BLOCKS; i++) {
                const int16_t most = (int16_t)(FURROW_DCT_LARGEST / factors[f]);
                group_t group = {.coefficients = {0}};
                set_factors(&group, factors[f]);
                group.coefficients[i] = most;
                assert_true(check(size, &group));
                group.coefficients[i] = (int16_t)-most;
                assert_true(check(size, &group));
            }
}

/* The mean of a block is an eighth of its first coefficient; one frequency gives a cosine. */
static void test_dct__by_definition(void **state)
{
    uint8_t out[SIDE_MAX * ROW];

    (void)state;
    for (int size = 1; size <= SIDE_MAX; size *= 2)
        for (int u = 0; u < 8; u++) {
            const int rank = furrow_dct_rank(size, u);
            group_t group = {.coefficients = {0}};
            if (rank < 0) continue;
            set_factors(&group, 4);
            group.coefficients[rank * BLOCKS + 5] = 100;
            assert_true(transform(reference(), size, &group, out));
            for (int x = 0; x < size; x++) {
                double mean = 0;
                for (int i = x * 8 / size; i < (x + 1) * 8 / size; i++)
                    mean += (u == 0 ? sqrt(0.5) : cos((2 * i + 1) * u * 3.14159265358979 / 16)) * size / 8;
                const double wanted = 128 + 400 * sqrt(0.5) / 4 * mean;
                assert_true(fabs(out[5 * size + x] - wanted) <= 0.51);
            }
        }
}

/* All colours. */
static void test_dct__colors(void **state)
{
    enum { N = 256 };
    uint8_t y[N], cb[N], cr[N], wanted[3 * N + 1], found[3 * N + 1];
    const uint8_t *const ycc[3] = {y, cb, cr};

    (void)state;
    for (int i = 0; i < N; i++) y[i] = (uint8_t)i;
    for (int blue = 0; blue < 256; blue += 3)
        for (int red = 0; red < 256; red++) {
            const bool bgr = red % 2 == 1;
            const size_t n = (size_t)(red % 5 == 0 ? red : N);
            memset(cb, blue, sizeof cb);
            memset(cr, red, sizeof cr);
            memset(wanted, 0xa5, sizeof wanted);
            furrow_dct_colors(reference(), ycc, n, bgr, wanted);
            for (int i = 0; furrow_kernels_at(i) != NULL; i++) {
                memset(found, 0xa5, sizeof found);
                furrow_dct_colors(furrow_kernels_at(i), ycc, n, bgr, found);
                assert_memory_equal(found, wanted, sizeof wanted);
            }
            if (n == 0) continue;
            assert_true(fabs(wanted[bgr ? 2 : 0] - fmin(fmax(1.402 * (red - 128), 0), 255)) <= 0.51);
            assert_true(fabs(wanted[bgr ? 0 : 2] - fmin(fmax(1.772 * (blue - 128), 0), 255)) <= 0.51);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dct__random), cmocka_unit_test(test_dct__extremes),
                                       cmocka_unit_test(test_dct__limits), cmocka_unit_test(test_dct__by_definition),
                                       cmocka_unit_test(test_dct__colors)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
