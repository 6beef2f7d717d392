/** \file rows.h
 * Operations on one row: n >= 0 contiguous elements, of any alignment that their type has. Local, serial, no
 * allocation, cannot fail. The bits of a result do not depend on the kernel table, nor on the machine. NaN results are
 * one NaN, positive and quiet, with no payload; only furrow_row_sort() and furrow_row_topk() hand on the NaN they are
 * given.
 *
 * Accuracy, of what is finite: f4 results are within 0.51 units in the last place (ulp) of the true value, f8 results
 * within 4, also where they, or anything on the way to them, would over- or underflow: rows of subnormals, of 1e300, of
 * the largest double. "True" is the formula in exact arithmetic, on the elements as they are.
 */
#ifndef FURROW_KERNELS_ROWS_H
#define FURROW_KERNELS_ROWS_H

#include "table.h"

/* ------------------------------------------------------------------------------------------------ row to number */
/** What furrow_row_moments() is asked for. */
enum {
    FURROW_MOMENT_SUM = 1 << 0,   /* sum of x */
    FURROW_MOMENT_NORM1 = 1 << 1, /* sum of |x| */
    FURROW_MOMENT_SUMSQ = 1 << 2, /* sum of x^2 */
    FURROW_MOMENT_NORM2 = 1 << 3, /* its square root */
    FURROW_MOMENT_MEAN = 1 << 4,
    FURROW_MOMENT_VAR = 1 << 5, /* sum of (x - mean)^2, divided by n - ddof */
    FURROW_MOMENT_STD = 1 << 6  /* its square root */
};

typedef struct furrow_row_moments {
    double sum, norm1, sumsq, norm2, mean, var, std;
    int64_t sum_i8; /* the sum of an integer row, if fits_i8 */
    bool fits_i8;
} furrow_row_moments_t;

/** Every result is the exact one, correctly rounded to double: the bits that a superaccumulator and round.h give,
 * faster. Only what `wants` names is written. Of no elements: sums and norms 0, mean, var and std NaN; var and std also
 * for n <= ddof. */
void furrow_row_moments(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, size_t n, unsigned wants,
                        int64_t ddof, furrow_row_moments_t *out);

/** The sum of x[i] * y[i], correctly rounded. As furrow_row_moments(); for integers sum, sum_i8 and fits_i8 are
 * written. */
void furrow_row_dot(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, const void *y, size_t n,
                    furrow_row_moments_t *out);

/* --------------------------------------------------------------------------------------------------- row to row
 * For FURROW_ELEM_f4 and FURROW_ELEM_f8, to the same type; others are to be converted before. `out` may be `x`. Where
 * the formula has no value the result is what IEEE arithmetic makes of it, as in NumPy: no epsilon is added to a
 * divisor.
 *
 *              NaN in row   +inf in row, no NaN            -inf in row, no NaN, no +inf     no spread, or zero
 *   normalize  all NaN      inf: NaN, others zero          inf: NaN, others zero            all NaN (norm 0)
 *   zscore     all NaN      all NaN                        all NaN                          all NaN (std 0)
 *   minmax     all NaN      +inf: NaN, others 0; all NaN   all NaN                          all NaN (0 / 0)
 *                           if there is -inf or only +inf
 *   softmax    all NaN      all NaN                        -inf: 0, others as without;      1 / n
 *                                                          all NaN if all are -inf
 *
 * Zeros that normalize returns have the sign of the element. */
typedef void furrow_row_map_t(const furrow_kernels_t *kernels, furrow_elem_t elem, const void *x, size_t n, void *out);

furrow_row_map_t furrow_row_normalize; /* x / sqrt(sum of x^2) */
furrow_row_map_t furrow_row_zscore;    /* (x - mean) / std, of ddof 0 */
furrow_row_map_t furrow_row_minmax;  /* (x - min) / (max - min): exactly 0 at min, 1 at max, in [0, 1] and monotonic */
furrow_row_map_t furrow_row_softmax; /* e^(x - max) / sum of e^(x - max) */

/** out[i] = x[0] + ... + x[i]. For f4 and f8 to the same type: every one the exact sum, correctly rounded; an infinity
 * or NaN of any prefix stays with those after it, but a finite sum that is out of range, and so rounds to infinity, may
 * come back. Zero sums are +0, but -0 as long as all terms were -0.0. Signed integers of any size to int64_t, unsigned
 * to uint64_t. `out` may be `x` if the elements have the same size. \return n, or the index of the first sum of
 * integers that does not fit; out ends before it. */
size_t furrow_row_cumsum(furrow_elem_t elem, const void *x, size_t n, void *out);

/** All elements, ascending; `out` may be `x`; `scratch` holds n elements and overlaps neither. -0.0 comes before +0.0,
 * NaN last: positive NaN by their bits, then negative NaN, by theirs backwards. So there are no ties that could be told
 * apart. */
void furrow_row_sort(furrow_elem_t elem, const void *x, size_t n, void *out, void *scratch);

/** The k <= n largest elements, descending: the order of furrow_row_sort() backwards, NaN among themselves too, but
 * after the others, so that a NaN is chosen only if there are less than k numbers. `out` holds k elements, `scratch` 2
 * n; none overlaps. */
void furrow_row_topk(furrow_elem_t elem, const void *x, size_t n, size_t k, void *out, void *scratch);

#endif
