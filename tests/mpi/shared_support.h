/* What the tests of shared things share: what items are told, and node memory in which they leave their marks. */
#ifndef FURROW_TESTS_SHARED_H
#define FURROW_TESTS_SHARED_H

#include "pool_support.h"

/* What items are told; the handles are plain data. */
typedef struct {
    furrow_counter_t counter;
    furrow_lock_t lock;
    furrow_queue_t queue, other;
    int64_t number;
} kit_t;

/* Where items of all ranks write: node memory, open while the pools of a test run. */
typedef struct {
    volatile int64_t balance, holders, most_holders; /* not atomic: guarded by a lock */
    _Atomic int64_t seen[20000], in_all, phase;
} board_t;

static board_t *board;

static inline int note(bool holds, const furrow_task_t *task, const char *what, const furrow_error_t *err)
{
    return holds ? 0 : furrow_task_fail(task, 1, "%s: %d %s", what, (int)err->status, err->text);
}

static inline furrow_call_t call_of(furrow_task_fn *function, const kit_t *kits, int64_t count)
{
    return (furrow_call_t){.function = function, .args = kits, .arg_bytes = sizeof *kits, .count = count, .chunk = 1};
}

/* Runs `count` items with the same kit; all must succeed. */
static inline void run_items(furrow_pool_t *pool, furrow_task_fn *function, const kit_t *kit, int64_t count)
{
    kit_t *kits = malloc((size_t)(count + 1) * sizeof *kits);
    furrow_error_t err;

    if (kits == NULL) abort();
    for (int64_t i = 0; i < count; i++) kits[i] = *kit;
    const furrow_call_t call = call_of(function, kits, count);
    const furrow_status_t status = furrow_pool_map(pool, &call, NULL, NULL, &err);
    if (status != FURROW_OK) (void)fprintf(stderr, "%s\n", err.text);
    EXPECT(status == FURROW_OK);
    free(kits);
}

static furrow_node_array_t *board_memory;

static inline int open_board(void **state)
{
    (void)state;
    if (furrow_node_array_open(world.ctx, 1, sizeof *board, &board_memory, NULL) != FURROW_OK) return -1;
    board = furrow_node_array_data(board_memory);
    return 0;
}

static inline int close_board(void **state)
{
    (void)state;
    furrow_node_array_free(board_memory);
    return 0;
}

#define SHARED_TEST(name) cmocka_unit_test_setup_teardown(test_##name, open_board, close_board)

#endif
