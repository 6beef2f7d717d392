/* Pool.map in one call: squares of ten numbers, computed on the threads of all ranks, in order on every rank. */
#include <furrow_pool.h>
#include <stdio.h>

/* [function] */
static int square(const furrow_task_t *task)
{
    const double x = *(const double *)task->arg;

    *(double *)task->result = x * x;
    return 0;
}
/* [end] */

int main(void)
{
    const double xs[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    double ys[10];
    furrow_context_t *ctx;
    furrow_error_t err;

    if (furrow_context_open(NULL, &ctx, &err) != FURROW_OK) return 1;
    /* [with_pool_map] */
    furrow_call_t call = {square, .args = xs, .arg_bytes = 8, .count = 10, .result_bytes = 8};
    furrow_status_t status = furrow_map(ctx, NULL, &call, FURROW_TO_ROOT, ys, NULL, NULL, &err);
    /* [end] */
    if (status == FURROW_OK && furrow_context_rank(ctx) == 0) printf("on rank 0: 9^2 = %g\n", ys[9]);

    /* [map_to_all] */
    if (status == FURROW_OK) status = furrow_map(ctx, NULL, &call, FURROW_TO_ALL, ys, NULL, NULL, &err);
    /* [end] */
    double sum = 0;
    for (int i = 0; i < 10; i++) sum += ys[i];
    if (sum != 285) status = FURROW_EITEM; /* wrong on this rank */
    status = furrow_agree(ctx, status, &err);
    if (furrow_context_rank(ctx) == 0) printf("on all ranks: %s\n", status == FURROW_OK ? "sum 285" : err.text);
    furrow_context_close(ctx);
    return status == FURROW_OK ? 0 : 1;
}
