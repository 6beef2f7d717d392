/* Rounding at its edges, by cases whose answers are known from how they are made. */
#include "support.h"

#include <float.h>
#include <math.h>

#include "round.h"

#define LEAST 0x1p-1074

/* The exact sum of a list of doubles, rounded. */
#define ROUNDED(...) rounded((const double[]){__VA_ARGS__}, COUNT(((const double[]){__VA_ARGS__})))
#define MEAN(...) mean((const double[]){__VA_ARGS__}, COUNT(((const double[]){__VA_ARGS__})))
#define NORM2(...) norm2((const double[]){__VA_ARGS__}, COUNT(((const double[]){__VA_ARGS__})))
#define VAR(ddof, ...) variance((const double[]){__VA_ARGS__}, COUNT(((const double[]){__VA_ARGS__})), ddof, false)
#define STD(ddof, ...) variance((const double[]){__VA_ARGS__}, COUNT(((const double[]){__VA_ARGS__})), ddof, true)

static double rounded(const double *x, size_t n)
{
    furrow_exact_t sum = sum_of(x, n);
    return furrow_round_sum(&sum, (int64_t)n);
}

static double mean(const double *x, size_t n)
{
    furrow_exact_t sum = sum_of(x, n);
    return furrow_round_mean(&sum, (int64_t)n);
}

static double norm2(const double *x, size_t n)
{
    furrow_exact_t squares = dot_of(x, x, n);
    return furrow_round_sqrt(&squares);
}

static double variance(const double *x, size_t n, int64_t ddof, bool root)
{
    furrow_exact_t sum = sum_of(x, n), squares = dot_of(x, x, n);
    return furrow_round_variance(&sum, &squares, (int64_t)n, ddof, root);
}

/* x + y plus sign * 2^-2148, which no double can be: the last bit of the smallest product. */
static double rounded_beside(double x, double y, double sign)
{
    furrow_exact_t sum = sum_of((const double[]){x, y}, 2);
    furrow_exact_add_product(&sum, LEAST, sign * LEAST);
    return furrow_round_sum(&sum, 3);
}

/* -------------------------------------------------------------------------------------------------------- halves */

/* Half a unit above x goes to the even neighbour; a bit 2000 places lower decides otherwise. */
static void check_half(double x, double half)
{
    const double next = nextafter(x, half > 0 ? INFINITY : -INFINITY);
    const double even = bits_of(x) % 2 == 0 ? x : next;

    assert_same_double(ROUNDED(x, half), even);
    assert_same_double(rounded_beside(x, half, half > 0 ? 1 : -1), next);
    assert_same_double(rounded_beside(x, half, half > 0 ? -1 : 1), x);
    assert_same_double(ROUNDED(-x, -half), -even);
    assert_same_double(rounded_beside(-x, -half, half > 0 ? -1 : 1), -next);
    assert_same_double(rounded_beside(-x, -half, half > 0 ? 1 : -1), -x);
}

static void test_round__halves(void **fixture)
{
    uint64_t state = 11;

    (void)fixture;
    for (int i = 0; i < 1000; i++) {
        const int exponent = random_between(&state, -1021, 1023);
        const double x = ldexp(1.0 + (double)(random_word(&state) >> 12) * 0x1p-52, exponent);
        check_half(x, ldexp(1.0, exponent - 53));
    }
}

static void test_round__halves_around_powers_of_two(void **fixture)
{
    (void)fixture;
    for (int exponent = -1020; exponent <= 1023; exponent++) {
        const double x = ldexp(1.0, exponent);
        check_half(x, ldexp(1.0, exponent - 53));
        check_half(x, -ldexp(1.0, exponent - 54));              /* the unit below is half as large */
        check_half(nextafter(x, 0), ldexp(1.0, exponent - 54)); /* up to the next binade */
        check_half(nextafter(x, INFINITY), -ldexp(1.0, exponent - 53));
    }
}

/* Half of the least subnormal is no double: by products. */
static double rounded_product_beside(double x, double factor, double sign)
{
    furrow_exact_t sum = sum_of(&x, 1);
    furrow_exact_add_product(&sum, factor, 0.5);
    furrow_exact_add_product(&sum, LEAST, sign * LEAST);
    return furrow_round_sum(&sum, 3);
}

