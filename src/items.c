/* The main thread of rank 0 and those of the others speak by mails of one size. Another rank has at most as many chunks
 * as it has threads, and as many again in reserve while chunks are short; every finished one is answered with the next.
 * On rank 0 the threads take theirs from the same store.
 *
 * Threads report into a list that the main thread takes whole, now and then: it is woken only when the list is half
 * full or a thread has nothing to do. Messages of MPI wake nobody, so with several ranks the main threads look for
 * them, at growing pauses. */
#include "items.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"
#include "progress.h"
#include "transfer.h"

enum { TEXT_SIZE = 200, REPORTS = 512 };

static const double chunk_seconds = 0.004; /* what a guided chunk should take */
static const double long_chunk = 0.05;     /* no chunks in reserve that take longer: they could hold up the end */
static const double shortest_pause = 20e-6, longest_pause = 500e-6, pause_alone = 0.05;

/* WANT: this rank has `range.stop` threads. DONE: `range` took `seconds`. REJECT: item `range.start`. DROPPED: a chunk
 * was not finished, the run must end. CANCEL: the same without a chunk. CHUNK: work on `range`. STOP: nothing more will
 * come. */
typedef enum { WANT, DONE, REJECT, DROPPED, CANCEL, CHUNK, STOP } kind_t;

typedef struct {
    int64_t kind;
    furrow_range_t range;
    double seconds;
    char text[TEXT_SIZE];
} mail_t;

/* What rank 0 knows of another rank. */
typedef struct {
    int64_t threads; /* 0: it did not ask yet */
    int64_t given;   /* chunks that it has and did not report */
} peer_t;

typedef struct {
    furrow_context_t *ctx;
    const furrow_items_t *items;
    bool is_root;
    int threads;
    int64_t workers; /* threads of all ranks */

    pthread_mutex_t lock; /* of all from here to the next remark */
    pthread_cond_t work_there, report_there, room_there;
    int64_t next;            /* rank 0: all items below it are given out */
    int64_t last_size;       /* rank 0: of the chunk given last */
    double seconds_per_item; /* rank 0: of late; 0: not known */
    furrow_range_t *queue;   /* other ranks: [2 * threads] chunks that came and were not taken */
    int64_t queued;
    bool closed;    /* threads end when they find nothing */
    int64_t taken;  /* chunks, by threads of this rank */
    mail_t *report; /* [REPORTS] */
    int64_t reports;
    bool urgent;            /* the main thread should look at once */
    furrow_status_t status; /* the first failure on this rank */
    furrow_error_t error;

    mail_t *batch;            /* [REPORTS], and all below: of the main thread alone */
    int64_t returned;         /* chunks of this rank's threads that it heard of */
    int64_t given_away;       /* rank 0: chunks at other ranks */
    peer_t *peer;             /* rank 0: [ranks] */
    furrow_ranges_t rejected; /* rank 0 */
    bool stopping, dropped;
} run_t;

struct furrow_rejects {
    run_t *run;
};

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_cancelled(const run_t *run)
{
    return atomic_load(&furrow_context_progress(run->ctx)->cancelled);
}

/* ------------------------------------------------------------------- store (the lock is held) */

/* Rank 0: the first run of items that nobody has; empty if there is none. */
static furrow_range_t items_left(const run_t *run)
{
    static const furrow_ranges_t nothing;

    return furrow_ranges_gap(run->items->skip != NULL ? run->items->skip : &nothing, run->next, run->items->count);
}

/* Some milliseconds of work, but no more than leaves enough chunks for all, and growing slowly: the first items may be
 * the light ones. */
static int64_t chunk_size(const run_t *run, int64_t left)
{
    const int64_t fair = left / (4 * run->workers) + 1;

    if (run->items->chunk > 0) return run->items->chunk;
    if (run->seconds_per_item <= 0) return 1;
    const double by_time = chunk_seconds / run->seconds_per_item;
    const int64_t wanted = by_time < 1 ? 1 : by_time < (double)fair ? (int64_t)by_time : fair;
    return wanted / 2 > run->last_size ? 2 * run->last_size : wanted;
}

