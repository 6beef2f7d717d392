/* Common JPEGs at 1/8 and 2/8 of their size: skimmed, they have libjpeg-turbo's pixels, and what is not as it should be
 * is left to libjpeg-turbo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifdef FURROW_HAVE_LIBJPEG
#include <math.h>

#include "unit/jpeg_files.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static furrow_scratch_t scratch;

static int clear_scratch(void **state)
{
    (void)state;
    furrow_scratch_clear(&scratch);
    return 0;
}

/* -------------------------------------------------------------------------------------------------------- pictures */

static uint64_t seed = 1;

static unsigned random_below(unsigned most)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((seed >> 33) % most);
}

typedef enum content { CLOUDS, NOISE, EDGES, FLAT, CONTENTS } content_t;

static int value_of(content_t content, int y, int x, int c)
{
    switch (content) {
    case CLOUDS: return (y * x / 7 + 3 * y + 40 * c) % 300 * 200 / 300 + (int)random_below(12);
    case NOISE: return (int)random_below(256);
    case EDGES: return random_below(2) == 0 ? 0 : 255;
    default: return (37 * c + 200) % 256;
    }
}

/* To be freed. */
static uint8_t *make_picture(content_t content, int height, int width, int channels)
{
    uint8_t *pixels = malloc((size_t)height * (size_t)width * (size_t)channels), *at = pixels;

    assert_non_null(pixels);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++) *at++ = (uint8_t)value_of(content, y, x, c);
    return pixels;
}

static furrow_bytes_t make_file(content_t content, int height, int width, const jpeg_kind_t *kind)
{
    uint8_t *pixels = make_picture(content, height, width, kind->channels);
    const furrow_bytes_t file = jpeg_encode(pixels, height, width, kind);

    assert_non_null(file.data);
    free(pixels);
    return file;
}

static void free_file(furrow_bytes_t file)
{
    free((void *)(uintptr_t)file.data);
}

/* At both scales and in all orders: how many were skimmed, of 6. None may differ. */
static int skim(furrow_bytes_t file)
{
    int skimmed = 0;

    for (int eighths = 1; eighths <= 2; eighths++)
        for (furrow_pixels_order_t order = FURROW_PIXELS_TO_RGB; order <= FURROW_PIXELS_TO_GRAY; order++) {
            const jpeg_verdict_t verdict = jpeg_compare(file, eighths, order, &scratch);
            if (verdict == JPEG_DIFFERENT)
                fail_msg("%d/8, order %d: not what libjpeg-turbo makes of it", eighths, order);
            skimmed += verdict == JPEG_EQUAL;
        }
    return skimmed;
}

static void expect_skimmed(content_t content, int height, int width, const jpeg_kind_t *kind)
{
    const furrow_bytes_t file = make_file(content, height, width, kind);
    const int skimmed = skim(file);

    if (skimmed != 6)
        fail_msg("content %d, %dx%d, quality %d, %d channels, %dx%d, interval %d: skimmed %d times of 6", content,
                 height, width, kind->quality, kind->channels, kind->h, kind->v, kind->interval, skimmed);
    free_file(file);
}

static const jpeg_kind_t kinds[] = {{.channels = 3, .quality = 85, .h = 2, .v = 2},
                                    {.channels = 3, .quality = 90, .h = 1, .v = 1},
                                    {.channels = 1, .quality = 80, .h = 1, .v = 1}};

static void test_jpeg_skim__sizes(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (int side = 1; side <= 40; side++) {
            expect_skimmed(CLOUDS, side, side, &kinds[k]);
            expect_skimmed(NOISE, side, 41 - side, &kinds[k]);
            expect_skimmed(CLOUDS, 1 + side % 3, side, &kinds[k]);
            expect_skimmed(CLOUDS, side, 17, &kinds[k]);
        }
}

/* More than a group of MCUs in a row. */
static void test_jpeg_skim__large(void **state)
{
    static const int sizes[][2] = {{64, 256}, {63, 257}, {350, 525}, {9, 1031}, {777, 3}, {33, 2049}};

    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t i = 0; i < COUNT(sizes); i++) expect_skimmed(CLOUDS, sizes[i][0], sizes[i][1], &kinds[k]);
}

static void test_jpeg_skim__qualities(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (int quality = 1; quality <= 100; quality++) {
            jpeg_kind_t kind = kinds[k];
            kind.quality = quality;
            kind.optimized = quality % 2 == 0;
            for (content_t content = CLOUDS; content < CONTENTS; content++) expect_skimmed(content, 40, 53, &kind);
        }
}

