/* Counters and locks between items on all ranks, callbacks and the body: the races of the tutorials, each of which
 * loses something where one thing is read, changed and written by two at a time. */
#include "shared_support.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>

/* ----------------------------------------------------------------- counter */

enum { ADDS = 2000 };

/* `counter += 1` of all: each value is seen once. */
static int count_up(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    furrow_error_t err = {0};
    int64_t value = -1;

    const furrow_status_t status = furrow_counter_add(task->pool, kit->counter, 1, &value, &err);
    if (value >= 0 && value <= ADDS) atomic_fetch_add(&board->seen[value], 1);
    return note(status == FURROW_OK, task, "add", &err);
}

static furrow_status_t counter_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    kit_t kit = {0};
    int64_t value = -1, once = 0;

    (void)arg;
    EXPECT_OK(furrow_counter_open(pool, 0, &kit.counter, err));
    run_items(pool, count_up, &kit, ADDS);
    EXPECT_OK(furrow_counter_add(pool, kit.counter, 0, &value, err));
    EXPECT(value == ADDS);
    for (int64_t i = 1; i <= ADDS; i++) once += board->seen[i] == 1;
    EXPECT(once == ADDS);

    EXPECT_OK(furrow_counter_add(pool, kit.counter, -2 * ADDS, NULL, err));
    EXPECT_OK(furrow_counter_add(pool, kit.counter, 0, &value, err));
    EXPECT(value == -ADDS);
    EXPECT(furrow_counter_add(pool, kit.counter, INT64_MIN, &value, err) == FURROW_EOVERFLOW);
    EXPECT(says(err, FURROW_EOVERFLOW, "-2000 + -9223372036854775808 leaves 64 bits") && value == -ADDS);
    return FURROW_OK;
}

/* -------------------------------------------------------------------- lock */

/* A withdrawal as in the tutorials, with time in which others could come between. */
static int deposit(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    furrow_error_t err = {0};

    if (furrow_lock_acquire(task->pool, kit->lock, -1, &err) != FURROW_OK) return note(false, task, "acquire", &err);
    const int64_t balance = board->balance, holders = ++board->holders;
    if (holders > board->most_holders) board->most_holders = holders;
    (void)sched_yield();
    if (task->index % 16 == 0) sleep_s(0.0005);
    board->balance = balance + 1;
    board->holders--;
    return note(furrow_lock_release(task->pool, kit->lock, &err) == FURROW_OK, task, "release", &err);
}

enum { DEPOSITS = 600, LINES = 100 };

static furrow_status_t lock_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    kit_t kit = {0};

    (void)arg;
    EXPECT_OK(furrow_lock_open(pool, &kit.lock, err));
    run_items(pool, deposit, &kit, DEPOSITS);
    EXPECT(board->balance == DEPOSITS && board->most_holders == 1 && board->holders == 0);
    return FURROW_OK;
}

/* The same with a number in a file. */
static int count_in_file(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    char path[sizeof world.folder + 16];
    furrow_error_t err = {0};
    int number = 0;

    (void)snprintf(path, sizeof path, "%s/number", world.folder);
    if (furrow_lock_acquire(task->pool, kit->lock, -1, &err) != FURROW_OK) return note(false, task, "acquire", &err);
    FILE *file = fopen(path, "r");
    if (file != NULL && fscanf(file, "%d", &number) != 1) number = -1000000;
    if (file != NULL) (void)fclose(file);
    if ((file = fopen(path, "w")) != NULL) {
        (void)fprintf(file, "%d\n", number + 1);
        (void)fclose(file);
    }
    return note(furrow_lock_release(task->pool, kit->lock, &err) == FURROW_OK, task, "release", &err);
}

static furrow_status_t file_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    kit_t kit = {0};

    (void)arg;
    EXPECT_OK(furrow_lock_open(pool, &kit.lock, err));
    run_items(pool, count_in_file, &kit, LINES);
    return FURROW_OK;
}

/* Items that hold the lock and end: by failing, or by forgetting it. The next one gets it. */
static int keep_lock(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    furrow_error_t err = {0};

    if (furrow_lock_acquire(task->pool, kit->lock, -1, &err) != FURROW_OK) return note(false, task, "acquire", &err);
    const int64_t holders = ++board->holders;
    if (holders > board->most_holders) board->most_holders = holders;
    sleep_s(0.001);
    board->balance++;
    board->holders--;
    return task->index % 2 == 0 ? furrow_task_fail(task, 7, "fails with the lock") : 0;
}

