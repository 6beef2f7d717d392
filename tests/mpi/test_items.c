/* The item engine: every item exactly once, whatever the ranks, chunks and skips; rejects; failures, cancellation;
 * balance. */
#include "support.h"

#include <malloc.h>
#include <stdatomic.h>
#include <time.h>

#include "items.h"
#include "mem.h"

enum { MOST = 5000, THREADS = 2 };

/* One run, and what was seen of it on this rank. */
typedef struct {
    furrow_items_t items;
    atomic_int done[MOST];  /* by this rank's threads */
    int64_t told[MOST];     /* rank 0: listener.done */
    int64_t rejected[MOST]; /* rank 0 */
    bool bad_text;
    int64_t failing;              /* this item fails the run; -1: none */
    int64_t cancelling;           /* this item cancels it */
    bool fails_here;              /* any item on this rank fails the run */
    int64_t reject_every;         /* 0: none */
    int64_t leave_after;          /* so many items of a chunk its rest is left; 0: never */
    int64_t slow_from, slow_stop; /* these sleep slow_ns, others quick_ns; 0: no sleep */
    long slow_ns, quick_ns;
    int64_t told_in_all, counted, most_memory;
    furrow_context_t *ctx;
} job_t;

static job_t job;

static void sleep_ns(long ns)
{
    const struct timespec time = {ns / 1000000000, ns % 1000000000};

    if (ns > 0) (void)nanosleep(&time, NULL);
}

static furrow_status_t work(void *arg, int64_t first, int64_t count, int thread, furrow_made_t *made,
                            furrow_error_t *err)
{
    job_t *j = arg;
    char text[64];

    if (thread < 0 || thread >= THREADS) abort();
    for (int64_t i = first; i < first + count; i++) {
        if (j->leave_after > 0 && i == first + j->leave_after) {
            furrow_leave(made, i);
            break;
        }
        if (i == j->failing || j->fails_here) {
            (void)snprintf(err->text, sizeof err->text, "item %lld failed the run", (long long)i);
            return err->status = FURROW_EIO;
        }
        if (i == j->cancelling) furrow_context_cancel(j->ctx);
        sleep_ns(i >= j->slow_from && i < j->slow_stop ? j->slow_ns : j->quick_ns);
        atomic_fetch_add(&j->done[i], 1);
        (void)snprintf(text, sizeof text, "bad %lld", (long long)i);
        if (j->reject_every > 0 && i % j->reject_every == 0) furrow_reject(made, i, text);
    }
    return FURROW_OK;
}

static furrow_status_t on_done(void *arg, int64_t first, int64_t count, furrow_error_t *err)
{
    job_t *j = arg;

    (void)err;
    for (int64_t i = first; i < first + count; i++) j->told[i]++;
    j->told_in_all += count;
    return FURROW_OK;
}

static furrow_status_t on_reject(void *arg, int64_t index, const char *text, furrow_error_t *err)
{
    job_t *j = arg;
    char expected[64];

    (void)err;
    (void)snprintf(expected, sizeof expected, "bad %lld", (long long)index);
    j->bad_text = j->bad_text || strcmp(text, expected) != 0;
    j->rejected[index]++;
    return FURROW_OK;
}

static job_t *new_job(int64_t count, int64_t chunk)
{
    memset(&job, 0, sizeof job);
    job.items = (furrow_items_t){
        .count = count, .chunk = chunk, .work = work, .arg = &job, .listener = {on_done, on_reject, NULL, &job}};
    job.failing = job.cancelling = -1;
    job.ctx = world.ctx;
    return &job;
}