static void check_subnormal_half(double x)
{
    const double next = x + LEAST, even = bits_of(x) % 2 == 0 ? x : next;

    assert_same_double(rounded_product_beside(x, LEAST, 0), even);
    assert_same_double(rounded_product_beside(x, LEAST, 1), next);
    assert_same_double(rounded_product_beside(x, LEAST, -1), x);
    assert_same_double(rounded_product_beside(-x, -LEAST, -0.0), -even);
    assert_same_double(rounded_product_beside(-x, -LEAST, -1), -next);
    assert_same_double(rounded_product_beside(-x, -LEAST, 1), -x);
}

static void test_round__subnormal(void **fixture)
{
    (void)fixture;
    check_subnormal_half(0.0);
    check_subnormal_half(LEAST);
    check_subnormal_half(2 * LEAST);
    check_subnormal_half(DBL_MIN - 2 * LEAST);
    check_subnormal_half(DBL_MIN - LEAST); /* up to the least normal */
    check_subnormal_half(DBL_MIN);
    check_subnormal_half(2 * DBL_MIN - LEAST);
    for (int exponent = -1074; exponent < -1020; exponent++) check_subnormal_half(ldexp(1.0, exponent));
    assert_same_double(ROUNDED(DBL_MIN, -LEAST), DBL_MIN - LEAST);
    assert_same_double(ROUNDED(DBL_MIN - LEAST, LEAST), DBL_MIN);
}

static void test_round__infinity_or_largest(void **fixture)
{
    const double half = 0x1p970;

    (void)fixture;
    assert_same_double(ROUNDED(DBL_MAX, half), INFINITY); /* 2^1024 - 2^970, to even */
    assert_same_double(ROUNDED(DBL_MAX, half, LEAST), INFINITY);
    assert_same_double(ROUNDED(DBL_MAX, half, -LEAST), DBL_MAX);
    assert_same_double(rounded_beside(DBL_MAX, half, -1), DBL_MAX);
    assert_same_double(rounded_beside(-DBL_MAX, -half, 1), -DBL_MAX);
    assert_same_double(ROUNDED(-DBL_MAX, -half), -INFINITY);
    assert_same_double(ROUNDED(DBL_MAX, DBL_MAX), INFINITY);
    assert_same_double(ROUNDED(DBL_MAX, DBL_MAX, -DBL_MAX), DBL_MAX);
    assert_same_double(ROUNDED(0x1p1023, 0x1p1023), INFINITY); /* a power of two has few bits */
    assert_same_double(ROUNDED(-0x1p1023, -0x1p1023), -INFINITY);
    assert_same_double(ROUNDED(0x1p1023, 0x1p1022), 0x1.8p1023);
}

/* ---------------------------------------------------------------------------------------- zeros, NaN, infinities */

static void test_round__sign_of_zero(void **fixture)
{
    (void)fixture;
    assert_same_double(rounded(NULL, 0), 0.0);
    assert_same_double(ROUNDED(-0.0), -0.0);
    assert_same_double(ROUNDED(-0.0, -0.0), -0.0);
    assert_same_double(ROUNDED(-0.0, 0.0), 0.0);
    assert_same_double(ROUNDED(1.0, -1.0), 0.0);
    assert_same_double(ROUNDED(-1.0, -0.0, 1.0), 0.0);
    assert_same_double(MEAN(-0.0, -0.0), -0.0);
    assert_same_double(MEAN(-0.0, 0.0), 0.0);
    assert_same_double(NORM2(-0.0), 0.0);
    assert_same_double(VAR(0, -0.0), 0.0);
}

