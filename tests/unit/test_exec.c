/* Blocks on threads: each runs once, and of several that fail the lowest is the one that is told, for any threads. */
#include "exec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 300, THREADS_MAX = 7 };

static const int thread_counts[] = {1, 2, 3, THREADS_MAX};

typedef struct {
    int64_t fails_from, fails_every; /* blocks fails_from + k * fails_every fail; every 0: none */
    int threads;
    atomic_int runs[BLOCKS];
    atomic_bool bad_thread;
} job_t;

static furrow_status_t work(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    job_t *job = arg;

    atomic_fetch_add(&job->runs[block], 1);
    if (thread < 0 || thread >= job->threads) atomic_store(&job->bad_thread, true);
    if (job->fails_every == 0 || block < job->fails_from || (block - job->fails_from) % job->fails_every != 0)
        return FURROW_OK;
    return furrow_fail(err, block % 2 == 0 ? FURROW_EIO : FURROW_EFORMAT, "block %d", (int)block);
}

static furrow_status_t run(job_t *job, int64_t blocks, int threads, furrow_error_t *err)
{
    const furrow_context_opts_t opts = {.threads = threads};
    furrow_context_t *ctx;

    job->threads = threads;
    assert_int_equal(furrow_context_open(&opts, &ctx, NULL), FURROW_OK);
    const furrow_status_t status = furrow_exec(ctx, blocks, work, job, err);
    furrow_context_close(ctx);
    assert_false(atomic_load(&job->bad_thread));
    return status;
}

static void test_exec__every_block_once(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof thread_counts / sizeof thread_counts[0]; t++)
        for (int64_t blocks = 0; blocks <= BLOCKS; blocks += blocks < 9 ? 1 : 97) {
            job_t job = {0};
            furrow_error_t err = {.text = "as before"};
            assert_int_equal(run(&job, blocks, thread_counts[t], &err), FURROW_OK);
            assert_string_equal(err.text, "as before");
            for (int64_t b = 0; b < BLOCKS; b++) assert_int_equal(atomic_load(&job.runs[b]), b < blocks ? 1 : 0);
        }
}

static void test_exec__lowest_failing_block_wins(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof thread_counts / sizeof thread_counts[0]; t++)
        for (int64_t first = 0; first < BLOCKS; first += 1 + first / 3)
            for (int64_t every = 1; every < 5; every += 3) {
                job_t job = {.fails_from = first, .fails_every = every};
                furrow_error_t err;
                char text[32];
                (void)snprintf(text, sizeof text, "block %d", (int)first);
                assert_int_equal(run(&job, BLOCKS, thread_counts[t], &err),
                                 first % 2 == 0 ? FURROW_EIO : FURROW_EFORMAT);
                assert_string_equal(err.text, text);
                assert_int_equal(err.status, first % 2 == 0 ? FURROW_EIO : FURROW_EFORMAT);
                for (int64_t b = 0; b <= first; b++)
                    assert_int_equal(atomic_load(&job.runs[b]), 1); /* none below is skipped */
            }
}

/* Alone, the first failure ends the work. */
static void test_exec__failure_skips_the_rest(void **state)
{
    job_t job = {.fails_from = 10, .fails_every = BLOCKS};

    (void)state;
    assert_int_equal(run(&job, BLOCKS, 1, NULL), FURROW_EIO);
    for (int64_t b = 0; b < BLOCKS; b++) assert_int_equal(atomic_load(&job.runs[b]), b <= 10 ? 1 : 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec__every_block_once),
        cmocka_unit_test(test_exec__lowest_failing_block_wins),
        cmocka_unit_test(test_exec__failure_skips_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
