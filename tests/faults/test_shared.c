/* Shared things where memory is short, on any rank, at any moment: whoever asks is told, nobody waits for ever, no lock
 * is lost, and the next pool works. */
#include "mpi/pool_support.h"

#include "fault.h"

#ifndef FURROW_FAULTS
#error "this test needs the fault points: cmake -DFURROW_FAULTS=ON"
#endif

typedef struct {
    furrow_counter_t counter;
    furrow_lock_t lock;
    furrow_queue_t queue;
} kit_t;

/* A queue that is always open, so that one who gives up keeps nobody waiting; the lock is left to the pool. */
static int use_all(const furrow_task_t *task)
{
    const kit_t *kit = task->arg;
    int64_t record = task->index;
    furrow_error_t err = {0};

    furrow_status_t status = furrow_counter_add(task->pool, kit->counter, 1, NULL, &err);
    if (status == FURROW_OK) status = furrow_lock_acquire(task->pool, kit->lock, -1, &err);
    if (status == FURROW_OK) status = furrow_queue_put(task->pool, kit->queue, &record, -1, &err);
    return status == FURROW_OK ? 0 : furrow_task_fail(task, (int)status, "%s", err.text);
}

static furrow_status_t use_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    kit_t kit[6] = {0};
    int64_t record;

    (void)arg;
    furrow_status_t status = furrow_counter_open(pool, 0, &kit[0].counter, err);
    if (status == FURROW_OK) status = furrow_lock_open(pool, &kit[0].lock, err);
    if (status == FURROW_OK) status = furrow_queue_open(pool, LENGTH(kit), sizeof record, &kit[0].queue, err);
    for (int i = 1; i < LENGTH(kit); i++) kit[i] = kit[0];
    const furrow_call_t call = {
        .function = use_all, .args = kit, .arg_bytes = sizeof *kit, .count = LENGTH(kit), .chunk = 1};
    if (status == FURROW_OK) status = furrow_pool_map(pool, &call, NULL, NULL, err);
    for (int i = 0; i < LENGTH(kit) && status == FURROW_OK; i++)
        status = furrow_queue_get(pool, kit[0].queue, &record, 0, err);
    return status;
}

static furrow_status_t use_pool(furrow_error_t *err)
{
    static furrow_task_fn *const used[] = {use_all};
    const furrow_pool_opts_t opts = {.functions = used, .function_count = 1};

    return furrow_pool_run(world.ctx, &opts, use_body, NULL, err);
}

/* Collective. Which allocation is the nth depends on which thread is faster: what counts is that it ends, alike on all
 * ranks, and as it must where nothing failed. \return false if the fault was not met */
static bool try_fault(int nth, int rank)
{
    furrow_error_t err = {0};
    char fault[64];

    (void)snprintf(fault, sizeof fault, "alloc:%d:%d", nth, rank);
    (void)furrow_fault_reset();
    (void)setenv("FURROW_FAULT", fault, 1);
    MPI_Barrier(MPI_COMM_WORLD);
    const furrow_status_t status = use_pool(&err);
    (void)unsetenv("FURROW_FAULT");
    int hit = furrow_fault_reset() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &hit, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    ASSERT_ALL(same_on_all(&status, sizeof status));
    ASSERT_ALL(status == FURROW_OK || (hit != 0 && (status == FURROW_ENOMEM || status == FURROW_EITEM)));
    ASSERT_ALL(status == FURROW_OK || strstr(err.text, "out of memory") != NULL);
    ASSERT_ALL(use_pool(NULL) == FURROW_OK);
    return hit != 0;
}

static void test_shared__memory_is_short(void **state)
{
    (void)state;
    for (int rank = 0; rank < world.ranks; rank++) {
        int nth = 1;
        while (try_fault(nth, rank)) nth++;
        ASSERT_ALL(nth > (rank == 0 ? 20 : 3));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shared__memory_is_short)};
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
