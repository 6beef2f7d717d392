/* What clients of the item engine rely on beside chunks: questions and answers, also late ones and large ones; items
 * that wait for others; parcels both ways; memory that is short. */
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "clock.h"
#include "items_engine.h"
#include "mem.h"

/* The first items do not ask. */
enum { SILENT = 200, MOST = SILENT + 60, LARGE = 300000, THREADS = 2 };

/* A client whose items ask. */
typedef struct {
    furrow_engine_t *engine;
    int64_t items;
    bool together;    /* answers wait until all workers ask: none may be kept from that by a chunk that waits with it */
    bool late;        /* answers wait until as many ask as there are workers, or for some time */
    int64_t bytes;    /* of a question, of an answer, and of what goes with a chunk and back */
    atomic_int wrong; /* on this rank */
    /* rank 0: */
    pthread_mutex_t lock;
    int64_t next, told, asked;
    int64_t again[MOST], agains; /* items that came back, because a thread of their rank asked */
    furrow_asker_t waiting[64];
    int64_t waiting_item[64], waits;
    double since;
    int64_t answered;
} job_t;

enum { STEP = 256 };

/* What stands from `at` on, a multiple of STEP: the item, where it stands, and filling. */
static void expect_step(int64_t item, int64_t at, char out[STEP])
{
    const int64_t head[2] = {item, at};

    memset(out, (int)(item % 100), STEP);
    memcpy(out, head, sizeof head);
}

static void fill(furrow_parcel_t *parcel, int64_t item)
{
    char step[STEP];

    for (int64_t at = 0; at < parcel->bytes; at += STEP) {
        expect_step(item, at, step);
        memcpy(parcel->data + at, step, (size_t)furrow_least(STEP, parcel->bytes - at));
    }
}

static int64_t check(const furrow_parcel_t *parcel, int64_t bytes)
{
    char step[STEP];
    int64_t item;

    if (parcel == NULL || parcel->bytes != bytes) return -1;
    memcpy(&item, parcel->data, sizeof item);
    for (int64_t at = 0; at < bytes; at += STEP) {
        expect_step(item, at, step);
        if (memcmp(parcel->data + at, step, (size_t)furrow_least(STEP, bytes - at)) != 0) return -1;
    }
    return item;
}

static furrow_status_t work(void *arg, int thread, const furrow_chunk_t *chunk, const furrow_parcel_t *packed,
                            furrow_done_t *done, furrow_error_t *err)
{
    job_t *j = arg;
    const int64_t item = chunk->range.start;
    furrow_parcel_t *question, *answer = NULL;

    if (packed != NULL && check(packed, j->bytes) != item) atomic_fetch_add(&j->wrong, 1);
    if ((packed == NULL) != (world.rank == 0)) atomic_fetch_add(&j->wrong, 1);
    if (item >= SILENT) {
        const furrow_status_t status = furrow_parcel_new(j->bytes, &question, err);
        if (status != FURROW_OK) return status;
        fill(question, item);
        if (furrow_engine_ask(j->engine, thread, question, &answer, err) != FURROW_OK ||
            check(answer, j->bytes) != item + 1000)
            atomic_fetch_add(&j->wrong, 1);
        furrow_parcel_free(answer);
    } else {
        (void)nanosleep(&(struct timespec){0, 200000}, NULL);
    }
    done->ran = 1;
    const furrow_status_t status = furrow_parcel_new(j->bytes, &done->parcel, err);
    if (status == FURROW_OK) fill(done->parcel, item + 2000);
    return status;
}

static bool take(void *arg, int64_t threads, bool reserve, furrow_chunk_t *chunk)
{
    job_t *j = arg;

    (void)threads, (void)reserve;
    pthread_mutex_lock(&j->lock);
    const bool got = j->agains > 0 || j->next < j->items;
    const int64_t item = !got ? -1 : j->agains > 0 ? j->again[--j->agains] : j->next++;
    pthread_mutex_unlock(&j->lock);
    *chunk = (furrow_chunk_t){{item, item + 1}, 1, 0, 0, j, 1e-6}; /* looks short: some go into reserve */
    return got;
}

static furrow_status_t pack(void *arg, const furrow_chunk_t *chunk, furrow_parcel_t **out, furrow_error_t *err)
{
    const job_t *j = arg;
    const furrow_status_t status = furrow_parcel_new(j->bytes, out, err);

    if (status == FURROW_OK) fill(*out, chunk->range.start);
    return status;
}

