/** \file row_stream.h
 * Rows of standard input for several threads: each gets its own when those before them were read. Work layer; local, on
 * rank 0.
 */
#ifndef FURROW_ROW_STREAM_H
#define FURROW_ROW_STREAM_H

#include "status.h"

typedef struct furrow_row_stream furrow_row_stream_t;

FURROW_MUST_CHECK furrow_status_t furrow_row_stream_open(furrow_dataset_t *dataset, furrow_row_stream_t **out,
                                                         furrow_error_t *err);

/** Read rows [first, first + count), in C order. From any thread; waits until all below `first` were read, which
 * somebody must do. \return FURROW_OK; a failure to read is that of all calls from then on */
FURROW_MUST_CHECK furrow_status_t furrow_row_stream_read(furrow_row_stream_t *stream, int64_t first, int64_t count,
                                                         void *out, furrow_error_t *err);

/** Somebody will not read the rows that it should: nobody shall wait for that. */
void furrow_row_stream_fail(furrow_row_stream_t *stream, furrow_status_t status, const furrow_error_t *err);

/** NULL is fine. */
void furrow_row_stream_free(furrow_row_stream_t *stream);

#endif
