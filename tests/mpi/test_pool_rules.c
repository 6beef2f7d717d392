/* Rules on which the tests of CPython's Pool and concurrent.futures, of mpi4py's pools and of joblib agree, as far as
 * the files beside this one do not have them; and what those hang at. */
#include "pool_support.h"

#include <pthread.h>

/* The pool is as ever. */
static void check_pool(furrow_pool_t *pool)
{
    enum { COUNT = 40 };
    int64_t results[COUNT];
    const furrow_call_t call = {.function = square, .count = COUNT, .result_bytes = 8};
    furrow_error_t err;

    EXPECT_OK(furrow_pool_map(pool, &call, results, NULL, &err));
    for (int64_t i = 0; i < COUNT; i++) EXPECT(results[i] == i * i);
}

/* ------------------------------------------------------- after any failed call */

static bool nothing_at_all(void *arg, int64_t index, void *record)
{
    (void)arg, (void)index, (void)record;
    return false;
}

static furrow_status_t any_failure_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t fails = {.function = picky, .count = 100, .result_bytes = 8};
    furrow_call_t call = fails;
    furrow_future_t *future;
    furrow_stream_t *stream;
    furrow_outcome_t o;
    int64_t results[100];

    (void)arg;
    EXPECT(furrow_pool_map(pool, &fails, results, NULL, err) == FURROW_EITEM);
    check_pool(pool);
    call.stop = true;
    EXPECT(furrow_pool_map(pool, &call, results, NULL, err) == FURROW_EITEM);
    check_pool(pool);
    call = fails, call.chunk = -1;
    EXPECT(furrow_pool_map(pool, &call, results, NULL, err) == FURROW_EARG);
    check_pool(pool);
    call = fails, call.count = INT64_MAX / 4;
    EXPECT(furrow_pool_map(pool, &call, results, NULL, err) == FURROW_EOVERFLOW);
    EXPECT(furrow_pool_imap(pool, &call, true, INT64_MAX, &stream, err) == FURROW_EOVERFLOW && stream == NULL);
    check_pool(pool);
    EXPECT_OK(furrow_pool_apply_async(pool, wait_for_cancel, NULL, 0, 0, NULL, &future, err));
    EXPECT(furrow_future_get(future, 0.01, NULL, NULL, err) == FURROW_ETIMEDOUT);
    (void)furrow_future_cancel(future);
    EXPECT_OK(furrow_future_wait(future, -1));
    furrow_future_free(future);
    check_pool(pool);
    call = (furrow_call_t){.function = square, .arg_bytes = 8, .count = 9, .result_bytes = 8, .next = nothing_at_all};
    EXPECT_OK(furrow_pool_imap(pool, &call, false, 0, &stream, err));
    EXPECT(furrow_stream_next(stream, -1, &o, err) == FURROW_EEMPTY);
    furrow_stream_free(stream);
    check_pool(pool);
    return FURROW_OK;
}

static void test_after_any_failure(void **state)
{
    (void)state;
    RUN_POOL(&plain, any_failure_body, NULL);
}

/* ------------------------------------------------------------- generators */

typedef struct {
    int64_t fails_at;
    bool failed;
    furrow_pool_t *pool;
} source_t;

/* It fails, of which it keeps note; and it uses the pool itself. */
static bool generate(void *arg, int64_t index, void *record)
{
    source_t *s = arg;
    furrow_error_t err;

    s->failed = index == s->fails_at;
    if (s->failed) return false;
    EXPECT_OK(furrow_pool_apply(s->pool, square, &index, 8, record, 8, &err));
    return true;
}

/* What came before the failure is had, in any chunks; then the stream is at its end. */
static furrow_status_t generator_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static const int64_t ends[] = {0, 3, 20}, chunks[] = {0, 1, 4};

    (void)arg;
    for (int n = 0; n < LENGTH(ends) * LENGTH(chunks) * 2; n++) {
        source_t source = {.fails_at = ends[n / 2 % 3], .pool = pool};
        const furrow_call_t call = {.function = square,
                                    .arg_bytes = 8,
                                    .count = INT64_MAX,
                                    .result_bytes = 8,
                                    .chunk = chunks[n / 6],
                                    .next = generate,
                                    .next_arg = &source};
        furrow_stream_t *stream;
        furrow_outcome_t o;
        int64_t taken = 0;
        EXPECT_OK(furrow_pool_imap(pool, &call, n % 2 == 0, 8, &stream, err));
        for (; furrow_stream_next(stream, -1, &o, err) == FURROW_OK; taken++)
            EXPECT(*(const int64_t *)o.result == o.index * o.index * o.index * o.index);
        EXPECT(says(err, FURROW_EEMPTY, "end") && taken == source.fails_at && source.failed);
        furrow_stream_free(stream);
    }
    return FURROW_OK;
}

static void test_generator_that_fails(void **state)
{
    (void)state;
    RUN_POOL(&plain, generator_body, NULL);
}

