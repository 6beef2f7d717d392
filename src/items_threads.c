/* Owns the threads that work on items, and what they take from and report to. Reports gather in a list that the main
 * thread takes whole, now and then: it is woken only when the list is half full, a thread has nothing to do, or one
 * asks something. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "items_run.h"
#include "mem.h"
#include "progress.h"

/* ------------------------------------------------------------------- store (the lock is held) */

bool furrow_engine_context_cancelled(const furrow_engine_t *e)
{
    return atomic_load_explicit(&furrow_context_progress(e->ctx)->cancelled, memory_order_relaxed);
}

/* The next chunk on this rank, or a part of it. False: there is none now. Other ranks wait for their edges by what
 * they are given; a thread of rank 0 must not run ahead of those who write for it either. */
static bool take_chunk(furrow_engine_t *e, furrow_chunk_t *chunk, furrow_parcel_t **packed)
{
    *packed = NULL;
    if (e->status != FURROW_OK || e->closed || !e->begun || furrow_engine_context_cancelled(e)) return false;
    if (e->is_root) return e->waiting < e->threads && e->client.take(e->client.arg, 1, false, chunk);
    return furrow_engine_take_part(e, chunk, packed);
}

void furrow_engine_call_main(furrow_engine_t *e)
{
    if (!e->urgent) furrow_bells_ring(e->bells, furrow_context_rank(e->ctx));
    e->urgent = true;
}

static void add_report(furrow_engine_t *e, const furrow_report_t *report)
{
    while (e->reports == FURROW_REPORTS) pthread_cond_wait(&e->room_there, &e->lock);
    e->report[e->reports++] = *report;
    if (e->reports == FURROW_REPORTS / 2) furrow_engine_call_main(e);
}

void furrow_engine_mark_cancelled(furrow_engine_t *e, int64_t group)
{
    for (int t = 0; t < e->threads; t++)
        if (group == FURROW_ALL_GROUPS || e->thread[t].group == group) atomic_store(&e->thread[t].cancelled, true);
    if (group == FURROW_ALL_GROUPS) e->interrupts = e->client.interrupt != NULL;
}

/* Those that work on something cancelled. In every turn of the main thread, for one may have been between two items. */
static void interrupt(furrow_engine_t *e)
{
    for (int t = 0; t < e->threads && e->interrupts; t++)
        if (e->thread[t].group != FURROW_ALL_GROUPS && atomic_load(&e->thread[t].cancelled))
            e->client.interrupt(e->client.arg, t);
}

/* ----------------------------------------------------------------- threads */

void furrow_engine_fail(furrow_engine_t *e, furrow_status_t status, const furrow_error_t *err)
{
    pthread_mutex_lock(&e->lock);
    if (e->status == FURROW_OK) {
        e->status = status;
        e->error = *err;
    }
    furrow_engine_call_main(e);
    pthread_mutex_unlock(&e->lock);
}

/* The client hears of this chunk on the thread that had it. */
static bool tells_here(const furrow_engine_t *e, const furrow_edges_t *edges)
{
    return e->is_root && e->client.told_anywhere && !furrow_edges_any(edges);
}

/* The oldest so many reports go to the main thread. The lock is held. */
static void hand_in(furrow_thread_t *t, int count)
{
    furrow_engine_t *e = t->engine;

    for (int i = 0; i < count; i++) {
        const furrow_report_t *report = &t->unsettled[i].report;
        if (tells_here(e, &report->edges))
            e->returned++;
        else
            add_report(e, report);
        if (e->is_root) e->waiting += furrow_edges_any(&report->edges);
    }
    t->count -= count;
    memmove(t->unsettled, t->unsettled + count, (size_t)t->count * sizeof *t->unsettled);
}

/* How many of the oldest reports can be handed in; with `wait`, one at least. A write that failed ends the run, as if
 * the work had. */
