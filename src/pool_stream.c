/* Owns streams: results as they come, as many at a time as the buffer holds. A chunk has memory of its own, until its
 * last item is taken. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "pool.h"

enum { CHUNKS_PER_WORKER = 4, GUIDED_CHUNK = 256 };

static const int64_t guided_bytes = INT64_C(1) << 26;

/* --------------------------------------------------------------- for calls */

int64_t furrow_stream_available(const furrow_stream_t *s)
{
    if (s->call->call.next != NULL) return s->filled - s->call->next;
    return furrow_least(s->call->call.count - s->call->next, s->buffer - s->held);
}

int64_t furrow_stream_chunk(const furrow_stream_t *s, int64_t workers, int64_t *least)
{
    const int64_t fair = s->buffer / (CHUNKS_PER_WORKER * workers);

    *least = 1;
    if (s->call->call.chunk == 0) return fair > 0 ? fair : 1;
    *least = furrow_least(s->call->call.chunk, s->buffer);
    return *least;
}

static void append(furrow_stream_t *s, furrow_given_t *given)
{
    given->next = NULL;
    *s->list.last = given;
    s->list.last = &given->next;
}

/* Memory of the chunk: its arguments where `next` gave them, then its results. */
static furrow_status_t make_room(const furrow_stream_t *s, furrow_given_t *given)
{
    const furrow_call_t *c = &s->call->call;
    const int64_t count = given->range.stop - given->range.start;
    const int64_t arg_bytes = c->next != NULL ? furrow_whole_lines(count * c->arg_bytes) : 0;
    void *memory;

    const furrow_status_t status = furrow_alloc_buffer(arg_bytes + count * c->result_bytes, 1, &memory, NULL);
    if (status != FURROW_OK) return status;
    given->own = memory;
    if (c->result_bytes > 0) given->results = given->own + arg_bytes;
    if (c->next != NULL && c->arg_bytes > 0) given->args = given->own;
    return FURROW_OK;
}

furrow_status_t furrow_stream_give(furrow_stream_t *s, furrow_given_t *given)
{
    const furrow_call_t *c = &s->call->call;
    const furrow_status_t status = make_room(s, given);

    if (status != FURROW_OK) return status;
    for (int64_t i = given->range.start; c->next != NULL && i < given->range.stop; i++)
        memcpy(given->own + (i - given->range.start) * c->arg_bytes, s->records + i % s->buffer * c->arg_bytes,
               (size_t)c->arg_bytes);
    if (c->next == NULL) s->held += given->range.stop - given->range.start;
    if (s->ordered) append(s, given);
    return FURROW_OK;
}

furrow_status_t furrow_stream_split(furrow_stream_t *s, furrow_given_t *given, furrow_given_t *rest)
{
    const furrow_call_t *c = &s->call->call;
    const int64_t done = rest->range.start - given->range.start, count = rest->range.stop - rest->range.start;
    const furrow_status_t status = make_room(s, rest);

    if (status != FURROW_OK) return status;
    if (c->next != NULL) memcpy(rest->own, given->own + done * c->arg_bytes, (size_t)(count * c->arg_bytes));
    if (!s->ordered) return FURROW_OK;
    rest->next = given->next;
    given->next = rest;
    if (s->list.last == &given->next) s->list.last = &rest->next;
    return FURROW_OK;
}

void furrow_stream_told(furrow_stream_t *s, furrow_given_t *given)
{
    given->done = true;
    if (!s->ordered) append(s, given);
    pthread_cond_broadcast(&s->call->pool->changed);
}

void furrow_given_free(furrow_given_t *given)
{
    if (given == NULL) return;
    furrow_packed_free(&given->failures);
    free(given->own);
    free(given);
}

void furrow_stream_drop(furrow_stream_t *s)
{
    for (furrow_given_t *given = s->list.first, *next; given != NULL; given = next) {
        next = given->next;
        furrow_given_free(given);
    }
    free(s->records);
    free(s);
}

/* ------------------------------------------------------------- for programs */

