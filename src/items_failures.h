/** \file items_failures.h
 * Items that failed, packed as they travel between ranks: number, code and text, one after the other. Work layer.
 */
#ifndef FURROW_ITEMS_FAILURES_H
#define FURROW_ITEMS_FAILURES_H

#include "status.h"

/** Zero bytes: none. Owned by the caller, freed with furrow_packed_free(). */
typedef struct furrow_packed {
    char *data;
    int64_t bytes, room;
} furrow_packed_t;

/** Local. The text is cut at FURROW_REJECT_TEXT - 1 bytes and kept on one line. \return FURROW_OK, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_packed_add(furrow_packed_t *packed, int64_t index, int code, const char *text,
                                                    furrow_error_t *err);

/** All of `bytes` packed elsewhere. Local. \return FURROW_OK, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_packed_append(furrow_packed_t *packed, const void *data, int64_t bytes,
                                                       furrow_error_t *err);

void furrow_packed_free(furrow_packed_t *packed);

/** One of them, where it lies. */
typedef struct furrow_packed_failure {
    int64_t index;
    int code;
    const char *text;
} furrow_packed_failure_t;

/** The one at `*at`, which goes on to the next; begin with 0. False: there are no more. Local. */
bool furrow_packed_next(const void *data, int64_t bytes, int64_t *at, furrow_packed_failure_t *out);

#endif
