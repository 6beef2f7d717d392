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

enum { BENCH_MAX = 32 };

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
    int64_t file_bytes;                /* of the data in a file */
    furrow_dtype_t file_dtype;         /* of place.file, once it is there */
    int64_t file_row_items;            /* likewise; 0: it is not there */
    double core_seconds, busy_seconds; /* while calls ran: what its threads could have used of their cores, and did */
    bench_entry_t entry[BENCH_MAX];
    int count;
} bench_t;

/* Of the file that is reduced. */
enum { BENCH_ROW_ITEMS = 1024 };

/** A figure and its limit: two ways to work on the same bytes. */
typedef furrow_status_t bench_work_t(void *arg, furrow_error_t *err);
typedef struct bench_pair {
    bench_work_t *figure, *limit;
    void *arg;
    int64_t bytes; /* what this rank goes through in one call */
    int rounds;    /* 0: as many as usual */
} bench_pair_t;

/** Time both ways in turn, on all ranks at once, and add `entry` with the best rates in GB/s. Collective; a call takes
 * as long as its slowest rank. */
furrow_status_t bench_compare(bench_t *bench, const bench_pair_t *pair, bench_entry_t entry, furrow_error_t *err);

/** Add an entry. Local. */
void bench_add(bench_t *bench, bench_entry_t entry);

/** Why there is nothing about files. */
#define BENCH_NOT_SHARED "not every rank sees the folder; --dir names a shared one"

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

/** The groups of entries: arrays in memory; a file; other processes; rows; items; images. Collective. */
furrow_status_t bench_memory(bench_t *bench, furrow_error_t *err);
furrow_status_t bench_file(bench_t *bench, furrow_error_t *err);
furrow_status_t bench_processes(bench_t *bench, furrow_error_t *err);
furrow_status_t bench_rows(bench_t *bench, furrow_error_t *err);
furrow_status_t bench_items(bench_t *bench, furrow_error_t *err);
furrow_status_t bench_images(bench_t *bench, furrow_error_t *err);

/** Make place.file, if it is not there: random numbers of `dtype`, rows of `row_items`, bench->file_bytes in all.
 * Collective. */
furrow_status_t bench_make_file(bench_t *bench, furrow_dtype_t dtype, int64_t row_items, furrow_error_t *err);

/** This rank's part of place.file, for plain reads. */
typedef struct bench_part {
    int fd;
    int64_t offset, bytes;
    char *buffers; /* BENCH_BUFFER_BYTES per thread */
} bench_part_t;

/** Close it also after a failure. Local. */
furrow_status_t bench_part_open(const bench_t *bench, bench_part_t *part, furrow_error_t *err);
void bench_part_close(bench_part_t *part);

/** Why no other processes should be started from here, or NULL, with the name of this program in `command`. Local. */
const char *bench_reason_to_stay(const bench_t *bench, char command[PATH_MAX]);

/** Show the entries. Local, on rank 0. */
void bench_print(const bench_t *bench);
furrow_status_t bench_print_json(const bench_t *bench, furrow_error_t *err);
furrow_status_t bench_draw(const bench_t *bench, const char *path, furrow_error_t *err);

/** "2 cores, 1 rank of 2 threads, avx512 kernels". */
void bench_machine(const bench_t *bench, char *text, size_t size);

#endif