static int64_t default_buffer(const furrow_call_t *c, int64_t workers)
{
    const int64_t chunk = c->chunk > 0 ? c->chunk : GUIDED_CHUNK;
    const int64_t least = CHUNKS_PER_WORKER * workers,
                  most = guided_bytes / (c->arg_bytes / 2 + c->result_bytes / 2 + 1);
    const int64_t wanted = chunk > INT64_MAX / least ? INT64_MAX : chunk * least;

    if (c->chunk > 0) return wanted;
    return wanted < most ? wanted : most > least ? most : least;
}

static furrow_status_t make_stream(furrow_pool_t *pool, const furrow_call_t *request, bool ordered, int64_t buffer,
                                   furrow_stream_t **out, furrow_error_t *err)
{
    const bool fills = request->next != NULL;
    void *memory = NULL, *records = NULL;
    int64_t bytes;

    if (buffer == 0) buffer = default_buffer(request, furrow_pool_workers(pool));
    if (pool->opts.in_flight > 0) buffer = furrow_least(buffer, pool->opts.in_flight);
    buffer = furrow_least(buffer, request->count > 0 ? request->count : 1);
    if (!furrow_multiply(buffer, request->arg_bytes, &bytes) || !furrow_multiply(buffer, request->result_bytes, &bytes))
        return furrow_fail(err, FURROW_EOVERFLOW, "a buffer of %lld items of %lld and %lld bytes", (long long)buffer,
                           (long long)request->arg_bytes, (long long)request->result_bytes);
    furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status == FURROW_OK && fills) status = furrow_alloc(buffer, request->arg_bytes, &records, err);
    if (status != FURROW_OK) {
        free(memory);
        return status;
    }
    furrow_stream_t *s = memory;
    *s = (furrow_stream_t){.ordered = ordered, .buffer = buffer, .records = records};
    s->list.last = &s->list.first;
    *out = s;
    return FURROW_OK;
}

/* Is there room for an item that `next` may have? The lock is held. */
static bool wants_more(const furrow_stream_t *s)
{
    const furrow_future_t *call = s->call;

    return !call->done && !call->cancelled && !call->stopped && call->status == FURROW_OK && s->held < s->buffer &&
           s->filled < call->call.count;
}

/* Ask `next` for as many items as there is room for. It may take its time: what it gave goes out at once. */
static void fill(furrow_stream_t *s)
{
    furrow_future_t *call = s->call;
    furrow_pool_t *pool = call->pool;

    if (pool == NULL || call->call.next == NULL) return;
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        const bool wants = wants_more(s);
        pthread_mutex_unlock(&pool->lock);
        if (!wants) return;
        char *record = s->records + s->filled % s->buffer * call->call.arg_bytes;
        const bool more = call->call.next(call->call.next_arg, s->filled, record);
        pthread_mutex_lock(&pool->lock);
        if (more) {
            s->filled++;
            s->held++;
        } else if (!call->done) {
            call->call.count = s->filled;
            furrow_call_is_filled(call);
        }
        pthread_mutex_unlock(&pool->lock);
        furrow_engine_wake(pool->engine, 1);
    }
}

furrow_status_t furrow_pool_imap(furrow_pool_t *pool, const furrow_call_t *request, bool ordered, int64_t buffer,
                                 furrow_stream_t **out, furrow_error_t *err)
{
    furrow_future_t *call = NULL;
    furrow_stream_t *s = NULL;

    *out = NULL;
    furrow_error_clear(err);
    furrow_status_t status = furrow_pool_may_call(pool, err);
    if (status == FURROW_OK && buffer < 0)
        status = furrow_fail(err, FURROW_EARG, "a buffer of %lld items", (long long)buffer);
    if (status == FURROW_OK) status = furrow_call_new(pool, request, true, &call, err);
    if (status == FURROW_OK) status = make_stream(pool, request, ordered, buffer, &s, err);
    if (status != FURROW_OK) {
        free(call);
        return status;
    }
    call->stream = s;
    s->call = call;
    call->handles = 1;
    status = furrow_call_start(pool, call, err);
    if (status != FURROW_OK) return status;
    fill(s);
    *out = s;
    return FURROW_OK;
}

