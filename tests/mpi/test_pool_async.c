/* Futures, callbacks, the limit on items in flight, cancelling, terminating: as CPython's multiprocessing and
 * concurrent.futures have it, and mpi4py's pool. */
#include "pool_support.h"

#include <pthread.h>

/* ------------------------------------------------------------------ futures */

static furrow_status_t futures_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    furrow_future_t *futures[50], *future;
    int64_t args[100], results[100], result;
    double long_time = 0.3;

    (void)arg;
    for (int64_t i = 0; i < 50; i++) EXPECT_OK(furrow_pool_apply_async(pool, square, &i, 8, 8, NULL, &futures[i], err));
    for (int64_t i = 49; i >= 0; i--) { /* arguments were copied; any order will do; more than once */
        EXPECT_OK(furrow_future_get(futures[i], -1, &result, NULL, err));
        EXPECT(result == i * i && furrow_future_ready(futures[i]));
        EXPECT_OK(furrow_future_get(futures[i], 0, &result, NULL, err));
        furrow_future_free(futures[i]);
    }
    for (int64_t i = 0; i < 100; i++) args[i] = i;
    const furrow_call_t call = {square, args, 8, 100, 8, 20, false, NULL, NULL};
    EXPECT_OK(furrow_pool_map_async(pool, &call, NULL, &future, err));
    EXPECT_OK(furrow_future_get(future, -1, results, NULL, err));
    for (int64_t i = 0; i < 100; i++) EXPECT(results[i] == i * i);
    furrow_future_free(future);

    EXPECT_OK(furrow_pool_apply_async(pool, doze, &long_time, sizeof long_time, 0, NULL, &future, err));
    EXPECT(furrow_future_wait(future, 0) == FURROW_ETIMEDOUT && !furrow_future_ready(future));
    EXPECT(furrow_future_get(future, 0.001, NULL, NULL, err) == FURROW_ETIMEDOUT &&
           says(err, FURROW_ETIMEDOUT, "0.001"));
    EXPECT_OK(furrow_future_wait(future, -1));
    EXPECT_OK(furrow_future_get(future, 0, NULL, NULL, err));
    furrow_future_free(future);
    return FURROW_OK;
}

static void test_futures(void **state)
{
    (void)state;
    RUN_POOL(&plain, futures_body, NULL);
}

static furrow_status_t failing_futures_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = picky, .count = 20, .result_bytes = 8};
    furrow_future_t *future;
    furrow_failures_t failures;
    int64_t results[20];

    (void)arg;
    EXPECT_OK(furrow_pool_map_async(pool, &call, NULL, &future, err));
    EXPECT_OK(furrow_future_wait(future, -1));
    for (int again = 0; again < 2; again++) {
        EXPECT(furrow_future_get(future, -1, results, &failures, err) == FURROW_EITEM);
        EXPECT(says(err, FURROW_EITEM, "3 of 20") && failures.count == 3 && failures.list[2].index == 14);
        EXPECT(results[13] == 14 && results[14] == 0);
        furrow_failures_free(&failures);
    }
    furrow_future_free(future);
    return FURROW_OK;
}

static void test_failing_futures(void **state)
{
    (void)state;
    RUN_POOL(&plain, failing_futures_body, NULL);
}

/* as_completed: the short ones first, each once, in the order in which they were done. */
static furrow_status_t completed_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { COUNT = 12 };
    furrow_future_t *futures[COUNT + 1];
    bool seen[COUNT] = {false};
    int64_t which, slow = -1;
    double slept;

    (void)arg;
    for (int i = 0; i < COUNT; i++) {
        slept = i == 0 ? 0.4 : 0.001;
        EXPECT_OK(furrow_pool_apply_async(pool, doze, &slept, sizeof slept, sizeof slept, NULL, &futures[i], err));
    }
    futures[COUNT] = NULL;
    EXPECT(furrow_futures_next(futures, 1, 0, &which) == FURROW_ETIMEDOUT);
    for (int n = 0; n < COUNT; n++) {
        EXPECT_OK(furrow_futures_next(futures, COUNT + 1, -1, &which));
        EXPECT(which >= 0 && which < COUNT && !seen[which]);
        seen[which] = true;
        if (which == 0) slow = n;
        EXPECT_OK(furrow_future_get(futures[which], 0, &slept, NULL, err));
        EXPECT(slept == (which == 0 ? 0.4 : 0.001));
        furrow_future_free(futures[which]);
        futures[which] = NULL;
    }
    EXPECT(slow == COUNT - 1);
    EXPECT(furrow_futures_next(futures, COUNT + 1, -1, &which) == FURROW_EARG);
    return FURROW_OK;
}

