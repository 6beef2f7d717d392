/* Pictures that are cut short, damaged, too large or of a kind that is not read: each is refused with its reason, and
 * its slot is zero. */
#include "unit/image_files.h"

static furrow_image_opts_t opts;
static furrow_error_t err;

static void *decode(bytes_t file, int64_t *bytes, furrow_image_info_t *info)
{
    return decode_into(file, &opts, 0xa5, bytes, info, &err);
}

/* Of the file as it is. */
static uint8_t *decode_whole(bytes_t file, int64_t *bytes)
{
    uint8_t *pixels = decode(file, bytes, NULL);

    if (pixels == NULL) fail_msg("%s", err.text);
    return pixels;
}

static void expect_refused(bytes_t file, furrow_status_t status, const char *text)
{
    int64_t bytes;

    if (decode(file, &bytes, NULL) != NULL) fail_msg("decoded, expected: %s", text);
    if (err.status != status || strstr(err.text, text) == NULL)
        fail_msg("status %d: %s; expected %d: %s", err.status, err.text, status, text);
}

/* The first place of `mark` in a file. */
static uint8_t *find(bytes_t file, const char *mark, size_t count)
{
    uint8_t *at = memmem(file.data, (size_t)file.count, mark, count);

    assert_non_null(at);
    return at;
}

/* ---------------------------------------------------------------------------------------------------- cut short */

/* Every beginning of a file is refused, or is the whole picture but for what follows it. */
static void check_cuts(const char *name)
{
    const bytes_t file = read_picture(name, "");
    int64_t bytes, cut_bytes, accepted = 0;
    uint8_t *expected = decode_whole(file, &bytes);

    for (int64_t count = 0; count < file.count; count++) {
        const bytes_t cut = {malloc((size_t)count + 1), count};
        memcpy(cut.data, file.data, (size_t)count);
        uint8_t *pixels = decode(cut, &cut_bytes, NULL);
        if (pixels == NULL)
            assert_true(err.status != FURROW_OK && err.text[0] != '\0');
        else if (cut_bytes != bytes || memcmp(pixels, expected, (size_t)bytes) != 0)
            fail_msg("%s: another picture from %lld bytes of %lld", name, (long long)count, (long long)file.count);
        accepted += pixels != NULL;
        free(pixels);
        free(cut.data);
    }
    if (accepted * 4 > file.count) fail_msg("%s: whole after %lld bytes less", name, (long long)accepted);
    free(expected);
    free(file.data);
}

static void test_image_damage__cut_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pictures); i++)
        if (strcmp(pictures[i].name, "frames.gif") != 0) check_cuts(pictures[i].name); /* one picture is whole */
}

static void test_image_damage__says_that_it_ends_early(void **state)
{
    static const char *const names[] = {"444.jpg",   "progressive.jpg", "rgb.png", "interlaced.png",
                                        "noise.gif", "rgb.bmp",         "rgb.tga", "rle.tga",
                                        "rle.psd",   "raw.psd",         "rgb.ppm", "text.ppm"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        bytes_t file = read_picture(names[i], "");
        file.count = file.count * 3 / 4;
        expect_refused(file, FURROW_ETRUNCATED, "early");
        free(file.data);
    }
}

static bool has_libjpeg(void)
{
    const char *format, *library = "";

    return furrow_image_decoder_at(0, &format, &library) && strncmp(library, "libjpeg", 7) == 0;
}

/* What was decoded is kept where that is asked for, and the warning tells. */
static void test_image_damage__kept(void **state)
{
    bytes_t file = read_picture("large.jpg", "");
    furrow_image_info_t info;
    int64_t bytes;

    (void)state;
    if (!has_libjpeg()) skip();
    uint8_t *whole = decode_whole(file, &bytes);
    file.count = file.count * 9 / 10;
    opts.keep_damaged = true;
    uint8_t *part = decode(file, &bytes, &info);
    assert_non_null(part);
    assert_memory_equal(part, whole, (size_t)bytes / 8);
    assert_string_equal(info.warning, "Premature end of JPEG file");
    free(part);
    free(whole);
    free(file.data);
}

