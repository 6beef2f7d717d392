/* A rational number (big integer) * 2^exponent / divisors is brought to a quotient of at least 64 bits plus one
 * "sticky" bit that says whether anything was left over; that is all that rounding to 53 bits needs. */
#include "round.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "bignum.h"
#include "vector.h"

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

/* The digits from the lowest to the highest that is not zero: first = last = DIGITS for an empty sum. */
static void find_window(const furrow_exact_t *sum, int *first, int *last)
{
    enum { GROUP = 8, GROUPS = FURROW_EXACT_DIGITS / GROUP };
    int low = 0, high = GROUPS;
    uint64_t used[GROUPS];

    for (int g = 0; g < GROUPS; g++) {
        used[g] = 0;
        for (int i = 0; i < GROUP; i++) used[g] |= (uint64_t)sum->digit[GROUP * g + i];
    }
    while (low < GROUPS && used[low] == 0) low++;
    while (high > low && used[high - 1] == 0) high--;
    *first = GROUP * low;
    *last = GROUP * high;
    while (*first < *last && sum->digit[*first] == 0) ++*first;
    while (*first < *last && sum->digit[*last - 1] == 0) --*last;
}

/* From -x in two's complement, without the sign digits above, to x. */
static void negate(furrow_big_t *m)
{
    uint64_t carry = 1;

    for (int i = 0; i < m->length; i++) {
        carry += (uint32_t)~m->digit[i];
        m->digit[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0) m->digit[m->length++] = 1;
}

/* Carries are propagated on the way, within the digits in use: the sum may be in any form. */
static void read_wide(const furrow_exact_t *sum, wide_t *w)
{
    int first, last;
    int64_t carry = 0;
    furrow_big_t *const m = &w->magnitude;

    find_window(sum, &first, &last);
    m->length = 0;
    w->exponent = FURROW_EXACT_LOW_BIT + 32 * first;
    w->sticky = false;
    for (int i = first; i < last || (carry != 0 && carry != -1); i++) {
        const int64_t value = (i < last ? sum->digit[i] : 0) + carry;
        m->digit[m->length++] = (uint32_t)value;
        carry = value >> 32;
    }
    w->negative = carry < 0;
    if (w->negative) negate(m);
    furrow_big_trim(m);
}

static wide_t wide_of(const furrow_exact_t *sum)
{
    wide_t w;
    read_wide(sum, &w);
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
        rounded = bits + w->exponent > LARGEST_EXPONENT ? INFINITY : ldexp((double)low_64(&w->magnitude), w->exponent);
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

/* floor(sqrt(x)) for x >= 2^126. The root of a double is off by at most 2^12, so that what is missing to x is less than
 * 2^78; after one step of Newton's it is off by one or two. */
static uint64_t root_128(furrow_uint128_t x, bool *exact)
{
    const double guess = sqrt((double)(uint64_t)(x >> 64) * 0x1p64);
    const uint64_t near = guess < 0x1p64 ? (uint64_t)guess : UINT64_MAX;
    const furrow_int128_t missing = (furrow_int128_t)(x - (furrow_uint128_t)near * near);
    furrow_int128_t root = near + (furrow_int128_t)(int64_t)((double)(int64_t)(missing >> 16) * 0x1p15 / (double)near);

    if (root > UINT64_MAX) root = UINT64_MAX;
    while ((furrow_uint128_t)root * (furrow_uint128_t)root > x) root--;
    while (root < UINT64_MAX && x - (furrow_uint128_t)root * (furrow_uint128_t)root > 2 * (furrow_uint128_t)root)
        root++;
    *exact = (furrow_uint128_t)root * (furrow_uint128_t)root == x;
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
    if (sum->nan > 0 || (sum->plus_inf > 0 && sum->minus_inf > 0))
        *value = NAN;
    else if (sum->plus_inf > 0)
        *value = INFINITY;
    else if (sum->minus_inf > 0)
        *value = -INFINITY;
    else
        return false;
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
    return furrow_round_sqrt_scaled(sum, 0);
}

double furrow_round_sqrt_scaled(furrow_exact_t *sum, int shift)
{
    double value;

    if (has_nonfinite(sum, &value)) return value;
    wide_t w = wide_of(sum);
    assert(!w.negative);
    take_root(&w);
    w.exponent += shift;
    return round_wide(&w);
}

int furrow_round_exponent(furrow_exact_t *sum)
{
    const wide_t w = wide_of(sum);
    return is_zero(&w) ? FURROW_EXACT_LOW_BIT : furrow_big_bits(&w.magnitude) + w.exponent;
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

static bool is_less(const furrow_big_t *a, const furrow_big_t *b)
{
    if (a->length != b->length) return a->length < b->length;
    for (int i = a->length - 1; i >= 0; i--)
        if (a->digit[i] != b->digit[i]) return a->digit[i] < b->digit[i];
    return false;
}

/* a = |a - b| for positive magnitudes, whatever their signs; returns whether a < b. */
static bool subtract(wide_t *a, wide_t *b)
{
    const int least = a->exponent < b->exponent ? a->exponent : b->exponent;

    if (is_zero(b)) return false;
    furrow_big_shift_left(&a->magnitude, a->exponent - least);
    furrow_big_shift_left(&b->magnitude, b->exponent - least);
    a->exponent = b->exponent = least;
    const bool less = is_less(&a->magnitude, &b->magnitude);
    if (less) {
        furrow_big_subtract(&b->magnitude, &a->magnitude);
        *a = *b;
    } else {
        furrow_big_subtract(&a->magnitude, &b->magnitude);
    }
    return less;
}

/* x > 0 */
static void put_double(double x, wide_t *w)
{
    const uint64_t mantissa = (uint64_t)ldexp(frexp(x, &w->exponent), PRECISION);

    w->exponent -= PRECISION;
    w->magnitude.digit[0] = (uint32_t)mantissa;
    w->magnitude.digit[1] = (uint32_t)(mantissa >> 32);
    w->magnitude.length = 2;
    furrow_big_trim(&w->magnitude);
}

double furrow_round_mean_pair(furrow_exact_t *sum, int64_t count, int shift, double *low)
{
    enum { MORE = 128 }; /* bits below the last of the sum: what a division leaves is no less than 2^-63 of that */
    wide_t w = wide_of(sum), high;

    assert(count > 0 && sum->nan + sum->plus_inf + sum->minus_inf == 0);
    *low = 0.0;
    if (is_zero(&w)) return 0.0;
    furrow_big_shift_left(&w.magnitude, MORE);
    w.exponent += shift - MORE;
    w.sticky = furrow_big_divide_small(&w.magnitude, (uint64_t)count) != 0;
    high = w;
    const double rounded = round_wide(&high);
    put_double(fabs(rounded), &high);
    if (subtract(&w, &high)) w.negative = !w.negative;
    if (!is_zero(&w)) *low = round_wide(&w);
    return rounded;
}

/* False where there is none. */
static bool variance(furrow_exact_t *sum, furrow_exact_t *squares, int64_t count, int64_t ddof, wide_t *w)
{
    double value;
    wide_t square;

    if (count <= ddof || has_nonfinite(squares, &value)) return false;
    read_wide(squares, w);
    const wide_t s = wide_of(sum);
    square.exponent = 2 * s.exponent;
    furrow_big_multiply_small(&w->magnitude, (uint64_t)count);
    furrow_big_multiply(&square.magnitude, &s.magnitude, &s.magnitude);
    const bool less = subtract(w, &square);
    assert(!less);
    (void)less;
    if (!is_zero(w)) {
        widen(w, 260); /* two divisors of up to 64 bits, and 128 bits for a root */
        divide(w, (uint64_t)count);
        divide(w, (uint64_t)(count - ddof));
    }
    return true;
}

double furrow_round_variance(furrow_exact_t *sum, furrow_exact_t *squares, int64_t count, int64_t ddof, bool root)
{
    wide_t w;

    if (!variance(sum, squares, count, ddof, &w)) return NAN;
    if (root) take_root(&w);
    return round_wide(&w);
}

double furrow_round_std_scaled(furrow_exact_t *sum, furrow_exact_t *squares, int64_t count, int64_t ddof, int shift)
{
    wide_t w;
    if (!variance(sum, squares, count, ddof, &w)) return NAN;
    take_root(&w);
    w.exponent += shift;
    return round_wide(&w);
}

/* x * 2^exponent, which must not be subnormal; faster than ldexp(). */
static double scale(double x, int exponent)
{
    return exponent < -1022 || exponent > 1023 ? ldexp(x, exponent) : x * power_of_two(exponent);
}

/* (word + less than 1 if `sticky`) * 2^exponent, where word has 54 bits or more and the result is no subnormal. */
static double round_word(uint64_t word, bool sticky, int exponent)
{
    const int drop = 64 - __builtin_clzll(word) - PRECISION;
    const uint64_t half = UINT64_C(1) << (drop - 1), lost = word & (2 * half - 1);
    uint64_t kept = word >> drop;

    if (lost > half || (lost == half && (sticky || (kept & 1) != 0))) kept++;
    return scale((double)kept, exponent + drop);
}

static int width_128(furrow_uint128_t x)
{
    const uint64_t high = (uint64_t)(x >> 64);
    return high != 0 ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)x);
}

double furrow_round_ratio(furrow_uint128_t x, int exponent, uint64_t divisor)
{
    const int shift = 128 - width_128(x);
    const furrow_uint128_t scaled = x << shift, quotient = scaled / divisor;
    const int drop = width_128(quotient) - 64; /* not negative: 128 bits by at most 64 */
    const uint64_t word = (uint64_t)(quotient >> drop);
    const bool sticky = (furrow_uint128_t)word << drop != quotient || quotient * divisor != scaled;

    return round_word(word, sticky, exponent - shift + drop);
}

double furrow_round_root(furrow_uint128_t x, int exponent)
{
    const int shift = 128 - width_128(x);
    const bool odd = (exponent - shift) % 2 != 0;
    bool exact;
    const uint64_t root = root_128(x << shift >> odd, &exact); /* >> drops a bit only if x has 128 */
    const bool lost = odd && shift == 0 && (x & 1) != 0;

    return round_word(root, lost || !exact, (exponent - shift + odd) / 2);
}

/* With x = low and y = high shifted to 127 or 128 bits and an even exponent: where x >= 2^126, sqrt(y) - sqrt(x) is
 * less than (y - x) / 2^63. So all roots lie in [root, root + width) for the floor of the first, also of what the shift
 * cut off, and they round to the same if no half between two doubles does. */
bool furrow_round_root_between(furrow_uint128_t low, furrow_uint128_t high, int exponent, double *out)
{
    const int shift = 128 - width_128(high);
    const bool odd = (exponent - shift) % 2 != 0;
    const furrow_uint128_t x = low << shift >> odd, difference = (high - low) << shift >> odd;
    bool exact;

    if (x < (furrow_uint128_t)1 << 126 || difference >> 63 >= 1 << 10) return false;
    const uint64_t root = root_128(x, &exact), width = (uint64_t)(difference >> 63) + 3;
    const int drop = 64 - __builtin_clzll(root) - PRECISION;
    const uint64_t half = UINT64_C(1) << (drop - 1), above = (root + half) & (2 * half - 1);
    if (root > UINT64_MAX - 2 * half || above == 0 || above + width >= 2 * half) return false;
    *out = scale((double)((root + half) >> drop), (exponent - shift + odd) / 2 + drop);
    return true;
}

void furrow_round_decimal(furrow_exact_t *sum, char *out, size_t size)
{
    wide_t w = wide_of(sum);

    if (w.exponent > 0)
        furrow_big_shift_left(&w.magnitude, w.exponent);
    else
        furrow_big_shift_right(&w.magnitude, -w.exponent);
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
    if (w.exponent > 0)
        furrow_big_shift_left(&w.magnitude, w.exponent);
    else
        lost = furrow_big_shift_right(&w.magnitude, -w.exponent);
    if (lost || furrow_big_bits(&w.magnitude) > 64 || low_64(&w.magnitude) > limit) return false;
    *out = w.negative ? (int64_t)-low_64(&w.magnitude) : (int64_t)low_64(&w.magnitude);
    return true;
}
