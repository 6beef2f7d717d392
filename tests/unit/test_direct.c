/* Writes past the page cache: what is in the file, whatever lies on a page and what does not; who may write where; what
 * happens where the system refuses. */
#include "files.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "direct.h"
#include "mem.h"

enum { FILE_BYTES = 12 << 20, PAGE = FURROW_DIRECT_PAGE, THREADS = 3 };

static char *expected; /* [FILE_BYTES], all different in some places of every page */

static uint32_t next_random(uint32_t *state)
{
    return *state = *state * 1664525 + 1013904223;
}

static uint32_t below(uint32_t *state, uint32_t limit)
{
    return (next_random(state) >> 8) % limit;
}

/* A file of zeros that has all its bytes. */
static furrow_direct_file_t open_file(const char *name, int direct_flags)
{
    furrow_direct_file_t file = {.path = name};

    file.fd = open(path_of(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file.fd >= 0);
    assert_int_equal(ftruncate(file.fd, FILE_BYTES), 0);
    file.direct = open(path_of(name), direct_flags | O_CLOEXEC);
    assert_true(file.direct >= 0);
    return file;
}

static void close_file(const furrow_direct_file_t *file)
{
    assert_int_equal(close(file->fd), 0);
    assert_int_equal(close(file->direct), 0);
    assert_int_equal(count_files(true), 1);
}

static void check_bytes(const furrow_direct_file_t *file, int64_t start, int64_t stop)
{
    char *seen = malloc((size_t)(stop - start) + 1);

    assert_non_null(seen);
    assert_int_equal(pread(file->fd, seen, (size_t)(stop - start) + 1, start),
                     furrow_least(stop + 1, FILE_BYTES) - start);
    assert_memory_equal(seen, expected + start, (size_t)(stop - start));
    free(seen);
}

/* Where it is said that all is written, it is. */
static void settle(const furrow_direct_file_t *file, furrow_stage_t *stage, bool wait, int64_t start, int64_t stop)
{
    bool settled = false;

    assert_int_equal(furrow_stage_settle(stage, furrow_stage_mark(stage), wait, &settled, NULL), FURROW_OK);
    assert_true(settled || !wait);
    if (settled) check_bytes(file, start, stop);
}

/* One part, in pieces of up to so many bytes, some from where they stay. */
static void write_part(const furrow_direct_file_t *file, furrow_stage_t *stage, int64_t start, int64_t stop,
                       uint32_t most, uint32_t *random)
{
    char *room = malloc((size_t)most + PAGE);
    furrow_error_t err;

    assert_non_null(room);
    for (int64_t at = start, count; at < stop; at += count) {
        count = furrow_least(1 + below(random, most), stop - at);
        if (below(random, 2) == 0) {
            assert_int_equal(furrow_stage_write(stage, at, expected + at, count, &err), FURROW_OK);
            continue;
        }
        char *place = furrow_direct_place(room, at);
        assert_in_range(place - room, 0, PAGE - 1);
        memcpy(place, expected + at, (size_t)count);
        assert_int_equal(furrow_stage_write_from(stage, at, place, count, &err), FURROW_OK);
        const int64_t first = (at + PAGE - 1) / PAGE * PAGE,
                      last = (at + count) / PAGE * PAGE; /* the rest is gathered */
        settle(file, stage, false, furrow_least(first, last), last);
        settle(file, stage, true, furrow_least(first, last), last);
        memset(room, 0x55, (size_t)most + PAGE);
    }
    assert_int_equal(furrow_stage_flush(stage, &err), FURROW_OK);
    settle(file, stage, false, start, stop);
    settle(file, stage, true, start, stop);
    free(room);
}

/* After they are settled all bytes are there, in parts of all lengths. */
static void test_direct__bytes(void **state)
{
    static const uint32_t most[] = {100, PAGE, 100000, 3 << 20, 9 << 20};
    const furrow_direct_file_t file = open_file("bytes", O_WRONLY | O_DIRECT);
    uint32_t random = 1;

    (void)state;
    for (int m = 0; m < (int)(sizeof most / sizeof *most); m++) {
        furrow_stage_t *stage;
        assert_int_equal(ftruncate(file.fd, 0), 0);
        assert_int_equal(ftruncate(file.fd, FILE_BYTES), 0);
        assert_int_equal(furrow_stage_open(&file, &stage, NULL), FURROW_OK);
        assert_non_null(stage);
        for (int64_t at = 0, stop; at < FILE_BYTES; at = stop) {
            stop = furrow_least(at + 1 + below(&random, 4 * most[m]), FILE_BYTES);
            write_part(&file, stage, at, stop, most[m], &random);
        }
        furrow_stage_close(stage);
        check_bytes(&file, 0, FILE_BYTES);
    }
    close_file(&file);
}

typedef struct {
    const furrow_direct_file_t *file;
    int thread;
    bool good;
} writer_t;

enum { PART = 300001, PARTS = FILE_BYTES / PART + 1 };

static void *write_every(void *arg)
{
    writer_t *w = arg;
    furrow_stage_t *stage;

    w->good = furrow_stage_open(w->file, &stage, NULL) == FURROW_OK && stage != NULL;
    for (int64_t p = w->thread; p < PARTS && w->good; p += THREADS) {
        const int64_t start = p * PART, stop = furrow_least(start + PART, FILE_BYTES);
        w->good = furrow_stage_write(stage, start, expected + start, stop - start, NULL) == FURROW_OK &&
                  furrow_stage_flush(stage, NULL) == FURROW_OK;
    }
    furrow_stage_close(stage);
    return NULL;
}

/* Neighbours in a page do not take back each other's bytes. Closing waits for what is under way. */
static void test_direct__neighbours(void **state)
{
    const furrow_direct_file_t file = open_file("neighbours", O_WRONLY | O_DIRECT);
    writer_t writer[THREADS];
    pthread_t thread[THREADS];

    (void)state;
    for (int t = 0; t < THREADS; t++) {
        writer[t] = (writer_t){&file, t, false};
        assert_int_equal(pthread_create(&thread[t], NULL, write_every, &writer[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) assert_int_equal(pthread_join(thread[t], NULL), 0);
    for (int t = 0; t < THREADS; t++) assert_true(writer[t].good);
    check_bytes(&file, 0, FILE_BYTES);
    close_file(&file);
}

/* What the system will not do past the cache is done through it. */
static void test_direct__refused(void **state)
{
    const furrow_direct_file_t file = open_file("refused", O_RDONLY);
    uint32_t random = 2;
    furrow_stage_t *stage;

    (void)state;
    assert_int_equal(furrow_stage_open(&file, &stage, NULL), FURROW_OK);
    assert_non_null(stage);
    write_part(&file, stage, 100, FILE_BYTES - 100, 5 << 20, &random);
    furrow_stage_close(stage);
    check_bytes(&file, 100, FILE_BYTES - 100);
    close_file(&file);
    const furrow_direct_file_t none = {.fd = -1, .direct = -1, .path = "none"};
    assert_int_equal(furrow_stage_open(&none, &stage, NULL), FURROW_OK);
    assert_null(stage);
}

/* The last word on a write is said of its mark, or of something later: never nothing. */
static void test_direct__full(void **state)
{
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    const furrow_direct_file_t file = {full, full, "some/output.npy"};
    furrow_stage_t *stage;
    furrow_error_t err = {0};
    bool settled;

    (void)state;
    assert_true(full >= 0);
    assert_int_equal(furrow_stage_open(&file, &stage, &err), FURROW_OK);
    furrow_status_t status = furrow_stage_write(stage, 0, expected, 3 << 20, &err);
    if (status == FURROW_OK) status = furrow_stage_flush(stage, &err);
    if (status == FURROW_OK) status = furrow_stage_settle(stage, furrow_stage_mark(stage), true, &settled, &err);
    assert_int_equal(status, FURROW_EIO);
    assert_string_equal(err.text, "some/output.npy: cannot write: No space left on device");
    furrow_stage_close(stage);
    close(full);
}

/* A write that was begun, and then failed. */
static void test_direct__failed_later(void **state)
{
    const furrow_direct_file_t file = open_file("small", O_WRONLY | O_DIRECT);
    struct rlimit before, small;
    furrow_stage_t *stage;
    furrow_error_t err = {0};
    bool settled;

    (void)state;
    assert_int_equal(furrow_stage_open(&file, &stage, &err), FURROW_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1 << 20;
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    furrow_status_t status = furrow_stage_write(stage, 2 << 20, expected, 1 << 20, &err);
    if (status == FURROW_OK) status = furrow_stage_flush(stage, &err);
    if (status == FURROW_OK) status = furrow_stage_settle(stage, furrow_stage_mark(stage), true, &settled, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(status, FURROW_EIO);
    assert_string_equal(err.text, "small: cannot write: File too large");
    furrow_stage_close(stage);
    close_file(&file);
}

/* What an output is written by follows from its size, and the folder that must be there. */
static void test_direct__suits(void **state)
{
    (void)state;
    assert_false(furrow_direct_suits(path_of("out.npy"), FURROW_DIRECT_LEAST - 1));
    assert_false(furrow_direct_suits("/proc/out.npy", INT64_MAX));
    assert_false(furrow_direct_suits(path_of("missing/out.npy"), INT64_MAX));
    assert_int_equal(furrow_direct_open("/proc/self/stat", INT64_MAX), -1);
}

static int make_bytes(void **state)
{
    uint32_t random = 3;

    expected = malloc(FILE_BYTES);
    for (int64_t i = 0; i < FILE_BYTES && expected != NULL; i++) expected[i] = (char)(next_random(&random) >> 24);
    return expected == NULL || make_folder(state);
}

static int remove_bytes(void **state)
{
    free(expected);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct__bytes),        cmocka_unit_test(test_direct__neighbours),
        cmocka_unit_test(test_direct__refused),      cmocka_unit_test(test_direct__full),
        cmocka_unit_test(test_direct__failed_later), cmocka_unit_test(test_direct__suits),
    };

    return cmocka_run_group_tests(tests, make_bytes, remove_bytes);
}
