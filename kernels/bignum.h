/** \file bignum.h
 * Non-negative integers of up to 320 digits of 32 bits, as much arithmetic as rounding an exact sum needs. Local,
 * serial, no allocation. Overflow of the capacity is a programming error (asserted): the largest number that occurs is
 * n * sum of squares, under 4500 bits, or the square of a sum, under 8800.
 */
#ifndef FURROW_KERNELS_BIGNUM_H
#define FURROW_KERNELS_BIGNUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FURROW_BIG_DIGITS = 320 };

/** Value: sum of digit[i] * 2^(32 i). Invariant: digit[length - 1] != 0; zero has length 0. */
typedef struct furrow_big {
    int length;
    uint32_t digit[FURROW_BIG_DIGITS];
} furrow_big_t;

/** Drop leading zero digits after `length` digits were filled in. */
void furrow_big_trim(furrow_big_t *a);

/** a -= b; needs a >= b. */
void furrow_big_subtract(furrow_big_t *a, const furrow_big_t *b);

/** out = a * b; no overlap. */
void furrow_big_multiply(furrow_big_t *out, const furrow_big_t *a, const furrow_big_t *b);

/** a *= factor. */
void furrow_big_multiply_small(furrow_big_t *a, uint64_t factor);

/** a = floor(a / divisor); returns the remainder. divisor > 0. */
uint64_t furrow_big_divide_small(furrow_big_t *a, uint64_t divisor);

/** a *= 2^bits. */
void furrow_big_shift_left(furrow_big_t *a, int bits);

/** a = floor(a / 2^bits); returns whether a bit that was set fell off. */
bool furrow_big_shift_right(furrow_big_t *a, int bits);

/** The number of bits: 0 for 0, 1 for 1, 3 for 4. */
int furrow_big_bits(const furrow_big_t *a);

/** Decimal digits into `out`, cut at `size`; "0" for zero. Destroys `a`. */
void furrow_big_decimal(furrow_big_t *a, char *out, size_t size);

#endif
