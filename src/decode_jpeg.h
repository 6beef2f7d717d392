/** \file decode_jpeg.h
 * JPEG by libjpeg-turbo, and what holds for every decoder of JPEG. Work layer; local.
 */
#ifndef FURROW_DECODE_JPEG_H
#define FURROW_DECODE_JPEG_H

#include "decode.h"

/** Scans of a picture beyond which it is refused: each goes over all coefficients, so that a small file could keep a
 * decoder busy for hours. Encoders write about ten. */
enum { FURROW_JPEG_SCANS_MAX = 100 };

/** Codes of markers. */
enum {
    FURROW_JPEG_SOF0 = 0xc0,
    FURROW_JPEG_DHT = 0xc4,
    FURROW_JPEG_RST0 = 0xd0,
    FURROW_JPEG_SOI = 0xd8,
    FURROW_JPEG_EOI = 0xd9,
    FURROW_JPEG_SOS = 0xda,
    FURROW_JPEG_DQT = 0xdb,
    FURROW_JPEG_DRI = 0xdd,
    FURROW_JPEG_APP0 = 0xe0,
    FURROW_JPEG_APP1 = 0xe1,
    FURROW_JPEG_APP14 = 0xee,
    FURROW_JPEG_COM = 0xfe
};

/** A marker segment: code, and what follows its length. */
typedef struct furrow_jpeg_segment {
    int code;
    const uint8_t *data;
    int64_t count;
    int64_t start, next; /* of the marker, and what follows the segment */
} furrow_jpeg_segment_t;

/** The next marker from `at` on; decoders skip what is none, and so does this. False where the file ends before. */
bool furrow_jpeg_next(furrow_bytes_t file, int64_t at, furrow_jpeg_segment_t *out);

/** libjpeg-turbo, in decode_libjpeg.c, but for what is skimmed (decode_skim.h); in builds with it. */
furrow_status_t furrow_libjpeg_decode(const furrow_decode_job_t *job, furrow_error_t *err);
void furrow_libjpeg_free(void *state);
extern const char furrow_libjpeg_version[];
extern const int furrow_libjpeg_eighths[];

#endif