/* A sum too small for any double keeps its sign. */
static void test_round__sign_of_underflow(void **fixture)
{
    furrow_exact_t down = dot_of((const double[]){LEAST}, (const double[]){-LEAST}, 1);
    furrow_exact_t up = dot_of((const double[]){LEAST}, (const double[]){LEAST}, 1);
    furrow_exact_t zero = dot_of((const double[]){-0.0, 0.0}, (const double[]){LEAST, -1.0}, 2);

    (void)fixture;
    assert_same_double(furrow_round_sum(&down, 1), -0.0);
    assert_same_double(furrow_round_mean(&down, 1), -0.0);
    assert_same_double(furrow_round_sum(&up, 1), 0.0);
    assert_same_double(furrow_round_sum(&zero, 2), -0.0);
    assert_same_double(MEAN(-LEAST, -0.0, -0.0), -0.0); /* a third */
    furrow_exact_merge(&zero, &down);
    assert_true(zero.not_neg_zero > 0);
}

static void test_round__not_finite(void **fixture)
{
    (void)fixture;
    assert_same_double(ROUNDED(1.0, NAN), NAN);
    assert_same_double(ROUNDED(INFINITY, -INFINITY), NAN);
    assert_same_double(ROUNDED(INFINITY, NAN), NAN);
    assert_same_double(ROUNDED(INFINITY, -DBL_MAX, INFINITY), INFINITY);
    assert_same_double(ROUNDED(-INFINITY, DBL_MAX, DBL_MAX), -INFINITY);
    assert_same_double(MEAN(INFINITY, 1.0), INFINITY);
    assert_same_double(MEAN(-INFINITY, 1.0), -INFINITY);
    assert_same_double(MEAN(INFINITY, -INFINITY), NAN);
    assert_same_double(NORM2(-INFINITY, 1.0), INFINITY);
    assert_same_double(NORM2(-INFINITY, NAN), NAN);
    assert_same_double(VAR(0, INFINITY, 1.0), NAN);
    assert_same_double(STD(0, NAN, 1.0), NAN);
}

static double product(double x, double y)
{
    furrow_exact_t sum = dot_of(&x, &y, 1);
    return furrow_round_sum(&sum, 1);
}

static void test_round__products_not_finite(void **fixture)
{
    (void)fixture;
    assert_same_double(product(INFINITY, 0.0), NAN);
    assert_same_double(product(-0.0, -INFINITY), NAN);
    assert_same_double(product(NAN, 0.0), NAN);
    assert_same_double(product(INFINITY, -LEAST), -INFINITY);
    assert_same_double(product(-INFINITY, -INFINITY), INFINITY);
    assert_same_double(product(DBL_MAX, -DBL_MAX), -INFINITY);
    assert_same_double(product(0x1p-600, -0x1p-600), -0.0);
}

static void test_round__no_terms(void **fixture)
{
    (void)fixture;
    assert_same_double(mean(NULL, 0), NAN);
    assert_same_double(norm2(NULL, 0), 0.0);
    assert_same_double(variance(NULL, 0, 0, false), NAN);
    assert_same_double(VAR(1, 3.0), NAN);
    assert_same_double(STD(2, 3.0, 4.0), NAN);
    assert_same_double(STD(3, 3.0, 4.0), NAN);
    assert_same_double(VAR(0, 3.0), 0.0);
}

/* ------------------------------------------------------------------------------------------ norm, mean, variance */

static void test_round__norm2(void **fixture)
{
    (void)fixture;
    assert_same_double(NORM2(3.0, 4.0), 5.0);
    assert_same_double(NORM2(1e200, 1e200), 0x1.d8f9811335b57p+664);
    assert_same_double(NORM2(1e-200, 1e-200), 0x1.151f68876f410p-664);
    assert_same_double(NORM2(0x3p600, 0x4p600), 0x5p600);
    assert_same_double(NORM2(0x3p-700, 0x4p-700), 0x5p-700);
    assert_same_double(NORM2(DBL_MAX, DBL_MAX), INFINITY);
    assert_same_double(NORM2(DBL_MAX), DBL_MAX);
    assert_same_double(NORM2(-DBL_MAX, LEAST), DBL_MAX);
    assert_same_double(NORM2(LEAST), LEAST);
    assert_same_double(NORM2(LEAST, LEAST), LEAST);
    assert_same_double(NORM2(LEAST, LEAST, LEAST), 2 * LEAST);
    assert_same_double(NORM2(3 * LEAST, -4 * LEAST), 5 * LEAST);
}

