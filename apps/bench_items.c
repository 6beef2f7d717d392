/* Owns the entries about the cost of an item: what the pool adds to a function that does nothing. */
#include "bench.h"

#include <furrow_pool.h>
#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench_child.h"

static const bench_entry_t one_by_one = {.name = "item_single",
                                         .unit = "us",
                                         .limit_name = "omp for dynamic,1",
                                         .target = 2.0,
                                         .is_cost = true,
                                         .note = "an empty item, chunks of 1"};
static const bench_entry_t guided = {.name = "item_guided",
                                     .unit = "ns",
                                     .limit_name = "omp for guided",
                                     .target = 50.0,
                                     .is_cost = true,
                                     .note = "an empty item, guided chunks"};
static const bench_entry_t across = {.name = "item_across",
                                     .unit = "us",
                                     .limit_name = "one furrow_agree()",
                                     .target = 20.0,
                                     .is_cost = true,
                                     .note = "an empty item that goes to the other of 2 ranks, chunks of 1"};

static int do_nothing(const furrow_task_t *task)
{
    (void)task;
    return 0;
}

static atomic_llong here; /* items that rank 0 ran */

/* The items of rank 0 are slow, so that nearly all go to other ranks. */
static int leave_to_others(const furrow_task_t *task)
{
    const struct timespec nap = {.tv_nsec = 1000000};

    if (task->worker->rank != 0) return 0;
    atomic_fetch_add_explicit(&here, 1, memory_order_relaxed);
    (void)nanosleep(&nap, NULL);
    return 0;
}

/* One measurement: so many items in chunks of so many. */
typedef struct {
    furrow_task_fn *function;
    int64_t count, chunk;
    double seconds; /* of one item: the best map of several */
} items_t;

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    enum { ROUNDS = 5 };
    items_t *items = arg;
    const furrow_call_t call = {.function = items->function, .count = items->count, .chunk = items->chunk};
    furrow_status_t status = FURROW_OK;

    for (int round = 0; round < ROUNDS && status == FURROW_OK; round++) {
        atomic_store(&here, 0);
        const double start = cli_seconds();
        status = furrow_pool_map(pool, &call, NULL, NULL, err);
        /* those that others ran, where rank 0 leaves them to others */
        const double seconds = (cli_seconds() - start) / fmax(1.0, (double)(items->count - atomic_load(&here)));
        if (round == 0 || seconds < items->seconds) items->seconds = seconds;
    }
    return status;
}

static furrow_status_t measure(const bench_t *bench, items_t *items, furrow_error_t *err)
{
    static furrow_task_fn *const functions[] = {do_nothing, leave_to_others};
    const furrow_pool_opts_t opts = {.functions = functions, .function_count = 2};

    return furrow_pool_run(bench->ctx, &opts, body, items, err);
}

/* ----------------------------------------------------------------- limits */

/* A function that the compiler does not look into, as it cannot look into the pool's. */
static int (*volatile nothing)(const furrow_task_t *task) = do_nothing;

static double omp_seconds(int64_t count, bool is_guided, int threads)
{
    const double start = cli_seconds();

    if (is_guided) {
#pragma omp parallel for num_threads(threads) schedule(guided) default(none) shared(count, nothing)
        for (int64_t i = 0; i < count; i++) (void)nothing(NULL);
    } else {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) default(none) shared(count, nothing)
        for (int64_t i = 0; i < count; i++) (void)nothing(NULL);
    }
    return (cli_seconds() - start) / (double)count;
}

static furrow_status_t agree_seconds(bench_t *bench, double *seconds, furrow_error_t *err)
{
    enum { TIMES = 2000 };
    furrow_status_t status = FURROW_OK;

    const double start = cli_seconds();
    for (int i = 0; i < TIMES && status == FURROW_OK; i++) status = furrow_agree(bench->ctx, FURROW_OK, err);
    *seconds = (cli_seconds() - start) / TIMES;
    return status;
}

/* ---------------------------------------------------------------- entries */

