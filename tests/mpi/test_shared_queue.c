/* Queues between items on all ranks and the body: what is put arrives once, nobody waits longer than told, nor for ever
 * when the queue or the pool ends. */
#include "shared_support.h"

#include <float.h>

/* ------------------------------------------------------------------- queue */

enum { RECORDS = 50, CAPACITY = 3 };

/* Puts numbers of its own; the last of `other`'s holders to be done closes. */
static int produce(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    furrow_error_t err = {0};
    int64_t done = 0;

    for (int64_t i = 0; i < RECORDS; i++) {
        const int64_t record = task->index * RECORDS + i;
        if (furrow_queue_put(task->pool, kit->queue, &record, -1, &err) != FURROW_OK)
            return note(false, task, "put", &err);
    }
    if (furrow_counter_add(task->pool, kit->counter, 1, &done, &err) != FURROW_OK)
        return note(false, task, "add", &err);
    if (done < kit->number) return 0;
    return note(furrow_queue_close(task->pool, kit->queue, &err) == FURROW_OK, task, "close", &err);
}

static int consume(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    furrow_error_t err = {0};
    int64_t record;

    while (furrow_queue_get(task->pool, kit->queue, &record, -1, &err) == FURROW_OK) {
        if (record < 0 || record >= LENGTH(board->seen)) return furrow_task_fail(task, 1, "%lld", (long long)record);
        atomic_fetch_add(&board->seen[record], 1);
        atomic_fetch_add(&board->in_all, 1);
    }
    return note(err.status == FURROW_ECLOSED, task, "get", &err);
}

static int produce_or_consume(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;

    return task->index < kit->number ? produce(task) : consume(task);
}

static bool each_once(int64_t count)
{
    bool once = board->in_all == count;

    for (int64_t i = 0; i < LENGTH(board->seen); i++) once = once && board->seen[i] == (i < count ? 1 : 0);
    return once;
}

static kit_t queue_kit(furrow_pool_t *pool, int64_t producers)
{
    kit_t kit = {.number = producers};

    EXPECT_OK(furrow_counter_open(pool, 0, &kit.counter, NULL));
    EXPECT_OK(furrow_queue_open(pool, CAPACITY, sizeof(int64_t), &kit.queue, NULL));
    return kit;
}

/* Half of the items put, half get, all at a time: each record arrives once. */
static furrow_status_t queue_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const int64_t workers = furrow_pool_workers(pool), producers = workers / 2;
    const kit_t kit = queue_kit(pool, producers);

    (void)arg;
    (void)err;
    run_items(pool, produce_or_consume, &kit, workers);
    EXPECT(each_once(producers * RECORDS));
    return FURROW_OK;
}

/* Items put, the body gets, in each producer's order. */
static furrow_status_t body_consumes(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static kit_t kits[40];
    static int64_t next[LENGTH(kits)];
    int64_t record, count = 0;
    furrow_future_t *future = NULL;

    (void)arg;
    kits[0] = queue_kit(pool, LENGTH(kits));
    for (int i = 1; i < LENGTH(kits); i++) kits[i] = kits[0];
    const furrow_call_t call = call_of(produce, kits, LENGTH(kits));
    EXPECT_OK(furrow_pool_map_async(pool, &call, NULL, &future, err));
    bool in_order = true;
    furrow_status_t status;
    for (; (status = furrow_queue_get(pool, kits[0].queue, &record, -1, err)) == FURROW_OK; count++)
        in_order = in_order && record / RECORDS < LENGTH(kits) && record % RECORDS == next[record / RECORDS]++;
    EXPECT(status == FURROW_ECLOSED && in_order && count == (int64_t)LENGTH(kits) * RECORDS);
    EXPECT_OK(furrow_future_get(future, -1, NULL, NULL, err));
    furrow_future_free(future);
    return FURROW_OK;
}

/* The body puts, items get. */
static furrow_status_t body_produces(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static kit_t kits[64];
    const int64_t workers = furrow_pool_workers(pool);
    furrow_future_t *future = NULL;

    (void)arg;
    kits[0] = queue_kit(pool, 0);
    for (int64_t i = 1; i < workers; i++) kits[i] = kits[0];
    const furrow_call_t call = call_of(consume, kits, workers);
    EXPECT_OK(furrow_pool_map_async(pool, &call, NULL, &future, err));
    for (int64_t record = 0; record < 1000; record++)
        EXPECT_OK(furrow_queue_put(pool, kits[0].queue, &record, -1, err));
    EXPECT_OK(furrow_queue_close(pool, kits[0].queue, err));
    EXPECT_OK(furrow_future_get(future, -1, NULL, NULL, err));
    furrow_future_free(future);
    EXPECT(each_once(1000));
    return FURROW_OK;
}

