/* Conversions by their definitions, histograms against those of NumPy (data/make_histograms.py), and keys. */
#include "support.h"

#include <float.h>
#include <math.h>

#include "convert.h"
#include "data/histogram_values.h"
#include "key.h"

enum { HALVES = 65536 };

/* ------------------------------------------------------------------------------------------------------ elements */

/* (-1)^sign * 2^(exponent - 15) * 1.fraction, as IEEE 754 defines binary16. */
static double half_by_definition(unsigned half)
{
    const int exponent = (int)(half >> 10 & 31);
    const double fraction = (half & 1023) / 1024.0, sign = half >> 15 != 0 ? -1.0 : 1.0;

    if (exponent == 31) return fraction != 0 ? NAN : sign * INFINITY;
    return sign * (exponent == 0 ? ldexp(fraction, -14) : ldexp(1 + fraction, exponent - 15));
}

static void test_convert__halves(void **fixture)
{
    static uint16_t x[HALVES];
    static float out[HALVES];

    (void)fixture;
    for (unsigned i = 0; i < HALVES; i++) x[i] = (uint16_t)i;
    furrow_f4_of_f2(x, HALVES, out);
    for (unsigned i = 0; i < HALVES; i++) assert_same_double((double)out[i], half_by_definition(i));
}

static void test_convert__swap_bytes(void **fixture)
{
    static const size_t sizes[] = {1, 2, 4, 8};
    unsigned char x[25], before[25];

    (void)fixture;
    for (size_t i = 0; i < sizeof before; i++) before[i] = (unsigned char)(i * 37 + 1);
    for (size_t s = 0; s < COUNT(sizes); s++) {
        memcpy(x, before, sizeof x);
        furrow_swap_bytes(x, 24 / sizes[s], sizes[s]);
        for (size_t i = 0; i < 24; i++)
            assert_int_equal(x[i], before[i - i % sizes[s] + (sizes[s] - 1 - i % sizes[s])]);
        assert_int_equal(x[24], before[24]);
    }
}

static void test_convert__swap_none(void **fixture)
{
    uint64_t x = 1;

    (void)fixture;
    furrow_swap_bytes(&x, 0, 8);
    assert_int_equal(x, 1);
}

static void test_convert__bool(void **fixture)
{
    uint8_t x[256];

    (void)fixture;
    for (size_t i = 0; i < 256; i++) x[i] = (uint8_t)i;
    furrow_normalize_bool(x, 255);
    for (size_t i = 0; i < 255; i++) assert_int_equal(x[i], i > 0);
    assert_int_equal(x[255], 255);
}

