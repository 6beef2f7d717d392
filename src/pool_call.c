/* Owns calls: which chunk comes next, what becomes of it, how the call ends. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "output.h"
#include "pool.h"
#include "progress.h"

static const double long_chunk = 0.05; /* none in reserve that takes longer: it could hold up the end */
/* Arguments and results of a chunk for several threads, or of a size that was measured, at most. */
static const int64_t guided_bytes = INT64_C(1) << 24;

/* ------------------------------------------------------------------ making */

static furrow_status_t find_function(const furrow_pool_t *pool, furrow_future_t *call, furrow_error_t *err)
{
    for (int f = 0; f < pool->opts.function_count; f++)
        if (pool->opts.functions[f] == call->call.function) {
            call->function = f;
            return FURROW_OK;
        }
    return furrow_fail(err, FURROW_EARG, "the function of the call is none of the %d in furrow_pool_opts_t.functions",
                       pool->opts.function_count);
}

static furrow_status_t check_request(const furrow_call_t *c, bool is_stream, furrow_error_t *err)
{
    int64_t bytes;

    if (c->count < 0 || c->arg_bytes < 0 || c->result_bytes < 0 || c->chunk < 0)
        return furrow_fail(err, FURROW_EARG,
                           "a call of %lld items in chunks of %lld, %lld bytes of arguments, %lld of results: none may "
                           "be negative",
                           (long long)c->count, (long long)c->chunk, (long long)c->arg_bytes,
                           (long long)c->result_bytes);
    if (c->next != NULL && !is_stream)
        return furrow_fail(err, FURROW_EARG, "next is for furrow_pool_imap() only: this call needs args");
    if (c->next == NULL && c->args == NULL && c->arg_bytes > 0 && c->count > 0)
        return furrow_fail(err, FURROW_EARG, "arguments of %lld bytes, but no args", (long long)c->arg_bytes);
    if (is_stream) return FURROW_OK;
    if (!furrow_multiply(c->count, c->arg_bytes, &bytes) || !furrow_multiply(c->count, c->result_bytes, &bytes))
        return furrow_fail(err, FURROW_EOVERFLOW, "%lld items of %lld and %lld bytes", (long long)c->count,
                           (long long)c->arg_bytes, (long long)c->result_bytes);
    return FURROW_OK;
}

furrow_status_t furrow_call_new(furrow_pool_t *pool, const furrow_call_t *request, bool is_stream,
                                furrow_future_t **out, furrow_error_t *err)
{
    void *memory;

    furrow_status_t status = check_request(request, is_stream, err);
    if (status == FURROW_OK) status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status != FURROW_OK) return status;
    furrow_future_t *call = memory;
    call->pool = pool;
    call->call = *request;
    if (request->arg_bytes == 0) call->call.args = NULL;
    status = find_function(pool, call, err);
    if (status == FURROW_OK)
        *out = call;
    else
        free(call);
    return status;
}

static void free_call(furrow_future_t *call)
{
    if (call->stream != NULL) furrow_stream_drop(call->stream);
    free(call->own_args);
    free(call->own_results);
    furrow_packed_free(&call->failures);
    furrow_ranges_free(&call->dropped);
    free(call);
}

static void unlink_call(furrow_future_t *call)
{
    furrow_pool_t *pool = call->pool;

    if (call->previous != NULL)
        call->previous->next_call = call->next_call;
    else
        pool->calls = call->next_call;
    if (call->next_call != NULL) call->next_call->previous = call->previous;
}

void furrow_call_release(furrow_future_t *call)
{
    if (--call->handles > 0 || (call->pool != NULL && !call->ready)) return;
    if (call->pool != NULL) unlink_call(call);
    free_call(call);
}

/* ---------------------------------------------------------- the active ones */

static void activate(furrow_future_t *call)
{
    if (call->is_active) return;
    call->is_active = true;
    call->next_active = NULL;
    *call->pool->active_end = call;
    call->pool->active_end = &call->next_active;
}

/* `at` points at it in the list. */
static void remove_active(furrow_pool_t *pool, furrow_future_t **at)
{
    furrow_future_t *call = *at;

    call->is_active = false;
    *at = call->next_active;
    if (*at == NULL) pool->active_end = at;
}

static void deactivate(furrow_future_t *call)
{
    furrow_future_t **at = &call->pool->active;

    if (!call->is_active) return;
    while (*at != call) at = &(*at)->next_active;
    remove_active(call->pool, at);
}

/* A larger call than there is ever room for waits until it is alone. */
static bool has_room(const furrow_pool_t *pool, const furrow_future_t *call)
{
    const int64_t limit = pool->opts.in_flight;

    return limit == 0 || call->weight == 0 || pool->open_items == 0 || call->weight <= limit - pool->open_items;
}

