/* Running sums, sorting and the largest elements of rows. */
#include "rows_support.h"

#include <stdlib.h>

#include "data/rows_values.h"

static float f4_out[MOST];

static double f8_out[MOST], f8_scratch[2 * MOST];

/* -------------------------------------------------------------------------------------------------------------- cumsum
 */
/* The sign of 2 sum - a - b: on which side of the middle of two floats a sum is. */
static double side(const furrow_exact_t *sum, float a, float b)
{
    furrow_exact_t twice = *sum, copy = *sum;

    furrow_exact_merge(&twice, &copy);
    furrow_exact_add(&twice, -(double)a);
    furrow_exact_add(&twice, -(double)b);
    return furrow_round_sum(&twice, 1);
}

static void check_nearest_float(furrow_exact_t *sum, float found)
{
    const double truth = furrow_round_sum(sum, 1);
    uint32_t bits;

    if (!isfinite(found) || truth == 0.0) {
        assert_same_double((double)found, (double)(float)truth);
        return;
    }
    memcpy(&bits, &found, sizeof bits);
    const double above = side(sum, found, nextafterf(found, INFINITY)),
                 below = side(sum, found, nextafterf(found, -INFINITY));
    assert_true(above <= 0.0 && below >= 0.0);
    assert_true((above != 0.0 && below != 0.0) || (bits & 1) == 0);
}

static void check_cumsum(size_t n)
{
    furrow_exact_t sum_f4, sum_f8;

    furrow_exact_clear(&sum_f4);
    furrow_exact_clear(&sum_f8);
    assert_int_equal(furrow_row_cumsum(FURROW_ELEM_f4, f4_row, n, f4_out), n);
    assert_int_equal(furrow_row_cumsum(FURROW_ELEM_f8, f8_row, n, f8_out), n);
    for (size_t i = 0; i < n; i++) {
        furrow_exact_add(&sum_f4, (double)f4_row[i]);
        furrow_exact_add(&sum_f8, f8_row[i]);
        check_nearest_float(&sum_f4, f4_out[i]);
        assert_same_double(f8_out[i], furrow_round_sum(&sum_f8, 1));
    }
    assert_int_equal(furrow_row_cumsum(FURROW_ELEM_f8, f8_row, n, f8_row), n); /* in place */
    assert_memory_equal(f8_row, f8_out, n * sizeof *f8_row);
}

static void test_rows_order__cumsum_of_every_nature(void **fixture)
{
    uint64_t state = 13;

    (void)fixture;
    for (int nature = 0; nature < NATURES; nature++)
        for (size_t l = 0; l < COUNT(lengths) - 4; l++) {
            fill_rows(nature, lengths[l], &state);
            check_cumsum(lengths[l]);
        }
}

static void test_rows_order__cumsum_of_integers(void **fixture)
{
    static const int8_t i1[] = {-128, -128, 127};
    static const uint16_t u2[] = {65535, 65535};
    static const int64_t high[] = {INT64_MAX - 1, 1, 0, 1, 5}, low[] = {INT64_MIN, 1, -1, -1};
    static const uint64_t u8[] = {UINT64_MAX, 0, 1};
    int64_t sum[5] = {0};
    uint64_t unsigned_sum[3] = {0};

    (void)fixture;
    assert_int_equal(furrow_row_cumsum(FURROW_ELEM_i1, i1, 3, sum), 3);
    assert_true(sum[0] == -128 && sum[1] == -256 && sum[2] == -129);
    assert_int_equal(furrow_row_cumsum(FURROW_ELEM_u2, u2, 2, unsigned_sum), 2);
    assert_true(unsigned_sum[1] == 131070);
    assert_int_equal(furrow_row_cumsum(FURROW_ELEM_i8, high, 5, sum), 3);
    assert_true(sum[1] == INT64_MAX && sum[2] == INT64_MAX && sum[3] == 0);
    assert_int_equal(furrow_row_cumsum(FURROW_ELEM_i8, low, 4, sum), 3);
    assert_int_equal(furrow_row_cumsum(FURROW_ELEM_u8, u8, 3, unsigned_sum), 2);
    assert_int_equal(furrow_row_cumsum(FURROW_ELEM_u8, u8, 0, unsigned_sum), 0);
}

/* --------------------------------------------------------------------------------------------------------------- order
 */
/* NumPy's order, but that it has no order of zeros. */
static void test_rows_order__sort_as_numpy(void **fixture)
{
    (void)fixture;
    furrow_row_sort(FURROW_ELEM_f4, unsorted_f4, COUNT(unsorted_f4), f4_out, f8_scratch);
    assert_memory_equal(f4_out, sorted_f4, sizeof sorted_f4);
    furrow_row_sort(FURROW_ELEM_f8, unsorted_f8, COUNT(unsorted_f8), f8_out, f8_scratch);
    assert_memory_equal(f8_out, sorted_f8, sizeof sorted_f8);
}

/* NaN, which stand last, are in the way of no number. */
static void test_rows_order__topk_as_numpy(void **fixture)
{
    enum { N = COUNT(sorted_f8), NANS = 2 };

    (void)fixture;
    for (size_t k = 0; k <= N; k++) {
        furrow_row_topk(FURROW_ELEM_f8, unsorted_f8, N, k, f8_out, f8_scratch);
        furrow_row_topk(FURROW_ELEM_f4, unsorted_f4, N, k, f4_out, f8_scratch);
        for (size_t i = 0; i < k; i++) {
            const size_t from = i < N - NANS ? N - NANS - 1 - i : i;
            assert_memory_equal(&f8_out[i], &sorted_f8[from], sizeof(double));
            assert_memory_equal(&f4_out[i], &sorted_f4[from], sizeof(float));
        }
    }
}

