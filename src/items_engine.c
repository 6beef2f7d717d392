/* The main thread of rank 0 and those of the others speak by mails of one size, some with a parcel. Another rank gets
 * chunks for several threads at a time, and reports several; it has at most a part for each thread, and some in
 * reserve while parts are short. On rank 0 the threads take theirs from the same store.
 *
 * Ranks on one node wake one another. Messages of MPI wake nobody, so with several nodes the main threads look for
 * them, at growing pauses. */
#include "items_engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "items_run.h"
#include "mem.h"
#include "progress.h"

/* How long the main thread sleeps, from and to: where all ranks ring for it; where some cannot. */
static const double pause_in_reach[] = {1e-3, 0.05}, pause[] = {20e-6, 500e-6};

/* A mail that nobody rings for waits a quarter of the quiet time before it, so that ranks which answer one another at
 * once do so. Where all ring, only what is still on its way out needs a look now and then. */
static double pause_after(furrow_engine_t *e, bool heard)
{
    const double *limit = furrow_bells_reach_all(e->bells) ? pause_in_reach : pause;
    const double now = furrow_seconds();

    if (heard) e->last_mail = now;
    return furrow_context_ranks(e->ctx) == 1 ? limit[1] : fmin(fmax((now - e->last_mail) / 4, limit[0]), limit[1]);
}

/* The threads take nothing more. The lock is held. */
static void close_store(furrow_engine_t *e)
{
    e->closed = true;
    pthread_cond_broadcast(&e->work_there);
}

/* ------------------------------------------------------------------ rank 0 */

static void tell(furrow_engine_t *e, const furrow_report_t *r)
{
    const furrow_done_t done = {.ran = r->mail.ran,
                                .seconds = r->mail.seconds,
                                .parcel = r->parcel,
                                .failed = r->mail.kind == FURROW_MAIL_DROPPED};
    furrow_error_t error = {0};

    const furrow_status_t status =
        e->client.told == NULL ? FURROW_OK : e->client.told(e->client.arg, &r->mail.chunk, &done, &error);
    if (status != FURROW_OK) furrow_engine_fail(e, status, &error);
}

/* Rank 0 takes note of what a rank, itself too, reports. */
static void hear(furrow_engine_t *e, const furrow_report_t *r, int from)
{
    const furrow_asker_t who = {from, (int)r->mail.thread, r->mail.ticket};

    switch ((furrow_mail_kind_t)r->mail.kind) {
    case FURROW_MAIL_WANT: e->peer[from] = (furrow_peer_t){.threads = r->mail.thread, .reserve = 1}; break;
    case FURROW_MAIL_DROPPED: e->stopping = true; /* fall through */
    case FURROW_MAIL_DONE: tell(e, r); break;
    case FURROW_MAIL_STOPPING: e->stopping = true; break;
    case FURROW_MAIL_ASK:
        e->no_reserve = true;
        e->client.asked(e->client.arg, &who, r->parcel);
        break;
    case FURROW_MAIL_ASK_LOST: furrow_engine_answer(e, &who, NULL); break;
    default: break;
    }
}

/* How many parts of this kind a thread of another rank may have in reserve: so many that it does not wait for the mail,
 * so few that they hold nobody up, and take no memory to speak of. */
static int64_t reserve_for(const furrow_chunk_t *chunk, const furrow_parcel_t *parcel)
{
    const double enough_seconds = 1e-3;
    const int64_t small_bytes = 4096;

    if (chunk->expected <= 0 || (parcel != NULL && parcel->bytes / furrow_parts(chunk) > small_bytes)) return 1;
    const double wanted = enough_seconds / chunk->expected;
    return wanted < 1 ? 1 : wanted < FURROW_RESERVE_MAX ? (int64_t)wanted : FURROW_RESERVE_MAX;
}

