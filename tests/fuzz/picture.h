/* For the fuzz targets of formats. Any bytes as a picture, by way of the table of decoders and with options that the
 * last bytes choose: no access outside of them or of the slot, and either a whole picture or a reason and a zero
 * slot. */
#ifndef FURROW_TESTS_PICTURE_H
#define FURROW_TESTS_PICTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "furrow_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIXELS_MAX = 1 << 18 };

static void require(bool holds)
{
    if (!holds) abort();
}

/* From eight bits and eight more. */
static furrow_image_opts_t choose(unsigned bits, unsigned size)
{
    furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;

    opts.height = (bits & 1) != 0 ? 1 + size % 13 : 0;
    opts.width = (bits & 1) != 0 ? 1 + size / 13 : 0;
    opts.fit = (furrow_fit_t)((bits >> 1) % 3);
    opts.filter = (furrow_filter_t)(size % 7);
    opts.color = (furrow_color_t)((bits >> 3) % 3);
    opts.layout = (furrow_layout_t)(bits >> 5 & 1);
    opts.dtype = (bits & 64) != 0 ? FURROW_F4 : FURROW_U1;
    opts.keep_damaged = (bits & 128) != 0;
    opts.full_decode = (size & 64) != 0;
    opts.max_pixels = PIXELS_MAX;
    return opts;
}

static void check_info(const furrow_image_info_t *info)
{
    require(info->format != NULL && info->height > 0 && info->width > 0);
    require(info->channels >= 1 && info->channels <= 4 && info->bits >= 1 && info->bits <= 16);
    require(info->orientation >= 1 && info->orientation <= 8);
    require(memchr(info->warning, '\0', sizeof info->warning) != NULL);
}

static void decode(furrow_image_decoder_t *decoder, const uint8_t *data, size_t size, const furrow_image_opts_t *opts,
                   int64_t bytes)
{
    uint8_t *slot = malloc((size_t)bytes);
    furrow_image_info_t info;
    furrow_error_t err = {0};

    require(slot != NULL);
    memset(slot, 0xa5, (size_t)bytes);
    const furrow_status_t status = furrow_image_decode(decoder, data, (int64_t)size, opts, slot, bytes, &info, &err);
    if (status == FURROW_OK)
        check_info(&info);
    else {
        require(err.status == status && err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
        for (int64_t i = 0; i < bytes; i++) require(slot[i] == 0);
    }
    free(slot);
}

/* The decoder is that of all inputs: what one leaves behind must not hurt the next. */
static furrow_image_decoder_t *decoder;

static void close_decoder(void)
{
    furrow_image_decoder_close(decoder);
}

/* Inputs of other formats are passed over, so that a fuzzer stays with this one. */
static int fuzz_picture(const char *format, const uint8_t *data, size_t size)
{
    const unsigned bits = size > 0 ? data[size - 1] : 0, more = size > 1 ? data[size - 2] : 0;
    const furrow_image_opts_t opts = choose(bits, more);
    furrow_image_info_t info;
    int64_t shape[3], bytes;

    if (decoder == NULL) {
        require(furrow_image_decoder_open((int64_t)64 << 20, &decoder, NULL) == FURROW_OK);
        require(atexit(close_decoder) == 0);
    }
    if (furrow_image_info(data, (int64_t)size, &info, NULL) != FURROW_OK) return 0;
    check_info(&info);
    if (strcmp(info.format, format) != 0) return 0;
    if (opts.height == 0 && info.height > PIXELS_MAX / info.width) return 0;
    require(furrow_image_shape(&info, &opts, shape, &bytes, NULL) == FURROW_OK);
    decode(decoder, data, size, &opts, bytes);
    return 0;
}

#endif
