/** \file decode.h
 * The table of decoders, and what a decoder is given. Work layer; everything here is local.
 */
#ifndef FURROW_DECODE_H
#define FURROW_DECODE_H

#include "furrow_image.h"
#include "pixels.h"
#include "status.h"

/** A file in memory. */
typedef struct furrow_bytes {
    const uint8_t *data;
    int64_t count;
} furrow_bytes_t;

/** Numbers in a file; `at` and what follows must lie within it. */
static inline unsigned furrow_le16(const uint8_t *at)
{
    return (unsigned)at[0] | (unsigned)at[1] << 8;
}

static inline uint32_t furrow_le32(const uint8_t *at)
{
    return (uint32_t)furrow_le16(at) | (uint32_t)furrow_le16(at + 2) << 16;
}

static inline unsigned furrow_be16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | (unsigned)at[1];
}

static inline uint32_t furrow_be32(const uint8_t *at)
{
    return (uint32_t)furrow_be16(at) << 16 | (uint32_t)furrow_be16(at + 2);
}

/* ------------------------------------------------------------------------------------------------------- memory */
/** Buffers that live as long as their owner and only grow, together below a limit. Contents are not kept. */
typedef enum furrow_buffer {
    FURROW_BUFFER_LINES,  /* rows from the decoder */
    FURROW_BUFFER_WINDOW, /* rows that were resampled */
    FURROW_BUFFER_OUT,    /* a row to be placed */
    FURROW_BUFFER_PLANS,  /* of both axes */
    FURROW_BUFFER_POINTERS,
    FURROW_BUFFER_PICTURE, /* a decoder that needs all pixels */
    FURROW_BUFFER_CODES,   /* a decoder's tables */
    FURROW_BUFFER_TOTAL
} furrow_buffer_t;

typedef struct furrow_scratch {
    struct {
        void *data;
        int64_t bytes;
    } buffer[FURROW_BUFFER_TOTAL];
    int64_t used, limit; /* limit 0: none */
    int64_t needed;      /* what the last refusal would have taken in all */
} furrow_scratch_t;

/** At least `count` elements of `size` bytes in `*out`. \return FURROW_OK, FURROW_EBUDGET, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_scratch_get(furrow_scratch_t *scratch, furrow_buffer_t which, int64_t count,
                                                     int64_t size, void **out, furrow_error_t *err);

/** Give all of it back to the system. */
void furrow_scratch_clear(furrow_scratch_t *scratch);

/** May `bytes` more be used, by a library? \return FURROW_OK, FURROW_EBUDGET */
FURROW_MUST_CHECK furrow_status_t furrow_scratch_check(furrow_scratch_t *scratch, int64_t bytes, furrow_error_t *err);

/** FURROW_EBUDGET: `needed` bytes in all would have been. */
furrow_status_t furrow_scratch_refuse(furrow_scratch_t *scratch, int64_t needed, furrow_error_t *err);

/** That of a decoder: whoever owns the decoder may set the limit, clear it, and see what was needed. */
furrow_scratch_t *furrow_image_decoder_scratch(furrow_image_decoder_t *decoder);

/* --------------------------------------------------------------------------------------------------------- rows */
/** Where decoded rows go: see image_sink.h. */
typedef struct furrow_sink furrow_sink_t;

/** Where row y is to be written: width * channels bytes in the wanted colours. Rows are asked for and finished from the
 * top, each once; so many that were asked for may be unfinished as the decoder's `rows_at_once` says. */
uint8_t *furrow_sink_row(furrow_sink_t *sink, int64_t y);

/** Row y is written. */
void furrow_sink_done(furrow_sink_t *sink, int64_t y);

/* ------------------------------------------------------------------------------------------------------ decoders */
/** What a decoder is asked for. */
typedef struct furrow_decode_job {
    furrow_bytes_t file;
    const furrow_image_info_t *info; /* of this file */
    furrow_pixels_order_t order;
    int eighths; /* the scale at which to decode, 8 for the whole size; else one that the decoder offers */
    bool keep_damaged;
    furrow_scratch_t *scratch;
    void **state; /* the decoder's own, kept from picture to picture; NULL at first */
    furrow_sink_t *sink;
    char *warning; /* as that of furrow_image_info_t */
} furrow_decode_job_t;

typedef struct furrow_decoder {
    const char *format, *library;
    int rows_at_once;
    /* Is it one of these? Looks at no more than there is. */
    bool (*sniff)(furrow_bytes_t file);
    /* Fills all but format and warning; they, and orientation 1, are set. */
    furrow_status_t (*info)(furrow_bytes_t file, furrow_image_info_t *out, furrow_error_t *err);
    /* Gives all rows to the sink, or fails. */
    furrow_status_t (*decode)(const furrow_decode_job_t *job, furrow_error_t *err);
    void (*free_state)(void *state); /* NULL where there is none */
    const int *eighths;              /* scales below 8 that are worth it, ascending, then 0; NULL: none */
} furrow_decoder_t;

/** The decoder for what the bytes are. \return FURROW_OK, FURROW_EFORMAT, FURROW_EUNSUPPORTED (known by name) */
FURROW_MUST_CHECK furrow_status_t furrow_decoder_find(furrow_bytes_t file, const furrow_decoder_t **out,
                                                      furrow_error_t *err);

/** Row i of the table, NULL after the last. */
const furrow_decoder_t *furrow_decoder_at(int i);

extern const furrow_decoder_t furrow_decoder_jpeg, furrow_decoder_png, furrow_decoder_gif, furrow_decoder_bmp,
    furrow_decoder_tga, furrow_decoder_psd, furrow_decoder_pnm;

/** The orientation in an EXIF block ("II*\0..." or "MM\0*..."), 1 where it has none that is valid. */
int furrow_exif_orientation(furrow_bytes_t exif);

/** `width` x `height` of a header that must be positive. \return FURROW_OK, FURROW_EFORMAT */
FURROW_MUST_CHECK furrow_status_t furrow_decode_size(int64_t width, int64_t height, furrow_image_info_t *out,
                                                     furrow_error_t *err);

/** The file ends before what its header promises: FURROW_ETRUNCATED. */
furrow_status_t furrow_decode_short(const char *format, furrow_bytes_t file, int64_t needed, furrow_error_t *err);

#endif
