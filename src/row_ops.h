/** \file row_ops.h
 * One operation on one row: which dtype comes out, and the computation. Knows nothing of files and ranks. Work layer,
 * below rows.
 */
#ifndef FURROW_ROW_OPS_H
#define FURROW_ROW_OPS_H

#include "status.h"
#include "tally.h"

/** An operation settled for rows of one kind; read-only while rows are computed. */
typedef struct furrow_row_plan {
    furrow_rows_opts_t opts;
    furrow_dtype_t in, out;
    int64_t items, out_items; /* of one row */
    furrow_elem_t elem;       /* what the kernels see: f4 for f2, u1 for bool */
    furrow_elem_t map_elem;   /* rows to rows of floats: computed in f4 or f8 */
    const furrow_kernels_t *kernels;
    bool by_tally; /* extremes, counts, sums of integers: */
    furrow_plan_t tally;
    furrow_op_t tally_op;
    const void *with; /* DOT: the other factor, of `elem` */
} furrow_row_plan_t;

/** True for operations from a row to a row of the same shape. Local. */
bool furrow_row_gives_row(furrow_row_op_t op);

/** Bytes of scratch that furrow_row_compute() needs. Local. */
int64_t furrow_row_scratch_bytes(const furrow_row_plan_t *plan);

/** Settle a plan; `with` stays NULL. Local. \return FURROW_OK, FURROW_EARG, FURROW_EUNSUPPORTED */
FURROW_MUST_CHECK furrow_status_t furrow_row_plan_make(furrow_dtype_t dtype, int64_t items,
                                                       const furrow_rows_opts_t *opts, furrow_row_plan_t *plan,
                                                       furrow_error_t *err);

/** Elements as the kernels see them: `x` itself, or converted into `out` (plan->items elements of plan->elem). Local.
 */
const void *furrow_row_prepare(const furrow_row_plan_t *plan, const void *x, void *out);

/** out = op(x). Local. \return NULL, or why this row is rejected: a constant string; `out` is then to be zeroed */
const char *furrow_row_compute(const furrow_row_plan_t *plan, const void *x, void *out, void *scratch);

#endif
