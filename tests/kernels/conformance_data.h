/* What the conformance test feeds to kernels: kinds of floats and kinds of integers, each with a name and a way to make
 * it. */
#ifndef FURROW_TESTS_CONFORMANCE_DATA_H
#define FURROW_TESTS_CONFORMANCE_DATA_H

#include <math.h>

#include "support.h"

/* -------------------------------------------------------------------------------------------------- data, floats */

/* Exponents that ldexp(a number in [0.5, 1), e) may have in the element type. */
typedef struct {
    int least, largest;
} range_t;

typedef void fill_t(double *x, size_t n, range_t range, uint64_t *state);

static double random_sign(uint64_t *state)
{
    return (random_word(state) & 1) != 0 ? 1.0 : -1.0;
}

static double random_scaled(uint64_t *state, int least, int largest)
{
    return ldexp(random_sign(state) * (0.5 + random_unit(state) / 2), random_between(state, least, largest));
}

static void fill_uniform(double *x, size_t n, range_t range, uint64_t *state)
{
    (void)range;
    for (size_t i = 0; i < n; i++) x[i] = random_unit(state);
}

static void fill_normal(double *x, size_t n, range_t range, uint64_t *state)
{
    (void)range;
    for (size_t i = 0; i < n; i++) {
        x[i] = -6;
        for (int k = 0; k < 12; k++) x[i] += random_unit(state);
    }
}

static void fill_moderate(double *x, size_t n, range_t range, uint64_t *state)
{
    (void)range;
    for (size_t i = 0; i < n; i++) x[i] = random_scaled(state, -30, 30);
}

static void fill_wide(double *x, size_t n, range_t range, uint64_t *state)
{
    for (size_t i = 0; i < n; i++) x[i] = random_scaled(state, range.least, range.largest);
}

static void fill_cancelling(double *x, size_t n, range_t range, uint64_t *state)
{
    fill_wide(x, n, range, state);
    for (size_t i = 1; i < n; i += 2) x[i] = -x[i - 1];
}

static void fill_equal(double *x, size_t n, range_t range, uint64_t *state)
{
    const double value = random_scaled(state, -3, 3);
    (void)range;
    for (size_t i = 0; i < n; i++) x[i] = value;
}

static void fill_zeros(double *x, size_t n, range_t range, uint64_t *state)
{
    (void)range;
    (void)state;
    for (size_t i = 0; i < n; i++) x[i] = 0.0;
}

static void fill_negative_zeros(double *x, size_t n, range_t range, uint64_t *state)
{
    (void)range;
    (void)state;
    for (size_t i = 0; i < n; i++) x[i] = -0.0;
}

/* The sign of the sum hangs on one term. */
static void fill_one_zero(double *x, size_t n, range_t range, uint64_t *state)
{
    fill_negative_zeros(x, n, range, state);
    if (n > 0) x[random_word(state) % n] = 0.0;
}

static void sprinkle(double *x, size_t n, const double *odd, size_t kinds, uint64_t *state)
{
    for (size_t k = 0; k < 1 + n / 1000 && n > 0; k++) x[random_word(state) % n] = odd[k % kinds];
}

static void fill_nan(double *x, size_t n, range_t range, uint64_t *state)
{
    fill_normal(x, n, range, state);
    sprinkle(x, n, (const double[]){NAN, -NAN}, 2, state);
}

static void fill_infinity(double *x, size_t n, range_t range, uint64_t *state)
{
    fill_normal(x, n, range, state);
    sprinkle(x, n, (const double[]){INFINITY}, 1, state);
}

static void fill_nonfinite(double *x, size_t n, range_t range, uint64_t *state)
{
    fill_moderate(x, n, range, state);
    sprinkle(x, n, (const double[]){-INFINITY, NAN, 0.0, INFINITY, -0.0}, 5, state);
}

static void fill_all_nonfinite(double *x, size_t n, range_t range, uint64_t *state)
{
    static const double values[] = {NAN, INFINITY, -INFINITY, 0.0};
    (void)range;
    for (size_t i = 0; i < n; i++) x[i] = values[random_word(state) % COUNT(values)];
}

static void fill_huge(double *x, size_t n, range_t range, uint64_t *state)
{
    for (size_t i = 0; i < n; i++) x[i] = random_scaled(state, range.largest - 4, range.largest);
}

static void fill_subnormal(double *x, size_t n, range_t range, uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        x[i] = ldexp(random_sign(state) * (double)(random_word(state) % 1000), range.least - 1);
}

