/** \file decode_jpeg.h
 * JPEG by libjpeg-turbo, and what holds for every decoder of JPEG. Work layer; local.
 */
#ifndef FURROW_DECODE_JPEG_H
#define FURROW_DECODE_JPEG_H

#include "decode.h"

/** Scans of a picture beyond which it is refused: each goes over all coefficients, so that a small file could keep a
 * decoder busy for hours. Encoders write about ten. */
enum { FURROW_JPEG_SCANS_MAX = 100 };

/** libjpeg-turbo, in decode_libjpeg.c; in builds with it. */
furrow_status_t furrow_libjpeg_decode(const furrow_decode_job_t *job, furrow_error_t *err);
void furrow_libjpeg_free(void *state);
extern const char furrow_libjpeg_version[];
extern const int furrow_libjpeg_eighths[];

#endif
