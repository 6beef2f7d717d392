/** \file bench.h
 * What `furrow bench` measures, and how it is timed on all ranks at once.
 *
 * Every figure stands beside a limit that is measured in the same run, in turn with it: machines are noisy, and only
 * figures of the same minute can be compared. Of both the best round counts.
 */
#ifndef FURROW_BENCH_H
#define FURROW_BENCH_H

#include "bench_place.h"
#include "cli.h"

enum { BENCH_MAX = 16 };

/** One line of the result. Filled on rank 0; the other ranks keep none. */
typedef struct bench_entry {
    const char *name, *unit;
    const char *limit_name; /* what the limit is */
    double value, limit;    /* in `unit`; no limit: 0 */
    double target;          /* the least fraction of the limit, or, for a cost, the value to stay under; none: 0 */
    bool is_cost;           /* less is better: milliseconds, megabytes */
    bool is_skipped;
    char note[160]; /* why it was skipped, or more about the figure; may be "" */
} bench_entry_t;

typedef struct bench {
    const cli_t *cli;
    furrow_context_t *ctx;
    bool quick;
    int threads;
    bench_place_t place;               /* a private folder for files */
    int64_t memory_bytes;              /* of the array in memory, for each rank */
    int64_t file_rows;                 /* of BENCH_ROW_ITEMS f8 */
    double core_seconds, busy_seconds; /* while calls ran: what its threads could have used of their cores, and did */
    bench_entry_t entry[BENCH_MAX];
    int count;
} bench_t;

enum { BENCH_ROW_ITEMS = 1024 };

/** A figure and its limit: two ways to work on the same bytes. */
typedef furrow_status_t bench_work_t(void *arg, furrow_error_t *err);
typedef struct bench_pair {
    bench_work_t *figure, *limit;
    void *arg;
    int64_t bytes; /* what this rank goes through in one call */
} bench_pair_t;

/** Time both ways in turn, on all ranks at once, and add `entry` with the best rates in GB/s. Collective; a call takes
 * as long as its slowest rank. */
furrow_status_t bench_compare(bench_t *bench, const bench_pair_t *pair, bench_entry_t entry, furrow_error_t *err);

/** Add an entry. Local. */
void bench_add(bench_t *bench, bench_entry_t entry);

/** Add an entry that could not be measured. Local. */
void bench_skip(bench_t *bench, bench_entry_t entry, const char *reason);

/** FURROW_ECANCELED if the run was told to stop, as every call of the library then says. Collective. */
furrow_status_t bench_go_on(bench_t *bench, furrow_error_t *err);

/** The entry of that name, or NULL. Local. */
const bench_entry_t *bench_find(const bench_t *bench, const char *name);

/** value / limit; 0 without a limit. */
double bench_fraction(const bench_entry_t *entry);

/** So much less than all is worth a warning. */
#define BENCH_LOST_CORES 0.1

/** How much of their cores this rank's threads got while they were timed, at most 1; less than that took other
 * programs. */
double bench_share_of_cores(const bench_t *bench);

/** "ok", "below" its target, "above" it (a cost), "skipped", "measured" (no target). */
const char *bench_verdict(const bench_entry_t *entry);

/** The entries: arrays in memory; a file; other processes. Collective. */
furrow_status_t bench_memory(bench_t *bench, furrow_error_t *err);
furrow_status_t bench_file(bench_t *bench, furrow_error_t *err);
furrow_status_t bench_processes(bench_t *bench, furrow_error_t *err);

/** Show the entries. Local, on rank 0. */
void bench_print(const bench_t *bench);
furrow_status_t bench_print_json(const bench_t *bench, furrow_error_t *err);
furrow_status_t bench_draw(const bench_t *bench, const char *path, furrow_error_t *err);

/** "2 cores, 1 rank of 2 threads, avx512 kernels". */
void bench_machine(const bench_t *bench, char *text, size_t size);

#endif