static furrow_status_t told(void *arg, const furrow_chunk_t *chunk, const furrow_done_t *done, furrow_error_t *err)
{
    job_t *j = arg;

    (void)err;
    if (chunk->cookie != j) atomic_fetch_add(&j->wrong, 1);
    if (done->ran == 1 && check(done->parcel, j->bytes) != chunk->range.start + 2000) atomic_fetch_add(&j->wrong, 1);
    pthread_mutex_lock(&j->lock);
    if (done->ran == 1)
        j->told++;
    else
        j->again[j->agains++] = chunk->range.start;
    pthread_mutex_unlock(&j->lock);
    if (done->ran == 0) furrow_engine_wake(j->engine, 1);
    return FURROW_OK;
}

static bool is_over(void *arg, bool stopping)
{
    job_t *j = arg;

    pthread_mutex_lock(&j->lock);
    const bool over = stopping || j->told == j->items;
    pthread_mutex_unlock(&j->lock);
    return over;
}

static void answer(job_t *j, const furrow_asker_t *who, int64_t item)
{
    furrow_parcel_t *parcel = NULL;

    if (furrow_parcel_new(j->bytes, &parcel, NULL) == FURROW_OK) fill(parcel, item + 1000);
    furrow_engine_answer(j->engine, who, parcel);
    j->answered++;
}

static void answer_all(job_t *j)
{
    for (int64_t i = 0; i < j->waits; i++) answer(j, &j->waiting[i], j->waiting_item[i]);
    j->waits = 0;
}

static void asked(void *arg, const furrow_asker_t *who, const furrow_parcel_t *question)
{
    job_t *j = arg;
    const int64_t item = check(question, j->bytes);

    if (item < 0 || who->rank < 0 || who->rank >= world.ranks || who->thread < 0 || who->thread >= THREADS)
        atomic_fetch_add(&j->wrong, 1);
    j->asked++;
    if (!j->late && !j->together) {
        answer(j, who, item);
        return;
    }
    if (j->waits == 0) j->since = furrow_seconds();
    j->waiting[j->waits] = *who;
    j->waiting_item[j->waits++] = item;
    if (j->waits == furrow_engine_workers(j->engine)) answer_all(j);
}

static furrow_status_t tick(void *arg, double *next, furrow_error_t *err)
{
    job_t *j = arg;

    (void)err;
    const bool waits = j->waits > 0 && j->late;
    if (waits && furrow_seconds() > j->since + 0.02) answer_all(j);
    *next = waits ? j->since + 0.02 : INFINITY;
    return FURROW_OK;
}

static void run(job_t *j)
{
    const furrow_engine_client_t client = {.arg = j,
                                           .told_anywhere = true,
                                           .work = work,
                                           .take = take,
                                           .pack = pack,
                                           .told = told,
                                           .is_over = is_over,
                                           .tick = tick,
                                           .asked = asked};
    furrow_error_t err = {0};

    pthread_mutex_init(&j->lock, NULL);
    ASSERT_ALL(furrow_engine_open(world.ctx, &client, &j->engine, &err) == FURROW_OK);
    ASSERT_ALL(furrow_engine_workers(j->engine) == THREADS * world.ranks);
    ASSERT_ALL(furrow_engine_run(j->engine, &err) == FURROW_OK);
    ASSERT_ALL(!furrow_engine_was_stopped(j->engine));
    furrow_engine_close(j->engine);
    pthread_mutex_destroy(&j->lock);
    ASSERT_ALL(atomic_load(&j->wrong) == 0);
    ASSERT_ALL(world.rank != 0 || (j->told == j->items && j->asked == j->items - SILENT && j->answered == j->asked));
}

/* Every item asks, and is answered by its own number; from small ones to those that leave in many messages. */
static void test_questions(void **state)
{
    static const int64_t sizes[] = {8, 900, 1100, LARGE};

    (void)state;
    for (int s = 0; s < LENGTH(sizes); s++)
        for (int how = 0; how < 3; how++) {
            job_t j = {.bytes = sizes[s],
                       .late = how == 1,
                       .together = how == 2,
                       .items = how == 2 ? SILENT + THREADS * world.ranks : MOST};
            run(&j);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
