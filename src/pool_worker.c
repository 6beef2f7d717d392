/* Owns the work on items: a chunk on the thread that got it, and how it travels to another rank and back. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "output.h"
#include "pool.h"
#include "pool_isolate.h"
#include "pulse.h"
#include "shared.h"

static const double longest_chunk = 2.5; /* times what one should take */

/* In front of the arguments that go to another rank. */
typedef struct {
    int64_t function, arg_bytes, result_bytes;
    bool has_args, stop, guided;
} head_t;

/* A chunk, wherever it runs. */
typedef struct {
    furrow_pool_t *pool;
    furrow_pool_thread_t *thread;
    furrow_range_t range;
    furrow_task_fn *function;
    const char *args;
    char *results;
    int64_t arg_bytes, result_bytes;
    bool stop, guided;
    furrow_packed_t failures;
    int64_t ran;
} chunk_t;

/* ---------------------------------------------------------------- one item */

int furrow_task_fail(const furrow_task_t *task, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(task->detail->text, sizeof task->detail->text, format, args);
    va_end(args);
    return code != 0 ? code : 1;
}

static bool is_late(const furrow_pool_thread_t *t, double started)
{
    return started > 0 && furrow_seconds() - started > t->pool->opts.item_timeout;
}

static bool is_cancelled(const furrow_pool_thread_t *t)
{
    return furrow_engine_is_cancelled(t->pool->engine, t->worker.thread);
}

bool furrow_task_cancelled(const furrow_task_t *task)
{
    if (task->detail->thread == NULL) return false; /* a child is killed */
    return is_cancelled(task->detail->thread) || is_late(task->detail->thread, task->detail->started);
}

/* Time counts even if the function does not look at it. */
static int judge_time(const furrow_task_t *task, int code)
{
    struct furrow_task_detail *detail = task->detail;
    const double limit = detail->thread->pool->opts.item_timeout;

    if (!is_late(detail->thread, detail->started)) return code;
    (void)snprintf(detail->text, sizeof detail->text, "took %.3g s, over %.3g s", furrow_seconds() - detail->started,
                   limit);
    return -1;
}

static furrow_status_t fail_worker(const furrow_pool_thread_t *t, const char *what, const char *text,
                                   furrow_error_t *err)
{
    return furrow_fail(err, FURROW_EITEM, "the %s of worker %d of rank %d on %.64s: %s", what, t->worker.thread,
                       t->worker.rank, t->worker.host, text);
}

/* A child that takes the place of one that died begins anew, and may fail at that, or be killed in it, as all are that
 * work when the pool ends. */
static furrow_status_t run_isolated(const chunk_t *c, const furrow_task_t *task, int *code, furrow_error_t *err)
{
    furrow_error_t inner = {0};
    const furrow_status_t status = furrow_pool_child_run(c->thread, c->function, task, code, &inner);

    if (status == FURROW_OK) return status;
    if (atomic_load(&c->thread->interrupted)) {
        *code = -1;
        return FURROW_OK;
    }
    if (status == FURROW_EITEM) return fail_worker(c->thread, "initializer", inner.text, err);
    *err = inner;
    return status;
}

/* `*code`: 0, or why it failed, in detail->text. */
static furrow_status_t run_item(const chunk_t *c, int64_t at, struct furrow_task_detail *detail, int *code,
                                furrow_error_t *err)
{
    const furrow_task_t task = {.index = c->range.start + at,
                                .arg = c->args == NULL ? NULL : c->args + at * c->arg_bytes,
                                .arg_bytes = c->args == NULL ? 0 : c->arg_bytes,
                                .result = c->results == NULL ? NULL : c->results + at * c->result_bytes,
                                .result_bytes = c->result_bytes,
                                .state = c->thread->state,
                                .pool = c->pool,
                                .worker = &c->thread->worker,
                                .detail = detail};

    detail->text[0] = '\0';
    if (c->pool->opts.isolate) return run_isolated(c, &task, code, err);
    detail->started = c->pool->opts.item_timeout > 0 ? furrow_seconds() : 0;
    *code = c->function(&task);
    if (detail->started > 0) *code = judge_time(&task, *code);
    furrow_shared_end_item(c->thread);
    return FURROW_OK;
}

static furrow_status_t note_failure(chunk_t *c, int code, const char *text, furrow_error_t *err)
{
    char plain[32];

    (void)snprintf(plain, sizeof plain, "failed with %d", code);
    if (c->results != NULL) memset(c->results + c->ran * c->result_bytes, 0, (size_t)c->result_bytes);
    return furrow_packed_add(&c->failures, c->range.start + c->ran, code, text[0] != '\0' ? text : plain, err);
}

/* All items, until the call is cancelled, or one fails and the call stops at that, or a guided chunk takes much longer
 * than it should: the rest is then for others. c->ran is how many ran; one that was killed because all is cancelled
 * does not count. */
