/** \file file.h
 * Files by descriptor: whole reads and writes at an offset, temporary files that become real by a rename. Base layer.
 * Every function is local; errors name the path. No request to the system is longer than 1 GiB.
 */
#ifndef FURROW_FILE_H
#define FURROW_FILE_H

#include <sys/types.h>

#include "status.h"

/** Open for reading. \return FURROW_OK, FURROW_EIO (also for a folder) */
FURROW_MUST_CHECK furrow_status_t furrow_file_open(const char *path, int *fd, int64_t *bytes, furrow_error_t *err);

/** Read exactly `count` bytes at `offset`. \return FURROW_OK, FURROW_EIO, FURROW_ETRUNCATED (the file ends earlier) */
FURROW_MUST_CHECK furrow_status_t furrow_file_read(int fd, const char *path, int64_t offset, void *out, int64_t count,
                                                   furrow_error_t *err);

/** Read up to `count` bytes from where a stream stands; less only at its end. `got` is set on success. */
FURROW_MUST_CHECK furrow_status_t furrow_file_read_stream(int fd, const char *path, void *out, int64_t count,
                                                          int64_t *got, furrow_error_t *err);

/** Write exactly `count` bytes at `offset`. */
FURROW_MUST_CHECK furrow_status_t furrow_file_write(int fd, const char *path, int64_t offset, const void *data,
                                                    int64_t count, furrow_error_t *err);

/** Make an empty temporary file beside `path`, hidden, with the permissions that a new `path` would have. FURROW_EIO
 * also where `path` is there and is not a regular file.
 * \param[out] temporary  its name, to be freed with free() */
FURROW_MUST_CHECK furrow_status_t furrow_file_create_beside(const char *path, char **temporary, int *fd,
                                                            furrow_error_t *err);

/** "folder/.name" and `suffix` for "folder/name": a hidden file beside it, to be freed; NULL if memory ran out. A name
 * too long for the suffix loses its end. */
char *furrow_file_name_beside(const char *path, const char *suffix);

/** Make an empty file `temporary` that will replace `path`, in place of an older one; or, with `bytes` >= 0, open the
 * one that is there if it has that size.
 * \param[out] found  the older one was opened */
FURROW_MUST_CHECK furrow_status_t furrow_file_create_named(const char *path, const char *temporary, int64_t bytes,
                                                           bool *found, int *fd, furrow_error_t *err);

/** Give a new file its final size and, where the file system can, its blocks, so that a full disk shows now. */
FURROW_MUST_CHECK furrow_status_t furrow_file_reserve(int fd, const char *path, int64_t bytes, furrow_error_t *err);

/** Open an existing file for writing (a temporary that rank 0 made). */
FURROW_MUST_CHECK furrow_status_t furrow_file_open_write(const char *path, int *fd, furrow_error_t *err);

/** Data and size reach the disk. */
FURROW_MUST_CHECK furrow_status_t furrow_file_sync(int fd, const char *path, furrow_error_t *err);

/** `temporary` replaces `path`, whole, and the folder's entry reaches the disk. */
FURROW_MUST_CHECK furrow_status_t furrow_file_rename(const char *temporary, const char *path, furrow_error_t *err);

#endif
