/* The superaccumulator, one term at a time. See exact.h for the representation. */
#include "exact.h"

#include <string.h>

enum {
    MANTISSA_BITS = 52,
    EXPONENT_BIAS = 1075, /* value = mantissa * 2^(biased exponent - 1075) for normal numbers */
    DIGIT_BITS = 32
};

#define DIGIT_MASK ((uint64_t)0xffffffffu)

static uint64_t bits_of(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

void furrow_exact_clear(furrow_exact_t *acc)
{
    memset(acc, 0, sizeof *acc);
}

/* A finite double as signed integer times a power of two. */
static int64_t decompose(double x, int *exponent)
{
    const uint64_t b = bits_of(x);
    const int biased = (int)(b >> MANTISSA_BITS) & 0x7ff;
    const int64_t fraction = (int64_t)(b & ((UINT64_C(1) << MANTISSA_BITS) - 1));
    const int64_t mantissa = biased == 0 ? fraction : fraction | INT64_C(1) << MANTISSA_BITS;

    *exponent = (biased == 0 ? 1 : biased) - EXPONENT_BIAS;
    return (b >> 63) != 0 ? -mantissa : mantissa;
}

static bool is_finite(double x)
{
    return ((bits_of(x) >> MANTISSA_BITS) & 0x7ff) != 0x7ff;
}

static void add_nonfinite(furrow_exact_t *acc, double x)
{
    if (x != x)
        acc->nan++;
    else if (x > 0)
        acc->plus_inf++;
    else
        acc->minus_inf++;
    acc->not_neg_zero = 1;
}

static void note_zero_sign(furrow_exact_t *acc, double x)
{
    if (bits_of(x) != UINT64_C(1) << 63) acc->not_neg_zero = 1;
}

void furrow_exact_add_scaled(furrow_exact_t *acc, int64_t value, int exponent)
{
    const int position = exponent - FURROW_EXACT_LOW_BIT;
    const int first = position / DIGIT_BITS;
    const furrow_int128_t shifted = (furrow_int128_t)value * ((furrow_int128_t)1 << position % DIGIT_BITS);

    acc->digit[first] += (int64_t)((uint64_t)shifted & DIGIT_MASK);
    acc->digit[first + 1] += (int64_t)((uint64_t)(shifted >> DIGIT_BITS) & DIGIT_MASK);
    acc->digit[first + 2] += (int64_t)(shifted >> 2 * DIGIT_BITS);
}

void furrow_exact_add(furrow_exact_t *acc, double x)
{
    int exponent;

    if (!is_finite(x)) {
        add_nonfinite(acc, x);
        return;
    }
    note_zero_sign(acc, x);
    const int64_t mantissa = decompose(x, &exponent);
    furrow_exact_add_scaled(acc, mantissa, exponent);
}

void furrow_exact_add_product(furrow_exact_t *acc, double x, double y)
{
    int ex, ey;

    if (!is_finite(x) || !is_finite(y)) {
        add_nonfinite(acc, x * y);
        return;
    }
    /* A product of non-zero numbers that underflows to -0.0 is no zero: look at the factors, not at x * y. */
    if (x != 0.0 && y != 0.0)
        acc->not_neg_zero = 1;
    else
        note_zero_sign(acc, x * y);

    const furrow_int128_t product = (furrow_int128_t)decompose(x, &ex) * decompose(y, &ey);
    const bool negative = product < 0;
    const furrow_uint128_t magnitude = negative ? -(furrow_uint128_t)product : (furrow_uint128_t)product;
    const int64_t low = (int64_t)(magnitude & ((UINT64_C(1) << 62) - 1));
    const int64_t high = (int64_t)(magnitude >> 62);

    furrow_exact_add_scaled(acc, negative ? -low : low, ex + ey);
    furrow_exact_add_scaled(acc, negative ? -high : high, ex + ey + 62);
}

void furrow_exact_add_int128(furrow_exact_t *acc, furrow_int128_t value, int exponent)
{
    const int64_t low = (int64_t)((uint64_t)value & DIGIT_MASK);
    const int64_t middle = (int64_t)((uint64_t)(value >> DIGIT_BITS) & DIGIT_MASK);

    acc->not_neg_zero = 1;
    furrow_exact_add_scaled(acc, low, exponent);
    furrow_exact_add_scaled(acc, middle, exponent + DIGIT_BITS);
    furrow_exact_add_scaled(acc, (int64_t)(value >> 2 * DIGIT_BITS), exponent + 2 * DIGIT_BITS);
}

void furrow_exact_normalize(furrow_exact_t *acc)
{
    int64_t carry = 0;

    for (int i = 0; i < FURROW_EXACT_DIGITS - 1; i++) {
        const int64_t value = acc->digit[i] + carry;
        acc->digit[i] = (int64_t)((uint64_t)value & DIGIT_MASK);
        carry = value >> DIGIT_BITS; /* arithmetic shift: floor */
    }
    acc->digit[FURROW_EXACT_DIGITS - 1] += carry;
}

void furrow_exact_merge(furrow_exact_t *acc, furrow_exact_t *other)
{
    furrow_exact_normalize(other);
    for (int i = 0; i < FURROW_EXACT_DIGITS; i++) acc->digit[i] += other->digit[i];
    acc->nan += other->nan;
    acc->plus_inf += other->plus_inf;
    acc->minus_inf += other->minus_inf;
    acc->not_neg_zero += other->not_neg_zero;
    furrow_exact_normalize(acc);
}
