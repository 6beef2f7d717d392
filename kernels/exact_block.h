/** \file exact_block.h
 * Exact sums of whole blocks at the speed of memory; private to kernels/variant.c.
 *
 * Feeding a superaccumulator term by term costs nanoseconds. A block instead picks one exponent, and splits every term
 * by adding and subtracting a power of two (error-free extraction: Rump, Ogita, Oishi, "Accurate floating-point
 * summation, part I", SIAM J. Sci. Comput. 31, 2008, algorithm 3.1) into a few multiples of fixed units. Multiples of
 * one unit are integers: they add exactly, in any order, and reach the superaccumulator a few times per block. A chunk
 * that holds a term of unfit size (too large, too small, NaN, infinite) is found out by two tests after the fact; it
 * either changes the exponent or feeds that one term by itself. The sum is exact in every case, so none of these
 * choices shows in a result.
 */
#ifndef FURROW_KERNELS_EXACT_BLOCK_H
#define FURROW_KERNELS_EXACT_BLOCK_H

#include <stdbool.h>

#include "exact.h"
#include "vector.h"

/* Binary orders that terms may grow beyond the first chunk before the exponent changes. */
#define SUM_HEADROOM 4

/* Terms that tell the first exponent of a block: scanning more costs more than a change of exponent now and then. */
#define PROBE ((size_t)64)

/* The larger of `largest` and the bits of |x|; x counts only where it is finite. */
static inline uint64_t larger_finite(uint64_t largest, double x)
{
    const uint64_t magnitude = bits_f8(x) & ~SIGN_BIT;
    return magnitude > largest && magnitude < UINT64_C(0x7ff) << 52 ? magnitude : largest;
}

#define KERNEL block_sum_f8
#define ELEMENT double
#define LOAD(x, y) load_f8(x)
#define TERM(x, y) (x)
#include "exact_sum.inc"

#define KERNEL block_sum_abs_f8
#define ELEMENT double
#define LOAD(x, y) abs_f8(load_f8(x))
#define TERM(x, y) double_of_bits(bits_f8(x) & ~SIGN_BIT)
#include "exact_sum.inc"

#define KERNEL block_sum_f4
#define ELEMENT float
#define LOAD(x, y) load_f4(x)
#define TERM(x, y) ((double)(x))
#include "exact_sum.inc"

#define KERNEL block_sum_abs_f4
#define ELEMENT float
#define LOAD(x, y) abs_f8(load_f4(x))
#define TERM(x, y) double_of_bits(bits_f8((double)(x)) & ~SIGN_BIT)
#include "exact_sum.inc"

/* The product of two floats is exact in a double. */
#define KERNEL block_sum_squares_f4
#define ELEMENT float
#define LOAD(x, y) (load_f4(x) * load_f4(x))
#define TERM(x, y) ((double)(x) * (double)(x))
#include "exact_sum.inc"

#define KERNEL block_dot_f4
#define ELEMENT float
#define LOAD(x, y) (load_f4(x) * load_f4(y))
#define TERM(x, y) ((double)(x) * (double)(y))
#include "exact_sum.inc"

#if VECTOR_BYTES == 64 && defined(__AVX512IFMA__) /* half the time of three limbs */
#include "exact_squares.inc"
#else
#define KERNEL block_sum_squares_f8
#define SQUARES 1
#include "exact_products.inc"
#endif

#define KERNEL block_dot_f8
#define SQUARES 0
#include "exact_products.inc"

#endif