/* Products of these underflow to zero of either sign, but are no zeros. */
static void fill_tiny_of_one_sign(double *x, size_t n, range_t range, uint64_t *state)
{
    const double sign = random_sign(state);
    for (size_t i = 0; i < n; i++) x[i] = sign * fabs(random_scaled(state, range.least, range.least + 10));
}

static void fill_small(double *x, size_t n, range_t range, uint64_t *state)
{
    for (size_t i = 0; i < n; i++) x[i] = random_scaled(state, range.least / 2 - 20, range.least / 2 + 20);
}

static void scale_from(double *x, size_t first, size_t n, int exponent)
{
    for (size_t i = first; i < n; i++) x[i] = ldexp(x[i], exponent);
}

static void fill_growth(double *x, size_t n, range_t range, uint64_t *state)
{
    fill_uniform(x, n, range, state);
    scale_from(x, n / 2, n, 60);
}

static void fill_decay(double *x, size_t n, range_t range, uint64_t *state)
{
    fill_normal(x, n, range, state);
    scale_from(x, n / 2, n, -60);
}

/* By one binary order after the other. */
static void fill_ramp(double *x, size_t n, range_t range, uint64_t *state)
{
    const int steps = range.largest - range.least;
    for (size_t i = 0; i < n; i++) {
        const int exponent = range.least + (int)(i * (size_t)steps / n);
        x[i] = random_scaled(state, exponent, exponent);
    }
}

static void fill_spikes(double *x, size_t n, range_t range, uint64_t *state)
{
    fill_uniform(x, n, range, state);
    sprinkle(x, n, (double[]){ldexp(0.7, range.largest), ldexp(-0.7, range.least), 1e18}, 3, state);
}

/* Powers of two and their neighbours, around all orders at which a term stops to fit the unit that ones gave. */
static void fill_edges(double *x, size_t n, range_t range, uint64_t *state)
{
    static const double factor[] = {1.0, 1.0 - 0x1p-53, 1.0 + 0x1p-52, 1.0 - 0x1p-24, 1.0 + 0x1p-23};
    (void)range;
    for (size_t i = 0; i < n; i++)
        x[i] = i < n / 4 ? random_sign(state)
                         : ldexp(random_sign(state) * factor[random_word(state) % COUNT(factor)],
                                 random_between(state, -2, 7) - (random_word(state) % 64 == 0 ? 50 : 0));
}

/* All bits of the last place set, a little below ones: around the orders at which something is left of a term. */
static void fill_low_edges(double *x, size_t n, range_t range, uint64_t *state)
{
    (void)range;
    for (size_t i = 0; i < n; i++)
        x[i] = i % 64 == 0 ? 1.0 : random_sign(state) * ldexp(1.0 - 0x1p-53, random_between(state, -52, 0));
}

/* One sign, ones first and then terms as large as a block of ones may meet without a change of its unit. */
static void fill_headroom(double *x, size_t n, range_t range, uint64_t *state)
{
    const double sign = random_sign(state);
    (void)range;
    for (size_t i = 0; i < n; i++) x[i] = i < 512 ? sign : sign * (32.0 - 0x1p-19);
}

/* As fill_headroom, for products: 32 squares stay just within their limit. */
static void fill_square_headroom(double *x, size_t n, range_t range, uint64_t *state)
{
    (void)range;
    (void)state;
    for (size_t i = 0; i < n; i++) x[i] = i < 512 ? 1.0 : 5931641.25 * 0x1p-21; /* below sqrt(8) */
}

/* As fill_square_headroom, just beyond. */
static void fill_square_excess(double *x, size_t n, range_t range, uint64_t *state)
{
    (void)range;
    (void)state;
    for (size_t i = 0; i < n; i++) x[i] = i < 512 ? 1.0 : 5931642.0 * 0x1p-21;
}

/* Squares whose 52 bits of least weight are nearly all set, and so in sums of 64 of them: 16203^2 = -7 modulo 2^16. */
static void fill_low_digits(double *x, size_t n, range_t range, uint64_t *state)
{
    (void)range;
    (void)state;
    for (size_t i = 0; i < n; i++) x[i] = 1.0 + 16203 * 0x1p-52;
}

/* Among ones: multiples of 2^-19, halves of that, and their neighbours down to 2^-71, around all orders at which a term
 * is cut into digits and at which something is left of it. */
