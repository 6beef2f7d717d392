/* The pulse over ranks: one that waits hears that another one works, and only then; nothing is left in the air. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "exec.h"
#include "support.h"

/* Blocks of 50 ms, on two threads: somewhat longer than rank 0 takes to tell that it lives, which is a second; than
 * another one, of which rank 0 tells the rest. */
enum { TOLD_BY_ROOT = 60, TOLD_TO_ROOT = 100 };

/* What a thread of its own sees of this rank while the main thread is in a call. */
typedef struct {
    pthread_t id;
    atomic_bool stop;
    int64_t first, last; /* beats */
    bool waited, worked;
} witness_t;

static void nap(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

static void *look_on(void *arg)
{
    witness_t *w = arg;
    furrow_pulse_t pulse;

    for (w->first = -1; !atomic_load(&w->stop); nap()) {
        furrow_context_pulse(world.ctx, &pulse);
        if (w->first < 0) w->first = pulse.beats;
        w->last = pulse.beats;
        w->waited |= pulse.waits_in != NULL && strcmp(pulse.waits_in, "an agreement") == 0 && pulse.busy == 0;
        w->worked |= pulse.busy > 0 && strcmp(pulse.thread[0].noun, "block") == 0 && pulse.thread[0].count == 1;
    }
    return NULL;
}

static furrow_status_t sleep_block(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    (void)arg, (void)block, (void)thread, (void)err;
    nap();
    return FURROW_OK;
}

/* Rank `worker` works, the others wait for it. */
static witness_t watch(int worker)
{
    witness_t w = {0};
    furrow_error_t err;

    MPI_Barrier(MPI_COMM_WORLD);
    if (pthread_create(&w.id, NULL, look_on, &w) != 0) MPI_Abort(MPI_COMM_WORLD, 1);
    furrow_status_t status = FURROW_OK;
    if (world.rank == worker) {
        nap();
        nap();
        status = furrow_exec(world.ctx, worker == 0 ? TOLD_BY_ROOT : TOLD_TO_ROOT, sleep_block, NULL, &err);
        atomic_store(&w.stop, true); /* the others see the end of the agreement; here the work counts */
    }
    status = furrow_agree(world.ctx, status, &err);
    atomic_store(&w.stop, true);
    (void)pthread_join(w.id, NULL);
    ASSERT_ALL(status == FURROW_OK);
    return w;
}

static void test_waiting_ranks_hear_of_work(void **state)
{
    (void)state;
    for (int worker = 0; worker<world.ranks; worker += world.ranks> 2 ? world.ranks - 1 : 1) {
        furrow_context_share_pulse(world.ctx, true);
        const witness_t w = watch(worker);
        ASSERT_ALL(w.last > w.first);
        ASSERT_ALL(world.rank == worker ? w.worked : w.waited);
    }
}

static void test_all_ranks_must_share(void **state)
{
    (void)state;
    furrow_context_share_pulse(world.ctx, world.rank != world.ranks - 1);
    const witness_t w = watch(0);
    ASSERT_ALL(world.rank == 0 || w.last <= w.first + 1); /* 1: the agreement itself may be over */
}

/* A context closes while signs of life are under way. */
static void test_close(void **state)
{
    furrow_context_t *ctx;

    (void)state;
    for (int round = 0; round < 3; round++) {
        ASSERT_ALL(furrow_context_open(NULL, &ctx, NULL) == FURROW_OK);
        furrow_context_share_pulse(ctx, true);
        const furrow_status_t status =
            world.rank == round % world.ranks ? furrow_exec(ctx, 20, sleep_block, NULL, NULL) : FURROW_OK;
        furrow_context_close(ctx);
        ASSERT_ALL(status == FURROW_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waiting_ranks_hear_of_work),
        cmocka_unit_test(test_all_ranks_must_share),
        cmocka_unit_test(test_close),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
