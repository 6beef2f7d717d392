/* The loader of batches: every image once an epoch, in the order of the epoch, whatever threads and batches; parts,
 * rejects, going on at a position, the end. Images are PPM files of one colour each, which says who they are. */
#include "files.h"

#include "furrow_images.h"

enum { IMAGES = 23, HEIGHT = 5, WIDTH = 7, SLOT = HEIGHT * WIDTH * 3 };

static furrow_context_t *ctx;
static furrow_listing_t *listing;

static void put_image(int i)
{
    char name[32], header[32];
    uint8_t pixels[SLOT];

    (void)snprintf(name, sizeof name, "%03d.ppm", i);
    const int length = snprintf(header, sizeof header, "P6 %d %d 255\n", WIDTH, HEIGHT);
    memset(pixels, 10 * i, sizeof pixels);
    put_bytes(name, header, (size_t)length, pixels, sizeof pixels);
}

static furrow_listing_t *list(void)
{
    const char *source = folder;
    furrow_listing_t *l;

    assert_int_equal(furrow_listing_open(ctx, &source, 1, false, &l, NULL), FURROW_OK);
    return l;
}

static int open_all(void **state)
{
    const furrow_context_opts_t opts = {.threads = 3};

    if (make_folder(state) != 0 || furrow_context_open(&opts, &ctx, NULL) != FURROW_OK) return 1;
    for (int i = 0; i < IMAGES; i++) put_image(i);
    listing = list();
    return 0;
}

static int close_all(void **state)
{
    furrow_listing_free(listing);
    furrow_context_close(ctx);
    return remove_folder(state);
}

static furrow_batches_opts_t options(int64_t batch)
{
    const furrow_batches_opts_t opts = {.image = FURROW_IMAGE_OPTS_INIT, .batch = batch};

    return opts;
}

static furrow_batches_t *opened(const furrow_batches_opts_t *opts)
{
    furrow_batches_t *l;
    furrow_error_t err = {0};

    if (furrow_batches_open(ctx, listing, opts, &l, &err) != FURROW_OK) fail_msg("%s", err.text);
    return l;
}

/* Every slot of the batch holds the image that it is said to hold. */
static void check_pixels(const furrow_batch_t *b)
{
    const int64_t slot = b->shape[1] * b->shape[2] * b->shape[3];

    for (int64_t i = 0; i < b->count; i++)
        for (int64_t j = 0; j<slot; j += slot> SLOT ? SLOT : 1)
            assert_int_equal(((uint8_t *)b->data)[i * slot + j], (uint8_t)(10 * b->image[i]));
}

/* The images of all batches that are left, in their order. */
static int64_t read_rest(furrow_batches_t *l, int64_t *image)
{
    furrow_batch_t b;
    furrow_status_t status;
    int64_t count = 0;

    while ((status = furrow_batches_next(l, &b, NULL)) == FURROW_OK) {
        check_pixels(&b);
        memcpy(image + count, b.image, (size_t)b.count * sizeof *image);
        count += b.count;
        memset(b.data, 0x5a, (size_t)(b.count * b.shape[1] * b.shape[2] * b.shape[3])); /* the caller may write there */
    }
    assert_int_equal(status, FURROW_EEMPTY);
    assert_int_equal(furrow_batches_next(l, &b, NULL), FURROW_EEMPTY);
    return count;
}

static int64_t read_epochs(const furrow_batches_opts_t *opts, int64_t *image)
{
    furrow_batches_t *l = opened(opts);
    const int64_t count = read_rest(l, image);

    furrow_batches_free(l);
    return count;
}

static void an_epoch_has_every_image_once(void **state)
{
    static const int64_t sizes[] = {1, 2, 7, 22, 23, 24, 1000};

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int64_t ahead = 0; ahead < 5; ahead++) {
            int64_t image[IMAGES];
            furrow_batches_opts_t opts = options(sizes[s]);
            opts.ahead = ahead;
            assert_int_equal(read_epochs(&opts, image), IMAGES);
            for (int64_t i = 0; i < IMAGES; i++) assert_int_equal(image[i], i);
        }
}

