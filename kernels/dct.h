/** \file dct.h
 * From coefficients of a JPEG to samples of 1, 2 or 4 rows and columns a block, and from YCbCr to colours. The bits are
 * those of libjpeg-turbo (jidctred.c, jdcolor.c), vector code or not. Local, serial, no allocation, cannot fail.
 */
#ifndef FURROW_KERNELS_DCT_H
#define FURROW_KERNELS_DCT_H

#include "table.h"

/** The largest coefficient, times its factor, that may be transformed: 8 bits a sample and factors up to 255 can give
 * 1184, and from 1449 on 32 bits would not do. */
enum { FURROW_DCT_LARGEST = 1400 };

/** Of the 8 frequencies along an axis so many matter for 1, 2 and 4 samples, and these. */
#define FURROW_DCT_USED(size) ((size) == 1 ? 1 : (size) == 2 ? 5 : 7)
enum { FURROW_DCT_PLANES_MAX = 49 };

/** Where frequency 0 to 7 comes among those that matter for `size` samples, -1 for one that does not. */
int furrow_dct_rank(int size, int frequency);

/** FURROW_DCT_BLOCKS blocks side by side to `size` rows of FURROW_DCT_BLOCKS * size samples, `stride` bytes apart. The
 * coefficient of vertical frequency u and horizontal frequency v, with ranks i and j, is in plane
 * i * FURROW_DCT_USED(size) + j; that of block b is coefficients[plane * FURROW_DCT_BLOCKS + b], to be multiplied with
 * factors[plane]. False, and the samples mean nothing, if some sample is so far out of range that decoders differ. */
bool furrow_dct(const furrow_kernels_t *kernels, int size, const int16_t *coefficients, const int16_t *factors,
                uint8_t *out, size_t stride);

/** n pixels of full range YCbCr (ITU-T T.871) to RGB, or BGR. */
void furrow_dct_colors(const furrow_kernels_t *kernels, const uint8_t *const ycc[3], size_t n, bool bgr, uint8_t *out);

#endif