/* ----------------------------------------------------- ends of pools and calls */

/* Closed and joined: everything that was given out is done, and can be taken. */
static furrow_status_t close_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { COUNT = 50 };
    furrow_future_t *futures[COUNT], *cancelled;
    double nap = 0.01, slept;

    (void)arg;
    for (int i = 0; i < COUNT; i++)
        EXPECT_OK(furrow_pool_apply_async(pool, doze, &nap, sizeof nap, sizeof nap, NULL, &futures[i], err));
    EXPECT_OK(furrow_pool_apply_async(pool, nothing, NULL, 0, 0, NULL, &cancelled, err));
    const bool none_started = furrow_future_cancel(cancelled);
    EXPECT(furrow_future_cancel(cancelled) == none_started);
    furrow_pool_close(pool);
    EXPECT_OK(furrow_pool_join(pool, -1, err));
    for (int i = 0; i < COUNT; i++) {
        EXPECT(furrow_future_ready(futures[i]));
        EXPECT_OK(furrow_future_get(futures[i], 0, &slept, NULL, err));
        EXPECT(slept == nap && !furrow_future_cancel(futures[i]));
        furrow_future_free(futures[i]);
    }
    EXPECT(furrow_future_get(cancelled, 0, NULL, NULL, err) == (none_started ? FURROW_ECANCELED : FURROW_OK));
    *(furrow_future_t **)arg = cancelled;
    return FURROW_OK;
}

static void test_close_and_join(void **state)
{
    furrow_future_t *cancelled = NULL;

    (void)state;
    RUN_POOL(&plain, close_body, &cancelled);
    bool good = true;
    if (world.rank == 0)
        good = furrow_future_cancel(cancelled) == (furrow_future_get(cancelled, 0, NULL, NULL, NULL) != FURROW_OK);
    furrow_future_free(cancelled);
    ASSERT_ALL(good);
}

/* Nobody takes what is large, of calls that fail: the pool ends all the same. */
static int fail_largely(const furrow_task_t *task)
{
    memset(task->result, 1, (size_t)task->result_bytes);
    return furrow_task_fail(task, 1, "%0190d", 7);
}

static furrow_status_t large_failures_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { BYTES = 1 << 20, COUNT = 20 };
    const furrow_call_t call = {.function = fail_largely, .count = COUNT, .result_bytes = BYTES, .chunk = 1};
    char *results = malloc((size_t)COUNT * BYTES);

    (void)arg;
    EXPECT(results != NULL && furrow_pool_map(pool, &call, results, NULL, err) == FURROW_EITEM);
    EXPECT(says(err, FURROW_EITEM, "20 of 20 items failed"));
    for (int64_t i = 0; results != NULL && i < COUNT; i++) EXPECT(results[i * BYTES] == 0);
    free(results);
    EXPECT_OK(furrow_pool_map_async(pool, &call, NULL, NULL, err));
    furrow_pool_close(pool);
    EXPECT_OK(furrow_pool_join(pool, -1, err));
    return FURROW_OK;
}

static void test_large_failures(void **state)
{
    static furrow_task_fn *const own[] = {fail_largely};
    const furrow_pool_opts_t opts = {.functions = own, .function_count = 1};

    (void)state;
    RUN_POOL(&opts, large_failures_body, NULL);
}

/* ------------------------------------------------------------------ callbacks */

typedef struct {
    furrow_pool_t *pool;
    furrow_future_t *future; /* freed by its own callback */
    bool terminates;
    atomic_int calls;
} told_t;

/* It ends the pool that it is called by, and lets go of the future that it is about. */
static void end_pool(void *arg, const void *results, int64_t count)
{
    told_t *t = arg;

    (void)results, (void)count;
    if (atomic_fetch_add(&t->calls, 1) > 0) return;
    furrow_future_free(t->future);
    if (t->terminates)
        furrow_pool_terminate(t->pool);
    else
        furrow_pool_close(t->pool);
}

static void count_failed(void *arg, furrow_status_t status, const furrow_failures_t *failures)
{
    told_t *t = arg;

    EXPECT(status == FURROW_ECANCELED && failures->dropped_count == 1);
    atomic_fetch_add(&t->calls, 1);
}

static furrow_status_t callback_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    told_t *t = arg;
    const furrow_callbacks_t callbacks = {end_pool, count_failed, t};
    int64_t started = 1;

    t->pool = pool;
    atomic_store(&t->calls, 0);
    /* the first cannot be over before its future is known to its callback */
    EXPECT_OK(furrow_pool_apply_async(pool, doze, &(double){0.1}, 8, 0, &callbacks, &t->future, err));
    for (furrow_status_t status = FURROW_OK; status == FURROW_OK && started < 500; started += status == FURROW_OK)
        status = furrow_pool_apply_async(pool, doze, &(double){0.001}, 8, 0, &callbacks, NULL, err);
    while (furrow_pool_join(pool, -1, err) == FURROW_EARG) sleep_s(0.001); /* until it is closed */
    EXPECT(atomic_load(&t->calls) == started);                             /* each has one, of either kind */
    return FURROW_OK;
}

