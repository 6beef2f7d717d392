/** \file row_work.h
 * How rows become results on this rank: what is computed, by whom, in which memory. Work layer; for rows alone.
 */
#ifndef FURROW_ROW_WORK_H
#define FURROW_ROW_WORK_H

#include "items.h"
#include "row_child.h"
#include "row_ops.h"
#include "row_stream.h"

/** What one thread works with. */
typedef struct furrow_row_desk {
    char *in, *out, *scratch;  /* rows, their results */
    furrow_row_child_t *child; /* computes them; NULL: this process does */
} furrow_row_desk_t;

typedef struct furrow_row_work {
    furrow_context_t *ctx;
    furrow_dataset_t *dataset;
    const furrow_rows_opts_t *opts;
    const char *path;            /* of the output */
    furrow_row_plan_t plan;      /* of an operation */
    furrow_row_kernel_t *kernel; /* instead, in this process */
    furrow_row_form_t form;
    int64_t rows, row_bytes, out_bytes;
    bool direct;                 /* there is memory to write the output directly, and it is worth it */
    int64_t together;            /* rows read and written at a time */
    void *with;                  /* of DOT */
    int64_t common_bytes;        /* of memory for all threads: `with`, edges for other hosts */
    char *buffers;               /* of all desks, but for children */
    furrow_row_desk_t *desk;     /* [threads] */
    furrow_row_stream_t *stream; /* on rank 0, of standard input */
    furrow_items_dealt_t dealt;  /* where rank 0 alone sees rows and output */
    furrow_output_t *output;     /* set by the caller before rows are computed */
} furrow_row_work_t;

/** Check, load, ask for memory. Collective. `w` holds `ctx`, `dataset`, `opts`, `path`, else zeros.
 * \return as furrow_rows() */
FURROW_MUST_CHECK furrow_status_t furrow_row_work_open(furrow_row_work_t *w, furrow_error_t *err);

/** What the engine is to be told: rows from the dataset to `output`. Local; lives as long as `w`. */
furrow_items_t furrow_row_work_items(furrow_row_work_t *w);

/** Unload, end processes, free; also where furrow_row_work_open() failed. Local.
 * \return FURROW_OK, FURROW_EIO: a kernel crashed in the end */
furrow_status_t furrow_row_work_close(furrow_row_work_t *w, furrow_error_t *err);

#endif
