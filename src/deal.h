/** \file deal.h
 * Bringing a long sequence of units (elements, rows) to the ranks in pieces that fit in memory. Work layer.
 */
#ifndef FURROW_DEAL_H
#define FURROW_DEAL_H

#include "status.h"

/** Fill `buffer` with units [first, first + count), or work on them. Local. */
typedef furrow_status_t furrow_deal_fn(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err);

typedef struct furrow_deal {
    int64_t units;      /* in all */
    int64_t unit_bytes; /* in a buffer */
    int64_t piece;      /* units in one buffer, at least 1 */
    furrow_deal_fn *read, *work;
    void *arg;
} furrow_deal_t;

/** Every rank reads and works on its own share, furrow_split(units, ranks, rank), piece by piece. Local: the caller
 * agrees on the status. One buffer of piece * unit_bytes. */
FURROW_MUST_CHECK furrow_status_t furrow_deal_own(furrow_context_t *ctx, const furrow_deal_t *deal,
                                                  furrow_error_t *err);

/** Rank 0 reads all pieces, in order, and gives them to the ranks in turn; each works on what it gets. Collective; the
 * status is this rank's own and not agreed on yet. A failure of rank 0 ends the dealing; another rank that fails takes
 * its pieces and drops them. */
FURROW_MUST_CHECK furrow_status_t furrow_deal_from_root(furrow_context_t *ctx, const furrow_deal_t *deal,
                                                        furrow_error_t *err);

#endif
