/* The superaccumulator against exact rational arithmetic (data/make_exact.py), by every way that leads to a result:
 * term by term, by every kernel table, in pieces merged in any order. */
#include "support.h"

#include <math.h>

#include "data/exact_values.h"
#include "round.h"
#include "table.h"

enum { MOST_TERMS = 128 };

/* The sums that all reductions come from. */
typedef struct {
    furrow_exact_t sum, sum_abs, sum_squares, dot;
} sums_t;

static void terms_of(const struct exact_case *c, double *x, double *y)
{
    assert_true(c->n <= MOST_TERMS);
    memcpy(x, exact_terms + c->first, c->n * sizeof *x);
    memcpy(y, exact_terms + c->first + c->n, c->n * sizeof *y);
}

static void check_results(const struct exact_case *c, sums_t *s)
{
    const int64_t n = (int64_t)c->n;

    assert_same_double(furrow_round_sum(&s->sum, n), double_of(c->sum));
    assert_same_double(furrow_round_sum(&s->sum_abs, n), double_of(c->sum_abs));
    assert_same_double(furrow_round_sum(&s->sum_squares, n), double_of(c->sum_squares));
    assert_same_double(furrow_round_sum(&s->dot, n), double_of(c->dot));
    assert_same_double(furrow_round_sqrt(&s->sum_squares), double_of(c->norm2));
    assert_same_double(furrow_round_mean(&s->sum, n), double_of(c->mean));
    for (int ddof = 0; ddof < 2; ddof++) {
        assert_same_double(furrow_round_variance(&s->sum, &s->sum_squares, n, ddof, false),
                           double_of(c->ddof[ddof].var));
        assert_same_double(furrow_round_variance(&s->sum, &s->sum_squares, n, ddof, true),
                           double_of(c->ddof[ddof].std));
    }
}

static void add_terms(sums_t *s, const double *x, const double *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        furrow_exact_add(&s->sum, x[i]);
        furrow_exact_add(&s->sum_abs, fabs(x[i]));
        furrow_exact_add_product(&s->sum_squares, x[i], x[i]);
        furrow_exact_add_product(&s->dot, x[i], y[i]);
    }
}

static void test_exact__term_by_term(void **fixture)
{
    double x[MOST_TERMS], y[MOST_TERMS];

    (void)fixture;
    for (const struct exact_case *c = exact_cases; c < exact_cases + EXACT_CASES; c++) {
        sums_t s = {0};
        terms_of(c, x, y);
        add_terms(&s, x, y, c->n);
        check_results(c, &s);
    }
}

static void check_kernels(const furrow_kernels_t *k, const struct exact_case *c)
{
    double x[MOST_TERMS], y[MOST_TERMS];
    sums_t s = {0};

    terms_of(c, x, y);
    k->sum[FURROW_ELEM_f8](&s.sum, x, c->n);
    k->sum_abs[FURROW_ELEM_f8](&s.sum_abs, x, c->n);
    k->sum_squares[FURROW_ELEM_f8](&s.sum_squares, x, c->n);
    k->dot[FURROW_ELEM_f8](&s.dot, x, y, c->n);
    check_results(c, &s);
}

static void test_exact__every_table(void **fixture)
{
    (void)fixture;
    for (int i = 0; furrow_kernels_at(i) != NULL; i++)
        for (int c = 0; c < EXACT_CASES; c++) check_kernels(furrow_kernels_at(i), &exact_cases[c]);
}

static void merge_sums(sums_t *into, sums_t *from)
{
    furrow_exact_merge(&into->sum, &from->sum);
    furrow_exact_merge(&into->sum_abs, &from->sum_abs);
    furrow_exact_merge(&into->sum_squares, &from->sum_squares);
    furrow_exact_merge(&into->dot, &from->dot);
}

/* Terms dealt to `parts` accumulators at random, which then merge pairwise at random. */
static void sum_in_parts(const struct exact_case *c, int parts, uint64_t *state, sums_t *total)
{
    double x[MOST_TERMS], y[MOST_TERMS];
    sums_t part[7];

    assert_true(parts <= (int)COUNT(part));
    memset(part, 0, sizeof part);
    terms_of(c, x, y);
    for (size_t i = 0; i < c->n; i++) add_terms(&part[random_between(state, 0, parts - 1)], &x[i], &y[i], 1);
    for (int left = parts; left > 1; left--) {
        const int from = random_between(state, 0, left - 1), into = (from + random_between(state, 1, left - 1)) % left;
        merge_sums(&part[into], &part[from]);
        part[from] = part[left - 1];
    }
    *total = part[0];
}

