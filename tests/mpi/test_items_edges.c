/* Edges of chunks: each goes to the rank that writes it, once, and rank 0 hears of a chunk when all of it stands in the
 * file; a rank that cannot write ends the run; rank 0 does not run ahead of those who write for it. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "file.h"
#include "items_engine.h"

enum { ITEMS = 400, PART = 12000, PLACE = FURROW_EDGES * PART, THREADS = 2 };

/* One item is a chunk, and has PLACE bytes of the file, in two parts of up to PART. */
typedef struct {
    int fd;
    int64_t failing; /* this item cannot be written; -1: all can */
    bool slow;       /* who writes for others takes its time */
    atomic_int came; /* edges, to this rank */
    atomic_int wrong;
    /* rank 0: */
    pthread_mutex_t lock;
    int64_t next;
    int times[ITEMS];             /* that the client was told of an item */
    bool here[ITEMS];             /* a thread of rank 0 had it */
    int64_t open_here, most_here; /* of those, begun and not told */
} job_t;

static char byte_at(int64_t at)
{
    return (char)(at % 251 + at / PART);
}

/* From 0 bytes to PART, so that some travel within a mail and some in many pieces. */
static int64_t part_bytes(int64_t item, int part)
{
    static const int64_t sizes[] = {0, 1, 500, 1000, 7000, PART};

    return sizes[(item + 5 * part) % LENGTH(sizes)];
}

static int part_owner(int64_t item, int part)
{
    return (int)((item / 3 + part) % world.ranks);
}

static furrow_status_t write_bytes(const job_t *j, int64_t at, const char *data, int64_t bytes, furrow_error_t *err)
{
    if (at / PLACE == j->failing) return furrow_fail(err, FURROW_EIO, "no room for item %lld", (long long)j->failing);
    return furrow_file_write(j->fd, "the file", at, data, bytes, err);
}

