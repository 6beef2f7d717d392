/* Rows to rows of floats: the statistics of a row come first, exactly; where all is finite and in order a kernel does
 * the rest, on values scaled by a power of two such that nothing on the way leaves the range of doubles. */
#include "rows.h"

#include <assert.h>
#include <math.h>

#include "key.h"
#include "round.h"
#include "rows_exact.h"

/* ------------------------------------------------------------------------------------------- results of degenerate
 * rows */
static void put(furrow_elem_t elem, void *out, size_t i, double value)
{
    if (elem == FURROW_ELEM_f4)
        ((float *)out)[i] = (float)value;
    else
        ((double *)out)[i] = value;
}

static double get(furrow_elem_t elem, const void *x, size_t i)
{
    return elem == FURROW_ELEM_f4 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static void fill_nan(furrow_elem_t elem, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++) put(elem, out, i, (double)NAN);
}

/* Finite elements divided by infinity, infinite ones by themselves. */
static void divide_by_infinity(furrow_elem_t elem, const void *x, size_t n, bool with_sign, void *out)
{
    for (size_t i = 0; i < n; i++) {
        const double v = get(elem, x, i);
        put(elem, out, i, isinf(v) ? (double)NAN : with_sign ? copysign(0.0, v) : 0.0);
    }
}

/* ----------------------------------------------------------------------------------------------------- statistics */
typedef struct {
    double least, largest; /* infinite or finite */
    bool has_nan;
} range_t;

/* For n > 0. NaN, as keys, lie beyond the infinities. */
static range_t range_of(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, size_t n)
{
    const size_t size = furrow_elem_size(elem);
    int64_t least = INT64_MAX, largest = INT64_MIN;

    for (size_t i = 0; i < n; i += FURROW_BLOCK_MAX) {
        int64_t low, high;
        const size_t part = n - i < FURROW_BLOCK_MAX ? n - i : FURROW_BLOCK_MAX;
        kernels->min_max[elem]((const char *)x + i * size, part, &low, &high);
        least = low < least ? low : least;
        largest = high > largest ? high : largest;
    }
    return (range_t){furrow_f8_of_key(least), furrow_f8_of_key(largest),
                     least < furrow_key_of_f8(-INFINITY) || largest > furrow_key_of_f8(INFINITY)};
}

/* ------------------------------------------------------------------------------------------------------ operations */
static void affine(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, size_t n, furrow_affine_t a,
                   void *out)
{
    a.factor = 1.0 / a.divisor;
    if (elem == FURROW_ELEM_f4)
        kernels->rows.affine_f4(x, n, &a, out);
    else
        kernels->rows.affine_f8(x, n, &a, out);
}

/* The power of two that brings f8 elements, not far above 2^exponent the largest, close to 2^900: no element is lost
 * that matters, nothing overflows, and the least difference of two elements is far above the subnormals. Floats need
 * none: they are doubles of middle size. */
static int shift_for(int exponent)
{
    return exponent < -100 ? 1000 : 900 - exponent;
}

static bool has_infinity(furrow_elem_t elem, const void *x, size_t n)
{
    size_t i = 0;
    while (i < n && !isinf(get(elem, x, i))) i++;
    return i < n;
}

/* A norm that is too small or too large to divide by as it is. */
static void normalize_scaled(const furrow_kernels_t *kernels, const double *x, size_t n, double *out)
{
    furrow_exact_t squares;

    furrow_row_exact(kernels, FURROW_TERMS_SQUARES, FURROW_ELEM_f8, x, NULL, n, &squares);
    const int shift = shift_for(furrow_round_exponent(&squares) / 2);
    affine(kernels, FURROW_ELEM_f8, x, n,
           (furrow_affine_t){.scale = ldexp(1.0, shift), .divisor = furrow_round_sqrt_scaled(&squares, shift)}, out);
}

