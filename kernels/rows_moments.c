/* Rows to numbers. Where a row of floats is of ordinary size, its sum is first found to about 80 bits, with a bound of
 * the error: if both ends of that interval round to the same double, that is the correctly rounded value (Ziv, "Fast
 * evaluation of elementary mathematical functions with correctly rounded last bit", ACM TOMS 17, 1991). If not, or if
 * anything is unusual, the exact sum decides. */
#include "rows.h"

#include <math.h>
#include <string.h>

#include "round.h"
#include "rows_exact.h"
#include "vector.h"

enum {
    SHORT_ROW = 24, /* elements: below, term by term is faster than a block */
    SAMPLE = 32,    /* elements from which the size of the others is guessed */
    HEADROOM = 10,  /* binary orders by which the guess may be wrong */
    FRACTION = 40,  /* bits below the unit of a near sum */
    NORMALIZE_AFTER = 512
};

/* ------------------------------------------------------------------------------------------------------ exact sums */
static void add_short(furrow_row_terms_t terms, bool is_f4, const void *x, const void *y, size_t n, furrow_exact_t *acc)
{
    for (size_t i = 0; i < n; i++) {
        const double a = is_f4 ? (double)((const float *)x)[i] : ((const double *)x)[i];
        const double b = is_f4 ? (double)((const float *)y)[i] : ((const double *)y)[i];
        if (terms == FURROW_TERMS_X)
            furrow_exact_add(acc, a);
        else if (terms == FURROW_TERMS_ABS)
            furrow_exact_add(acc, fabs(a));
        else
            furrow_exact_add_product(acc, a, b);
    }
}

static void add_block(const furrow_kernels_t *k, furrow_row_terms_t terms, furrow_elem_t elem, const void *x,
                      const void *y, size_t n, furrow_exact_t *acc)
{
    if (terms == FURROW_TERMS_X)
        k->sum[elem](acc, x, n);
    else if (terms == FURROW_TERMS_ABS)
        k->sum_abs[elem](acc, x, n);
    else if (terms == FURROW_TERMS_SQUARES)
        k->sum_squares[elem](acc, x, n);
    else
        k->dot[elem](acc, x, y, n);
}

void furrow_row_exact(const furrow_kernels_t *kernels, furrow_row_terms_t terms, furrow_elem_t elem, const void *x,
                      const void *y, size_t n, furrow_exact_t *acc)
{
    const size_t step = FURROW_BLOCK_MAX * furrow_elem_size(elem);
    const char *a = x, *b = terms == FURROW_TERMS_DOT ? y : x;
    int blocks = 0;

    furrow_exact_clear(acc);
    if (n < SHORT_ROW && (elem == FURROW_ELEM_f4 || elem == FURROW_ELEM_f8)) {
        add_short(terms, elem == FURROW_ELEM_f4, a, b, n, acc);
        return;
    }
    for (; n > 0; a += step, b += step) {
        const size_t part = n < FURROW_BLOCK_MAX ? n : FURROW_BLOCK_MAX;
        add_block(kernels, terms, elem, a, b, part, acc);
        n -= part;
        if (++blocks % NORMALIZE_AFTER == 0) furrow_exact_normalize(acc);
    }
}

/* ------------------------------------------------------------------------------------------------------- near sums */
/* A sum is in [low, high] * 2^exponent, of one sign. */
typedef struct {
    furrow_uint128_t low, high;
    int exponent;
    bool negative;
} interval_t;

/* The exponent above the largest of a few elements; false if they say nothing useful. */
static bool guess_exponent(bool is_f4, const void *x, size_t n, int *exponent)
{
    const size_t stride = n / SAMPLE + 1;
    double largest = 0;

    for (size_t i = 0; i < n; i += stride) {
        const double v = fabs(is_f4 ? (double)((const float *)x)[i] : ((const double *)x)[i]);
        largest = v > largest ? v : largest;
    }
    if (!(largest >= 0x1p-300 && largest <= 0x1p300)) return false;
    (void)frexp(largest, exponent);
    return true;
}