static int settle(furrow_thread_t *t, bool wait)
{
    const furrow_engine_client_t *client = &t->engine->client;
    furrow_error_t error = {0};
    bool settled = true;
    int count = 0;

    for (; count < t->count && settled; count += settled) {
        furrow_unsettled_t *oldest = &t->unsettled[count];
        if (oldest->mark == 0) continue;
        const furrow_status_t status =
            client->settled(client->arg, t->thread, oldest->mark, wait && count == 0, &settled, &error);
        if (status == FURROW_OK) continue;
        furrow_engine_fail(t->engine, status, &error);
        furrow_edges_free(&oldest->report.edges);
        oldest->report.mail.kind = FURROW_MAIL_DROPPED;
        oldest->mark = 0;
        settled = true;
    }
    return count;
}

/* The next chunk, if there is one now or this thread has nothing else to wait for. The lock is held. */
static bool take_or_wait(furrow_thread_t *t, furrow_chunk_t *chunk, furrow_parcel_t **packed)
{
    furrow_engine_t *e = t->engine;

    t->group = FURROW_ALL_GROUPS;
    while (!take_chunk(e, chunk, packed)) {
        furrow_engine_call_main(e);
        if (t->count > 0 || e->closed) return false;
        e->idle++;
        pthread_cond_wait(&e->work_there, &e->lock);
        e->idle--;
    }
    e->taken++;
    t->group = chunk->group;
    atomic_store(&t->cancelled, false);
    return true;
}

/* Hand in the reports on chunks that are settled, and wait for the next chunk. False: there will be none. */
static bool exchange(furrow_thread_t *t, furrow_chunk_t *chunk, furrow_parcel_t **packed)
{
    furrow_engine_t *e = t->engine;
    bool got = false, wait = t->count == FURROW_UNSETTLED;

    do {
        const int settled = settle(t, wait);
        pthread_mutex_lock(&e->lock);
        hand_in(t, settled);
        got = take_or_wait(t, chunk, packed);
        pthread_mutex_unlock(&e->lock);
        wait = true;
    } while (!got && t->count > 0);
    return got;
}

static void work_on(furrow_thread_t *t, const furrow_chunk_t *chunk, furrow_parcel_t *packed)
{
    furrow_engine_t *e = t->engine;
    furrow_error_t error = {0};
    furrow_done_t done = {0};
    const double started = furrow_seconds();
    const furrow_range_t items = chunk->range;

    furrow_pulse_begin(t->slot, e->client.noun, items.start, items.stop - items.start, started);
    const furrow_status_t status = e->client.work(e->client.arg, t->thread, chunk, packed, &done, &error);
    done.seconds = furrow_seconds() - started;
    done.failed = status != FURROW_OK;
    furrow_parcel_free(packed);
    furrow_pulse_end(t->slot);
    if (done.failed) furrow_engine_fail(e, status, &error);
    if (done.failed || !furrow_edges_any(&done.edges)) furrow_edges_free(&done.edges);
    if (tells_here(e, &done.edges)) {
        const furrow_status_t told = e->client.told(e->client.arg, chunk, &done, &error);
        if (told != FURROW_OK) furrow_engine_fail(e, told, &error);
        furrow_parcel_free(done.parcel);
        done.parcel = NULL;
    }
    furrow_unsettled_t *last = &t->unsettled[t->count++];
    last->mark = done.failed ? 0 : done.mark;
    last->report = (furrow_report_t){.mail = {.kind = done.failed ? FURROW_MAIL_DROPPED : FURROW_MAIL_DONE,
                                              .chunk = *chunk,
                                              .ran = done.ran,
                                              .seconds = done.seconds},
                                     .parcel = done.parcel,
                                     .edges = done.edges};
}

