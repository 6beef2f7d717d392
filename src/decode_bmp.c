/* Owns the checks of BMP. stb_image decodes what passes them: it gives zeros for data that is missing, and colours at
 * random where a pixel lies beyond the palette. */
#include <string.h>

#include "decode_stb.h"

enum { FILE_HEADER = 14, OS2_HEADER = 12, INFO_HEADER = 40, V4_HEADER = 108, V5_HEADER = 124 };
enum { RGB = 0, BITFIELDS = 3 };

typedef struct bmp {
    int64_t height, width;
    uint32_t header, data, compression; /* bytes of the header, offset of the pixels */
    int bits;
} bmp_t;

static bool sniff(furrow_bytes_t file)
{
    return file.count >= 2 && memcmp(file.data, "BM", 2) == 0;
}

/* ------------------------------------------------------------------------------------------------------- header */

static void read_os2(const uint8_t *header, bmp_t *out)
{
    out->width = furrow_le16(header + 4);
    out->height = furrow_le16(header + 6);
    out->bits = (int)furrow_le16(header + 10);
}

static void read_windows(const uint8_t *header, bmp_t *out)
{
    out->width = (int32_t)furrow_le32(header + 4);
    out->height = (int32_t)furrow_le32(header + 8);
    if (out->height < 0) out->height = -out->height; /* from the top */
    out->bits = (int)furrow_le16(header + 14);
    out->compression = furrow_le32(header + 16);
}

static furrow_status_t read_header(furrow_bytes_t file, bmp_t *out, furrow_error_t *err)
{
    const uint8_t *header = file.data + FILE_HEADER;

    memset(out, 0, sizeof *out);
    if (file.count < FILE_HEADER + 4) return furrow_decode_short("BMP", file, FILE_HEADER + INFO_HEADER, err);
    out->data = furrow_le32(file.data + 10);
    out->header = furrow_le32(header);
    if (out->header != OS2_HEADER && out->header != INFO_HEADER && out->header != V4_HEADER && out->header != V5_HEADER)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "BMP: files with a header of %lld bytes are not read",
                           (long long)out->header);
    if (file.count < FILE_HEADER + (int64_t)out->header)
        return furrow_decode_short("BMP", file, FILE_HEADER + (int64_t)out->header, err);
    if (out->header == OS2_HEADER)
        read_os2(header, out);
    else
        read_windows(header, out);
    return FURROW_OK;
}

static furrow_status_t check_kind(const bmp_t *bmp, furrow_error_t *err)
{
    const int bits = bmp->bits;

    if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)
        return furrow_fail(err, FURROW_EFORMAT, "BMP: %d bits a pixel", bits);
    if (bmp->header == OS2_HEADER && bits != 24)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "BMP: OS/2 files of %d bits a pixel are not read", bits);
    if (bmp->compression != RGB && bmp->compression != BITFIELDS)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "BMP: compressed files are not read (compression %lld)",
                           (long long)bmp->compression);
    if (bmp->compression == BITFIELDS && bits != 16 && bits != 32)
        return furrow_fail(err, FURROW_EFORMAT, "BMP: bit fields in %d bits a pixel", bits);
    return FURROW_OK;
}

static furrow_status_t info(furrow_bytes_t file, furrow_image_info_t *out, furrow_error_t *err)
{
    bmp_t bmp;
    furrow_status_t status = read_header(file, &bmp, err);

    if (status == FURROW_OK) status = check_kind(&bmp, err);
    if (status != FURROW_OK) return status;
    out->channels = bmp.bits <= 8 ? 1 : bmp.bits == 32 ? 4 : 3;
    out->bits = bmp.bits < 8 ? bmp.bits : 8;
    return furrow_decode_size(bmp.width, bmp.height, out, err);
}

/* ------------------------------------------------------------------------------------------------------- checks */

static int64_t row_bytes(const bmp_t *bmp)
{
    return (bmp->width * bmp->bits + 31) / 32 * 4;
}

/* The largest index in a row of pixels of up to 8 bits. */
static int largest_index(const bmp_t *bmp, const uint8_t *row)
{
    int largest = 0;

    for (int64_t x = 0; x < bmp->width; x++) {
        const int64_t bit = x * bmp->bits;
        const int index = row[bit / 8] >> (8 - bmp->bits - bit % 8) & ((1 << bmp->bits) - 1);
        if (index > largest) largest = index;
    }
    return largest;
}

static furrow_status_t check_palette(furrow_bytes_t file, const bmp_t *bmp, furrow_error_t *err)
{
    const int64_t entries = ((int64_t)bmp->data - FILE_HEADER - bmp->header) / 4;

    if (bmp->bits > 8) return FURROW_OK;
    if (entries > 256)
        return furrow_fail(err, FURROW_EUNSUPPORTED,
                           "BMP: files with a gap before the pixels, or %lld colours, are not read",
                           (long long)entries);
    if (entries >= 1 << bmp->bits) return FURROW_OK;
    for (int64_t y = 0; y < bmp->height; y++) {
        const int largest = largest_index(bmp, file.data + bmp->data + y * row_bytes(bmp));
        if (largest >= entries)
            return furrow_fail(err, FURROW_EFORMAT, "BMP: a pixel of colour %d of %lld", largest, (long long)entries);
    }
    return FURROW_OK;
}

/* A mask is one run of bits, at most 8 of them. */
static bool is_run(uint32_t mask)
{
    if (mask == 0) return false;
    while ((mask & 1) == 0) mask >>= 1;
    return mask <= 0xff && (mask & (mask + 1)) == 0;
}

static furrow_status_t check_masks(furrow_bytes_t file, const bmp_t *bmp, furrow_error_t *err)
{
    const int64_t masks = FILE_HEADER + INFO_HEADER;

    if (bmp->compression != BITFIELDS) return FURROW_OK;
    for (int i = 0; i < 3 && masks + 12 <= file.count; i++)
        if (!is_run(furrow_le32(file.data + masks + 4 * i)))
            return furrow_fail(err, FURROW_EUNSUPPORTED, "BMP: files with such bit fields are not read");
    return FURROW_OK;
}

static furrow_status_t decode(const furrow_decode_job_t *job, furrow_error_t *err)
{
    bmp_t bmp;
    furrow_status_t status = read_header(job->file, &bmp, err);

    if (status != FURROW_OK) return status;
    const int64_t masks = bmp.header == INFO_HEADER && bmp.compression == BITFIELDS ? 12 : 0;
    if (bmp.data < FILE_HEADER + bmp.header + masks)
        return furrow_fail(err, FURROW_EFORMAT, "BMP: the pixels begin within the header");
    const int64_t needed = bmp.data + row_bytes(&bmp) * bmp.height;
    if (needed > job->file.count) return furrow_decode_short("BMP", job->file, needed, err);
    status = check_palette(job->file, &bmp, err);
    if (status == FURROW_OK) status = check_masks(job->file, &bmp, err);
    return status == FURROW_OK ? furrow_stb_decode(job, err) : status;
}

const furrow_decoder_t furrow_decoder_bmp = {"BMP", FURROW_STB_VERSION, 1, sniff, info, decode, NULL, NULL};
