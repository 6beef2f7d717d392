/* Owns the table of decoders, the recognition of formats, and the memory that decoders keep. */
#include "decode.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* TGA has nothing that marks it: it is what a file can be that is nothing else. */
static const furrow_decoder_t *const decoders[] = {
    &furrow_decoder_jpeg, &furrow_decoder_png, &furrow_decoder_gif, &furrow_decoder_bmp,
    &furrow_decoder_psd,  &furrow_decoder_pnm, &furrow_decoder_tga,
};

enum { DECODERS = sizeof decoders / sizeof decoders[0] };

const furrow_decoder_t *furrow_decoder_at(int i)
{
    return i >= 0 && i < DECODERS ? decoders[i] : NULL;
}

/* ------------------------------------------------------------------------------------------------------ formats */

/* What people keep beside pictures, or take for them: to say what it is. */
static const struct {
    int offset, count;
    const char *mark, *name;
} foreign[] = {
    {8, 4, "WEBP", "WebP"},
    {4, 8, "ftypavif", "AVIF"},
    {4, 8, "ftypheic", "HEIC"},
    {4, 6, "ftyphe", "HEIF"},
    {4, 6, "ftypmi", "HEIF"},
    {0, 4, "II*\0", "TIFF"},
    {0, 4, "MM\0*", "TIFF"},
    {0, 4, "II+\0", "BigTIFF"},
    {0, 4, "MM\0+", "BigTIFF"},
    {0, 8, "\0\0\0\x0cjP  ", "JPEG 2000"},
    {0, 4, "\xff\x4f\xff\x51", "JPEG 2000"},
    {0, 2, "\xff\x0a", "JPEG XL"},
    {0, 8, "\0\0\0\x0cJXL ", "JPEG XL"},
    {0, 4, "\x76\x2f\x31\x01", "OpenEXR"},
    {0, 4, "qoif", "QOI"},
    {0, 4, "DDS ", "DDS"},
    {0, 8, "\x8aMNG\r\n\x1a\n", "MNG"},
    {0, 4, "\0\0\1\0", "ICO"},
    {0, 2, "P7", "PAM"},
    {0, 5, "%PDF-", "PDF"},
    {0, 4, "PK\3\4", "zip"},
    {0, 2, "\x1f\x8b", "gzip"},
    {0, 6, "\x93NUMPY", "NumPy"},
    {0, 5, "<?xml", "XML"},
};

static bool has_mark(furrow_bytes_t file, int offset, int count, const char *mark)
{
    return file.count >= offset + count && memcmp(file.data + offset, mark, (size_t)count) == 0;
}

furrow_status_t furrow_decoder_find(furrow_bytes_t file, const furrow_decoder_t **out, furrow_error_t *err)
{
    if (file.count == 0) return furrow_fail(err, FURROW_EFORMAT, "the file is empty");
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (has_mark(file, foreign[i].offset, foreign[i].count, foreign[i].mark))
            return furrow_fail(err, FURROW_EUNSUPPORTED, "it is a file of format %s, which is not read",
                               foreign[i].name);
    for (int i = 0; i < DECODERS; i++) {
        if (!decoders[i]->sniff(file)) continue;
        *out = decoders[i];
        return FURROW_OK;
    }
    return furrow_fail(err, FURROW_EFORMAT, "not a picture of a known format (%lld bytes)", (long long)file.count);
}

furrow_status_t furrow_decode_size(int64_t width, int64_t height, furrow_image_info_t *out, furrow_error_t *err)
{
    if (width <= 0 || height <= 0 || width > INT32_MAX || height > INT32_MAX)
        return furrow_fail(err, FURROW_EFORMAT, "%s: height %lld, width %lld make no picture", out->format,
                           (long long)height, (long long)width);
    out->width = width;
    out->height = height;
    return FURROW_OK;
}

furrow_status_t furrow_decode_short(const char *format, furrow_bytes_t file, int64_t needed, furrow_error_t *err)
{
    return furrow_fail(err, FURROW_ETRUNCATED, "%s: the file ends early, after %lld bytes of at least %lld", format,
                       (long long)file.count, (long long)needed);
}

/* ------------------------------------------------------------------------------------------------------- memory */

void furrow_scratch_clear(furrow_scratch_t *scratch)
{
    for (int i = 0; i < FURROW_BUFFER_TOTAL; i++) {
        free(scratch->buffer[i].data);
        scratch->buffer[i].data = NULL;
        scratch->buffer[i].bytes = 0;
    }
    scratch->used = 0;
}

furrow_status_t furrow_scratch_refuse(furrow_scratch_t *scratch, int64_t needed, furrow_error_t *err)
{
    scratch->needed = needed;
    return furrow_fail(err, FURROW_EBUDGET, "decoding needs at least %lld bytes of memory beside the slot, of %lld",
                       (long long)needed, (long long)scratch->limit);
}

furrow_status_t furrow_scratch_check(furrow_scratch_t *scratch, int64_t bytes, furrow_error_t *err)
{
    if (scratch->limit == 0 || bytes <= scratch->limit - scratch->used) return FURROW_OK;
    return furrow_scratch_refuse(scratch, scratch->used + bytes, err);
}

/* The larger buffer replaces the smaller one: its contents need not be kept. */
furrow_status_t furrow_scratch_get(furrow_scratch_t *scratch, furrow_buffer_t which, int64_t count, int64_t size,
                                   void **out, furrow_error_t *err)
{
    int64_t bytes;

    if (!furrow_multiply(count, size, &bytes))
        return furrow_fail(err, FURROW_ENOMEM, "out of memory: %lld elements of %lld bytes", (long long)count,
                           (long long)size);
    if (scratch->buffer[which].data == NULL || scratch->buffer[which].bytes < bytes) {
        scratch->used -= scratch->buffer[which].bytes;
        scratch->buffer[which].bytes = 0;
        free(scratch->buffer[which].data);
        scratch->buffer[which].data = NULL;
        furrow_status_t status = furrow_scratch_check(scratch, bytes, err);
        if (status == FURROW_OK) status = furrow_alloc_buffer(bytes, 1, &scratch->buffer[which].data, err);
        if (status != FURROW_OK) return status;
        scratch->buffer[which].bytes = bytes;
        scratch->used += bytes;
    }
    *out = scratch->buffer[which].data;
    return FURROW_OK;
}