/* The root of a square is its side, also a hair beside the square. */
static void test_round__roots_of_squares(void **fixture)
{
    uint64_t state = 13;

    (void)fixture;
    for (int i = 0; i < 2000; i++) {
        const double x = ldexp(1.0 + random_unit(&state), random_between(&state, -1074, 1022));
        furrow_exact_t square = dot_of(&x, &x, 1);
        assert_same_double(furrow_round_sqrt(&square), x);
        furrow_exact_add_product(&square, LEAST, x > 1 ? -LEAST : LEAST);
        assert_same_double(furrow_round_sqrt(&square), x);
    }
}

/* sqrt((x + half a unit)^2): to even; a hair beside it, to that side. */
static void test_round__roots_of_halves(void **fixture)
{
    uint64_t state = 17;

    (void)fixture;
    for (int i = 0; i < 1000; i++) {
        const int exponent = random_between(&state, -900, 1000);
        const double x = ldexp(1.0 + (double)(random_word(&state) >> 12) * 0x1p-52, exponent),
                     next = nextafter(x, INFINITY);
        const double a[] = {x, ldexp(2.0, exponent - 53), ldexp(1.0, exponent - 53)};
        furrow_exact_t square = dot_of(a, (const double[]){x, x, a[2]}, 3), above = square, below = square;
        furrow_exact_t little_above = square;

        assert_same_double(furrow_round_sqrt(&square), bits_of(x) % 2 == 0 ? x : next);
        furrow_exact_add_product(&above, LEAST, LEAST);
        assert_same_double(furrow_round_sqrt(&above), next);
        furrow_exact_add_product(&little_above, ldexp(1.0, exponent), ldexp(1.0, exponent - 100));
        assert_same_double(furrow_round_sqrt(&little_above), next);
        furrow_exact_add_product(&below, LEAST, -LEAST);
        assert_same_double(furrow_round_sqrt(&below), x);
    }
}

static void test_round__mean(void **fixture)
{
    (void)fixture;
    assert_same_double(MEAN(DBL_MAX, DBL_MAX, DBL_MAX), DBL_MAX);
    assert_same_double(MEAN(DBL_MAX, DBL_MAX, -DBL_MAX, -DBL_MAX, 4.0), 0.8);
    assert_same_double(MEAN(1.0, 2.0), 1.5);
    assert_same_double(MEAN(1.0, 0.0, 0.0), 1.0 / 3);
    assert_same_double(MEAN(LEAST, 0.0), 0.0); /* half: to even */
    assert_same_double(MEAN(3 * LEAST, 0.0), 2 * LEAST);
    assert_same_double(MEAN(2 * LEAST, 0.0, 0.0), LEAST);
    assert_same_double(MEAN(0.1, 0.1, 0.1, 0.1, 0.1, 0.1), 0.1);
}

/* Where sum and count are integers below 2^53, the quotient of doubles is correctly rounded. */
static void test_round__mean_of_integers(void **fixture)
{
    uint64_t state = 19;

    (void)fixture;
    for (int i = 0; i < 5000; i++) {
        const double total = (double)(int64_t)(random_word(&state) >> random_between(&state, 11, 60));
        const int64_t count = (int64_t)(random_word(&state) >> random_between(&state, 11, 63)) | 1;
        furrow_exact_t sum = sum_of(&total, 1);
        assert_same_double(furrow_round_mean(&sum, count), total / (double)count);
    }
}

static void test_round__mean_of_huge_counts(void **fixture)
{
    furrow_exact_t sum = sum_of((const double[]){0x1p63, -1.0}, 2), one = sum_of((const double[]){1.0}, 1);

    (void)fixture;
    assert_same_double(furrow_round_mean(&sum, INT64_MAX), 1.0);
    assert_same_double(furrow_round_mean(&one, INT64_MAX), 0x1p-63); /* 2^-63 (1 + 2^-63 + ...) */
}

/* The same quotient as of small counts, but for a power of two. */
static void test_round__mean_of_scaled_counts(void **fixture)
{
    uint64_t state = 53;

    (void)fixture;
    for (int i = 0; i < 2000; i++) {
        const int shift = random_between(&state, 10, 60);
        const int64_t odd = (int64_t)(random_word(&state) >> (shift + 2)) | 1;
        const double total = (double)(int64_t)(random_word(&state) >> 11);
        furrow_exact_t sum = sum_of(&total, 1);
        assert_same_double(furrow_round_mean(&sum, odd << shift), ldexp(total / (double)odd, -shift));
    }
}

