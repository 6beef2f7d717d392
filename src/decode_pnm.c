/* Owns PNM: PBM, PGM and PPM, as text (P1 to P3) and binary (P4 to P6). Once its header is read and its length is
 * known, which stb_image looks at for none of them, the pixels are there. */
#include <string.h>

#include "decode.h"

typedef struct pnm {
    int64_t height, width;
    int kind; /* 1 to 6 */
    int channels;
    unsigned most; /* the value of white; 1 for bitmaps */
    int64_t data;
} pnm_t;

static bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool sniff(furrow_bytes_t file)
{
    return file.count >= 3 && file.data[0] == 'P' && file.data[1] >= '1' && file.data[1] <= '6' &&
           (is_space(file.data[2]) || file.data[2] == '#');
}

/* ------------------------------------------------------------------------------------------------------- header */

/* Spaces and comments. */
static int64_t skip_space(furrow_bytes_t file, int64_t at)
{
    while (at < file.count && (is_space(file.data[at]) || file.data[at] == '#')) {
        if (file.data[at] == '#')
            while (at < file.count && file.data[at] != '\n' && file.data[at] != '\r') at++;
        else
            at++;
    }
    return at;
}

/* A decimal number of up to 9 digits, or -1. */
static int64_t read_number(furrow_bytes_t file, int64_t *at)
{
    int64_t value = 0, i = skip_space(file, *at);
    const int64_t start = i;

    for (; i < file.count && is_digit(file.data[i]) && i < start + 10; i++) value = 10 * value + file.data[i] - '0';
    *at = i;
    return i == start || i == start + 10 ? -1 : value;
}

static bool is_text(const pnm_t *pnm)
{
    return pnm->kind <= 3;
}

static int64_t row_bytes(const pnm_t *pnm)
{
    if (pnm->kind == 4) return (pnm->width + 7) / 8;
    return pnm->width * pnm->channels * (pnm->most > 255 ? 2 : 1);
}

static furrow_status_t read_header(furrow_bytes_t file, pnm_t *pnm, furrow_error_t *err)
{
    int64_t at = 2, most = 1;

    memset(pnm, 0, sizeof *pnm);
    pnm->kind = file.data[1] - '0';
    pnm->channels = pnm->kind % 3 == 0 ? 3 : 1;
    pnm->width = read_number(file, &at);
    pnm->height = read_number(file, &at);
    if (pnm->kind % 3 != 1) most = read_number(file, &at);
    if (at >= file.count) return furrow_decode_short("PNM", file, at + 1, err);
    if (pnm->width < 0 || pnm->height < 0 || most < 1 || most > 65535 || !is_space(file.data[at]))
        return furrow_fail(err, FURROW_EFORMAT, "PNM: the header is no header");
    pnm->most = (unsigned)most;
    pnm->data = at + 1;
    return FURROW_OK;
}

static furrow_status_t info(furrow_bytes_t file, furrow_image_info_t *out, furrow_error_t *err)
{
    pnm_t pnm;
    const furrow_status_t status = read_header(file, &pnm, err);

    if (status != FURROW_OK) return status;
    out->channels = pnm.channels;
    out->bits = pnm.kind % 3 == 1 ? 1 : pnm.most > 255 ? 16 : 8;
    return furrow_decode_size(pnm.width, pnm.height, out, err);
}

/* --------------------------------------------------------------------------------------------------------- rows */

/* 0 to `most` becomes 0 to 255: the high byte of whole 16 bits, else rounded. */
static uint8_t scaled(const pnm_t *pnm, unsigned value)
{
    return (uint8_t)(pnm->most == 65535 ? value >> 8 : (value * 255 + pnm->most / 2) / pnm->most);
}

/* Each returns false for a value that is none. */
static bool read_bits(const pnm_t *pnm, const uint8_t *in, uint8_t *out)
{
    for (int64_t x = 0; x < pnm->width; x++) out[x] = in[x / 8] & 0x80 >> x % 8 ? 0 : 255;
    return true;
}

static bool read_binary(const pnm_t *pnm, const uint8_t *in, uint8_t *out)
{
    for (int64_t i = 0; i < pnm->width * pnm->channels; i++) {
        const unsigned value = pnm->most > 255 ? furrow_be16(in + 2 * i) : in[i];
        if (value > pnm->most) return false;
        out[i] = scaled(pnm, value);
    }
    return true;
}

static bool read_text(const pnm_t *pnm, furrow_bytes_t file, int64_t *at, uint8_t *out)
{
    for (int64_t i = 0; i < pnm->width * pnm->channels; i++) {
        int64_t value;
        if (pnm->kind == 1) { /* digits need no space between them */
            *at = skip_space(file, *at);
            value = *at < file.count ? '1' - file.data[(*at)++] : -1;
        } else {
            value = read_number(file, at);
            if (*at == file.count) return false; /* some of its digits may be missing */
        }
        if (value < 0 || value > pnm->most) return false;
        out[i] = scaled(pnm, (unsigned)value);
    }
    return true;
}

static furrow_status_t give_rows(const furrow_decode_job_t *job, const pnm_t *pnm, uint8_t *line, furrow_error_t *err)
{
    const int64_t bytes = row_bytes(pnm);
    int64_t text = pnm->data;

    for (int64_t y = 0; y < pnm->height; y++) {
        const uint8_t *in = job->file.data + pnm->data + y * bytes;
        const bool good = is_text(pnm)     ? read_text(pnm, job->file, &text, line)
                          : pnm->kind == 4 ? read_bits(pnm, in, line)
                                           : read_binary(pnm, in, line);
        if (!good && is_text(pnm) && text >= job->file.count)
            return furrow_decode_short("PNM", job->file, text + 1, err);
        if (!good) return furrow_fail(err, FURROW_EFORMAT, "PNM: a value in row %lld is none", (long long)y);
        furrow_pixels_convert(pnm->channels == 3 ? FURROW_PIXELS_RGB : FURROW_PIXELS_GRAY, job->order, line,
                              (size_t)pnm->width, furrow_sink_row(job->sink, y));
        furrow_sink_done(job->sink, y);
    }
    return FURROW_OK;
}

static furrow_status_t decode(const furrow_decode_job_t *job, furrow_error_t *err)
{
    void *line = NULL;
    pnm_t pnm;

    furrow_status_t status = read_header(job->file, &pnm, err);
    if (status != FURROW_OK) return status;
    const int64_t needed = pnm.data + (is_text(&pnm) ? 0 : pnm.height * row_bytes(&pnm));
    if (needed > job->file.count) return furrow_decode_short("PNM", job->file, needed, err);
    status = furrow_scratch_get(job->scratch, FURROW_BUFFER_PICTURE, pnm.width, pnm.channels, &line, err);
    return status == FURROW_OK ? give_rows(job, &pnm, line, err) : status;
}

const furrow_decoder_t furrow_decoder_pnm = {"PNM", "Furrow", 1, sniff, info, decode, NULL, NULL};