/* ------------------------------------------------------------------------------------------------------ damaged */

/* A byte changed anywhere: no crash, and no picture of another size. */
static void test_image_damage__bytes(void **state)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff};

    (void)state;
    for (size_t i = 0; i < COUNT(pictures); i++) {
        const bytes_t file = read_picture(pictures[i].name, "");
        opts.max_pixels = 100000;
        for (int64_t at = 0; at < file.count; at++) {
            const uint8_t change = changes[at % 3];
            furrow_image_info_t info = {0};
            int64_t bytes;
            file.data[at] ^= change;
            if (furrow_image_info(file.data, file.count, &info, &err) == FURROW_OK &&
                info.height * info.width <= opts.max_pixels)
                free(decode(file, &bytes, NULL));
            file.data[at] ^= change;
        }
        free(file.data);
    }
}

static void test_image_damage__check_sums(void **state)
{
    const bytes_t file = read_picture("rgb.png", "");

    (void)state;
    find(file, "IDAT", 4)[100] ^= 1;
    expect_refused(file, FURROW_EFORMAT, "PNG: ");
    free(file.data);
}

/* Entropy-coded data that leads nowhere. */
static void test_image_damage__corrupt_jpeg(void **state)
{
    const bytes_t file = read_picture("444.jpg", "");
    uint8_t *scan = find(file, "\xff\xda", 2) + 14;
    int64_t bytes;

    (void)state;
    if (!has_libjpeg()) skip();
    for (int i = 40; i < 100; i += 2) memcpy(scan + i, "\xff", 2); /* ones only: no code */
    expect_refused(file, FURROW_EFORMAT, "JPEG: Corrupt JPEG data: bad Huffman code");
    opts.keep_damaged = true;
    furrow_image_info_t info;
    uint8_t *pixels = decode(file, &bytes, &info);
    assert_non_null(pixels);
    assert_non_null(strstr(info.warning, "Corrupt JPEG data"));
    free(pixels);
    free(file.data);
}

/* Complaints about what does not matter are told and cost nothing. */
static void test_image_damage__harmless(void **state)
{
    const bytes_t file = read_picture("444.jpg", "");
    furrow_image_info_t info;
    int64_t bytes;

    (void)state;
    if (!has_libjpeg()) skip();
    uint8_t *expected = decode_whole(file, &bytes);
    find(file, "JFIF", 5)[5] = 9; /* version 9 */
    uint8_t *pixels = decode(file, &bytes, &info);
    assert_non_null(pixels);
    assert_memory_equal(pixels, expected, (size_t)bytes);
    assert_non_null(strstr(info.warning, "revision number 9"));
    free(pixels);
    free(expected);
    free(file.data);
}

/* Texts, however many, and junk behind the end are nobody's business. */
static void test_image_damage__metadata(void **state)
{
    static const char text[] = "\x00\x00\x00\x05\x74\x45\x58\x74\x6b\x00\x61\x62\x63\x8e\x35\x7c\x75";
    enum { TEXTS = 3000, BYTES = sizeof text - 1 };
    const bytes_t file = read_picture("rgb.png", "");
    const int64_t head = (uint8_t *)find(file, "IDAT", 4) - 4 - file.data;
    const bytes_t longer = {calloc(1, (size_t)file.count + TEXTS * BYTES + 50), file.count + TEXTS * BYTES + 50};
    int64_t bytes;

    (void)state;
    memcpy(longer.data, file.data, (size_t)head);
    for (int i = 0; i < TEXTS; i++) memcpy(longer.data + head + i * BYTES, text, BYTES);
    memcpy(longer.data + head + TEXTS * BYTES, file.data + head, (size_t)(file.count - head));
    uint8_t *expected = decode_whole(file, &bytes), *pixels = decode_whole(longer, &bytes);
    assert_memory_equal(pixels, expected, (size_t)bytes);
    free(pixels);
    free(expected);
    free(longer.data);
    free(file.data);
}

