/** \file dataset.h
 * What the verbs need of a dataset beyond furrow.h: elements in the order of the files' memory, and streams. Work
 * layer.
 *
 * "Item" here is an element counted through the memory of all files, one after the other. For C order that is also its
 * index in the joined array; for Fortran order furrow_dataset_c_index() tells.
 */
#ifndef FURROW_DATASET_H
#define FURROW_DATASET_H

#include "status.h"

furrow_context_t *furrow_dataset_context(const furrow_dataset_t *dataset);

/** True where only rank 0 can read. */
bool furrow_dataset_on_root(const furrow_dataset_t *dataset);

/** File 0, 1, ... as it was named; NULL after the last. */
const char *furrow_dataset_path(const furrow_dataset_t *dataset, int64_t file);

/** True for standard input: items can be read once, in order, on rank 0. */
bool furrow_dataset_is_stream(const furrow_dataset_t *dataset);

/** Rows of the joined array (1 for a 0-d array), and elements of one row. */
int64_t furrow_dataset_row_count(const furrow_dataset_t *dataset);
int64_t furrow_dataset_row_items(const furrow_dataset_t *dataset);

/** True if item i is the same element in both, which have one shape: both in C order, or both in Fortran order and cut
 * into files at the same rows. */
bool furrow_dataset_same_order(const furrow_dataset_t *a, const furrow_dataset_t *b);

/** Read items [first, first + count), in this machine's byte order. Local, from any thread (a stream: from one, in
 * order).
 * \return FURROW_OK, FURROW_EIO, FURROW_ETRUNCATED */
FURROW_MUST_CHECK furrow_status_t furrow_dataset_read_items(furrow_dataset_t *dataset, int64_t first, int64_t count,
                                                            void *out, furrow_error_t *err);

/** Read rows [first, first + count) of column `j`, counted in the order of the files (Fortran order: each file has them
 * side by side). Local, from any thread; `c_column` is where that column stands in C order. As
 * furrow_dataset_read_items(). */
FURROW_MUST_CHECK furrow_status_t furrow_dataset_read_fortran_column(furrow_dataset_t *dataset, int64_t j,
                                                                     int64_t first, int64_t count, void *out,
                                                                     int64_t *c_column, furrow_error_t *err);

/** The index, in C order over the joined array, of an item. Local. */
int64_t furrow_dataset_c_index(const furrow_dataset_t *dataset, int64_t item);

#endif