/* Records longer than a message, of odd size. */
enum { LONG = 3000001 };

static int echo(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    unsigned char *record = malloc(LONG);
    furrow_error_t err = {0};

    furrow_status_t status =
        record == NULL ? FURROW_ENOMEM : furrow_queue_get(task->pool, kit->queue, record, -1, &err);
    for (int i = 0; status == FURROW_OK && i < LONG; i++) record[i] ^= 0x5a;
    if (status == FURROW_OK) status = furrow_queue_put(task->pool, kit->other, record, -1, &err);
    free(record);
    return note(status == FURROW_OK, task, "echo", &err);
}

static furrow_status_t long_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static kit_t kits[6];
    unsigned char *record = malloc(LONG);
    furrow_future_t *future = NULL;
    bool same = record != NULL;

    (void)arg;
    EXPECT_OK(furrow_queue_open(pool, 2, LONG, &kits[0].queue, err));
    EXPECT_OK(furrow_queue_open(pool, LENGTH(kits), LONG, &kits[0].other, err));
    for (int i = 1; i < LENGTH(kits); i++) kits[i] = kits[0];
    const furrow_call_t call = call_of(echo, kits, LENGTH(kits));
    EXPECT_OK(furrow_pool_map_async(pool, &call, NULL, &future, err));
    for (int i = 0; same && i < LONG; i++) record[i] = (unsigned char)(i * 7 + i / 255);
    for (int n = 0; n < LENGTH(kits); n++) EXPECT_OK(furrow_queue_put(pool, kits[0].queue, record, -1, err));
    for (int n = 0; n < LENGTH(kits); n++) {
        memset(record, 0, LONG);
        EXPECT_OK(furrow_queue_get(pool, kits[0].other, record, -1, err));
        for (int i = 0; i < LONG; i++) same = same && record[i] == ((unsigned char)(i * 7 + i / 255) ^ 0x5a);
    }
    EXPECT(same);
    EXPECT_OK(furrow_future_get(future, -1, NULL, NULL, err));
    furrow_future_free(future);
    free(record);
    return FURROW_OK;
}

/* ------------------------------------------------------------ time, the end */

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The lock is held, the queue empty, the other one full. */
static int wait_in_vain(const furrow_task_t *task)
{
    static const double waits[] = {0, 0.03};
    const kit_t *kit = task->arg;
    furrow_error_t err = {0};
    int64_t record = 0;

    for (int i = 0; i < LENGTH(waits); i++) {
        const double start = seconds();
        if (furrow_lock_acquire(task->pool, kit->lock, waits[i], &err) != FURROW_ETIMEDOUT ||
            furrow_queue_get(task->pool, kit->queue, &record, waits[i], &err) != FURROW_ETIMEDOUT ||
            furrow_queue_put(task->pool, kit->other, &record, waits[i], &err) != FURROW_ETIMEDOUT)
            return note(false, task, "in vain", &err);
        if (seconds() - start < 3 * waits[i]) return furrow_task_fail(task, 1, "did not wait");
        if (!says(&err, FURROW_ETIMEDOUT, i == 0 ? "is full" : "was full for 0.03 s")) return 1;
    }
    return 0;
}

static furrow_status_t time_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    kit_t kit = {0};

    (void)arg;
    EXPECT_OK(furrow_lock_open(pool, &kit.lock, err));
    EXPECT_OK(furrow_lock_acquire(pool, kit.lock, 0, err));
    EXPECT_OK(furrow_queue_open(pool, 5, sizeof(int64_t), &kit.queue, err));
    EXPECT_OK(furrow_queue_open(pool, 1, sizeof(int64_t), &kit.other, err));
    EXPECT_OK(furrow_queue_put(pool, kit.other, &(int64_t){1}, 0, err));
    run_items(pool, wait_in_vain, &kit, 2 * furrow_pool_workers(pool));
    EXPECT(furrow_queue_get(pool, kit.queue, &kit.number, 0.02, err) == FURROW_ETIMEDOUT);
    EXPECT_OK(furrow_queue_get(pool, kit.other, &kit.number, DBL_MAX, err));
    EXPECT(kit.number == 1);
    return FURROW_OK;
}

