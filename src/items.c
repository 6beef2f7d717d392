/* The main thread of rank 0 and those of the others speak by mails of one size. Another rank has at most as many chunks
 * as it has threads, and as many again in reserve while chunks are short; every finished one is answered with the next.
 * On rank 0 the threads take theirs from the same store.
 *
 * Threads report into a list that the main thread takes whole, now and then: it is woken only when the list is half
 * full or a thread has nothing to do. Messages of MPI wake nobody, so with several ranks the main threads look for
 * them, at growing pauses. */
#include "items.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "items_run.h"
#include "mem.h"
#include "progress.h"
#include "transfer.h"

static const double long_chunk = 0.05; /* no chunks in reserve that take longer: they could hold up the end */
static const double shortest_pause = 20e-6, longest_pause = 500e-6, pause_alone = 0.05;

static bool is_cancelled(const furrow_run_t *run)
{
    return atomic_load(&furrow_context_progress(run->ctx)->cancelled);
}

/* ------------------------------------------------------------ main threads */

static double next_pause(double pause, bool heard)
{
    return heard ? shortest_pause : 2 * pause < longest_pause ? 2 * pause : longest_pause;
}

/* The threads take nothing more. */
static void close_store(furrow_run_t *run)
{
    pthread_mutex_lock(&run->lock);
    run->closed = true;
    pthread_cond_broadcast(&run->work_there);
    pthread_mutex_unlock(&run->lock);
}

/* Slower items count at once, faster ones slowly. */
static void note_time(furrow_run_t *run, const furrow_mail_t *done)
{
    const double now = done->seconds / (double)(done->range.stop - done->range.start);

    pthread_mutex_lock(&run->lock);
    run->seconds_per_item = now > run->seconds_per_item ? now : 0.7 * run->seconds_per_item + 0.3 * now;
    pthread_mutex_unlock(&run->lock);
}

/* Rank 0 tells of what is done in a chunk: all but its rejects, of which it heard before. */
static furrow_status_t tell_done(furrow_run_t *run, furrow_range_t chunk, furrow_error_t *err)
{
    const furrow_items_listener_t *l = &run->items->listener;
    furrow_status_t status = FURROW_OK;
    furrow_range_t done = furrow_ranges_gap(&run->rejected, chunk.start, chunk.stop);

    for (; l->done != NULL && done.start < done.stop && status == FURROW_OK;
         done = furrow_ranges_gap(&run->rejected, done.stop, chunk.stop))
        status = l->done(l->arg, done.start, done.stop - done.start, err);
    return status;
}

static furrow_status_t tell_reject(furrow_run_t *run, const furrow_mail_t *mail, furrow_error_t *err)
{
    const furrow_items_listener_t *l = &run->items->listener;
    const furrow_status_t status = furrow_ranges_add(&run->rejected, mail->range.start, 1, err);

    return status == FURROW_OK && l->rejected != NULL ? l->rejected(l->arg, mail->range.start, mail->text, err)
                                                      : status;
}

/* Rank 0 takes note of what a rank, itself too, reports. */
static void hear(furrow_run_t *run, const furrow_mail_t *mail)
{
    furrow_error_t error = {0};
    furrow_status_t status = FURROW_OK;

    if (mail->kind == FURROW_MAIL_DONE) {
        note_time(run, mail);
        status = tell_done(run, mail->range, &error);
    } else if (mail->kind == FURROW_MAIL_REJECT) {
        status = tell_reject(run, mail, &error);
    } else if (mail->kind == FURROW_MAIL_DROPPED) {
        run->dropped = true;
    }
    if (status != FURROW_OK) furrow_run_fail(run, status, &error);
}

/* Rank 0 gives another rank what it may have. */
static void answer(furrow_run_t *run, int rank)
{
    furrow_peer_t *peer = &run->peer[rank];
    furrow_mail_t mail = {.kind = FURROW_MAIL_CHUNK};

    while (!run->stopping) {
        pthread_mutex_lock(&run->lock);
        const bool is_short = run->seconds_per_item * (double)run->last_size < long_chunk;
        const bool may_have = peer->given < (is_short && run->seconds_per_item > 0 ? 2 * peer->threads : peer->threads);
        if (may_have) mail.range = furrow_run_take_chunk(run);
        pthread_mutex_unlock(&run->lock);
        if (!may_have || mail.range.start == mail.range.stop) return;
        furrow_send_mail(run->ctx, &mail, sizeof mail, rank);
        peer->given++;
        run->given_away++;
    }
}

/* True if there was anything. */
static bool serve_ranks(furrow_run_t *run)
{
    bool heard = false;
    furrow_mail_t mail;
    int from;

    for (; furrow_take_mail(run->ctx, &mail, sizeof mail, &from); heard = true) {
        if (mail.kind == FURROW_MAIL_WANT) run->peer[from].threads = mail.range.stop;
        if (mail.kind == FURROW_MAIL_DONE || mail.kind == FURROW_MAIL_DROPPED) {
            run->peer[from].given--;
            run->given_away--;
        }
        if (mail.kind == FURROW_MAIL_DROPPED || mail.kind == FURROW_MAIL_CANCEL) run->stopping = true;
        hear(run, &mail);
        answer(run, from);
    }
    return heard;
}

