/* Owns GIF: the first frame of GIF87a and GIF89a. To know that stb_image would have all pixels, its whole work has to
 * be done before; so it is done here. Transparent pixels have the colour that the palette has for them. */
#include <string.h>

#include "decode.h"

enum { HEADER = 13, FRAME = 10, CODES = 4096, BITS_MAX = 12 };
enum { EXTENSION = 0x21, IMAGE = 0x2c, TRAILER = 0x3b };

typedef struct gif {
    int64_t height, width;
    const uint8_t *palette; /* RGB */
    int colours;
    bool interlaced;
    int64_t data; /* offset of the first frame's code size */
} gif_t;

static bool sniff(furrow_bytes_t file)
{
    return file.count >= 6 && (memcmp(file.data, "GIF87a", 6) == 0 || memcmp(file.data, "GIF89a", 6) == 0);
}

/* ------------------------------------------------------------------------------------------------------- header */

/* A palette at `at`, if `flags` say that there is one. Its end. */
static int64_t read_palette(furrow_bytes_t file, int64_t at, int flags, gif_t *gif)
{
    if ((flags & 0x80) == 0) return at;
    gif->palette = file.data + at;
    gif->colours = 2 << (flags & 7);
    return at + 3 * (int64_t)gif->colours;
}

/* The offset behind the data blocks at `at`, or beyond the end of the file. */
static int64_t skip_blocks(furrow_bytes_t file, int64_t at)
{
    while (at < file.count && file.data[at] != 0) at += 1 + file.data[at];
    return at + 1;
}

/* The first image block: its offset, or -1. */
static int64_t find_frame(furrow_bytes_t file, int64_t at)
{
    while (at + 1 < file.count && file.data[at] == EXTENSION) at = skip_blocks(file, at + 2);
    return at + FRAME < file.count && file.data[at] == IMAGE ? at : -1;
}

static furrow_status_t read_frame(furrow_bytes_t file, int64_t at, gif_t *gif, furrow_error_t *err)
{
    const uint8_t *frame = file.data + at;

    if (furrow_le16(frame + 1) != 0 || furrow_le16(frame + 3) != 0 || furrow_le16(frame + 5) != gif->width ||
        furrow_le16(frame + 7) != gif->height)
        return furrow_fail(err, FURROW_EUNSUPPORTED,
                           "GIF: files whose first frame is not the whole picture are not read");
    gif->interlaced = (frame[9] & 0x40) != 0;
    gif->data = read_palette(file, at + FRAME, frame[9], gif);
    if (gif->palette == NULL) return furrow_fail(err, FURROW_EFORMAT, "GIF: no palette");
    return gif->data < file.count ? FURROW_OK : furrow_decode_short("GIF", file, gif->data + 1, err);
}

static furrow_status_t read_header(furrow_bytes_t file, gif_t *gif, furrow_error_t *err)
{
    memset(gif, 0, sizeof *gif);
    if (file.count < HEADER) return furrow_decode_short("GIF", file, HEADER, err);
    gif->width = furrow_le16(file.data + 6);
    gif->height = furrow_le16(file.data + 8);
    const int64_t at = read_palette(file, HEADER, file.data[10], gif);
    if (at >= file.count) return furrow_decode_short("GIF", file, at + 1, err);
    const int64_t frame = find_frame(file, at);
    if (frame >= 0) return read_frame(file, frame, gif, err);
    if (file.data[file.count - 1] == TRAILER) return furrow_fail(err, FURROW_EFORMAT, "GIF: a file without a picture");
    return furrow_decode_short("GIF", file, file.count + 1, err);
}

static furrow_status_t info(furrow_bytes_t file, furrow_image_info_t *out, furrow_error_t *err)
{
    gif_t gif;
    const furrow_status_t status = read_header(file, &gif, err);

    if (status != FURROW_OK) return status;
    out->channels = 1;
    out->bits = 8;
    return furrow_decode_size(gif.width, gif.height, out, err);
}

/* ---------------------------------------------------------------------------------------------------------- LZW */

/* Bits of the data blocks, the lowest first. */
typedef struct bits {
    furrow_bytes_t file;
    int64_t at;
    int block; /* bytes left of the block */
    uint32_t word;
    int count; /* bits in it */
} bits_t;

/* The next code, or -1 where the data ends. */
static int next_code(bits_t *bits, int size)
{
    while (bits->count < size) {
        if (bits->block == 0) {
            if (bits->at >= bits->file.count || bits->file.data[bits->at] == 0) return -1;
            bits->block = bits->file.data[bits->at++];
        }
        if (bits->at >= bits->file.count) return -1;
        bits->word |= (uint32_t)bits->file.data[bits->at++] << bits->count;
        bits->count += 8;
        bits->block--;
    }
    const int code = (int)(bits->word & ((1u << size) - 1));
    bits->word >>= size;
    bits->count -= size;
    return code;
}

/* A code stands for a string: that of another code and one pixel more. */
typedef struct codes {
    uint16_t before[CODES], length[CODES];
    uint8_t first[CODES], last[CODES];
    int root_bits, size, used, previous;
} codes_t;

