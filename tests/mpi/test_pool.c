/* The pool: map, starmap and apply on all ranks; who works; initializers; failures; the order of opening and ending.
 * The rules are those on which CPython's multiprocessing and mpi4py's pool agree in their own tests. */
#include "pool_support.h"

enum { MOST = 5000 };

/* ---------------------------------------------------------------------- map */

static furrow_status_t map_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static const int64_t counts[] = {0, 1, 2, 7, 100, MOST}, chunks[] = {0, 1, 3, 20, 10000};
    static int64_t args[MOST], results[MOST];

    (void)arg;
    for (int64_t i = 0; i < MOST; i++) args[i] = 3 * i - 50;
    for (int c = 0; c < LENGTH(counts); c++)
        for (int k = 0; k < LENGTH(chunks); k++) {
            const furrow_call_t call = {.function = square,
                                        .args = args,
                                        .arg_bytes = sizeof *args,
                                        .count = counts[c],
                                        .result_bytes = sizeof *results,
                                        .chunk = chunks[k]};
            memset(results, 0xff, sizeof results);
            EXPECT_OK(furrow_pool_map(pool, &call, results, NULL, err));
            bool good = true;
            for (int64_t i = 0; i < MOST; i++)
                good = good && results[i] == (i < counts[c] ? (3 * i - 50) * (3 * i - 50) : -1);
            EXPECT(good);
        }
    return FURROW_OK;
}

static void test_map(void **state)
{
    (void)state;
    RUN_POOL(&plain, map_body, NULL);
}

static furrow_status_t starmap_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    pair_t pairs[100];
    int64_t results[100], result = 0;

    (void)arg;
    for (int64_t i = 0; i < 100; i++) pairs[i] = (pair_t){i, 99 - i};
    const furrow_call_t call = {multiply, pairs, sizeof *pairs, 100, sizeof *results, 20, false, NULL, NULL};
    EXPECT_OK(furrow_pool_map(pool, &call, results, NULL, err));
    for (int64_t i = 0; i < 100; i++) EXPECT(results[i] == i * (99 - i));
    EXPECT_OK(furrow_pool_apply(pool, multiply, &(pair_t){6, -7}, sizeof(pair_t), &result, sizeof result, err));
    EXPECT(result == -42);
    EXPECT_OK(furrow_pool_apply(pool, nothing, NULL, 0, NULL, 0, err));
    EXPECT(furrow_pool_apply(pool, fail_plainly, NULL, 0, NULL, 0, err) == FURROW_EITEM);
    EXPECT(says(err, FURROW_EITEM, "failed with -5"));
    return FURROW_OK;
}

static void test_starmap_and_apply(void **state)
{
    (void)state;
    RUN_POOL(&plain, starmap_body, NULL);
}

/* Records that are longer than a message, in both directions at once, and odd sizes. */
static furrow_status_t large_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static const int64_t sizes[][3] = {{13, 7, 200}, {70001, 90003, 40}, {5000000, 3, 4}, {3, 5000000, 4}};

    (void)arg;
    for (int s = 0; s < LENGTH(sizes); s++) {
        const int64_t in = sizes[s][0], out = sizes[s][1], count = sizes[s][2];
        unsigned char *args = malloc((size_t)(in * count)), *results = malloc((size_t)(out * count));
        bool good = args != NULL && results != NULL;
        for (int64_t i = 0; good && i < in * count; i++) args[i] = (unsigned char)(i * 7 + i / 251);
        const furrow_call_t call = {checksum, args, in, count, out, 1, false, NULL, NULL};
        EXPECT_OK(furrow_pool_map(pool, &call, results, NULL, err));
        for (int64_t n = 0; good && n < count; n++) {
            unsigned sum = 0;
            for (int64_t i = 0; i < in; i++) sum = sum * 31 + args[n * in + i];
            for (int64_t i = 0; i < out; i++) good = good && results[n * out + i] == (unsigned char)(sum + i);
        }
        EXPECT(good);
        free(args);
        free(results);
    }
    return FURROW_OK;
}

static void test_large_records(void **state)
{
    (void)state;
    RUN_POOL(&plain, large_body, NULL);
}

static int fail_far_out(const furrow_task_t *task)
{
    return task->index < INT64_C(1) << 31 ? 0 : furrow_task_fail(task, 1, "item %lld", (long long)task->index);
}

