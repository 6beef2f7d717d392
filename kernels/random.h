/** \file random.h
 * Random numbers by element index: element i of the sequence of a seed is a pure function of (seed, i), so any rank or
 * thread can make any part of it.
 *
 * Word i of a seed is word i % 4 of Philox4x64-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1,
 * 2, 3", 2011) with key {seed, 0} and counter {i / 4 + 1, 0, 0, 0}, which is what numpy.random.Philox(key=seed) counts.
 * As i < 2^63, the first word of the counter never carries into the second.
 *
 * Only the basic operations and the square root of IEEE 754 are used, no mathematical library: the same bits on every
 * machine, if compiled with -ffp-contract=off. Everything here is local, serial, allocates nothing and cannot fail.
 */
#ifndef FURROW_KERNELS_RANDOM_H
#define FURROW_KERNELS_RANDOM_H

#include <stdint.h>

enum { FURROW_RANDOM_CHUNK = 512 }; /* words that are in work at once */

/** The block function: four words from a counter and a key, 10 rounds. */
void furrow_philox4x64(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4]);

/** Elements [first, first + count); first, count >= 0 and first + count < 2^63. Uniform on [0, 1): the top 53 bits of
 * word i, times 2^-53. Equals numpy.random.Generator(numpy.random.Philox(key=seed)).random() bit for bit. */
void furrow_random_uniform_f8(uint64_t seed, int64_t first, int64_t count, double *out);

/** The top 24 bits of half i % 2 (the low one first) of word i / 2, times 2^-24. Equals .random(dtype=numpy.float32).
 */
void furrow_random_uniform_f4(uint64_t seed, int64_t first, int64_t count, float *out);

/** furrow_random_normals() of word i. */
void furrow_random_normal_f8(uint64_t seed, int64_t first, int64_t count, double *out);

/** The f8 element, rounded. Unlike uniform f4 it takes a whole word per element. */
void furrow_random_normal_f4(uint64_t seed, int64_t first, int64_t count, float *out);

/** The normal quantile of each word, count <= FURROW_RANDOM_CHUNK: with k the top 53 bits, the z for which a normal
 * variable is below z with probability (k + 0.5) * 2^-53. So |z| < 8.3, never 0, and z(2^53 - 1 - k) = -z(k) exactly.
 */
void furrow_random_normals(const uint64_t *word, int count, double *out);

#endif