static bool is_over(furrow_run_t *run)
{
    pthread_mutex_lock(&run->lock);
    if (run->status != FURROW_OK || is_cancelled(run)) run->stopping = true;
    if (run->stopping && !run->closed) {
        run->closed = true;
        pthread_cond_broadcast(&run->work_there);
    }
    const furrow_range_t left = furrow_run_items_left(run);
    const bool over = (run->stopping || left.start == left.stop) && run->taken == run->returned && run->given_away == 0;
    pthread_mutex_unlock(&run->lock);
    return over;
}

/* Rank 0: until all that was given out has come back. */
static void lead(furrow_run_t *run)
{
    const bool alone = furrow_context_ranks(run->ctx) == 1;
    const furrow_items_listener_t *l = &run->items->listener;
    furrow_error_t error = {0};
    double pause = shortest_pause;

    for (;;) {
        const int64_t reports = furrow_run_take_reports(run);
        for (int64_t i = 0; i < reports; i++) hear(run, &run->batch[i]);
        const bool heard = serve_ranks(run) || reports > 0;
        const furrow_status_t status = l->tick == NULL ? FURROW_OK : l->tick(l->arg, &error);
        if (status != FURROW_OK) furrow_run_fail(run, status, &error);
        if (is_over(run)) return;
        pause = next_pause(pause, heard);
        furrow_run_doze(run, alone ? pause_alone : pause);
    }
}

static void tell_all_to_stop(furrow_run_t *run)
{
    const furrow_mail_t mail = {.kind = FURROW_MAIL_STOP};

    for (int r = 1; r < furrow_context_ranks(run->ctx); r++) furrow_send_mail(run->ctx, &mail, sizeof mail, r);
}

static void queue_chunk(furrow_run_t *run, furrow_range_t chunk)
{
    pthread_mutex_lock(&run->lock);
    run->queue[run->queued++] = chunk;
    pthread_cond_signal(&run->work_there);
    pthread_mutex_unlock(&run->lock);
}

/* After a failure or a signal the threads take nothing more: what waits for them goes back, and rank 0 hears of it,
 * once, even if nothing waits. */
static void go_back(furrow_run_t *run)
{
    const furrow_mail_t dropped = {.kind = FURROW_MAIL_DROPPED}, cancel = {.kind = FURROW_MAIL_CANCEL};

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
static void follow(furrow_run_t *run)
{
    furrow_mail_t mail = {.kind = FURROW_MAIL_WANT, .range = {0, run->threads}};
    double pause = shortest_pause;
    int from;

    furrow_send_mail(run->ctx, &mail, sizeof mail, 0);
    for (;;) {
        const int64_t reports = furrow_run_take_reports(run);
        for (int64_t i = 0; i < reports; i++) furrow_send_mail(run->ctx, &run->batch[i], sizeof mail, 0);
        go_back(run);
        bool heard = reports > 0;
        for (; furrow_take_mail(run->ctx, &mail, sizeof mail, &from); heard = true) {
            if (mail.kind == FURROW_MAIL_STOP) return;
            queue_chunk(run, mail.range);
        }
        pause = next_pause(pause, heard);
        furrow_run_doze(run, pause);
    }
}

/* ---------------------------------------------------------------- the run */

static void init_locks(furrow_run_t *run)
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

static furrow_status_t alloc_run(furrow_run_t *run, furrow_worker_t **worker, furrow_error_t *err)
{
    const int64_t ranks = furrow_context_ranks(run->ctx);
    void *workers = NULL, *queue = NULL, *peer = NULL, *report = NULL, *batch = NULL;

    furrow_status_t status = furrow_alloc(run->threads, sizeof **worker, &workers, err);
    if (status == FURROW_OK) status = furrow_alloc(2 * (int64_t)run->threads, sizeof *run->queue, &queue, err);
    if (status == FURROW_OK) status = furrow_alloc(ranks, sizeof *run->peer, &peer, err);
    if (status == FURROW_OK) status = furrow_alloc(FURROW_REPORTS, sizeof *run->report, &report, err);
    if (status == FURROW_OK) status = furrow_alloc(FURROW_REPORTS, sizeof *run->batch, &batch, err);
    *worker = workers;
    run->queue = queue;
    run->peer = peer;
    run->report = report;
    run->batch = batch;
    return status;
}

static void free_run(furrow_run_t *run, furrow_worker_t *worker)
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

/* Rank 0 alone knows whether a signal came before the end. A failure elsewhere leaves items too, but outranks that. */
static furrow_status_t verdict(const furrow_run_t *run, furrow_error_t *err)
{
    const furrow_range_t left = furrow_run_items_left(run);
    furrow_status_t status = run->status;

    if (status != FURROW_OK && err != NULL) *err = run->error;
    if (status == FURROW_OK && run->is_root && (left.start < left.stop || run->dropped))
        status = furrow_fail(err, FURROW_ECANCELED, "stopped on request");
    return furrow_agree(run->ctx, status, err);
}

furrow_status_t furrow_items_run(furrow_context_t *ctx, const furrow_items_t *items, furrow_error_t *err)
{
    furrow_run_t run = {.ctx = ctx,
                        .items = items,
                        .is_root = furrow_context_rank(ctx) == 0,
                        .threads = items->on_root && furrow_context_rank(ctx) != 0 ? 0 : furrow_context_threads(ctx)};
    furrow_worker_t *worker = NULL;
    int started = 0;

    furrow_error_clear(err);
    init_locks(&run);
    run.last_size = 1;
    run.workers = run.threads;
    furrow_sum_int64(ctx, &run.workers, 1);
    furrow_status_t status = alloc_run(&run, &worker, err);
    if (status == FURROW_OK) status = furrow_run_start_threads(&run, worker, &started, err);
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
    return status;
}
