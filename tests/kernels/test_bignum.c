/* Identities of big integers, with pseudo-random numbers. */
#include "bignum.h"
#include "support.h"

static furrow_big_t random_big(uint64_t *state, int most_digits)
{
    furrow_big_t a;

    a.length = random_between(state, 1, most_digits);
    for (int i = 0; i < a.length; i++) {
        const uint64_t word = random_word(state);
        a.digit[i] = (uint32_t)(word >> 60 == 0 ? 0 : word >> 60 == 1 ? UINT32_MAX : word);
    }
    furrow_big_trim(&a);
    return a;
}

static void assert_same_big(const furrow_big_t *a, const furrow_big_t *b)
{
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->digit, b->digit, (size_t)a->length * sizeof a->digit[0]);
}

static void test_bignum__divide(void **fixture)
{
    uint64_t state = 29;

    (void)fixture;
    for (int i = 0; i < 5000; i++) {
        const furrow_big_t a = random_big(&state, FURROW_BIG_DIGITS - 2);
        const uint64_t factor = random_word(&state) >> random_between(&state, 0, 63) | 1;
        furrow_big_t b = a, c = a;

        furrow_big_multiply_small(&b, factor);
        assert_int_equal(furrow_big_divide_small(&b, factor), 0);
        assert_same_big(&b, &a);
        const uint64_t rest = furrow_big_divide_small(&c, factor); /* a = quotient * factor + rest */
        furrow_big_multiply_small(&c, factor);
        b = a;
        furrow_big_subtract(&b, &c);
        assert_true(rest < factor && b.length <= 2);
        assert_int_equal((b.length > 0 ? b.digit[0] : 0) | (b.length > 1 ? (uint64_t)b.digit[1] << 32 : 0), rest);
    }
}

/* (a + b) c - b c = a c, by a product of a long and a short number, and its digits one by one. */
static void test_bignum__multiply(void **fixture)
{
    uint64_t state = 31;

    (void)fixture;
    for (int i = 0; i < 2000; i++) {
        const furrow_big_t a = random_big(&state, 250), b = random_big(&state, 60);
        furrow_big_t product_ab, product_ba, left;

        furrow_big_multiply(&product_ab, &a, &b);
        furrow_big_multiply(&product_ba, &b, &a);
        assert_same_big(&product_ab, &product_ba);
        left = product_ab;
        for (int digit = b.length - 1; digit >= 0; digit--) { /* take a * b.digit[i] * 2^(32 i) away */
            furrow_big_t part = a;
            furrow_big_multiply_small(&part, b.digit[digit]);
            furrow_big_shift_left(&part, 32 * digit);
            furrow_big_subtract(&left, &part);
        }
        assert_int_equal(left.length, 0);
    }
}

static void test_bignum__shift(void **fixture)
{
    uint64_t state = 37;

    (void)fixture;
    for (int i = 0; i < 5000; i++) {
        const furrow_big_t a = random_big(&state, 200);
        const int shift = random_between(&state, 0, 3000);
        furrow_big_t b = a, c = a;

        furrow_big_shift_left(&b, shift);
        assert_int_equal(furrow_big_bits(&b), a.length == 0 ? 0 : furrow_big_bits(&a) + shift);
        assert_false(furrow_big_shift_right(&b, shift));
        assert_same_big(&b, &a);
        const bool lost = furrow_big_shift_right(&c, shift);
        furrow_big_shift_left(&c, shift);
        furrow_big_subtract(&b, &c); /* what fell off */
        assert_int_equal(lost, b.length > 0);
        assert_true(furrow_big_bits(&b) <= shift);
    }
}

static void test_bignum__shift_is_multiplication(void **fixture)
{
    uint64_t state = 41;

    (void)fixture;
    for (int i = 0; i < 2000; i++) {
        const int shift = random_between(&state, 0, 63);
        furrow_big_t a = random_big(&state, 200), b = a;

        furrow_big_shift_left(&a, shift);
        furrow_big_multiply_small(&b, UINT64_C(1) << shift);
        assert_same_big(&a, &b);
    }
}

static void test_bignum__bits(void **fixture)
{
    (void)fixture;
    for (int bits = 1; bits <= 32 * (FURROW_BIG_DIGITS - 1); bits++) {
        furrow_big_t a = {.length = 1, .digit = {1}};
        furrow_big_shift_left(&a, bits - 1);
        assert_int_equal(furrow_big_bits(&a), bits);
    }
    assert_int_equal(furrow_big_bits(&(furrow_big_t){.length = 0}), 0);
}

/* 10^n - 1 is n nines. */
static void test_bignum__decimal(void **fixture)
{
    char text[3100];
    furrow_big_t power = {.length = 1, .digit = {1}}, one = power;

    (void)fixture;
    for (size_t n = 1; n <= 3000; n++) {
        furrow_big_multiply_small(&power, 10);
        if (n % 37 != 1) continue;
        furrow_big_t nines = power;
        furrow_big_subtract(&nines, &one);
        furrow_big_decimal(&nines, text, sizeof text);
        assert_int_equal(strlen(text), n);
        assert_int_equal(strspn(text, "9"), n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bignum__divide), cmocka_unit_test(test_bignum__multiply),
        cmocka_unit_test(test_bignum__shift),  cmocka_unit_test(test_bignum__shift_is_multiplication),
        cmocka_unit_test(test_bignum__bits),   cmocka_unit_test(test_bignum__decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