static furrow_status_t refuse_closed(const furrow_pool_t *pool, furrow_error_t *err)
{
    if (pool->stopped || atomic_load(&furrow_context_progress(pool->ctx)->cancelled))
        return furrow_fail(err, FURROW_ECANCELED, "the pool was stopped");
    if (pool->closed || pool->terminated) return furrow_fail(err, FURROW_ECLOSED, "the pool is closed");
    return FURROW_OK;
}

static void link_call(furrow_pool_t *pool, furrow_future_t *call)
{
    call->number = pool->numbers++;
    call->next_call = pool->calls;
    if (pool->calls != NULL) pool->calls->previous = call;
    pool->calls = call;
    pool->open_calls++;
    pool->open_items += call->weight;
    if (call->call.count > 0) activate(call);
}

furrow_status_t furrow_call_start(furrow_pool_t *pool, furrow_future_t *call, furrow_error_t *err)
{
    const int64_t count = call->call.count;

    call->weight = call->stream == NULL ? count : 0;
    pthread_mutex_lock(&pool->lock);
    furrow_status_t status = refuse_closed(pool, err);
    while (status == FURROW_OK && !has_room(pool, call) && furrow_pool_place == NULL) {
        (void)furrow_pool_wait(pool, furrow_pool_deadline(-1));
        status = refuse_closed(pool, err);
    }
    if (status == FURROW_OK) {
        link_call(pool, call);
        furrow_call_settle(call);
    }
    pthread_mutex_unlock(&pool->lock);
    if (status == FURROW_OK)
        furrow_engine_wake(pool->engine, count);
    else
        free_call(call);
    return status;
}

/* ------------------------------------------------------------ giving it out */

/* Items of that many bytes together. */
static int64_t items_within_bytes(const furrow_call_t *c)
{
    const int64_t most = guided_bytes / (c->arg_bytes / 2 + c->result_bytes / 2 + 1);

    return most > 0 ? most : 1;
}

/* How many items come next for one thread; 0: none now. */
static int64_t next_size(const furrow_future_t *call, int64_t workers, double seconds)
{
    const furrow_call_t *c = &call->call;
    const bool at_end = call->stream == NULL || (c->next != NULL && call->stream->filled == c->count);
    const int64_t available = call->stream == NULL ? c->count - call->next : furrow_stream_available(call->stream);
    int64_t size = c->chunk, least = 1;

    if (size == 0) {
        size = furrow_guide_size(&call->guide, c->count - call->next, workers, seconds);
        size = furrow_least(size, items_within_bytes(c));
    }
    if (call->stream != NULL) size = furrow_least(size, furrow_stream_chunk(call->stream, workers, &least));
    if (available < least && !at_end && available < c->count - call->next) return 0;
    return furrow_least(size, available);
}

/* Of what came back. */
static int64_t again_size(const furrow_future_t *call, int64_t workers, double seconds)
{
    const int64_t left = call->again->range.stop - call->again->range.start;

    return furrow_least(left, call->call.chunk > 0 ? call->call.chunk
                                                   : furrow_guide_size(&call->guide, left, workers, seconds));
}

/* Where arguments and results of a chunk lie. */
static void place(furrow_future_t *call, furrow_given_t *given)
{
    const furrow_call_t *c = &call->call;

    if (c->args != NULL) given->args = (const char *)c->args + given->range.start * c->arg_bytes;
    if (call->results != NULL) given->results = call->results + given->range.start * c->result_bytes;
}

static furrow_given_t *new_given(furrow_future_t *call, int64_t start, int64_t stop)
{
    void *memory;

    if (furrow_alloc(1, sizeof(furrow_given_t), &memory, NULL) != FURROW_OK) {
        call->status = FURROW_ENOMEM;
        return NULL;
    }
    furrow_given_t *given = memory;
    given->call = call;
    given->range = (furrow_range_t){start, stop};
    place(call, given);
    return given;
}

/* Without memory for it the call fails. */
static furrow_given_t *give_new(furrow_future_t *call, int64_t size)
{
    furrow_given_t *given = new_given(call, call->next, call->next + size);

    if (given != NULL && call->stream != NULL && furrow_stream_give(call->stream, given) != FURROW_OK) {
        call->status = FURROW_ENOMEM;
        free(given);
        return NULL;
    }
    if (given != NULL) call->next += size;
    return given;
}

static void give_again_later(furrow_future_t *call, furrow_given_t *given)
{
    given->next_again = call->again;
    call->again = given;
}