/* Pack a chunk and send it. A chunk that cannot be packed comes back undone at once. */
static void give(furrow_engine_t *e, const furrow_chunk_t *chunk, int rank)
{
    furrow_report_t r = {.mail = {.kind = FURROW_MAIL_CHUNK, .chunk = *chunk}};
    furrow_error_t error = {0};

    r.mail.chunk.origin = chunk->range.start;
    const furrow_status_t status =
        e->client.pack == NULL ? FURROW_OK : e->client.pack(e->client.arg, chunk, &r.parcel, &error);
    if (status != FURROW_OK) {
        r.mail.kind = FURROW_MAIL_DROPPED;
        furrow_engine_fail(e, status, &error);
        hear(e, &r, 0);
        return;
    }
    e->peer[rank].reserve = reserve_for(chunk, r.parcel);
    furrow_engine_send(e, &r.mail, r.parcel, rank);
    e->peer[rank].given += furrow_parts(chunk);
    e->peer[rank].latest = chunk->range;
    e->given_away += furrow_parts(chunk);
}

/* Rank 0 gives another rank what it may have; more than a part for each thread only if no thread here wants it. Where
 * items wait for others, each thread gets a chunk of its own. False: there is nothing for this rank, nor for any
 * other. */
static bool answer_rank(furrow_engine_t *e, int rank, bool reserve)
{
    furrow_peer_t *peer = &e->peer[rank];
    furrow_chunk_t chunk;

    for (;;) {
        const bool extra = reserve && peer->given >= peer->threads;
        const int64_t room = (extra ? 1 + peer->reserve : 1) * peer->threads - peer->given;
        if (e->stopping || room <= 0) return true;
        pthread_mutex_lock(&e->lock);
        const bool got = e->status == FURROW_OK && !(extra && (e->idle > 0 || e->no_reserve)) &&
                         e->client.take(e->client.arg, e->no_reserve ? 1 : room, extra, &chunk);
        pthread_mutex_unlock(&e->lock);
        if (!got) return false;
        give(e, &chunk, rank);
    }
}

/* What another rank reports or asks. */
static void hear_rank(furrow_engine_t *e, furrow_report_t *r, bool lost, int from)
{
    const int64_t kind = r->mail.kind;
    furrow_error_t error;

    if (lost && kind == FURROW_MAIL_DONE) {
        r->mail.kind = FURROW_MAIL_DROPPED;
        furrow_engine_fail(e, furrow_fail(&error, FURROW_ENOMEM, "out of memory for results"), &error);
    }
    if (lost && kind == FURROW_MAIL_ASK) r->mail.kind = FURROW_MAIL_ASK_LOST;
    if (kind == FURROW_MAIL_DONE || kind == FURROW_MAIL_DROPPED) {
        e->peer[from].given -= furrow_parts(&r->mail.chunk);
        e->given_away -= furrow_parts(&r->mail.chunk);
        furrow_pulse_done(furrow_context_main_slot(e->ctx));
    }
    hear(e, r, from);
}

static void hear_several(furrow_engine_t *e, const furrow_report_t *several, int from)
{
    char *at = several->parcel->data;
    furrow_parcel_t place;
    furrow_report_t r;

    for (int64_t i = 0; i < several->mail.ran; i++) {
        furrow_engine_unpack_report(&at, &r, &place);
        hear_rank(e, &r, false, from);
    }
}

/* Chunks of this rank's threads that rank 0 has heard of. */
static void count_returned(furrow_engine_t *e, int64_t chunks)
{
    pthread_mutex_lock(&e->lock);
    e->returned += chunks;
    pthread_mutex_unlock(&e->lock);
}

/* An edge has come to be written, or one that this rank sent is. */
static void hear_of_edge(furrow_engine_t *e, const furrow_report_t *r, bool lost, int from)
{
    furrow_report_t own;

    if (!furrow_engine_take_edge(e, r, lost, from, &own)) return;
    hear(e, &own, 0);
    furrow_parcel_free(own.parcel);
    count_returned(e, 1);
}

static void hear_mail(furrow_engine_t *e, furrow_report_t *r, bool lost, int from)
{
    if (furrow_engine_is_about_edges(&r->mail)) {
        hear_of_edge(e, r, lost, from);
        return;
    }
    if (r->mail.kind == FURROW_MAIL_SEVERAL)
        hear_several(e, r, from);
    else
        hear_rank(e, r, lost, from);
    if (r->parcel != e->spare) furrow_parcel_free(r->parcel);
    (void)answer_rank(e, from, true);
}