/* The next chunk on this rank; empty if there is none now. */
static furrow_range_t take_chunk(run_t *run)
{
    furrow_range_t chunk = {0, 0};

    if (run->status != FURROW_OK || run->closed) return chunk;
    if (run->is_root) {
        chunk = items_left(run);
        if (chunk.start == chunk.stop) return chunk;
        chunk.stop = chunk.start + least(chunk_size(run, run->items->count - chunk.start), chunk.stop - chunk.start);
        run->last_size = chunk.stop - chunk.start;
        run->next = chunk.stop;
    } else if (run->queued > 0) {
        chunk = run->queue[0];
        memmove(run->queue, run->queue + 1, (size_t)--run->queued * sizeof *run->queue);
    }
    return chunk;
}

static void call_main_thread(run_t *run)
{
    run->urgent = true;
    pthread_cond_signal(&run->report_there);
}

static void add_report(run_t *run, const mail_t *mail)
{
    while (run->reports == REPORTS) pthread_cond_wait(&run->room_there, &run->lock);
    run->report[run->reports++] = *mail;
    if (run->reports == REPORTS / 2) call_main_thread(run);
}

/* ----------------------------------------------------------------- threads */

void furrow_reject(furrow_rejects_t *rejects, int64_t index, const char *text)
{
    run_t *run = rejects->run;
    mail_t mail = {.kind = REJECT, .range = {index, index + 1}};

    (void)strncpy(mail.text, text, sizeof mail.text - 1);
    pthread_mutex_lock(&run->lock);
    add_report(run, &mail);
    pthread_mutex_unlock(&run->lock);
}

static void fail_run(run_t *run, furrow_status_t status, const furrow_error_t *err)
{
    pthread_mutex_lock(&run->lock);
    if (run->status == FURROW_OK) {
        run->status = status;
        run->error = *err;
    }
    call_main_thread(run);
    pthread_mutex_unlock(&run->lock);
}

/* Hand in a report, if there is one, and wait for a chunk. False: there will be none. */
static bool exchange(run_t *run, const mail_t *report, furrow_range_t *chunk)
{
    pthread_mutex_lock(&run->lock);
    if (report != NULL) add_report(run, report);
    for (;;) {
        *chunk = take_chunk(run);
        if (chunk->start < chunk->stop) break;
        call_main_thread(run);
        if (run->closed) break;
        pthread_cond_wait(&run->work_there, &run->lock);
    }
    const bool got = chunk->start < chunk->stop;
    if (got) run->taken++;
    pthread_mutex_unlock(&run->lock);
    return got;
}

typedef struct {
    run_t *run;
    int thread;
    pthread_t id;
} worker_t;

static void *work(void *arg)
{
    const worker_t *w = arg;
    const furrow_items_t *items = w->run->items;
    furrow_rejects_t rejects = {w->run};
    mail_t report = {.kind = WANT};
    furrow_error_t error;

    while (exchange(w->run, report.kind == WANT ? NULL : &report, &report.range)) {
        const double started = seconds();
        error.text[0] = '\0';
        const furrow_status_t status = items->work(items->arg, report.range.start,
                                                   report.range.stop - report.range.start, w->thread, &rejects, &error);
        report.kind = status == FURROW_OK ? DONE : DROPPED;
        report.seconds = seconds() - started;
        if (status != FURROW_OK) fail_run(w->run, status, &error);
    }
    return NULL;
}

/* ------------------------------------------------------------ main threads */

/* All reports of this rank's threads, in run->batch; how many. */
static int64_t take_reports(run_t *run)
{
    pthread_mutex_lock(&run->lock);
    const int64_t count = run->reports;
    mail_t *filled = run->report;
    run->report = run->batch;
    run->batch = filled;
    run->reports = 0;
    run->urgent = false;
    pthread_cond_broadcast(&run->room_there);
    pthread_mutex_unlock(&run->lock);
    for (int64_t i = 0; i < count; i++)
        if (filled[i].kind != REJECT) run->returned++;
    return count;
}

