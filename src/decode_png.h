/** \file decode_png.h
 * The chunks of a PNG file, for every decoder of PNG. Work layer; local.
 */
#ifndef FURROW_DECODE_PNG_H
#define FURROW_DECODE_PNG_H

#include "decode.h"

/** Bytes before the first chunk. */
enum { FURROW_PNG_SIGNATURE = 8 };

typedef struct furrow_png_chunk {
    const uint8_t *type; /* four letters */
    furrow_bytes_t data; /* a check sum follows */
    int64_t next;
} furrow_png_chunk_t;

/** The chunk after `chunk`, the first for one that is all zero. False where the file ends before its end. */
bool furrow_png_next(furrow_bytes_t file, furrow_png_chunk_t *chunk);

bool furrow_png_is(const furrow_png_chunk_t *chunk, const char *type);

/** The orientation in a file of which only the beginning is in memory: it may stand behind the pixels, and their chunks
 * are passed over. 1 where there is none. \return FURROW_OK, FURROW_EIO, FURROW_ETRUNCATED */
furrow_status_t furrow_png_find_orientation(int fd, const char *name, int64_t bytes, int *orientation,
                                            furrow_error_t *err);

/** libspng, in decode_libspng.c; in builds with it. */
furrow_status_t furrow_libspng_decode(const furrow_decode_job_t *job, furrow_error_t *err);
extern const char furrow_libspng_version[];

#endif
