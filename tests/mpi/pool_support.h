/* What the tests of pools share. Bodies and callbacks run on threads of their own, out of which cmocka cannot jump:
 * they note what does not hold, EXPECT(), and all ranks assert it afterwards, RUN_POOL(). */
#ifndef FURROW_TESTS_POOL_SUPPORT_H
#define FURROW_TESTS_POOL_SUPPORT_H

#include "support.h"

#include <stdatomic.h>
#include <time.h>

#include "furrow_pool.h"

static atomic_int wrong;

static inline void expect(bool holds, const char *expression, const char *file, int line)
{
    if (holds) return;
    atomic_fetch_add(&wrong, 1);
    (void)fprintf(stderr, "rank %d of %d, %s:%d: not so: %s\n", world.rank, world.ranks, file, line, expression);
}

#define EXPECT(expression) expect((expression), #expression, __FILE__, __LINE__)
#define EXPECT_OK(call) EXPECT((call) == FURROW_OK)

static inline void sleep_s(double seconds)
{
    const struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

    (void)nanosleep(&time, NULL);
}

/* ------------------------------------------------------------- functions */

static inline int square(const furrow_task_t *task)
{
    const int64_t x = task->arg != NULL ? *(const int64_t *)task->arg : task->index;

    *(int64_t *)task->result = x * x;
    return 0;
}

typedef struct {
    int64_t a, b;
} pair_t;

static inline int multiply(const furrow_task_t *task)
{
    const pair_t *p = task->arg;

    *(int64_t *)task->result = p->a * p->b;
    return 0;
}

/* Fails where the index is a multiple of 7, and spoils its result; later ones often fail earlier. */
static inline int picky(const furrow_task_t *task)
{
    *(int64_t *)task->result = task->index + 1;
    if (task->index % 28 == 0) sleep_s(0.001);
    if (task->index % 7 == 0) return furrow_task_fail(task, 3, "item %lld is a multiple of 7", (long long)task->index);
    return 0;
}

static inline int fail_plainly(const furrow_task_t *task)
{
    (void)task;
    return -5;
}

static inline int who(const furrow_task_t *task)
{
    memcpy(task->result, task->worker, sizeof *task->worker);
    sleep_s(0.002);
    return 0;
}

/* Its argument is how long, in seconds; the result is the argument. */
static inline int doze(const furrow_task_t *task)
{
    const double seconds = *(const double *)task->arg;

    sleep_s(seconds);
    if (task->result != NULL) memcpy(task->result, task->arg, sizeof seconds);
    return 0;
}

static inline int nothing(const furrow_task_t *task)
{
    (void)task;
    return 0;
}

/* The last ones are slow, and look like the others when they are given out. */
enum { UNEVEN = 1000, SLOW_ONES = 12 };

static inline int slow_at_the_end(const furrow_task_t *task)
{
    if (task->index >= UNEVEN - SLOW_ONES) sleep_s(0.03);
    *(int64_t *)task->result = task->index;
    return 0;
}

/* Runs until it is told to end. */
static inline int wait_for_cancel(const furrow_task_t *task)
{
    while (!furrow_task_cancelled(task)) sleep_s(0.001);
    return 0;
}

/* The first 10 bytes of its argument tell how long the rest should be; the result is the sum, over and over. */
static inline int checksum(const furrow_task_t *task)
{
    const unsigned char *bytes = task->arg;
    unsigned sum = 0;

    for (int64_t i = 0; i < task->arg_bytes; i++) sum = sum * 31 + bytes[i];
    for (int64_t i = 0; i < task->result_bytes; i++) ((unsigned char *)task->result)[i] = (unsigned char)(sum + i);
    return 0;
}

static furrow_task_fn *const functions[] = {square, multiply, picky,           fail_plainly, who,
                                            doze,   nothing,  wait_for_cancel, checksum,     slow_at_the_end};

static const furrow_pool_opts_t plain = {.functions = functions, .function_count = LENGTH(functions)};

/* Collective: the pool ends so, alike on all ranks, and all that was expected in it held. */
#define RUN_POOL_AS(expected, opts, body, arg, text)                                                                   \
    do {                                                                                                               \
        furrow_error_t err_;                                                                                           \
        atomic_store(&wrong, 0);                                                                                       \
        const furrow_status_t status_ = furrow_pool_run(world.ctx, opts, body, arg, &err_);                            \
        if ((expected) == FURROW_OK)                                                                                   \
            ASSERT_ALL(status_ == FURROW_OK);                                                                          \
        else                                                                                                           \
            ASSERT_ALL(failed_alike(status_, &err_, expected, -1, text));                                              \
        ASSERT_ALL(atomic_load(&wrong) == 0);                                                                          \
    } while (0)

#define RUN_POOL(opts, body, arg) RUN_POOL_AS(FURROW_OK, opts, body, arg, "")

/* Whether an error says what it must, on one line. */
static inline bool says(const furrow_error_t *err, furrow_status_t status, const char *text)
{
    if (err->status == status && strstr(err->text, text) != NULL && strchr(err->text, '\n') == NULL) return true;
    (void)fprintf(stderr, "expected %d with '%s', got %d: %s\n", (int)status, text, (int)err->status, err->text);
    return false;
}

#endif
