/** \file pixels.h
 * Operations on rows of pixels: `n` pixels of `channels` bytes each, channels interleaved. Local, serial, no
 * allocation, cannot fail. All are integer arithmetic or looked up in a table, so that results are the same on every
 * machine.
 */
#ifndef FURROW_KERNELS_PIXELS_H
#define FURROW_KERNELS_PIXELS_H

#include "table.h"

/* ------------------------------------------------------------------------------------------------------- colour */
/** What a row of a file holds, 8 bits a channel. CMYK is as Adobe writes it into JPEG: 255 is no ink. */
typedef enum furrow_pixels {
    FURROW_PIXELS_GRAY,
    FURROW_PIXELS_GRAY_ALPHA,
    FURROW_PIXELS_RGB,
    FURROW_PIXELS_RGBA,
    FURROW_PIXELS_CMYK
} furrow_pixels_t;

/** Channels of a kind of pixels. */
int furrow_pixels_channels(furrow_pixels_t kind);

typedef enum furrow_pixels_order {
    FURROW_PIXELS_TO_RGB,
    FURROW_PIXELS_TO_BGR,
    FURROW_PIXELS_TO_GRAY
} furrow_pixels_order_t;

/** n pixels of `kind` to 3 channels, or 1 for gray; `out` does not overlap `in`. As Pillow's convert("RGB") and
 * convert("L"): alpha is dropped; gray is (19595 R + 38470 G + 7471 B + 32768) >> 16, which is ITU-R 601's 0.299 R +
 * 0.587 G + 0.114 B; a CMYK channel is c k / 255, rounded. */
void furrow_pixels_convert(furrow_pixels_t kind, furrow_pixels_order_t order, const uint8_t *in, size_t n,
                           uint8_t *out);

/* ----------------------------------------------------------------------------------------------------- resample
 * Separable resampling with fixed-point weights: the algorithm of Pillow's Image.resize (Resample.c), and its bits.
 * Rows first, each to bytes again, then columns. When shrinking, a filter is stretched by the ratio (antialias). */
typedef enum furrow_resample_filter {
    FURROW_RESAMPLE_NEAREST,
    FURROW_RESAMPLE_BOX,     /* Pillow's BOX */
    FURROW_RESAMPLE_LINEAR,  /* BILINEAR */
    FURROW_RESAMPLE_CUBIC,   /* BICUBIC, a = -0.5 */
    FURROW_RESAMPLE_LANCZOS, /* LANCZOS, three lobes */
    FURROW_RESAMPLE_AREA     /* OpenCV's INTER_AREA when shrinking: pixels count by how much of them is covered */
} furrow_resample_filter_t;

/** Weights are multiples of 2^-22: a sum of 255 * weights, which may overshoot, fits 32 bits. */
enum { FURROW_RESAMPLE_BITS = 22 };

/** Inputs per output beyond which rounded weights add up to an error that shows. */
#define FURROW_RESAMPLE_SHRINK_MAX 65536.0

/** Bytes that must be readable behind the last pixel of an input row. */
enum { FURROW_PIXELS_PADDING = 16 };

/** How `out` pixels come from the part [from, to) of `in` pixels. Output x is the sum of weights[x * taps + i] *
 * input[first[x] + i] over 0 <= i < count[x]. */
typedef struct furrow_resample {
    int64_t out, taps;
    const int32_t *first, *count, *weights;
} furrow_resample_t;

/** The most inputs of one output, rounded up to a multiple of 4. */
int64_t furrow_resample_taps(furrow_resample_filter_t filter, double from, double to, int64_t out);

/** Fill first[out], count[out], weights[out * taps]; weights that are not used are 0. 0 <= from < to <= in, out >= 1,
 * in < 2^31. */
void furrow_resample_plan(furrow_resample_filter_t filter, int64_t in, double from, double to, int64_t out,
                          int64_t taps, int32_t *first, int32_t *count, int32_t *weights);

/** One row to another width; `channels` 1 or 3. The table's function. */
void furrow_resample_row(const furrow_kernels_t *kernels, const furrow_resample_t *plan, int channels,
                         const uint8_t *row, uint8_t *out);

/** `n` bytes of one output row from `count` rows. The table's function. */
void furrow_resample_column(const furrow_kernels_t *kernels, const uint8_t *const *rows, const int32_t *weights,
                            int64_t count, size_t n, uint8_t *out);

/* -------------------------------------------------------------------------------------------------------- place */
/** Where a row of n pixels goes: channel c of pixel i to element i * step + c * channel_step of the output. */
typedef struct furrow_place {
    int channels;
    int64_t step, channel_step;
} furrow_place_t;

void furrow_pixels_place_u1(const furrow_place_t *place, const uint8_t *row, size_t n, uint8_t *out);

/** Each byte as table[c * 256 + byte]. */
void furrow_pixels_place_f4(const furrow_place_t *place, const float *table, const uint8_t *row, size_t n, float *out);

/** That table: (byte / 255 - mean[c]) / std[c], each step rounded to f4, which is torchvision's ToTensor and
 * Normalize. */
void furrow_pixels_table_f4(int channels, const float *mean, const float *std, float *table);

#endif