static void *thread_main(void *arg)
{
    furrow_thread_t *t = arg;
    const furrow_engine_client_t *client = &t->engine->client;
    furrow_error_t error = {0};
    furrow_chunk_t chunk;
    furrow_parcel_t *packed;

    furrow_work_beside();
    (void)furrow_pulse_use(t->slot);
    furrow_status_t status = client->begin == NULL ? FURROW_OK : client->begin(client->arg, t->thread, &error);
    if (status != FURROW_OK) {
        furrow_engine_fail(t->engine, status, &error);
        return NULL;
    }
    while (exchange(t, &chunk, &packed)) work_on(t, &chunk, packed);
    if (client->end != NULL) status = client->end(client->arg, t->thread, &error);
    if (status != FURROW_OK) furrow_engine_fail(t->engine, status, &error);
    return NULL;
}

furrow_status_t furrow_engine_start_threads(furrow_engine_t *e, int *started, furrow_error_t *err)
{
    for (*started = 0; *started < e->threads; ++*started) {
        furrow_thread_t *t = &e->thread[*started];
        t->engine = e;
        t->thread = *started;
        t->slot = furrow_context_slot(e->ctx, *started);
        t->group = FURROW_ALL_GROUPS;
        if (pthread_create(&t->id, NULL, thread_main, t) != 0)
            return furrow_fail(err, FURROW_ENOMEM, "the system refused thread %d of %d", *started, e->threads);
    }
    return FURROW_OK;
}

/* -------------------------------------------------------------- for clients */

void furrow_engine_wake(furrow_engine_t *e, int64_t items)
{
    pthread_mutex_lock(&e->lock);
    if (items >= e->idle)
        pthread_cond_broadcast(&e->work_there);
    else
        for (; items > 0; items--) pthread_cond_signal(&e->work_there);
    e->news = furrow_context_ranks(e->ctx) > 1;
    if (e->news) furrow_engine_call_main(e);
    pthread_mutex_unlock(&e->lock);
}

void furrow_engine_look(furrow_engine_t *e)
{
    pthread_mutex_lock(&e->lock);
    furrow_engine_call_main(e);
    pthread_mutex_unlock(&e->lock);
}

int64_t furrow_engine_workers(const furrow_engine_t *e)
{
    return e->workers;
}

furrow_chunk_t furrow_chunk_for(furrow_range_t left, int64_t threads, int64_t part, bool even)
{
    const int64_t most = left.stop - left.start;
    int64_t count;

    if (!furrow_multiply(part, threads, &count) || count > most) count = most;
    if (even) part = furrow_least(part, (count + threads - 1) / threads);
    return (furrow_chunk_t){.range = {left.start, left.start + count}, .part = part};
}

double furrow_engine_chunk_seconds(const furrow_engine_t *e)
{
    const double least = 4e-3, most = 25e-3, for_each_rank = 20e-6, for_each_thread = 1e-6;
    const double wanted = fmax(for_each_rank * furrow_context_ranks(e->ctx), for_each_thread * (double)e->workers);

    return fmin(fmax(least, wanted), most);
}

bool furrow_engine_was_stopped(const furrow_engine_t *e)
{
    return e->stopping;
}

void furrow_engine_cancel(furrow_engine_t *e, int64_t group)
{
    furrow_error_t error;
    furrow_status_t status = FURROW_OK;

    pthread_mutex_lock(&e->lock);
    furrow_engine_mark_cancelled(e, group);
    if (group == FURROW_ALL_GROUPS)
        e->cancelled_all = true;
    else
        status = furrow_ranges_add(&e->cancelled, group, 1, &error);
    furrow_engine_call_main(e);
    pthread_mutex_unlock(&e->lock);
    if (status != FURROW_OK) furrow_engine_fail(e, status, &error);
}

bool furrow_engine_is_cancelled(const furrow_engine_t *e, int thread)
{
    return atomic_load_explicit(&e->thread[thread].cancelled, memory_order_relaxed) ||
           furrow_engine_context_cancelled(e);
}

/* --------------------------------------------------------------- questions */