/* By the values, as C compares them; zeros by sign; NaN by sign and bits. */
#define BEFORE_INTEGER(a, b) ((a) < (b))
#define BEFORE_FLOAT(a, b) float_before((double)(a), (double)(b))

static bool float_before(double a, double b)
{
    if (isnan(a) || isnan(b)) return !isnan(a) && isnan(b);
    return a < b || (a == b && signbit(a) && !signbit(b));
}

#define ORDER_ORACLE(name, type, BEFORE)                                                                               \
    static int compare_##name(const void *a, const void *b)                                                            \
    {                                                                                                                  \
        const type x = *(const type *)a, y = *(const type *)b;                                                         \
        return BEFORE(x, y) ? -1 : BEFORE(y, x) ? 1 : 0;                                                               \
    }                                                                                                                  \
    static void check_order_##name(const type *x, size_t n, size_t k)                                                  \
    {                                                                                                                  \
        static type sorted[MOST], out[MOST], scratch[2 * MOST];                                                        \
        size_t nans = 0;                                                                                               \
                                                                                                                       \
        memcpy(sorted, x, n * sizeof *x);                                                                              \
        if (n > 0) qsort(sorted, n, sizeof *x, compare_##name);                                                        \
        furrow_row_sort(FURROW_ELEM_##name, x, n, out, scratch);                                                       \
        for (size_t i = 0; i < n; i++) assert_int_equal(compare_##name(&out[i], &sorted[i]), 0);                       \
        memcpy(out, x, n * sizeof *x);                                                                                 \
        furrow_row_sort(FURROW_ELEM_##name, out, n, out, scratch);                                                     \
        for (size_t i = 0; i < n; i++) assert_int_equal(compare_##name(&out[i], &sorted[i]), 0);                       \
        for (size_t i = 0; i < n; i++) nans += x[i] != x[i];                                                           \
        furrow_row_topk(FURROW_ELEM_##name, x, n, k, out, scratch);                                                    \
        for (size_t i = 0; i < k; i++) {                                                                               \
            const type truth = i < n - nans ? sorted[n - nans - 1 - i] : sorted[i];                                    \
            assert_int_equal(compare_##name(&out[i], &truth), 0);                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    static void order_##name(uint64_t *state, size_t n, int kind)                                                      \
    {                                                                                                                  \
        static type x[MOST];                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                                               \
            const uint64_t word = random_word(state);                                                                  \
            if (kind == 0)                                                                                             \
                memcpy(&x[i], &word, sizeof *x);                                                                       \
            else if (kind == 1)                                                                                        \
                x[i] = (type)(int8_t)(word % 5) - (type)2;                                                             \
            else                                                                                                       \
                x[i] = (type)(kind == 2 ? i : n - i);                                                                  \
        }                                                                                                              \
        check_order_##name(x, n, n == 0 ? 0 : (size_t)(random_word(state) % (n + 1)));                                 \
        check_order_##name(x, n, n / 20);                                                                              \
    }
ORDER_ORACLE(i1, int8_t, BEFORE_INTEGER)
ORDER_ORACLE(i2, int16_t, BEFORE_INTEGER)
ORDER_ORACLE(i4, int32_t, BEFORE_INTEGER)
ORDER_ORACLE(i8, int64_t, BEFORE_INTEGER)
ORDER_ORACLE(u1, uint8_t, BEFORE_INTEGER)
ORDER_ORACLE(u2, uint16_t, BEFORE_INTEGER)
ORDER_ORACLE(u4, uint32_t, BEFORE_INTEGER)
ORDER_ORACLE(u8, uint64_t, BEFORE_INTEGER)
ORDER_ORACLE(f4, float, BEFORE_FLOAT)
ORDER_ORACLE(f8, double, BEFORE_FLOAT)

static void test_rows_order__order_as_qsort(void **fixture)
{
    uint64_t state = 17;

    (void)fixture;
    for (int kind = 0; kind < 4; kind++)
        for (size_t l = 0; l < COUNT(lengths); l++) {
#define ORDER(name, type) order_##name(&state, lengths[l], kind);
            FURROW_ELEM_LIST(ORDER)
#undef ORDER
        }
}

/* NaN keep their bits, and have an order among themselves. */
static void test_rows_order__order_of_nan(void **fixture)
{
    static const uint32_t x[] = {0xffc00001, 0x7f800001, 0x3f800000, 0x7fffffff, 0xffffffff, 0xff800000, 0x7f800000};
    static const uint32_t up[] = {0xff800000, 0x3f800000, 0x7f800000, 0x7f800001, 0x7fffffff, 0xffffffff, 0xffc00001};
    static const uint32_t down[] = {0x7f800000, 0x3f800000, 0xff800000, 0xffc00001, 0xffffffff, 0x7fffffff, 0x7f800001};
    uint32_t out[7], scratch[14];

    (void)fixture;
    furrow_row_sort(FURROW_ELEM_f4, x, 7, out, scratch);
    assert_memory_equal(out, up, sizeof up);
    furrow_row_topk(FURROW_ELEM_f4, x, 7, 7, out, scratch);
    assert_memory_equal(out, down, sizeof down);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_order__cumsum_of_every_nature),
        cmocka_unit_test(test_rows_order__cumsum_of_integers),
        cmocka_unit_test(test_rows_order__sort_as_numpy),
        cmocka_unit_test(test_rows_order__topk_as_numpy),
        cmocka_unit_test(test_rows_order__order_as_qsort),
        cmocka_unit_test(test_rows_order__order_of_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