/* ------------------------------------------------------------------------------------------------------- limits */

/* Nothing is asked for, though gigabytes are claimed: a slot as large as that would be is never touched. */
static void expect_too_large(bytes_t file, int64_t height, int64_t width)
{
    furrow_image_info_t info;
    char slot[16];

    assert_int_equal(furrow_image_info(file.data, file.count, &info, &err), FURROW_OK);
    assert_int_equal(info.height, height);
    assert_int_equal(info.width, width);
    opts.height = opts.width = 2;
    assert_int_equal(furrow_image_decode(decoder, file.data, file.count, &opts, slot, 12, NULL, &err),
                     FURROW_EOVERFLOW);
    assert_non_null(strstr(err.text, "178956970 pixels"));
}

static void test_image_damage__too_large(void **state)
{
    bytes_t jpeg = read_picture("444.jpg", ""), png = read_picture("rgb.png", ""), gif = read_picture("noise.gif", "");

    (void)state;
    memcpy(find(jpeg, "\xff\xc0", 2) + 5, "\xff\xdc\xff\xdc", 4);
    expect_too_large(jpeg, 65500, 65500);
    memcpy(find(png, "IHDR", 4) + 4, "\x00\x01\x86\xa0\x00\x01\x86\xa0", 8);
    expect_too_large(png, 100000, 100000);
    memcpy(gif.data + 6, "\xff\xff\xff\xff", 4);
    memcpy(find(gif, "\x2c\0\0\0\0", 5) + 5, "\xff\xff\xff\xff", 4);
    expect_too_large(gif, 65535, 65535);
    free(jpeg.data);
    free(png.data);
    free(gif.data);
}

static void test_image_damage__max_pixels(void **state)
{
    const bytes_t file = read_picture("rgb.png", "");
    int64_t bytes;

    (void)state;
    opts.max_pixels = 19 * 23;
    free(decode_whole(file, &bytes));
    opts.max_pixels = 19 * 23 - 1;
    expect_refused(file, FURROW_EOVERFLOW, "PNG: 19x23 is more than 436 pixels");
    free(file.data);
}

/* A decoder that may use little decodes what needs rows only, and says what the rest would need. */
static void test_image_damage__memory(void **state)
{
    static const struct {
        const char *name;
        bool needs_all;
    } files[] = {{"large.jpg", false}, {"rgb.png", false}, {"rgb.ppm", false}, {"noise.gif", true}, {"rgb.bmp", true}};
    furrow_image_decoder_t *unlimited = decoder;

    (void)state;
    if (!has_libjpeg()) skip();
    opts.height = opts.width = 1;
    opts.filter = FURROW_FILTER_NEAREST;
    for (size_t i = 0; i < COUNT(files); i++) {
        const bytes_t file = read_picture(files[i].name, "");
        int64_t bytes;
        assert_int_equal(furrow_image_decoder_open(files[i].needs_all ? 300 : 6000, &decoder, &err), FURROW_OK);
        if (files[i].needs_all)
            expect_refused(file, FURROW_EBUDGET, "memory");
        else
            free(decode_whole(file, &bytes));
        furrow_image_decoder_close(decoder);
        free(file.data);
    }
    decoder = unlimited;
}

/* A row of this many pixels takes memory for several rows. */
static bytes_t make_wide(int width)
{
    const bytes_t file = {calloc(1, (size_t)width + 32), width + 32};

    assert_non_null(file.data);
    (void)snprintf((char *)file.data, 32, "P5 %d 1 255 ", width);
    return file;
}

static bool fits(bytes_t file, int64_t memory)
{
    furrow_image_decoder_t *unlimited = decoder;
    int64_t bytes;

    assert_int_equal(furrow_image_decoder_open(memory, &decoder, &err), FURROW_OK);
    void *pixels = decode(file, &bytes, NULL);
    furrow_image_decoder_close(decoder);
    decoder = unlimited;
    free(pixels);
    return pixels != NULL;
}

