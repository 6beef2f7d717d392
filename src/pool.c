/* Owns the pool from its opening to its end: the threads of rank 0 beside those that work, closing and waiting.
 *
 * On rank 0 the body runs on a thread of its own, callbacks on another one; the main thread serves messages. */
#include "pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "isolate.h"
#include "mem.h"
#include "output.h"
#include "progress.h"
#include "shared.h"

const char furrow_pool_item[] = "an item", furrow_pool_callback[] = "a callback";
_Thread_local const char *furrow_pool_place;

/* ----------------------------------------------------------------- waiting */

furrow_status_t furrow_pool_may_wait(const furrow_pool_t *pool, furrow_error_t *err)
{
    if (furrow_pool_place != NULL)
        return furrow_fail(err, FURROW_EARG, "%s may not wait for calls of its pool", furrow_pool_place);
    if (pool != NULL && !pool->is_root) return furrow_fail(err, FURROW_EARG, "calls are for rank 0");
    return FURROW_OK;
}

furrow_status_t furrow_pool_may_call(const furrow_pool_t *pool, furrow_error_t *err)
{
    if (!pool->is_root) return furrow_fail(err, FURROW_EARG, "calls are for rank 0");
    if (furrow_pool_place == furrow_pool_item) return furrow_fail(err, FURROW_EARG, "an item may not call its pool");
    return FURROW_OK;
}

double furrow_pool_deadline(double timeout)
{
    return timeout >= 0 ? furrow_seconds() + timeout : INFINITY;
}

bool furrow_pool_wait(furrow_pool_t *pool, double deadline)
{
    static const double longest = 1e6; /* so that seconds fit into any time_t */
    const double now = furrow_seconds(), until = fmin(deadline, now + longest);
    const struct timespec moment = {(time_t)until, (long)((until - floor(until)) * 1e9)};

    if (deadline <= now) return false;
    (void)pthread_cond_timedwait(&pool->changed, &pool->lock, &moment);
    return true;
}

/* --------------------------------------------------------- close, terminate */

int64_t furrow_pool_workers(const furrow_pool_t *pool)
{
    return furrow_engine_workers(pool->engine);
}

