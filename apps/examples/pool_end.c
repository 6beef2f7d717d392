/* close, terminate and join. A body that just returns closes and joins its pool. */
#include <furrow_pool.h>
#include <stdio.h>

static int endless(const furrow_task_t *task)
{
    /* [cancelled] */
    while (!furrow_task_cancelled(task)) continue;
    /* [end] */
    return 0;
}

static furrow_task_fn *const functions[] = {endless};
static const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const furrow_call_t call = {endless, .count = 1000};

    (void)arg;
    furrow_status_t status = furrow_pool_map_async(pool, &call, NULL, NULL, err);
    /* [close] */
    furrow_pool_close(pool);
    /* [end] */
    if (status == FURROW_OK) status = furrow_pool_map_async(pool, &call, NULL, NULL, err);
    printf("%s\n", status == FURROW_ECLOSED ? "closed" : err->text);
    /* [terminate] */
    furrow_pool_terminate(pool);
    /* [end] */
    /* [join] */
    status = furrow_pool_join(pool, -1, err);
    /* [end] */
    printf("%s\n", status == FURROW_OK ? "joined" : err->text);
    return status;
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
