/* Chunks whose writes go on after the work has returned: nobody hears of one before they are done, and one of which
 * they failed counts as not done. */
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "items_engine.h"

enum { ITEMS = 600, THREADS = 2, LOOKS = 3, NONE = -1 };

/* What a thread has under way: where to put the sign that it is done. */
typedef struct {
    int64_t marks, settled; /* given out; done */
    struct {
        int64_t item;
        int64_t *sign;
    } write[ITEMS + 1]; /* by mark */
    int looks;
} writes_t;

typedef struct {
    int64_t fails; /* this item's write, or NONE */
    writes_t thread[THREADS];
    pthread_mutex_t lock;
    int64_t next; /* rank 0, and below */
    bool told[ITEMS];
    atomic_int early, good, failed;
} job_t;

static furrow_status_t work(void *arg, int thread, const furrow_chunk_t *chunk, const furrow_parcel_t *packed,
                            furrow_done_t *done, furrow_error_t *err)
{
    job_t *j = arg;
    writes_t *w = &j->thread[thread];
    const int64_t item = chunk->range.start;

    (void)packed;
    const furrow_status_t status = furrow_parcel_new(sizeof(int64_t), &done->parcel, err);
    if (status != FURROW_OK) return status;
    memset(done->parcel->data, 0, sizeof(int64_t));
    done->ran = 1;
    if (item % 5 == 0) { /* nothing under way */
        *(int64_t *)(void *)done->parcel->data = 1;
        return FURROW_OK;
    }
    done->mark = ++w->marks;
    w->write[done->mark].item = item;
    w->write[done->mark].sign = (int64_t *)(void *)done->parcel->data;
    return FURROW_OK;
}

/* What is under way takes some looks, or somebody who waits. */
static furrow_status_t settled(void *arg, int thread, int64_t mark, bool wait, bool *out, furrow_error_t *err)
{
    const job_t *j = arg;
    writes_t *w = &((job_t *)arg)->thread[thread];

    *out = mark <= w->settled;
    if (*out || (!wait && ++w->looks % LOOKS != 0)) return FURROW_OK;
    for (; w->settled < mark; w->settled++) {
        if (w->write[w->settled + 1].item == j->fails) return furrow_fail(err, FURROW_EIO, "the disk is gone");
        *w->write[w->settled + 1].sign = 1;
    }
    *out = true;
    return FURROW_OK;
}

static bool take(void *arg, int64_t threads, bool reserve, furrow_chunk_t *chunk)
{
    job_t *j = arg;

    (void)threads, (void)reserve;
    pthread_mutex_lock(&j->lock);
    const int64_t item = j->next < ITEMS ? j->next++ : NONE;
    pthread_mutex_unlock(&j->lock);
    *chunk = (furrow_chunk_t){{item, item + 1}, 1, 0, 0, NULL, 1e-6};
    return item != NONE;
}

static furrow_status_t told(void *arg, const furrow_chunk_t *chunk, const furrow_done_t *done, furrow_error_t *err)
{
    job_t *j = arg;

    (void)err;
    if (done->failed || done->ran == 0) {
        atomic_fetch_add(&j->failed, 1);
        return FURROW_OK;
    }
    if (done->parcel == NULL || *(const int64_t *)(const void *)done->parcel->data != 1) atomic_fetch_add(&j->early, 1);
    if (j->told[chunk->range.start]) atomic_fetch_add(&j->early, 1);
    j->told[chunk->range.start] = true;
    atomic_fetch_add(&j->good, 1);
    return FURROW_OK;
}

static bool is_over(void *arg, bool stopping)
{
    job_t *j = arg;

    pthread_mutex_lock(&j->lock);
    const bool over = stopping || j->next == ITEMS;
    pthread_mutex_unlock(&j->lock);
    return over;
}

static furrow_status_t run(job_t *j)
{
    const furrow_engine_client_t client = {
        .arg = j, .work = work, .settled = settled, .take = take, .told = told, .is_over = is_over};
    furrow_engine_t *engine;
    furrow_error_t err = {0};

    pthread_mutex_init(&j->lock, NULL);
    ASSERT_ALL(furrow_engine_open(world.ctx, &client, &engine, &err) == FURROW_OK);
    const furrow_status_t status = furrow_engine_run(engine, &err);
    furrow_engine_close(engine);
    pthread_mutex_destroy(&j->lock);
    return status;
}

static void test_items_settled__nobody_hears_before(void **state)
{
    static job_t job;

    (void)state;
    job = (job_t){.fails = NONE};
    ASSERT_ALL(run(&job) == FURROW_OK);
    ASSERT_ALL(atomic_load(&job.early) == 0);
    ASSERT_ALL(world.rank != 0 || (atomic_load(&job.good) == ITEMS && atomic_load(&job.failed) == 0));
    for (int t = 0; t < THREADS; t++) ASSERT_ALL(job.thread[t].settled == job.thread[t].marks);
}

static void test_items_settled__a_write_that_failed(void **state)
{
    static job_t job;

    (void)state;
    job = (job_t){.fails = 333};
    const furrow_status_t status = run(&job);
    int failed = status == FURROW_EIO, ranks_failed;
    MPI_Allreduce(&failed, &ranks_failed, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    ASSERT_ALL(status == FURROW_OK || status == FURROW_EIO);
    ASSERT_ALL(ranks_failed == 1); /* the one that had it */
    ASSERT_ALL(atomic_load(&job.early) == 0);
    ASSERT_ALL(world.rank != 0 || (!job.told[333] && atomic_load(&job.failed) >= 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_settled__nobody_hears_before),
        cmocka_unit_test(test_items_settled__a_write_that_failed),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