/* Every 1, 7 and 100 MCUs, within a group, across groups and rows. */
static void test_jpeg_skim__restarts(void **state)
{
    static const int intervals[] = {1, 2, 7, 16, 17, 100};

    (void)state;
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t i = 0; i < COUNT(intervals); i++) {
            jpeg_kind_t kind = kinds[k];
            kind.interval = intervals[i];
            expect_skimmed(CLOUDS, 50, 300, &kind);
            expect_skimmed(NOISE, 131, 70, &kind);
            kind.optimized = true;
            expect_skimmed(CLOUDS, 33, 50, &kind);
        }
}

/* Sampling factors of a gray picture mean nothing. */
static void test_jpeg_skim__gray_sampling(void **state)
{
    (void)state;
    for (int h = 1; h <= 4; h++)
        for (int v = 1; v <= 4; v++) {
            const jpeg_kind_t kind = {.channels = 1, .quality = 75, .h = h, .v = v, .interval = h == v ? 5 : 0};
            expect_skimmed(CLOUDS, 45, 61, &kind);
        }
}

/* Every set of kernels. */
static void test_jpeg_skim__kernels(void **state)
{
    (void)state;
    for (int i = 0; furrow_kernels_at(i) != NULL; i++) {
        assert_int_equal(setenv("FURROW_KERNELS", furrow_kernels_at(i)->name, 1), 0);
        for (size_t k = 0; k < COUNT(kinds); k++)
            for (content_t content = CLOUDS; content < CONTENTS; content++) expect_skimmed(content, 70, 301, &kinds[k]);
    }
    assert_int_equal(unsetenv("FURROW_KERNELS"), 0);
}

/* ---------------------------------------------------------------------------------------------------------- damage */

static const jpeg_kind_t damaged_kinds[] = {{.channels = 3, .quality = 85, .h = 2, .v = 2},
                                            {.channels = 3, .quality = 97, .h = 1, .v = 1, .interval = 2},
                                            {.channels = 1, .quality = 50, .h = 1, .v = 1, .optimized = true},
                                            {.channels = 3, .quality = 30, .h = 2, .v = 2, .interval = 1}};

static furrow_bytes_t copy_of(furrow_bytes_t file, int64_t count)
{
    uint8_t *data = malloc((size_t)count + (count == 0));

    assert_non_null(data);
    memcpy(data, file.data, (size_t)(count < file.count ? count : file.count));
    return (furrow_bytes_t){data, count};
}

/* Without its end no file is taken. */
static void test_jpeg_skim__cut_short(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(damaged_kinds); k++) {
        const furrow_bytes_t file = make_file(CLOUDS, 30, 45, &damaged_kinds[k]);
        for (int64_t count = 0; count < file.count; count++) {
            const furrow_bytes_t cut = copy_of(file, count);
            assert_int_equal(skim(cut), 0);
            free_file(cut);
        }
        free_file(file);
    }
}

/* Up to three bytes changed, in the scan or anywhere: some files are as good as before. */
static void test_jpeg_skim__changed_bytes(void **state)
{
    enum { CHANGES = 3000 };
    int skimmed = 0, handed_on = 0;

    (void)state;
    for (size_t k = 0; k < COUNT(damaged_kinds); k++)
        for (int i = 0; i < CHANGES; i++) {
            const furrow_bytes_t file = make_file(i % 2 == 0 ? CLOUDS : NOISE, 17, 33, &damaged_kinds[k]);
            uint8_t *data = (uint8_t *)(uintptr_t)file.data;
            for (unsigned n = random_below(3) + 1; n > 0; n--) {
                const unsigned at = random_below((unsigned)file.count), from_end = random_below(200);
                data[i % 3 == 0 || from_end >= at ? at : (unsigned)file.count - 1 - from_end] ^=
                    (uint8_t)(1U << random_below(8));
            }
            const int of_this = skim(file);
            skimmed += of_this;
            handed_on += 6 - of_this;
            free_file(file);
        }
    assert_true(skimmed > CHANGES && handed_on > CHANGES);
}

/* The first place of a marker. */
static uint8_t *find(furrow_bytes_t file, int code)
{
    const uint8_t mark[2] = {0xff, (uint8_t)code};
    uint8_t *at = memmem(file.data, (size_t)file.count, mark, 2);

    assert_non_null(at);
    return at;
}

/* Bytes put in before a place of the file. */
static furrow_bytes_t with_bytes(furrow_bytes_t file, int64_t at, const char *bytes, int64_t count)
{
    const furrow_bytes_t longer = copy_of(file, file.count + count);
    uint8_t *data = (uint8_t *)(uintptr_t)longer.data;

    memcpy(data + at, bytes, (size_t)count);
    memcpy(data + at + count, file.data + at, (size_t)(file.count - at));
    return longer;
}

