/** \file row_child.h
 * Rows of a kernel in a child process, where one that crashes, ends the process or overruns costs itself alone. Work
 * layer; local. A thread has one of its own.
 *
 * Rows and results lie in memory that both processes see. A call takes rows for some milliseconds, or to the first one
 * that fails, so that messages cost little and it is known which row it was.
 */
#ifndef FURROW_ROW_CHILD_H
#define FURROW_ROW_CHILD_H

#include "items.h"
#include "row_kernel.h"

typedef struct furrow_row_child furrow_row_child_t;

/** Start a process that loads the library and calls setup.
 *
 * \param[in]  opts  kernel, params, item_timeout
 * \param[out] form  what setup decided there
 * \return as furrow_row_kernel_load(); FURROW_EIO also where setup crashed; FURROW_EARG: isolation was not started */
FURROW_MUST_CHECK furrow_status_t furrow_row_child_open(const furrow_rows_opts_t *opts, const furrow_npy_t *array,
                                                        furrow_row_form_t *form, furrow_row_child_t **out,
                                                        furrow_error_t *err);

/** Room for so many rows and their results, and for scratch: once, before the first call. */
FURROW_MUST_CHECK furrow_status_t furrow_row_child_room(furrow_row_child_t *child, int64_t rows, char **in, char **out,
                                                        furrow_error_t *err);

/** Compute the rows [first, first + count) that were put into that room, or, if `may_leave`, the first `*ran` of them,
 * at least 1. Those that fail, end or crash the process, or take too long, are named in `rejects`, and zero.
 * \return FURROW_OK; a status ends the whole run */
FURROW_MUST_CHECK furrow_status_t furrow_row_child_compute(furrow_row_child_t *child, int64_t first, int64_t count,
                                                           bool may_leave, furrow_made_t *made, int64_t *ran,
                                                           furrow_error_t *err);

/** Teardown, and end the process. NULL is fine. \return FURROW_OK, FURROW_EIO: teardown crashed */
furrow_status_t furrow_row_child_close(furrow_row_child_t *child, furrow_error_t *err);

#endif