void furrow_pool_close(furrow_pool_t *pool)
{
    if (!pool->is_root) return;
    pthread_mutex_lock(&pool->lock);
    pool->closed = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

/* The lock is held. A call that nobody needs is gone after this. */
static void cancel_calls(furrow_pool_t *pool, bool streams_only)
{
    for (furrow_future_t *call = pool->calls, *next; call != NULL; call = next) {
        next = call->next_call;
        if (!streams_only || call->stream != NULL) furrow_call_cancel(call);
    }
}

void furrow_pool_terminate(furrow_pool_t *pool)
{
    if (!pool->is_root) return;
    pthread_mutex_lock(&pool->lock);
    pool->closed = pool->terminated = true;
    cancel_calls(pool, false);
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    furrow_engine_cancel(pool->engine, FURROW_ALL_GROUPS);
}

/* What streams hold back until somebody takes from them is not waited for. The lock is held. */
static bool is_busy(const furrow_pool_t *pool)
{
    for (const furrow_future_t *call = pool->calls; call != NULL && pool->open_calls > 0; call = call->next_call)
        if (!call->ready && (call->stream == NULL || call->out > 0 || furrow_stream_available(call->stream) > 0))
            return true;
    return false;
}

furrow_status_t furrow_pool_join(furrow_pool_t *pool, double timeout, furrow_error_t *err)
{
    const double deadline = furrow_pool_deadline(timeout);
    bool in_time = true;

    furrow_error_clear(err);
    furrow_status_t status = furrow_pool_may_wait(pool, err);
    if (status != FURROW_OK) return status;
    pthread_mutex_lock(&pool->lock);
    if (!pool->closed) status = furrow_fail(err, FURROW_EARG, "a pool is closed or terminated before it is joined");
    while (status == FURROW_OK && is_busy(pool) && (in_time = furrow_pool_wait(pool, deadline))) {}
    pthread_mutex_unlock(&pool->lock);
    return in_time ? status : furrow_fail(err, FURROW_ETIMEDOUT, "the pool is not done after %g s", timeout);
}

/* ------------------------------------------------------ threads of rank 0 */

static void run_callback(furrow_future_t *call)
{
    const furrow_callbacks_t *c = &call->callbacks;
    furrow_failures_t failures = {0};

    const furrow_status_t status = furrow_call_verdict(call, &failures, NULL);
    if (status == FURROW_OK)
        c->done(c->arg, call->results, call->call.count);
    else
        c->failed(c->arg, status, &failures);
    furrow_failures_free(&failures);
}

static void *callback_main(void *arg)
{
    furrow_pool_t *pool = arg;

    furrow_work_beside();
    furrow_pool_place = furrow_pool_callback;
    furrow_shared_self = &pool->callbacks;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        furrow_future_t *call = pool->callback;
        if (call == NULL && pool->callbacks_end) break;
        if (call == NULL) {
            pthread_cond_wait(&pool->callback_there, &pool->lock);
            continue;
        }
        pool->callback = call->next_callback;
        if (pool->callback == NULL) pool->callback_end = &pool->callback;
        pthread_mutex_unlock(&pool->lock);
        run_callback(call);
        furrow_shared_end_item(&pool->callbacks);
        pthread_mutex_lock(&pool->lock);
        furrow_call_ready(call);
        pthread_mutex_unlock(&pool->lock);
        furrow_engine_look(pool->engine);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* At its end: close, and nobody will take from streams. */
static void end_body(furrow_pool_t *pool, furrow_status_t status)
{
    pthread_mutex_lock(&pool->lock);
    pool->body_status = status;
    pool->closed = pool->body_ended = true;
    cancel_calls(pool, true);
    pthread_mutex_unlock(&pool->lock);
    if (status != FURROW_OK) furrow_pool_terminate(pool);
    furrow_engine_look(pool->engine);
}

static void *body_main(void *arg)
{
    furrow_pool_t *pool = arg;

    furrow_work_beside();
    end_body(pool, pool->body(pool, pool->body_arg, pool->body_error));
    return NULL;
}

static furrow_status_t start_threads(void *arg, furrow_error_t *err)
{
    furrow_pool_t *pool = arg;

    pool->callback_runs = pthread_create(&pool->callback_id, NULL, callback_main, pool) == 0;
    pool->body_runs = pool->callback_runs && pthread_create(&pool->body_id, NULL, body_main, pool) == 0;
    if (pool->body_runs) return FURROW_OK;
    end_body(pool, FURROW_ENOMEM);
    return furrow_fail(err, FURROW_ENOMEM, "the system refused a thread");
}

static void end_threads(furrow_pool_t *pool)
{
    if (pool->body_runs) (void)pthread_join(pool->body_id, NULL);
    pthread_mutex_lock(&pool->lock);
    pool->callbacks_end = true;
    pthread_cond_signal(&pool->callback_there);
    pthread_mutex_unlock(&pool->lock);
    if (pool->callback_runs) (void)pthread_join(pool->callback_id, NULL);
}

/* --------------------------------------------------------- for the engine */

static void stop_calls(void *arg)
{
    furrow_pool_t *pool = arg;

    pthread_mutex_lock(&pool->lock);
    pool->stopped = true;
    pthread_mutex_unlock(&pool->lock);
    furrow_pool_terminate(pool);
}

static bool is_over(void *arg, bool stopping)
{
    furrow_pool_t *pool = arg;

    (void)stopping;
    pthread_mutex_lock(&pool->lock);
    const bool over = pool->body_ended && pool->open_calls == 0;
    pthread_mutex_unlock(&pool->lock);
    return over;
}

/* --------------------------------------------------------------------- run */

static furrow_status_t check_opts(const furrow_pool_opts_t *opts, furrow_error_t *err)
{
    if (opts == NULL || opts->function_count < 0 || (opts->function_count > 0 && opts->functions == NULL))
        return furrow_fail(err, FURROW_EARG, "a pool needs its functions");
    if (opts->in_flight < 0 || opts->init_arg_bytes < 0 || !(opts->item_timeout >= 0))
        return furrow_fail(err, FURROW_EARG,
                           "in_flight %lld, init_arg_bytes %lld, item_timeout %g: none may be negative",
                           (long long)opts->in_flight, (long long)opts->init_arg_bytes, opts->item_timeout);
    if (opts->isolate && furrow_isolation_server() == 0)
        return furrow_fail(err, FURROW_EARG, "an isolated pool needs furrow_isolation_start() before");
    return FURROW_OK;
}

static furrow_status_t check_same(furrow_context_t *ctx, const furrow_pool_opts_t *opts, furrow_error_t *err)
{
    int64_t both[] = {opts->function_count, -opts->function_count, opts->init_arg_bytes, -opts->init_arg_bytes};

    furrow_min_int64(ctx, both, 4);
    if (both[0] == -both[1] && both[2] == -both[3]) return FURROW_OK;
    return furrow_fail(err, FURROW_EARG, "the options of a pool differ between ranks");
}

static void init_locks(furrow_pool_t *pool)
{
    pthread_condattr_t steady;

    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->callback_there, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->changed, &steady);
    pthread_condattr_destroy(&steady);
    pool->active_end = &pool->active;
    pool->callback_end = &pool->callback;
}

static furrow_status_t alloc_pool(furrow_pool_t *pool, furrow_error_t *err)
{
    void *thread = NULL;

    furrow_status_t status = furrow_alloc(furrow_context_threads(pool->ctx), sizeof *pool->thread, &thread, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(pool->opts.init_arg_bytes, 1, &pool->init_arg, err);
    pool->thread = thread;
    pool->callbacks = (furrow_pool_thread_t){.pool = pool, .worker = {.thread = -1}};
    if (status == FURROW_OK) status = furrow_shared_open(pool, err);
    if (status == FURROW_OK && pool->is_root && pool->opts.init_arg_bytes > 0)
        memcpy(pool->init_arg, pool->opts.init_arg, (size_t)pool->opts.init_arg_bytes);
    return furrow_agree(pool->ctx, status, err);
}

/* What somebody still holds is his: the outcome can be taken later. */
static void free_calls(furrow_pool_t *pool)
{
    for (furrow_future_t *call = pool->calls, *next; call != NULL; call = next) {
        next = call->next_call;
        call->pool = NULL;
        call->handles++;
        furrow_call_release(call);
    }
}

static void free_pool(furrow_pool_t *pool)
{
    free_calls(pool);
    furrow_shared_close(pool);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->changed);
    pthread_cond_destroy(&pool->callback_there);
    furrow_engine_close(pool->engine);
    free(pool->init_arg);
    free(pool->thread);
}

/* A failure of the pool outranks that of the body, which may follow from it. */
static furrow_status_t verdict(const furrow_pool_t *pool, furrow_status_t status, const furrow_error_t *body_error,
                               furrow_error_t *err)
{
    if (status != FURROW_OK || !pool->is_root) return status;
    if (pool->body_status != FURROW_OK) {
        if (err != NULL) *err = *body_error;
        return pool->body_status;
    }
    if (furrow_engine_was_stopped(pool->engine)) return furrow_fail(err, FURROW_ECANCELED, "the pool was stopped");
    return FURROW_OK;
}

static furrow_status_t run_engine(furrow_pool_t *pool, furrow_error_t *err)
{
    const furrow_engine_client_t client = {.arg = pool,
                                           .told_anywhere = true,
                                           .begin = furrow_pool_begin,
                                           .work = furrow_pool_work,
                                           .end = furrow_pool_end,
                                           .interrupt = furrow_pool_interrupt,
                                           .write_edge = furrow_pool_write_edge,
                                           .take = furrow_pool_take,
                                           .pack = furrow_pool_pack,
                                           .told = furrow_pool_told,
                                           .is_over = is_over,
                                           .started = start_threads,
                                           .stopping = stop_calls,
                                           .tick = furrow_shared_tick,
                                           .asked = furrow_shared_asked};
    furrow_error_t body_error = {0};

    pool->body_error = &body_error;
    furrow_status_t status = furrow_agree(pool->ctx, furrow_engine_open(pool->ctx, &client, &pool->engine, err), err);
    if (status != FURROW_OK) return status;
    status = furrow_engine_run(pool->engine, err);
    end_threads(pool);
    return furrow_agree(pool->ctx, verdict(pool, status, &body_error, err), err);
}

furrow_status_t furrow_pool_run_into(furrow_context_t *ctx, const furrow_pool_opts_t *opts, furrow_output_t *output,
                                     int64_t output_items, furrow_pool_body_fn *body, void *arg, furrow_error_t *err)
{
    const bool is_root = furrow_context_rank(ctx) == 0;

    furrow_error_clear(err);
    furrow_status_t status = check_opts(opts, err);
    if (status == FURROW_OK && is_root && body == NULL) status = furrow_fail(err, FURROW_EARG, "a pool needs a body");
    if (status == FURROW_OK && is_root && opts->init_arg_bytes > 0 && opts->init_arg == NULL)
        status = furrow_fail(err, FURROW_EARG, "%lld bytes for the initializer, but no init_arg",
                             (long long)opts->init_arg_bytes);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) status = furrow_agree(ctx, check_same(ctx, opts, err), err);
    if (status != FURROW_OK) return status;
    furrow_pool_t pool = {.ctx = ctx,
                          .opts = *opts,
                          .output = output == NULL || (furrow_output_is_on_root(output) && !is_root) ? NULL : output,
                          .output_items = output_items,
                          .is_root = is_root,
                          .body = body,
                          .body_arg = arg};
    init_locks(&pool);
    status = alloc_pool(&pool, err);
    if (status == FURROW_OK) {
        furrow_broadcast(ctx, pool.init_arg, opts->init_arg_bytes, 0);
        status = run_engine(&pool, err);
    }
    free_pool(&pool);
    return status;
}

furrow_status_t furrow_pool_run(furrow_context_t *ctx, const furrow_pool_opts_t *opts, furrow_pool_body_fn *body,
                                void *arg, furrow_error_t *err)
{
    return furrow_pool_run_into(ctx, opts, NULL, 0, body, arg, err);
}
