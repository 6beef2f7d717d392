/* Pool.map into a file: row i of out.npy is the result of item i. All ranks write it. */
#include <furrow_pool.h>
#include <stdio.h>

enum { ROWS = 1000, COLUMNS = 3 };

/* Item i needs no argument but its number: the row is i, i squared, i cubed. */
static int powers(const furrow_task_t *task)
{
    double *row = task->result;

    for (int j = 0; j < COLUMNS; j++) row[j] = (j == 0 ? 1 : row[j - 1]) * (double)task->index;
    return 0;
}

int main(void)
{
    furrow_context_t *ctx;
    furrow_error_t err;

    if (furrow_context_open(NULL, &ctx, &err) != FURROW_OK) return 1;
    /* [map_to_output] */
    const furrow_call_t call = {powers, .count = ROWS, .result_bytes = COLUMNS * sizeof(double)};
    const int64_t shape[] = {ROWS, COLUMNS};
    furrow_output_t *out;
    furrow_status_t status = furrow_output_create(ctx, "out.npy", FURROW_F8, 2, shape, &out, &err);
    if (status == FURROW_OK) {
        status = furrow_map(ctx, NULL, &call, FURROW_TO_OUTPUT, NULL, out, NULL, &err);
        status = furrow_output_commit(out, status, &err);
    }
    /* [end] */
    if (status != FURROW_OK && furrow_context_rank(ctx) == 0) fprintf(stderr, "%s\n", err.text);
    furrow_context_close(ctx);
    return status == FURROW_OK ? 0 : 1;
}
