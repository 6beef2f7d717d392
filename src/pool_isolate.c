/* Owns what of a pool runs in a child: there an item finds its record, the state that the initializer made, and who it
 * is, but no pool. Arguments and results lie in memory that worker and child share. */
#include "pool_isolate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isolate.h"
#include "mem.h"

/* What a child gets when it begins, in front of the bytes for the initializer. */
typedef struct {
    furrow_init_fn *init;
    furrow_fini_fn *fini;
    furrow_worker_t worker;
    int64_t arg_bytes;
} setup_t;

/* What it keeps. */
typedef struct {
    furrow_worker_t worker;
    furrow_fini_fn *fini;
    void *state;
} inmate_t;

/* What it gets for an item, in front of its record. */
typedef struct {
    furrow_task_fn *function;
    int64_t arg_bytes;
    bool has_arg;
} order_t;

static int64_t setup_room(void)
{
    return furrow_whole_lines((int64_t)sizeof(setup_t));
}

/* ------------------------------------------------------------- in the child */

static furrow_status_t begin(const void *arg, int64_t arg_bytes, void **state, furrow_error_t *err)
{
    char text[FURROW_REJECT_TEXT] = "";
    setup_t setup;
    void *memory;

    (void)arg_bytes;
    memcpy(&setup, arg, sizeof setup);
    const furrow_status_t status = furrow_alloc(1, sizeof(inmate_t), &memory, err);
    if (status != FURROW_OK) return status;
    inmate_t *inmate = memory;
    *inmate = (inmate_t){.worker = setup.worker, .fini = setup.fini};
    inmate->worker.pid = getpid();
    *state = inmate;
    if (setup.init == NULL) return FURROW_OK;
    const int code =
        setup.init(&inmate->worker, (const char *)arg + setup_room(), setup.arg_bytes, &inmate->state, text);
    if (code == 0) return FURROW_OK;
    text[sizeof text - 1] = '\0';
    if (text[0] == '\0') (void)snprintf(text, sizeof text, "failed with %d", code);
    return furrow_fail(err, FURROW_EITEM, "%s", text);
}

static void end(void *state)
{
    inmate_t *inmate = state;

    if (inmate->fini != NULL) inmate->fini(&inmate->worker, inmate->state);
    free(inmate);
}

static int run(void *state, int64_t index, const void *arg, int64_t arg_bytes, void *result, int64_t result_bytes,
               char *text, size_t text_bytes)
{
    inmate_t *inmate = state;
    struct furrow_task_detail detail = {0};
    order_t order;

    (void)arg_bytes;
    memcpy(&order, arg, sizeof order);
    const furrow_task_t task = {.index = index,
                                .arg = order.has_arg ? (const char *)arg + FURROW_POOL_LINE : NULL,
                                .arg_bytes = order.arg_bytes,
                                .result = result_bytes > 0 ? result : NULL,
                                .result_bytes = result_bytes,
                                .state = inmate->state,
                                .worker = &inmate->worker,
                                .detail = &detail};
    const int code = order.function(&task);
    (void)snprintf(text, text_bytes, "%s", detail.text);
    return code;
}

/* ------------------------------------------------------------ in the parent */

furrow_status_t furrow_pool_child_open(furrow_pool_thread_t *t, furrow_error_t *err)
{
    const furrow_pool_opts_t *opts = &t->pool->opts;
    const setup_t setup = {opts->init, opts->fini, t->worker, opts->init_arg_bytes};
    void *memory;

    furrow_status_t status = furrow_alloc(setup_room() + opts->init_arg_bytes, 1, &memory, err);
    if (status != FURROW_OK) return status;
    memcpy(memory, &setup, sizeof setup);
    if (opts->init_arg_bytes > 0)
        memcpy((char *)memory + setup_room(), t->pool->init_arg, (size_t)opts->init_arg_bytes);
    const furrow_child_opts_t child = {
        .init = begin, .init_arg = memory, .init_bytes = setup_room() + opts->init_arg_bytes, .finish = end};
    status = furrow_child_open(&child, &t->child, err);
    free(memory);
    return status;
}

furrow_status_t furrow_pool_child_close(furrow_pool_thread_t *t, furrow_error_t *err)
{
    return furrow_child_close(t->child, err);
}

void furrow_pool_child_kill(furrow_pool_thread_t *t)
{
    furrow_child_kill(t->child);
}

/* Where the order and the record lie, and after them the result. */
static furrow_status_t place_order(furrow_pool_thread_t *t, furrow_task_fn *function, const furrow_task_t *task,
                                   furrow_child_item_t *item, furrow_error_t *err)
{
    const order_t order = {function, task->arg_bytes, task->arg != NULL};
    void *memory;

    if (task->arg_bytes > INT64_MAX / 4 || task->result_bytes > INT64_MAX / 4)
        return furrow_fail(err, FURROW_EOVERFLOW, "an item of %lld and %lld bytes", (long long)task->arg_bytes,
                           (long long)task->result_bytes);
    const int64_t room = FURROW_POOL_LINE + furrow_whole_lines(task->arg_bytes);
    const furrow_status_t status = furrow_child_memory(t->child, room + task->result_bytes, &memory, err);
    if (status != FURROW_OK) return status;
    memcpy(memory, &order, sizeof order);
    if (task->arg_bytes > 0) memcpy((char *)memory + FURROW_POOL_LINE, task->arg, (size_t)task->arg_bytes);
    item->arg = memory;
    item->arg_bytes = FURROW_POOL_LINE + task->arg_bytes;
    item->result = (char *)memory + room;
    item->result_bytes = task->result_bytes;
    memset(item->result, 0, (size_t)task->result_bytes);
    return FURROW_OK;
}

furrow_status_t furrow_pool_child_run(furrow_pool_thread_t *t, furrow_task_fn *function, const furrow_task_t *task,
                                      int *code, furrow_error_t *err)
{
    furrow_child_item_t item = {.function = run, .index = task->index, .timeout_s = t->pool->opts.item_timeout};
    furrow_child_outcome_t outcome;

    furrow_status_t status = place_order(t, function, task, &item, err);
    if (status == FURROW_OK) status = furrow_child_call(t->child, &item, &outcome, err);
    if (status != FURROW_OK) return status;
    *code = outcome.end == FURROW_CHILD_DONE ? 0 : outcome.end == FURROW_CHILD_FAILED ? outcome.value : -1;
    (void)snprintf(task->detail->text, sizeof task->detail->text, "%.*s", FURROW_REJECT_TEXT - 1, outcome.text);
    if (*code == 0 && task->result_bytes > 0) memcpy(task->result, item.result, (size_t)task->result_bytes);
    return FURROW_OK;
}