/* The chunk that the last outcome lies in, if all of it was taken, goes. The lock is held. */
static void let_go(furrow_stream_t *s)
{
    furrow_given_t *given = s->current;

    if (given == NULL || given->taken < given->ran) return;
    s->list.first = given->next;
    if (s->list.first == NULL) s->list.last = &s->list.first;
    furrow_given_free(given);
    s->current = NULL;
}

/* The chunk from which the next item is taken; NULL: none is there. The lock is held. */
static furrow_given_t *find_current(furrow_stream_t *s)
{
    for (let_go(s); s->current == NULL && !s->gap && s->list.first != NULL && s->list.first->done; let_go(s)) {
        s->current = s->list.first;
        s->failure_at = 0;
        const int64_t dropped = s->current->range.stop - s->current->range.start - s->current->ran;
        s->held -= dropped;
        s->gap = s->ordered && dropped > 0;
    }
    return s->current;
}

static void take(furrow_stream_t *s, furrow_outcome_t *outcome)
{
    furrow_given_t *given = s->current;
    const int64_t at = given->taken++;
    furrow_packed_failure_t failure;
    int64_t next = s->failure_at;

    *outcome = (furrow_outcome_t){.index = given->range.start + at, .text = ""};
    if (given->results != NULL) outcome->result = given->results + at * s->call->call.result_bytes;
    if (furrow_packed_next(given->failures.data, given->failures.bytes, &next, &failure) &&
        failure.index == outcome->index) {
        outcome->code = failure.code;
        outcome->text = failure.text;
        outcome->result = NULL;
        s->failure_at = next;
    }
    s->held--;
}

static furrow_status_t end_of(const furrow_stream_t *s, furrow_error_t *err)
{
    const furrow_future_t *call = s->call;

    if (call->status != FURROW_OK) return furrow_fail(err, call->status, "out of memory for a stream");
    if (call->dropped.count > 0)
        return furrow_fail(err, FURROW_ECANCELED, "the other items of the stream were dropped");
    return furrow_fail(err, FURROW_EEMPTY, "the stream is at its end");
}

furrow_status_t furrow_stream_next(furrow_stream_t *s, double timeout, furrow_outcome_t *outcome, furrow_error_t *err)
{
    const double deadline = furrow_pool_deadline(timeout);
    furrow_pool_t *pool = s->call->pool;
    furrow_status_t status = FURROW_OK;
    bool got = false;

    furrow_error_clear(err);
    *outcome = (furrow_outcome_t){.text = ""};
    if (pool == NULL) {
        if (find_current(s) == NULL) return end_of(s, err);
        take(s, outcome);
        return FURROW_OK;
    }
    fill(s);
    pthread_mutex_lock(&pool->lock);
    while (!(got = find_current(s) != NULL) && !s->call->ready && status == FURROW_OK) {
        if (timeout != 0) status = furrow_pool_may_wait(pool, err);
        if (status == FURROW_OK && !furrow_pool_wait(pool, deadline))
            status = furrow_fail(err, FURROW_ETIMEDOUT, "no item after %g s", timeout);
    }
    if (got)
        take(s, outcome);
    else if (status == FURROW_OK)
        status = end_of(s, err);
    pthread_mutex_unlock(&pool->lock);
    if (got) furrow_engine_wake(pool->engine, 1); /* there is room for another one */
    return status;
}

void furrow_stream_free(furrow_stream_t *s)
{
    if (s == NULL) return;
    furrow_future_t *call = s->call;
    furrow_pool_t *pool = call->pool;
    const int64_t number = call->number;
    if (pool == NULL) {
        furrow_call_release(call);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    const bool cancels = !call->done;
    furrow_call_cancel(call);
    furrow_call_release(call);
    pthread_mutex_unlock(&pool->lock);
    if (cancels) furrow_engine_cancel(pool->engine, number);
}