static furrow_status_t keep_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    kit_t kit[40] = {0};
    furrow_failures_t failures = {0};

    (void)arg;
    EXPECT_OK(furrow_lock_open(pool, &kit[0].lock, err));
    for (int i = 1; i < LENGTH(kit); i++) kit[i] = kit[0];
    const furrow_call_t call = call_of(keep_lock, kit, LENGTH(kit));
    EXPECT(furrow_pool_map(pool, &call, NULL, &failures, err) == FURROW_EITEM);
    EXPECT(failures.count == LENGTH(kit) / 2);
    for (int64_t i = 0; i < failures.count; i++) EXPECT(failures.list[i].code == 7 && failures.list[i].index == 2 * i);
    furrow_failures_free(&failures);
    EXPECT(board->balance == LENGTH(kit) && board->most_holders == 1);
    EXPECT_OK(furrow_lock_acquire(pool, kit[0].lock, 0, err)); /* nobody has it */
    return FURROW_OK;
}

/* The body ends with the lock: those who wait for it get it, and the pool ends. */
static furrow_status_t leave_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    static kit_t kit[6];

    (void)arg;
    EXPECT_OK(furrow_lock_open(pool, &kit[0].lock, err));
    EXPECT_OK(furrow_lock_acquire(pool, kit[0].lock, -1, err));
    for (int i = 1; i < LENGTH(kit); i++) kit[i] = kit[0];
    const furrow_call_t call = call_of(deposit, kit, LENGTH(kit));
    EXPECT_OK(furrow_pool_map_async(pool, &call, NULL, NULL, err));
    sleep_s(0.02);
    EXPECT(board->balance == 0);
    return FURROW_OK;
}

static int misuse_lock(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    furrow_error_t err = {0};

    /* the body holds it */
    if (furrow_lock_release(task->pool, kit->lock, &err) != FURROW_EARG) return note(false, task, "foreign", &err);
    if (!says(&err, FURROW_EARG, "held by another")) return 1;
    if (furrow_lock_acquire(task->pool, kit->lock, 0, &err) != FURROW_ETIMEDOUT) return note(false, task, "0", &err);
    return note(furrow_lock_acquire(task->pool, kit->lock, NAN, &err) == FURROW_EARG, task, "NaN", &err);
}

static furrow_status_t misuse_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    kit_t kit = {0};

    (void)arg;
    EXPECT_OK(furrow_lock_open(pool, &kit.lock, err));
    EXPECT(furrow_lock_release(pool, kit.lock, err) == FURROW_EARG && says(err, FURROW_EARG, "held by nobody"));
    EXPECT_OK(furrow_lock_acquire(pool, kit.lock, -1, err));
    EXPECT(furrow_lock_acquire(pool, kit.lock, -1, err) == FURROW_EARG);
    run_items(pool, misuse_lock, &kit, 20);
    EXPECT_OK(furrow_lock_release(pool, kit.lock, err));
    return FURROW_OK;
}

/* ---------------------------------------------------------------- handles */

static furrow_status_t old_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    kit_t *kit = arg;

    *kit = (kit_t){0};
    EXPECT_OK(furrow_counter_open(pool, 5, &kit->counter, err));
    EXPECT_OK(furrow_lock_open(pool, &kit->lock, err));
    EXPECT_OK(furrow_queue_open(pool, 5, 8, &kit->queue, err));
    return FURROW_OK;
}

/* No handle of this pool: nothing, or those of another pool. */
static int use_wrong(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    int64_t record = 0;
    furrow_error_t err = {0};

    const bool all = furrow_counter_add(task->pool, kit->counter, 1, NULL, &err) == FURROW_EARG &&
                     furrow_lock_acquire(task->pool, kit->lock, -1, &err) == FURROW_EARG &&
                     furrow_lock_release(task->pool, kit->lock, &err) == FURROW_EARG &&
                     furrow_queue_put(task->pool, kit->queue, &record, -1, &err) == FURROW_EARG &&
                     furrow_queue_get(task->pool, kit->queue, &record, -1, &err) == FURROW_EARG &&
                     furrow_queue_close(task->pool, kit->queue, &err) == FURROW_EARG &&
                     furrow_counter_add(NULL, kit->counter, 1, NULL, &err) == FURROW_EARG;
    return note(all, task, "wrong handle", &err);
}

static furrow_status_t wrong_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const kit_t nothing_at_all = {0};
    kit_t kit = {0};
    int64_t wide[2] = {1, 2};

    EXPECT_OK(old_body(pool, &kit, err)); /* the same things as in the former pool, in the same order */
    run_items(pool, use_wrong, &nothing_at_all, 10);
    run_items(pool, use_wrong, arg, 10);
    EXPECT(furrow_queue_open(pool, 0, 8, &kit.queue, err) == FURROW_EARG && kit.queue.id == 0);
    EXPECT(furrow_queue_open(pool, 1, -1, &kit.queue, err) == FURROW_EARG);
    EXPECT(furrow_queue_open(pool, 1, INT64_MAX, &kit.queue, err) == FURROW_EOVERFLOW);
    EXPECT_OK(furrow_queue_open(pool, 1, 8, &kit.queue, err));
    kit.queue.item_bytes = 16; /* a handle that was changed */
    EXPECT(furrow_queue_put(pool, kit.queue, wide, 0, err) == FURROW_EARG);
    EXPECT(furrow_queue_get(pool, kit.queue, wide, 0, err) == FURROW_EARG && says(err, FURROW_EARG, "not 16"));
    return FURROW_OK;
}

