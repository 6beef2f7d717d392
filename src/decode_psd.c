/* Owns the checks of PSD: the merged picture of a Photoshop file. stb_image decodes what passes them: it gives zeros
 * for data that is missing, and mixes the alpha of a fourth channel into the colours. */
#include <string.h>

#include "decode_stb.h"

enum { HEADER = 26, MODE_RGB = 3 };

static bool sniff(furrow_bytes_t file)
{
    return file.count >= 4 && memcmp(file.data, "8BPS", 4) == 0;
}

static furrow_status_t info(furrow_bytes_t file, furrow_image_info_t *out, furrow_error_t *err)
{
    if (file.count < HEADER) return furrow_decode_short("PSD", file, HEADER, err);
    const unsigned version = furrow_be16(file.data + 4), channels = furrow_be16(file.data + 12);
    const unsigned bits = furrow_be16(file.data + 22), mode = furrow_be16(file.data + 24);

    if (version != 1) return furrow_fail(err, FURROW_EUNSUPPORTED, "PSD: files of version %u are not read", version);
    if (mode != MODE_RGB || channels != 3 || (bits != 8 && bits != 16))
        return furrow_fail(err, FURROW_EUNSUPPORTED,
                           "PSD: files of %u channels, %u bits, mode %u are not read; only RGB of 8 or 16 bits is",
                           channels, bits, mode);
    out->channels = (int)channels;
    out->bits = (int)bits;
    return furrow_decode_size(furrow_be32(file.data + 18), furrow_be32(file.data + 14), out, err);
}

/* ------------------------------------------------------------------------------------------------------- checks */

/* The offset behind the three sections that begin with their length, or -1. */
static int64_t find_data(furrow_bytes_t file)
{
    int64_t at = HEADER;

    for (int section = 0; section < 3; section++) {
        if (at > file.count - 4) return -1;
        at += 4 + (int64_t)furrow_be32(file.data + at);
    }
    return at <= file.count - 2 ? at : -1;
}

/* PackBits of `pixels` from `at` on: its end, -1 where the file ends before, -2 where a packet goes beyond. */
static int64_t check_packets(furrow_bytes_t file, int64_t at, int64_t pixels)
{
    int64_t done = 0;

    while (done < pixels) {
        if (at >= file.count) return -1;
        const int head = file.data[at++];
        if (head == 128) continue; /* nothing */
        const int64_t run = head < 128 ? head + 1 : 257 - head;
        at += head < 128 ? run : 1;
        done += run;
        if (at > file.count) return -1;
    }
    return done == pixels ? at : -2;
}

static furrow_status_t check_compressed(furrow_bytes_t file, const furrow_image_info_t *info, int64_t at,
                                        furrow_error_t *err)
{
    if (info->bits != 8)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "PSD: compressed files of %d bits a channel are not read",
                           info->bits);
    at += 2 * info->height * info->channels; /* the bytes of each row */
    for (int c = 0; c < info->channels; c++) {
        at = check_packets(file, at, info->width * info->height);
        if (at == -1) return furrow_decode_short("PSD", file, file.count + 1, err);
        if (at == -2) return furrow_fail(err, FURROW_EFORMAT, "PSD: a packet goes beyond the picture");
    }
    return FURROW_OK;
}

static furrow_status_t check(furrow_bytes_t file, const furrow_image_info_t *info, furrow_error_t *err)
{
    const int64_t at = find_data(file);

    if (at < 0) return furrow_decode_short("PSD", file, file.count + 1, err);
    const unsigned compression = furrow_be16(file.data + at);
    if (compression == 1) return check_compressed(file, info, at + 2, err);
    if (compression != 0)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "PSD: files of compression %u are not read", compression);
    const int64_t needed = at + 2 + info->width * info->height * info->channels * info->bits / 8;
    return needed <= file.count ? FURROW_OK : furrow_decode_short("PSD", file, needed, err);
}

static furrow_status_t decode(const furrow_decode_job_t *job, furrow_error_t *err)
{
    const furrow_status_t status = check(job->file, job->info, err);

    return status == FURROW_OK ? furrow_stb_decode(job, err) : status;
}

const furrow_decoder_t furrow_decoder_psd = {"PSD", FURROW_STB_VERSION, 1, sniff, info, decode, NULL, NULL};