/* An error bound of n (n + 64) 2^(unit - 52), and 2 for what is cut off here, in units of 2^(unit - FRACTION). */
static bool enclose(const furrow_near_t *near, size_t n, int unit, interval_t *out)
{
    const furrow_int128_t error = (furrow_int128_t)(((uint64_t)n * (n + 64)) >> (52 - FRACTION)) + 2;
    const furrow_int128_t middle =
        near->units * ((furrow_int128_t)1 << FRACTION) + (int64_t)(near->lost * power_of_two(FRACTION - unit));

    out->exponent = unit - FRACTION;
    out->negative = middle < 0;
    const furrow_int128_t size = out->negative ? -middle : middle;
    if (size <= error) return false;
    out->low = (furrow_uint128_t)(size - error);
    out->high = (furrow_uint128_t)(size + error);
    return true;
}

static furrow_near_kernel_t *near_kernel(const furrow_row_kernels_t *k, furrow_row_terms_t terms, bool is_f4)
{
    const int at = is_f4 ? 0 : 1;

    if (k->near == NULL) return NULL;
    if (terms == FURROW_TERMS_X) return k->near->sum[at];
    if (terms == FURROW_TERMS_ABS) return k->near->sum_abs[at];
    return (terms == FURROW_TERMS_SQUARES ? k->near->squares : k->near->dot)[at];
}

static bool near_sum(const furrow_kernels_t *kernels, furrow_row_terms_t terms, furrow_elem_t elem, const void *x,
                     const void *y, size_t n, interval_t *out)
{
    const bool is_f4 = elem == FURROW_ELEM_f4;
    furrow_near_t near;
    int ex, ey;

    if ((!is_f4 && elem != FURROW_ELEM_f8) || n < SHORT_ROW || n > FURROW_BLOCK_MAX) return false;
    furrow_near_kernel_t *const kernel = near_kernel(&kernels->rows, terms, is_f4);
    if (kernel == NULL || !guess_exponent(is_f4, x, n, &ex)) return false;
    ey = terms == FURROW_TERMS_SQUARES ? ex : 0;
    if (terms == FURROW_TERMS_DOT && !guess_exponent(is_f4, y, n, &ey)) return false;
    const int headroom = terms >= FURROW_TERMS_SQUARES ? 2 * HEADROOM : HEADROOM;
    const int lane_bits = 64 - __builtin_clzll((uint64_t)n / 8); /* at least eight lanes share the terms */
    const int unit = ex + ey + headroom + lane_bits - 51;
    return kernel(x, terms == FURROW_TERMS_DOT ? y : x, n, unit, &near) && enclose(&near, n, unit, out);
}

/* Both ends of the interval, rounded: true if they agree. */
static bool same_ratio(const interval_t *i, uint64_t divisor, double *out)
{
    const double value = furrow_round_ratio(i->low, i->exponent, divisor);

    *out = i->negative ? -value : value;
    return value == furrow_round_ratio(i->high, i->exponent, divisor);
}

static bool same_root(const interval_t *i, double *out)
{
    if (furrow_round_root_between(i->low, i->high, i->exponent, out)) return true;
    *out = furrow_round_root(i->low, i->exponent);
    return *out == furrow_round_root(i->high, i->exponent);
}

/* ---------------------------------------------------------------------------------------------------- near variances
 */
/* An integer of 256 bits. */
typedef struct {
    furrow_uint128_t high, low;
} twice_t;

static twice_t product(furrow_uint128_t a, furrow_uint128_t b)
{
    const uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64), b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    const furrow_uint128_t low = (furrow_uint128_t)a0 * b0, cross = (furrow_uint128_t)a0 * b1 + (low >> 64);
    const furrow_uint128_t middle = (furrow_uint128_t)a1 * b0 + (uint64_t)cross;

    return (twice_t){(furrow_uint128_t)a1 * b1 + (cross >> 64) + (middle >> 64), middle << 64 | (uint64_t)low};
}