static furrow_status_t write_edge(void *arg, int64_t at, const furrow_parcel_t *data, furrow_error_t *err)
{
    job_t *j = arg;
    const int64_t item = at / PLACE;
    const int part = (int)(at % PLACE / PART);

    atomic_fetch_add(&j->came, 1);
    if (part_owner(item, part) != world.rank || data->bytes != part_bytes(item, part)) atomic_fetch_add(&j->wrong, 1);
    if (j->slow) (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
    return write_bytes(j, at, data->data, data->bytes, err);
}

static furrow_status_t put_part(job_t *j, int64_t item, int part, furrow_edge_t *edge, furrow_error_t *err)
{
    const int64_t bytes = part_bytes(item, part), at = item * PLACE + part * PART;
    char data[PART];

    for (int64_t i = 0; i < bytes; i++) data[i] = byte_at(at + i);
    if (bytes == 0) return FURROW_OK;
    if (part_owner(item, part) == world.rank) return write_bytes(j, at, data, bytes, err);
    *edge = (furrow_edge_t){.rank = part_owner(item, part), .at = at};
    const furrow_status_t status = furrow_parcel_new(bytes, &edge->data, err);
    if (status == FURROW_OK) memcpy(edge->data->data, data, (size_t)bytes);
    return status;
}

static furrow_status_t work(void *arg, int thread, const furrow_chunk_t *chunk, const furrow_parcel_t *packed,
                            furrow_done_t *done, furrow_error_t *err)
{
    job_t *j = arg;
    const int64_t item = chunk->range.start;
    furrow_status_t status = FURROW_OK;

    (void)packed;
    if (thread < 0 || thread >= THREADS) abort();
    if (world.rank == 0) {
        pthread_mutex_lock(&j->lock);
        j->here[item] = true;
        if (++j->open_here > j->most_here) j->most_here = j->open_here;
        pthread_mutex_unlock(&j->lock);
    }
    for (int part = 0; part < FURROW_EDGES && status == FURROW_OK; part++)
        status = put_part(j, item, part, &done->edges.edge[part], err);
    done->ran = 1;
    if (item % 3 == 0) { /* a report may have something to tell, too */
        if (furrow_parcel_new(sizeof item, &done->parcel, NULL) != FURROW_OK) abort();
        memcpy(done->parcel->data, &item, sizeof item);
    }
    return status;
}

static bool take(void *arg, int64_t threads, bool reserve, furrow_chunk_t *chunk)
{
    job_t *j = arg;
    const bool got = j->next < ITEMS; /* the engine is locked */

    (void)threads, (void)reserve;
    *chunk = (furrow_chunk_t){{j->next, j->next + 1}, 1, 0, 0, j, 1e-5};
    j->next += got;
    return got;
}

static bool stands_in_file(const job_t *j, int64_t item)
{
    char seen[PART];
    bool good = true;

    for (int part = 0; part < FURROW_EDGES && good; part++) {
        const int64_t bytes = part_bytes(item, part), at = item * PLACE + part * PART;
        good = furrow_file_read(j->fd, "the file", at, seen, bytes, NULL) == FURROW_OK;
        for (int64_t i = 0; i < bytes && good; i++) good = seen[i] == byte_at(at + i);
    }
    return good;
}

static furrow_status_t told(void *arg, const furrow_chunk_t *chunk, const furrow_done_t *done, furrow_error_t *err)
{
    job_t *j = arg;
    const int64_t item = chunk->range.start;
    int64_t packed = item;

    (void)err;
    if (done->parcel != NULL) memcpy(&packed, done->parcel->data, sizeof packed);
    pthread_mutex_lock(&j->lock);
    j->open_here -= j->here[item];
    if (!done->failed) j->times[item]++;
    const bool good = done->failed || (packed == item && (done->parcel != NULL) == (item % 3 == 0));
    if (!good || (!done->failed && !stands_in_file(j, item))) atomic_fetch_add(&j->wrong, 1);
    pthread_mutex_unlock(&j->lock);
    return FURROW_OK;
}

static bool is_over(void *arg, bool stopping)
{
    return stopping || ((job_t *)arg)->next == ITEMS;
}

/* Collective. A file that all see; the status on which all agree. */
static furrow_status_t run(job_t *j, bool told_anywhere, furrow_error_t *err)
{
    const furrow_engine_client_t client = {.arg = j,
                                           .told_anywhere = told_anywhere,
                                           .work = work,
                                           .write_edge = write_edge,
                                           .take = take,
                                           .told = told,
                                           .is_over = is_over};
    furrow_engine_t *engine = NULL;

    put_file("edges", "", 0, NULL, 0);
    j->fd = open(path_of("edges"), O_RDWR);
    pthread_mutex_init(&j->lock, NULL);
    ASSERT_ALL(j->fd >= 0 && furrow_engine_open(world.ctx, &client, &engine, err) == FURROW_OK);
    const furrow_status_t status = furrow_agree(world.ctx, furrow_engine_run(engine, err), err);
    furrow_engine_close(engine);
    pthread_mutex_destroy(&j->lock);
    (void)close(j->fd);
    ASSERT_ALL(atomic_load(&j->wrong) == 0);
    return status;
}

static void test_edges__written_before_told(void **state)
{
    (void)state;
    for (int anywhere = 0; anywhere < 2; anywhere++) {
        job_t j = {.failing = -1};
        furrow_error_t err = {0};
        ASSERT_ALL(run(&j, anywhere == 1, &err) == FURROW_OK);
        bool once = true;
        for (int i = 0; i < ITEMS; i++) once = once && j.times[i] == 1;
        ASSERT_ALL(world.rank != 0 || once);
        int64_t came = atomic_load(&j.came);
        MPI_Allreduce(MPI_IN_PLACE, &came, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
        ASSERT_ALL((came > 0) == (world.ranks > 1)); /* else this tests nothing */
    }
}

/* Whoever had the item: the rank that could not write is named, nobody was told that the item is done. */
static void test_edges__owner_fails(void **state)
{
    (void)state;
    for (int64_t item = 1; item < ITEMS; item += ITEMS / 5) {
        job_t j = {.failing = item};
        furrow_error_t err = {0};
        const furrow_status_t status = run(&j, item % 2 == 0, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EIO, -1, "no room for item"));
        ASSERT_ALL(j.times[item] == 0);
        const int named = err.rank;
        ASSERT_ALL(named == part_owner(item, 0) || named == part_owner(item, 1));
        err = (furrow_error_t){0};
        j = (job_t){.failing = -1};
        ASSERT_ALL(run(&j, false, &err) == FURROW_OK); /* the next run is as ever */
    }
}

/* Each thread of rank 0 works on one, and as many wait, or a few more that ended at the same time. */
static void test_edges__rank_0_waits(void **state)
{
    job_t j = {.failing = -1, .slow = true};
    furrow_error_t err = {0};

    (void)state;
    ASSERT_ALL(run(&j, false, &err) == FURROW_OK);
    ASSERT_ALL(world.ranks == 1 || j.most_here <= 3 * THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges__written_before_told),
        cmocka_unit_test(test_edges__owner_fails),
        cmocka_unit_test(test_edges__rank_0_waits),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
