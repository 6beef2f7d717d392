/* Owns calls as the program has them: map and apply, at once or with a future. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "pool.h"

/* ---------------------------------------------------------------- at once */

/* Wait until the call is ready. The lock is held. \return whether it is */
static bool wait_for(furrow_future_t *call, double deadline)
{
    while (!call->ready && furrow_pool_wait(call->pool, deadline)) {}
    return call->ready;
}

static void give_up(furrow_future_t *call)
{
    furrow_pool_t *pool = call->pool;

    if (pool != NULL) pthread_mutex_lock(&pool->lock);
    furrow_call_release(call);
    if (pool != NULL) pthread_mutex_unlock(&pool->lock);
}

furrow_status_t furrow_pool_map(furrow_pool_t *pool, const furrow_call_t *request, void *results,
                                furrow_failures_t *failures, furrow_error_t *err)
{
    furrow_future_t *call = NULL;

    furrow_error_clear(err);
    if (failures != NULL) *failures = (furrow_failures_t){0};
    furrow_status_t status = furrow_pool_may_wait(pool, err);
    if (status == FURROW_OK && results == NULL && request->result_bytes > 0 && request->count > 0 &&
        pool->output == NULL)
        status = furrow_fail(err, FURROW_EARG, "results of %lld bytes, but no place for them",
                             (long long)request->result_bytes);
    if (status == FURROW_OK) status = furrow_call_new(pool, request, false, &call, err);
    if (status != FURROW_OK) return status;
    if (request->result_bytes > 0) call->results = results;
    call->handles = 1;
    status = furrow_call_start(pool, call, err);
    if (status != FURROW_OK) return status;
    pthread_mutex_lock(&pool->lock);
    (void)wait_for(call, furrow_pool_deadline(-1));
    pthread_mutex_unlock(&pool->lock);
    status = furrow_call_verdict(call, failures, err);
    give_up(call);
    return status;
}

static furrow_call_t one_item(furrow_task_fn *function, const void *arg, int64_t arg_bytes, int64_t result_bytes)
{
    return (furrow_call_t){.function = function,
                           .args = arg,
                           .arg_bytes = arg_bytes,
                           .count = 1,
                           .result_bytes = result_bytes,
                           .chunk = 1};
}

furrow_status_t furrow_pool_apply(furrow_pool_t *pool, furrow_task_fn *function, const void *arg, int64_t arg_bytes,
                                  void *result, int64_t result_bytes, furrow_error_t *err)
{
    const furrow_call_t request = one_item(function, arg, arg_bytes, result_bytes);

    return furrow_pool_map(pool, &request, result, NULL, err);
}

/* ------------------------------------------------------------ with a future */

/* `own_args` may be NULL; it is taken over. */
static furrow_status_t start(furrow_pool_t *pool, const furrow_call_t *request, void *own_args,
                             const furrow_callbacks_t *callbacks, furrow_future_t **out, furrow_error_t *err)
{
    furrow_future_t *call = NULL;
    void *results = NULL;

    furrow_status_t status = furrow_call_new(pool, request, false, &call, err);
    if (status == FURROW_OK && request->result_bytes > 0)
        status = furrow_alloc(request->count, request->result_bytes, &results, err);
    if (status != FURROW_OK) {
        free(own_args);
        free(call);
        return status;
    }
    call->own_args = own_args;
    call->own_results = call->results = results;
    if (callbacks != NULL) call->callbacks = *callbacks;
    call->handles = out != NULL ? 1 : 0;
    status = furrow_call_start(pool, call, err);
    if (status == FURROW_OK && out != NULL) *out = call;
    return status;
}

furrow_status_t furrow_pool_map_async(furrow_pool_t *pool, const furrow_call_t *request,
                                      const furrow_callbacks_t *callbacks, furrow_future_t **out, furrow_error_t *err)
{
    if (out != NULL) *out = NULL;
    furrow_error_clear(err);
    const furrow_status_t status = furrow_pool_may_call(pool, err);
    return status == FURROW_OK ? start(pool, request, NULL, callbacks, out, err) : status;
}

