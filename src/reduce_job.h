/** \file reduce_job.h
 * One reduction while it runs: shared by reduce.c (the verb), reduce_items.c (elements in one sequence) and
 * reduce_columns.c (--axis 0). Private to these.
 */
#ifndef FURROW_REDUCE_JOB_H
#define FURROW_REDUCE_JOB_H

#include "tally.h"

typedef struct furrow_job {
    furrow_context_t *ctx;
    const furrow_plan_t *plan;
    furrow_dataset_t *dataset; /* NULL for an array in memory */
    int64_t size;              /* bytes of one element */
    int64_t rows, row_items;   /* of the whole array */
    int64_t sections;          /* 0: the array is one */
    bool axis0;
    furrow_tallies_t *groups; /* the results, this rank's share */
    furrow_tallies_t workers; /* what threads fill before it is merged into groups */
    char *scratch;            /* per thread: what feeding takes, and a block */
    int64_t piece_bytes;      /* for a shared buffer: what the memory cap leaves */
} furrow_job_t;

/** Bytes of scratch per thread; where a thread's scratch and its block are. */
enum { FURROW_THREAD_BYTES = FURROW_SCRATCH_BYTES + FURROW_BLOCK_BYTES };
char *furrow_job_scratch(const furrow_job_t *job, int thread);
char *furrow_job_block(const furrow_job_t *job, int thread);

/** The dataset if it is in Fortran order, else NULL. */
const furrow_dataset_t *furrow_job_fortran(const furrow_job_t *job);

/** Elements [first, first + count), at `data`, or (NULL) read from the dataset block by block. `fortran` as in
 * furrow_place_t. Local. */
FURROW_MUST_CHECK furrow_status_t furrow_job_feed_items(furrow_job_t *job, int64_t first, int64_t count,
                                                        const char *data, const furrow_dataset_t *fortran,
                                                        furrow_error_t *err);

/** Columns [column, column + columns) of rows [first_row, first_row + rows), contiguous in C order at `data`. Local. */
FURROW_MUST_CHECK furrow_status_t furrow_job_feed_tile(furrow_job_t *job, int64_t first_row, int64_t rows,
                                                       int64_t column, int64_t columns, const char *data,
                                                       furrow_error_t *err);

/** This rank's share of a dataset that it sees, for axis0. Local. */
FURROW_MUST_CHECK furrow_status_t furrow_job_read_columns(furrow_job_t *job, furrow_error_t *err);

/** Tallies that furrow_job_feed_tile() wants in job->workers: 0 where columns are many enough to go one to a thread. */
int64_t furrow_job_column_workers(const furrow_job_t *job);

/** Merge job->workers into the columns. Local. */
void furrow_job_merge_columns(furrow_job_t *job);

#endif
