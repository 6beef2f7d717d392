/** \file decode_skim.h
 * Common JPEGs at 1/8 and 2/8 of their size, faster than by libjpeg-turbo and with its pixels. Work layer; local.
 */
#ifndef FURROW_DECODE_SKIM_H
#define FURROW_DECODE_SKIM_H

#include "decode.h"

/** A picture before its colours are made: samples in the job's scratch memory, until that is used for another one. */
typedef struct furrow_skim_picture {
    const furrow_kernels_t *kernels;
    furrow_pixels_order_t order;
    int64_t height, width;
    int channels, planes;    /* of a pixel; of samples, gray or YCbCr */
    const uint8_t *plane[3]; /* [height][stride] */
    size_t stride;
} furrow_skim_picture_t;

/** Decode, of the job, `file` of size `info` to `order` at `eighths`, within `scratch`. False: it is a file of another
 * kind, or at another scale, or something in it is not as it should be, or memory does not suffice. libjpeg-turbo is
 * then to decode the file, or to say what is wrong with it. */
bool furrow_skim_picture(const furrow_decode_job_t *job, furrow_skim_picture_t *out);

/** Row y: width * channels bytes. */
void furrow_skim_row(const furrow_skim_picture_t *picture, int64_t y, uint8_t *out);

/** The same into the sink; it has got nothing if false. */
bool furrow_skim_decode(const furrow_decode_job_t *job);

#endif