/* What just suffices does so, too, for a decoder that has kept memory of another picture. */
static void test_image_damage__memory_kept(void **state)
{
    const bytes_t before = read_picture("large.jpg", ""), file = make_wide(200000);
    furrow_image_decoder_t *unlimited = decoder;
    int64_t bytes, least = 1, most = 1 << 24;

    (void)state;
    opts.height = 16;
    opts.width = 24;
    while (least < most) {
        const int64_t memory = (least + most) / 2;
        if (fits(file, memory))
            most = memory;
        else
            least = memory + 1;
    }
    assert_true(least > 300000 && fits(before, least));
    assert_int_equal(furrow_image_decoder_open(least, &decoder, &err), FURROW_OK);
    free(decode_whole(before, &bytes));
    free(decode_whole(file, &bytes));
    furrow_image_decoder_close(decoder);
    decoder = unlimited;
    free(before.data);
    free(file.data);
}

/* ---------------------------------------------------------------------------------------------------- not read */

static void expect_patched(const char *name, const char *mark, size_t mark_bytes, int offset, int value,
                           furrow_status_t status, const char *text)
{
    const bytes_t file = read_picture(name, "");

    find(file, mark, mark_bytes)[offset] = (uint8_t)value;
    expect_refused(file, status, text);
    free(file.data);
}

static void test_image_damage__kinds_by_name(void **state)
{
    (void)state;
    expect_patched("444.jpg", "\xff\xc0", 2, 4, 12, FURROW_EUNSUPPORTED, "JPEG: files of 12 bits");
    expect_patched("444.jpg", "\xff\xc0", 2, 1, 0xc3, FURROW_EUNSUPPORTED, "JPEG: lossless files");
    expect_patched("444.jpg", "\xff\xc0", 2, 1, 0xc5, FURROW_EUNSUPPORTED, "JPEG: hierarchical files");
    expect_patched("444.jpg", "\xff\xc0", 2, 1, 0xcb, FURROW_EUNSUPPORTED, "JPEG: arithmetic-coded lossless files");
    expect_patched("rgb.tga", "", 1, 17, 0x10, FURROW_EUNSUPPORTED, "TGA: files with rows from right to left");
    expect_patched("palette.bmp", "BM", 2, 30, 1, FURROW_EUNSUPPORTED, "BMP: compressed files");
    expect_patched("os2.bmp", "BM", 2, 24, 8, FURROW_EUNSUPPORTED, "BMP: OS/2 files of 8 bits");
    expect_patched("raw.psd", "8BPS", 4, 25, 4, FURROW_EUNSUPPORTED, "PSD: files of 3 channels, 8 bits, mode 4");
    expect_patched("rgb.png", "IHDR", 4, 12, 3, FURROW_EFORMAT, "PNG: 3 bits of colour type 2");
    expect_patched("noise.gif", "\x2c\0\0\0\0", 5, 1, 1, FURROW_EUNSUPPORTED, "GIF: files whose first frame");
}

/* Bytes between palette and pixels, which the format allows: refused by name. */
static void test_image_damage__gap(void **state)
{
    const bytes_t file = read_picture("palette.bmp", "");
    const bytes_t longer = {calloc(1, (size_t)file.count + 4), file.count + 4};

    (void)state;
    memcpy(longer.data, file.data, (size_t)file.count);
    longer.data[10] = (uint8_t)(longer.data[10] + 4); /* where the pixels begin */
    expect_refused(longer, FURROW_EUNSUPPORTED, "BMP: files with a gap before the pixels, or 257 colours");
    free(longer.data);
    free(file.data);
}

