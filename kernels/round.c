/* A rational number (big integer) * 2^exponent / divisors is brought to a quotient of at least 64 bits plus one "sticky" bit that
 * says whether anything was left over; that is all that rounding to 53 bits needs. */
#include "round.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "bignum.h"

enum {
    PRECISION = 53,
    LEAST_EXPONENT = -1074, /* of the last bit of a subnormal */
    LARGEST_EXPONENT = 1024 /* 2^1024 is out of range */
};

/* magnitude * 2^exponent, plus less than one unit of the last place if `sticky`. */
typedef struct {
    furrow_big_t magnitude;
    int exponent;
    bool negative, sticky;
} wide_t;

static wide_t wide_of(furrow_exact_t *sum)
{
    wide_t w = {.exponent = FURROW_EXACT_LOW_BIT};
    furrow_exact_t positive;

    furrow_exact_normalize(sum);
    w.negative = sum->digit[FURROW_EXACT_DIGITS - 1] < 0;
    positive = *sum;
    if (w.negative) {
        for (int i = 0; i < FURROW_EXACT_DIGITS; i++) positive.digit[i] = -positive.digit[i];
        furrow_exact_normalize(&positive);
    }
    int low = 0;
    while (low < FURROW_EXACT_DIGITS && positive.digit[low] == 0) low++;
    for (int i = low; i < FURROW_EXACT_DIGITS; i++) w.magnitude.digit[i - low] = (uint32_t)positive.digit[i];
    w.magnitude.length = FURROW_EXACT_DIGITS - low;
    w.exponent += 32 * low;
    furrow_big_trim(&w.magnitude);
    return w;
}

static uint64_t low_64(const furrow_big_t *a)
{
    return (a->length > 0 ? a->digit[0] : 0) | (a->length > 1 ? (uint64_t)a->digit[1] << 32 : 0);
}

static double round_wide(wide_t *w)
{
    const int bits = furrow_big_bits(&w->magnitude);
    int drop = bits - PRECISION;
    double rounded;

    if (bits == 0) return w->negative ? -0.0 : 0.0; /* only exact zeros: a sticky quotient has 64 bits */
    if (w->exponent + drop < LEAST_EXPONENT) drop = LEAST_EXPONENT - w->exponent;
    if (drop > 0) {
        w->sticky = furrow_big_shift_right(&w->magnitude, drop - 1) || w->sticky; /* one bit more: the half */
        uint64_t kept = low_64(&w->magnitude);
        const bool half = (kept & 1) != 0;
        kept >>= 1;
        if (half && (w->sticky || (kept & 1) != 0)) kept++;
        rounded = ldexp((double)kept, w->exponent + drop);
    } else {
        rounded = bits + w->exponent > LARGEST_EXPONENT ? INFINITY
                                                        : ldexp((double)low_64(&w->magnitude), w->exponent);
    }
    return w->negative ? -rounded : rounded;
}

/* Scale so that the magnitude has at least `bits` bits. */
static void widen(wide_t *w, int bits)
{
    const int missing = bits - furrow_big_bits(&w->magnitude);

    if (missing <= 0 || w->magnitude.length == 0) return;
    furrow_big_shift_left(&w->magnitude, missing);
    w->exponent -= missing;
}

static void divide(wide_t *w, uint64_t divisor)
{
    widen(w, 130); /* a divisor takes up to 64 bits; the quotient keeps at least 66 */
    w->sticky = furrow_big_divide_small(&w->magnitude, divisor) != 0 || w->sticky;
}

/* floor(sqrt(x)), bit by bit. */
static uint64_t root_128(furrow_uint128_t x, bool *exact)
{
    furrow_uint128_t root = 0;

    for (int bit = 63; bit >= 0; bit--) {
        const furrow_uint128_t trial = root | (furrow_uint128_t)1 << bit;
        if (trial * trial <= x) root = trial;
    }
    *exact = root * root == x;
    return (uint64_t)root;
}

/* Of the floor of a number, floor(sqrt) is the same: bring the magnitude to 127 or 128 bits and an even exponent. */
static void take_root(wide_t *w)
{
    bool exact;

    if (w->magnitude.length == 0) return;
    widen(w, 128);
    int drop = furrow_big_bits(&w->magnitude) - 128;
    if ((w->exponent + drop) % 2 != 0) drop++;
    w->sticky = furrow_big_shift_right(&w->magnitude, drop) || w->sticky;
    w->exponent = (w->exponent + drop) / 2;

    furrow_uint128_t x = 0;
    for (int i = w->magnitude.length - 1; i >= 0; i--) x = x << 32 | w->magnitude.digit[i];
    const uint64_t root = root_128(x, &exact);
    w->magnitude.digit[0] = (uint32_t)root;
    w->magnitude.digit[1] = (uint32_t)(root >> 32);
    w->magnitude.length = 2;
    furrow_big_trim(&w->magnitude);
    w->sticky = w->sticky || !exact;
}