static void expect_with(furrow_bytes_t file, int64_t at, const char *bytes, int64_t count, int skimmed)
{
    const furrow_bytes_t longer = with_bytes(file, at, bytes, count);

    assert_int_equal(skim(longer), skimmed);
    free_file(longer);
}

/* What libjpeg-turbo would remark upon, or take in another way. */
static void test_jpeg_skim__stray_bytes(void **state)
{
    const furrow_bytes_t file = make_file(CLOUDS, 40, 40, &kinds[0]);
    const int64_t table = find(file, 0xdb) - file.data, scan = find(file, 0xda) - file.data;

    (void)state;
    assert_int_equal(skim(file), 6);
    expect_with(file, file.count, "anything", 8, 6); /* behind the end */
    expect_with(file, file.count - 2, "\0", 1, 0);   /* before it */
    expect_with(file, file.count - 2, "12345678901234567890", 20, 0);
    expect_with(file, file.count - 2, "\xff", 1, 0);         /* as fill bytes, which are allowed */
    expect_with(file, file.count - 2, "\xff\xd0", 2, 0);     /* a restart that was not announced */
    expect_with(file, file.count - 2, "\xff\xfe\0\2", 4, 0); /* a comment */
    expect_with(file, table, "x", 1, 0);
    expect_with(file, table, "\xff\xfe\0\4hi", 6, 6); /* a comment that is allowed */
    expect_with(file, table, "\xff\xfe\0\1", 4, 0);   /* a length that is not */
    expect_with(file, table, "\xff\xd0", 2, 0);
    expect_with(file, table, "\xff\xdd\0\4\0\0", 6, 6); /* no restarts, it says */
    expect_with(file, table, "\xff\xdd\0\4\0\1", 6, 0); /* restarts, but there are none */
    expect_with(file, table, "\xff\xdd\0\5\0\0\0", 7, 0);
    expect_with(file, table, "\xff\xc4\0\x13\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 21, 6); /* replaced later */
    expect_with(file, scan, "\xff\xc4\0\x13\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 21, 0);  /* no code at all */
    expect_with(file, scan, "\xff\xc4\0\x16\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\1\2", 24, 0);
    expect_with(file, scan, "\xff\xc4\0\x15\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 23, 0); /* stray bytes */
    expect_with(file, scan, "\xff\xc4\0\x13\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 21, 0);     /* a fifth table */
    expect_with(file, scan, "\xff\xe0\0\x10JFIF\0\2\1\0\0\1\0\1\0\0", 18, 0);               /* version 2 */
    free_file(file);
}

/* The table for differences of luma, with symbols that no picture has. */
static void test_jpeg_skim__codes(void **state)
{
#define SYMBOLS "\0\1\2\3\4\5\6\7\x8\x9\xa\xb"
    const furrow_bytes_t file = make_file(CLOUDS, 40, 40, &kinds[0]);
    const int64_t scan = find(file, 0xda) - file.data;

    (void)state;
    expect_with(file, scan, "\xff\xc4\0\x1f\0\0\1\5\1\1\1\1\1\1\0\0\0\0\0\0\0" SYMBOLS, 33, 6);
    expect_with(file, scan, "\xff\xc4\0\x20\0\0\1\5\1\1\1\1\1\1\1\0\0\0\0\0\0" SYMBOLS "\xf", 34, 6);
    expect_with(file, scan, "\xff\xc4\0\x20\0\0\1\5\1\1\1\1\1\1\1\0\0\0\0\0\0" SYMBOLS "\x10", 34, 0);
    expect_with(file, scan, "\xff\xc4\0\x20\0\0\1\5\1\1\1\1\1\2\0\0\0\0\0\0\0" SYMBOLS "\xc", 34, 0); /* ones */
    free_file(file);
#undef SYMBOLS
}

/* Factors with which coefficients and samples leave their range or not. */
static void test_jpeg_skim__factors(void **state)
{
    int skimmed = 0, handed_on = 0;

    (void)state;
    for (int i = 0; i < 600; i++) {
        const jpeg_kind_t kind = {.channels = 1, .quality = 100, .h = 1, .v = 1};
        const furrow_bytes_t file = make_file(i % 2 == 0 ? EDGES : NOISE, 8, 24, &kind);
        uint8_t *factors = find(file, 0xdb) + 5;
        for (int n = 0; n < 64; n++) factors[n] = (uint8_t)(1 + random_below(1 + (unsigned)i / 6));
        const int of_this = skim(file);
        skimmed += of_this;
        handed_on += 6 - of_this;
        free_file(file);
    }
    assert_true(skimmed > 300 && handed_on > 300);
}

/* Factors of two bytes, all the same, for a picture of one frequency whose coefficient is about `coefficient`. */
static int skim_multiplied(int frequency, int coefficient, int factor)
{
    static const jpeg_kind_t kind = {.channels = 1, .quality = 100, .h = 1, .v = 1, .optimized = true};
    char table[5 + 128] = "\xff\xdb\0\x83\x10";
    uint8_t pixels[8 * 8];

    for (int i = 0; i < 64; i++) {
        const double wave =
            frequency == 0 ? 1.0 / 8 : cos((2 * (i % 8) + 1) * frequency * 3.14159265358979 / 16) * sqrt(2.0) / 8;
        pixels[i] = (uint8_t)lrint(128 + coefficient * wave);
        table[5 + 2 * i] = (char)(factor >> 8);
        table[6 + 2 * i] = (char)factor;
    }
    const furrow_bytes_t file = jpeg_encode(pixels, 8, 8, &kind);
    const furrow_bytes_t longer = with_bytes(file, find(file, 0xda) - file.data, table, (int64_t)sizeof table);
    const int skimmed = skim(longer);
    free_file(longer);
    free_file(file);
    return skimmed;
}

/* Products that are zero again, modulo 2^16, as vectors of libjpeg-turbo make them: of the first coefficient, of one
 * that is told by a look, and of one that is not. */
static void test_jpeg_skim__overflow(void **state)
{
    (void)state;
    assert_int_equal(skim_multiplied(0, 512, 1), 6);
    assert_int_equal(skim_multiplied(0, 512, 128), 0);
    assert_int_equal(skim_multiplied(1, 64, 1), 6);
    assert_int_equal(skim_multiplied(1, 64, 1024), 3); /* at 1/8 it does not matter */
    assert_int_equal(skim_multiplied(1, 512, 1), 6);
    assert_int_equal(skim_multiplied(1, 512, 128), 3);
}

/* A byte of the segment that begins with a marker. */
static void expect_patched(const jpeg_kind_t *kind, int code, int offset, int value, int skimmed)
{
    const furrow_bytes_t file = make_file(CLOUDS, 40, 40, kind);

    find(file, code)[offset] = (uint8_t)value;
    if (skim(file) != skimmed)
        fail_msg("marker %02x, byte %d changed to %d: not skimmed %d times", (unsigned)code, offset, value, skimmed);
    free_file(file);
}

static void test_jpeg_skim__headers(void **state)
{
    const jpeg_kind_t restarts = {.channels = 3, .quality = 80, .h = 2, .v = 2, .interval = 2};

    (void)state;
    expect_patched(&kinds[0], 0xc0, 1, 0xc1, 6); /* extended */
    expect_patched(&kinds[0], 0xc0, 1, 0xc2, 0); /* progressive, it says */
    expect_patched(&kinds[0], 0xc0, 10, 7, 0);   /* a component that the scan does not know */
    expect_patched(&kinds[0], 0xc0, 12, 4, 0);   /* a fifth quantizer */
    expect_patched(&kinds[0], 0xc0, 12, 3, 0);   /* one that is not there */
    expect_patched(&kinds[0], 0xda, 6, 0x33, 0); /* codes that are not there */
    expect_patched(&kinds[0], 0xda, 11, 1, 0);   /* not all coefficients */
    expect_patched(&kinds[0], 0xda, 12, 62, 0);
    expect_patched(&kinds[0], 0xda, 13, 1, 0);
    expect_patched(&kinds[0], 0xe0, 4, 'X', 6); /* no JFIF, but components 1, 2, 3 */
    expect_patched(&kinds[0], 0xe0, 9, 2, 0);   /* JFIF 2 */
    expect_patched(&kinds[0], 0xdb, 5, 0, 6);   /* a factor of 0 */
    expect_patched(&kinds[0], 0xdb, 5, 255, 0); /* coefficients so large that libjpeg-turbo's code is not of one mind */
    expect_patched(&restarts, 0xd0, 1, 0xd1, 0); /* out of order */
    expect_patched(&restarts, 0xdd, 5, 3, 0);
}

/* Adobe's marker, without JFIF, says what the components are. */
static void test_jpeg_skim__adobe(void **state)
{
    static const int skimmed[] = {0, 6, 0};
    char marker[17] = "\xff\xee\0\x0e"
                      "Adobe\0\x64\0\0\0\0\0";

    (void)state;
    for (int transform = 0; transform < 3; transform++) {
        const furrow_bytes_t file = make_file(CLOUDS, 40, 40, &kinds[0]);
        find(file, 0xe0)[4] = 'X';
        marker[15] = (char)transform;
        expect_with(file, 2, marker, 16, skimmed[transform]);
        free_file(file);
    }
}

static void test_jpeg_skim__other_kinds(void **state)
{
    static const jpeg_kind_t others[] = {{.channels = 3, .quality = 85, .h = 2, .v = 1},
                                         {.channels = 3, .quality = 85, .h = 1, .v = 2},
                                         {.channels = 3, .quality = 85, .h = 4, .v = 1},
                                         {.channels = 3, .quality = 85, .h = 2, .v = 2, .progressive = true},
                                         {.channels = 3, .quality = 85, .h = 1, .v = 1, .rgb = true},
                                         {.channels = 3, .quality = 85, .h = 2, .v = 2, .separate = true}};

    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        const furrow_bytes_t file = make_file(CLOUDS, 40, 40, &others[i]);
        assert_int_equal(skim(file), 0);
        free_file(file);
    }
}

/* Other scales, and too little memory: nothing happens. */
static void test_jpeg_skim__limits(void **state)
{
    const furrow_bytes_t file = make_file(CLOUDS, 200, 300, &kinds[0]);
    furrow_scratch_t small = {.limit = 1000};

    (void)state;
    for (int eighths = 3; eighths <= 8; eighths++)
        assert_int_equal(jpeg_compare(file, eighths, FURROW_PIXELS_TO_RGB, &scratch), JPEG_HANDED_ON);
    assert_int_equal(jpeg_compare(file, 2, FURROW_PIXELS_TO_RGB, &small), JPEG_HANDED_ON);
    small.limit = 80000;
    assert_int_equal(jpeg_compare(file, 2, FURROW_PIXELS_TO_RGB, &small), JPEG_HANDED_ON);
    small.limit = 1000000;
    assert_int_equal(jpeg_compare(file, 2, FURROW_PIXELS_TO_RGB, &small), JPEG_EQUAL);
    furrow_scratch_clear(&small);
    free_file(file);
}

/* By way of the public functions: its tables are in a decoder's memory after a small picture, not after a whole one. */
static void test_jpeg_skim__is_used(void **state)
{
    const furrow_bytes_t file = make_file(CLOUDS, 200, 300, &kinds[0]);
    furrow_image_decoder_t *decoder;
    furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
    furrow_error_t err;
    static char slot[50 * 75 * 3];

    (void)state;
    assert_int_equal(furrow_image_decoder_open(0, &decoder, &err), FURROW_OK);
    opts.height = 50;
    opts.width = 75;
    for (int small = 0; small < 2; small++) {
        opts.full_decode = small == 0;
        assert_int_equal(
            furrow_image_decode(decoder, file.data, file.count, &opts, slot, (int64_t)sizeof slot, NULL, &err),
            FURROW_OK);
        const furrow_scratch_t *kept = furrow_image_decoder_scratch(decoder);
        assert_int_equal(kept->buffer[FURROW_BUFFER_CODES].bytes > 0, small);
    }
    furrow_image_decoder_close(decoder);
    free_file(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_skim__is_used),       cmocka_unit_test(test_jpeg_skim__sizes),
        cmocka_unit_test(test_jpeg_skim__large),         cmocka_unit_test(test_jpeg_skim__qualities),
        cmocka_unit_test(test_jpeg_skim__restarts),      cmocka_unit_test(test_jpeg_skim__gray_sampling),
        cmocka_unit_test(test_jpeg_skim__kernels),       cmocka_unit_test(test_jpeg_skim__cut_short),
        cmocka_unit_test(test_jpeg_skim__changed_bytes), cmocka_unit_test(test_jpeg_skim__stray_bytes),
        cmocka_unit_test(test_jpeg_skim__headers),       cmocka_unit_test(test_jpeg_skim__codes),
        cmocka_unit_test(test_jpeg_skim__factors),       cmocka_unit_test(test_jpeg_skim__overflow),
        cmocka_unit_test(test_jpeg_skim__adobe),         cmocka_unit_test(test_jpeg_skim__other_kinds),
        cmocka_unit_test(test_jpeg_skim__limits)};

    return cmocka_run_group_tests(tests, NULL, clear_scratch);
}
#else
static void test_jpeg_skim__not_built_in(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_jpeg_skim__not_built_in)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
