/* Pictures of tests/data/images, and a decoder for them. */
#ifndef FURROW_TESTS_IMAGE_FILES_H
#define FURROW_TESTS_IMAGE_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/image_values.h"
#include "furrow_image.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

typedef struct bytes {
    uint8_t *data;
    int64_t count;
} bytes_t;

/* A file of exactly this size, so that a sanitizer sees a read beyond it. To be freed. */
static inline bytes_t read_picture(const char *name, const char *suffix)
{
    char path[1024];
    bytes_t bytes;

    (void)snprintf(path, sizeof path, "%s/images/%s%s", FURROW_TEST_DATA, name, suffix);
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s cannot be opened", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    bytes.count = ftell(file);
    rewind(file);
    bytes.data = malloc((size_t)bytes.count);
    assert_non_null(bytes.data);
    assert_int_equal(fread(bytes.data, 1, (size_t)bytes.count, file), bytes.count);
    (void)fclose(file);
    return bytes;
}

static furrow_image_decoder_t *decoder;

static inline int open_decoder(void **state)
{
    (void)state;
    return furrow_image_decoder_open(0, &decoder, NULL);
}

static inline int close_decoder(void **state)
{
    (void)state;
    furrow_image_decoder_close(decoder);
    return 0;
}

/* Into a new slot, to be freed, that is filled with `fill` before; NULL on failure, with the slot found zero. */
static inline void *decode_into(bytes_t file, const furrow_image_opts_t *opts, int fill, int64_t *slot_bytes,
                                furrow_image_info_t *info, furrow_error_t *err)
{
    furrow_image_info_t found;
    int64_t shape[3];

    if (furrow_image_info(file.data, file.count, &found, err) != FURROW_OK) return NULL;
    assert_int_equal(furrow_image_shape(&found, opts, shape, slot_bytes, err), FURROW_OK);
    uint8_t *slot = malloc((size_t)*slot_bytes);
    assert_non_null(slot);
    memset(slot, fill, (size_t)*slot_bytes);
    if (furrow_image_decode(decoder, file.data, file.count, opts, slot, *slot_bytes, info, err) == FURROW_OK)
        return slot;
    for (int64_t i = 0; i < *slot_bytes; i++) assert_int_equal(slot[i], 0);
    free(slot);
    return NULL;
}

static inline int largest_difference(const uint8_t *a, const uint8_t *b, int64_t count)
{
    int largest = 0;

    for (int64_t i = 0; i < count; i++) largest = abs(a[i] - b[i]) > largest ? abs(a[i] - b[i]) : largest;
    return largest;
}

#endif
