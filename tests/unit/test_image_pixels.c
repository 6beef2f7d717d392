/* Decoded and resized pixels are those of Pillow and OpenCV, which data/make_images.py has stored. */
#include "unit/image_files.h"

/* Without libjpeg-turbo a JPEG is decoded by other arithmetic: within 6, as furrow_image.h says. */
static int tolerance_of(const char *format, int tolerance)
{
    const char *library = "", *found;

    for (int i = 0; furrow_image_decoder_at(i, &found, &library); i++)
        if (strcmp(found, format) == 0) break;
    return strcmp(format, "JPEG") == 0 && strncmp(library, "libjpeg", 7) != 0 ? tolerance + 4 : tolerance;
}

static void check_picture(size_t i, const furrow_image_opts_t *opts)
{
    const bytes_t file = read_picture(pictures[i].name, ""), expected = read_picture(pictures[i].name, ".rgb");
    furrow_image_info_t info;
    furrow_error_t err;
    int64_t bytes;
    uint8_t *pixels = decode_into(file, opts, 0xa5, &bytes, &info, &err);

    if (pixels == NULL) fail_msg("%s: %s", pictures[i].name, err.text);
    assert_int_equal(bytes, expected.count);
    const int difference = largest_difference(pixels, expected.data, bytes);
    if (difference > tolerance_of(pictures[i].format, pictures[i].tolerance))
        fail_msg("%s: pixels differ by %d", pictures[i].name, difference);
    assert_string_equal(info.warning, "");
    free(pixels);
    free(expected.data);
    free(file.data);
}

static void test_image_pixels__every_kind(void **state)
{
    const furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;

    (void)state;
    for (size_t i = 0; i < COUNT(pictures); i++) check_picture(i, &opts);
}

static void test_image_pixels__info(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pictures); i++) {
        const bytes_t file = read_picture(pictures[i].name, "");
        furrow_image_info_t info;
        furrow_error_t err;
        if (furrow_image_info(file.data, file.count, &info, &err) != FURROW_OK)
            fail_msg("%s: %s", pictures[i].name, err.text);
        assert_string_equal(info.format, pictures[i].format);
        assert_int_equal(info.height, pictures[i].height);
        assert_int_equal(info.width, pictures[i].width);
        assert_int_equal(info.channels, pictures[i].channels);
        assert_int_equal(info.bits, pictures[i].bits);
        assert_int_equal(info.orientation, pictures[i].orientation);
        assert_string_equal(info.warning, "");
        free(file.data);
    }
}

/* `i`-th of the resized pictures, or of the gray ones. */
static void check_resize(size_t i, furrow_color_t color)
{
    const bool gray = color == FURROW_GRAY;
    const char *name = gray ? grays[i].name : resizes[i].name, *stored = gray ? grays[i].pixels : resizes[i].pixels;
    const bytes_t file = read_picture(name, ""), expected = read_picture(stored, "");
    furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
    furrow_error_t err;
    int64_t bytes;

    opts.color = color;
    opts.height = gray ? grays[i].height : resizes[i].height;
    opts.width = gray ? grays[i].width : resizes[i].width;
    opts.fit = gray ? grays[i].fit : resizes[i].fit;
    opts.filter = gray ? grays[i].filter : resizes[i].filter;
    opts.full_decode = gray || resizes[i].full_decode;
    uint8_t *pixels = decode_into(file, &opts, 0xa5, &bytes, NULL, &err);
    if (pixels == NULL) fail_msg("%s: %s", stored, err.text);
    assert_int_equal(bytes, expected.count);
    const int difference = largest_difference(pixels, expected.data, bytes);
    const char *format = strstr(name, ".jpg") != NULL ? "JPEG" : "";
    if (difference > tolerance_of(format, gray ? grays[i].tolerance : resizes[i].tolerance))
        fail_msg("%s: %s to %dx%d, fit %d, filter %d: pixels differ by %d", stored, name, (int)opts.height,
                 (int)opts.width, (int)opts.fit, (int)opts.filter, difference);
    free(pixels);
    free(expected.data);
    free(file.data);
}

static void test_image_pixels__resized(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(resizes); i++)
        if (resizes[i].full_decode || tolerance_of("JPEG", 0) == 0) check_resize(i, FURROW_RGB);
}

/* Gray is made before it is resized. */
static void test_image_pixels__gray_resized(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(grays); i++) check_resize(i, FURROW_GRAY);
}

