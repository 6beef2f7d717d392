/** \file table.h
 * The kernels: one table of functions per instruction set, and the choice of one for this machine.
 *
 * Kernel contract: plain memory in, plain memory out; local, serial, no allocation, no failure. `n` elements,
 * contiguous, of any alignment that their type has, at most FURROW_BLOCK_MAX of them. All tables give the same results,
 * bit for bit; "reference" is plain C, one element at a time, and the oracle of the others.
 */
#ifndef FURROW_KERNELS_TABLE_H
#define FURROW_KERNELS_TABLE_H

#include "exact.h"

/** Elements of one call at most: small enough that 64-bit partial sums of integers cannot overflow. */
#define FURROW_BLOCK_MAX ((size_t)1 << 20)

/** Element types that kernels know. (bool is u1 of 0 and 1, f2 becomes f4, complex is pairs: see convert.h.) */
#define FURROW_ELEM_LIST(X)                                                                                            \
    X(i1, int8_t)                                                                                                      \
    X(i2, int16_t)                                                                                                     \
    X(i4, int32_t)                                                                                                     \
    X(i8, int64_t)                                                                                                     \
    X(u1, uint8_t)                                                                                                     \
    X(u2, uint16_t)                                                                                                    \
    X(u4, uint32_t)                                                                                                    \
    X(u8, uint64_t)                                                                                                    \
    X(f4, float)                                                                                                       \
    X(f8, double)

typedef enum furrow_elem {
#define FURROW_ELEM_ENUM(name, type) FURROW_ELEM_##name,
    FURROW_ELEM_LIST(FURROW_ELEM_ENUM)
#undef FURROW_ELEM_ENUM
        FURROW_ELEM_TOTAL
} furrow_elem_t;

/** acc += terms of x (and y). */
typedef void furrow_sum_kernel_t(furrow_exact_t *acc, const void *x, size_t n);
typedef void furrow_dot_kernel_t(furrow_exact_t *acc, const void *x, const void *y, size_t n);

/** Number of elements with a property. */
typedef int64_t furrow_count_kernel_t(const void *x, size_t n);

/** Least and largest element as keys (key.h), n > 0, no NaN among them; -0.0 is below +0.0. */
typedef void furrow_min_max_kernel_t(const void *x, size_t n, int64_t *least, int64_t *largest);

/** Row operations: called through rows.h only, which takes care of everything that is not finite, zero or out of
 * range. */
typedef struct furrow_affine {
    double scale, high, low; /* out = (x * scale - high - low) / divisor for f8, (x - high - low) * factor for f4 */
    double divisor, factor;
} furrow_affine_t;

/** A sum is units * 2^unit + lost, give or take n * (n + 64) * 2^(unit - 52); false if some term or sum was too large,
 * not far below 2^(51 + unit), to say so. |unit| <= 900, n <= FURROW_BLOCK_MAX. What exactly comes out depends on the
 * table. */
typedef struct furrow_near {
    furrow_int128_t units;
    double lost;
} furrow_near_t;
typedef bool furrow_near_kernel_t(const void *x, const void *y, size_t n, int unit, furrow_near_t *out);

/** For f4 and f8; NULL where only the exact kernel will do. y as for furrow_dot_kernel_t, used by `dot` alone. */
typedef struct furrow_near_kernels {
    furrow_near_kernel_t *sum[2], *sum_abs[2], *squares[2], *dot[2];
} furrow_near_kernels_t;

typedef struct furrow_row_kernels {
    void (*affine_f4)(const float *x, size_t n, const furrow_affine_t *a,
                      float *out); /* out may be x, here and below */
    void (*affine_f8)(const double *x, size_t n, const furrow_affine_t *a, double *out);
    void (*softmax_f4)(const float *x, size_t n, double max, float *out); /* any n; max: the largest of x, finite */
    void (*softmax_f8)(const double *x, size_t n, double max, double *out);
    const furrow_near_kernels_t *near; /* NULL: only the exact kernels */
} furrow_row_kernels_t;

/** Resampling of pixels: called through pixels.h, which tells what they do. */
struct furrow_resample;
typedef struct furrow_pixel_kernels {
    void (*resample_row_1)(const struct furrow_resample *plan, const uint8_t *row, uint8_t *out); /* of gray */
    void (*resample_row_3)(const struct furrow_resample *plan, const uint8_t *row, uint8_t *out); /* of colour */
    void (*resample_column)(const uint8_t *const *rows, const int32_t *weights, int64_t count, size_t n, uint8_t *out);
} furrow_pixel_kernels_t;

/** Samples of a JPEG: called through dct.h, which tells what they do. */
enum { FURROW_DCT_BLOCKS = 16 };
typedef bool furrow_dct_kernel_t(const int16_t *coefficients, const int16_t *factors, uint8_t *out, size_t stride);
typedef struct furrow_dct_kernels {
    furrow_dct_kernel_t *transform[3]; /* to 1, 2 and 4 samples */
    void (*colors)(const uint8_t *const ycc[3], size_t n, bool bgr, uint8_t *out);
} furrow_dct_kernels_t;

typedef struct furrow_kernels {
    const char *name;
    furrow_sum_kernel_t *sum[FURROW_ELEM_TOTAL];         /* sum of x[i] */
    furrow_sum_kernel_t *sum_abs[FURROW_ELEM_TOTAL];     /* sum of |x[i]| */
    furrow_sum_kernel_t *sum_squares[FURROW_ELEM_TOTAL]; /* sum of x[i]^2 */
    furrow_dot_kernel_t *dot[FURROW_ELEM_TOTAL];         /* sum of x[i] * y[i] */
    furrow_count_kernel_t *count_nonzero[FURROW_ELEM_TOTAL];
    furrow_count_kernel_t *count_nan[FURROW_ELEM_TOTAL];
    furrow_min_max_kernel_t *min_max[FURROW_ELEM_TOTAL];
    furrow_row_kernels_t rows;
    furrow_pixel_kernels_t pixels;
    furrow_dct_kernels_t dct;
} furrow_kernels_t;

/** The table for this machine: the widest it can run, or the one that the environment variable FURROW_KERNELS names, if
 * it can run that. Local, thread safe. */
const furrow_kernels_t *furrow_kernels(void);

/** Table i of all that this machine can run, best first; NULL after the last. For tests. */
const furrow_kernels_t *furrow_kernels_at(int i);

#endif
