/* Random elements: NumPy's uniforms bit for bit, quantiles against 100 decimal digits, and the same bits however cut.
 */
#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/random_values.h"
#include "furrow.h"

#define LENGTH(a) (sizeof(a) / sizeof *(a))

enum { SEED = 42, WHOLE = 4000, MOMENTS = 1000000, ULPS = 5 /* the largest distance in `quantiles` */ };

static const furrow_dist_t dists[] = {FURROW_UNIFORM, FURROW_NORMAL};
static const furrow_dtype_t dtypes[] = {FURROW_F4, FURROW_F8};

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static void assert_made(uint64_t seed, furrow_dist_t dist, furrow_dtype_t dtype, int64_t first, int64_t count,
                        void *out)
{
    assert_int_equal(furrow_random(seed, dist, dtype, first, count, out, NULL), FURROW_OK);
}

/* The vectors for philox4x64 with 10 rounds that Random123 publishes in kat_vectors: zeros, ones, digits of pi. */
static void test_random__philox_known_answers(void **state)
{
    static const struct {
        uint64_t counter[4], key[2], out[4];
    } known[] = {{{0, 0, 0, 0},
                  {0, 0},
                  {UINT64_C(0x16554d9eca36314c), UINT64_C(0xdb20fe9d672d0fdc), UINT64_C(0xd7e772cee186176b),
                   UINT64_C(0x7e68b68aec7ba23b)}},
                 {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
                  {UINT64_MAX, UINT64_MAX},
                  {UINT64_C(0x87b092c3013fe90b), UINT64_C(0x438c3c67be8d0224), UINT64_C(0x9cc7d7c69cd777b6),
                   UINT64_C(0xa09caebf594f0ba0)}},
                 {{UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0),
                   UINT64_C(0x082efa98ec4e6c89)},
                  {UINT64_C(0x452821e638d01377), UINT64_C(0xbe5466cf34e90c6c)},
                  {UINT64_C(0xa528f45403e61d95), UINT64_C(0x38c72dbd566e9788), UINT64_C(0xa5a1610e72fd18b5),
                   UINT64_C(0x57bd43b5e52b7fe6)}}};
    uint64_t out[4];

    (void)state;
    for (size_t i = 0; i < LENGTH(known); i++) {
        furrow_philox4x64(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static void test_random__uniform_f8_equals_numpy(void **state)
{
    double out[RANDOM_RUN];

    (void)state;
    for (size_t i = 0; i < LENGTH(numpy_f8); i++) {
        assert_made(numpy_f8[i].seed, FURROW_UNIFORM, FURROW_F8, numpy_f8[i].first, RANDOM_RUN, out);
        assert_memory_equal(out, numpy_f8[i].bits, sizeof out);
    }
}

static void test_random__uniform_f4_equals_numpy(void **state)
{
    float out[RANDOM_RUN];

    (void)state;
    for (size_t i = 0; i < LENGTH(numpy_f4); i++) {
        assert_made(numpy_f4[i].seed, FURROW_UNIFORM, FURROW_F4, numpy_f4[i].first, RANDOM_RUN, out);
        assert_memory_equal(out, numpy_f4[i].bits, sizeof out);
    }
}

static double normal_at(uint64_t k, uint64_t rest)
{
    const uint64_t word = k << 11 | rest;
    double z;

    furrow_random_normals(&word, 1, &z);
    return z;
}

static void test_random__normal_is_near_the_exact_quantile(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(quantiles); i++)
        assert_true(llabs((long long)(bits_of(normal_at(quantiles[i].k, 0)) - quantiles[i].exact)) <= ULPS);
}

static void test_random__normal_has_fixed_bits(void **state)
{
    static double out[CHECKSUM_COUNT];
    uint64_t sum = 0;

    (void)state;
    for (size_t i = 0; i < LENGTH(quantiles); i++)
        assert_int_equal(bits_of(normal_at(quantiles[i].k, 0)), quantiles[i].as241);
    assert_made(CHECKSUM_SEED, FURROW_NORMAL, FURROW_F8, 0, CHECKSUM_COUNT, out);
    for (uint64_t i = 0; i < CHECKSUM_COUNT; i++) sum += bits_of(out[i]) * (2 * i + 1);
    assert_int_equal(sum, CHECKSUM);
}

/* The 11 low bits of a word, which are no part of k, change nothing. */
static void test_random__normal_is_symmetric(void **state)
{
    const uint64_t top = (UINT64_C(1) << 53) - 1;

    (void)state;
    for (size_t i = 0; i < LENGTH(quantiles); i++) {
        const uint64_t k = quantiles[i].k;

        assert_int_equal(bits_of(normal_at(top - k, 0x7ff)), bits_of(-normal_at(k, 0)));
    }
}

static void test_random__normal_f4_is_f8_rounded(void **state)
{
    static double wide[WHOLE];
    static float narrow[WHOLE];

    (void)state;
    assert_made(SEED, FURROW_NORMAL, FURROW_F8, 0, WHOLE, wide);
    assert_made(SEED, FURROW_NORMAL, FURROW_F4, 0, WHOLE, narrow);
    for (int i = 0; i < WHOLE; i++) assert_true(narrow[i] == (float)wide[i]);
}

/* The mean of n values of z^power deviates from that of the distribution, by more than 6 standard deviations sqrt(v /
 * n), once in 5e8 seeds; v = E z^(2 power) - (E z^power)^2 is 1, 2, 15, 96 for powers 1 to 4. */
static void test_random__normal_moments(void **state)
{
    static const double mean[] = {0, 1, 0, 3}, variance[] = {1, 2, 15, 96};
    double *z = malloc(MOMENTS * sizeof *z), sum[4] = {0};

    (void)state;
    assert_non_null(z);
    assert_made(SEED, FURROW_NORMAL, FURROW_F8, 0, MOMENTS, z);
    for (int i = 0; i < MOMENTS; i++) {
        double power = 1;

        for (int j = 0; j < 4; j++) sum[j] += power *= z[i];
    }
    free(z);
    for (int j = 0; j < 4; j++) assert_true(fabs(sum[j] / MOMENTS - mean[j]) < 6 * sqrt(variance[j] / MOMENTS));
}

/* [first, first + count) alone is that part of `whole`, and nothing is written behind it. */
static void assert_slice(furrow_dist_t dist, furrow_dtype_t dtype, const char *whole, int64_t first, int64_t count)
{
    const size_t size = (size_t)furrow_dtype_size(dtype), bytes = (size_t)count * size;
    unsigned char *part = malloc(bytes + 1);

    assert_non_null(part);
    part[bytes] = 0xa5;
    assert_made(SEED, dist, dtype, first, count, part);
    assert_memory_equal(part, whole + (size_t)first * size, bytes);
    assert_int_equal(part[bytes], 0xa5);
    free(part);
}

static void test_random__slices_equal_the_whole(void **state)
{
    static const int64_t firsts[] = {0, 1, 2, 3, 4, 5, 508, 511, 512, 513, 1021, 1023, 1024, 2047, 2999};
    static const int64_t counts[] = {0, 1, 3, 5, 7, 509, 1001};
    static double whole[WHOLE];

    (void)state;
    for (size_t kind = 0; kind < 4; kind++) {
        assert_made(SEED, dists[kind / 2], dtypes[kind % 2], 0, WHOLE, whole);
        for (size_t i = 0; i < LENGTH(firsts); i++)
            for (size_t j = 0; j < LENGTH(counts); j++)
                assert_slice(dists[kind / 2], dtypes[kind % 2], (const char *)whole, firsts[i], counts[j]);
    }
}

static void test_random__the_last_elements(void **state)
{
    double out[3];

    (void)state;
    for (size_t kind = 0; kind < 4; kind++) {
        assert_made(SEED, dists[kind / 2], dtypes[kind % 2], INT64_MAX - 3, 3, out);
        assert_made(SEED, dists[kind / 2], dtypes[kind % 2], INT64_MAX, 0, NULL);
    }
}

static void assert_refused(furrow_dist_t dist, furrow_dtype_t dtype, int64_t first, int64_t count, void *out)
{
    furrow_error_t err = {.status = FURROW_OK};

    assert_int_equal(furrow_random(SEED, dist, dtype, first, count, out, &err), FURROW_EARG);
    assert_int_equal(err.status, FURROW_EARG);
    assert_true(err.text[0] != '\0');
}

static void test_random__refuses_wrong_arguments(void **state)
{
    double out[2] = {7, 7};

    (void)state;
    assert_refused(FURROW_UNIFORM, FURROW_I8, 0, 1, out);
    assert_refused(FURROW_NORMAL, FURROW_F2, 0, 1, out);
    assert_refused((furrow_dist_t)2, FURROW_F8, 0, 1, out);
    assert_refused(FURROW_UNIFORM, FURROW_F8, -1, 1, out);
    assert_refused(FURROW_UNIFORM, FURROW_F8, 0, -1, out);
    assert_refused(FURROW_UNIFORM, FURROW_F8, INT64_MAX, 1, out);
    assert_refused(FURROW_UNIFORM, FURROW_F8, 0, 1, NULL);
    assert_true(out[0] == 7 && out[1] == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random__philox_known_answers),
        cmocka_unit_test(test_random__uniform_f8_equals_numpy),
        cmocka_unit_test(test_random__uniform_f4_equals_numpy),
        cmocka_unit_test(test_random__normal_is_near_the_exact_quantile),
        cmocka_unit_test(test_random__normal_has_fixed_bits),
        cmocka_unit_test(test_random__normal_is_symmetric),
        cmocka_unit_test(test_random__normal_f4_is_f8_rounded),
        cmocka_unit_test(test_random__normal_moments),
        cmocka_unit_test(test_random__slices_equal_the_whole),
        cmocka_unit_test(test_random__the_last_elements),
        cmocka_unit_test(test_random__refuses_wrong_arguments),
    };

    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