static furrow_status_t run_items(chunk_t *c, furrow_error_t *err)
{
    struct furrow_task_detail detail = {.thread = c->thread};
    const int64_t count = c->range.stop - c->range.start;
    const int64_t stride = count / 16 + 1; /* looking at the clock takes as long as an empty item */
    const double patience = furrow_seconds() + longest_chunk * furrow_engine_chunk_seconds(c->pool->engine);
    int64_t next_look = c->guided ? stride : INT64_MAX;
    furrow_pulse_slot_t *slot = furrow_pulse_mine();
    furrow_status_t status = FURROW_OK;
    int code = 0;

    if (c->results != NULL) memset(c->results, 0, (size_t)(count * c->result_bytes));
    for (; c->ran < count && !(c->stop && code != 0) && !is_cancelled(c->thread); c->ran++) {
        if (c->ran == next_look) {
            if (furrow_seconds() > patience) break;
            next_look += stride;
        }
        furrow_pulse_at(slot, c->range.start + c->ran, 1);
        status = run_item(c, c->ran, &detail, &code, err);
        furrow_pulse_done(slot);
        if (status != FURROW_OK || (code < 0 && c->pool->opts.isolate && is_cancelled(c->thread))) break;
        if (code != 0) status = note_failure(c, code, detail.text, err);
        if (status != FURROW_OK) break;
    }
    return status;
}

/* ----------------------------------------------------------------- a chunk */

/* Rank 0 works in the memory of the call. */
static void find_in_place(const furrow_given_t *given, chunk_t *c)
{
    const furrow_call_t *call = &given->call->call;

    c->function = call->function;
    c->args = given->args;
    c->results = given->results;
    c->arg_bytes = call->arg_bytes;
    c->result_bytes = call->result_bytes;
    c->stop = call->stop;
    c->guided = call->chunk == 0;
}

static void find_in_parcel(const furrow_parcel_t *packed, int64_t origin, chunk_t *c)
{
    head_t head;

    memcpy(&head, packed->data, sizeof head);
    c->function = c->pool->opts.functions[head.function];
    c->args = head.has_args ? packed->data + FURROW_POOL_LINE + (c->range.start - origin) * head.arg_bytes : NULL;
    c->arg_bytes = head.arg_bytes;
    c->result_bytes = head.result_bytes;
    c->stop = head.stop;
    c->guided = head.guided;
}

furrow_status_t furrow_pool_pack(void *arg, const furrow_chunk_t *chunk, furrow_parcel_t **out, furrow_error_t *err)
{
    const furrow_given_t *given = chunk->cookie;
    const furrow_call_t *call = &given->call->call;
    const int64_t count = chunk->range.stop - chunk->range.start;
    const head_t head = {given->call->function, call->arg_bytes, call->result_bytes,
                         given->args != NULL,   call->stop,      call->chunk == 0};
    const int64_t bytes = given->args != NULL ? count * call->arg_bytes : 0;

    (void)arg;
    const furrow_status_t status = furrow_parcel_new(FURROW_POOL_LINE + bytes, out, err);
    if (status != FURROW_OK) return status;
    memset((*out)->data, 0, FURROW_POOL_LINE);
    memcpy((*out)->data, &head, sizeof head);
    if (bytes > 0) memcpy((*out)->data + FURROW_POOL_LINE, given->args, (size_t)bytes);
    return FURROW_OK;
}

/* Memory for results that are not in place: in front of what goes back, or, where they go into a file, only while it is
 * written. */
static furrow_status_t make_results(chunk_t *c, furrow_parcel_t **parcel, furrow_error_t *err)
{
    int64_t bytes;

    if (c->results != NULL || c->result_bytes == 0) return FURROW_OK;
    if (!furrow_multiply(c->range.stop - c->range.start, c->result_bytes, &bytes) ||
        bytes > INT64_MAX - 2 * FURROW_POOL_LINE)
        return furrow_fail(err, FURROW_EOVERFLOW, "%lld results of %lld bytes",
                           (long long)(c->range.stop - c->range.start), (long long)c->result_bytes);
    const furrow_status_t status = furrow_parcel_new(FURROW_POOL_LINE + bytes, parcel, err);
    if (status == FURROW_OK) c->results = (*parcel)->data + FURROW_POOL_LINE;
    return status;
}

/* What goes back: a head, the results, the failures. NULL if there is nothing to say. */
static furrow_status_t wrap(const chunk_t *c, int64_t result_bytes, furrow_parcel_t **parcel, furrow_error_t *err)
{
    furrow_parcel_t *larger = NULL, *results = *parcel;
    const furrow_pool_back_t head = {result_bytes};

    if (result_bytes == 0 && c->failures.bytes == 0) {
        furrow_parcel_free(results);
        *parcel = NULL;
        return FURROW_OK;
    }
    if (c->failures.bytes > 0 || results == NULL) {
        const furrow_status_t status =
            furrow_parcel_new(FURROW_POOL_LINE + result_bytes + c->failures.bytes, &larger, err);
        if (status != FURROW_OK) return status;
        char *at = larger->data + FURROW_POOL_LINE;
        if (result_bytes > 0) memcpy(at, results->data + FURROW_POOL_LINE, (size_t)result_bytes);
        if (c->failures.bytes > 0) memcpy(at + result_bytes, c->failures.data, (size_t)c->failures.bytes);
        furrow_parcel_free(results);
        *parcel = larger;
    }
    memset((*parcel)->data, 0, FURROW_POOL_LINE);
    memcpy((*parcel)->data, &head, sizeof head);
    return FURROW_OK;
}

