/* Pool.apply: one item. Pool.map with a chunksize: so many items go to a worker at a time. */
#include <furrow_pool.h>
#include <stdio.h>

static int square(const furrow_task_t *task)
{
    const int64_t x = *(const int64_t *)task->arg;

    *(int64_t *)task->result = x * x;
    return 0;
}

static furrow_task_fn *const functions[] = {square};
static const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    int64_t x = 7, y = 0, xs[100], ys[100];

    (void)arg;
    /* [apply] */
    furrow_status_t status = furrow_pool_apply(pool, square, &x, sizeof x, &y, sizeof y, err);
    /* [end] */
    printf("%lld\n", (long long)y);

    for (int64_t i = 0; i < 100; i++) xs[i] = i;
    /* [chunksize] */
    const furrow_call_t call = {square, xs, sizeof *xs, .count = 100, .result_bytes = sizeof *ys, .chunk = 20};
    if (status == FURROW_OK) status = furrow_pool_map(pool, &call, ys, NULL, err);
    /* [end] */
    if (status == FURROW_OK) printf("%lld\n", (long long)ys[99]);
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
