/* Value: a number that all items change, without losing any. */
#include <furrow_pool.h>
#include <stdio.h>

static int count_one(const furrow_task_t *task)
{
    const furrow_counter_t *counter = task->arg;
    furrow_error_t err;

    /* [counter_add] */
    furrow_status_t status = furrow_counter_add(task->pool, *counter, 1, NULL, &err);
    /* [end] */
    return status == FURROW_OK ? 0 : furrow_task_fail(task, 1, "%s", err.text);
}

static furrow_task_fn *const functions[] = {count_one};
static const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    furrow_counter_t counter[1000];
    int64_t value = 0;

    (void)arg;
    /* [counter] */
    furrow_status_t status = furrow_counter_open(pool, 0, &counter[0], err);
    /* [end] */
    for (int i = 1; i < 1000; i++) counter[i] = counter[0];
    const furrow_call_t call = {count_one, counter, sizeof *counter, .count = 1000};
    if (status == FURROW_OK) status = furrow_pool_map(pool, &call, NULL, NULL, err);
    if (status == FURROW_OK) status = furrow_counter_add(pool, counter[0], 0, &value, err);
    printf("%lld\n", (long long)value);
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
