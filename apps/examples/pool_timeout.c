/* A time limit for each item: one that takes longer fails, the others are done. A long item looks whether it is
 * late. */
#include <furrow_pool.h>
#include <stdio.h>

static int maybe_endless(const furrow_task_t *task)
{
    while (task->index == 3 && !furrow_task_cancelled(task)) continue;
    return 0;
}

static furrow_task_fn *const functions[] = {maybe_endless};
/* [item_timeout] */
static const furrow_pool_opts_t opts = {functions, 1, .item_timeout = 0.5};
/* [end] */

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {maybe_endless, .count = 10, .chunk = 1};
    furrow_failures_t failures = {0};

    (void)arg;
    const furrow_status_t status = furrow_pool_map(pool, &call, NULL, &failures, err);
    for (int64_t i = 0; i < failures.count; i++) printf("item %lld is late\n", (long long)failures.list[i].index);
    furrow_failures_free(&failures);
    return status == FURROW_EITEM ? FURROW_OK : status;
}

int main(void)
{
    furrow_context_t *ctx;
    furrow_error_t err;

    if (furrow_context_open(NULL, &ctx, &err) != FURROW_OK) return 1;
    const furrow_status_t status = furrow_pool_run(ctx, &opts, body, NULL, &err);
    if (status != FURROW_OK && furrow_context_rank(ctx) == 0) fprintf(stderr, "%s\n", err.text);
    furrow_context_close(ctx);
    return status == FURROW_OK ? 0 : 1;
}