static void test_as_completed(void **state)
{
    (void)state;
    RUN_POOL(&plain, completed_body, NULL);
}

/* Futures that are dropped early, at once, never, and after the pool. */
static furrow_future_t *kept[2];

static furrow_status_t early_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    double short_time = 0.002;
    furrow_future_t *future;

    (void)arg;
    for (int i = 0; i < 200; i++) {
        EXPECT_OK(furrow_pool_apply_async(pool, doze, &short_time, sizeof short_time, 8, NULL, &future, err));
        furrow_future_free(future);
        EXPECT_OK(furrow_pool_apply_async(pool, doze, &short_time, sizeof short_time, 8, NULL, NULL, err));
    }
    furrow_future_free(NULL);
    EXPECT_OK(furrow_pool_apply_async(pool, doze, &short_time, sizeof short_time, 8, NULL, &kept[0], err));
    EXPECT_OK(furrow_pool_apply_async(pool, fail_plainly, NULL, 0, 0, NULL, &kept[1], err));
    return FURROW_OK; /* the end of the pool waits for all of them */
}

static void test_futures_outlive(void **state)
{
    double slept = 0;
    bool good = true;
    int64_t which;
    furrow_error_t err;

    (void)state;
    RUN_POOL(&plain, early_body, NULL);
    if (world.rank == 0) {
        good = furrow_futures_next(kept, 2, -1, &which) == FURROW_OK && which >= 0;
        good = good && furrow_future_ready(kept[0]) && !furrow_future_cancel(kept[0]);
        good = good && furrow_future_get(kept[0], -1, &slept, NULL, &err) == FURROW_OK && slept == 0.002;
        good = good && furrow_future_get(kept[1], -1, NULL, NULL, &err) == FURROW_EITEM;
        furrow_future_free(kept[0]);
        furrow_future_free(kept[1]);
    }
    ASSERT_ALL(good);
}

/* ---------------------------------------------------------------- callbacks */

typedef struct {
    furrow_pool_t *pool;
    int64_t order[200], count; /* results in the order of callbacks */
    int64_t failed, inner;
    int running;
    pthread_t thread;
} log_t;

static void note_done(void *arg, const void *results, int64_t count)
{
    log_t *l = arg;

    EXPECT(l->running++ == 0 && count == 1);
    if (l->count == 0) l->thread = pthread_self();
    EXPECT(pthread_equal(l->thread, pthread_self()));
    l->order[l->count++] = *(const int64_t *)results;
    l->running--;
}

static void note_failed(void *arg, furrow_status_t status, const furrow_failures_t *failures)
{
    log_t *l = arg;

    EXPECT(status == FURROW_EITEM && failures->count == 1 && failures->list[0].code == -5);
    sleep_s(0.05);
    l->failed++;
}

/* A future is ready when its callback has returned, and its place in the order of futures is the place of its
 * callback. */
static furrow_status_t callbacks_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { COUNT = 100 };
    static log_t l;
    const furrow_callbacks_t callbacks = {note_done, note_failed, &l};
    furrow_future_t *futures[COUNT];
    int64_t which, result;

    (void)arg;
    memset(&l, 0, sizeof l);
    for (int64_t i = 0; i < COUNT; i++)
        EXPECT_OK(furrow_pool_apply_async(pool, square, &i, 8, 8, &callbacks, &futures[i], err));
    for (int64_t n = 0; n < COUNT; n++) {
        EXPECT_OK(furrow_futures_next(futures, COUNT, -1, &which));
        EXPECT_OK(furrow_future_get(futures[which], 0, &result, NULL, err));
        furrow_future_free(futures[which]);
        futures[which] = NULL;
        EXPECT(l.order[n] == result);
    }
    EXPECT(l.count == COUNT && l.failed == 0);
    EXPECT_OK(furrow_pool_apply_async(pool, fail_plainly, NULL, 0, 0, &callbacks, &futures[0], err));
    while (!furrow_future_ready(futures[0])) sleep_s(0.001);
    EXPECT(l.count == COUNT && l.failed == 1);
    furrow_future_free(futures[0]);
    for (int64_t i = 0; i < 20; i++) EXPECT_OK(furrow_pool_apply_async(pool, square, &i, 8, 8, &callbacks, NULL, err));
    furrow_pool_close(pool);
    EXPECT_OK(furrow_pool_join(pool, -1, err)); /* waits for callbacks too */
    EXPECT(l.count == COUNT + 20);
    return FURROW_OK;
}