/* ---------------------------------------------------------------- callbacks */

typedef struct {
    furrow_pool_t *pool;
    kit_t kit;
} told_t;

/* A callback may ask, not wait; the lock that it keeps is released when it ends. */
static void ask_in_callback(void *arg, const void *results, int64_t count)
{
    const told_t *told = arg;
    furrow_error_t err = {0};

    (void)results;
    (void)count;
    EXPECT(furrow_lock_acquire(told->pool, told->kit.lock, -1, &err) == FURROW_EARG);
    EXPECT(says(&err, FURROW_EARG, "callback"));
    EXPECT_OK(furrow_counter_add(told->pool, told->kit.counter, 1, NULL, &err));
    EXPECT_OK(furrow_lock_acquire(told->pool, told->kit.lock, 0, &err));
}

static furrow_status_t callback_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    told_t told = {.pool = pool};
    const furrow_callbacks_t callbacks = {.done = ask_in_callback, .arg = &told};
    int64_t value = 0;

    (void)arg;
    EXPECT_OK(furrow_lock_open(pool, &told.kit.lock, err));
    EXPECT_OK(furrow_counter_open(pool, 0, &told.kit.counter, err));
    for (int i = 0; i < 5; i++) EXPECT_OK(furrow_pool_apply_async(pool, nothing, NULL, 0, 0, &callbacks, NULL, err));
    furrow_pool_close(pool);
    EXPECT_OK(furrow_pool_join(pool, -1, err));
    EXPECT_OK(furrow_counter_add(pool, told.kit.counter, 0, &value, err));
    EXPECT(value == 5);
    EXPECT_OK(furrow_lock_acquire(pool, told.kit.lock, -1, err));
    return FURROW_OK;
}

/* --------------------------------------------------------- threads of the body */

typedef struct {
    furrow_pool_t *pool;
    furrow_counter_t counter;
} thread_kit_t;

static void *add_in_thread(void *arg)
{
    const thread_kit_t *kit = arg;

    for (int i = 0; i < 300; i++) EXPECT_OK(furrow_counter_add(kit->pool, kit->counter, 1, NULL, NULL));
    return NULL;
}

static furrow_status_t threads_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    thread_kit_t kit = {.pool = pool};
    pthread_t thread[3];
    int64_t value = 0;

    (void)arg;
    EXPECT_OK(furrow_counter_open(pool, 0, &kit.counter, err));
    for (int t = 0; t < LENGTH(thread); t++) EXPECT(pthread_create(&thread[t], NULL, add_in_thread, &kit) == 0);
    for (int t = 0; t < LENGTH(thread); t++) (void)pthread_join(thread[t], NULL);
    EXPECT_OK(furrow_counter_add(pool, kit.counter, 0, &value, err));
    EXPECT(value == 900);
    return FURROW_OK;
}

/* ------------------------------------------------------------------- tests */

static furrow_task_fn *const shared_functions[] = {count_up,    deposit,   count_in_file, keep_lock,
                                                   misuse_lock, use_wrong, nothing};

static const furrow_pool_opts_t shared_opts = {.functions = shared_functions,
                                               .function_count = LENGTH(shared_functions)};

static void test_shared__counter(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, counter_body, NULL);
}

static void test_shared__lock(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, lock_body, NULL);
    ASSERT_ALL(board->balance == DEPOSITS); /* seen by all after the pool */
}

static void test_shared__lock_around_a_file(void **state)
{
    size_t bytes = 0;

    (void)state;
    RUN_POOL(&shared_opts, file_body, NULL);
    char *text = get_file("number", &bytes);
    ASSERT_ALL(bytes == 4 && memcmp(text, "100\n", 4) == 0);
    free(text);
    clear_folder();
}

static void test_shared__lock_of_one_that_ended(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, keep_body, NULL);
}

static void test_shared__lock_of_the_body(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, leave_body, NULL);
    ASSERT_ALL(board->balance == 6);
}

static void test_shared__lock_misuse(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, misuse_body, NULL);
}

static void test_shared__wrong_handles(void **state)
{
    kit_t old = {0};

    (void)state;
    RUN_POOL(&shared_opts, old_body, &old);
    RUN_POOL(&shared_opts, wrong_body, &old);
}

static void test_shared__callbacks(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, callback_body, NULL);
}

static void test_shared__threads_of_the_body(void **state)
{
    (void)state;
    RUN_POOL(&shared_opts, threads_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHARED_TEST(shared__counter),
        SHARED_TEST(shared__lock),
        SHARED_TEST(shared__lock_around_a_file),
        SHARED_TEST(shared__lock_of_one_that_ended),
        SHARED_TEST(shared__lock_of_the_body),
        SHARED_TEST(shared__lock_misuse),
        SHARED_TEST(shared__wrong_handles),
        SHARED_TEST(shared__callbacks),
        SHARED_TEST(shared__threads_of_the_body),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
