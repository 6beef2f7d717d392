/* Owns the reading of PNG's chunks (ISO/IEC 15948), and PNG's row of the table. */
#include "decode_png.h"

#include <string.h>

#include "decode_stb.h"
#include "file.h"
#include "mem.h"

enum {
    SIGNATURE = FURROW_PNG_SIGNATURE,
    CHUNK = 12 /* length, type and check sum */,
    IHDR = 13,
    START = SIGNATURE + CHUNK + IHDR
};

static bool sniff(furrow_bytes_t file)
{
    return file.count >= SIGNATURE && memcmp(file.data, "\x89PNG\r\n\x1a\n", SIGNATURE) == 0;
}

bool furrow_png_next(furrow_bytes_t file, furrow_png_chunk_t *chunk)
{
    const int64_t at = chunk->data.data == NULL ? SIGNATURE : chunk->next;

    if (at > file.count - CHUNK) return false;
    const uint32_t length = furrow_be32(file.data + at);
    if (length > file.count - CHUNK - at) return false;
    chunk->type = file.data + at + 4;
    chunk->data = (furrow_bytes_t){file.data + at + 8, length};
    chunk->next = at + CHUNK + length;
    return true;
}

bool furrow_png_is(const furrow_png_chunk_t *chunk, const char *type)
{
    return memcmp(chunk->type, type, 4) == 0;
}

furrow_status_t furrow_png_find_orientation(int fd, const char *name, int64_t bytes, int *orientation,
                                            furrow_error_t *err)
{
    enum { EXIF_MAX = 1 << 16 /* as in a JPEG */ };
    furrow_status_t status = FURROW_OK;
    uint8_t head[8], exif[EXIF_MAX];

    *orientation = 1;
    for (int64_t at = SIGNATURE; at <= bytes - CHUNK && status == FURROW_OK; at += CHUNK + (int64_t)furrow_be32(head)) {
        status = furrow_file_read(fd, name, at, head, sizeof head, err);
        if (status != FURROW_OK || memcmp(head + 4, "eXIf", 4) != 0) continue;
        const int64_t count = furrow_least(furrow_least(furrow_be32(head), EXIF_MAX), bytes - CHUNK - at);
        status = furrow_file_read(fd, name, at + 8, exif, count, err);
        if (status == FURROW_OK) *orientation = furrow_exif_orientation((furrow_bytes_t){exif, count});
    }
    return status;
}

static furrow_status_t info(furrow_bytes_t file, furrow_image_info_t *out, furrow_error_t *err)
{
    static const int channels[] = {1, 0, 3, 1, 2, 0, 4};
    furrow_png_chunk_t chunk = {0};

    if (file.count < START) return furrow_decode_short("PNG", file, START, err);
    if (!furrow_png_next(file, &chunk) || !furrow_png_is(&chunk, "IHDR") || chunk.data.count != IHDR)
        return furrow_fail(err, FURROW_EFORMAT, "PNG: the file does not begin with its header");
    const int colour = chunk.data.data[9];
    out->bits = chunk.data.data[8];
    out->channels = colour < (int)(sizeof channels / sizeof channels[0]) ? channels[colour] : 0;
    if (out->channels == 0 || out->bits == 0 || out->bits > 16 || (out->bits & (out->bits - 1)) != 0)
        return furrow_fail(err, FURROW_EFORMAT, "PNG: %d bits of colour type %d", out->bits, colour);
    const furrow_status_t status =
        furrow_decode_size(furrow_be32(chunk.data.data), furrow_be32(chunk.data.data + 4), out, err);
    while (status == FURROW_OK && furrow_png_next(file, &chunk))
        if (furrow_png_is(&chunk, "eXIf")) out->orientation = furrow_exif_orientation(chunk.data);
    return status;
}

#ifdef FURROW_HAVE_LIBSPNG
const furrow_decoder_t furrow_decoder_png = {"PNG", furrow_libspng_version, 1,    sniff,
                                             info,  furrow_libspng_decode,  NULL, NULL};
#else
/* As zlib's, a nibble at a time. */
static uint32_t check_sum(const uint8_t *data, int64_t count)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                       0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t sum = 0xffffffff;

    for (int64_t i = 0; i < count; i++) {
        sum = sum >> 4 ^ table[(sum ^ data[i]) & 15];
        sum = sum >> 4 ^ table[(sum ^ data[i] >> 4) & 15];
    }
    return ~sum;
}

/* stb looks neither at check sums nor for the end. An upper-case type is a chunk that matters. */
static furrow_status_t check(furrow_bytes_t file, furrow_error_t *err)
{
    furrow_png_chunk_t chunk = {0};

    do {
        if (!furrow_png_next(file, &chunk))
            return furrow_fail(err, FURROW_ETRUNCATED, "PNG: the file ends early, after %lld bytes",
                               (long long)file.count);
        if ((chunk.type[0] & 0x20) == 0 &&
            check_sum(chunk.type, chunk.data.count + 4) != furrow_be32(chunk.data.data + chunk.data.count))
            return furrow_fail(err, FURROW_EFORMAT, "PNG: a wrong check sum, %lld bytes into the file",
                               (long long)(chunk.type - file.data));
    } while (!furrow_png_is(&chunk, "IEND"));
    return FURROW_OK;
}

static furrow_status_t decode(const furrow_decode_job_t *job, furrow_error_t *err)
{
    const furrow_status_t status = check(job->file, err);

    return status == FURROW_OK ? furrow_stb_decode(job, err) : status;
}

const furrow_decoder_t furrow_decoder_png = {"PNG", FURROW_STB_VERSION, 1, sniff, info, decode, NULL, NULL};
#endif
