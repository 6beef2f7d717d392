/** \file exact.h
 * The superaccumulator: a sum of doubles, or of products of two doubles, kept without any rounding.
 *
 * A wide fixed-point integer. Digit i weighs 2^(32 i - 2176); a digit is a signed 64-bit word, so that carries wait and
 * accumulators combine by plain integer addition, in any order, with one result. The range holds 2^63 products of any
 * two finite doubles (2^-2148 .. 2^2111). Sources: Kulisch, "Computer Arithmetic and Validity" (2013), ch. 8; Neal,
 * "Fast exact summation using small and large superaccumulators" (arXiv 1505.05571).
 *
 * Everything here is local, serial, allocates nothing and cannot fail. The functions that feed one value are also the
 * reference for the block kernels (table.h).
 */
#ifndef FURROW_KERNELS_EXACT_H
#define FURROW_KERNELS_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FURROW_EXACT_DIGITS = 136,    /* 32 bits each */
    FURROW_EXACT_LOW_BIT = -2176, /* weight of bit 0 of digit 0, as a power of two */
    FURROW_EXACT_WORDS = FURROW_EXACT_DIGITS + 4
};

/** A sum. All words are int64_t counts or digits, so an array of these merges by adding word by word
 * (after furrow_exact_normalize() on each side). Zero bytes are the empty sum. */
typedef struct furrow_exact {
    int64_t digit[FURROW_EXACT_DIGITS];
    int64_t nan;          /* terms that were NaN, among them inf * 0 */
    int64_t plus_inf;     /* terms that were +inf */
    int64_t minus_inf;    /* terms that were -inf */
    int64_t not_neg_zero; /* > 0 once a term was anything but -0.0: decides the sign of a zero sum */
} furrow_exact_t;

/** The sum becomes empty. */
void furrow_exact_clear(furrow_exact_t *acc);

/** acc += x, without rounding. NaN and infinities are counted. Costs a few ns; at most 2^30 calls of this family may
 * pass between two calls of furrow_exact_normalize(). */
void furrow_exact_add(furrow_exact_t *acc, double x);

/** acc += x * y, without rounding, also where the product over- or underflows a double. */
void furrow_exact_add_product(furrow_exact_t *acc, double x, double y);

/** acc += value * 2^exponent, FURROW_EXACT_LOW_BIT <= exponent <= 2040. */
void furrow_exact_add_scaled(furrow_exact_t *acc, int64_t value, int exponent);

/** acc += value * 2^exponent, exponent >= 0: sums of integers. */
__extension__ typedef __int128 furrow_int128_t;
__extension__ typedef unsigned __int128 furrow_uint128_t;
void furrow_exact_add_int128(furrow_exact_t *acc, furrow_int128_t value, int exponent);

/** acc += other. Both keep their value; acc is normalized. */
void furrow_exact_merge(furrow_exact_t *acc, furrow_exact_t *other);

/** Propagate carries: afterwards 0 <= digit[i] < 2^32 for all digits but the last, which carries the sign. This is the
 * canonical form: two accumulators of equal value have equal digits. Up to 2^31 canonical forms may be added. */
void furrow_exact_normalize(furrow_exact_t *acc);

#endif
