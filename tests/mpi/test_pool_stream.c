/* imap and imap_unordered: order, the bounded buffer, generators, streams that are left early. As CPython's
 * multiprocessing and mpi4py's pool test theirs. */
#include "pool_support.h"

#include <pthread.h>

/* -------------------------------------------------------------------- order */

static furrow_status_t imap_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static const int64_t counts[] = {0, 1, 10, 1000}, chunks[] = {0, 1, 20, 5000}, buffers[] = {0, 1, 7, 100000};
    static int64_t args[1000];

    (void)arg;
    for (int64_t i = 0; i < 1000; i++) args[i] = 2 * i;
    for (int n = 0; n < LENGTH(counts) * LENGTH(chunks) * LENGTH(buffers) * 2; n++) {
        const bool ordered = n % 2 == 0;
        const int64_t count = counts[n / 2 % 4];
        const furrow_call_t call = {square, args, 8, count, 8, chunks[n / 8 % 4], false, NULL, NULL};
        bool seen[1000] = {false}, good = true;
        furrow_stream_t *stream;
        furrow_outcome_t o;

        EXPECT_OK(furrow_pool_imap(pool, &call, ordered, buffers[n / 32], &stream, err));
        for (int64_t i = 0; i < count; i++) {
            EXPECT_OK(furrow_stream_next(stream, -1, &o, err));
            good = good && o.index >= 0 && o.index < count && !seen[o.index] && (!ordered || o.index == i);
            good = good && o.code == 0 && o.text[0] == '\0' && *(const int64_t *)o.result == 4 * o.index * o.index;
            if (good) seen[o.index] = true;
        }
        EXPECT(good);
        EXPECT(furrow_stream_next(stream, -1, &o, err) == FURROW_EEMPTY);
        EXPECT(furrow_stream_next(stream, 0, &o, err) == FURROW_EEMPTY);
        furrow_stream_free(stream);
    }
    furrow_stream_free(NULL);
    return FURROW_OK;
}

static void test_imap(void **state)
{
    (void)state;
    RUN_POOL(&plain, imap_body, NULL);
}

/* The first item takes until it is told to end. */
static int slow_first(const furrow_task_t *task)
{
    const furrow_counter_t go = *(const furrow_counter_t *)task->arg;
    int64_t now = task->index;

    while (now == 0 && furrow_counter_add(task->pool, go, 0, &now, NULL) == FURROW_OK) sleep_s(0.001);
    return 0;
}

/* A slow first item holds up an ordered stream, not an unordered one, even with a small buffer. */
static furrow_status_t slow_first_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { COUNT = 60 };
    furrow_counter_t go[COUNT];
    furrow_stream_t *stream;
    furrow_outcome_t o;

    (void)arg;
    EXPECT_OK(furrow_counter_open(pool, 0, &go[0], err));
    for (int i = 1; i < COUNT; i++) go[i] = go[0];
    const furrow_call_t call = {
        .function = slow_first, .args = go, .arg_bytes = sizeof *go, .count = COUNT, .chunk = 1};
    EXPECT_OK(furrow_pool_imap(pool, &call, false, 4, &stream, err));
    for (int n = 0; n < COUNT; n++) {
        if (n == COUNT - 1) EXPECT_OK(furrow_counter_add(pool, go[0], 1, NULL, err));
        EXPECT_OK(furrow_stream_next(stream, -1, &o, err));
        EXPECT((o.index == 0) == (n == COUNT - 1));
    }
    furrow_stream_free(stream);
    EXPECT_OK(furrow_counter_add(pool, go[0], -1, NULL, err));
    EXPECT_OK(furrow_pool_imap(pool, &call, true, 4, &stream, err));
    EXPECT(furrow_stream_next(stream, 0, &o, err) == FURROW_ETIMEDOUT);
    EXPECT(furrow_stream_next(stream, 0.001, &o, err) == FURROW_ETIMEDOUT);
    EXPECT_OK(furrow_counter_add(pool, go[0], 1, NULL, err));
    EXPECT_OK(furrow_stream_next(stream, -1, &o, err));
    EXPECT(o.index == 0);
    furrow_stream_free(stream);
    return FURROW_OK;
}

