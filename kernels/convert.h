/** \file convert.h
 * Getting elements as they stand in a file into a shape that the kernels know, and histograms. Local, serial, no
 * allocation, cannot fail. `n` elements, contiguous.
 */
#ifndef FURROW_KERNELS_CONVERT_H
#define FURROW_KERNELS_CONVERT_H

#include "table.h"

/** Reverse the bytes of n words of `size` bytes (1, 2, 4 or 8), in place. */
void furrow_swap_bytes(void *x, size_t n, size_t size);

/** bool bytes become 0 or 1, in place. */
void furrow_normalize_bool(uint8_t *x, size_t n);

/** IEEE half to single precision: exact. `out` must not overlap. */
void furrow_f4_of_f2(const uint16_t *x, size_t n, float *out);

/** Copy the elements that are not NaN, in order; returns how many. `out` may be `x`. */
size_t furrow_drop_nan_f4(const float *x, size_t n, float *out);
size_t furrow_drop_nan_f8(const double *x, size_t n, double *out);

/** Every second element of 2 n: real parts from x, imaginary parts from x + 1. */
void furrow_take_second_f4(const float *x, size_t n, float *out);
void furrow_take_second_f8(const double *x, size_t n, double *out);

/** Copy `columns` neighbouring columns of `rows` rows, of elements of `size` bytes (1, 2, 4, 8 or 16), each to its own
 * place: out[c * stride + r] = x[r * row_items + c]. */
void furrow_gather_columns(const void *x, size_t row_items, size_t rows, size_t columns, size_t size, void *out,
                           size_t stride);

/** Any element type to f8, rounded where an integer has more than 53 bits. */
void furrow_f8_of_elem(furrow_elem_t elem, const void *x, size_t n, double *out);

/** counts[b] += number of x with edge[b] <= x < edge[b + 1]; the last bin is closed; NaN and values outside do not
 * count. Equal bins: edge has bins + 1 ascending values. As numpy.histogram. */
void furrow_histogram(const double *x, size_t n, const double *edge, int64_t bins, int64_t *counts);

#endif