furrow_status_t furrow_engine_ask(furrow_engine_t *e, int thread, furrow_parcel_t *question, furrow_parcel_t **answer,
                                  furrow_error_t *err)
{
    furrow_question_t q = {0};

    FURROW_STEP(thread < 0 ? NULL : e->thread[thread].slot, "an answer", NULL, 0);
    pthread_cond_init(&q.there, NULL);
    pthread_mutex_lock(&e->lock);
    q.ticket = ++e->tickets;
    q.next = e->asking;
    e->asking = &q;
    const furrow_mail_t mail = {.kind = FURROW_MAIL_ASK, .thread = thread, .ticket = q.ticket};
    add_report(e, &(furrow_report_t){.mail = mail, .parcel = question});
    furrow_engine_call_main(e);
    while (!q.answered) pthread_cond_wait(&q.there, &e->lock);
    furrow_question_t **at = &e->asking;
    while (*at != &q) at = &(*at)->next;
    *at = q.next;
    pthread_mutex_unlock(&e->lock);
    pthread_cond_destroy(&q.there);
    *answer = q.answer;
    return q.answer != NULL ? FURROW_OK : furrow_fail(err, FURROW_ENOMEM, "out of memory for an answer");
}

void furrow_engine_deliver(furrow_engine_t *e, int64_t ticket, furrow_parcel_t *answer)
{
    pthread_mutex_lock(&e->lock);
    furrow_question_t *q = e->asking;
    while (q != NULL && q->ticket != ticket) q = q->next;
    if (q != NULL) {
        q->answer = answer;
        q->answered = true;
        pthread_cond_signal(&q->there);
    }
    pthread_mutex_unlock(&e->lock);
    if (q == NULL) furrow_parcel_free(answer);
}

void furrow_engine_answer(furrow_engine_t *e, const furrow_asker_t *who, furrow_parcel_t *answer)
{
    const furrow_mail_t mail = {.kind = FURROW_MAIL_ANSWER, .ticket = who->ticket};

    if (who->rank == 0)
        furrow_engine_deliver(e, who->ticket, answer);
    else
        furrow_engine_send(e, &mail, answer, who->rank);
}

/* ------------------------------------------------- the main thread's side */

void furrow_engine_send(furrow_engine_t *e, const furrow_mail_t *mail, furrow_parcel_t *parcel, int to)
{
    furrow_send_mail(e->ctx, mail, sizeof *mail, parcel, to);
    furrow_bells_ring(e->bells, to);
    e->last_mail = furrow_seconds();
}

/* When reports should go. On another rank than 0 they gather while there is work to do, until as much is done as waits
 * to be done: rank 0 has still time to send more. But none waits for long; and none goes at once where so many ranks
 * would do so that rank 0 heard of one at a time from each, and could never keep up again. The lock is held. */
static double due_at(const furrow_engine_t *e)
{
    const double for_each_rank = 10e-6;

    if (e->is_root || e->asking != NULL || e->status != FURROW_OK || e->closed || e->reports > FURROW_REPORTS / 2)
        return 0;
    if (e->idle > 0 || e->reports >= e->parts) return e->reported + for_each_rank * furrow_context_ranks(e->ctx);
    return e->reported + furrow_engine_chunk_seconds(e) / 2;
}

int64_t furrow_engine_take_reports(furrow_engine_t *e)
{
    const double now = furrow_seconds();
    int64_t count = 0;

    e->rings = furrow_bells_rings(e->bells);
    pthread_mutex_lock(&e->lock);
    e->due = e->reports == 0 ? INFINITY : due_at(e);
    if (e->due <= now) {
        count = e->reports;
        furrow_report_t *filled = e->report;
        e->report = e->batch;
        e->batch = filled;
        e->reports = 0;
        e->reported = now;
        e->due = INFINITY;
        pthread_cond_broadcast(&e->room_there);
    }
    e->urgent = false;
    interrupt(e);
    pthread_mutex_unlock(&e->lock);
    return count;
}

void furrow_engine_doze(furrow_engine_t *e, double longest)
{
    const double shortest = 20e-6;

    furrow_bells_wait(e->bells, e->rings, fmin(longest, fmax(shortest, e->due - furrow_seconds())));
}