static void test_unordered_passes_slow_items(void **state)
{
    static furrow_task_fn *const slow[] = {slow_first};
    const furrow_pool_opts_t opts = {.functions = slow, .function_count = 1};

    (void)state;
    RUN_POOL(&opts, slow_first_body, NULL);
}

/* Parts of chunks that come back keep their place. */
static bool count_up(void *arg, int64_t index, void *record)
{
    (void)arg;
    *(int64_t *)record = index;
    return index < UNEVEN;
}

static furrow_status_t uneven_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    (void)arg;
    for (int n = 0; n < 4; n++) {
        const bool ordered = n % 2 == 0, fills = n < 2;
        const furrow_call_t call = {.function = slow_at_the_end,
                                    .arg_bytes = fills ? 8 : 0,
                                    .count = fills ? INT64_MAX : UNEVEN,
                                    .result_bytes = 8,
                                    .next = fills ? count_up : NULL};
        bool seen[UNEVEN] = {false};
        furrow_stream_t *stream;
        furrow_outcome_t o;
        EXPECT_OK(furrow_pool_imap(pool, &call, ordered, 0, &stream, err));
        for (int64_t i = 0; i < UNEVEN; i++) {
            EXPECT_OK(furrow_stream_next(stream, -1, &o, err));
            EXPECT((!ordered || o.index == i) && !seen[o.index] && *(const int64_t *)o.result == o.index);
            seen[o.index] = true;
        }
        EXPECT(furrow_stream_next(stream, -1, &o, err) == FURROW_EEMPTY);
        furrow_stream_free(stream);
    }
    return FURROW_OK;
}

static void test_slow_at_the_end(void **state)
{
    (void)state;
    RUN_POOL(&plain, uneven_body, NULL);
}

/* A failed item is an item as any other. */
static furrow_status_t failing_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static const int64_t chunks[] = {0, 1, 10};
    const bool ordered = arg != NULL;

    for (int k = 0; k < LENGTH(chunks); k++) {
        const furrow_call_t call = {.function = picky, .count = 100, .result_bytes = 8, .chunk = chunks[k]};
        furrow_stream_t *stream;
        furrow_outcome_t o;
        EXPECT_OK(furrow_pool_imap(pool, &call, ordered, 0, &stream, err));
        for (int64_t i = 0; i < 100; i++) {
            char text[64];
            EXPECT_OK(furrow_stream_next(stream, -1, &o, err));
            (void)snprintf(text, sizeof text, "item %lld is a multiple of 7", (long long)o.index);
            if (o.index % 7 == 0)
                EXPECT(o.code == 3 && strcmp(o.text, text) == 0 && o.result == NULL);
            else
                EXPECT(o.code == 0 && o.text[0] == '\0' && *(const int64_t *)o.result == o.index + 1);
        }
        EXPECT(furrow_stream_next(stream, -1, &o, err) == FURROW_EEMPTY);
        furrow_stream_free(stream);
    }
    return FURROW_OK;
}

static void test_failed_items(void **state)
{
    (void)state;
    RUN_POOL(&plain, failing_body, NULL);
    RUN_POOL(&plain, failing_body, world.folder);
}

/* Items before the failure come, then the stream is at an end: nothing waits for what was dropped. In order, a failure
 * behind items that had not begun is not seen. */
static furrow_status_t stop_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = picky, .count = 1000000, .result_bytes = 8, .chunk = 5, .stop = true};
    furrow_stream_t *stream;
    furrow_outcome_t o;
    int64_t taken = 0;
    bool failed = false;

    EXPECT_OK(furrow_pool_imap(pool, &call, arg != NULL, 50, &stream, err));
    for (; furrow_stream_next(stream, -1, &o, err) == FURROW_OK; taken++) failed = failed || o.code == 3;
    EXPECT((failed || arg != NULL) && taken < 1000 && says(err, FURROW_ECANCELED, "dropped"));
    furrow_stream_free(stream);
    return FURROW_OK;
}

static void test_stop(void **state)
{
    (void)state;
    RUN_POOL(&plain, stop_body, NULL);
    RUN_POOL(&plain, stop_body, world.folder);
}

/* ------------------------------------------------------------------- buffer */

typedef struct {
    int64_t asked, taken, ahead; /* ahead: the most that it was */
    int64_t end;                 /* it ends there; negative: never */
    double nap;
    pthread_t thread;
    bool wrong;
} generator_t;