/* The spare parcel is for several reports: they are sure to arrive, or the run would wait for them. */
static void take_spare_back(const furrow_engine_t *e, furrow_report_t *r, bool *lost)
{
    if (r->parcel == NULL || r->parcel != e->spare || r->mail.kind == FURROW_MAIL_SEVERAL) return;
    r->parcel = NULL;
    *lost = true;
}

/* One mail of each rank, on average, so that its own threads are heard as well. `*all`: there are no more.
 * \return was there any? */
static bool serve_ranks(furrow_engine_t *e, bool *all)
{
    const int most = furrow_context_ranks(e->ctx);
    furrow_report_t r = {0};
    int from, mails = 0;
    bool lost;

    for (; mails < most; mails++) {
        if (!furrow_take_mail(e->ctx, &r.mail, sizeof r.mail, e->spare, &r.parcel, &lost, &from)) break;
        take_spare_back(e, &r, &lost);
        hear_mail(e, &r, lost, from);
    }
    *all = mails < most;
    return mails > 0;
}

/* After news all ranks are looked after: first every thread, then what is kept in reserve. */
static void spread_news(furrow_engine_t *e)
{
    pthread_mutex_lock(&e->lock);
    bool news = e->news;
    e->news = false;
    pthread_mutex_unlock(&e->lock);
    for (int pass = 0; pass < 2 && news; pass++)
        for (int r = 1; r < furrow_context_ranks(e->ctx) && news; r++) news = answer_rank(e, r, pass == 1);
}

static void tell_all(furrow_engine_t *e, const furrow_mail_t *mail)
{
    for (int r = 1; r < furrow_context_ranks(e->ctx); r++) furrow_engine_send(e, mail, NULL, r);
}

static void tell_cancelled(furrow_engine_t *e)
{
    furrow_mail_t mail = {.kind = FURROW_MAIL_CANCEL};

    pthread_mutex_lock(&e->lock);
    const bool all = e->cancelled_all;
    furrow_ranges_t groups = e->cancelled;
    e->cancelled_all = false;
    e->cancelled = (furrow_ranges_t){0};
    pthread_mutex_unlock(&e->lock);
    mail.chunk.group = FURROW_ALL_GROUPS;
    if (all) tell_all(e, &mail);
    for (int64_t i = 0; i < groups.count && !all; i++)
        for (mail.chunk.group = groups.range[i].start; mail.chunk.group < groups.range[i].stop; mail.chunk.group++)
            tell_all(e, &mail);
    furrow_ranges_free(&groups);
}

/* Once stopping, always. \return it begins now */
static bool look_for_stop(furrow_engine_t *e)
{
    pthread_mutex_lock(&e->lock);
    if (e->status != FURROW_OK || furrow_engine_context_cancelled(e)) e->stopping = true;
    const bool begins = e->stopping && !e->closed;
    if (begins) close_store(e);
    pthread_mutex_unlock(&e->lock);
    return begins;
}

static bool is_over(furrow_engine_t *e)
{
    pthread_mutex_lock(&e->lock);
    const bool over = e->client.is_over(e->client.arg, e->stopping) && e->taken == e->returned && e->given_away == 0 &&
                      e->reports == 0;
    pthread_mutex_unlock(&e->lock);
    return over;
}

static int64_t hear_threads(furrow_engine_t *e)
{
    const int64_t reports = furrow_engine_take_reports(e);
    int64_t chunks = 0;

    for (int64_t i = 0; i < reports; i++) {
        if (furrow_engine_hold(e, &e->batch[i])) continue;
        chunks += e->batch[i].mail.kind != FURROW_MAIL_ASK;
        hear(e, &e->batch[i], 0);
        furrow_parcel_free(e->batch[i].parcel);
    }
    count_returned(e, chunks);
    return reports;
}