static void test_exact__any_order_and_grouping(void **fixture)
{
    uint64_t state = 1;
    sums_t whole, total;

    (void)fixture;
    for (const struct exact_case *c = exact_cases; c < exact_cases + EXACT_CASES; c++) {
        sum_in_parts(c, 1, &state, &whole);
        for (int parts = 2; parts <= 7; parts++) {
            sum_in_parts(c, parts, &state, &total);
            assert_true(same_sum(total.sum, whole.sum));
            assert_true(same_sum(total.sum_abs, whole.sum_abs));
            assert_true(same_sum(total.sum_squares, whole.sum_squares));
            assert_true(same_sum(total.dot, whole.dot));
            check_results(c, &total);
        }
    }
}

/* Merging keeps the value of what is merged, and counts what is not finite. */
static void test_exact__merge_counts(void **fixture)
{
    furrow_exact_t a = sum_of((const double[]){NAN, INFINITY, 1.5}, 3);
    furrow_exact_t b = sum_of((const double[]){-INFINITY, NAN, -INFINITY, -0.0, -0.5}, 5), kept = b;

    (void)fixture;
    furrow_exact_merge(&a, &b);
    assert_int_equal(a.nan, 2);
    assert_int_equal(a.plus_inf, 1);
    assert_int_equal(a.minus_inf, 2);
    assert_true(a.not_neg_zero > 0);
    assert_true(same_sum(b, kept));
    a.nan = a.plus_inf = a.minus_inf = 0;
    assert_same_double(furrow_round_sum(&a, 8), 1.0);
}

/* Carries wait in the digits through 2^20 adds, of either sign, between two normalizations. */
static void test_exact__equal_terms(void **fixture)
{
    static const double terms[] = {0.1,         -0.1, 0x1.fffffffffffffp+1023, -0x1.fffffffffffffp+1023, -0x1p-1074,
                                   0x1.8p-1040, -1.0};

    (void)fixture;
    for (size_t t = 0; t < COUNT(terms); t++) {
        furrow_exact_t many = {0}, doubled = sum_of(&terms[t], 1), products = many;
        for (int i = 0; i < 1 << 20; i++) {
            furrow_exact_add(&many, terms[t]);
            furrow_exact_add_product(&products, terms[t], -1.0);
        }
        for (int i = 0; i < 20; i++) furrow_exact_merge(&doubled, &doubled);
        assert_true(same_sum(many, doubled));
        assert_same_double(furrow_round_sum(&many, 1 << 20), ldexp(terms[t], 20));
        furrow_exact_merge(&products, &many);
        assert_same_double(furrow_round_sum(&products, 1), 0.0);
    }
}

/* 2^40 times the terms of a case, as a big job has them: mean and deviation stay, the sum grows. */
static void test_exact__repeated_2_40_times(void **fixture)
{
    (void)fixture;
    for (const struct exact_case *c = exact_cases; c < exact_cases + EXACT_CASES; c++) {
        double x[MOST_TERMS], y[MOST_TERMS];
        sums_t s = {0};
        const int64_t n = (int64_t)c->n << 40;

        terms_of(c, x, y);
        add_terms(&s, x, y, c->n);
        for (int i = 0; i < 40; i++) merge_sums(&s, &s);
        assert_same_double(furrow_round_mean(&s.sum, n), double_of(c->mean));
        assert_same_double(furrow_round_variance(&s.sum, &s.sum_squares, n, 0, false), double_of(c->ddof[0].var));
        assert_same_double(furrow_round_variance(&s.sum, &s.sum_squares, n, 0, true), double_of(c->ddof[0].std));
        if (c->norm2 >> 52 > 0 && c->norm2 >> 52 < 0x7ff - 20)
            assert_same_double(furrow_round_sqrt(&s.sum_squares), ldexp(double_of(c->norm2), 20));
    }
}

/* Canonical forms add word by word, as MPI adds them: 2^31 of them fit. */
static void test_exact__word_by_word(void **fixture)
{
    (void)fixture;
    for (const struct exact_case *c = exact_cases; c < exact_cases + EXACT_CASES; c++) {
        double x[MOST_TERMS], y[MOST_TERMS];
        terms_of(c, x, y);
        furrow_exact_t words = sum_of(x, c->n), merged = words;

        furrow_exact_normalize(&words);
        for (int i = 0; i < FURROW_EXACT_DIGITS; i++) words.digit[i] *= INT64_C(1) << 31;
        for (int i = 0; i < 31; i++) furrow_exact_merge(&merged, &merged);
        assert_true(same_sum(words, merged));
    }
}

static void test_exact__normal_form(void **fixture)
{
    (void)fixture;
    for (const struct exact_case *c = exact_cases; c < exact_cases + EXACT_CASES; c++) {
        double x[MOST_TERMS], y[MOST_TERMS];
        terms_of(c, x, y);
        furrow_exact_t a = dot_of(x, y, c->n);
        furrow_exact_normalize(&a);
        for (int i = 0; i < FURROW_EXACT_DIGITS - 1; i++) assert_in_range((uint64_t)a.digit[i], 0, 0xffffffffu);

        const furrow_exact_t once = a;
        furrow_exact_normalize(&a);
        assert_memory_equal(&a, &once, sizeof a);
    }
}

