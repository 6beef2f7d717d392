/** \file row_kernel.h
 * A user's function that computes rows (furrow_kernel.h): loading it, asking it what it gives, calling it. Work layer;
 * local.
 */
#ifndef FURROW_ROW_KERNEL_H
#define FURROW_ROW_KERNEL_H

#include "status.h"

/** What becomes of a row. */
typedef struct furrow_row_form {
    furrow_dtype_t dtype;
    int ndim; /* 0: one number */
    int64_t shape[FURROW_MAX_NDIM];
    int64_t items;         /* product of shape */
    int64_t scratch_bytes; /* for each thread */
} furrow_row_form_t;

typedef struct furrow_row_kernel furrow_row_kernel_t;

/** The file of the library as dlopen() wants it, to be freed, and the name of the function, which is part of `name`.
 * \return FURROW_OK, FURROW_EARG, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_row_kernel_names(const char *name, char **library, const char **function,
                                                          furrow_error_t *err);

/** Load a library and set its function up for the rows of an array.
 *
 * \param[in]  name    "LIBRARY:FUNCTION". A library without a slash is a file of the current folder, as everywhere.
 * \param[in]  params  "NAME=VALUE"
 * \return FURROW_OK, FURROW_EARG (`name`, `params`), FURROW_EIO (no such file), FURROW_EUNSUPPORTED (not a library of
 * kernels, another version, no such function; setup failed, or wants what cannot be), FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_row_kernel_load(const char *name, const furrow_npy_t *array,
                                                         const char *const *params, int64_t param_count,
                                                         furrow_row_kernel_t **out, furrow_error_t *err);

/** What setup decided. */
const furrow_row_form_t *furrow_row_kernel_form(const furrow_row_kernel_t *kernel);

/** out = kernel(row). From any thread, each with its own scratch and text.
 *
 * \param[out] text  FURROW_REJECT_TEXT bytes
 * \return NULL, or why this row is rejected: `text`; `out` is then to be zeroed */
const char *furrow_row_kernel_compute(const furrow_row_kernel_t *kernel, int64_t index, const void *row, void *out,
                                      void *scratch, char *text);

/** Whether a row, of a kernel or not, took more than `limit` seconds (0: none), which `text` then says. */
bool furrow_row_is_late(double limit, double seconds, char *text);

/** Teardown, and unload. NULL is fine. */
void furrow_row_kernel_free(furrow_row_kernel_t *kernel);

#endif