/* Rank 0 waits for the first rank that has chunks, where its own threads have none. */
static void share_pulse(furrow_engine_t *e)
{
    furrow_pulse_slot_t *slot = furrow_context_main_slot(e->ctx);
    furrow_range_t latest = {0, 0};
    int rank = 1;

    if (!furrow_share_pulse(e->ctx)) return; /* nearly always */
    while (rank < furrow_context_ranks(e->ctx) && e->peer[rank].given == 0) rank++;
    if (e->given_away > 0) latest = e->peer[rank].latest;
    slot->waits_for = e->given_away > 0 ? rank : FURROW_WAITS_FOR_SOME;
    slot->noun = e->client.noun;
    furrow_pulse_at(slot, latest.start, latest.stop - latest.start);
}

/* Rank 0: until the client says that it is over, and all that was given out has come back. */
static void lead(furrow_engine_t *e)
{
    const furrow_engine_client_t *client = &e->client;
    furrow_error_t error = {0};

    FURROW_WAITING(e->ctx, "the run of items", FURROW_WAITS_FOR_SOME);
    furrow_status_t status = client->started == NULL ? FURROW_OK : client->started(client->arg, &error);
    for (bool all;;) {
        double next = INFINITY;
        const int64_t reports = hear_threads(e);
        const bool heard = serve_ranks(e, &all) || reports > 0;
        if (status == FURROW_OK && client->tick != NULL) status = client->tick(client->arg, &next, &error);
        if (status != FURROW_OK) furrow_engine_fail(e, status, &error);
        if (look_for_stop(e) && client->stopping != NULL) client->stopping(client->arg);
        tell_cancelled(e);
        spread_news(e);
        if (is_over(e)) break;
        share_pulse(e);
        const double until_next = fmax(0, next - furrow_seconds());
        const double longest = fmin(until_next, pause_after(e, heard));
        if (all) furrow_engine_doze(e, longest);
    }
    furrow_pulse_at(furrow_context_main_slot(e->ctx), 0, 0);
}

/* ------------------------------------------------------------- other ranks */

/* Other ranks: until rank 0 says that nothing more will come. By then every chunk that came was reported. */
static void follow(furrow_engine_t *e)
{
    furrow_report_t r = {.mail = {.kind = FURROW_MAIL_WANT, .thread = e->threads}}, own;
    bool lost;
    int from;

    FURROW_WAITING(e->ctx, "the run of items", 0);
    furrow_engine_send(e, &r.mail, NULL, 0);
    for (;;) {
        const int64_t reports = furrow_engine_take_reports(e);
        furrow_engine_go_back(e); /* rank 0 should hear of that before the reports, which it answers with more chunks */
        furrow_engine_send_reports(e, reports);
        furrow_engine_return_what_waits(e);
        bool heard = reports > 0;
        for (; furrow_take_mail(e->ctx, &r.mail, sizeof r.mail, NULL, &r.parcel, &lost, &from); heard = true) {
            if (r.mail.kind == FURROW_MAIL_STOP) return;
            if (furrow_engine_is_about_edges(&r.mail) && furrow_engine_take_edge(e, &r, lost, from, &own))
                furrow_engine_send(e, &own.mail, own.parcel, 0);
            if (r.mail.kind == FURROW_MAIL_CHUNK) furrow_engine_queue_chunk(e, &r, lost);
            if (r.mail.kind == FURROW_MAIL_CANCEL) furrow_engine_cancel_here(e, r.mail.chunk.group);
            if (r.mail.kind == FURROW_MAIL_ANSWER) furrow_engine_deliver(e, r.mail.ticket, r.parcel);
        }
        (void)furrow_share_pulse(e->ctx);
        furrow_engine_doze(e, pause_after(e, heard));
    }
}

/* ---------------------------------------------------------------- the run */

static void init_locks(furrow_engine_t *e)
{
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->work_there, NULL);
    pthread_cond_init(&e->room_there, NULL);
}

