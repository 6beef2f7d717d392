/* Isolated pools: an item that crashes, exits or overruns fails alone, on any rank, and its worker goes on. */
#include "pool_support.h"

#include <signal.h>
#include <sys/mman.h>

/* Where the initializer runs, the state of an item lies. */
typedef struct {
    int64_t base;
    int64_t items; /* that this process ran */
} state_t;

static int init_state(const furrow_worker_t *worker, const void *arg, int64_t arg_bytes, void **state, char *text)
{
    state_t *own = calloc(1, sizeof *own);

    if (own == NULL || arg_bytes != sizeof own->base || worker->pid != getpid()) {
        (void)strcpy(text, "not as it should be");
        return 1;
    }
    memcpy(&own->base, arg, sizeof own->base);
    *state = own;
    return 0;
}

static void fini_state(const furrow_worker_t *worker, void *state)
{
    (void)worker;
    free(state);
}

typedef struct {
    int64_t value, pid, items, sum;
    int rank, thread;
} answer_t;

static int behave(const furrow_task_t *task)
{
    state_t *state = task->state;
    const unsigned char *record = task->arg;
    answer_t *a = task->result;

    state->items++;
    if (task->pool != NULL || furrow_task_cancelled(task)) return 9;
    *a = (answer_t){state->base + task->index, task->worker->pid,   state->items, 0,
                    task->worker->rank,        task->worker->thread};
    for (int64_t i = 0; i < task->arg_bytes; i++) a->sum += record[i];
    switch (task->index % 20) {
    case 3: return *(volatile int *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    case 7: exit(3);
    case 11:
        for (;;) sleep_s(1);
    case 13: return furrow_task_fail(task, 4, "item %lld is bad", (long long)task->index);
    case 17: return -2;
    default: return task->worker->pid == getpid() ? 0 : 8;
    }
}

static const char *expected_text(int64_t index)
{
    switch (index % 20) {
    case 3: return "killed by signal 11 (Segmentation fault)";
    case 7: return "ended with exit code 3";
    case 11: return "over 0.3 s";
    case 13: return "item 13 is bad";
    case 17: return "failed with status -2";
    default: return NULL;
    }
}

static bool as_expected(const furrow_failure_t *f, int64_t index)
{
    const int code = index % 20 == 13 ? 4 : index % 20 == 17 ? -2 : -1;
    const char *text = expected_text(index);

    if (index % 20 == 3 && strncmp(f->text, "killed by", 9) != 0 && strncmp(f->text, "ended with", 10) == 0)
        return f->index == index; /* a sanitizer ends the process itself */
    if (f->index == index && f->code == code && (index % 20 == 13 || strcmp(f->text, text) == 0)) return true;
    (void)fprintf(stderr, "item %lld: %lld %d '%s', expected %d '%s'\n", (long long)index, (long long)f->index, f->code,
                  f->text, code, text);
    return false;
}

static furrow_status_t isolated_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { COUNT = 60, BYTES = 3000 };
    static unsigned char args[COUNT][BYTES];
    static answer_t answers[COUNT];
    const furrow_call_t call = {.function = behave,
                                .args = args,
                                .arg_bytes = BYTES,
                                .count = COUNT,
                                .result_bytes = sizeof *answers,
                                .chunk = *(const int64_t *)arg};
    furrow_failures_t failures;
    int64_t at = 0;

    for (int i = 0; i < COUNT; i++) memset(args[i], i, BYTES);
    EXPECT(furrow_pool_map(pool, &call, answers, &failures, err) == FURROW_EITEM);
    for (int64_t i = 0; i < COUNT; i++) {
        const answer_t *a = &answers[i];
        if (expected_text(i) != NULL) {
            EXPECT(at < failures.count && as_expected(&failures.list[at], i) && a->pid == 0);
            at++;
            continue;
        }
        EXPECT(a->value == 5000 + i && a->sum == i * BYTES && a->pid > 0 && a->pid != getpid());
        EXPECT(a->rank >= 0 && a->rank < world.ranks && a->thread >= 0 && a->thread < 2 && a->items > 0);
    }
    EXPECT(at == failures.count && failures.dropped_count == 0);
    furrow_failures_free(&failures);
    return FURROW_OK;
}