/* Sleep until a thread calls, but not for long where messages may come too. */
static void doze(run_t *run, double longest)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t ns = until.tv_nsec + (int64_t)(1e9 * longest);
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&run->lock);
    if (!run->urgent) (void)pthread_cond_timedwait(&run->report_there, &run->lock, &until);
    pthread_mutex_unlock(&run->lock);
}

static double next_pause(double pause, bool heard)
{
    return heard ? shortest_pause : 2 * pause < longest_pause ? 2 * pause : longest_pause;
}

/* The threads take nothing more. */
static void close_store(run_t *run)
{
    pthread_mutex_lock(&run->lock);
    run->closed = true;
    pthread_cond_broadcast(&run->work_there);
    pthread_mutex_unlock(&run->lock);
}

/* Slower items count at once, faster ones slowly. */
static void note_time(run_t *run, const mail_t *done)
{
    const double now = done->seconds / (double)(done->range.stop - done->range.start);

    pthread_mutex_lock(&run->lock);
    run->seconds_per_item = now > run->seconds_per_item ? now : 0.7 * run->seconds_per_item + 0.3 * now;
    pthread_mutex_unlock(&run->lock);
}

/* Rank 0 tells of what is done in a chunk: all but its rejects, of which it heard before. */
static furrow_status_t tell_done(run_t *run, furrow_range_t chunk, furrow_error_t *err)
{
    const furrow_items_listener_t *l = &run->items->listener;
    furrow_status_t status = FURROW_OK;
    furrow_range_t done = furrow_ranges_gap(&run->rejected, chunk.start, chunk.stop);

    for (; l->done != NULL && done.start < done.stop && status == FURROW_OK;
         done = furrow_ranges_gap(&run->rejected, done.stop, chunk.stop))
        status = l->done(l->arg, done.start, done.stop - done.start, err);
    return status;
}

static furrow_status_t tell_reject(run_t *run, const mail_t *mail, furrow_error_t *err)
{
    const furrow_items_listener_t *l = &run->items->listener;
    const furrow_status_t status = furrow_ranges_add(&run->rejected, mail->range.start, 1, err);

    return status == FURROW_OK && l->rejected != NULL ? l->rejected(l->arg, mail->range.start, mail->text, err)
                                                      : status;
}

/* Rank 0 takes note of what a rank, itself too, reports. */
static void hear(run_t *run, const mail_t *mail)
{
    furrow_error_t error = {0};
    furrow_status_t status = FURROW_OK;

    if (mail->kind == DONE) {
        note_time(run, mail);
        status = tell_done(run, mail->range, &error);
    } else if (mail->kind == REJECT) {
        status = tell_reject(run, mail, &error);
    } else if (mail->kind == DROPPED) {
        run->dropped = true;
    }
    if (status != FURROW_OK) fail_run(run, status, &error);
}

/* Rank 0 gives another rank what it may have. */
static void answer(run_t *run, int rank)
{
    peer_t *peer = &run->peer[rank];
    mail_t mail = {.kind = CHUNK};

    while (!run->stopping) {
        pthread_mutex_lock(&run->lock);
        const bool is_short = run->seconds_per_item * (double)run->last_size < long_chunk;
        const bool may_have = peer->given < (is_short && run->seconds_per_item > 0 ? 2 * peer->threads : peer->threads);
        if (may_have) mail.range = take_chunk(run);
        pthread_mutex_unlock(&run->lock);
        if (!may_have || mail.range.start == mail.range.stop) return;
        furrow_send_mail(run->ctx, &mail, sizeof mail, rank);
        peer->given++;
        run->given_away++;
    }
}