static furrow_status_t alloc_lists(furrow_engine_t *e, furrow_error_t *err)
{
    const int64_t ranks = furrow_context_ranks(e->ctx), room = (1 + FURROW_RESERVE_MAX) * (int64_t)e->threads;
    void *thread = NULL, *queue = NULL, *going = NULL, *held = NULL, *peer = NULL, *report = NULL, *batch = NULL;

    furrow_status_t status = furrow_alloc(e->threads, sizeof *e->thread, &thread, err);
    if (status == FURROW_OK) status = furrow_alloc(room, sizeof *e->queue, &queue, err);
    if (status == FURROW_OK) status = furrow_alloc(room, sizeof *e->going, &going, err);
    if (status == FURROW_OK) status = furrow_alloc(room, sizeof *e->held, &held, err);
    if (status == FURROW_OK) status = furrow_alloc(ranks, sizeof *e->peer, &peer, err);
    if (status == FURROW_OK) status = furrow_alloc(FURROW_REPORTS, sizeof *e->report, &report, err);
    if (status == FURROW_OK) status = furrow_alloc(FURROW_REPORTS, sizeof *e->batch, &batch, err);
    e->thread = thread;
    e->queue = queue;
    e->going = going;
    e->held = held;
    e->peer = peer;
    e->report = report;
    e->batch = batch;
    if (status == FURROW_OK && e->is_root && ranks > 1)
        status = furrow_parcel_new(FURROW_SEVERAL_BYTES, &e->spare, err);
    return status;
}

furrow_status_t furrow_engine_open(furrow_context_t *ctx, const furrow_engine_client_t *client, furrow_engine_t **out,
                                   furrow_error_t *err)
{
    const bool is_root = furrow_context_rank(ctx) == 0;
    const int threads = client->on_root && !is_root ? 0 : furrow_context_threads(ctx);
    int64_t workers = threads;
    furrow_bells_t *bells;
    void *memory;

    *out = NULL;
    furrow_begin_mails(ctx);
    furrow_sum_int64(ctx, &workers, 1);
    furrow_status_t status = furrow_bells_open(ctx, &bells, err);
    if (status == FURROW_OK) status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status != FURROW_OK) {
        furrow_bells_close(bells);
        return status;
    }
    *out = memory;
    **out = (furrow_engine_t){
        .ctx = ctx, .client = *client, .is_root = is_root, .threads = threads, .workers = workers, .bells = bells};
    init_locks(*out);
    return alloc_lists(*out, err);
}

/* Threads that were started before one was refused end at once. */
static furrow_status_t run_started(furrow_engine_t *e, furrow_status_t status, furrow_error_t *err)
{
    const furrow_mail_t stop = {.kind = FURROW_MAIL_STOP};

    status = furrow_agree(e->ctx, status, err);
    if (status != FURROW_OK) return status;
    pthread_mutex_lock(&e->lock);
    e->begun = true;
    pthread_cond_broadcast(&e->work_there);
    pthread_mutex_unlock(&e->lock);
    if (e->is_root) {
        lead(e);
        tell_all(e, &stop);
    } else {
        follow(e);
    }
    furrow_finish_mails(e->ctx);
    return FURROW_OK;
}

furrow_status_t furrow_engine_run(furrow_engine_t *e, furrow_error_t *err)
{
    int started = 0;

    furrow_status_t status = run_started(e, furrow_engine_start_threads(e, &started, err), err);
    pthread_mutex_lock(&e->lock);
    close_store(e);
    pthread_mutex_unlock(&e->lock);
    for (int t = 0; t < started; t++) (void)pthread_join(e->thread[t].id, NULL);
    if (status != FURROW_OK || e->status == FURROW_OK) return status;
    if (err != NULL) *err = e->error;
    return e->status;
}

void furrow_engine_close(furrow_engine_t *e)
{
    if (e == NULL) return;
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->work_there);
    pthread_cond_destroy(&e->room_there);
    furrow_ranges_free(&e->cancelled);
    furrow_bells_close(e->bells);
    free(e->thread);
    free(e->queue);
    free(e->going);
    free(e->held);
    free(e->peer);
    free(e->report);
    free(e->batch);
    furrow_parcel_free(e->spare);
    free(e);
}
