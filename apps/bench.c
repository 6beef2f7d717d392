/* Owns timing: rounds, ranks, the best of each. */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 30, QUICK_ROUNDS = 6 };

/* Seconds that all threads of this process have run. */
static double busy_seconds(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

/* One call between two agreements: all ranks start together, and a failure on one ends it on all. */
static furrow_status_t time_call(bench_t *bench, bench_work_t *work, void *arg, double *seconds, furrow_error_t *err)
{
    furrow_status_t status = furrow_agree(bench->ctx, FURROW_OK, err);
    const double busy = busy_seconds(), start = cli_seconds();

    if (status == FURROW_OK) status = work(arg, err);
    *seconds = cli_seconds() - start;
    bench->busy_seconds += busy_seconds() - busy;
    bench->core_seconds += *seconds * bench->threads;
    return furrow_agree(bench->ctx, status, err);
}

/* What one rank knows after all rounds; a row of f8, so that it can be gathered. */
typedef struct {
    double bytes, seconds[2][ROUNDS]; /* of the figure, of the limit */
} row_t;
enum { ROW_ITEMS = sizeof(row_t) / sizeof(double), FIGURE = 0, LIMIT = 1 };

/* The rate of the best round; the time of a round is that of the slowest rank. */
static double best_rate(const row_t *row, int64_t ranks, int rounds, int which)
{
    double bytes = 0.0, best = 0.0;

    for (int64_t rank = 0; rank < ranks; rank++) bytes += row[rank].bytes;
    for (int round = 0; round < rounds; round++) {
        double slowest = 1e-9;
        for (int64_t rank = 0; rank < ranks; rank++)
            if (row[rank].seconds[which][round] > slowest) slowest = row[rank].seconds[which][round];
        if (bytes / slowest > best) best = bytes / slowest;
    }
    return best;
}

furrow_status_t bench_compare(bench_t *bench, const bench_pair_t *pair, bench_entry_t entry, furrow_error_t *err)
{
    row_t row = {.bytes = (double)pair->bytes};
    const int rounds = pair->rounds > 0 ? pair->rounds : bench->quick ? QUICK_ROUNDS : ROUNDS;
    const furrow_array_t mine = {FURROW_F8, 2, {1, ROW_ITEMS}, &row};
    furrow_array_t all = {0};
    furrow_status_t status = FURROW_OK;

    if (bench->cli->is_root && bench->cli->verbose) (void)fprintf(stderr, "furrow: bench: %s\n", entry.name);
    for (int round = 0; round < rounds && status == FURROW_OK; round++) {
        status = time_call(bench, pair->limit, pair->arg, &row.seconds[LIMIT][round], err);
        if (status == FURROW_OK) status = time_call(bench, pair->figure, pair->arg, &row.seconds[FIGURE][round], err);
    }
    if (status == FURROW_OK) status = furrow_gather(bench->ctx, 0, &mine, &all, err);
    if (status != FURROW_OK || !bench->cli->is_root) return status;
    entry.unit = "GB/s";
    entry.value = 1e-9 * best_rate(all.data, all.shape[0], rounds, FIGURE);
    entry.limit = 1e-9 * best_rate(all.data, all.shape[0], rounds, LIMIT);
    furrow_array_free(&all);
    bench_add(bench, entry);
    return FURROW_OK;
}

furrow_status_t bench_go_on(bench_t *bench, furrow_error_t *err)
{
    double one = 1.0;
    const furrow_array_t array = {FURROW_F8, 1, {1}, &one};
    const furrow_reduce_opts_t opts = {.ops = UINT32_C(1) << FURROW_OP_SUM};
    furrow_reduction_t *reduction;

    const furrow_status_t status = furrow_reduce_array(bench->ctx, &array, &opts, &reduction, err);
    furrow_reduction_free(reduction);
    return status;
}

void bench_add(bench_t *bench, bench_entry_t entry)
{
    if (bench->count < BENCH_MAX) bench->entry[bench->count++] = entry;
}

void bench_skip(bench_t *bench, bench_entry_t entry, const char *reason)
{
    entry.is_skipped = true;
    (void)snprintf(entry.note, sizeof entry.note, "%s", reason);
    bench_add(bench, entry);
}

const bench_entry_t *bench_find(const bench_t *bench, const char *name)
{
    for (int i = 0; i < bench->count; i++)
        if (strcmp(bench->entry[i].name, name) == 0) return &bench->entry[i];
    return NULL;
}

double bench_fraction(const bench_entry_t *entry)
{
    return entry->limit > 0.0 ? entry->value / entry->limit : 0.0;
}

double bench_share_of_cores(const bench_t *bench)
{
    return fmin(1.0, bench->core_seconds > 0.0 ? bench->busy_seconds / bench->core_seconds : 1.0);
}

const char *bench_verdict(const bench_entry_t *entry)
{
    if (entry->is_skipped) return "skipped";
    if (entry->target <= 0.0) return "measured";
    if (entry->is_cost) return entry->value < entry->target ? "ok" : "above";
    return bench_fraction(entry) >= entry->target ? "ok" : "below";
}