static void test_callback_ends_the_pool(void **state)
{
    told_t told = {.terminates = false};

    (void)state;
    RUN_POOL(&plain, callback_body, &told);
    told.terminates = true;
    RUN_POOL(&plain, callback_body, &told);
}

/* -------------------------------------------------------- threads of the body */

static furrow_pool_t *shared_pool;

static void *use_pool(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) check_pool(shared_pool);
    return NULL;
}

static void *map_for_ever(void *arg)
{
    const furrow_call_t call = {.function = wait_for_cancel, .count = 1000, .chunk = 1};
    furrow_error_t err;

    *(furrow_status_t *)arg = furrow_pool_map(shared_pool, &call, NULL, NULL, &err);
    return NULL;
}

/* Several call at once; one that waits hears that another ends the pool. */
static furrow_status_t threads_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;
    pthread_t thread[4];

    (void)arg;
    shared_pool = pool;
    for (int t = 0; t < LENGTH(thread); t++) EXPECT(pthread_create(&thread[t], NULL, use_pool, NULL) == 0);
    for (int t = 0; t < LENGTH(thread); t++) (void)pthread_join(thread[t], NULL);
    EXPECT(pthread_create(&thread[0], NULL, map_for_ever, &status) == 0);
    sleep_s(0.05);
    furrow_pool_terminate(pool);
    (void)pthread_join(thread[0], NULL);
    EXPECT(status == FURROW_ECANCELED || status == FURROW_ECLOSED);
    EXPECT_OK(furrow_pool_join(pool, -1, err));
    return FURROW_OK;
}

static void test_threads_of_the_body(void **state)
{
    (void)state;
    RUN_POOL(&plain, threads_body, NULL);
}

/* --------------------------------------------------------- collective functions */

/* Other ranks would not join in. */
static bool is_refused(furrow_status_t status, const furrow_error_t *err)
{
    return status == FURROW_EARG && says(err, FURROW_EARG, "collective functions are not for");
}

static bool tries_collective(void)
{
    const furrow_call_t call = {.function = nothing, .count = 1};
    const char *path = "none.npy";
    double number = 1;
    const furrow_array_t array = {FURROW_F8, 1, {1}, &number};
    const furrow_reduce_opts_t opts = {.ops = UINT32_C(1) << FURROW_OP_SUM};
    furrow_reduction_t *r;
    furrow_array_t all;
    furrow_dataset_t *d;
    furrow_error_t err;

    if (!is_refused(furrow_map(world.ctx, NULL, &call, FURROW_TO_ROOT, NULL, NULL, NULL, &err), &err)) return false;
    if (!is_refused(furrow_pool_run(world.ctx, &plain, NULL, NULL, &err), &err)) return false;
    if (!is_refused(furrow_reduce_array(world.ctx, &array, &opts, &r, &err), &err)) return false;
    if (!is_refused(furrow_gather(world.ctx, 0, &array, &all, &err), &err)) return false;
    furrow_context_share_pulse(world.ctx, true); /* nothing happens */
    return is_refused(furrow_dataset_open(world.ctx, &path, 1, FURROW_SOURCE_SHARED, &d, &err), &err);
}

/* The ranks are not alike in it: whoever waits for the others does so for ever. */
static int try_collective(const furrow_task_t *task)
{
    (void)task;
    return world.rank == world.ranks - 1 || tries_collective() ? 0 : 1;
}

static void try_in_callback(void *arg, const void *results, int64_t count)
{
    (void)arg, (void)results, (void)count;
    EXPECT(tries_collective());
}

static furrow_status_t collective_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = try_collective, .count = 50, .chunk = 1};
    const furrow_callbacks_t callbacks = {try_in_callback, NULL, NULL};

    (void)arg;
    EXPECT(tries_collective());
    EXPECT_OK(furrow_pool_map(pool, &call, NULL, NULL, err));
    EXPECT_OK(furrow_pool_map_async(pool, &call, &callbacks, NULL, err));
    return FURROW_OK;
}

static void test_nothing_collective_within(void **state)
{
    static furrow_task_fn *const own[] = {try_collective};
    const furrow_pool_opts_t opts = {.functions = own, .function_count = 1};

    (void)state;
    RUN_POOL(&opts, collective_body, NULL);
    RUN_POOL(&plain, any_failure_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after_any_failure),
        cmocka_unit_test(test_generator_that_fails),
        cmocka_unit_test(test_close_and_join),
        cmocka_unit_test(test_large_failures),
        cmocka_unit_test(test_callback_ends_the_pool),
        cmocka_unit_test(test_threads_of_the_body),
        cmocka_unit_test(test_nothing_collective_within),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
