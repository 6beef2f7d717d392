/** \file bytes.h
 * Bytes that grow: texts and lists whose length shows only at the end. Work layer; local.
 */
#ifndef FURROW_BYTES_H
#define FURROW_BYTES_H

#include "status.h"

/** Zero bytes are the empty one. Freed with furrow_bytes_free(). */
typedef struct furrow_bytes {
    char *data; /* [count], or NULL */
    int64_t count, room;
} furrow_bytes_t;

/** Add `count` bytes at the end. \return FURROW_OK or FURROW_ENOMEM (unchanged) */
FURROW_MUST_CHECK furrow_status_t furrow_bytes_add(furrow_bytes_t *bytes, const void *data, int64_t count,
                                                   furrow_error_t *err);

/** Read a regular file whole, at most `most` bytes of it: a larger one is FURROW_EOVERFLOW.
 * \return also what furrow_file_open() and furrow_file_read() return */
FURROW_MUST_CHECK furrow_status_t furrow_bytes_read_file(furrow_bytes_t *bytes, const char *path, int64_t most,
                                                         furrow_error_t *err);

void furrow_bytes_free(furrow_bytes_t *bytes);

#endif