/* Items [start, stop) of a chunk will be given again; of a stream, they are its last. Without memory for it the call
 * fails. */
static bool split(furrow_future_t *call, furrow_given_t *given, int64_t start, int64_t stop)
{
    furrow_given_t *rest = new_given(call, start, stop);

    if (rest == NULL) return false;
    if (call->stream != NULL && furrow_stream_split(call->stream, given, rest) != FURROW_OK) {
        call->status = FURROW_ENOMEM;
        free(rest);
        return false;
    }
    give_again_later(call, rest);
    return true;
}

static furrow_given_t *give_again(furrow_future_t *call, int64_t size)
{
    furrow_given_t *given = call->again;
    const int64_t stop = given->range.start + size;

    call->again = given->next_again;
    if (stop < given->range.stop && !split(call, given, stop, given->range.stop)) {
        give_again_later(call, given);
        return NULL;
    }
    given->range.stop = stop;
    return given;
}

static bool is_all_given(const furrow_future_t *call)
{
    return call->next == call->call.count && call->again == NULL;
}

/* What so many threads get, of `part` items each. What a stream gives out has memory of its own, and stays whole. */
static furrow_chunk_t chunk_for(const furrow_future_t *call, int64_t threads, int64_t part)
{
    const furrow_call_t *c = &call->call;
    const furrow_range_t left = call->again != NULL ? call->again->range : (furrow_range_t){call->next, c->count};
    const int64_t most = call->stream != NULL ? 1 : items_within_bytes(c) / part;

    return furrow_chunk_for(left, most > 0 ? furrow_least(threads, most) : 1, part, c->chunk == 0);
}

static bool take_of(furrow_pool_t *pool, furrow_future_t *call, int64_t threads, bool reserve, furrow_chunk_t *chunk)
{
    const int64_t workers = furrow_engine_workers(pool->engine);
    const double seconds = furrow_engine_chunk_seconds(pool->engine);
    const int64_t part = call->again == NULL ? next_size(call, workers, seconds) : again_size(call, workers, seconds);
    const double expected = call->guide.seconds_per_item * (double)part;

    if (part == 0 || (reserve && (expected <= 0 || expected > long_chunk))) return false;
    *chunk = chunk_for(call, threads, part);
    const int64_t size = chunk->range.stop - chunk->range.start;
    furrow_given_t *given = call->again == NULL ? give_new(call, size) : give_again(call, size);
    if (given == NULL) return false;
    given->left = size;
    call->guide.last_size = part;
    call->out += size;
    chunk->group = call->number;
    chunk->cookie = given;
    chunk->expected = expected;
    return true;
}

bool furrow_pool_take(void *arg, int64_t threads, bool reserve, furrow_chunk_t *chunk)
{
    furrow_pool_t *pool = arg;
    bool got = false;

    pthread_mutex_lock(&pool->lock);
    for (furrow_future_t **at = &pool->active, *call; !got && (call = *at) != NULL;) {
        got = call->status == FURROW_OK && take_of(pool, call, threads, reserve, chunk);
        if (is_all_given(call) || call->status != FURROW_OK)
            remove_active(pool, at);
        else
            at = &call->next_active;
        if (call->status != FURROW_OK) furrow_call_settle(call);
    }
    pthread_mutex_unlock(&pool->lock);
    return got;
}

/* ------------------------------------------------------------- taking it back */

static void note_dropped(furrow_future_t *call, int64_t first, int64_t stop)
{
    const int64_t bytes = call->call.result_bytes;

    if (first == stop) return;
    if (furrow_ranges_add(&call->dropped, first, stop - first, NULL) != FURROW_OK) call->status = FURROW_ENOMEM;
    if (call->results != NULL) memset(call->results + first * bytes, 0, (size_t)((stop - first) * bytes));
}

static void finish_given(furrow_future_t *call, furrow_given_t *given)
{
    if (call->stream != NULL)
        furrow_stream_told(call->stream, given);
    else
        furrow_given_free(given);
}

static bool gives_nothing(const furrow_future_t *call)
{
    return call->cancelled || call->stopped || call->status != FURROW_OK;
}