/* Collective: how often each item was done, in all. */
static void sum_over_ranks(const job_t *j, int64_t *times)
{
    for (int64_t i = 0; i < MOST; i++) times[i] = atomic_load(&j->done[i]);
    MPI_Allreduce(MPI_IN_PLACE, times, MOST, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
}

/* Each item that is not skipped was done once, and rank 0 was told so of those that were not rejected. */
static bool all_once(const job_t *j, const furrow_ranges_t *skip)
{
    static int64_t times[MOST];
    bool good = true;

    sum_over_ranks(j, times);
    for (int64_t i = 0; i < MOST; i++) {
        const bool skipped = skip != NULL && furrow_ranges_gap(skip, i, i + 1).start != i;
        const int64_t expected = i < j->items.count && !skipped ? 1 : 0;
        const int64_t reject = expected == 1 && j->reject_every > 0 && i % j->reject_every == 0 ? 1 : 0;
        good = good && times[i] == expected;
        if (world.rank == 0) good = good && j->told[i] == expected - reject && j->rejected[i] == reject;
    }
    return good && !j->bad_text;
}

static void test_every_item_once(void **state)
{
    static const int64_t counts[] = {0, 1, 2, 3, 7, 100, 5000}, chunks[] = {0, 1, 3, 10000};

    (void)state;
    for (int c = 0; c < LENGTH(counts); c++)
        for (int k = 0; k < LENGTH(chunks); k++) {
            job_t *j = new_job(counts[c], chunks[k]);
            ASSERT_ALL(furrow_items_run(world.ctx, &j->items, NULL) == FURROW_OK);
            ASSERT_ALL(all_once(j, NULL));
        }
}

static void test_rejects(void **state)
{
    static const int64_t every[] = {1, 2, 17}, chunks[] = {0, 1, 50};

    (void)state;
    for (int e = 0; e < LENGTH(every); e++)
        for (int k = 0; k < LENGTH(chunks); k++) {
            job_t *j = new_job(3000, chunks[k]);
            j->reject_every = every[e];
            ASSERT_ALL(furrow_items_run(world.ctx, &j->items, NULL) == FURROW_OK);
            ASSERT_ALL(all_once(j, NULL));
        }
}

/* What is left of a chunk is given again, and left again, until it is done. */
static void test_left(void **state)
{
    static const int64_t after[] = {1, 7}, chunks[] = {0, 2, 60, 5000};
    furrow_ranges_t skip = {0};

    (void)state;
    ASSERT_ALL(furrow_ranges_add(&skip, 100, 300, NULL) == FURROW_OK);
    for (int a = 0; a < LENGTH(after); a++)
        for (int k = 0; k < LENGTH(chunks); k++) {
            job_t *j = new_job(1500, chunks[k]);
            j->leave_after = after[a];
            j->reject_every = 17;
            if (world.rank == 0) j->items.skip = &skip;
            ASSERT_ALL(furrow_items_run(world.ctx, &j->items, NULL) == FURROW_OK);
            ASSERT_ALL(all_once(j, &skip));
        }
    furrow_ranges_free(&skip);
}

static void test_skip(void **state)
{
    furrow_ranges_t skip = {0};
    bool added = true;

    (void)state;
    for (int64_t i = 0; i < 4000; i += 7) added = added && furrow_ranges_add(&skip, i, i % 5, NULL) == FURROW_OK;
    ASSERT_ALL(added);
    for (int64_t chunk = 0; chunk <= 100; chunk += 50) {
        job_t *j = new_job(4000, chunk);
        if (world.rank == 0) j->items.skip = &skip;
        ASSERT_ALL(furrow_items_run(world.ctx, &j->items, NULL) == FURROW_OK);
        ASSERT_ALL(all_once(j, &skip));
    }
    ASSERT_ALL(furrow_ranges_add(&skip, 0, 4000, NULL) == FURROW_OK);
    job_t *j = new_job(4000, 0);
    if (world.rank == 0) j->items.skip = &skip;
    ASSERT_ALL(furrow_items_run(world.ctx, &j->items, NULL) == FURROW_OK);
    ASSERT_ALL(all_once(j, &skip));
    furrow_ranges_free(&skip);
}

/* A failure anywhere ends the run with one status; what rank 0 was told is done. Afterwards the next run is as ever. */
static void test_failing_work(void **state)
{
    static const int64_t failing[] = {0, 1, 500, 2999};
    static int64_t times[MOST];

    (void)state;
    for (int f = 0; f < LENGTH(failing); f++) {
        job_t *j = new_job(3000, 5);
        furrow_error_t err;
        char text[64];
        j->failing = failing[f];
        (void)snprintf(text, sizeof text, "item %lld failed the run", (long long)failing[f]);
        const furrow_status_t status = furrow_items_run(world.ctx, &j->items, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EIO, -1, text));
        sum_over_ranks(j, times);
        bool good = true;
        for (int64_t i = 0; i < MOST; i++) good = good && times[i] <= 1 && (world.rank != 0 || j->told[i] <= times[i]);
        ASSERT_ALL(good);
        j = new_job(100, 0);
        ASSERT_ALL(furrow_items_run(world.ctx, &j->items, &err) == FURROW_OK);
        ASSERT_ALL(all_once(j, NULL));
    }
}

/* The failing rank is the one that is named, and its status counts, though rank 0 also sees a chunk come back undone.
 */
static void test_failing_rank(void **state)
{
    (void)state;
    for (int rank = 0; rank < world.ranks; rank++) {
        job_t *j = new_job(300, 1);
        furrow_error_t err;
        j->fails_here = world.rank == rank;
        j->quick_ns = 2000000;
        const furrow_status_t status = furrow_items_run(world.ctx, &j->items, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EIO, rank, "failed the run"));
    }
}

static furrow_status_t refuse(void *arg, int64_t first, int64_t count, furrow_error_t *err)
{
    (void)arg;
    (void)snprintf(err->text, sizeof err->text, "no place for %lld and %lld", (long long)first, (long long)count);
    return err->status = FURROW_EIO;
}

static void test_failing_listener(void **state)
{
    job_t *j = new_job(3000, 1);
    furrow_error_t err;

    (void)state;
    j->items.listener.done = refuse;
    const furrow_status_t status = furrow_items_run(world.ctx, &j->items, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EIO, 0, "no place for"));
}

