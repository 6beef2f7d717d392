/* Items that fail: the others are done, and every failure has its index and its text. */
#include <furrow_pool.h>
#include <stdio.h>

static int half(const furrow_task_t *task)
{
    const double x = *(const double *)task->arg;
    /* [raise] */
    if (x < 0) return furrow_task_fail(task, 1, "%g is negative", x);
    /* [end] */
    *(double *)task->result = x / 2;
    return 0;
}

static furrow_task_fn *const functions[] = {half};
static const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    double xs[4] = {4, -1, 9, -16}, ys[4];
    furrow_call_t call = {half, xs, sizeof *xs, .count = 4, .result_bytes = sizeof *xs};

    (void)arg;
    /* [failures] */
    furrow_failures_t failures;
    furrow_status_t status = furrow_pool_map(pool, &call, ys, &failures, err);
    for (int64_t i = 0; i < failures.count; i++)
        printf("item %lld: %s\n", (long long)failures.list[i].index, failures.list[i].text);
    furrow_failures_free(&failures);
    /* [end] */
    /* [stop] */
    call.stop = true;
    status = furrow_pool_map(pool, &call, ys, NULL, err);
    /* [end] */
    printf("stopped: %s\n", furrow_status_text(status)); /* err->text names the first */
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
