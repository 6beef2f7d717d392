/** \file status.h
 * How a function fails: it returns a status and, where the caller wants one, leaves one line of text. Base layer.
 */
#ifndef FURROW_STATUS_H
#define FURROW_STATUS_H

#include "furrow.h"

/** Fills `err` (may be NULL) with the text and returns `status`. Local. Call it where the failure is seen, once:
 * callers pass the error on and do not overwrite it. */
furrow_status_t furrow_fail(furrow_error_t *err, furrow_status_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The same for a failed system call: FURROW_EIO, "PATH: cannot WHAT: <meaning of errno>". Reads errno. Local. */
furrow_status_t furrow_fail_errno(furrow_error_t *err, const char *path, const char *what);

/** Texts hold names of files, and what users' functions say, which may be anything: one line stays one line. Local. */
void furrow_keep_on_one_line(char *text);

/** `err` says: all is well. Local. NULL is fine. */
void furrow_error_clear(furrow_error_t *err);

#endif