static bool generate(void *arg, int64_t index, void *record)
{
    generator_t *g = arg;

    if (index != g->asked || !pthread_equal(g->thread, pthread_self())) g->wrong = true;
    if (index == g->end) return false;
    g->asked++;
    if (g->asked - g->taken > g->ahead) g->ahead = g->asked - g->taken;
    if (g->nap > 0) sleep_s(g->nap);
    *(int64_t *)record = 10 * index;
    return true;
}

/* No more items are asked of the generator than the buffer holds, though it would never end, and items are in order. */
static furrow_status_t generator_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static const int64_t ends[] = {-1, 0, 1, 57, 300}, buffers[] = {1, 5, 64}, chunks[] = {0, 1, 3, 100};

    (void)arg;
    for (int n = 0; n < LENGTH(ends) * LENGTH(buffers) * LENGTH(chunks) * 2; n++) {
        const bool ordered = n % 2 == 0;
        const int64_t end = ends[n / 2 % 5], buffer = buffers[n / 10 % 3], expected = end < 0 ? 300 : end;
        generator_t g = {.end = end, .thread = pthread_self()};
        const furrow_call_t call = {.function = square,
                                    .arg_bytes = 8,
                                    .count = INT64_MAX,
                                    .result_bytes = 8,
                                    .chunk = chunks[n / 30],
                                    .next = generate,
                                    .next_arg = &g};
        furrow_stream_t *stream;
        furrow_outcome_t o;

        EXPECT_OK(furrow_pool_imap(pool, &call, ordered, buffer, &stream, err));
        for (int64_t i = 0; i < expected; i++) {
            EXPECT_OK(furrow_stream_next(stream, -1, &o, err));
            EXPECT((!ordered || o.index == i) && *(const int64_t *)o.result == 100 * o.index * o.index);
            g.taken++;
        }
        if (end >= 0) EXPECT(furrow_stream_next(stream, -1, &o, err) == FURROW_EEMPTY);
        EXPECT(!g.wrong && g.ahead <= buffer + 1); /* the one that is being taken is not yet counted here */
        furrow_stream_free(stream);
    }
    return FURROW_OK;
}

static void test_generator(void **state)
{
    (void)state;
    RUN_POOL(&plain, generator_body, NULL);
}

static furrow_status_t bounded_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t most_five = {
        .function = square, .arg_bytes = 8, .count = 5, .result_bytes = 8, .next = generate, .next_arg = arg};
    const furrow_call_t map = {.function = square, .arg_bytes = 8, .count = 5, .result_bytes = 8, .next = generate};
    furrow_stream_t *stream;
    furrow_outcome_t o;
    int64_t results[5];

    ((generator_t *)arg)->thread = pthread_self();
    EXPECT_OK(furrow_pool_imap(pool, &most_five, true, 0, &stream, err));
    for (int i = 0; i < 5; i++) EXPECT_OK(furrow_stream_next(stream, -1, &o, err));
    EXPECT(furrow_stream_next(stream, -1, &o, err) == FURROW_EEMPTY);
    furrow_stream_free(stream);
    EXPECT(furrow_pool_map(pool, &map, results, NULL, err) == FURROW_EARG && says(err, FURROW_EARG, "next"));
    EXPECT(furrow_pool_imap(pool, &most_five, true, -1, &stream, err) == FURROW_EARG && stream == NULL);
    return FURROW_OK;
}

static void test_generator_of_known_length(void **state)
{
    generator_t g = {.end = -1};

    (void)state;
    RUN_POOL(&plain, bounded_body, &g);
}

/* in_flight bounds the buffer. */
static furrow_status_t in_flight_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    generator_t g = {.end = -1, .thread = pthread_self()};
    const furrow_call_t call = {
        .function = square, .arg_bytes = 8, .count = INT64_MAX, .result_bytes = 8, .next = generate, .next_arg = &g};
    furrow_stream_t *stream;
    furrow_outcome_t o;

    (void)arg;
    EXPECT_OK(furrow_pool_imap(pool, &call, false, 1000, &stream, err));
    for (int i = 0; i < 200; i++, g.taken++) EXPECT_OK(furrow_stream_next(stream, -1, &o, err));
    EXPECT(g.ahead <= 8);
    furrow_stream_free(stream);
    return FURROW_OK;
}