/* ------------------------------------------------------------------------------------------- colour, layout, dtype */

/* Every option is a function of the RGB pixels that were compared above. */
static uint8_t *decode_as(const char *name, const furrow_image_opts_t *opts, int64_t *bytes)
{
    const bytes_t file = read_picture(name, "");
    furrow_error_t err;
    uint8_t *pixels = decode_into(file, opts, 0xa5, bytes, NULL, &err);

    if (pixels == NULL) fail_msg("%s: %s", name, err.text);
    free(file.data);
    return pixels;
}

static const char *const some[] = {"rgb.png", "gray.png",  "palette8.png", "interlaced.png", "rgb.bmp",
                                   "rgb.tga", "raw.psd",   "rgb.ppm",      "noise.gif",      "444.jpg",
                                   "420.jpg", "exif7.jpg", "exif3.jpg",    "cmyk.jpg",       "gray.jpg"};

static void test_image_pixels__bgr(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(some); i++) {
        furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
        int64_t bytes;
        uint8_t *rgb = decode_as(some[i], &opts, &bytes);
        opts.color = FURROW_BGR;
        uint8_t *bgr = decode_as(some[i], &opts, &bytes);
        for (int64_t k = 0; k < bytes; k++) assert_int_equal(bgr[k], rgb[k / 3 * 3 + 2 - k % 3]);
        free(rgb);
        free(bgr);
    }
}

/* The formula in the header, in exact arithmetic; of a JPEG the luma, which differs where colours were cut off. */
static void test_image_pixels__gray(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(some); i++) {
        furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
        int64_t bytes;
        uint8_t *rgb = decode_as(some[i], &opts, &bytes);
        opts.color = FURROW_GRAY;
        uint8_t *gray = decode_as(some[i], &opts, &bytes);
        double difference = 0.0, largest = 0.0;
        for (int64_t k = 0; k < bytes; k++) {
            const double wanted = 0.299 * rgb[3 * k] + 0.587 * rgb[3 * k + 1] + 0.114 * rgb[3 * k + 2];
            const double is = gray[k] > wanted ? gray[k] - wanted : wanted - gray[k];
            difference += is / (double)bytes;
            largest = is > largest ? is : largest;
        }
        const bool is_jpeg = strstr(some[i], ".jpg") != NULL;
        if (largest > (is_jpeg ? 40.0 : 0.51) || difference > (is_jpeg ? 3.0 : 0.51))
            fail_msg("%s: gray is wrong by %g, %g in the mean", some[i], largest, difference);
        free(rgb);
        free(gray);
    }
}

static void test_image_pixels__planes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(some); i++) {
        furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
        int64_t bytes;
        uint8_t *pixels = decode_as(some[i], &opts, &bytes);
        opts.layout = FURROW_NCHW;
        uint8_t *planes = decode_as(some[i], &opts, &bytes);
        for (int64_t k = 0; k < bytes; k++) assert_int_equal(planes[k % 3 * (bytes / 3) + k / 3], pixels[k]);
        free(pixels);
        free(planes);
    }
}

/* (u1 / 255 - mean) / std, each step rounded to f4, as torchvision. */
static void check_f4(const char *name, furrow_layout_t layout, furrow_color_t color)
{
    const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f};
    furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
    int64_t bytes, count;

    opts.layout = layout;
    opts.color = color;
    uint8_t *pixels = decode_as(name, &opts, &count);
    opts.dtype = FURROW_F4;
    memcpy(opts.mean, mean, sizeof mean);
    memcpy(opts.std, deviation, sizeof deviation);
    float *values = (float *)(void *)decode_as(name, &opts, &bytes);
    assert_int_equal(bytes, 4 * count);
    for (int64_t k = 0; k < count; k++) {
        const int64_t c = color == FURROW_GRAY ? 0 : layout == FURROW_NCHW ? k / (count / 3) : k % 3;
        volatile float value = (float)pixels[k] / 255.0f;
        value = value - mean[c];
        value = value / deviation[c];
        assert_true(values[k] == value);
    }
    free(pixels);
    free(values);
}

static void test_image_pixels__f4(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(some); i++)
        for (furrow_layout_t layout = FURROW_NHWC; layout <= FURROW_NCHW; layout++)
            for (furrow_color_t color = FURROW_RGB; color <= FURROW_GRAY; color++) check_f4(some[i], layout, color);
}

