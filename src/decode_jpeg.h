/** \file decode_jpeg.h
 * What the markers of a JPEG file say before its first scan, for every decoder of JPEG. Work layer; local.
 */
#ifndef FURROW_DECODE_JPEG_H
#define FURROW_DECODE_JPEG_H

#include "decode.h"

/** Scans of a picture beyond which it is refused: each goes over all coefficients, so that a small file could keep a
 * decoder busy for hours. Encoders write about ten. */
enum { FURROW_JPEG_SCANS_MAX = 100 };

typedef struct furrow_jpeg {
    int process; /* n of SOFn */
    int bits, components;
    int64_t height, width;
    int adobe;       /* colour transform of the Adobe marker, -1 without one */
    int orientation; /* of EXIF */
    int64_t scan;    /* offset of the first start-of-scan marker */
} furrow_jpeg_t;

/** \return FURROW_OK, FURROW_EFORMAT, FURROW_ETRUNCATED */
FURROW_MUST_CHECK furrow_status_t furrow_jpeg_read(furrow_bytes_t file, furrow_jpeg_t *out, furrow_error_t *err);

/** Does every marker follow up to the end of the picture, in at most FURROW_JPEG_SCANS_MAX scans? Looks at no entropy-coded
 * data. \return FURROW_OK, FURROW_ETRUNCATED, FURROW_EFORMAT */
FURROW_MUST_CHECK furrow_status_t furrow_jpeg_check_end(furrow_bytes_t file, const furrow_jpeg_t *jpeg,
                                                        furrow_error_t *err);

/** libjpeg-turbo, in decode_libjpeg.c; in builds with it. */
furrow_status_t furrow_libjpeg_decode(const furrow_decode_job_t *job, furrow_error_t *err);
void furrow_libjpeg_free(void *state);
extern const char furrow_libjpeg_version[];
extern const int furrow_libjpeg_eighths[];

#endif