static void test_image_damage__arithmetic(void **state)
{
    const bytes_t file = read_picture("arithmetic.jpg", "");
    int64_t bytes;

    (void)state;
    if (has_libjpeg()) {
        const bytes_t same = read_picture("444.jpg", ""); /* the same coefficients */
        uint8_t *pixels = decode(file, &bytes, NULL);
        if (pixels == NULL)
            assert_int_equal(err.status, FURROW_EUNSUPPORTED); /* a library built without it */
        else {
            uint8_t *expected = decode_whole(same, &bytes);
            assert_memory_equal(pixels, expected, (size_t)bytes);
            free(expected);
        }
        free(pixels);
        free(same.data);
    } else
        expect_refused(file, FURROW_EUNSUPPORTED, "arithmetic-coded");
    free(file.data);
}

static void test_image_damage__other_files(void **state)
{
    static const struct {
        const char *bytes;
        int64_t count;
        furrow_status_t status;
        const char *text;
    } others[] = {{"", 0, FURROW_EFORMAT, "the file is empty"},
                  {"A text that someone named .jpg.\n", 32, FURROW_EFORMAT, "not a picture"},
                  {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, FURROW_EFORMAT, "not a picture"},
                  {"RIFF\x10\0\0\0WEBPVP8 ", 16, FURROW_EUNSUPPORTED, "WebP"},
                  {"II*\0\x08\0\0\0", 8, FURROW_EUNSUPPORTED, "TIFF"},
                  {"\0\0\0\x1c"
                   "ftypheic",
                   12, FURROW_EUNSUPPORTED, "HEIC"},
                  {"%PDF-1.7\n", 9, FURROW_EUNSUPPORTED, "PDF"},
                  {"\xff\xd8\xff\xd9", 4, FURROW_EFORMAT, "JPEG: a file without a picture"},
                  {"P5 0 4 255 ", 11, FURROW_EFORMAT, "PNM: height 4, width 0"},
                  {"P5 99999999999 4 255 ", 21, FURROW_EFORMAT, "PNM: the header"},
                  {"P6\n2 2\n", 7, FURROW_ETRUNCATED, "PNM: the file ends early"},
                  {"P5 1 1 100 \xc8", 12, FURROW_EFORMAT, "PNM: a value in row 0"},
                  {"P2 1 1 100 10", 13, FURROW_ETRUNCATED, "PNM: the file ends early"},
                  {"P2 1 1 100 101 ", 15, FURROW_EFORMAT, "PNM: a value in row 0"}};

    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        const bytes_t file = {malloc((size_t)others[i].count + 1), others[i].count};
        memcpy(file.data, others[i].bytes, (size_t)others[i].count);
        expect_refused(file, others[i].status, others[i].text);
        free(file.data);
    }
}

/* Each scan goes over all of a picture again. */
static void test_image_damage__scans(void **state)
{
    const bytes_t file = read_picture("progressive.jpg", "");
    uint8_t *scan = find(file, "\xff\xda", 2), *end = scan + 2;
    int64_t bytes;

    (void)state;
    while (end[0] != 0xff || end[1] == 0) end++;
    const int64_t head = end - file.data, length = end - scan,
                  tail = file.count - head; /* the first one, again and again */
    const bytes_t bomb = {malloc((size_t)(file.count + 200 * length)), file.count + 200 * length};
    memcpy(bomb.data, file.data, (size_t)head);
    for (int64_t i = 0; i < 200; i++) memcpy(bomb.data + head + i * length, scan, (size_t)length);
    memcpy(bomb.data + head + 200 * length, end, (size_t)tail);
    if (decode(bomb, &bytes, NULL) != NULL) fail_msg("200 scans were decoded");
    if (err.status != FURROW_EFORMAT || strstr(err.text, "more than 100 scans") == NULL) fail_msg("%s", err.text);
    free(bomb.data);
    free(file.data);
}

/* --------------------------------------------------------------------------------------------------- arguments */