/* A remainder of the division decides where the quotient seems to be a half. */
static void test_round__mean_beside_half(void **fixture)
{
    (void)fixture;
    assert_same_double(MEAN(3.0, 0x3p-53, 0.0), 1.0);
    assert_same_double(MEAN(3.0, 0x3p-53, 0x1p-1024), 1.0 + 0x1p-52);
    assert_same_double(MEAN(3.0 + 0x3p-51, -0x3p-53, -0x1p-1024), 1.0 + 0x1p-52);
}

static void test_round__variance(void **fixture)
{
    (void)fixture;
    assert_same_double(VAR(0, 1e16, 1e16 + 2, 1e16 + 4), 8.0 / 3);
    assert_same_double(VAR(1, 1e16, 1e16 + 2, 1e16 + 4), 4.0);
    assert_same_double(STD(1, 1e16, 1e16 + 2, 1e16 + 4), 2.0);
    assert_same_double(VAR(0, 1e15, 1e15 + 1, 1e15 + 2), 2.0 / 3);
    assert_same_double(STD(0, 2, 4, 4, 4, 5, 5, 7, 9), 2.0);
    assert_same_double(STD(0, 0.0, 2.0), 1.0);
    assert_same_double(STD(0, 0.0, 0.0, 0.0, 0x1.8p-700, 0x1.8p-700, 0x1.8p-700), 0x1.8p-701);
    assert_same_double(VAR(0, 0.0, 0x1p-700), 0.0); /* 2^-1402 */
    assert_same_double(STD(0, 0.0, 0x1p-700), 0x1p-701);
    assert_same_double(VAR(0, DBL_MAX, -DBL_MAX), INFINITY);
    assert_same_double(STD(0, DBL_MAX, -DBL_MAX), DBL_MAX);
    assert_same_double(STD(1, DBL_MAX, -DBL_MAX), INFINITY);
    assert_same_double(STD(0, LEAST, -LEAST), LEAST);
    assert_same_double(VAR(0, 0.1, 0.1, 0.1), 0.0);
    assert_same_double(VAR(0, DBL_MAX, LEAST, -DBL_MAX, LEAST), INFINITY);
}

/* Of three terms of sum 1, with ddof 2, it is squares - 1/3. Here the squares are a half and (1 - 4^-512) / 3, which is
 * 1/3 but for less than 2^-1024. */
static void test_round__variance_beside_half(void **fixture)
{
    furrow_exact_t sum = sum_of((const double[]){1.0}, 1), below = {0}, above;

    (void)fixture;
    for (int k = 1; k <= 512; k++) furrow_exact_add(&below, ldexp(1.0, -2 * k));
    above = below;
    furrow_exact_add(&above, 0x1p-1024);
    furrow_exact_add(&above, 1.0);
    furrow_exact_add(&above, 0x1p-53);
    furrow_exact_add(&below, 1.0);
    furrow_exact_add(&below, 0x3p-53);
    assert_same_double(furrow_round_variance(&sum, &above, 3, 2, false), 1.0 + 0x1p-52);
    assert_same_double(furrow_round_variance(&sum, &below, 3, 2, false), 1.0 + 0x1p-52);
}

/* n terms of sum 0 and deviation 1 + 2^-53, a half, with n near 2^62; `last` more or less in the 130th bit of the
 * squares. */
static double deviation_near_half(int64_t last)
{
    const int64_t n = (INT64_C(1) << 62) - 1;
    furrow_exact_t sum = {0}, squares = {0};

    furrow_exact_add_scaled(&squares, n, 0); /* n (1 + 2^-52 + 2^-106), rounded up to a multiple of 2^-68 */
    furrow_exact_add_scaled(&squares, n, -52);
    furrow_exact_add_scaled(&squares, (INT64_C(1) << 24) + last, -68);
    return furrow_round_variance(&sum, &squares, n, 0, true);
}

