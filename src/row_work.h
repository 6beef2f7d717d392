/** \file row_work.h
 * How rows become results on this rank: what is computed, by whom, in which memory. Work layer; for rows alone.
 */
#ifndef FURROW_ROW_WORK_H
#define FURROW_ROW_WORK_H

#include "items.h"
#include "row_child.h"
#include "row_ops.h"

/** What one thread works with. */
typedef struct furrow_row_desk {
    char *in, *out, *scratch;  /* rows, their results */
    furrow_row_child_t *child; /* computes them; NULL: this process does */
} furrow_row_desk_t;

typedef struct furrow_row_work {
    furrow_context_t *ctx;
    furrow_dataset_t *dataset;
    const furrow_rows_opts_t *opts;
    bool computes;               /* this rank: not where it sees no input */
    furrow_row_plan_t plan;      /* of an operation */
    furrow_row_kernel_t *kernel; /* instead, in this process */
    furrow_row_form_t form;
    int64_t rows, row_bytes, out_bytes;
    int64_t together; /* rows read and written at a time */
    void *with;       /* of DOT */
    int64_t with_bytes;
    char *buffers;           /* of all desks, but for children */
    furrow_row_desk_t *desk; /* [threads] */
    furrow_output_t *output; /* set by the caller before rows are computed */
} furrow_row_work_t;

/** Check, load, ask for memory. Collective. `w` holds `ctx`, `dataset`, `opts`, else zeros.
 * \return as furrow_rows() */
FURROW_MUST_CHECK furrow_status_t furrow_row_work_open(furrow_row_work_t *w, furrow_error_t *err);

/** Items that take about as long to read as is worth while; 0: as the engine finds. Local. */
int64_t furrow_row_work_chunk(const furrow_row_work_t *w);

/** Rows from the dataset to `output`: a furrow_items_work_fn(). */
FURROW_MUST_CHECK furrow_status_t furrow_row_work_do(void *w, int64_t first, int64_t count, int thread,
                                                     furrow_rejects_t *rejects, furrow_error_t *err);

/** Unload, end processes, free; also where furrow_row_work_open() failed. Local. \return FURROW_OK, FURROW_EIO: a kernel
 * crashed in the end */
furrow_status_t furrow_row_work_close(furrow_row_work_t *w, furrow_error_t *err);

#endif