static void epochs_have_their_own_orders(void **state)
{
    int64_t image[3 * IMAGES], other[3 * IMAGES];
    furrow_batches_opts_t opts = options(4);

    (void)state;
    opts.shuffle = true;
    opts.seed = 5;
    opts.epochs = 3;
    assert_int_equal(read_epochs(&opts, image), 3 * IMAGES);
    for (int e = 0; e < 3; e++) {
        bool seen[IMAGES] = {false};
        for (int i = 0; i < IMAGES; i++) seen[image[e * IMAGES + i]] = true;
        for (int i = 0; i < IMAGES; i++) assert_true(seen[i]);
    }
    assert_memory_not_equal(image, image + IMAGES, IMAGES * sizeof *image);
    assert_memory_not_equal(image + IMAGES, image + 2 * IMAGES, IMAGES * sizeof *image);
    opts.batch = 9; /* the order does not depend on the size of batches */
    opts.ahead = 4;
    assert_int_equal(read_epochs(&opts, other), 3 * IMAGES);
    assert_memory_equal(image, other, sizeof image);
}

static void a_position_goes_on_where_it_was(void **state)
{
    int64_t all[2 * IMAGES], rest[2 * IMAGES];
    furrow_batches_opts_t opts = options(6);

    (void)state;
    opts.shuffle = true;
    opts.epochs = 2;
    assert_int_equal(read_epochs(&opts, all), 2 * IMAGES);
    for (int64_t taken = 0; taken <= 8; taken++) {
        furrow_batches_t *l;
        furrow_batch_t b;
        opts.start = (furrow_position_t){0, 0};
        l = opened(&opts);
        assert_int_equal(furrow_batches_count(l), 4);
        for (int64_t i = 0; i < taken; i++) {
            assert_int_equal(furrow_batches_next(l, &b, NULL), FURROW_OK);
            assert_int_equal(b.position.epoch * 4 + b.position.batch, i);
        }
        opts.start = furrow_batches_position(l);
        furrow_batches_free(l);
        const int64_t skipped = taken / 4 * IMAGES + taken % 4 * 6;
        assert_int_equal(read_epochs(&opts, rest), 2 * IMAGES - skipped);
        assert_memory_equal(rest, all + skipped, (size_t)(2 * IMAGES - skipped) * sizeof *rest);
    }
}

/* From anywhere to anywhere, with images in work, and from the end. */
static void a_loader_goes_where_it_is_told(void **state)
{
    int64_t all[2 * IMAGES], rest[2 * IMAGES];
    furrow_batches_opts_t opts = options(6);
    furrow_batch_t b;

    (void)state;
    opts.shuffle = true;
    opts.epochs = 2;
    opts.ahead = 3;
    opts.image.height = opts.image.width = 400; /* work that takes a while */
    assert_int_equal(read_epochs(&opts, all), 2 * IMAGES);
    furrow_batches_t *l = opened(&opts);
    for (int64_t to = 0; to <= 8; to++) {
        const furrow_position_t first = {0, to / 3}, position = {to / 4, to % 4};
        const int64_t skipped = to / 4 * IMAGES + to % 4 * 6;
        assert_int_equal(furrow_batches_seek(l, first, NULL), FURROW_OK);
        if (to % 2 == 0) assert_int_equal(furrow_batches_next(l, &b, NULL), FURROW_OK);
        (void)usleep(300); /* its threads are at work now, or will be: both must do */
        assert_int_equal(furrow_batches_seek(l, position, NULL), FURROW_OK);
        assert_int_equal(furrow_batches_position(l).epoch * 4 + furrow_batches_position(l).batch, to);
        assert_int_equal(read_rest(l, rest), 2 * IMAGES - skipped);
        assert_memory_equal(rest, all + skipped, (size_t)(2 * IMAGES - skipped) * sizeof *rest);
    }
    assert_int_equal(furrow_batches_seek(l, (furrow_position_t){2, 1}, NULL), FURROW_EARG);
    assert_int_equal(furrow_batches_seek(l, (furrow_position_t){0, -1}, NULL), FURROW_EARG);
    assert_int_equal(furrow_batches_next(l, &b, NULL), FURROW_EEMPTY); /* where it was */
    furrow_batches_free(l);
}