static void test_items_end_alone(void **state)
{
    static furrow_task_fn *const own[] = {behave};
    const int64_t base = world.rank == 0 ? 5000 : 1;
    const furrow_pool_opts_t opts = {.functions = own,
                                     .function_count = 1,
                                     .init = init_state,
                                     .fini = fini_state,
                                     .init_arg = &base,
                                     .init_arg_bytes = sizeof base,
                                     .item_timeout = 0.3,
                                     .isolate = true};
    int64_t chunks[] = {0, 1, 10};

    (void)state;
    for (int k = 0; k < LENGTH(chunks); k++) RUN_POOL(&opts, isolated_body, &chunks[k]);
}

/* ------------------------------------------------------------- begin and end */

static int init_crashes(const furrow_worker_t *worker, const void *arg, int64_t arg_bytes, void **state, char *text)
{
    (void)arg, (void)arg_bytes, (void)state, (void)text;
    if (worker->rank == 0 && worker->thread == 1) (void)raise(SIGKILL);
    return 0;
}

static int init_fails(const furrow_worker_t *worker, const void *arg, int64_t arg_bytes, void **state, char *text)
{
    (void)arg_bytes, (void)state;
    if (worker->rank != *(const int *)arg || worker->thread != 1) return 0;
    (void)strcpy(text, "no licence here");
    return 1;
}

static void fini_crashes(const furrow_worker_t *worker, void *state)
{
    (void)state;
    if (worker->rank == 0 && worker->thread == 0) (void)raise(SIGKILL);
}

static furrow_status_t endless_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    (void)arg;
    for (;;) {
        const furrow_status_t status = furrow_pool_apply(pool, nothing, NULL, 0, NULL, 0, err);
        if (status != FURROW_OK) return status;
    }
}

static furrow_status_t square_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    int64_t results[50];
    const furrow_call_t call = {.function = square, .count = 50, .result_bytes = 8};

    (void)arg;
    EXPECT_OK(furrow_pool_map(pool, &call, results, NULL, err));
    for (int64_t i = 0; i < 50; i++) EXPECT(results[i] == i * i);
    return FURROW_OK;
}

static void test_begin_and_end(void **state)
{
    furrow_pool_opts_t opts = plain;

    (void)state;
    opts.isolate = true;
    for (int rank = 0; rank < world.ranks; rank++) {
        opts.init = init_fails;
        opts.init_arg = &rank;
        opts.init_arg_bytes = sizeof rank;
        RUN_POOL_AS(FURROW_EITEM, &opts, endless_body, NULL, "no licence here");
    }
    opts.init_arg = NULL;
    opts.init_arg_bytes = 0;
    opts.init = init_crashes;
    RUN_POOL_AS(FURROW_EITEM, &opts, endless_body, NULL, "initializer of worker 1 of rank 0");
    opts.init = NULL;
    opts.fini = fini_crashes;
    RUN_POOL_AS(FURROW_EITEM, &opts, square_body, NULL, "finalizer of worker 0 of rank 0");
    opts.fini = NULL;
    RUN_POOL(&opts, square_body, NULL);
    RUN_POOL(&plain, square_body, NULL);
}

/* The initializer of a worker that is made anew fails: the pool ends, and does not try again. */
static int init_once(const furrow_worker_t *worker, const void *arg, int64_t arg_bytes, void **state, char *text)
{
    char path[sizeof world.folder + 32];

    (void)arg_bytes, (void)state;
    (void)snprintf(path, sizeof path, "%s/init-%d-%d", (const char *)arg, worker->rank, worker->thread);
    FILE *file = fopen(path, "wx");
    if (file == NULL) return snprintf(text, 200, "was here before");
    (void)fclose(file);
    return 0;
}

static int crash(const furrow_task_t *task)
{
    (void)task;
    return raise(SIGKILL);
}

static furrow_status_t crash_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    (void)arg;
    for (;;) {
        const furrow_status_t status = furrow_pool_apply(pool, crash, NULL, 0, NULL, 0, err);
        if (status != FURROW_EITEM) return status;
        EXPECT(says(err, FURROW_EITEM, "killed by signal 9"));
    }
}

static void test_initializer_that_fails_later(void **state)
{
    static furrow_task_fn *const own[] = {crash};
    const furrow_pool_opts_t opts = {.functions = own,
                                     .function_count = 1,
                                     .init = init_once,
                                     .init_arg = world.folder,
                                     .init_arg_bytes = sizeof world.folder,
                                     .isolate = true};

    (void)state;
    RUN_POOL_AS(FURROW_EITEM, &opts, crash_body, NULL, ": was here before");
    clear_folder();
}