static void test_callbacks(void **state)
{
    (void)state;
    RUN_POOL(&plain, callbacks_body, NULL);
}

/* From a callback calls may be started, but nothing be waited for. */
static void start_more(void *arg, const void *results, int64_t count)
{
    log_t *l = arg;
    furrow_error_t err;
    furrow_future_t *future;
    int64_t x = *(const int64_t *)results + 1;
    const furrow_callbacks_t callbacks = {start_more, NULL, l};

    (void)count;
    EXPECT(furrow_pool_apply(l->pool, nothing, NULL, 0, NULL, 0, &err) == FURROW_EARG &&
           says(&err, FURROW_EARG, "callback"));
    EXPECT(furrow_pool_join(l->pool, 0, &err) == FURROW_EARG);
    EXPECT_OK(furrow_pool_apply_async(l->pool, doze, &(double){0.05}, 8, 0, NULL, &future, &err));
    EXPECT(furrow_future_get(future, -1, NULL, NULL, &err) == FURROW_EARG);
    EXPECT(furrow_future_wait(future, 0) == FURROW_ETIMEDOUT);
    furrow_future_free(future);
    if (__atomic_add_fetch(&l->inner, 1, __ATOMIC_SEQ_CST) < 5)
        EXPECT_OK(furrow_pool_apply_async(l->pool, square, &x, 8, 8, &callbacks, NULL, &err));
}

static furrow_status_t chain_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    log_t *l = arg;
    const furrow_callbacks_t callbacks = {start_more, NULL, l};
    int64_t x = 1;

    l->pool = pool;
    EXPECT_OK(furrow_pool_apply_async(pool, square, &x, 8, 8, &callbacks, NULL, err));
    for (int waited = 0; waited < 20000 && atomic_load(&wrong) == 0; waited++) {
        sleep_s(0.001);
        if (__atomic_load_n(&l->inner, __ATOMIC_SEQ_CST) == 5) break;
    }
    EXPECT(__atomic_load_n(&l->inner, __ATOMIC_SEQ_CST) == 5);
    return FURROW_OK;
}

static void test_callbacks_start_calls(void **state)
{
    static log_t l;
    furrow_pool_opts_t opts = plain;

    (void)state;
    memset(&l, 0, sizeof l);
    opts.in_flight = 1; /* a callback does not wait for room either */
    RUN_POOL(&opts, chain_body, &l);
}

/* ---------------------------------------------------------------- in flight */

static furrow_status_t in_flight_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    furrow_future_t *futures[60];
    furrow_worker_t results[10];
    const furrow_call_t larger = {.function = who, .count = 10, .result_bytes = sizeof *results, .chunk = 1};

    (void)arg;
    for (int i = 0; i < 60; i++) {
        int pending = 0;
        EXPECT_OK(furrow_pool_apply_async(pool, who, NULL, 0, sizeof *results, NULL, &futures[i], err));
        for (int k = 0; k <= i; k++) pending += !furrow_future_ready(futures[k]);
        EXPECT(pending <= 3);
    }
    EXPECT_OK(furrow_pool_map(pool, &larger, results, NULL, err)); /* never fits, so it goes alone */
    for (int i = 0; i < 60; i++) {
        EXPECT(furrow_future_ready(futures[i]));
        furrow_future_free(futures[i]);
    }
    return FURROW_OK;
}