static void fill_digits(double *x, size_t n, range_t range, uint64_t *state)
{
    static const double part[] = {0, 0x1p-20, 0x1p-70, 0x1p-71, 0x1p-20 - 0x1p-70, 0x1p-20 + 0x1p-70, 0x3p-70};
    (void)range;
    for (size_t i = 0; i < n; i++)
        x[i] = random_word(state) % 8 == 0
                   ? random_sign(state)
                   : random_sign(state) * 0x1p-19 * (double)(random_word(state) % 3) +
                         random_sign(state) * part[random_word(state) % (i < n / 2 ? 3 : COUNT(part))];
}

/* Terms that fit no block of ones, first and last in chunks of every length. */
static void fill_chunk_edges(double *x, size_t n, range_t range, uint64_t *state)
{
    const double odd[] = {0x1p-71, ldexp(0.7, range.largest), INFINITY, ldexp(-0.7, range.least), -0x1p60};
    for (size_t i = 0; i < n; i++)
        x[i] = i > 0 && (i % 512 == 0 || i % 512 == 511) && random_word(state) % 2 == 0
                   ? odd[random_word(state) % COUNT(odd)]
                   : random_sign(state);
}

/* Around the largest and the least terms whose squares have a double. */
static void fill_roots(double *x, size_t n, range_t range, uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        x[i] = i < n / 2 ? random_scaled(state, range.largest / 2 - 12, range.largest / 2 + 4)
                         : random_scaled(state, range.least / 2 + 20, range.least / 2 + 60);
}

static const struct {
    const char *name;
    fill_t *fill;
} float_data[] = {
    {"uniform", fill_uniform},
    {"normal", fill_normal},
    {"moderate", fill_moderate},
    {"wide", fill_wide},
    {"cancelling", fill_cancelling},
    {"equal", fill_equal},
    {"zeros", fill_zeros},
    {"negative zeros", fill_negative_zeros},
    {"one zero among negative ones", fill_one_zero},
    {"NaN", fill_nan},
    {"infinity", fill_infinity},
    {"NaN and infinities", fill_nonfinite},
    {"nothing finite but zero", fill_all_nonfinite},
    {"huge", fill_huge},
    {"subnormal", fill_subnormal},
    {"tiny, of one sign", fill_tiny_of_one_sign},
    {"small", fill_small},
    {"growth", fill_growth},
    {"decay", fill_decay},
    {"ramp", fill_ramp},
    {"spikes", fill_spikes},
    {"edges", fill_edges},
    {"low edges", fill_low_edges},
    {"headroom", fill_headroom},
    {"headroom of squares", fill_square_headroom},
    {"beyond the headroom of squares", fill_square_excess},
    {"headroom of low digits", fill_low_digits},
    {"digits", fill_digits},
    {"edges of chunks", fill_chunk_edges},
    {"roots of the limits", fill_roots},
};

/* ------------------------------------------------------------------------------------------------ data, integers */

/* 64 bits, of which a narrower type takes the low ones. */
typedef uint64_t word_t(size_t i, int bits, uint64_t *state);

static uint64_t word_random(size_t i, int bits, uint64_t *state)
{
    (void)i;
    (void)bits;
    return random_word(state);
}

static uint64_t word_small(size_t i, int bits, uint64_t *state)
{
    (void)i;
    (void)bits;
    return random_word(state) % 5 - 2;
}

static uint64_t word_zero(size_t i, int bits, uint64_t *state)
{
    (void)i;
    (void)bits;
    (void)state;
    return 0;
}

static uint64_t word_all_bits(size_t i, int bits, uint64_t *state)
{
    return word_zero(i, bits, state) - 1;
}

static uint64_t word_least(size_t i, int bits, uint64_t *state)
{
    return word_zero(i, bits, state) | UINT64_C(1) << (bits - 1);
}

static uint64_t word_largest(size_t i, int bits, uint64_t *state)
{
    return word_least(i, bits, state) - 1;
}

static uint64_t word_extremes(size_t i, int bits, uint64_t *state)
{
    return word_least(i, bits, state) - random_word(state) % 3;
}

static const struct {
    const char *name;
    word_t *word;
} integer_data[] = {
    {"random", word_random}, {"small", word_small},     {"zeros", word_zero},        {"all bits", word_all_bits},
    {"least", word_least},   {"largest", word_largest}, {"extremes", word_extremes},
};

#endif