/* The second chunk begins at 2^31; its first item ends the call, for nobody can wait for all of them. */
static furrow_status_t many_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const int64_t far_out = INT64_C(1) << 31, count = INT64_C(1) << 40;
    const furrow_call_t many = {.function = fail_far_out, .count = count, .chunk = far_out, .stop = true};
    const furrow_call_t huge = {.function = fail_far_out, .count = INT64_MAX / 4, .result_bytes = 8};
    furrow_failures_t failures;
    int64_t none, dropped = 0;

    (void)arg;
    EXPECT(furrow_pool_map(pool, &huge, &none, NULL, err) == FURROW_EOVERFLOW);
    EXPECT(furrow_pool_map(pool, &many, NULL, &failures, err) == FURROW_EITEM);
    EXPECT(failures.count >= 1 && failures.list[0].index % far_out == 0 && failures.list[0].index >= far_out);
    for (int64_t i = 0; i < failures.dropped_count; i++)
        dropped += failures.dropped[i].stop - failures.dropped[i].start;
    EXPECT(dropped > count - (2 * world.ranks + 1) * far_out && dropped < count);
    furrow_failures_free(&failures);
    return FURROW_OK;
}

static void test_more_than_2_31(void **state)
{
    static furrow_task_fn *const own[] = {fail_far_out};
    const furrow_pool_opts_t opts = {.functions = own, .function_count = 1};

    (void)state;
    RUN_POOL(&opts, many_body, NULL);
}

/* A guided chunk that turns out to be slow is given back in part, also when nothing else is left. */
static furrow_status_t uneven_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static int64_t results[UNEVEN];
    const furrow_call_t call = {.function = slow_at_the_end, .count = UNEVEN, .result_bytes = 8};

    (void)arg;
    for (int n = 0; n < 3; n++) {
        memset(results, 0xff, sizeof results);
        EXPECT_OK(furrow_pool_map(pool, &call, results, NULL, err));
        for (int64_t i = 0; i < UNEVEN; i++) EXPECT(results[i] == i);
    }
    return FURROW_OK;
}

static void test_slow_at_the_end(void **state)
{
    (void)state;
    RUN_POOL(&plain, uneven_body, NULL);
}

/* -------------------------------------------------------------------- workers */

/* All workers work, and say who they are. */
static furrow_status_t who_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { COUNT = 400 };
    static furrow_worker_t workers[COUNT];
    char host[256] = "";
    bool seen[64] = {false};

    (void)arg;
    EXPECT(furrow_pool_workers(pool) == 2 * world.ranks);
    const furrow_call_t call = {.function = who, .count = COUNT, .result_bytes = sizeof *workers, .chunk = 1};
    EXPECT_OK(furrow_pool_map(pool, &call, workers, NULL, err));
    (void)gethostname(host, sizeof host - 1);
    for (int i = 0; i < COUNT; i++) {
        const furrow_worker_t *w = &workers[i];
        EXPECT(w->rank >= 0 && w->rank < world.ranks && w->thread >= 0 && w->thread < 2);
        EXPECT((w->pid == getpid()) == (w->rank == 0) && w->pid > 0 && strcmp(w->host, host) == 0);
        seen[2 * w->rank + w->thread] = true;
    }
    for (int i = 0; i < 2 * world.ranks; i++) EXPECT(seen[i]);
    return FURROW_OK;
}

static void test_workers(void **state)
{
    (void)state;
    RUN_POOL(&plain, who_body, NULL);
}

static atomic_int inits, finis;

static int init_state(const furrow_worker_t *worker, const void *arg, int64_t arg_bytes, void **state, char *text)
{
    int64_t *own = malloc(sizeof *own);

    (void)text;
    if (own == NULL || arg_bytes != sizeof *own || worker->rank != world.rank) return 1;
    memcpy(own, arg, sizeof *own);
    *state = own;
    atomic_fetch_add(&inits, 1);
    return 0;
}

static void fini_state(const furrow_worker_t *worker, void *state)
{
    (void)worker;
    atomic_fetch_add(&finis, 1);
    free(state);
}

static int add_state(const furrow_task_t *task)
{
    *(int64_t *)task->result = task->index + *(const int64_t *)task->state;
    return 0;
}

static furrow_status_t init_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    int64_t results[300];
    const furrow_call_t call = {.function = add_state, .count = *(int64_t *)arg, .result_bytes = sizeof *results};

    EXPECT_OK(furrow_pool_map(pool, &call, results, NULL, err));
    for (int64_t i = 0; i < call.count; i++) EXPECT(results[i] == i + 1000);
    return FURROW_OK;
}

/* Each worker has one initializer, with the bytes of rank 0, and one finalizer; also those that get no item. */
static void test_initializer(void **state)
{
    static furrow_task_fn *const own[] = {add_state};
    const int64_t init_arg = world.rank == 0 ? 1000 : -1;
    int64_t counts[] = {300, 1, 0};

    (void)state;
    for (int c = 0; c < LENGTH(counts); c++) {
        const furrow_pool_opts_t opts = {.functions = own,
                                         .function_count = 1,
                                         .init = init_state,
                                         .fini = fini_state,
                                         .init_arg = &init_arg,
                                         .init_arg_bytes = sizeof init_arg};
        atomic_store(&inits, 0);
        atomic_store(&finis, 0);
        RUN_POOL(&opts, init_body, &counts[c]);
        ASSERT_ALL(atomic_load(&inits) == 2 && atomic_load(&finis) == 2);
    }
}

