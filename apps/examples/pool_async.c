/* Pool.apply_async: a future, while the program goes on. */
#include <furrow_pool.h>
#include <stdio.h>

static int square(const furrow_task_t *task)
{
    *(int64_t *)task->result = *(const int64_t *)task->arg * *(const int64_t *)task->arg;
    return 0;
}

static furrow_task_fn *const functions[] = {square};
/* [in_flight] */
static const furrow_pool_opts_t opts = {functions, 1, .in_flight = 100};
/* [end] */

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    furrow_future_t *future;
    int64_t x = 12, y = 0;
    (void)arg;
    /* [apply_async] */
    furrow_status_t status = furrow_pool_apply_async(pool, square, &x, sizeof x, sizeof y, NULL, &future, err);
    /* [end] */
    if (status != FURROW_OK) return status;
    /* [ready] */
    bool ready = furrow_future_ready(future);
    /* [end] */
    /* [wait] */
    status = furrow_future_wait(future, 10.0);
    /* [end] */
    /* [get] */
    status = furrow_future_get(future, 10.0, &y, NULL, err);
    /* [end] */
    printf("%lld\n", ready || status == FURROW_OK ? (long long)y : -1);
    furrow_future_free(future);
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
