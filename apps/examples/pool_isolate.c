/* Items in processes of their own: one that crashes or never ends costs itself alone. */
#include <furrow_pool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int careless(const furrow_task_t *task)
{
    if (task->index == 2) abort();
    while (task->index == 5) pause();
    return 0;
}

static furrow_task_fn *const functions[] = {careless};
/* [isolate] */
static const furrow_pool_opts_t opts = {functions, 1, .isolate = true, .item_timeout = 2.0};
/* [end] */

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {careless, .count = 10};
    furrow_failures_t failures;

    (void)arg;
    const furrow_status_t status = furrow_pool_map(pool, &call, NULL, &failures, err);
    for (int64_t i = 0; i < failures.count; i++)
        printf("item %lld: %s\n", (long long)failures.list[i].index, failures.list[i].text);
    furrow_failures_free(&failures);
    return status == FURROW_EITEM ? FURROW_OK : status;
}

int main(void)
{
    furrow_context_t *ctx;
    furrow_error_t err;

    /* [isolation_start] */
    if (furrow_isolation_start(&err) != FURROW_OK) return 1; /* before MPI and threads */
    /* [end] */
    if (furrow_context_open(NULL, &ctx, &err) != FURROW_OK) return 1;
    const furrow_status_t status = furrow_pool_run(ctx, &opts, body, NULL, &err);
    if (status != FURROW_OK && furrow_context_rank(ctx) == 0) fprintf(stderr, "%s\n", err.text);
    furrow_context_close(ctx);
    return status == FURROW_OK ? 0 : 1;
}