/* True if there was anything. */
static bool serve_ranks(run_t *run)
{
    bool heard = false;
    mail_t mail;
    int from;

    for (; furrow_take_mail(run->ctx, &mail, sizeof mail, &from); heard = true) {
        if (mail.kind == WANT) run->peer[from].threads = mail.range.stop;
        if (mail.kind == DONE || mail.kind == DROPPED) {
            run->peer[from].given--;
            run->given_away--;
        }
        if (mail.kind == DROPPED || mail.kind == CANCEL) run->stopping = true;
        hear(run, &mail);
        answer(run, from);
    }
    return heard;
}

static bool is_over(run_t *run)
{
    pthread_mutex_lock(&run->lock);
    if (run->status != FURROW_OK || is_cancelled(run)) run->stopping = true;
    if (run->stopping && !run->closed) {
        run->closed = true;
        pthread_cond_broadcast(&run->work_there);
    }
    const furrow_range_t left = items_left(run);
    const bool over = (run->stopping || left.start == left.stop) && run->taken == run->returned && run->given_away == 0;
    pthread_mutex_unlock(&run->lock);
    return over;
}

/* Rank 0: until all that was given out has come back. */
static void lead(run_t *run)
{
    const bool alone = furrow_context_ranks(run->ctx) == 1;
    const furrow_items_listener_t *l = &run->items->listener;
    furrow_error_t error = {0};
    double pause = shortest_pause;

    for (;;) {
        const int64_t reports = take_reports(run);
        for (int64_t i = 0; i < reports; i++) hear(run, &run->batch[i]);
        const bool heard = serve_ranks(run) || reports > 0;
        const furrow_status_t status = l->tick == NULL ? FURROW_OK : l->tick(l->arg, &error);
        if (status != FURROW_OK) fail_run(run, status, &error);
        if (is_over(run)) return;
        pause = next_pause(pause, heard);
        doze(run, alone ? pause_alone : pause);
    }
}

static void tell_all_to_stop(run_t *run)
{
    const mail_t mail = {.kind = STOP};

    for (int r = 1; r < furrow_context_ranks(run->ctx); r++) furrow_send_mail(run->ctx, &mail, sizeof mail, r);
}

static void queue_chunk(run_t *run, furrow_range_t chunk)
{
    pthread_mutex_lock(&run->lock);
    run->queue[run->queued++] = chunk;
    pthread_cond_signal(&run->work_there);
    pthread_mutex_unlock(&run->lock);
}

/* After a failure or a signal the threads take nothing more: what waits for them goes back, and rank 0 hears of it,
 * once, even if nothing waits. */
static void go_back(run_t *run)
{
    const mail_t dropped = {.kind = DROPPED}, cancel = {.kind = CANCEL};

    pthread_mutex_lock(&run->lock);
    const bool stops = run->status != FURROW_OK || is_cancelled(run);
    const int64_t waiting = stops ? run->queued : 0;
    if (stops) run->queued = 0;
    pthread_mutex_unlock(&run->lock);
    for (int64_t i = 0; i < waiting; i++) furrow_send_mail(run->ctx, &dropped, sizeof dropped, 0);
    if (stops && !run->stopping) furrow_send_mail(run->ctx, &cancel, sizeof cancel, 0);
    run->stopping = stops;
}

/* Other ranks: until rank 0 says that nothing more will come. By then every chunk that came was reported. */
static void follow(run_t *run)
{
    mail_t mail = {.kind = WANT, .range = {0, run->threads}};
    double pause = shortest_pause;
    int from;

    furrow_send_mail(run->ctx, &mail, sizeof mail, 0);
    for (;;) {
        const int64_t reports = take_reports(run);
        for (int64_t i = 0; i < reports; i++) furrow_send_mail(run->ctx, &run->batch[i], sizeof mail, 0);
        go_back(run);
        bool heard = reports > 0;
        for (; furrow_take_mail(run->ctx, &mail, sizeof mail, &from); heard = true) {
            if (mail.kind == STOP) return;
            queue_chunk(run, mail.range);
        }
        pause = next_pause(pause, heard);
        doze(run, pause);
    }
}