/* Resized, turned and padded pixels in other orders, places and dtypes are the same pixels. */
static void check_same(const char *name, const furrow_image_opts_t *plain)
{
    int64_t bytes, count;
    uint8_t *pixels = decode_as(name, plain, &count);

    for (furrow_layout_t layout = FURROW_NHWC; layout <= FURROW_NCHW; layout++)
        for (furrow_color_t color = FURROW_RGB; color <= FURROW_BGR; color++)
            for (int is_f4 = 0; is_f4 <= 1; is_f4++) {
                furrow_image_opts_t opts = *plain;
                opts.layout = layout;
                opts.color = color;
                opts.dtype = is_f4 != 0 ? FURROW_F4 : FURROW_U1;
                void *found = decode_as(name, &opts, &bytes);
                for (int64_t k = 0; k < count; k++) {
                    const int64_t c = layout == FURROW_NCHW ? k / (count / 3) : k % 3;
                    const int64_t pixel = layout == FURROW_NCHW ? k % (count / 3) : k / 3;
                    const uint8_t wanted = pixels[3 * pixel + (color == FURROW_BGR ? 2 - c : c)];
                    if (is_f4 != 0)
                        assert_true(((float *)found)[k] == (float)wanted / 255.0f);
                    else
                        assert_int_equal(((uint8_t *)found)[k], wanted);
                }
                free(found);
            }
    free(pixels);
}

static void test_image_pixels__every_option(void **state)
{
    static const char *const names[] = {"rgb.png", "exif6.png", "turned5.jpg", "turned8.jpg", "noise.gif"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        for (furrow_fit_t fit = FURROW_FIT_STRETCH; fit <= FURROW_FIT_PAD; fit++)
            for (furrow_filter_t filter = FURROW_FILTER_AUTO; filter <= FURROW_FILTER_AREA; filter++) {
                furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
                opts.height = 12;
                opts.width = 21;
                opts.fit = fit;
                opts.filter = filter;
                check_same(names[i], &opts);
            }
}

/* What pad leaves free is a black pixel, in f4 too, and lies where Pillow has it. */
static void test_image_pixels__pad_is_black(void **state)
{
    for (furrow_layout_t layout = FURROW_NHWC; layout <= FURROW_NCHW; layout++) {
        furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
        int64_t bytes;
        opts.layout = layout;
        opts.height = 15;
        opts.width = 30;
        opts.fit = FURROW_FIT_PAD;
        opts.dtype = FURROW_F4;
        for (int c = 0; c < 3; c++) opts.mean[c] = (float)(c + 1);
        float *values = (float *)(void *)decode_as("rgb.png", &opts, &bytes);
        for (int64_t c = 0; c < 3; c++)
            for (int64_t y = 0; y < 15; y++)
                assert_true(values[layout == FURROW_NCHW ? c * 450 + y * 30 : y * 90 + c] == -(float)(c + 1));
        free(values);
    }
    (void)state;
}

static void test_image_pixels__orientation_ignored(void **state)
{
    furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
    int64_t bytes;

    (void)state;
    uint8_t *expected = decode_as("exif1.jpg", &opts, &bytes);
    opts.ignore_orientation = true;
    for (int i = 2; i <= 8; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "exif%d.jpg", i);
        uint8_t *pixels = decode_as(name, &opts, &bytes);
        assert_memory_equal(pixels, expected, (size_t)bytes);
        free(pixels);
    }
    free(expected);
}

/* A decoder's memory is that of the pictures before: it must not show. */
static void test_image_pixels__order_does_not_matter(void **state)
{
    const furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;

    (void)state;
    for (size_t i = COUNT(pictures); i-- > 0;) check_picture(i, &opts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_image_pixels__every_kind),
                                       cmocka_unit_test(test_image_pixels__info),
                                       cmocka_unit_test(test_image_pixels__resized),
                                       cmocka_unit_test(test_image_pixels__gray_resized),
                                       cmocka_unit_test(test_image_pixels__every_option),
                                       cmocka_unit_test(test_image_pixels__bgr),
                                       cmocka_unit_test(test_image_pixels__gray),
                                       cmocka_unit_test(test_image_pixels__planes),
                                       cmocka_unit_test(test_image_pixels__f4),
                                       cmocka_unit_test(test_image_pixels__pad_is_black),
                                       cmocka_unit_test(test_image_pixels__orientation_ignored),
                                       cmocka_unit_test(test_image_pixels__order_does_not_matter)};

    return cmocka_run_group_tests(tests, open_decoder, close_decoder);
}
