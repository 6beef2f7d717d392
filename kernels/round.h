/** \file round.h
 * From an exact sum to numbers: the one place where Furrow rounds. Local, serial, no allocation, cannot fail.
 *
 * All results are correctly rounded, half to even, to double, with gradual underflow; a magnitude that rounds to 2^1024
 * or more is an infinity. NaN, or infinities of both signs, among the terms make a NaN; an infinity of one sign stays.
 * The accumulators may be in any form, and are left as they are.
 */
#ifndef FURROW_KERNELS_ROUND_H
#define FURROW_KERNELS_ROUND_H

#include "exact.h"

/** The sum of `count` terms. An exact zero is +0, but -0.0 if there were terms and all of them were -0.0. */
double furrow_round_sum(furrow_exact_t *sum, int64_t count);

/** sqrt(sum); the sum must not be negative. */
double furrow_round_sqrt(furrow_exact_t *sum);

/** sum / count; NaN for count 0. */
double furrow_round_mean(furrow_exact_t *sum, int64_t count);

/** (count * squares - sum^2) / (count * (count - ddof)): the variance; its square root where `root`.
 *
 * \param squares  sum of the squares of the same terms
 * NaN if count <= ddof, or if any term was not finite. */
double furrow_round_variance(furrow_exact_t *sum, furrow_exact_t *squares, int64_t count, int64_t ddof, bool root);

/** The same results times 2^shift, for numbers that no double holds: what row operations are made of. */
double furrow_round_sqrt_scaled(furrow_exact_t *sum, int shift);
double furrow_round_std_scaled(furrow_exact_t *sum, furrow_exact_t *squares, int64_t count, int64_t ddof, int shift);

/** The mean times 2^shift as the nearest double, which must be finite, and, in `low`, what is left over, itself
 * rounded. For count > 0 finite terms. */
double furrow_round_mean_pair(furrow_exact_t *sum, int64_t count, int shift, double *low);

/** The least e with |sum| < 2^e, for a sum of finite terms; for a zero one FURROW_EXACT_LOW_BIT. */
int furrow_round_exponent(furrow_exact_t *sum);

/** x * 2^exponent / divisor and sqrt(x * 2^exponent), for x > 0, a divisor > 0 and results that are no subnormals. */
double furrow_round_ratio(furrow_uint128_t x, int exponent, uint64_t divisor);
double furrow_round_root(furrow_uint128_t x, int exponent);

/** The square root to which all numbers from low to high, times 2^exponent, round. False if they may not round to the
 * same. 0 < low <= high; the result is no subnormal. */
bool furrow_round_root_between(furrow_uint128_t low, furrow_uint128_t high, int exponent, double *out);

/** The sum as a decimal integer, cut at `size`; it must be an integer (sums of integers are). */
void furrow_round_decimal(furrow_exact_t *sum, char *out, size_t size);

/** The sum in `out` if it is an integer in the range of int64_t; else false. */
bool furrow_round_int64(furrow_exact_t *sum, int64_t *out);

#endif
