/* One image of a run: files that change between the search for their size and their decoding, and memory that is
 * lent. */
#include "files.h"

#include "images_work.h"

enum { HEIGHT = 6, WIDTH = 4, SLOT = HEIGHT * WIDTH * 3 };

static furrow_context_t *ctx;
static furrow_listing_t *listing;

static void put_image(const char *name, int height, int width)
{
    char header[32];
    const int length = snprintf(header, sizeof header, "P6 %d %d 255\n", width, height);
    const size_t count = 3 * (size_t)height * (size_t)width;
    uint8_t *pixels = malloc(count);

    assert_non_null(pixels);
    memset(pixels, 7, count);
    put_bytes(name, header, (size_t)length, pixels, count);
    free(pixels);
}

static void open_run(int64_t memory_bytes)
{
    const furrow_context_opts_t opts = {.threads = 2, .memory_bytes = memory_bytes};
    const char *source = folder;

    assert_int_equal(furrow_context_open(&opts, &ctx, NULL), FURROW_OK);
    assert_int_equal(furrow_listing_open(ctx, &source, 1, false, &listing, NULL), FURROW_OK);
}

static void close_run(void)
{
    furrow_listing_free(listing);
    furrow_context_close(ctx);
}

/* Loads image `i`, with `text` as the reason of a reject, or as one that is whole for NULL. */
static void expect_loaded(furrow_images_worker_t *w, int64_t i, const char *text)
{
    const uint8_t fill = text == NULL ? 7 : 0;
    furrow_note_t note;
    furrow_error_t err;

    memset(w->slot[0].data, 0xa5, SLOT);
    assert_int_equal(furrow_images_load(w, i, w->slot[0].data, &note, &err), FURROW_OK);
    assert_int_equal(note.state, text == NULL ? FURROW_NOTE_DONE : FURROW_NOTE_REJECTED);
    assert_string_equal(note.text, text == NULL ? "" : text);
    for (int k = 0; k < SLOT; k++) assert_int_equal(((uint8_t *)w->slot[0].data)[k], fill);
}

static void files_that_change_are_rejects(void **state)
{
    static const char *const names[] = {"0.ppm", "1.ppm", "2.ppm", "3.ppm"};
    const furrow_images_opts_t opts = {.image = FURROW_IMAGE_OPTS_INIT};
    furrow_images_plan_t plan;
    furrow_images_worker_t w;

    (void)state;
    for (int i = 0; i < 4; i++) put_image(names[i], HEIGHT, WIDTH);
    open_run(0);
    assert_int_equal(furrow_images_plan_make(ctx, listing, &opts, NULL, 0, &plan, NULL), FURROW_OK);
    assert_int_equal(furrow_images_worker_open(&plan, 1, &w, NULL), FURROW_OK);
    put_image(names[1], WIDTH, HEIGHT); /* of as many bytes */
    assert_int_equal(unlink(path_of(names[2])), 0);
    put_bytes(names[3], "P6 4 6 255\n...", 14, NULL, 0);
    expect_loaded(&w, 0, NULL);
    expect_loaded(&w, 1, "it is 4x6, the others are 6x4");
    expect_loaded(&w, 2, "cannot open: No such file or directory");
    expect_loaded(&w, 3, "PNM: the file ends early, after 14 bytes of at least 83");
    furrow_images_worker_close(&w);
    furrow_images_plan_close(&plan);
    close_run();
    for (int i = 0; i < 4; i++) (void)unlink(path_of(names[i]));
}

/* A quarter of 32 MiB is for a picture. What the pictures before have left does not matter. */
static void memory_is_lent_and_given_back(void **state)
{
    const furrow_images_opts_t opts = {.image = FURROW_IMAGE_OPTS_INIT};
    furrow_images_opts_t sized = opts;
    furrow_images_plan_t plan;
    furrow_images_worker_t w;
    char text[128];

    (void)state;
    put_image("0.ppm", 100, 100);
    put_image("1.ppm", 1400, 1900); /* 7.6 MiB */
    put_image("2.ppm", 1700, 1900); /* 9.2 MiB */
    open_run(INT64_C(32) << 20);
    sized.image.height = HEIGHT;
    sized.image.width = WIDTH;
    assert_int_equal(furrow_images_plan_make(ctx, listing, &sized, NULL, 0, &plan, NULL), FURROW_OK);
    assert_int_equal(furrow_images_worker_open(&plan, 1, &w, NULL), FURROW_OK);
    (void)snprintf(text, sizeof text,
                   "file and decoder need at least %d bytes of memory and may have %d: give --memory %dM",
                   17 + 3 * 1700 * 1900 + 1, 8 << 20, 37);
    assert_true(plan.own_bytes < 5 << 20);
    for (int round = 0; round < 3; round++) {
        expect_loaded(&w, 0, NULL);
        expect_loaded(&w, 1, NULL);
        expect_loaded(&w, 2, text);
        expect_loaded(&w, 1, NULL);
        assert_true(w.file_room <= plan.own_bytes); /* what was lent is not kept */
    }
    furrow_images_worker_close(&w);
    furrow_images_plan_close(&plan);
    close_run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_that_change_are_rejects),
                                       cmocka_unit_test(memory_is_lent_and_given_back)};

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