static int failing_rank;

static int init_fails(const furrow_worker_t *worker, const void *arg, int64_t arg_bytes, void **state, char *text)
{
    (void)arg, (void)arg_bytes, (void)state;
    if (worker->rank != failing_rank || worker->thread != 1) return 0;
    (void)strcpy(text, "no licence here");
    atomic_fetch_add(&inits, 1);
    return 1;
}

/* Without a failing initializer this would go on for ever. */
static furrow_status_t endless_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    (void)arg;
    for (;;) {
        const furrow_status_t status = furrow_pool_apply(pool, nothing, NULL, 0, NULL, 0, err);
        if (status != FURROW_OK) return status;
    }
}

static void test_failing_initializer(void **state)
{
    furrow_pool_opts_t opts = plain;

    (void)state;
    opts.init = init_fails;
    for (failing_rank = 0; failing_rank < world.ranks; failing_rank++) {
        atomic_store(&inits, 0);
        RUN_POOL_AS(FURROW_EITEM, &opts, endless_body, NULL, "no licence here");
        ASSERT_ALL(atomic_load(&inits) == (world.rank == failing_rank ? 1 : 0)); /* not tried again */
        RUN_POOL(&plain, starmap_body, NULL);
    }
}

/* ------------------------------------------------------------------- failures */

static furrow_status_t failures_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static const int64_t counts[] = {1, 6, 8, 1000}, chunks[] = {0, 1, 50};
    int64_t results[1000];

    (void)arg;
    for (int c = 0; c < LENGTH(counts); c++)
        for (int k = 0; k < LENGTH(chunks); k++) {
            const furrow_call_t call = {
                .function = picky, .count = counts[c], .result_bytes = sizeof *results, .chunk = chunks[k]};
            furrow_failures_t failures;
            EXPECT(furrow_pool_map(pool, &call, results, &failures, err) == FURROW_EITEM);
            EXPECT(says(err, FURROW_EITEM, "item 0 is a multiple of 7"));
            EXPECT(failures.count == (counts[c] + 6) / 7 && failures.dropped_count == 0);
            for (int64_t i = 0; i < failures.count; i++) {
                char text[64];
                (void)snprintf(text, sizeof text, "item %lld is a multiple of 7", (long long)(7 * i));
                EXPECT(failures.list[i].index == 7 * i && failures.list[i].code == 3);
                EXPECT(strcmp(failures.list[i].text, text) == 0);
            }
            for (int64_t i = 0; i < counts[c]; i++) EXPECT(results[i] == (i % 7 == 0 ? 0 : i + 1));
            furrow_failures_free(&failures);
        }
    return FURROW_OK;
}

static void test_failures_are_listed(void **state)
{
    (void)state;
    RUN_POOL(&plain, failures_body, NULL);
}

/* The first failure ends the call: nearly all items are dropped, and each item is done, failed, or dropped. */
static furrow_status_t stop_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { COUNT = 100000 };
    static int64_t results[COUNT];
    static const int64_t chunks[] = {0, 1, 50};

    (void)arg;
    for (int k = 0; k < LENGTH(chunks); k++) {
        const furrow_call_t call = {
            .function = picky, .count = COUNT, .result_bytes = sizeof *results, .chunk = chunks[k], .stop = true};
        furrow_failures_t failures;
        int64_t dropped = 0, done = 0, last = 0;
        EXPECT(furrow_pool_map(pool, &call, results, &failures, err) == FURROW_EITEM);
        for (int64_t i = 0; i < failures.dropped_count; i++) {
            const furrow_range_t r = failures.dropped[i];
            EXPECT(r.start >= last && r.stop > r.start && r.stop <= COUNT);
            dropped += r.stop - r.start;
            last = r.stop;
            for (int64_t n = r.start; n < r.stop; n++) EXPECT(results[n] == 0);
        }
        for (int64_t i = 0; i < COUNT; i++) done += results[i] == i + 1;
        EXPECT(failures.count >= 1 && done + dropped + failures.count == COUNT);
        EXPECT(dropped > COUNT / 2);
        furrow_failures_free(&failures);
    }
    return FURROW_OK;
}

static void test_stop(void **state)
{
    (void)state;
    RUN_POOL(&plain, stop_body, NULL);
}

