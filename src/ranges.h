/** \file ranges.h
 * A set of item numbers, kept as sorted ranges that neither overlap nor touch: what is done, in little memory. Base
 * layer.
 */
#ifndef FURROW_RANGES_H
#define FURROW_RANGES_H

#include "status.h"

/** Zero bytes are the empty set. Owned by the caller, freed with furrow_ranges_free(). */
typedef struct furrow_ranges {
    furrow_range_t *range; /* [count], ascending */
    int64_t count, room;
} furrow_ranges_t;

/** Adds [first, first + n), n >= 0; what is in it already stays. Local. \return FURROW_OK or FURROW_ENOMEM (set
 * unchanged) */
FURROW_MUST_CHECK furrow_status_t furrow_ranges_add(furrow_ranges_t *set, int64_t first, int64_t n,
                                                    furrow_error_t *err);

/** The first run of numbers >= `from` and < `end` that is not in the set; empty (start == stop == end) if there is
 * none. Local. */
furrow_range_t furrow_ranges_gap(const furrow_ranges_t *set, int64_t from, int64_t end);

/** How many numbers are in the set. Local. */
int64_t furrow_ranges_total(const furrow_ranges_t *set);

void furrow_ranges_free(furrow_ranges_t *set);

#endif