static furrow_status_t add_in_rank(bench_t *bench, bench_entry_t entry, int64_t count, int64_t chunk,
                                   furrow_error_t *err)
{
    items_t items = {do_nothing, count, chunk, 0.0};
    const double unit = chunk == 0 ? 1e9 : 1e6;

    const furrow_status_t status = measure(bench, &items, err);
    if (status != FURROW_OK) return status;
    entry.value = unit * items.seconds;
    entry.limit = unit * omp_seconds(count, chunk == 0, bench->threads);
    for (int round = 1; round < 5; round++)
        entry.limit = fmin(entry.limit, unit * omp_seconds(count, chunk == 0, bench->threads));
    bench_add(bench, entry);
    return FURROW_OK;
}

static furrow_status_t add_between_ranks(bench_t *bench, bench_entry_t entry, furrow_error_t *err)
{
    items_t items = {leave_to_others, bench->quick ? 20000 : 100000, 1, 0.0};
    double seconds = 0.0;

    furrow_status_t status = measure(bench, &items, err);
    if (status == FURROW_OK) status = agree_seconds(bench, &seconds, err);
    if (status != FURROW_OK || !bench->cli->is_root) return status;
    entry.value = 1e6 * items.seconds;
    entry.limit = 1e6 * seconds;
    (void)snprintf(entry.note, sizeof entry.note, "an empty item that goes to another of %d ranks, chunks of 1",
                   furrow_context_ranks(bench->ctx));
    bench_add(bench, entry);
    return FURROW_OK;
}

/* The entry of that name in what another furrow bench printed. */
static bool take_entry(const char *text, bench_entry_t *entry)
{
    cJSON *json = cJSON_Parse(text);
    const cJSON *each, *entries = cJSON_GetObjectItemCaseSensitive(json, "results");
    bool found = false;

    cJSON_ArrayForEach(each, entries)
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(each, "name");
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(each, "value");
        const cJSON *limit = cJSON_GetObjectItemCaseSensitive(each, "limit");
        if (!cJSON_IsString(name) || strcmp(name->valuestring, entry->name) != 0) continue;
        if (!cJSON_IsNumber(value) || !cJSON_IsNumber(limit)) continue;
        entry->value = value->valuedouble;
        entry->limit = limit->valuedouble;
        found = true;
    }
    cJSON_Delete(json);
    return found;
}

/* By mpirun, as other processes. */
static furrow_status_t add_across(bench_t *bench, bench_entry_t entry, furrow_error_t *err)
{
    static char mpirun[] = "mpirun", n[] = "-n", two[] = "2", bind[] = "--bind-to", core[] = "core", verb[] = "bench";
    static char group[] = "items", threads[] = "-t", one[] = "1", json[] = "--json", quick[] = "--quick";
    static char command[PATH_MAX];
    static bench_child_t child;
    char *const argv[] = {mpirun, n, two, bind, core, command, verb, group, threads, one, json, quick, NULL};
    const char *reason = bench_reason_to_stay(bench, command);

    if (reason == NULL && !bench_child_run(argv, &child)) reason = "mpirun -n 2 did not work";
    if (reason == NULL && !take_entry(child.out, &entry)) reason = "mpirun -n 2 gave no figure";
    if (reason == NULL)
        bench_add(bench, entry);
    else
        bench_skip(bench, entry, reason);
    return bench_go_on(bench, err);
}

furrow_status_t bench_items(bench_t *bench, furrow_error_t *err)
{
    const int64_t count = bench->quick ? 200000 : 1000000;

    if (furrow_context_ranks(bench->ctx) > 1) {
        if (bench->cli->is_root) bench_skip(bench, one_by_one, "more than one rank");
        if (bench->cli->is_root) bench_skip(bench, guided, "more than one rank");
        return add_between_ranks(bench, across, err);
    }
    furrow_status_t status = add_in_rank(bench, one_by_one, count, 1, err);
    if (status == FURROW_OK) status = add_in_rank(bench, guided, 100 * count, 0, err);
    return status == FURROW_OK ? add_across(bench, across, err) : status;
}
