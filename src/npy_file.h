/** \file npy_file.h
 * The .npy header of a file. Base layer.
 */
#ifndef FURROW_NPY_FILE_H
#define FURROW_NPY_FILE_H

#include "status.h"

/** furrow_npy_read() for a file that is open. Local; does not move the descriptor's offset.
 *
 * \param[in]  fd, path, file_bytes  as furrow_file_open() gave them
 * \param[out] out                   unchanged on error
 * \return what furrow_npy_read() returns, and FURROW_ENOMEM; FURROW_EIO where `fd` is not a regular file */
FURROW_MUST_CHECK furrow_status_t furrow_npy_read_fd(int fd, const char *path, int64_t file_bytes, furrow_npy_t *out,
                                                     furrow_error_t *err);

/** The same from a stream: it then stands at the first element. Local.
 * \return what furrow_npy_read() returns, and FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_npy_read_stream(int fd, const char *name, furrow_npy_t *out,
                                                         furrow_error_t *err);

#endif