/* Items with much data that all crash, some after the pool is closed: each has its failure. */
static int crash_on_data(const furrow_task_t *task)
{
    memset(task->result, 1, (size_t)task->result_bytes);
    return raise(SIGKILL);
}

static furrow_status_t crash_large_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { BYTES = 2000000, COUNT = 12 };
    char *data = calloc(COUNT, BYTES);
    const furrow_call_t call = {
        .function = crash_on_data, .args = data, .arg_bytes = BYTES, .count = COUNT, .result_bytes = BYTES};
    furrow_failures_t failures;
    furrow_future_t *future;

    (void)arg;
    if (data == NULL) abort();
    EXPECT_OK(furrow_pool_map_async(pool, &call, NULL, &future, err));
    furrow_pool_close(pool);
    EXPECT_OK(furrow_pool_join(pool, -1, err));
    EXPECT(furrow_future_get(future, 0, data, &failures, err) == FURROW_EITEM && failures.count == COUNT);
    for (int64_t i = 0; i < failures.count; i++) EXPECT(strstr(failures.list[i].text, "killed by signal 9") != NULL);
    EXPECT(data[0] == 0 && memcmp(data, data + 1, (size_t)COUNT * BYTES - 1) == 0);
    furrow_failures_free(&failures);
    furrow_future_free(future);
    free(data);
    return FURROW_OK;
}

static void test_large_items_that_crash(void **state)
{
    static furrow_task_fn *const own[] = {crash_on_data};
    const furrow_pool_opts_t opts = {.functions = own, .function_count = 1, .isolate = true};

    (void)state;
    RUN_POOL(&opts, crash_large_body, NULL);
}

/* ---------------------------------------------------------------- terminate */

static int sleep_long(const furrow_task_t *task)
{
    while (task->index >= 0) sleep_s(1);
    return 0;
}

static furrow_status_t terminate_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = sleep_long, .count = 100, .chunk = 1};
    furrow_future_t *future;
    furrow_failures_t failures;

    (void)arg;
    EXPECT_OK(furrow_pool_map_async(pool, &call, NULL, &future, err));
    sleep_s(0.2);
    furrow_pool_terminate(pool);
    EXPECT_OK(furrow_pool_join(pool, -1, err));
    EXPECT(furrow_future_get(future, 0, NULL, &failures, err) == FURROW_ECANCELED);
    EXPECT(failures.count == 0 && failures.dropped_count == 1 && failures.dropped[0].stop == 100);
    furrow_failures_free(&failures);
    furrow_future_free(future);
    return FURROW_OK;
}

/* What would run for ever is killed. */
static void test_terminate(void **state)
{
    static furrow_task_fn *const own[] = {sleep_long};
    const furrow_pool_opts_t opts = {.functions = own, .function_count = 1, .isolate = true};

    (void)state;
    RUN_POOL(&opts, terminate_body, NULL);
}

/* Streams and results into files go through the same workers. */
static furrow_status_t stream_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = square, .count = 200, .result_bytes = 8};
    furrow_stream_t *stream;
    furrow_outcome_t o;

    (void)arg;
    EXPECT_OK(furrow_pool_imap(pool, &call, true, 0, &stream, err));
    for (int64_t i = 0; i < 200; i++) {
        EXPECT_OK(furrow_stream_next(stream, -1, &o, err));
        EXPECT(o.index == i && *(const int64_t *)o.result == i * i);
    }
    furrow_stream_free(stream);
    return FURROW_OK;
}

static void test_stream(void **state)
{
    furrow_pool_opts_t opts = plain;

    (void)state;
    opts.isolate = true;
    RUN_POOL(&opts, stream_body, NULL);
}

static void test_no_server(void **state)
{
    furrow_pool_opts_t opts = plain;

    (void)state;
    opts.isolate = true;
    furrow_isolation_stop();
    RUN_POOL_AS(FURROW_EARG, &opts, square_body, NULL, "furrow_isolation_start");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_end_alone),
        cmocka_unit_test(test_begin_and_end),
        cmocka_unit_test(test_initializer_that_fails_later),
        cmocka_unit_test(test_large_items_that_crash),
        cmocka_unit_test(test_terminate),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_no_server), /* the last */
    };
    int failures;

    if (furrow_isolation_start(NULL) != FURROW_OK) return 1;
    RUN_TESTS(tests, failures);
    return failures;
}