/* What is added and taken away again leaves no digit behind. */
static void test_exact__inverse(void **fixture)
{
    static const furrow_exact_t empty;
    uint64_t state = 7;
    furrow_exact_t acc = empty;

    (void)fixture;
    for (int i = 0; i < 2000; i++) {
        const double x = double_of(random_word(&state) & ~(UINT64_C(1) << 62)), y = double_of(random_word(&state) | 1);
        if (!isfinite(x) || !isfinite(y)) continue;
        furrow_exact_add(&acc, x);
        furrow_exact_add_product(&acc, x, y);
        furrow_exact_add_product(&acc, -y, x);
        furrow_exact_add(&acc, -x);
    }
    furrow_exact_normalize(&acc);
    assert_memory_equal(acc.digit, empty.digit, sizeof acc.digit);
}

/* A double, a product and a scaled integer of the same value are the same sum. */
static void test_exact__same_value_three_ways(void **fixture)
{
    uint64_t state = 3;

    (void)fixture;
    for (int i = 0; i < 2000; i++) {
        const int64_t value = (int64_t)(random_word(&state) >> 11) - (INT64_C(1) << 52);
        const int exponent = random_between(&state, -1074, 970), part = random_between(&state, -500, 0);
        furrow_exact_t scaled = {0};
        const double x = ldexp((double)value, exponent);
        const furrow_exact_t plain = sum_of(&x, 1);
        const double factor = ldexp((double)value, exponent / 2 + part),
                     other = ldexp(1.0, exponent - exponent / 2 - part);
        const furrow_exact_t product = dot_of(&factor, &other, 1);

        furrow_exact_add_scaled(&scaled, value, exponent);
        scaled.not_neg_zero = 1;
        assert_true(same_sum(scaled, plain));
        assert_true(same_sum(product, plain));
    }
}

/* Scaled integers at the ends of both ranges. */
static void test_exact__scaled_limits(void **fixture)
{
    static const int64_t values[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX};

    (void)fixture;
    for (size_t v = 0; v < COUNT(values); v++)
        for (int exponent = FURROW_EXACT_LOW_BIT; exponent <= 2000; exponent++) {
            furrow_exact_t one = {0}, parts = one;
            furrow_exact_add_scaled(&one, values[v], exponent);
            if (exponent > FURROW_EXACT_LOW_BIT) /* 2 a 2^(e - 1) */
                for (int i = 0; i < 2; i++) furrow_exact_add_scaled(&parts, values[v], exponent - 1);
            else
                parts = one;
            assert_true(same_sum(one, parts));
        }
}

static furrow_int128_t random_int128(uint64_t *state)
{
    const furrow_uint128_t high = random_word(state);
    return (furrow_int128_t)(high << 64 | random_word(state)) >> random_between(state, 0, 127);
}

/* Sums of 128-bit integers: in parts as a whole, and back as a double where it fits. */
static void test_exact__int128(void **fixture)
{
    uint64_t state = 5;

    (void)fixture;
    for (int i = 0; i < 2000; i++) {
        const furrow_int128_t a = random_int128(&state) >> 1, b = random_int128(&state) >> 1;
        const int exponent = random_between(&state, 0, 200);
        furrow_exact_t parts = {0}, whole = parts, narrow = parts;

        furrow_exact_add_int128(&parts, a, exponent);
        furrow_exact_add_int128(&parts, b, exponent);
        furrow_exact_add_int128(&whole, a + b, exponent);
        assert_true(same_sum(parts, whole));
        furrow_exact_add_int128(&narrow, a >> 74, exponent);
        assert_same_double(furrow_round_sum(&narrow, 1), ldexp((double)(int64_t)(a >> 74), exponent));
    }
}

static void test_exact__clear(void **fixture)
{
    static const furrow_exact_t empty;
    furrow_exact_t acc;

    (void)fixture;
    memset(&acc, 0xff, sizeof acc);
    furrow_exact_clear(&acc);
    assert_memory_equal(&acc, &empty, sizeof acc);
    assert_int_equal(sizeof acc, FURROW_EXACT_WORDS * sizeof(int64_t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact__term_by_term),
        cmocka_unit_test(test_exact__every_table),
        cmocka_unit_test(test_exact__any_order_and_grouping),
        cmocka_unit_test(test_exact__merge_counts),
        cmocka_unit_test(test_exact__equal_terms),
        cmocka_unit_test(test_exact__repeated_2_40_times),
        cmocka_unit_test(test_exact__word_by_word),
        cmocka_unit_test(test_exact__normal_form),
        cmocka_unit_test(test_exact__inverse),
        cmocka_unit_test(test_exact__same_value_three_ways),
        cmocka_unit_test(test_exact__scaled_limits),
        cmocka_unit_test(test_exact__int128),
        cmocka_unit_test(test_exact__clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