static void clear(codes_t *codes)
{
    codes->size = codes->root_bits + 1;
    codes->used = (1 << codes->root_bits) + 2;
    codes->previous = -1;
}

static void start(codes_t *codes, int root_bits)
{
    codes->root_bits = root_bits;
    for (int i = 0; i < 1 << root_bits; i++) {
        codes->first[i] = codes->last[i] = (uint8_t)i;
        codes->length[i] = 1;
    }
    clear(codes);
}

/* The new string: the one before and the first pixel of this one, which may be the new string itself. */
static void add(codes_t *codes, int code)
{
    const int previous = codes->previous;

    if (previous >= 0 && codes->used < CODES) {
        codes->before[codes->used] = (uint16_t)previous;
        codes->length[codes->used] = (uint16_t)(codes->length[previous] + 1);
        codes->first[codes->used] = codes->first[previous];
        codes->last[codes->used] = codes->first[code == codes->used ? previous : code];
        codes->used++;
        if (codes->used == 1 << codes->size && codes->size < BITS_MAX) codes->size++;
    }
    codes->previous = code;
}

/* The string of a code, from its end; what lies beyond the picture is left out. */
static int64_t put(const codes_t *codes, int code, uint8_t *out, int64_t room)
{
    const int64_t length = codes->length[code];

    for (int64_t i = length - 1; i >= 0; i--) {
        if (i < room) out[i] = codes->last[code];
        code = codes->before[code];
    }
    return length < room ? length : room;
}

static furrow_status_t inflate(furrow_bytes_t file, const gif_t *gif, codes_t *codes, uint8_t *out, furrow_error_t *err)
{
    bits_t bits = {.file = file, .at = gif->data + 1};
    const int root_bits = file.data[gif->data];
    const int64_t pixels = gif->width * gif->height;
    int64_t done = 0;

    if (root_bits < 1 || root_bits > 8) return furrow_fail(err, FURROW_EFORMAT, "GIF: codes of %d bits", root_bits);
    start(codes, root_bits);
    while (done < pixels) {
        const int code = next_code(&bits, codes->size);
        if (code == 1 << root_bits) {
            clear(codes);
            continue;
        }
        if (code < 0 || code == (1 << root_bits) + 1)
            return furrow_fail(err, FURROW_ETRUNCATED, "GIF: the data ends early, after %lld pixels of %lld",
                               (long long)done, (long long)pixels);
        if (code > codes->used || (code == codes->used && (codes->previous < 0 || codes->used == CODES)))
            return furrow_fail(err, FURROW_EFORMAT, "GIF: a wrong code after %lld pixels", (long long)done);
        add(codes, code);
        done += put(codes, code, out + done, pixels - done);
    }
    return FURROW_OK;
}

/* --------------------------------------------------------------------------------------------------------- rows */

/* Where row y is among the rows of the file. */
static int64_t stored_row(const gif_t *gif, int64_t y)
{
    static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    int64_t before = 0;

    if (!gif->interlaced) return y;
    for (int pass = 0; pass < 4; pass++) {
        if (y % step[pass] == first[pass]) return before + y / step[pass];
        if (gif->height > first[pass]) before += (gif->height - first[pass] + step[pass] - 1) / step[pass];
    }
    return y;
}

static furrow_status_t give_rows(const furrow_decode_job_t *job, const gif_t *gif, const uint8_t *picture,
                                 uint8_t *line, furrow_error_t *err)
{
    for (int64_t y = 0; y < gif->height; y++) {
        const uint8_t *row = picture + stored_row(gif, y) * gif->width;
        for (int64_t x = 0; x < gif->width; x++) {
            if (row[x] >= gif->colours)
                return furrow_fail(err, FURROW_EFORMAT, "GIF: a pixel of colour %d of %d", row[x], gif->colours);
            memcpy(line + 3 * x, gif->palette + 3 * row[x], 3);
        }
        furrow_pixels_convert(FURROW_PIXELS_RGB, job->order, line, (size_t)gif->width, furrow_sink_row(job->sink, y));
        furrow_sink_done(job->sink, y);
    }
    return FURROW_OK;
}

static furrow_status_t decode(const furrow_decode_job_t *job, furrow_error_t *err)
{
    void *picture = NULL, *codes = NULL;
    gif_t gif;

    furrow_status_t status = read_header(job->file, &gif, err);
    if (status != FURROW_OK) return status;
    status = furrow_scratch_get(job->scratch, FURROW_BUFFER_PICTURE, gif.height + 3, gif.width, &picture, err);
    if (status == FURROW_OK)
        status = furrow_scratch_get(job->scratch, FURROW_BUFFER_CODES, 1, (int64_t)sizeof(codes_t), &codes, err);
    if (status == FURROW_OK) status = inflate(job->file, &gif, codes, picture, err);
    if (status != FURROW_OK) return status;
    return give_rows(job, &gif, picture, (uint8_t *)picture + gif.height * gif.width, err);
}

const furrow_decoder_t furrow_decoder_gif = {"GIF", "Furrow", 1, sniff, info, decode, NULL, NULL};
