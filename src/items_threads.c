/* Owns the threads that work on items, and what they take from and report to. Reports gather in a list that the main
 * thread takes whole, now and then: it is woken only when the list is half full or a thread has nothing to do. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "items_run.h"
#include "mem.h"

static const double chunk_seconds = 0.004; /* what a guided chunk should take */

struct furrow_rejects {
    furrow_run_t *run;
};

/* ------------------------------------------------------------------- store (the lock is held) */

/* Rank 0: the first run of items that nobody has; empty if there is none. */
furrow_range_t furrow_run_items_left(const furrow_run_t *run)
{
    static const furrow_ranges_t nothing;

    return furrow_ranges_gap(run->items->skip != NULL ? run->items->skip : &nothing, run->next, run->items->count);
}

/* Some milliseconds of work, but no more than leaves enough chunks for all, and growing slowly: the first items may be
 * the light ones. */
static int64_t chunk_size(const furrow_run_t *run, int64_t left)
{
    const int64_t fair = left / (4 * run->workers) + 1;

    if (run->items->chunk > 0) return run->items->chunk;
    if (run->seconds_per_item <= 0) return 1;
    const double by_time = chunk_seconds / run->seconds_per_item;
    const int64_t wanted = by_time < 1 ? 1 : by_time < (double)fair ? (int64_t)by_time : fair;
    return wanted / 2 > run->last_size ? 2 * run->last_size : wanted;
}

/* The next chunk on this rank; empty if there is none now. */
furrow_range_t furrow_run_take_chunk(furrow_run_t *run)
{
    furrow_range_t chunk = {0, 0};

    if (run->status != FURROW_OK || run->closed) return chunk;
    if (run->is_root) {
        chunk = furrow_run_items_left(run);
        if (chunk.start == chunk.stop) return chunk;
        chunk.stop =
            chunk.start + furrow_least(chunk_size(run, run->items->count - chunk.start), chunk.stop - chunk.start);
        run->last_size = chunk.stop - chunk.start;
        run->next = chunk.stop;
    } else if (run->queued > 0) {
        chunk = run->queue[0];
        memmove(run->queue, run->queue + 1, (size_t)--run->queued * sizeof *run->queue);
    }
    return chunk;
}

static void call_main_thread(furrow_run_t *run)
{
    run->urgent = true;
    pthread_cond_signal(&run->report_there);
}

static void add_report(furrow_run_t *run, const furrow_mail_t *mail)
{
    while (run->reports == FURROW_REPORTS) pthread_cond_wait(&run->room_there, &run->lock);
    run->report[run->reports++] = *mail;
    if (run->reports == FURROW_REPORTS / 2) call_main_thread(run);
}

/* ----------------------------------------------------------------- threads */

void furrow_reject(furrow_rejects_t *rejects, int64_t index, const char *text)
{
    furrow_run_t *run = rejects->run;
    furrow_mail_t mail = {.kind = FURROW_MAIL_REJECT, .range = {index, index + 1}};

    (void)strncpy(mail.text, text, sizeof mail.text - 1);
    pthread_mutex_lock(&run->lock);
    add_report(run, &mail);
    pthread_mutex_unlock(&run->lock);
}

void furrow_run_fail(furrow_run_t *run, furrow_status_t status, const furrow_error_t *err)
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
static bool exchange(furrow_run_t *run, const furrow_mail_t *report, furrow_range_t *chunk)
{
    pthread_mutex_lock(&run->lock);
    if (report != NULL) add_report(run, report);
    for (;;) {
        *chunk = furrow_run_take_chunk(run);
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

static void *work(void *arg)
{
    const furrow_worker_t *w = arg;
    const furrow_items_t *items = w->run->items;
    furrow_rejects_t rejects = {w->run};
    furrow_mail_t report = {.kind = FURROW_MAIL_WANT};
    furrow_error_t error;

    while (exchange(w->run, report.kind == FURROW_MAIL_WANT ? NULL : &report, &report.range)) {
        const double started = furrow_seconds();
        error.text[0] = '\0';
        const furrow_status_t status = items->work(items->arg, report.range.start,
                                                   report.range.stop - report.range.start, w->thread, &rejects, &error);
        report.kind = status == FURROW_OK ? FURROW_MAIL_DONE : FURROW_MAIL_DROPPED;
        report.seconds = furrow_seconds() - started;
        if (status != FURROW_OK) furrow_run_fail(w->run, status, &error);
    }
    return NULL;
}

/* All reports of this rank's threads, in run->batch; how many. */
int64_t furrow_run_take_reports(furrow_run_t *run)
{
    pthread_mutex_lock(&run->lock);
    const int64_t count = run->reports;
    furrow_mail_t *filled = run->report;
    run->report = run->batch;
    run->batch = filled;
    run->reports = 0;
    run->urgent = false;
    pthread_cond_broadcast(&run->room_there);
    pthread_mutex_unlock(&run->lock);
    for (int64_t i = 0; i < count; i++)
        if (filled[i].kind != FURROW_MAIL_REJECT) run->returned++;
    return count;
}

/* Sleep until a thread calls, but not for long where messages may come too. */
void furrow_run_doze(furrow_run_t *run, double longest)
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

furrow_status_t furrow_run_start_threads(furrow_run_t *run, furrow_worker_t *worker, int *started, furrow_error_t *err)
{
    for (*started = 0; *started < run->threads; ++*started) {
        furrow_worker_t *w = &worker[*started];
        *w = (furrow_worker_t){.run = run, .thread = *started};
        if (pthread_create(&w->id, NULL, work, w) != 0)
            return furrow_fail(err, FURROW_ENOMEM, "the system refused thread %d of %d", *started, run->threads);
    }
    return FURROW_OK;
}