static void test_in_flight(void **state)
{
    furrow_pool_opts_t opts = plain;

    (void)state;
    opts.in_flight = 3;
    RUN_POOL(&opts, in_flight_body, NULL);
}

/* ------------------------------------------------------- cancel, terminate */

static furrow_status_t cancel_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const int64_t workers = furrow_pool_workers(pool);
    const furrow_call_t busy = {.function = wait_for_cancel, .count = workers, .chunk = 1};
    furrow_future_t *first, *second, *done;
    furrow_failures_t failures;
    int64_t x = 3, result;

    (void)arg;
    EXPECT_OK(furrow_pool_apply_async(pool, square, &x, 8, 8, NULL, &done, err));
    EXPECT_OK(furrow_future_wait(done, -1));
    EXPECT_OK(furrow_pool_map_async(pool, &busy, NULL, &first, err)); /* keeps all workers */
    sleep_s(0.1);
    EXPECT_OK(furrow_pool_apply_async(pool, square, &x, 8, 8, NULL, &second, err));
    EXPECT(furrow_future_cancel(second));
    EXPECT(furrow_future_ready(second));
    EXPECT(furrow_future_get(second, -1, &result, &failures, err) == FURROW_ECANCELED);
    EXPECT(failures.count == 0 && failures.dropped_count == 1 && failures.dropped[0].start == 0 &&
           failures.dropped[0].stop == 1 && result == 0);
    furrow_failures_free(&failures);
    EXPECT(furrow_future_cancel(second)); /* it was */
    EXPECT(!furrow_future_cancel(first)); /* they run: they see it, end, and count */
    EXPECT_OK(furrow_future_wait(first, -1));
    const furrow_status_t status = furrow_future_get(first, -1, NULL, NULL, err);
    EXPECT(status == FURROW_OK || status == FURROW_ECANCELED);
    EXPECT(!furrow_future_cancel(done));
    EXPECT_OK(furrow_future_get(done, -1, &result, NULL, err));
    EXPECT(result == 9);
    furrow_future_free(first);
    furrow_future_free(second);
    furrow_future_free(done);
    EXPECT_OK(furrow_pool_apply(pool, square, &x, 8, &result, 8, err)); /* the workers are free again */
    return FURROW_OK;
}

static void test_cancel(void **state)
{
    (void)state;
    RUN_POOL(&plain, cancel_body, NULL);
}

static atomic_int failed_callbacks;

static void count_failed(void *arg, furrow_status_t status, const furrow_failures_t *failures)
{
    (void)arg;
    EXPECT(status == FURROW_ECANCELED && failures->count == 0);
    atomic_fetch_add(&failed_callbacks, 1);
}

/* Hundreds of items wait, some run: those that run end, the others are dropped, every call ends. */
static furrow_status_t terminate_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { COUNT = 300 };
    furrow_future_t *futures[COUNT];
    const furrow_callbacks_t callbacks = {NULL, count_failed, NULL};
    double nap = 0.05;
    int cancelled = 0;

    (void)arg;
    atomic_store(&failed_callbacks, 0);
    for (int i = 0; i < COUNT; i++)
        EXPECT_OK(furrow_pool_apply_async(pool, doze, &nap, sizeof nap, 0, &callbacks, &futures[i], err));
    furrow_pool_terminate(pool);
    EXPECT(furrow_pool_apply(pool, doze, &nap, sizeof nap, NULL, 0, err) == FURROW_ECLOSED);
    EXPECT_OK(furrow_pool_join(pool, -1, err));
    for (int i = 0; i < COUNT; i++) {
        EXPECT(furrow_future_ready(futures[i]));
        const furrow_status_t status = furrow_future_get(futures[i], 0, NULL, NULL, err);
        EXPECT(status == FURROW_OK || status == FURROW_ECANCELED);
        cancelled += status == FURROW_ECANCELED;
        furrow_future_free(futures[i]);
    }
    EXPECT(cancelled >= COUNT / 2 && cancelled == atomic_load(&failed_callbacks));
    furrow_pool_terminate(pool);
    return FURROW_OK;
}

static void test_terminate(void **state)
{
    (void)state;
    RUN_POOL(&plain, terminate_body, NULL);
    RUN_POOL(&plain, futures_body, NULL);
}