static furrow_status_t run_chunk(chunk_t *c, furrow_done_t *done, furrow_error_t *err)
{
    furrow_pool_t *pool = c->pool;
    const int64_t items = pool->output_items;

    furrow_status_t status = make_results(c, &done->parcel, err);
    if (status != FURROW_OK) return status;
    const int64_t result_bytes = done->parcel == NULL ? 0 : done->parcel->bytes - FURROW_POOL_LINE;
    status = run_items(c, err);
    done->ran = c->ran;
    if (status != FURROW_OK) return status;
    if (pool->output == NULL) return wrap(c, result_bytes, &done->parcel, err);
    const int64_t first = c->range.start * items, count = c->ran * items;
    status = furrow_output_write_part(pool->output, first, count, c->results, false, &done->edges, NULL, err);
    return status == FURROW_OK ? wrap(c, 0, &done->parcel, err) : status;
}

furrow_status_t furrow_pool_write_edge(void *arg, int64_t at, const furrow_parcel_t *data, furrow_error_t *err)
{
    return furrow_output_write_edge(((furrow_pool_t *)arg)->output, at, data, err);
}

furrow_status_t furrow_pool_work(void *arg, int thread, const furrow_chunk_t *chunk, const furrow_parcel_t *packed,
                                 furrow_done_t *done, furrow_error_t *err)
{
    furrow_pool_t *pool = arg;
    chunk_t c = {.pool = pool, .thread = &pool->thread[thread], .range = chunk->range};

    if (packed == NULL)
        find_in_place(chunk->cookie, &c);
    else
        find_in_parcel(packed, chunk->origin, &c);
    const furrow_status_t status = run_chunk(&c, done, err);
    if (status != FURROW_OK) {
        furrow_parcel_free(done->parcel);
        done->parcel = NULL;
    }
    furrow_packed_free(&c.failures);
    return status;
}

/* ------------------------------------------------------------ begin and end */

static furrow_status_t begin_isolated(furrow_pool_thread_t *t, furrow_error_t *err)
{
    furrow_error_t inner = {0};
    const furrow_status_t status = furrow_pool_child_open(t, &inner);

    if (status == FURROW_OK) return FURROW_OK;
    if (t->pool->opts.init != NULL && (status == FURROW_EITEM || status == FURROW_EIO))
        return fail_worker(t, "initializer", inner.text, err);
    *err = inner;
    return status;
}

furrow_status_t furrow_pool_begin(void *arg, int thread, furrow_error_t *err)
{
    furrow_pool_t *pool = arg;
    furrow_pool_thread_t *t = &pool->thread[thread];
    char text[FURROW_REJECT_TEXT] = "";

    t->pool = pool;
    t->worker = (furrow_worker_t){.rank = furrow_context_rank(pool->ctx), .thread = thread, .pid = getpid()};
    (void)gethostname(t->worker.host, sizeof t->worker.host - 1);
    furrow_pool_place = furrow_pool_item;
    furrow_shared_self = t;
    if (pool->opts.isolate) return begin_isolated(t, err);
    if (pool->opts.init == NULL) return FURROW_OK;
    const int code = pool->opts.init(&t->worker, pool->init_arg, pool->opts.init_arg_bytes, &t->state, text);
    if (code == 0) return FURROW_OK;
    text[sizeof text - 1] = '\0';
    if (text[0] == '\0') (void)snprintf(text, sizeof text, "failed with %d", code);
    return fail_worker(t, "initializer", text, err);
}

furrow_status_t furrow_pool_end(void *arg, int thread, furrow_error_t *err)
{
    furrow_pool_t *pool = arg;
    furrow_pool_thread_t *t = &pool->thread[thread];
    furrow_error_t inner;

    if (!pool->opts.isolate && pool->opts.fini != NULL) pool->opts.fini(&t->worker, t->state);
    if (!pool->opts.isolate || furrow_pool_child_close(t, &inner) == FURROW_OK) return FURROW_OK;
    if (atomic_load(&t->interrupted)) return FURROW_OK; /* it may have been killed between two items */
    return fail_worker(t, "finalizer", inner.text, err);
}

void furrow_pool_interrupt(void *arg, int thread)
{
    furrow_pool_t *pool = arg;

    if (!pool->opts.isolate) return;
    atomic_store(&pool->thread[thread].interrupted, true);
    furrow_pool_child_kill(&pool->thread[thread]);
}