/* Results of another rank, from item `first` on, to where they belong. `*failures`: what follows them, packed. */
static furrow_status_t unpack(const furrow_pool_t *pool, const furrow_given_t *given, int64_t first,
                              const furrow_done_t *done, const char **failures, int64_t *bytes, furrow_error_t *err)
{
    const int64_t items = pool->output_items, at = (first - given->range.start) * given->call->call.result_bytes;
    furrow_pool_back_t head;

    *failures = NULL;
    *bytes = 0;
    if (done->parcel == NULL || done->failed) return FURROW_OK;
    memcpy(&head, done->parcel->data, sizeof head);
    const char *results = done->parcel->data + FURROW_POOL_LINE;
    *bytes = done->parcel->bytes - FURROW_POOL_LINE - head.result_bytes;
    *failures = results + head.result_bytes;
    if (head.result_bytes == 0) return FURROW_OK;
    if (given->results != NULL) memcpy(given->results + at, results, (size_t)head.result_bytes);
    if (pool->output == NULL) return FURROW_OK;
    return furrow_output_write(pool->output, first * items, done->ran * items, results, err);
}

/* A chunk came back, or a part of it: so many of its items are done. The others are given again, unless nothing is.
 * \return how many that are */
static int64_t take_back(furrow_future_t *call, furrow_given_t *given, furrow_range_t range, int64_t ran)
{
    const int64_t rest = range.start + ran, again = gives_nothing(call) ? 0 : range.stop - rest;

    if (again > 0 && ran == 0 && call->stream != NULL) {
        give_again_later(call, given);
        activate(call);
        return again;
    }
    if (again > 0 && split(call, given, rest, range.stop)) {
        if (call->stream != NULL) given->range.stop = rest;
        activate(call);
    } else {
        note_dropped(call, rest, range.stop);
    }
    given->ran = ran;
    given->left -= range.stop - range.start;
    if (given->left == 0) finish_given(call, given);
    return gives_nothing(call) ? 0 : again;
}

furrow_status_t furrow_pool_told(void *arg, const furrow_chunk_t *chunk, const furrow_done_t *done, furrow_error_t *err)
{
    furrow_pool_t *pool = arg;
    furrow_given_t *given = chunk->cookie;
    furrow_future_t *call = given->call;
    const int64_t ran = done->failed ? 0 : done->ran, number = call->number;
    const char *failures;
    int64_t bytes;

    const furrow_status_t status = unpack(pool, given, chunk->range.start, done, &failures, &bytes, err);
    pthread_mutex_lock(&pool->lock);
    furrow_guide_note(&call->guide, ran, done->seconds);
    call->out -= chunk->range.stop - chunk->range.start;
    if (furrow_packed_append(call->stream != NULL ? &given->failures : &call->failures, failures, bytes, NULL) !=
        FURROW_OK)
        call->status = FURROW_ENOMEM;
    const bool stops = bytes > 0 && call->call.stop && !call->stopped;
    if (stops) {
        call->stopped = true;
        deactivate(call);
    }
    const int64_t again = take_back(call, given, chunk->range, ran);
    furrow_call_settle(call);
    pthread_mutex_unlock(&pool->lock);
    if (stops) furrow_engine_cancel(pool->engine, number);
    if (again > 0) furrow_engine_wake(pool->engine, again);
    return status;
}

/* --------------------------------------------------------------------- end */

void furrow_call_cancel(furrow_future_t *call)
{
    if (call->done) return;
    call->cancelled = true;
    deactivate(call);
    furrow_call_settle(call);
}

static bool has_callback(const furrow_future_t *call)
{
    const bool good = call->failures.bytes == 0 && call->dropped.count == 0 && call->status == FURROW_OK;

    return good ? call->callbacks.done != NULL : call->callbacks.failed != NULL;
}

static void drop_the_rest(furrow_future_t *call)
{
    while (call->again != NULL) {
        furrow_given_t *given = call->again;
        call->again = given->next_again;
        note_dropped(call, given->range.start, given->range.stop);
        finish_given(call, given);
    }
    note_dropped(call, call->next, call->call.count);
    call->next = call->call.count;
}

void furrow_call_settle(furrow_future_t *call)
{
    furrow_pool_t *pool = call->pool;

    if (call->done || call->out > 0) return;
    if (gives_nothing(call)) drop_the_rest(call);
    if (!is_all_given(call)) return;
    call->done = true;
    if (!has_callback(call)) {
        furrow_call_ready(call);
        return;
    }
    call->next_callback = NULL;
    *pool->callback_end = call;
    pool->callback_end = &call->next_callback;
    pthread_cond_signal(&pool->callback_there);
}

void furrow_call_is_filled(furrow_future_t *call)
{
    if (is_all_given(call)) deactivate(call);
    furrow_call_settle(call);
}

void furrow_call_ready(furrow_future_t *call)
{
    furrow_pool_t *pool = call->pool;

    call->ready = true;
    call->order = pool->orders++;
    pool->open_calls--;
    pool->open_items -= call->weight;
    pthread_cond_broadcast(&pool->changed);
    call->handles++;
    furrow_call_release(call); /* perhaps nobody needs it */
}
