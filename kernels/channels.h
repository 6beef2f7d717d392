/** \file channels.h
 * Exact sums over the channels of pixels. Local, serial, no allocation, cannot fail.
 */
#ifndef FURROW_KERNELS_CHANNELS_H
#define FURROW_KERNELS_CHANNELS_H

#include <stddef.h>
#include <stdint.h>

/** Add `n` pixels of `channels` (1 or 3) interleaved bytes: sum[c] += x, squares[c] += x^2. Integers: exact, in any
 * order. */
void furrow_channels_add(int channels, const uint8_t *pixels, size_t n, uint64_t *sum, uint64_t *squares);

#endif