/* out = a - b; false if that is not positive. */
static bool subtract(twice_t a, twice_t b, twice_t *out)
{
    out->high = a.high - b.high - (a.low < b.low);
    out->low = a.low - b.low;
    return a.high > b.high || (a.high == b.high && a.low > b.low);
}

static int width(furrow_uint128_t x)
{
    const uint64_t high = (uint64_t)(x >> 64);
    return high != 0 ? 128 - __builtin_clzll(high) : x != 0 ? 64 - __builtin_clzll((uint64_t)x) : 0;
}

/* floor(x * 2^-drop) for what then has 126 bits at most. */
static furrow_uint128_t shifted(twice_t x, int drop)
{
    if (drop <= 0) return x.low << -drop;
    return drop < 128 ? x.high << (128 - drop) | x.low >> drop : x.high >> (drop - 128);
}

/* n^2 times the variance is count * squares - sum^2: an interval of that, divided. */
static bool enclose_variance(const interval_t *sum, const interval_t *squares, uint64_t count, uint64_t divisor,
                             interval_t *out)
{
    const furrow_uint128_t factor = (furrow_uint128_t)count << (squares->exponent - 2 * sum->exponent);
    twice_t low, high;

    if (!subtract(product(squares->low, factor), product(sum->high, sum->high), &low) ||
        !subtract(product(squares->high, factor), product(sum->low, sum->low), &high))
        return false;
    const int drop = (high.high != 0 ? 128 + width(high.high) : width(high.low)) - 126;
    out->low = shifted(low, drop) / divisor;
    out->high = (shifted(high, drop) + 1) / divisor + 1;
    out->exponent = 2 * sum->exponent + drop;
    out->negative = false;
    return out->low > 0;
}

/* ---------------------------------------------------------------------------------------------------------- results */
typedef struct {
    const furrow_kernels_t *kernels;
    furrow_elem_t elem;
    const void *x;
    size_t n;
    unsigned wants;
} row_t;

static void put_integer(furrow_elem_t elem, furrow_exact_t *sum, furrow_row_moments_t *out)
{
    out->fits_i8 = elem < FURROW_ELEM_f4 && furrow_round_int64(sum, &out->sum_i8);
}

/* Sum and mean, or one of them. */
static bool near_linear(const row_t *r, furrow_row_moments_t *out)
{
    interval_t i;

    if (!near_sum(r->kernels, FURROW_TERMS_X, r->elem, r->x, NULL, r->n, &i)) return false;
    if ((r->wants & FURROW_MOMENT_SUM) != 0 && !same_ratio(&i, 1, &out->sum)) return false;
    out->fits_i8 = false;
    return (r->wants & FURROW_MOMENT_MEAN) == 0 || same_ratio(&i, (uint64_t)r->n, &out->mean);
}

static bool near_norm1(const row_t *r, furrow_row_moments_t *out)
{
    interval_t i;
    return near_sum(r->kernels, FURROW_TERMS_ABS, r->elem, r->x, NULL, r->n, &i) && same_ratio(&i, 1, &out->norm1);
}

static bool near_squares(const row_t *r, furrow_row_moments_t *out)
{
    interval_t i;

    if (!near_sum(r->kernels, FURROW_TERMS_SQUARES, r->elem, r->x, NULL, r->n, &i)) return false;
    if ((r->wants & FURROW_MOMENT_SUMSQ) != 0 && !same_ratio(&i, 1, &out->sumsq)) return false;
    return (r->wants & FURROW_MOMENT_NORM2) == 0 || same_root(&i, &out->norm2);
}

