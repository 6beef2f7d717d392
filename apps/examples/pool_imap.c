/* Pool.imap: results in order as they come, arguments only when there is room: at most 16 are under way. */
#include <furrow_pool.h>
#include <stdio.h>

static int square(const furrow_task_t *task)
{
    *(int64_t *)task->result = *(const int64_t *)task->arg * *(const int64_t *)task->arg;
    return 0;
}

static furrow_task_fn *const functions[] = {square};
static const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};

/* The generator: 1, 3, 5, ... as far as `most` */
static bool next_odd(void *most, int64_t index, void *record)
{
    *(int64_t *)record = 2 * index + 1;
    return 2 * index + 1 <= *(int64_t *)most;
}

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    furrow_stream_t *stream;
    furrow_outcome_t y;
    int64_t sum = 0;
    const furrow_call_t call = {square, NULL, 8, .count = 1000, .result_bytes = 8, .next = next_odd, .next_arg = arg};
    /* [imap] */
    furrow_status_t status = furrow_pool_imap(pool, &call, true, 16, &stream, err);
    while (status == FURROW_OK && (status = furrow_stream_next(stream, -1, &y, err)) == FURROW_OK)
        sum += *(const int64_t *)y.result;
    /* [end] */
    printf("%lld\n", (long long)sum);
    furrow_stream_free(stream);
    return status == FURROW_EEMPTY ? FURROW_OK : status;
}

int main(void)
{
    furrow_context_t *ctx;
    furrow_error_t err;

    if (furrow_context_open(NULL, &ctx, &err) != FURROW_OK) return 1;
    const furrow_status_t status = furrow_pool_run(ctx, &opts, body, &(int64_t){199}, &err);
    if (status != FURROW_OK && furrow_context_rank(ctx) == 0) fprintf(stderr, "%s\n", err.text);
    furrow_context_close(ctx);
    return status == FURROW_OK ? 0 : 1;
}
