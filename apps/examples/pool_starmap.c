/* Pool.starmap: a function of several arguments, which are a record. */
#include <furrow_pool.h>
#include <stdio.h>

typedef struct {
    int64_t base, exponent;
} pair_t;

static int power(const furrow_task_t *task)
{
    const pair_t *p = task->arg;
    int64_t y = 1;

    for (int64_t i = 0; i < p->exponent; i++) y *= p->base;
    *(int64_t *)task->result = y;
    return 0;
}

static furrow_task_fn *const functions[] = {power};
static const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    int64_t ys[3];

    (void)arg;
    /* [starmap] */
    const pair_t pairs[] = {{2, 10}, {3, 4}, {10, 9}};
    const furrow_call_t call = {power, pairs, sizeof *pairs, .count = 3, .result_bytes = sizeof *ys};
    const furrow_status_t status = furrow_pool_map(pool, &call, ys, NULL, err);
    /* [end] */
    if (status == FURROW_OK) printf("%lld %lld %lld\n", (long long)ys[0], (long long)ys[1], (long long)ys[2]);
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
