/* Owns decoding by libspng, which turns every kind of PNG to RGB of 8 bits: the high byte of 16, palettes looked up,
 * alpha dropped. */
#ifdef FURROW_HAVE_LIBSPNG
#include <string.h>

#include <spng.h>

#include "decode_png.h"
#include "mem.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char furrow_libspng_version[] =
    "libspng " TEXT(SPNG_VERSION_MAJOR) "." TEXT(SPNG_VERSION_MINOR) "." TEXT(SPNG_VERSION_PATCH);

/* ------------------------------------------------------------------------------------------------------- chunks */

/* The library is shown the chunks that matter, those with an upper-case type. It would inflate texts and profiles,
 * which nobody looks at, and refuse a picture for having many. */
typedef struct reader {
    furrow_bytes_t file;
    furrow_png_chunk_t chunk;
    int64_t at, stop; /* bytes to be shown next */
} reader_t;

static bool next_range(reader_t *reader)
{
    do {
        if (!furrow_png_next(reader->file, &reader->chunk)) return false;
    } while ((reader->chunk.type[0] & 0x20) != 0);
    reader->at = reader->chunk.type - 4 - reader->file.data;
    reader->stop = reader->chunk.next;
    return true;
}

static int show(spng_ctx *ctx, void *user, void *out, size_t count)
{
    reader_t *reader = user;

    (void)ctx;
    for (int64_t done = 0, wanted = (int64_t)count; done < wanted;) {
        if (reader->at == reader->stop && !next_range(reader)) return SPNG_IO_EOF;
        const int64_t bytes = furrow_least(wanted - done, reader->stop - reader->at);
        memcpy((char *)out + done, reader->file.data + reader->at, (size_t)bytes);
        reader->at += bytes;
        done += bytes;
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------------------- decode */

static furrow_status_t fail(const furrow_decode_job_t *job, int error, furrow_error_t *err)
{
    const bool ends = error == SPNG_IO_EOF || error == SPNG_EOF;

    if (error == SPNG_EMEM) return furrow_fail(err, FURROW_ENOMEM, "PNG: out of memory");
    if (ends)
        return furrow_fail(err, FURROW_ETRUNCATED, "PNG: the file ends early, after %lld bytes",
                           (long long)job->file.count);
    return furrow_fail(err, FURROW_EFORMAT, "PNG: %s", spng_strerror(error));
}

/* RGB to a row of the sink, by way of `line` where the order is another. */
static void give_row(const furrow_decode_job_t *job, const uint8_t *rgb, int64_t y)
{
    uint8_t *row = furrow_sink_row(job->sink, y);

    if (row != rgb) furrow_pixels_convert(FURROW_PIXELS_RGB, job->order, rgb, (size_t)job->info->width, row);
    furrow_sink_done(job->sink, y);
}

static furrow_status_t read_rows(const furrow_decode_job_t *job, spng_ctx *ctx, furrow_error_t *err)
{
    const int64_t bytes = job->info->width * 3;
    void *line = NULL;

    furrow_status_t status = furrow_scratch_get(job->scratch, FURROW_BUFFER_PICTURE, bytes, 1, &line, err);
    if (status != FURROW_OK) return status;
    int error = spng_decode_image(ctx, NULL, 0, SPNG_FMT_RGB8, SPNG_DECODE_PROGRESSIVE);
    for (int64_t y = 0; y < job->info->height && error == 0; y++) {
        uint8_t *rgb = job->order == FURROW_PIXELS_TO_RGB ? furrow_sink_row(job->sink, y) : line;
        error = spng_decode_row(ctx, rgb, (size_t)bytes);
        const bool is_last = y == job->info->height - 1;
        if (error == SPNG_EOI && is_last) error = 0;
        if (error == 0) give_row(job, rgb, y);
    }
    return error == 0 ? FURROW_OK : fail(job, error, err);
}

/* An interlaced picture comes seven times, ever finer. */
static furrow_status_t read_picture(const furrow_decode_job_t *job, spng_ctx *ctx, furrow_error_t *err)
{
    const int64_t bytes = job->info->width * 3;
    void *picture = NULL;

    furrow_status_t status =
        furrow_scratch_get(job->scratch, FURROW_BUFFER_PICTURE, job->info->height, bytes, &picture, err);
    if (status != FURROW_OK) return status;
    const int error = spng_decode_image(ctx, picture, (size_t)(job->info->height * bytes), SPNG_FMT_RGB8, 0);
    if (error != 0) return fail(job, error, err);
    for (int64_t y = 0; y < job->info->height; y++) give_row(job, (uint8_t *)picture + y * bytes, y);
    return FURROW_OK;
}

static furrow_status_t decode(const furrow_decode_job_t *job, spng_ctx *ctx, furrow_error_t *err)
{
    reader_t reader = {.file = job->file, .stop = FURROW_PNG_SIGNATURE};
    struct spng_ihdr header;
    int error = spng_set_png_stream(ctx, show, &reader);

    if (error == 0) error = spng_get_ihdr(ctx, &header);
    if (error != 0) return fail(job, error, err);
    /* The library keeps three rows of its own. */
    furrow_status_t status = furrow_scratch_check(job->scratch, 3 * job->info->width * job->info->channels * 2, err);
    if (status == FURROW_OK)
        status = header.interlace_method == 0 ? read_rows(job, ctx, err) : read_picture(job, ctx, err);
    if (status != FURROW_OK) return status;
    error = spng_decode_chunks(ctx); /* to the end of the file */
    return error == 0 ? FURROW_OK : fail(job, error, err);
}

furrow_status_t furrow_libspng_decode(const furrow_decode_job_t *job, furrow_error_t *err)
{
    spng_ctx *ctx = spng_ctx_new(0);

    if (ctx == NULL) return fail(job, SPNG_EMEM, err);
    const furrow_status_t status = decode(job, ctx, err);
    spng_ctx_free(ctx);
    return status;
}
#else
typedef int furrow_libspng_is_not_built_in;
#endif
