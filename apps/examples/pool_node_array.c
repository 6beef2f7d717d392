/* Array, SharedMemory: one copy on each node, which all its ranks and threads read and write in place. */
#include <furrow_pool.h>
#include <stdatomic.h>
#include <stdio.h>

static _Atomic int64_t *tally; /* of this rank's node: ten numbers */

static int count_digit(const furrow_task_t *task)
{
    atomic_fetch_add(&tally[task->index % 10], 1);
    return 0;
}

int main(void)
{
    const furrow_call_t call = {count_digit, .count = 1000};
    furrow_context_t *ctx;
    furrow_error_t err;

    if (furrow_context_open(NULL, &ctx, &err) != FURROW_OK) return 1;
    /* [node_array] */
    furrow_node_array_t *array;
    furrow_status_t status = furrow_node_array_open(ctx, 10, sizeof *tally, &array, &err);
    if (status == FURROW_OK) tally = furrow_node_array_data(array);
    /* [end] */
    if (status == FURROW_OK) status = furrow_map(ctx, NULL, &call, FURROW_TO_ROOT, NULL, NULL, NULL, &err);
    if (furrow_context_rank(ctx) == 0)
        printf("%s\n", status != FURROW_OK ? err.text
                       : tally[7] == 100   ? "each digit 100 times on one node"
                                           : "others elsewhere");
    furrow_node_array_free(array);
    furrow_context_close(ctx);
    return status == FURROW_OK ? 0 : 1;
}
