/** \file direct.h
 * Writing past the page cache (O_DIRECT) while the thread goes on: for large outputs on file systems of local disks.
 * There it takes half of a core's time and less, leaves the cache to the inputs, and what was written is on the disk at
 * once. Elsewhere, and for small outputs, writes go through the cache as ever. Base layer; local.
 */
#ifndef FURROW_DIRECT_H
#define FURROW_DIRECT_H

#include "status.h"

/* An output of fewer bytes is not worth it: it may stay in the cache, for who reads it next. Tests make it small. */
#ifndef FURROW_DIRECT_LEAST
#define FURROW_DIRECT_LEAST (INT64_C(16) << 20)
#endif

/** Whole pages are written directly: of the disk, a multiple of what any asks for. */
enum { FURROW_DIRECT_PAGE = 4096 };

/** Should an output of so many bytes at `path`, which need not exist, be written directly? */
bool furrow_direct_suits(const char *path, int64_t bytes);

/** A file that is written: its two descriptors, and its name for errors. */
typedef struct furrow_direct_file {
    int fd, direct;
    const char *path; /* borrowed */
} furrow_direct_file_t;

/** Open a file of so many bytes once more, for direct writes. -1: it is not worth it, or the system refuses. */
int furrow_direct_open(const char *path, int64_t bytes);

/** Where in `room` to put what will be written at byte `at`, for furrow_stage_write_from(); less than
 * FURROW_DIRECT_PAGE bytes from its beginning. */
void *furrow_direct_place(void *room, int64_t at);

/** Of one thread: what it gathers to be written, and its writes that are under way. */
typedef struct furrow_stage furrow_stage_t;

/** Memory that a stage takes, rounded up. */
enum { FURROW_STAGE_BYTES = 5 << 20 };

/** \param[out] out  NULL where the system cannot do that: to be written through the cache
 * \return FURROW_OK, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_stage_open(const furrow_direct_file_t *file, furrow_stage_t **out,
                                                    furrow_error_t *err);

/** Waits for what is under way. NULL is fine. */
void furrow_stage_close(furrow_stage_t *stage);

/** Write `count` bytes at `at`; they are copied. What goes on where the last ended is written together.
 * \return FURROW_OK, FURROW_EIO: also of a write before this one */
FURROW_MUST_CHECK furrow_status_t furrow_stage_write(furrow_stage_t *stage, int64_t at, const void *data, int64_t count,
                                                     furrow_error_t *err);

/** The same, from where they are, if that is a place as furrow_direct_place() gives it: they must stay as they are
 * until they are settled. */
FURROW_MUST_CHECK furrow_status_t furrow_stage_write_from(furrow_stage_t *stage, int64_t at, const void *data,
                                                          int64_t count, furrow_error_t *err);

/** Write what was gathered, too. */
FURROW_MUST_CHECK furrow_status_t furrow_stage_flush(furrow_stage_t *stage, furrow_error_t *err);

/** What stands for all writes up to now, but for what is still gathered; more than 0. */
int64_t furrow_stage_mark(const furrow_stage_t *stage);

/** Are the writes up to this mark done? With `wait`, they are when this returns. A process that is then killed has
 * written them. \return FURROW_OK, FURROW_EIO: one failed */
FURROW_MUST_CHECK furrow_status_t furrow_stage_settle(furrow_stage_t *stage, int64_t mark, bool wait, bool *settled,
                                                      furrow_error_t *err);

#endif