#define DROP_NAN_TEST(name, type)                                                                                      \
    static void test_convert__drop_nan_##name(void **fixture)                                                          \
    {                                                                                                                  \
        const type x[] = {(type)NAN, 1, -0.0, (type)-NAN, (type)INFINITY, 2, (type)NAN};                               \
        const type kept[] = {1, -0.0, (type)INFINITY, 2};                                                              \
        type out[COUNT(x)], in_place[COUNT(x)];                                                                        \
        (void)fixture;                                                                                                 \
        memcpy(in_place, x, sizeof x);                                                                                 \
        assert_int_equal(furrow_drop_nan_##name(x, COUNT(x), out), COUNT(kept));                                       \
        assert_memory_equal(out, kept, sizeof kept);                                                                   \
        assert_int_equal(furrow_drop_nan_##name(in_place, COUNT(x), in_place), COUNT(kept));                           \
        assert_memory_equal(in_place, kept, sizeof kept);                                                              \
        assert_int_equal(furrow_drop_nan_##name(x, 0, out), 0);                                                        \
        assert_int_equal(furrow_drop_nan_##name(x, 1, out), 0);                                                        \
    }                                                                                                                  \
    static void test_convert__take_second_##name(void **fixture)                                                       \
    {                                                                                                                  \
        const type x[] = {1, 2, 3, 4, 5, 6}, real[] = {1, 3, 5}, imaginary[] = {2, 4, 6};                              \
        type out[3];                                                                                                   \
        (void)fixture;                                                                                                 \
        furrow_take_second_##name(x, 3, out);                                                                          \
        assert_memory_equal(out, real, sizeof real);                                                                   \
        furrow_take_second_##name(x + 1, 3, out);                                                                      \
        assert_memory_equal(out, imaginary, sizeof imaginary);                                                         \
    }
DROP_NAN_TEST(f4, float)
DROP_NAN_TEST(f8, double)

enum { MOST_CELLS = 40 * 40, MOST_BYTES = 16 * MOST_CELLS };

/* Columns of a table of random bytes; what lies between them in `out` stays as it was. */
static void check_gather(size_t row_items, size_t rows, size_t columns, size_t size, size_t stride)
{
    static unsigned char x[MOST_BYTES], out[MOST_BYTES], expected[MOST_BYTES];
    uint64_t state = size;

    assert_true(row_items * rows <= MOST_CELLS && columns * stride <= MOST_CELLS && columns <= row_items &&
                rows <= stride);
    for (size_t i = 0; i < sizeof x; i++) x[i] = (unsigned char)random_word(&state);
    memset(out, 0xee, sizeof out);
    memset(expected, 0xee, sizeof expected);
    for (size_t c = 0; c < columns; c++)
        for (size_t r = 0; r < rows; r++)
            memcpy(expected + (c * stride + r) * size, x + (r * row_items + c) * size, size);
    furrow_gather_columns(x, row_items, rows, columns, size, out, stride);
    assert_memory_equal(out, expected, sizeof out);
}

static void test_convert__gather_columns(void **fixture)
{
    (void)fixture;
    for (size_t size = 1; size <= 16; size *= 2) {
        check_gather(1, 1, 1, size, 1);
        check_gather(40, 40, 40, size, 40);
        check_gather(40, 33, 31, size, 37);
        check_gather(17, 1, 17, size, 3);
        check_gather(3, 40, 1, size, 40);
        check_gather(8, 16, 8, size, 16);
        check_gather(9, 17, 5, size, 64);
        check_gather(5, 0, 5, size, 7);
        check_gather(5, 7, 0, size, 7);
    }
}

/* Every element type, at the ends of its range. */
static void test_convert__to_f8(void **fixture)
{
    double out[2];

    (void)fixture;
#define CHECK(name, type, a, b)                                                                                        \
    furrow_f8_of_elem(FURROW_ELEM_##name, (const type[]){a, b}, 2, out);                                               \
    assert_same_double(out[0], (a));                                                                                   \
    assert_same_double(out[1], (b))
    CHECK(i1, int8_t, -128, 127);
    CHECK(i2, int16_t, -32768, 32767);
    CHECK(i4, int32_t, -2147483647 - 1, 2147483647);
    CHECK(u1, uint8_t, 0, 255);
    CHECK(u2, uint16_t, 0, 65535);
    CHECK(u4, uint32_t, 0, 4294967295);
    CHECK(f4, float, -0.0, 0x1.fffffep+127);
    CHECK(f8, double, -0x1p-1074, DBL_MAX);
#undef CHECK
    furrow_f8_of_elem(FURROW_ELEM_i8, (const int64_t[]){INT64_MIN, INT64_MAX}, 2, out);
    assert_same_double(out[0], -0x1p63);
    assert_same_double(out[1], 0x1p63);
    furrow_f8_of_elem(FURROW_ELEM_u8, (const uint64_t[]){(UINT64_C(1) << 53) + 1, UINT64_MAX}, 2, out);
    assert_same_double(out[0], 0x1p53); /* a half goes to even */
    assert_same_double(out[1], 0x1p64);
}

/* ---------------------------------------------------------------------------------------------------- histograms */

static void check_histogram(const double *x, size_t n, const double *edge, int64_t bins, const int64_t *expected)
{
    int64_t counts[128] = {0};

    assert_true(bins < (int64_t)COUNT(counts));
    furrow_histogram(x, n, edge, bins, counts);
    assert_memory_equal(counts, expected, (size_t)bins * sizeof *counts);
    assert_int_equal(counts[bins], 0);
    furrow_histogram(x, n, edge, bins, counts); /* counts add up */
    for (int64_t b = 0; b < bins; b++) assert_int_equal(counts[b], 2 * expected[b]);
}

static void test_convert__histogram_of_numpy(void **fixture)
{
    (void)fixture;
    for (size_t c = 0; c < COUNT(histogram_cases); c++) {
        const struct histogram_case *h = &histogram_cases[c];
        double x[256], edge[128];

        assert_true(h->n <= COUNT(x) && h->bins < (int64_t)COUNT(edge));
        memcpy(x, histogram_x + h->x, h->n * sizeof *x);
        memcpy(edge, histogram_edge + h->edge, ((size_t)h->bins + 1) * sizeof *edge);
        check_histogram(x, h->n, edge, h->bins, histogram_count + h->count);
    }
}

/* The definition in the header, by edges that no division guesses well. */
static void test_convert__histogram_by_definition(void **fixture)
{
    uint64_t state = 43;

    (void)fixture;
    for (int round = 0; round < 500; round++) {
        const int64_t bins = random_between(&state, 1, 100);
        const double low = ldexp(random_unit(&state) - 0.5, random_between(&state, -20, 20));
        double edge[101], x[300];
        int64_t expected[100] = {0};

        edge[0] = low;
        for (int64_t b = 1; b <= bins; b++)
            edge[b] = edge[b - 1] + ldexp(random_unit(&state), random_between(&state, -25, 5));
        for (size_t i = 0; i < COUNT(x); i++) {
            const int64_t at = random_between(&state, 0, (int)bins);
            x[i] = i % 3 == 0 ? edge[at] : edge[0] + (edge[bins] - edge[0]) * (random_unit(&state) * 1.2 - 0.1);
            for (int64_t b = 0; b < bins; b++)
                if (x[i] >= edge[b] && (x[i] < edge[b + 1] || (b == bins - 1 && x[i] == edge[bins]))) {
                    expected[b]++;
                    break;
                }
        }
        check_histogram(x, COUNT(x), edge, bins, expected);
    }
}

/* Where the width of the range is no double, or is zero. */
static void test_convert__histogram_of_extreme_ranges(void **fixture)
{
    const double x[] = {-DBL_MAX, -1e308, -0.0, 1.0, 1e308, DBL_MAX, INFINITY, NAN};
    const double all[] = {-DBL_MAX, -DBL_MAX / 2, 0, DBL_MAX / 2, DBL_MAX}, point[] = {1.0, 1.0};
    const double subnormal[] = {0, 0x1p-1074, 0x1p-1073};

    (void)fixture;
    check_histogram(x, COUNT(x), all, 4, (const int64_t[]){2, 0, 2, 2});
    check_histogram(x, COUNT(x), point, 1, (const int64_t[]){1});
    check_histogram(subnormal, COUNT(subnormal), subnormal, 2, (const int64_t[]){1, 2});
    check_histogram(x, 0, all, 4, (const int64_t[]){0, 0, 0, 0});
}

/* ---------------------------------------------------------------------------------------------------------- keys */

static void test_convert__keys_of_floats_keep_order(void **fixture)
{
    static const double ascending[] = {-INFINITY, -DBL_MAX,  -1.5,    -1.0, -DBL_MIN, -0x1p-1074, -0.0,
                                       0.0,       0x1p-1074, DBL_MIN, 1.0,  1.5,      DBL_MAX,    INFINITY};
    uint64_t state = 47;

    (void)fixture;
    for (size_t i = 1; i < COUNT(ascending); i++)
        assert_true(furrow_key_of_f8(ascending[i - 1]) < furrow_key_of_f8(ascending[i]));
    for (int i = 0; i < 100000; i++) {
        const double a = double_of(random_word(&state)), b = double_of(random_word(&state));
        if (a != a || b != b) continue;
        assert_int_equal(furrow_key_of_f8(a) < furrow_key_of_f8(b), a < b);
        assert_int_equal(bits_of(furrow_f8_of_key(furrow_key_of_f8(a))), bits_of(a));
        assert_true(furrow_key_flip(furrow_key_flip((int64_t)bits_of(b))) == (int64_t)bits_of(b));
    }
}

static void test_convert__keys_of_integers_keep_order(void **fixture)
{
    static const uint64_t ascending[] = {0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX};

    (void)fixture;
    assert_true(furrow_key_of_u8(0) == INT64_MIN && furrow_key_of_u8(UINT64_MAX) == INT64_MAX);
    for (size_t i = 0; i < COUNT(ascending); i++) {
        assert_int_equal(furrow_u8_of_key(furrow_key_of_u8(ascending[i])), ascending[i]);
        assert_true(i == 0 || furrow_key_of_u8(ascending[i - 1]) < furrow_key_of_u8(ascending[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert__halves),
        cmocka_unit_test(test_convert__swap_bytes),
        cmocka_unit_test(test_convert__swap_none),
        cmocka_unit_test(test_convert__bool),
        cmocka_unit_test(test_convert__drop_nan_f4),
        cmocka_unit_test(test_convert__drop_nan_f8),
        cmocka_unit_test(test_convert__take_second_f4),
        cmocka_unit_test(test_convert__take_second_f8),
        cmocka_unit_test(test_convert__gather_columns),
        cmocka_unit_test(test_convert__to_f8),
        cmocka_unit_test(test_convert__histogram_of_numpy),
        cmocka_unit_test(test_convert__histogram_by_definition),
        cmocka_unit_test(test_convert__histogram_of_extreme_ranges),
        cmocka_unit_test(test_convert__keys_of_floats_keep_order),
        cmocka_unit_test(test_convert__keys_of_integers_keep_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