/* Cancelled from within, on whichever rank the item falls to: all that was begun ends, and is told. Each has a context
 * of its own, because a cancelled one stays so. */
static void test_cancel(void **state)
{
    static int64_t times[MOST];
    static const int64_t cancelling[] = {0, 1, 400};

    (void)state;
    for (int c = 0; c < LENGTH(cancelling); c++) {
        const furrow_context_opts_t opts = {.threads = THREADS};
        job_t *j = new_job(MOST, 1);
        furrow_error_t err;
        ASSERT_ALL(furrow_context_open(&opts, &j->ctx, &err) == FURROW_OK);
        j->cancelling = cancelling[c];
        j->quick_ns = 100000;
        const furrow_status_t status = furrow_items_run(j->ctx, &j->items, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_ECANCELED, 0, "stopped"));
        sum_over_ranks(j, times);
        bool good = true;
        for (int64_t i = 0; i < MOST; i++) good = good && times[i] <= 1 && (world.rank != 0 || j->told[i] == times[i]);
        ASSERT_ALL(good);
        furrow_context_close(j->ctx);
    }
}

static furrow_status_t count_work(void *arg, int64_t first, int64_t count, int thread, furrow_made_t *made,
                                  furrow_error_t *err)
{
    (void)arg, (void)first, (void)count, (void)thread, (void)made, (void)err;
    return FURROW_OK;
}

static furrow_status_t count_done(void *arg, int64_t first, int64_t count, furrow_error_t *err)
{
    (void)first, (void)err;
    ((job_t *)arg)->counted += count;
    return FURROW_OK;
}

static void test_huge_counts(void **state)
{
    job_t *j = new_job(INT64_C(1) << 40, INT64_C(1) << 33);

    (void)state;
    j->items.work = count_work;
    j->items.listener = (furrow_items_listener_t){count_done, NULL, NULL, j};
    ASSERT_ALL(furrow_items_run(world.ctx, &j->items, NULL) == FURROW_OK);
    ASSERT_ALL(world.rank != 0 || j->counted == INT64_C(1) << 40);
}

static furrow_status_t note_memory(void *arg, int64_t first, int64_t count, furrow_error_t *err)
{
    job_t *j = arg;
    const int64_t now = (int64_t)mallinfo2().uordblks; /* 0 where a sanitizer has the memory */

    (void)first, (void)err;
    j->counted += count;
    if (now > j->most_memory) j->most_memory = now;
    return FURROW_OK;
}

/* Rank 0 keeps nothing of an item that is done, nor of one to come. */
static void test_memory_does_not_grow(void **state)
{
    const int64_t counts[] = {10000, 1000000};
    int64_t grew[LENGTH(counts)];

    (void)state;
    for (int i = 0; i < LENGTH(counts); i++) {
        const int64_t before = (int64_t)mallinfo2().uordblks;
        job_t *j = new_job(counts[i], 10);
        j->items.work = count_work;
        j->items.listener = (furrow_items_listener_t){note_memory, NULL, NULL, j};
        ASSERT_ALL(furrow_items_run(world.ctx, &j->items, NULL) == FURROW_OK);
        ASSERT_ALL(world.rank != 0 || j->counted == counts[i]);
        grew[i] = j->most_memory - before;
    }
    ASSERT_ALL(world.rank != 0 || grew[1] < grew[0] + (1 << 20));
}

/* Slow items that sit together are spread over the ranks, wherever they sit: no rank sleeps much more than its share.
 * One that is late because the machine is busy leaves more to the others, so it may take some runs. */
static void test_balance(void **state)
{
    enum { RUNS = 5 };
    static const int64_t places[] = {0, 450, 900};

    (void)state;
    for (int p = 0; p < (world.ranks == 1 ? 1 : LENGTH(places)); p++) {
        int64_t most = INT64_MAX;
        for (int n = 0; n < RUNS && most > 100 / world.ranks + 25; n++) {
            job_t *j = new_job(1000, 0);
            j->slow_from = places[p];
            j->slow_stop = places[p] + 100;
            j->quick_ns = 200000;
            j->slow_ns = 20000000;
            ASSERT_ALL(furrow_items_run(world.ctx, &j->items, NULL) == FURROW_OK);
            ASSERT_ALL(all_once(j, NULL));
            most = 0;
            for (int64_t i = j->slow_from; i < j->slow_stop; i++) most += atomic_load(&j->done[i]);
            MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
        }
        ASSERT_ALL(most <= 100 / world.ranks + 25);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_once),
        cmocka_unit_test(test_rejects),
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_failing_work),
        cmocka_unit_test(test_failing_listener),
        cmocka_unit_test(test_failing_rank),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_huge_counts),
        cmocka_unit_test(test_memory_does_not_grow),
        cmocka_unit_test(test_balance),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