/* Variance and standard deviation, or one of them. */
static bool near_spread(const row_t *r, int64_t ddof, furrow_row_moments_t *out)
{
    const uint64_t n = (uint64_t)r->n;
    interval_t sum, squares, i;

    if (ddof < 0 || (int64_t)n <= ddof) return false;
    if (!near_sum(r->kernels, FURROW_TERMS_X, r->elem, r->x, NULL, r->n, &sum)) return false;
    if (!near_sum(r->kernels, FURROW_TERMS_SQUARES, r->elem, r->x, NULL, r->n, &squares)) return false;
    if (!enclose_variance(&sum, &squares, n, n * (n - (uint64_t)ddof), &i)) return false;
    if ((r->wants & FURROW_MOMENT_VAR) != 0 && !same_ratio(&i, 1, &out->var)) return false;
    return (r->wants & FURROW_MOMENT_STD) == 0 || same_root(&i, &out->std);
}

static void exact_linear(const row_t *r, furrow_exact_t *sum, furrow_row_moments_t *out)
{
    furrow_row_exact(r->kernels, FURROW_TERMS_X, r->elem, r->x, NULL, r->n, sum);
    if ((r->wants & FURROW_MOMENT_SUM) != 0) {
        out->sum = furrow_round_sum(sum, (int64_t)r->n);
        put_integer(r->elem, sum, out);
    }
    if ((r->wants & FURROW_MOMENT_MEAN) != 0) out->mean = furrow_round_mean(sum, (int64_t)r->n);
}

static void exact_squares(const row_t *r, furrow_exact_t *squares, furrow_row_moments_t *out)
{
    furrow_row_exact(r->kernels, FURROW_TERMS_SQUARES, r->elem, r->x, NULL, r->n, squares);
    if ((r->wants & FURROW_MOMENT_SUMSQ) != 0) out->sumsq = furrow_round_sum(squares, (int64_t)r->n);
    if ((r->wants & FURROW_MOMENT_NORM2) != 0) out->norm2 = furrow_round_sqrt(squares);
}

void furrow_row_moments(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, size_t n, unsigned wants,
                        int64_t ddof, furrow_row_moments_t *out)
{
    const row_t r = {kernels, elem, x, n, wants};
    const bool spread = (wants & (FURROW_MOMENT_VAR | FURROW_MOMENT_STD)) != 0 && !near_spread(&r, ddof, out);
    furrow_exact_t sum, squares;

    if (spread || ((wants & (FURROW_MOMENT_SUM | FURROW_MOMENT_MEAN)) != 0 && !near_linear(&r, out)))
        exact_linear(&r, &sum, out);
    if (spread || ((wants & (FURROW_MOMENT_SUMSQ | FURROW_MOMENT_NORM2)) != 0 && !near_squares(&r, out)))
        exact_squares(&r, &squares, out);
    if (spread && (wants & FURROW_MOMENT_VAR) != 0)
        out->var = furrow_round_variance(&sum, &squares, (int64_t)n, ddof, false);
    if (spread && (wants & FURROW_MOMENT_STD) != 0)
        out->std = furrow_round_variance(&sum, &squares, (int64_t)n, ddof, true);
    if ((wants & FURROW_MOMENT_NORM1) != 0 && !near_norm1(&r, out)) {
        furrow_row_exact(kernels, FURROW_TERMS_ABS, elem, x, NULL, n, &sum);
        out->norm1 = furrow_round_sum(&sum, (int64_t)n);
    }
}

void furrow_row_dot(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, const void *y, size_t n,
                    furrow_row_moments_t *out)
{
    interval_t i;
    furrow_exact_t sum;

    out->fits_i8 = false;
    if (near_sum(kernels, FURROW_TERMS_DOT, elem, x, y, n, &i) && same_ratio(&i, 1, &out->sum)) return;
    furrow_row_exact(kernels, FURROW_TERMS_DOT, elem, x, y, n, &sum);
    out->sum = furrow_round_sum(&sum, (int64_t)n);
    put_integer(elem, &sum, out);
}
