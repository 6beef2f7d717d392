/* Exact sums as integers: decimal text and int64_t. */
#include "round.h"
#include "support.h"

static void check_decimal(furrow_exact_t sum, const char *expected)
{
    char text[1400];
    furrow_round_decimal(&sum, text, sizeof text);
    assert_string_equal(text, expected);
}

static furrow_exact_t sum_of_int128(furrow_int128_t value, int exponent)
{
    furrow_exact_t sum = {0};
    furrow_exact_add_int128(&sum, value, exponent);
    return sum;
}

static void test_round_integer__decimal(void **fixture)
{
    const furrow_int128_t half = (furrow_int128_t)1 << 126;

    (void)fixture;
    check_decimal(sum_of(NULL, 0), "0");
    check_decimal(sum_of_int128(0, 0), "0");
    check_decimal(sum_of_int128(-1, 0), "-1");
    check_decimal(sum_of_int128(1000000000, 0), "1000000000");
    check_decimal(sum_of_int128(-1000000000000000007, 0), "-1000000000000000007");
    check_decimal(sum_of_int128(INT64_MAX, 0), "9223372036854775807");
    check_decimal(sum_of_int128(INT64_MIN, 0), "-9223372036854775808");
    check_decimal(sum_of_int128(UINT64_MAX, 0), "18446744073709551615");
    check_decimal(sum_of_int128(half - 1 + half, 0), "170141183460469231731687303715884105727");
    check_decimal(sum_of_int128(-half - half, 0), "-170141183460469231731687303715884105728");
    check_decimal(sum_of_int128(1, 200), "1606938044258990275541962092341162602522202993782792835301376");
}

/* 2^20 * 255^2, and the squares of the largest 64-bit numbers. */
static void test_round_integer__decimal_of_sums(void **fixture)
{
    furrow_exact_t sum = sum_of_int128(255 * 255, 0), wide = {0};

    (void)fixture;
    for (int i = 0; i < 20; i++) furrow_exact_merge(&sum, &sum);
    check_decimal(sum, "68183654400");
    const furrow_uint128_t square = (furrow_uint128_t)UINT64_MAX * UINT64_MAX;
    furrow_exact_add_int128(&wide, (furrow_int128_t)(uint64_t)square, 0);
    furrow_exact_add_int128(&wide, (furrow_int128_t)(square >> 64), 64);
    check_decimal(wide, "340282366920938463426481119284349108225");
    for (int i = 0; i < 30; i++) furrow_exact_merge(&wide, &wide);
    check_decimal(wide, "365375409332725729511307126921938586118284902400");
}

static void test_round_integer__decimal_is_cut(void **fixture)
{
    furrow_exact_t sum = sum_of_int128(-1234567890, 0);
    char text[16];

    (void)fixture;
    memset(text, 'x', sizeof text);
    furrow_round_decimal(&sum, text, 5);
    assert_string_equal(text, "-123");
    assert_int_equal(text[5], 'x');
    furrow_round_decimal(&sum, text, 1);
    assert_string_equal(text, "");
    furrow_round_decimal(&sum, text, 12);
    assert_string_equal(text, "-1234567890");
}

static void check_int64(furrow_int128_t value)
{
    const bool fits = value >= INT64_MIN && value <= INT64_MAX;
    furrow_exact_t sum = sum_of_int128(value, 0);
    int64_t out = 42;

    assert_int_equal(furrow_round_int64(&sum, &out), fits);
    assert_int_equal(out, fits ? (int64_t)value : 42);
}

static void test_round_integer__int64(void **fixture)
{
    static const int64_t near[] = {INT64_MIN, INT64_MIN / 2, -(INT64_C(1) << 32), 0, INT64_C(1) << 32, INT64_MAX};

    (void)fixture;
    for (size_t i = 0; i < COUNT(near); i++)
        for (int beside = -3; beside <= 3; beside++) check_int64((furrow_int128_t)near[i] + beside);
    for (int bit = 0; bit < 126; bit++) {
        check_int64((furrow_int128_t)1 << bit);
        check_int64(-((furrow_int128_t)1 << bit));
    }
}

static void test_round_integer__int64_of_doubles(void **fixture)
{
    furrow_exact_t half = sum_of((const double[]){0.5}, 1), huge = sum_of((const double[]){0x1p900}, 1);
    furrow_exact_t whole = sum_of((const double[]){0.5, 1.5}, 2), zero = sum_of((const double[]){0.5, -0.5}, 2);
    int64_t out;

    (void)fixture;
    assert_false(furrow_round_int64(&half, &out));
    assert_false(furrow_round_int64(&huge, &out));
    assert_true(furrow_round_int64(&whole, &out));
    assert_int_equal(out, 2);
    assert_true(furrow_round_int64(&zero, &out));
    assert_int_equal(out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_integer__decimal),          cmocka_unit_test(test_round_integer__decimal_of_sums),
        cmocka_unit_test(test_round_integer__decimal_is_cut),   cmocka_unit_test(test_round_integer__int64),
        cmocka_unit_test(test_round_integer__int64_of_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
