/** \file array.h
 * Arrays of which each rank holds rows. Parallel layer.
 */
#ifndef FURROW_ARRAY_H
#define FURROW_ARRAY_H

#include "status.h"

/** FURROW_EMISMATCH if this rank's part does not join that of `root`: another dtype or another shape, rows apart.
 * Collective; no part may be NULL; the status is this rank's own and not agreed on yet. */
FURROW_MUST_CHECK furrow_status_t furrow_array_check_like(furrow_context_t *ctx, int root, const furrow_array_t *part,
                                                          furrow_error_t *err);

#endif
