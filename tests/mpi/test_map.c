/* furrow_map(): results on the root, on all ranks, in a file. And balance: slow items that sit together are spread. */
#include "pool_support.h"

#include <math.h>

#include "furrow_mpi.h"

enum { COUNT = 500 };

static int64_t args[COUNT], results[COUNT];

static furrow_call_t new_call(furrow_task_fn *function)
{
    for (int64_t i = 0; i < COUNT; i++) args[i] = world.rank == 0 ? i - 100 : -1;
    memset(results, 0xff, sizeof results);
    return (furrow_call_t){.function = function,
                           .args = world.rank == 0 ? args : NULL,
                           .arg_bytes = sizeof *args,
                           .count = COUNT,
                           .result_bytes = sizeof *results};
}

static bool are_squares(void)
{
    for (int64_t i = 0; i < COUNT; i++)
        if (results[i] != (i - 100) * (i - 100)) return false;
    return true;
}

static void test_to_root(void **state)
{
    furrow_call_t call = new_call(square);

    (void)state;
    ASSERT_ALL(furrow_map(world.ctx, NULL, &call, FURROW_TO_ROOT, results, NULL, NULL, NULL) == FURROW_OK);
    ASSERT_ALL(world.rank == 0 ? are_squares() : results[0] == -1);
    call = new_call(square);
    ASSERT_ALL(furrow_map(world.ctx, &plain, &call, FURROW_TO_ROOT, world.rank == 0 ? results : NULL, NULL, NULL,
                          NULL) == FURROW_OK);
    ASSERT_ALL(world.rank != 0 || are_squares());
    call.count = 0;
    ASSERT_ALL(furrow_map(world.ctx, &plain, &call, FURROW_TO_ROOT, NULL, NULL, NULL, NULL) == FURROW_OK);
}

static void test_to_all(void **state)
{
    furrow_call_t call = new_call(square);
    furrow_failures_t failures;
    furrow_error_t err;

    (void)state;
    ASSERT_ALL(furrow_map(world.ctx, NULL, &call, FURROW_TO_ALL, results, NULL, NULL, NULL) == FURROW_OK);
    ASSERT_ALL(are_squares());
    call = new_call(picky);
    const furrow_status_t status = furrow_map(world.ctx, NULL, &call, FURROW_TO_ALL, results, NULL, &failures, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EITEM, 0, "item 0 is a multiple of 7"));
    ASSERT_ALL(failures.count == (world.rank == 0 ? (COUNT + 6) / 7 : 0));
    bool good = true;
    for (int64_t i = 0; i < COUNT; i++) good = good && results[i] == (i % 7 == 0 ? 0 : i + 1);
    ASSERT_ALL(good);
    furrow_failures_free(&failures);
}

static void map_into(bool on_root, furrow_task_fn *function, furrow_status_t expected, int64_t chunk)
{
    const int64_t shape[] = {COUNT, 2}; /* of 4 bytes each: one result */
    furrow_call_t call = new_call(function);
    furrow_output_t *output;
    furrow_failures_t failures;
    furrow_error_t err;

    call.chunk = chunk;
    ASSERT_ALL((on_root ? furrow_output_create_on_root : furrow_output_create)(world.ctx, path_of("map.npy"), FURROW_I4,
                                                                               2, shape, &output, &err) == FURROW_OK);
    ASSERT_ALL(furrow_map(world.ctx, NULL, &call, FURROW_TO_OUTPUT, NULL, output, &failures, &err) == expected);
    ASSERT_ALL(world.rank != 0 || (failures.count > 0) == (expected == FURROW_EITEM));
    ASSERT_ALL(furrow_output_commit(output, FURROW_OK, &err) == FURROW_OK);
    furrow_failures_free(&failures);
    for (int64_t i = 0; i < COUNT; i++)
        results[i] = function == square ? (i - 100) * (i - 100) : i % 7 == 0 ? 0 : i + 1;
    ASSERT_ALL(npy_holds("map.npy", results, sizeof results));
    clear_folder();
}

static void test_to_output(void **state)
{
    (void)state;
    for (int64_t chunk = 0; chunk <= 30; chunk += 15) {
        map_into(false, square, FURROW_OK, chunk);
        map_into(false, picky, FURROW_EITEM, chunk);
        map_into(true, square, FURROW_OK, chunk);
        map_into(true, picky, FURROW_EITEM, chunk);
    }
}

static void test_to_output_of_hosts(void **state)
{
    part_nodes();
    test_to_output(state);
    join_nodes();
}

