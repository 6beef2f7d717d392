/* Owns the checks of TGA. stb_image decodes what passes them: it gives zeros for data that is missing, and the wrong
 * pixels for rows from the right and for palettes that do not begin at 0. */
#include "decode_stb.h"

enum { HEADER = 18 };
enum { PALETTE = 1, COLOUR = 2, GRAY = 3, RLE = 8 };

typedef struct tga {
    int64_t height, width;
    int kind; /* PALETTE, COLOUR, GRAY */
    bool run_length;
    int bits; /* of a pixel */
    int palette_bits, palette_start, palette_count;
    int descriptor;
    int64_t palette, data; /* offsets */
} tga_t;

static tga_t read_header(const uint8_t *h)
{
    tga_t tga = {.kind = h[2] & ~RLE, .run_length = (h[2] & RLE) != 0, .bits = h[16], .descriptor = h[17]};

    tga.width = furrow_le16(h + 12);
    tga.height = furrow_le16(h + 14);
    tga.palette_start = (int)furrow_le16(h + 3);
    tga.palette_count = h[1] == 1 ? (int)furrow_le16(h + 5) : 0;
    tga.palette_bits = h[7];
    tga.palette = HEADER + h[0];
    tga.data = tga.palette + (int64_t)tga.palette_count * ((tga.palette_bits + 7) / 8);
    return tga;
}

static bool are_colour_bits(int bits)
{
    return bits == 15 || bits == 16 || bits == 24 || bits == 32;
}

/* TGA has no mark: every field of the header must make sense. */
static bool sniff(furrow_bytes_t file)
{
    if (file.count < HEADER || file.data[1] > 1) return false;
    const tga_t tga = read_header(file.data);
    if (tga.width == 0 || tga.height == 0 || (file.data[2] & ~(RLE | 3)) != 0) return false;
    if ((tga.kind == PALETTE) != (file.data[1] == 1) && tga.kind == PALETTE) return false;
    if (file.data[1] == 1 && !are_colour_bits(tga.palette_bits)) return false;
    switch (tga.kind) {
    case PALETTE: return tga.bits == 8 || tga.bits == 16;
    case COLOUR: return are_colour_bits(tga.bits);
    case GRAY: return tga.bits == 8 || tga.bits == 16;
    default: return false;
    }
}

static furrow_status_t check_kind(const tga_t *tga, furrow_error_t *err)
{
    if ((tga->descriptor & 0x10) != 0)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "TGA: files with rows from right to left are not read");
    if ((tga->descriptor & 0xc0) != 0)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "TGA: interleaved files are not read");
    if (tga->palette_count > 0 && tga->kind != PALETTE)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "TGA: files with a palette that is not used are not read");
    if (tga->kind == PALETTE && (tga->palette_start != 0 || tga->palette_count == 0))
        return furrow_fail(err, FURROW_EUNSUPPORTED, "TGA: files with part of a palette are not read");
    return FURROW_OK;
}

static furrow_status_t info(furrow_bytes_t file, furrow_image_info_t *out, furrow_error_t *err)
{
    const tga_t tga = read_header(file.data);
    const furrow_status_t status = check_kind(&tga, err);

    if (status != FURROW_OK) return status;
    out->channels = tga.kind == COLOUR ? (tga.bits == 32 ? 4 : 3) : tga.kind == GRAY && tga.bits == 16 ? 2 : 1;
    out->bits = 8;
    return furrow_decode_size(tga.width, tga.height, out, err);
}

/* ------------------------------------------------------------------------------------------------------- checks */

/* Pixels of a palette lie within it. */
static bool has_colours(const tga_t *tga, const uint8_t *at, int64_t pixels)
{
    if (tga->kind != PALETTE) return true;
    for (int64_t i = 0; i < pixels; i++)
        if ((int)(tga->bits == 8 ? at[i] : furrow_le16(at + 2 * i)) >= tga->palette_count) return false;
    return true;
}

static furrow_status_t bad_colour(furrow_error_t *err)
{
    return furrow_fail(err, FURROW_EFORMAT, "TGA: a pixel lies beyond the palette");
}

/* Packets: a byte with the number of pixels, then one pixel for all of them, or each. */
static furrow_status_t check_packets(furrow_bytes_t file, const tga_t *tga, furrow_error_t *err)
{
    const int64_t pixels = tga->width * tga->height, pixel = (tga->bits + 7) / 8;
    int64_t at = tga->data, done = 0;

    while (done < pixels) {
        if (at >= file.count) return furrow_decode_short("TGA", file, at + 1, err);
        const int64_t run = (file.data[at] & 0x7f) + 1, stored = file.data[at] & 0x80 ? 1 : run;
        at++;
        if (at + stored * pixel > file.count) return furrow_decode_short("TGA", file, at + stored * pixel, err);
        if (!has_colours(tga, file.data + at, stored)) return bad_colour(err);
        at += stored * pixel;
        done += run;
    }
    if (done == pixels) return FURROW_OK;
    return furrow_fail(err, FURROW_EFORMAT, "TGA: a packet goes beyond the picture");
}

static furrow_status_t check(furrow_bytes_t file, const tga_t *tga, furrow_error_t *err)
{
    const int64_t pixels = tga->width * tga->height, needed = tga->data + pixels * ((tga->bits + 7) / 8);

    if (tga->data > file.count) return furrow_decode_short("TGA", file, tga->data, err);
    if (tga->run_length) return check_packets(file, tga, err);
    if (needed > file.count) return furrow_decode_short("TGA", file, needed, err);
    return has_colours(tga, file.data + tga->data, pixels) ? FURROW_OK : bad_colour(err);
}

static furrow_status_t decode(const furrow_decode_job_t *job, furrow_error_t *err)
{
    const tga_t tga = read_header(job->file.data);
    const furrow_status_t status = check(job->file, &tga, err);

    return status == FURROW_OK ? furrow_stb_decode(job, err) : status;
}

const furrow_decoder_t furrow_decoder_tga = {"TGA", FURROW_STB_VERSION, 1, sniff, info, decode, NULL, NULL};