static bool has_nonfinite(const furrow_exact_t *sum, double *value)
{
    if (sum->nan > 0 || (sum->plus_inf > 0 && sum->minus_inf > 0)) *value = NAN;
    else if (sum->plus_inf > 0) *value = INFINITY;
    else if (sum->minus_inf > 0) *value = -INFINITY;
    else return false;
    return true;
}

static bool is_zero(const wide_t *w)
{
    return w->magnitude.length == 0;
}

double furrow_round_sum(furrow_exact_t *sum, int64_t count)
{
    double value;

    if (has_nonfinite(sum, &value)) return value;
    wide_t w = wide_of(sum);
    if (is_zero(&w)) return count > 0 && sum->not_neg_zero == 0 ? -0.0 : 0.0;
    return round_wide(&w);
}

double furrow_round_sqrt(furrow_exact_t *sum)
{
    double value;

    if (has_nonfinite(sum, &value)) return value;
    wide_t w = wide_of(sum);
    assert(!w.negative);
    take_root(&w);
    return round_wide(&w);
}

double furrow_round_mean(furrow_exact_t *sum, int64_t count)
{
    double value;

    if (count == 0) return NAN;
    if (has_nonfinite(sum, &value)) return value;
    wide_t w = wide_of(sum);
    if (is_zero(&w)) return furrow_round_sum(sum, count);
    divide(&w, (uint64_t)count);
    return round_wide(&w);
}

/* a -= b, where a >= b >= 0 as numbers. */
static void subtract(wide_t *a, wide_t *b)
{
    const int least = a->exponent < b->exponent ? a->exponent : b->exponent;

    if (is_zero(b)) return;
    furrow_big_shift_left(&a->magnitude, a->exponent - least);
    furrow_big_shift_left(&b->magnitude, b->exponent - least);
    a->exponent = least;
    furrow_big_subtract(&a->magnitude, &b->magnitude);
}

double furrow_round_variance(furrow_exact_t *sum, furrow_exact_t *squares, int64_t count, int64_t ddof, bool root)
{
    double value;

    if (count <= ddof || has_nonfinite(squares, &value)) return NAN;
    wide_t w = wide_of(squares);
    const wide_t s = wide_of(sum);
    wide_t square = {.exponent = 2 * s.exponent};
    furrow_big_multiply_small(&w.magnitude, (uint64_t)count);
    furrow_big_multiply(&square.magnitude, &s.magnitude, &s.magnitude);
    subtract(&w, &square);
    if (!is_zero(&w)) {
        widen(&w, 260); /* two divisors of up to 64 bits, and 128 bits for a root */
        divide(&w, (uint64_t)count);
        divide(&w, (uint64_t)(count - ddof));
    }
    if (root) take_root(&w);
    return round_wide(&w);
}

void furrow_round_decimal(furrow_exact_t *sum, char *out, size_t size)
{
    wide_t w = wide_of(sum);

    if (w.exponent > 0) furrow_big_shift_left(&w.magnitude, w.exponent);
    else furrow_big_shift_right(&w.magnitude, -w.exponent);
    if (w.negative && size > 1) {
        *out++ = '-';
        size--;
    }
    furrow_big_decimal(&w.magnitude, out, size);
}

bool furrow_round_int64(furrow_exact_t *sum, int64_t *out)
{
    wide_t w = wide_of(sum);
    const uint64_t limit = (uint64_t)INT64_MAX + (w.negative ? 1 : 0);
    bool lost = false;

    if (!is_zero(&w) && furrow_big_bits(&w.magnitude) + w.exponent > 64) return false;
    if (w.exponent > 0) furrow_big_shift_left(&w.magnitude, w.exponent);
    else lost = furrow_big_shift_right(&w.magnitude, -w.exponent);
    if (lost || furrow_big_bits(&w.magnitude) > 64 || low_64(&w.magnitude) > limit) return false;
    *out = w.negative ? (int64_t)-low_64(&w.magnitude) : (int64_t)low_64(&w.magnitude);
    return true;
}