static void test_wrong_arguments(void **state)
{
    const int64_t shape[] = {COUNT, 3};
    furrow_call_t call = new_call(square);
    furrow_output_t *output;
    furrow_error_t err;

    (void)state;
    furrow_status_t status = furrow_map(world.ctx, NULL, &call, FURROW_TO_OUTPUT, NULL, NULL, NULL, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, -1, "output"));
    ASSERT_ALL(furrow_output_create(world.ctx, path_of("map.npy"), FURROW_I4, 2, shape, &output, &err) == FURROW_OK);
    status = furrow_map(world.ctx, NULL, &call, FURROW_TO_OUTPUT, NULL, output, NULL, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, -1, "500 results of 8 bytes do not fit"));
    ASSERT_ALL(furrow_output_commit(output, status, &err) == FURROW_EARG);
    status = furrow_map(world.ctx, NULL, &call, FURROW_TO_ALL, world.rank == world.ranks - 1 ? NULL : results, NULL,
                        NULL, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, world.ranks - 1, "no place"));
    status = furrow_map(world.ctx, NULL, &call, (furrow_where_t)7, results, NULL, NULL, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EARG, -1, "7"));
    ASSERT_ALL(furrow_map(world.ctx, NULL, &call, FURROW_TO_ROOT, results, NULL, NULL, &err) == FURROW_OK);
    clear_folder();
}

/* ------------------------------------------------------------------ balance */

typedef struct {
    double seconds;
    int rank, thread;
} share_t;

static int sleep_and_tell(const furrow_task_t *task)
{
    const double seconds = *(const double *)task->arg;

    sleep_s(seconds);
    *(share_t *)task->result = (share_t){seconds, task->worker->rank, task->worker->thread};
    return 0;
}

enum { ITEMS = 1000, SLOW = 100, WORKERS_MOST = 64 };

static const double quick_s = 0.0002, slow_s = 0.02;

/* What the worker sleeps who sleeps most, of items of which SLOW from `place` on are slow. Collective over `ctx`. */
static double longest_share(furrow_context_t *ctx, int place)
{
    static double seconds[ITEMS];
    static share_t shares[ITEMS];
    double sums[WORKERS_MOST] = {0}, most = 0;
    const furrow_call_t call = {.function = sleep_and_tell,
                                .args = seconds,
                                .arg_bytes = sizeof *seconds,
                                .count = ITEMS,
                                .result_bytes = sizeof *shares};

    for (int i = 0; i < ITEMS; i++) seconds[i] = i >= place && i < place + SLOW ? slow_s : quick_s;
    if (furrow_map(ctx, NULL, &call, FURROW_TO_ALL, shares, NULL, NULL, NULL) != FURROW_OK) return INFINITY;
    for (int i = 0; i < ITEMS; i++) sums[2 * shares[i].rank + shares[i].thread] += shares[i].seconds;
    for (int w = 0; w < WORKERS_MOST; w++) most = sums[w] > most ? sums[w] : most;
    return most;
}

/* 1,000 items, of which 100 that sit together take 100 times as long: no worker gets more than 1.15 of its share and
 * one slow item. What they sleep is asked for, not measured; but whoever is late because the machine is busy leaves
 * more to the others, so it may take some runs until nobody is. Of 5 ranks, 4 take part. */
static void test_balance(void **state)
{
    enum { RUNS = 5 };
    static const int places[] = {0, 450, 900};
    const furrow_context_opts_t opts = {.threads = 2};
    const int ranks = world.ranks > 4 ? 4 : world.ranks;
    const double ideal = (SLOW * slow_s + (ITEMS - SLOW) * quick_s) / (2 * ranks), fair = 1.15 * ideal + slow_s;
    furrow_context_t *ctx;
    MPI_Comm some;

    (void)state;
    MPI_Comm_split(MPI_COMM_WORLD, world.rank < ranks, 0, &some);
    ASSERT_ALL(furrow_context_open_comm(some, &opts, &ctx, NULL) == FURROW_OK);
    for (int p = 0; p < (world.ranks == 1 ? 1 : LENGTH(places)); p++) {
        double most = INFINITY;
        for (int n = 0; n < RUNS && most > fair && world.rank < ranks; n++) most = longest_share(ctx, places[p]);
        if (most > fair && world.rank == 0)
            (void)fprintf(stderr, "slow items from %d: a worker sleeps %g s, ideal %g s\n", places[p], most, ideal);
        ASSERT_ALL(world.rank >= ranks || most <= fair);
    }
    furrow_context_close(ctx);
    MPI_Comm_free(&some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_root),         cmocka_unit_test(test_to_all),
        cmocka_unit_test(test_to_output),       cmocka_unit_test(test_to_output_of_hosts),
        cmocka_unit_test(test_wrong_arguments), cmocka_unit_test(test_balance),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
