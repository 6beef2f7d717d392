/** \file tally.h
 * A tally: everything that a reduction has to remember of the elements it has seen. Fed with blocks, merged with other
 * tallies in any order, read as results. The order never shows: all parts are integers that add or take a minimum. Work
 * layer, below reduce.
 */
#ifndef FURROW_TALLY_H
#define FURROW_TALLY_H

#include "dataset.h"
#include "status.h"
#include "table.h"

/** Bytes of one block of elements, and of the scratch that feeding it may need. */
enum { FURROW_BLOCK_BYTES = 1 << 18, FURROW_SCRATCH_BYTES = 1 << 20 };

/** What a reduction computes, settled once; read-only afterwards. */
typedef struct furrow_plan {
    const furrow_kernels_t *kernels;
    furrow_dtype_t dtype;
    furrow_elem_t elem; /* furrow_elem_of(dtype) */
    uint32_t ops;
    bool is_complex, has_nan, skip_nan;
    bool wants_min_max, wants_nonzero;
    int sums;                                     /* exact accumulators of one tally */
    int sum_at, imaginary_at, abs_at, squares_at; /* which is which; -1: not wanted */
    int64_t ddof;
    int64_t bins;
    const double *edge; /* [bins + 1] */
} furrow_plan_t;

typedef struct furrow_tally {
    int64_t count, nonzero, nan;             /* merge by adding */
    int64_t least, most_inverted, first_nan; /* merge by minimum: keys (key.h); ~key of the largest; an index */
    int64_t argmin, argmax;                  /* least index that has the key */
    int64_t fed;                             /* elements since the accumulators were normalized */
    furrow_exact_t *exact;                   /* [plan->sums] */
    int64_t *hist;                           /* [plan->bins] */
} furrow_tally_t;

/** Many tallies and the memory behind them. */
typedef struct furrow_tallies {
    int64_t count;
    furrow_tally_t *tally;
    furrow_exact_t *exact;
    int64_t *hist;
} furrow_tallies_t;

/** Where the elements of a block stand in the array: element i has index first + i, or, in a Fortran-order dataset,
 * furrow_dataset_c_index(fortran, first + i). */
typedef struct furrow_place {
    int64_t first;
    const furrow_dataset_t *fortran; /* NULL for C order */
} furrow_place_t;

/** What kernels see of a dtype: f4 for f2, u1 for bool, the component of complex. Local. */
furrow_elem_t furrow_elem_of(furrow_dtype_t dtype);

/** Settle a plan. Local. \return FURROW_OK, FURROW_EARG, FURROW_EUNSUPPORTED (operation and dtype) */
FURROW_MUST_CHECK furrow_status_t furrow_plan_make(furrow_dtype_t dtype, const furrow_reduce_opts_t *opts,
                                                   const double *edge, furrow_plan_t *plan, furrow_error_t *err);

/** Bytes of memory that one tally takes. Local. */
int64_t furrow_tally_bytes(const furrow_plan_t *plan);

/** `count` empty tallies. Local. \return FURROW_OK or FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_tallies_alloc(const furrow_plan_t *plan, int64_t count, furrow_tallies_t *out,
                                                       furrow_error_t *err);

/** A tally becomes empty again. Local. */
void furrow_tally_clear(const furrow_plan_t *plan, furrow_tally_t *tally);
void furrow_tallies_free(furrow_tallies_t *tallies);

/** Count a block in. Local, cannot fail; `data` holds n elements of plan->dtype, at most FURROW_BLOCK_BYTES, in this
 * machine's byte order, and is not changed; `scratch` has FURROW_SCRATCH_BYTES. */
void furrow_tally_feed(const furrow_plan_t *plan, furrow_tally_t *tally, const void *data, int64_t n,
                       furrow_place_t place, void *scratch);

/** Count the products of two blocks into the sum of a plan made for FURROW_OP_SUM (not complex). As
 * furrow_tally_feed(). */
void furrow_tally_feed_dot(const furrow_plan_t *plan, furrow_tally_t *tally, const void *x, const void *y, int64_t n,
                           void *scratch);

/** into += from. Local. */
void furrow_tally_merge(const furrow_plan_t *plan, furrow_tally_t *into, furrow_tally_t *from);

/** Every rank's tally i becomes the merge of all ranks' tally i. Collective. \return the agreed status
 * (FURROW_ENOMEM) */
FURROW_MUST_CHECK furrow_status_t furrow_tallies_share(furrow_context_t *ctx, const furrow_plan_t *plan,
                                                       furrow_tallies_t *tallies, furrow_error_t *err);

/** One result. Local. \return FURROW_OK, FURROW_EEMPTY, FURROW_EARG (not among the plan's operations) */
FURROW_MUST_CHECK furrow_status_t furrow_tally_value(const furrow_plan_t *plan, furrow_tally_t *tally, furrow_op_t op,
                                                     furrow_value_t *out, furrow_error_t *err);

#endif
