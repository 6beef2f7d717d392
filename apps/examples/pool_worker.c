/* The initializer: once on each worker, before its first item, with arguments; and who a worker is. */
#include <furrow_pool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int start(const furrow_worker_t *worker, const void *arg, int64_t arg_bytes, void **state, char *text)
{
    *state = malloc((size_t)arg_bytes);
    if (*state == NULL) return snprintf(text, 200, "no memory on %s", worker->host); /* not 0: it failed */
    memcpy(*state, arg, (size_t)arg_bytes);
    return 0;
}

static void stop(const furrow_worker_t *worker, void *state)
{
    (void)worker;
    free(state);
}

static int scaled(const furrow_task_t *task)
{
    /* [identity] */
    const furrow_worker_t *me = task->worker; /* me->rank, me->thread, me->host, me->pid */
    /* [end] */
    *(double *)task->result = (double)task->index * *(const double *)task->state;
    return me->pid == getpid() ? 0 : 1;
}

int main(void)
{
    furrow_task_fn *const functions[] = {scaled};
    const double factor = 0.5;
    double ys[10];
    furrow_context_t *ctx;
    furrow_error_t err;

    if (furrow_context_open(NULL, &ctx, &err) != FURROW_OK) return 1;
    /* [with_initializer] */
    const furrow_pool_opts_t opts = {functions, 1, start, stop, .init_arg = &factor, .init_arg_bytes = sizeof factor};
    /* [end] */
    const furrow_call_t call = {scaled, .count = 10, .result_bytes = 8};
    const furrow_status_t status = furrow_map(ctx, &opts, &call, FURROW_TO_ROOT, ys, NULL, NULL, &err);
    if (furrow_context_rank(ctx) == 0) printf("%s\n", status == FURROW_OK && ys[9] == 4.5 ? "4.5" : err.text);
    furrow_context_close(ctx);
    return status == FURROW_OK ? 0 : 1;
}
