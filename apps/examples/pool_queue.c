/* Queue: items put what they find, the program takes it; a full queue holds the items back. */
#include <furrow_pool.h>
#include <stdio.h>

static int find_multiples(const furrow_task_t *task)
{
    const furrow_queue_t *queue = task->arg;
    const int64_t x = task->index;
    if (x % 7 != 0) return 0;
    /* [queue_put] */
    furrow_status_t status = furrow_queue_put(task->pool, *queue, &x, -1, NULL);
    /* [end] */
    return status;
}

static furrow_task_fn *const functions[] = {find_multiples};
static const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    furrow_queue_t queue[1000];
    int64_t x, count = 0;
    (void)arg;
    /* [queue] */
    furrow_status_t status = furrow_queue_open(pool, 4, sizeof x, &queue[0], err);
    /* [end] */
    for (int i = 1; i < 1000; i++) queue[i] = queue[0];
    const furrow_call_t call = {find_multiples, queue, sizeof *queue, .count = 1000};
    if (status == FURROW_OK) status = furrow_pool_map_async(pool, &call, NULL, NULL, err);
    while (status == FURROW_OK && count++ < 143) {
        /* [queue_get] */
        status = furrow_queue_get(pool, queue[0], &x, -1, err);
        /* [end] */
    }
    printf("%s\n", status == FURROW_OK ? "143 multiples of 7" : err->text);
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
