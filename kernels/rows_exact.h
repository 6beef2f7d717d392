/** \file rows_exact.h
 * Rows of any length into accumulators; private to kernels/rows*.c. Local, serial, cannot fail.
 */
#ifndef FURROW_KERNELS_ROWS_EXACT_H
#define FURROW_KERNELS_ROWS_EXACT_H

#include "table.h"

typedef enum furrow_row_terms {
    FURROW_TERMS_X,
    FURROW_TERMS_ABS,
    FURROW_TERMS_SQUARES,
    FURROW_TERMS_DOT /* x[i] * y[i] */
} furrow_row_terms_t;

/** acc = the sum of those terms. y only for FURROW_TERMS_DOT. */
void furrow_row_exact(const furrow_kernels_t *kernels, furrow_row_terms_t terms, furrow_elem_t elem, const void *x,
                      const void *y, size_t n, furrow_exact_t *acc);

/** Bytes of an element. */
static inline size_t furrow_elem_size(furrow_elem_t elem)
{
    static const uint8_t size[FURROW_ELEM_TOTAL] = {1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
    return size[elem];
}

#endif