void furrow_row_normalize(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, size_t n, void *out)
{
    furrow_row_moments_t m;

    assert(elem == FURROW_ELEM_f4 || elem == FURROW_ELEM_f8);
    furrow_row_moments(kernels, elem, x, n, FURROW_MOMENT_NORM2, 0, &m);
    if (isnan(m.norm2) || m.norm2 == 0.0)
        fill_nan(elem, out, n);
    else if (isinf(m.norm2) && has_infinity(elem, x, n))
        divide_by_infinity(elem, x, n, true, out);
    else if (m.norm2 > 0x1p-900 && m.norm2 < 0x1p1000)
        affine(kernels, elem, x, n, (furrow_affine_t){.scale = 1.0, .divisor = m.norm2}, out);
    else
        normalize_scaled(kernels, x, n, out); /* f8: a norm of floats is never that small or large */
}

/* Where the standard deviation of a row of f8 may be no ordinary double. */
static void zscore_scaled(const furrow_kernels_t *kernels, const double *x, size_t n, furrow_exact_t *sum, double *out)
{
    furrow_exact_t squares;
    furrow_affine_t a;

    furrow_row_exact(kernels, FURROW_TERMS_SQUARES, FURROW_ELEM_f8, x, NULL, n, &squares);
    const int shift = shift_for(furrow_round_exponent(&squares) / 2);
    a.scale = ldexp(1.0, shift);
    a.high = furrow_round_mean_pair(sum, (int64_t)n, shift, &a.low);
    a.divisor = furrow_round_std_scaled(sum, &squares, (int64_t)n, 0, shift);
    if (a.divisor == 0.0)
        fill_nan(FURROW_ELEM_f8, out, n);
    else
        affine(kernels, FURROW_ELEM_f8, x, n, a, out);
}

void furrow_row_zscore(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, size_t n, void *out)
{
    const bool is_f4 = elem == FURROW_ELEM_f4;
    furrow_exact_t sum;
    furrow_row_moments_t m;
    furrow_affine_t a;

    assert(is_f4 || elem == FURROW_ELEM_f8);
    furrow_row_moments(kernels, elem, x, n, FURROW_MOMENT_STD, 0, &m);
    if (isnan(m.std) || (is_f4 && m.std == 0.0)) {
        fill_nan(elem, out, n);
        return;
    }
    furrow_row_exact(kernels, FURROW_TERMS_X, elem, x, NULL, n, &sum);
    if (!is_f4 && !(m.std > 0x1p-900 && m.std < 0x1p1000)) {
        zscore_scaled(kernels, x, n, &sum, out);
        return;
    }
    const int middle = furrow_round_exponent(&sum) - ilogb((double)n);
    const int shift = is_f4 ? 0 : shift_for(middle > ilogb(m.std) ? middle : ilogb(m.std));
    a.scale = ldexp(1.0, shift);
    a.high = furrow_round_mean_pair(&sum, (int64_t)n, shift, &a.low);
    a.divisor = ldexp(m.std, shift);
    affine(kernels, elem, x, n, a, out);
}

void furrow_row_minmax(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, size_t n, void *out)
{
    assert(elem == FURROW_ELEM_f4 || elem == FURROW_ELEM_f8);
    if (n == 0) return;
    const range_t r = range_of(kernels, elem, x, n);
    if (r.has_nan || isinf(r.least) || r.least == r.largest) {
        fill_nan(elem, out, n);
    } else if (isinf(r.largest)) {
        divide_by_infinity(elem, x, n, false, out);
    } else { /* half of everything, where max - min may overflow: small ones, which that may cost a bit, are nothing to
                it */
        const double scale = r.largest >= 0x1p1022 || r.least <= -0x1p1022 ? 0.5 : 1.0;
        affine(
            kernels, elem, x, n,
            (furrow_affine_t){.scale = scale, .high = r.least * scale, .divisor = r.largest * scale - r.least * scale},
            out);
    }
}

void furrow_row_softmax(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, size_t n, void *out)
{
    assert(elem == FURROW_ELEM_f4 || elem == FURROW_ELEM_f8);
    if (n == 0) return;
    const range_t r = range_of(kernels, elem, x, n);
    if (r.has_nan || isinf(r.largest))
        fill_nan(elem, out, n);
    else if (elem == FURROW_ELEM_f4)
        kernels->rows.softmax_f4(x, n, r.largest, out);
    else
        kernels->rows.softmax_f8(x, n, r.largest, out);
}
