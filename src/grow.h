/** \file grow.h
 * Bytes that grow: texts and lists whose length shows only at the end. Work layer; local.
 */
#ifndef FURROW_GROW_H
#define FURROW_GROW_H

#include "status.h"

/** Zero bytes are the empty one. Freed with furrow_grow_free(). */
typedef struct furrow_grow {
    char *data; /* [count], or NULL */
    int64_t count, room;
} furrow_grow_t;

/** Add `count` bytes at the end. \return FURROW_OK or FURROW_ENOMEM (unchanged) */
FURROW_MUST_CHECK furrow_status_t furrow_grow_add(furrow_grow_t *bytes, const void *data, int64_t count,
                                                  furrow_error_t *err);

/** Read a regular file whole, at most `most` bytes of it: a larger one is FURROW_EOVERFLOW.
 * \return also what furrow_file_open() and furrow_file_read() return */
FURROW_MUST_CHECK furrow_status_t furrow_grow_read_file(furrow_grow_t *bytes, const char *path, int64_t most,
                                                        furrow_error_t *err);

void furrow_grow_free(furrow_grow_t *bytes);

#endif