static furrow_status_t end_by_terminate_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t endless = {.function = wait_for_cancel, .count = 1000, .chunk = 1};

    (void)arg;
    EXPECT_OK(furrow_pool_map_async(pool, &endless, NULL, NULL, err));
    sleep_s(0.05);
    furrow_pool_terminate(pool);
    return FURROW_OK;
}

static void test_terminate_reaches_all_ranks(void **state)
{
    (void)state;
    RUN_POOL(&plain, end_by_terminate_body, NULL);
}

/* furrow_context_cancel(), on any rank: calls end, later ones are refused, and the pool says so. */
static int cancel_context(const furrow_task_t *task)
{
    furrow_context_cancel(*(furrow_context_t **)task->state);
    while (!furrow_task_cancelled(task)) sleep_s(0.001);
    return 0;
}

static furrow_context_t *cancelled_context;

static int init_context(const furrow_worker_t *worker, const void *arg, int64_t arg_bytes, void **state, char *text)
{
    (void)worker, (void)arg, (void)arg_bytes, (void)text;
    *state = &cancelled_context;
    return 0;
}

static furrow_status_t cancelled_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = cancel_context, .count = 1000, .chunk = 1};

    (void)arg;
    EXPECT(furrow_pool_map(pool, &call, NULL, NULL, err) == FURROW_ECANCELED);
    EXPECT(furrow_pool_map(pool, &call, NULL, NULL, err) == FURROW_ECANCELED);
    return FURROW_OK;
}

static void test_context_cancel(void **state)
{
    static furrow_task_fn *const own[] = {cancel_context};
    const furrow_pool_opts_t opts = {.functions = own, .function_count = 1, .init = init_context};
    const furrow_context_opts_t context_opts = {.threads = 2};
    furrow_error_t err;

    (void)state;
    atomic_store(&wrong, 0);
    ASSERT_ALL(furrow_context_open(&context_opts, &cancelled_context, &err) == FURROW_OK);
    const furrow_status_t status = furrow_pool_run(cancelled_context, &opts, cancelled_body, NULL, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_ECANCELED, 0, "stopped"));
    ASSERT_ALL(atomic_load(&wrong) == 0);
    furrow_context_close(cancelled_context);
}

/* ---------------------------------------------------------------- item_timeout */

static int until_late(const furrow_task_t *task)
{
    if (task->index % 2 == 0) return 0;
    while (!furrow_task_cancelled(task)) sleep_s(0.001);
    *(int64_t *)task->result = 1;
    return 0;
}

/* Half of the items run until they are told that they are late; nothing else is. */
static furrow_status_t late_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = until_late, .count = 10, .result_bytes = 8, .chunk = 1};
    furrow_failures_t failures;
    int64_t results[10];

    (void)arg;
    EXPECT(furrow_pool_map(pool, &call, results, &failures, err) == FURROW_EITEM);
    for (int64_t i = 0; i < failures.count; i++) {
        const furrow_failure_t *f = &failures.list[i];
        EXPECT(f->code == -1 && strncmp(f->text, "took ", 5) == 0 && strstr(f->text, " s, over 0.5 s") != NULL);
    }
    for (int64_t i = 1; i < 10; i += 2) EXPECT(results[i] == 0);
    EXPECT(failures.count >= 5);
    furrow_failures_free(&failures);
    return FURROW_OK;
}

static void test_item_timeout(void **state)
{
    static furrow_task_fn *const own[] = {until_late};
    const furrow_pool_opts_t opts = {.functions = own, .function_count = 1, .item_timeout = 0.5};

    (void)state;
    RUN_POOL(&opts, late_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_futures),        cmocka_unit_test(test_failing_futures),
        cmocka_unit_test(test_as_completed),   cmocka_unit_test(test_futures_outlive),
        cmocka_unit_test(test_callbacks),      cmocka_unit_test(test_callbacks_start_calls),
        cmocka_unit_test(test_in_flight),      cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_terminate),      cmocka_unit_test(test_terminate_reaches_all_ranks),
        cmocka_unit_test(test_context_cancel), cmocka_unit_test(test_item_timeout),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