static void test_image_damage__arguments(void **state)
{
    const bytes_t file = read_picture("rgb.png", "");
    const int64_t bytes = 19 * 23 * 3;
    furrow_image_info_t info, untouched;
    furrow_image_decoder_t *none;
    int64_t shape[3], total;
    char slot[19 * 23 * 3 + 1];

    (void)state;
    memset(&info, 0x5a, sizeof info);
    untouched = info;
    assert_int_equal(furrow_image_decode(decoder, file.data, file.count, NULL, slot, bytes, NULL, NULL), FURROW_OK);
    assert_int_equal(furrow_image_decode(decoder, file.data, file.count, NULL, slot, bytes + 1, &info, &err),
                     FURROW_EMISMATCH);
    assert_string_equal(err.text, "a picture of 19x23 needs a slot of 1311 bytes; this one has 1312");
    assert_memory_equal(&info, &untouched, sizeof info);
    assert_int_equal(furrow_image_decode(NULL, file.data, file.count, NULL, slot, bytes, NULL, &err), FURROW_EARG);
    assert_int_equal(furrow_image_decode(decoder, file.data, file.count, NULL, NULL, bytes, NULL, &err), FURROW_EARG);
    assert_int_equal(furrow_image_decode(decoder, NULL, 5, NULL, slot, bytes, NULL, &err), FURROW_EARG);
    assert_int_equal(furrow_image_info(NULL, -1, &info, &err), FURROW_EARG);
    assert_int_equal(furrow_image_decoder_open(-1, &none, &err), FURROW_EARG);
    assert_null(none);
    furrow_image_decoder_close(NULL);

    opts.height = 5;
    assert_int_equal(furrow_image_shape(NULL, &opts, shape, &total, &err), FURROW_EARG);
    opts.width = INT64_MAX;
    assert_int_equal(furrow_image_shape(NULL, &opts, shape, &total, &err), FURROW_EARG);
    opts.width = 7;
    opts.dtype = FURROW_F8;
    assert_int_equal(furrow_image_shape(NULL, &opts, shape, &total, &err), FURROW_EARG);
    opts.dtype = FURROW_F4;
    opts.layout = FURROW_NCHW;
    assert_int_equal(furrow_image_shape(NULL, &opts, shape, &total, &err), FURROW_OK);
    assert_true(shape[0] == 3 && shape[1] == 5 && shape[2] == 7 && total == 420);
    opts.std[1] = 0.0f;
    assert_int_equal(furrow_image_shape(NULL, &opts, shape, &total, &err), FURROW_EARG);
    free(file.data);
}

static int reset(void **state)
{
    const furrow_image_opts_t defaults = FURROW_IMAGE_OPTS_INIT;

    (void)state;
    opts = defaults;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_image_damage__cut_short, reset),
                                       cmocka_unit_test_setup(test_image_damage__says_that_it_ends_early, reset),
                                       cmocka_unit_test_setup(test_image_damage__kept, reset),
                                       cmocka_unit_test_setup(test_image_damage__bytes, reset),
                                       cmocka_unit_test_setup(test_image_damage__check_sums, reset),
                                       cmocka_unit_test_setup(test_image_damage__corrupt_jpeg, reset),
                                       cmocka_unit_test_setup(test_image_damage__harmless, reset),
                                       cmocka_unit_test_setup(test_image_damage__metadata, reset),
                                       cmocka_unit_test_setup(test_image_damage__too_large, reset),
                                       cmocka_unit_test_setup(test_image_damage__max_pixels, reset),
                                       cmocka_unit_test_setup(test_image_damage__memory, reset),
                                       cmocka_unit_test_setup(test_image_damage__memory_kept, reset),
                                       cmocka_unit_test_setup(test_image_damage__kinds_by_name, reset),
                                       cmocka_unit_test_setup(test_image_damage__gap, reset),
                                       cmocka_unit_test_setup(test_image_damage__arithmetic, reset),
                                       cmocka_unit_test_setup(test_image_damage__other_files, reset),
                                       cmocka_unit_test_setup(test_image_damage__scans, reset),
                                       cmocka_unit_test_setup(test_image_damage__arguments, reset)};

    return cmocka_run_group_tests(tests, open_decoder, close_decoder);
}