static void a_smaller_last_batch_may_be_dropped(void **state)
{
    int64_t image[IMAGES];
    furrow_batches_opts_t opts = options(6);

    (void)state;
    opts.drop_last = true;
    assert_int_equal(read_epochs(&opts, image), 18);
    opts.batch = 24;
    furrow_batches_t *l;
    assert_int_equal(furrow_batches_open(ctx, listing, &opts, &l, NULL), FURROW_EEMPTY);
    assert_null(l);
}

static void a_loader_may_be_left_at_any_time(void **state)
{
    (void)state;
    for (int taken = 0; taken < 4; taken++) {
        furrow_batches_opts_t opts = options(3);
        furrow_batch_t b;
        opts.ahead = 3;
        furrow_batches_t *l = opened(&opts);
        for (int i = 0; i < taken; i++) assert_int_equal(furrow_batches_next(l, &b, NULL), FURROW_OK);
        furrow_batches_free(l);
    }
    furrow_batches_free(NULL);
}

static void bad_images_are_named(void **state)
{
    furrow_batches_opts_t opts = options(10);
    furrow_batch_t b;
    furrow_error_t err;
    const int bad[] = {3, 8, 17};

    (void)state;
    for (int i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%03d.ppm", bad[i]);
        put_bytes(name, "P6 7 5 255\nshort", 16, NULL, 0);
    }
    furrow_batches_t *l = opened(&opts);
    assert_int_equal(furrow_batches_next(l, &b, NULL), FURROW_OK);
    assert_int_equal(b.rejected, 2);
    assert_int_equal(b.list[0].index, 3);
    assert_int_equal(b.list[1].image, 8);
    assert_true(b.list[1].text[0] != '\0');
    for (int64_t j = 0; j < SLOT; j++) assert_int_equal(((uint8_t *)b.data)[3 * SLOT + j], 0);
    assert_int_equal(furrow_batches_next(l, &b, NULL), FURROW_OK);
    assert_int_equal(b.rejected, 1);
    assert_int_equal(furrow_batches_next(l, &b, NULL), FURROW_OK);
    assert_int_equal(b.rejected, 0);
    furrow_batches_free(l);

    opts.on_error = FURROW_ON_ERROR_STOP;
    l = opened(&opts);
    furrow_status_t status;
    while ((status = furrow_batches_next(l, &b, &err)) == FURROW_OK) {}
    assert_int_equal(status, FURROW_ETRUNCATED);
    assert_non_null(strstr(err.text, ".ppm: "));
    assert_int_equal(furrow_batches_next(l, &b, &err), FURROW_ETRUNCATED);
    assert_int_equal(furrow_batches_seek(l, (furrow_position_t){0, 0}, &err), FURROW_ETRUNCATED);
    furrow_batches_free(l);
    for (int i = 0; i < 3; i++) put_image(bad[i]);
}

static void what_makes_no_sense_is_refused(void **state)
{
    furrow_batches_opts_t opts = options(0);
    furrow_batches_t *l;

    (void)state;
    assert_int_equal(furrow_batches_open(ctx, listing, &opts, &l, NULL), FURROW_EARG);
    opts = options(5);
    opts.start = (furrow_position_t){0, 6};
    assert_int_equal(furrow_batches_open(ctx, listing, &opts, &l, NULL), FURROW_EARG);
    opts.start = (furrow_position_t){-1, 0};
    assert_int_equal(furrow_batches_open(ctx, listing, &opts, &l, NULL), FURROW_EARG);
    opts.start = (furrow_position_t){0, 0};
    opts.ahead = -1;
    assert_int_equal(furrow_batches_open(ctx, listing, &opts, &l, NULL), FURROW_EARG);
    assert_null(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_has_every_image_once),
        cmocka_unit_test(epochs_have_their_own_orders),
        cmocka_unit_test(a_position_goes_on_where_it_was),
        cmocka_unit_test(a_loader_goes_where_it_is_told),
        cmocka_unit_test(a_smaller_last_batch_may_be_dropped),
        cmocka_unit_test(a_loader_may_be_left_at_any_time),
        cmocka_unit_test(bad_images_are_named),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