furrow_status_t furrow_pool_apply_async(furrow_pool_t *pool, furrow_task_fn *function, const void *arg,
                                        int64_t arg_bytes, int64_t result_bytes, const furrow_callbacks_t *callbacks,
                                        furrow_future_t **out, furrow_error_t *err)
{
    furrow_call_t request = one_item(function, arg, arg_bytes, result_bytes);
    void *copy = NULL;

    if (out != NULL) *out = NULL;
    furrow_error_clear(err);
    furrow_status_t status = furrow_pool_may_call(pool, err);
    if (status == FURROW_OK && arg != NULL && arg_bytes > 0) status = furrow_alloc_buffer(arg_bytes, 1, &copy, err);
    if (status != FURROW_OK) return status;
    if (copy != NULL) {
        memcpy(copy, arg, (size_t)arg_bytes);
        request.args = copy;
    }
    return start(pool, &request, copy, callbacks, out, err);
}

bool furrow_future_ready(furrow_future_t *future)
{
    if (future->pool == NULL) return true;
    pthread_mutex_lock(&future->pool->lock);
    const bool ready = future->ready;
    pthread_mutex_unlock(&future->pool->lock);
    return ready;
}

static furrow_status_t wait(furrow_future_t *future, double timeout, furrow_error_t *err)
{
    const double deadline = furrow_pool_deadline(timeout);

    if (furrow_future_ready(future)) return FURROW_OK;
    if (timeout != 0) {
        const furrow_status_t status = furrow_pool_may_wait(future->pool, err);
        if (status != FURROW_OK) return status;
    }
    pthread_mutex_lock(&future->pool->lock);
    const bool ready = wait_for(future, deadline);
    pthread_mutex_unlock(&future->pool->lock);
    return ready ? FURROW_OK : furrow_fail(err, FURROW_ETIMEDOUT, "the call is not done after %g s", timeout);
}

furrow_status_t furrow_future_wait(furrow_future_t *future, double timeout)
{
    return wait(future, timeout, NULL);
}

furrow_status_t furrow_future_get(furrow_future_t *future, double timeout, void *results, furrow_failures_t *failures,
                                  furrow_error_t *err)
{
    furrow_error_clear(err);
    if (failures != NULL) *failures = (furrow_failures_t){0};
    const furrow_status_t status = wait(future, timeout, err);
    if (status != FURROW_OK) return status;
    if (results != NULL && future->results != NULL && future->call.count > 0)
        memcpy(results, future->results, (size_t)(future->call.count * future->call.result_bytes));
    return furrow_call_verdict(future, failures, err);
}

static bool all_dropped(const furrow_future_t *future)
{
    return future->call.count > 0 && furrow_ranges_total(&future->dropped) == future->call.count;
}

/* A call of which nothing was given out is done with at once. */
bool furrow_future_cancel(furrow_future_t *future)
{
    furrow_pool_t *pool = future->pool;

    if (pool == NULL) return all_dropped(future);
    pthread_mutex_lock(&pool->lock);
    const bool cancels = !future->done;
    future->handles++; /* it may end here */
    furrow_call_cancel(future);
    future->handles--;
    const bool none_started = all_dropped(future);
    pthread_mutex_unlock(&pool->lock);
    if (cancels) furrow_engine_cancel(pool->engine, future->number);
    return none_started;
}

/* The one that was ready first; -1: none is. `*pool` is that of any that is not NULL. */
static int64_t first_ready(furrow_future_t *const *futures, int64_t count)
{
    int64_t first = -1;

    for (int64_t i = 0; i < count; i++)
        if (futures[i] != NULL && futures[i]->ready && (first < 0 || futures[i]->order < futures[first]->order))
            first = i;
    return first;
}

/* The pool under which they are; NULL: it is over. */
static bool find_pool(furrow_future_t *const *futures, int64_t count, furrow_pool_t **pool)
{
    for (int64_t i = 0; i < count; i++)
        if (futures[i] != NULL) {
            *pool = futures[i]->pool;
            return true;
        }
    return false;
}

furrow_status_t furrow_futures_next(furrow_future_t *const *futures, int64_t count, double timeout, int64_t *which)
{
    const double deadline = furrow_pool_deadline(timeout);
    furrow_status_t status = FURROW_OK;
    furrow_pool_t *pool;

    *which = -1;
    if (!find_pool(futures, count, &pool)) return FURROW_EARG;
    if (pool == NULL) {
        *which = first_ready(futures, count);
        return FURROW_OK;
    }
    pthread_mutex_lock(&pool->lock);
    while ((*which = first_ready(futures, count)) < 0 && status == FURROW_OK) {
        if (timeout != 0) status = furrow_pool_may_wait(pool, NULL);
        if (status == FURROW_OK && !furrow_pool_wait(pool, deadline)) status = FURROW_ETIMEDOUT;
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

void furrow_future_free(furrow_future_t *future)
{
    if (future != NULL) give_up(future);
}