static void test_round__deviation_beside_half(void **fixture)
{
    (void)fixture;
    assert_same_double(deviation_near_half(0), 1.0 + 0x1p-52);
    assert_same_double(deviation_near_half(-1), 1.0);
}

/* Of k equal numbers among n - k zeros, with k (n - k) a square: the variance is k (n - k) / n^2. */
static void test_round__deviation_of_perfect_square(void **fixture)
{
    (void)fixture;
    assert_same_double(STD(0, 5, 0, 0, 0, 0), 2.0);                 /* sqrt(1 * 4) */
    assert_same_double(STD(0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0), 3.0); /* sqrt(1 * 9) */
    assert_same_double(STD(0, 1, 0, 0, 0, 0), 0.4);                 /* 2 / 5, no double */
    assert_same_double(STD(0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0.3);
    assert_same_double(STD(0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0), 0.4); /* sqrt(2 * 8) / 10 */
}

/* Of two terms, half their difference; of many, as of few. */
static void test_round__variance_of_pairs(void **fixture)
{
    uint64_t state = 23;

    (void)fixture;
    for (int i = 0; i < 200; i++) {
        const int64_t a = (int64_t)(random_word(&state) >> 38), b = (int64_t)(random_word(&state) >> 38);
        const double scale = ldexp(1.0, random_between(&state, -480, 450)), half = fabs((double)(a - b)) / 2 * scale;
        const double x[] = {(double)a * scale, (double)b * scale};
        furrow_exact_t sum = sum_of(x, 2), squares = dot_of(x, x, 2);

        for (int k = 0; k < 40; k++) {
            const int64_t count = INT64_C(2) << k;
            assert_same_double(furrow_round_variance(&sum, &squares, count, 0, false), half * half);
            assert_same_double(furrow_round_variance(&sum, &squares, count, 0, true), half);
            assert_same_double(furrow_round_variance(&sum, &squares, count, count / 2, false), 2 * half * half);
            furrow_exact_merge(&sum, &sum);
            furrow_exact_merge(&squares, &squares);
        }
    }
}

/* Rounding leaves the value as it was. */
static void test_round__keeps_the_sum(void **fixture)
{
    const double x[] = {0.1, -1e300, 7e-310};
    furrow_exact_t sum = sum_of(x, 3), squares = dot_of(x, x, 3);
    const furrow_exact_t sum_before = sum, squares_before = squares;
    int64_t integer;
    char text[8];

    (void)fixture;
    furrow_round_sum(&sum, 3);
    furrow_round_mean(&sum, 3);
    furrow_round_variance(&sum, &squares, 3, 0, true);
    furrow_round_sqrt(&squares);
    furrow_round_int64(&sum, &integer);
    furrow_round_decimal(&sum, text, sizeof text);
    assert_true(same_sum(sum, sum_before));
    assert_true(same_sum(squares, squares_before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round__halves),
        cmocka_unit_test(test_round__halves_around_powers_of_two),
        cmocka_unit_test(test_round__subnormal),
        cmocka_unit_test(test_round__infinity_or_largest),
        cmocka_unit_test(test_round__sign_of_zero),
        cmocka_unit_test(test_round__sign_of_underflow),
        cmocka_unit_test(test_round__not_finite),
        cmocka_unit_test(test_round__products_not_finite),
        cmocka_unit_test(test_round__no_terms),
        cmocka_unit_test(test_round__norm2),
        cmocka_unit_test(test_round__roots_of_squares),
        cmocka_unit_test(test_round__roots_of_halves),
        cmocka_unit_test(test_round__mean),
        cmocka_unit_test(test_round__mean_of_integers),
        cmocka_unit_test(test_round__mean_of_huge_counts),
        cmocka_unit_test(test_round__mean_of_scaled_counts),
        cmocka_unit_test(test_round__mean_beside_half),
        cmocka_unit_test(test_round__variance),
        cmocka_unit_test(test_round__variance_beside_half),
        cmocka_unit_test(test_round__deviation_beside_half),
        cmocka_unit_test(test_round__deviation_of_perfect_square),
        cmocka_unit_test(test_round__variance_of_pairs),
        cmocka_unit_test(test_round__keeps_the_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
