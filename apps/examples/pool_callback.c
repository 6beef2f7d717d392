/* Callbacks of map_async: on rank 0, one after the other, in the order in which calls were done. */
#include <furrow_pool.h>
#include <stdio.h>

static int halve(const furrow_task_t *task)
{
    if (task->index % 2 != 0) return furrow_task_fail(task, 1, "%lld is odd", (long long)task->index);
    *(int64_t *)task->result = task->index / 2;
    return 0;
}

static furrow_task_fn *const functions[] = {halve};
static const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};

static void on_done(void *arg, const void *results, int64_t count)
{
    printf("%s: %lld done, first %lld\n", (char *)arg, (long long)count, (long long)*(const int64_t *)results);
}

static void on_failed(void *arg, furrow_status_t status, const furrow_failures_t *failures)
{
    printf("%s: %s: %s\n", (char *)arg, furrow_status_text(status), failures->list[0].text);
}

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    (void)arg;
    /* [callback] */
    const furrow_callbacks_t callbacks = {on_done, on_failed, "halve"};
    furrow_call_t call = {halve, .count = 1, .result_bytes = 8};
    furrow_status_t status = furrow_pool_map_async(pool, &call, &callbacks, NULL, err);
    /* [end] */
    call.count = 2; /* number 1 is odd: this call is for the error callback */
    if (status == FURROW_OK) status = furrow_pool_map_async(pool, &call, &callbacks, NULL, err);
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
