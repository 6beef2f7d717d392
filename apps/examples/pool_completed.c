/* concurrent.futures.as_completed: futures in the order in which they are done. */
#include <furrow_pool.h>
#include <stdio.h>
#include <time.h>

static int wait_a_while(const furrow_task_t *task)
{
    const int64_t ms = *(const int64_t *)task->arg;

    *(int64_t *)task->result = ms;
    return nanosleep(&(struct timespec){.tv_nsec = 1000000 * ms}, NULL);
}

static furrow_task_fn *const functions[] = {wait_a_while};
static const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const int64_t ms[2] = {700, 1};
    int64_t i, slept;
    furrow_future_t *futures[2] = {NULL, NULL};
    furrow_status_t status = FURROW_OK;

    (void)arg;
    for (i = 0; i < 2 && status == FURROW_OK; i++)
        status = furrow_pool_apply_async(pool, wait_a_while, &ms[i], 8, 8, NULL, &futures[i], err);
    /* [as_completed] */
    while (furrow_futures_next(futures, 2, -1, &i) == FURROW_OK) {
        if (furrow_future_get(futures[i], -1, &slept, NULL, err) == FURROW_OK) printf("%lld ms\n", (long long)slept);
        furrow_future_free(futures[i]);
        futures[i] = NULL;
    }
    /* [end] */
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
