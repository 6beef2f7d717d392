/* Memory that cannot be had, at every place where it is asked for: the picture is refused, its slot zero, and the same
 * decoder goes on. Where the decoder has seen such a picture before, none is asked for. */
#include "unit/image_files.h"

#include "fault.h"

#ifdef FURROW_FAULTS
static const char *const names[] = {"420.jpg", "progressive.jpg", "cmyk.jpg", "rgb.png",  "interlaced.png", "noise.gif",
                                    "rgb.bmp", "rgb.tga",         "raw.psd",  "text.ppm", "exif6.jpg"};

/* Sizes that need every buffer. */
static furrow_image_opts_t resizing(void)
{
    furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;

    opts.height = 11;
    opts.width = 31;
    opts.fit = FURROW_FIT_CROP;
    opts.layout = FURROW_NCHW;
    return opts;
}

/* stb_image gives back what it takes. */
static bool is_by_stb(bytes_t file)
{
    const char *format, *library;
    furrow_image_info_t info;

    assert_int_equal(furrow_image_info(file.data, file.count, &info, NULL), FURROW_OK);
    for (int i = 0; furrow_image_decoder_at(i, &format, &library); i++)
        if (strcmp(format, info.format) == 0) return strcmp(library, "stb_image") == 0;
    return false;
}

static furrow_status_t decode_with_fault(bytes_t file, bool keeps_memory, const furrow_image_opts_t *opts, int nth,
                                         bool *hit, furrow_error_t *err)
{
    char fault[32];
    int64_t bytes;
    furrow_image_decoder_t *unspoilt = decoder;

    (void)snprintf(fault, sizeof fault, "alloc:%d:0", nth);
    assert_int_equal(furrow_image_decoder_open(0, &decoder, err), FURROW_OK);
    (void)furrow_fault_reset();
    assert_int_equal(setenv("FURROW_FAULT", fault, 1), 0);
    void *pixels = decode_into(file, opts, 0xa5, &bytes, NULL, err);
    const furrow_status_t status = pixels != NULL ? FURROW_OK : err->status;
    assert_int_equal(unsetenv("FURROW_FAULT"), 0);
    *hit = furrow_fault_reset();
    free(pixels);

    for (int again = 0; again < 2; again++) {
        if (again == 1 && keeps_memory) assert_int_equal(setenv("FURROW_FAULT", "alloc:1:0", 1), 0);
        pixels = decode_into(file, opts, 0xa5, &bytes, NULL, err);
        assert_int_equal(unsetenv("FURROW_FAULT"), 0);
        if (pixels == NULL) fail_msg("%s", err->text);
        free(pixels);
    }
    furrow_image_decoder_close(decoder);
    decoder = unspoilt;
    return status;
}

static void test_image_memory__refused(void **state)
{
    const furrow_image_opts_t opts = resizing();

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        const bytes_t file = read_picture(names[i], "");
        furrow_error_t err;
        bool hit = true;
        int nth = 1;
        for (; hit; nth++) {
            const furrow_status_t status = decode_with_fault(file, !is_by_stb(file), &opts, nth, &hit, &err);
            assert_int_equal(status, hit ? FURROW_ENOMEM : FURROW_OK);
        }
        assert_true(nth > 4);
        free(file.data);
    }
}

/* A scaled JPEG can do without the memory that it takes to be decoded faster. */
static void test_image_memory__optional(void **state)
{
    const bytes_t file = read_picture("large.jpg", "");
    furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
    furrow_image_decoder_t *unspoilt = decoder;
    furrow_error_t err;
    int64_t bytes;
    bool hit = true;

    (void)state;
    opts.height = 16;
    opts.width = 24;
    uint8_t *expected = decode_into(file, &opts, 0xa5, &bytes, NULL, &err);
    assert_non_null(expected);
    for (int nth = 1; hit; nth++) {
        char fault[32];
        (void)snprintf(fault, sizeof fault, "alloc:%d:0", nth);
        assert_int_equal(furrow_image_decoder_open(0, &decoder, &err), FURROW_OK);
        (void)furrow_fault_reset();
        assert_int_equal(setenv("FURROW_FAULT", fault, 1), 0);
        uint8_t *pixels = decode_into(file, &opts, 0xa5, &bytes, NULL, &err);
        assert_int_equal(unsetenv("FURROW_FAULT"), 0);
        hit = furrow_fault_reset();
        if (pixels != NULL) assert_memory_equal(pixels, expected, (size_t)bytes);
        free(pixels);
        furrow_image_decoder_close(decoder);
    }
    decoder = unspoilt;
    free(expected);
    free(file.data);
}
#else
static void test_image_memory__refused(void **state)
{
    (void)state;
    skip(); /* needs the fault points */
}

static void test_image_memory__optional(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_image_memory__refused),
                                       cmocka_unit_test(test_image_memory__optional)};

    return cmocka_run_group_tests(tests, open_decoder, close_decoder);
}
