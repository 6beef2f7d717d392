/* Lock: one item at a time changes a file, on whatever rank it runs. */
#include <furrow_pool.h>
#include <stdio.h>

static int append_number(const furrow_task_t *task)
{
    const furrow_lock_t *lock = task->arg;
    furrow_error_t err;
    int last = 0;

    /* [acquire] */
    if (furrow_lock_acquire(task->pool, *lock, -1, &err) != FURROW_OK) return furrow_task_fail(task, 1, "%s", err.text);
    /* [end] */
    FILE *file = fopen("numbers.txt", "a+");
    if (file == NULL) return furrow_task_fail(task, 1, "no file"); /* the lock is released */
    while (fscanf(file, "%d", &last) == 1) continue;
    (void)fprintf(file, "%d\n", last + 1);
    (void)fclose(file);
    /* [release] */
    return furrow_lock_release(task->pool, *lock, &err) == FURROW_OK ? 0 : 1;
    /* [end] */
}

static furrow_task_fn *const functions[] = {append_number};
static const furrow_pool_opts_t opts = {.functions = functions, .function_count = 1};

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    furrow_lock_t lock[50];
    (void)arg;
    /* [lock] */
    furrow_status_t status = furrow_lock_open(pool, &lock[0], err);
    /* [end] */
    for (int i = 1; i < 50; i++) lock[i] = lock[0];
    const furrow_call_t call = {append_number, lock, sizeof *lock, .count = 50};
    return status == FURROW_OK ? furrow_pool_map(pool, &call, NULL, NULL, err) : status;
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