/* One of each three waits for the lock, for a record, for room; how it ends is told by `number`. */
static int wait_for_end(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    furrow_error_t err = {0};
    int64_t record = 0;

    atomic_fetch_add(&board->phase, 1);
    furrow_status_t status;
    const bool locks = task->index % 3 == 0 && kit->number == FURROW_ECANCELED;
    if (locks)
        status = furrow_lock_acquire(task->pool, kit->lock, -1, &err);
    else if (task->index % 3 == 1)
        status = furrow_queue_get(task->pool, kit->queue, &record, -1, &err);
    else
        status = furrow_queue_put(task->pool, kit->other, &record, 1e6, &err);
    /* Who is late finds that the end of the body has released its lock. */
    if (status == kit->number || (locks && status == FURROW_OK)) atomic_fetch_add(&board->in_all, 1);
    return 0;
}

/* All workers wait. `arg`: whether the body then closes the queues, terminates the pool, or fails. */
static furrow_status_t end_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static kit_t kits[64];
    const int64_t workers = furrow_pool_workers(pool);
    const int how = *(const int *)arg;
    furrow_future_t *future = NULL;
    kit_t kit = {.number = how == 0 ? FURROW_ECLOSED : FURROW_ECANCELED};

    EXPECT_OK(furrow_lock_open(pool, &kit.lock, err));
    EXPECT_OK(furrow_lock_acquire(pool, kit.lock, 0, err));
    EXPECT_OK(furrow_queue_open(pool, 5, sizeof(int64_t), &kit.queue, err));
    EXPECT_OK(furrow_queue_open(pool, 1, sizeof(int64_t), &kit.other, err));
    EXPECT_OK(furrow_queue_put(pool, kit.other, &(int64_t){1}, 0, err));
    for (int64_t i = 0; i < workers; i++) kits[i] = kit;
    const furrow_call_t call = call_of(wait_for_end, kits, workers);
    EXPECT_OK(furrow_pool_map_async(pool, &call, NULL, &future, err));
    while (atomic_load(&board->phase) < workers) sleep_s(0.001);
    sleep_s(0.01);
    EXPECT(!furrow_future_ready(future));
    if (how == 0) {
        EXPECT_OK(furrow_queue_close(pool, kit.queue, err));
        EXPECT_OK(furrow_queue_close(pool, kit.other, err));
    } else if (how == 1) {
        furrow_pool_terminate(pool);
    }
    if (how < 2) EXPECT_OK(furrow_future_wait(future, -1));
    furrow_future_free(future);
    return how < 2 ? FURROW_OK : (err->status = FURROW_EIO);
}

/* ------------------------------------------------------------------- tests */

static furrow_task_fn *const shared_functions[] = {produce, consume,      produce_or_consume,
                                                   echo,    wait_in_vain, wait_for_end};

static const furrow_pool_opts_t shared_opts = {.functions = shared_functions,
                                               .function_count = LENGTH(shared_functions)};

static void test_shared_queue__between_items(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, queue_body, NULL);
}

static void test_shared_queue__to_the_body(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, body_consumes, NULL);
}

static void test_shared_queue__from_the_body(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, body_produces, NULL);
}

static void test_shared_queue__of_long_records(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, long_body, NULL);
}

static void test_shared_queue__timeouts(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, time_body, NULL);
}

static void test_shared_queue__close_wakes_all(void **state)
{
    const int how = 0;
    int64_t workers = 2 * (int64_t)world.ranks;

    (void)state;
    RUN_POOL(&shared_opts, end_body, (void *)(uintptr_t)&how);
    ASSERT_ALL(board->in_all == workers);
}

static void test_shared_queue__terminate_wakes_all(void **state)
{
    const int how = 1;

    (void)state;
    RUN_POOL(&shared_opts, end_body, (void *)(uintptr_t)&how);
    ASSERT_ALL(board->in_all == 2 * (int64_t)world.ranks);
}

static void test_shared_queue__failing_body_wakes_all(void **state)
{
    const int how = 2;

    (void)state;
    RUN_POOL_AS(FURROW_EIO, &shared_opts, end_body, (void *)(uintptr_t)&how, "");
    ASSERT_ALL(board->in_all == 2 * (int64_t)world.ranks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHARED_TEST(shared_queue__between_items),
        SHARED_TEST(shared_queue__to_the_body),
        SHARED_TEST(shared_queue__from_the_body),
        SHARED_TEST(shared_queue__of_long_records),
        SHARED_TEST(shared_queue__timeouts),
        SHARED_TEST(shared_queue__close_wakes_all),
        SHARED_TEST(shared_queue__terminate_wakes_all),
        SHARED_TEST(shared_queue__failing_body_wakes_all),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