/* ---------------------------------------------------------------- the run */

static void init_locks(run_t *run)
{
    pthread_condattr_t steady;

    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->work_there, NULL);
    pthread_cond_init(&run->room_there, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&run->report_there, &steady);
    pthread_condattr_destroy(&steady);
}

static furrow_status_t alloc_run(run_t *run, worker_t **worker, furrow_error_t *err)
{
    const int64_t ranks = furrow_context_ranks(run->ctx);
    void *workers = NULL, *queue = NULL, *peer = NULL, *report = NULL, *batch = NULL;

    furrow_status_t status = furrow_alloc(run->threads, sizeof **worker, &workers, err);
    if (status == FURROW_OK) status = furrow_alloc(2 * (int64_t)run->threads, sizeof *run->queue, &queue, err);
    if (status == FURROW_OK) status = furrow_alloc(ranks, sizeof *run->peer, &peer, err);
    if (status == FURROW_OK) status = furrow_alloc(REPORTS, sizeof *run->report, &report, err);
    if (status == FURROW_OK) status = furrow_alloc(REPORTS, sizeof *run->batch, &batch, err);
    *worker = workers;
    run->queue = queue;
    run->peer = peer;
    run->report = report;
    run->batch = batch;
    return status;
}

static void free_run(run_t *run, worker_t *worker)
{
    pthread_mutex_destroy(&run->lock);
    pthread_cond_destroy(&run->work_there);
    pthread_cond_destroy(&run->report_there);
    pthread_cond_destroy(&run->room_there);
    furrow_ranges_free(&run->rejected);
    free(worker);
    free(run->queue);
    free(run->peer);
    free(run->report);
    free(run->batch);
}

static furrow_status_t start_threads(run_t *run, worker_t *worker, int *started, furrow_error_t *err)
{
    for (*started = 0; *started < run->threads; ++*started) {
        worker_t *w = &worker[*started];
        *w = (worker_t){.run = run, .thread = *started};
        if (pthread_create(&w->id, NULL, work, w) != 0)
            return furrow_fail(err, FURROW_ENOMEM, "the system refused thread %d of %d", *started, run->threads);
    }
    return FURROW_OK;
}

/* How the run went on this rank. Rank 0 alone knows whether a signal came before the end. */
static furrow_status_t verdict(const run_t *run, furrow_error_t *err)
{
    const furrow_range_t left = items_left(run);

    if (run->status != FURROW_OK && err != NULL) *err = run->error;
    if (run->status != FURROW_OK || !run->is_root) return run->status;
    if (left.start == left.stop && !run->dropped) return FURROW_OK;
    return furrow_fail(err, FURROW_ECANCELED, "stopped on request");
}

furrow_status_t furrow_items_run(furrow_context_t *ctx, const furrow_items_t *items, furrow_error_t *err)
{
    run_t run = {
        .ctx = ctx, .items = items, .is_root = furrow_context_rank(ctx) == 0, .threads = furrow_context_threads(ctx)};
    worker_t *worker = NULL;
    int started = 0;

    furrow_error_clear(err);
    init_locks(&run);
    run.last_size = 1;
    run.workers = run.threads;
    furrow_sum_int64(ctx, &run.workers, 1);
    furrow_status_t status = alloc_run(&run, &worker, err);
    if (status == FURROW_OK) status = start_threads(&run, worker, &started, err);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK && run.is_root) {
        lead(&run);
        tell_all_to_stop(&run);
    } else if (status == FURROW_OK) {
        follow(&run);
    }
    close_store(&run);
    for (int t = 0; t < started; t++) (void)pthread_join(worker[t].id, NULL);
    if (status == FURROW_OK) status = verdict(&run, err);
    free_run(&run, worker);
    return furrow_agree(ctx, status, err);
}