static furrow_status_t bad_calls_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    int64_t x = 1, result;
    furrow_failures_t failures;
    furrow_call_t call = {.function = square, .args = &x, .arg_bytes = 8, .count = 1, .result_bytes = 8};
    furrow_call_t bad = call;

    (void)arg;
    bad.function = add_state; /* not among those of the pool */
    EXPECT(furrow_pool_map(pool, &bad, &result, NULL, err) == FURROW_EARG && says(err, FURROW_EARG, "functions"));
    bad = call, bad.chunk = -1;
    EXPECT(furrow_pool_map(pool, &bad, &result, NULL, err) == FURROW_EARG && says(err, FURROW_EARG, "negative"));
    bad = call, bad.count = -1;
    EXPECT(furrow_pool_map(pool, &bad, &result, NULL, err) == FURROW_EARG);
    bad = call, bad.args = NULL;
    EXPECT(furrow_pool_map(pool, &bad, &result, &failures, err) == FURROW_EARG && failures.count == 0);
    EXPECT(furrow_pool_map(pool, &call, NULL, NULL, err) == FURROW_EARG);
    EXPECT(furrow_pool_join(pool, -1, err) == FURROW_EARG && says(err, FURROW_EARG, "closed"));
    EXPECT_OK(furrow_pool_map(pool, &call, &result, NULL, err)); /* after all that it works as ever */
    EXPECT(result == 1);
    furrow_pool_close(pool);
    EXPECT(furrow_pool_map(pool, &call, &result, NULL, err) == FURROW_ECLOSED);
    EXPECT(furrow_pool_apply_async(pool, square, &x, 8, 8, NULL, NULL, err) == FURROW_ECLOSED);
    furrow_pool_close(pool);
    EXPECT_OK(furrow_pool_join(pool, -1, err));
    EXPECT_OK(furrow_pool_join(pool, 0, err));
    return FURROW_OK;
}

static void test_wrong_calls(void **state)
{
    (void)state;
    RUN_POOL(&plain, bad_calls_body, NULL);
}

static furrow_status_t failing_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static double long_time = 0.2;

    (void)arg;
    for (int i = 0; i < 100; i++)
        EXPECT_OK(furrow_pool_apply_async(pool, doze, &long_time, sizeof long_time, 0, NULL, NULL, err));
    err->status = FURROW_EIO;
    (void)strcpy(err->text, "the body found no disk");
    return FURROW_EIO;
}

static void test_failing_body(void **state)
{
    (void)state;
    RUN_POOL_AS(FURROW_EIO, &plain, failing_body, NULL, "the body found no disk");
    RUN_POOL(&plain, starmap_body, NULL);
}

static void test_wrong_options(void **state)
{
    furrow_pool_opts_t opts = plain;

    (void)state;
    opts.in_flight = -1;
    RUN_POOL_AS(FURROW_EARG, &opts, starmap_body, NULL, "negative");
    opts = plain;
    opts.function_count -= world.rank == world.ranks - 1;
    if (world.ranks > 1) RUN_POOL_AS(FURROW_EARG, &opts, starmap_body, NULL, "differ");
    opts = plain;
    opts.init_arg_bytes = 8;
    RUN_POOL_AS(FURROW_EARG, &opts, starmap_body, NULL, "init_arg");
    RUN_POOL_AS(FURROW_EARG, &plain, NULL, NULL, "body");
    RUN_POOL(&plain, starmap_body, NULL);
}

/* ------------------------------------------------------------ from an item */

static int calls_its_pool(const furrow_task_t *task)
{
    furrow_error_t err;

    if (furrow_pool_apply(task->pool, nothing, NULL, 0, NULL, 0, &err) != FURROW_EARG) return 1;
    if (furrow_pool_apply_async(task->pool, nothing, NULL, 0, 0, NULL, NULL, &err) != FURROW_EARG) return 2;
    return 0;
}

static furrow_status_t nested_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = calls_its_pool, .count = 20, .chunk = 1};

    (void)arg;
    return furrow_pool_map(pool, &call, NULL, NULL, err);
}

/* An item that waits for items would wait for ever once all workers do. */
static void test_items_may_not_call(void **state)
{
    static furrow_task_fn *const own[] = {calls_its_pool, nothing};
    const furrow_pool_opts_t opts = {.functions = own, .function_count = 2};

    (void)state;
    RUN_POOL(&opts, nested_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_starmap_and_apply),
        cmocka_unit_test(test_large_records),
        cmocka_unit_test(test_more_than_2_31),
        cmocka_unit_test(test_slow_at_the_end),
        cmocka_unit_test(test_workers),
        cmocka_unit_test(test_initializer),
        cmocka_unit_test(test_failing_initializer),
        cmocka_unit_test(test_failures_are_listed),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_wrong_calls),
        cmocka_unit_test(test_failing_body),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_items_may_not_call),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