static void test_in_flight(void **state)
{
    furrow_pool_opts_t opts = plain;

    (void)state;
    opts.in_flight = 7;
    RUN_POOL(&opts, in_flight_body, NULL);
}

/* The consumer is slow: the workers wait, other calls pass. */
static atomic_int begun;

static int note_begun(const furrow_task_t *task)
{
    (void)task;
    atomic_fetch_add(&begun, 1);
    return 0;
}

static furrow_status_t slow_consumer_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = note_begun, .count = 1000, .chunk = 1};
    furrow_stream_t *stream;
    furrow_outcome_t o;

    (void)arg;
    EXPECT_OK(furrow_pool_imap(pool, &call, true, 10, &stream, err));
    for (int i = 0; i < 20; i++) {
        EXPECT_OK(furrow_stream_next(stream, -1, &o, err));
        if (i % 10 == 0) sleep_s(0.05);
        EXPECT(atomic_load(&begun) <= i + 1 + 10);
        EXPECT_OK(furrow_pool_apply(pool, nothing, NULL, 0, NULL, 0, err));
    }
    furrow_stream_free(stream);
    return FURROW_OK;
}

static void test_slow_consumer(void **state)
{
    static furrow_task_fn *const own[] = {note_begun, nothing};
    const furrow_pool_opts_t opts = {.functions = own, .function_count = 2};

    (void)state;
    atomic_store(&begun, 0);
    RUN_POOL(&opts, slow_consumer_body, NULL);
}

/* --------------------------------------------------------------- left early */

static furrow_status_t left_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = picky, .count = 1000000000, .result_bytes = 8};
    generator_t g = {.end = -1, .thread = pthread_self()};
    const furrow_call_t endless = {
        .function = square, .arg_bytes = 8, .count = INT64_MAX, .result_bytes = 8, .next = generate, .next_arg = &g};
    furrow_stream_t *stream[6];
    furrow_outcome_t o;

    (void)arg;
    for (int i = 0; i < 6; i++) {
        g.asked = 0;
        EXPECT_OK(furrow_pool_imap(pool, i < 3 ? &call : &endless, i % 2 == 0, 20, &stream[i], err));
        EXPECT_OK(furrow_stream_next(stream[i], -1, &o, err));
    }
    furrow_stream_free(stream[0]);
    furrow_stream_free(stream[4]);
    furrow_pool_close(pool); /* nobody takes from the others: the pool does not wait for that */
    EXPECT_OK(furrow_pool_join(pool, -1, err));
    EXPECT_OK(furrow_stream_next(stream[1], -1, &o, err)); /* but it can still be done */
    furrow_stream_free(stream[1]);
    furrow_pool_terminate(pool);
    while (furrow_stream_next(stream[2], -1, &o, err) == FURROW_OK) {}
    EXPECT(says(err, FURROW_ECANCELED, "dropped"));
    furrow_stream_free(stream[2]);
    furrow_stream_free(stream[5]);
    *(furrow_stream_t **)arg = stream[3]; /* to be freed when the pool is gone */
    return FURROW_OK;
}

static void test_left_early(void **state)
{
    furrow_stream_t *left = NULL;
    furrow_outcome_t o;
    furrow_error_t err;

    (void)state;
    RUN_POOL(&plain, left_body, &left);
    if (world.rank == 0) {
        while (furrow_stream_next(left, -1, &o, &err) == FURROW_OK) {}
    }
    ASSERT_ALL(world.rank != 0 || says(&err, FURROW_ECANCELED, "dropped"));
    furrow_stream_free(left);
}

/* The body ends, and will not take what the stream holds. */
static furrow_status_t forgetful_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {.function = picky, .count = 1000000000, .result_bytes = 8};

    return furrow_pool_imap(pool, &call, true, 20, arg, err);
}

static void test_forgotten(void **state)
{
    furrow_stream_t *left = NULL;

    (void)state;
    RUN_POOL(&plain, forgetful_body, &left);
    furrow_stream_free(left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_imap),
        cmocka_unit_test(test_unordered_passes_slow_items),
        cmocka_unit_test(test_slow_at_the_end),
        cmocka_unit_test(test_failed_items),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_generator),
        cmocka_unit_test(test_generator_of_known_length),
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_slow_consumer),
        cmocka_unit_test(test_left_early),
        cmocka_unit_test(test_forgotten),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
