/** \file output.h
 * Outputs that a later run can go on with, beyond furrow.h. Work layer.
 */
#ifndef FURROW_OUTPUT_H
#define FURROW_OUTPUT_H

#include "direct.h"
#include "edges.h"
#include "npy.h"

/** furrow_output_create(), or furrow_output_create_on_root(), whose temporary has a fixed name: `.NAME.furrow-part`
 * beside `path`.
 *
 * \param[in]  resume  go on with the one that an earlier run left, if it has the right size. Matters on rank 0 alone.
 * \param[out] found   on rank 0: there was one. Elsewhere false. */
FURROW_MUST_CHECK furrow_status_t furrow_output_create_resumable(furrow_context_t *ctx, bool on_root, const char *path,
                                                                 furrow_dtype_t dtype, int ndim, const int64_t *shape,
                                                                 bool resume, bool *found, furrow_output_t **out,
                                                                 furrow_error_t *err);

/** What is being written, and whether rank 0 alone may write it. Local. */
const furrow_npy_t *furrow_output_header(const furrow_output_t *output);
bool furrow_output_is_on_root(const furrow_output_t *output);

/** How a thread may write this output directly: see furrow_stage_open(), which may give NULL. Local. */
FURROW_MUST_CHECK furrow_status_t furrow_output_open_stage(const furrow_output_t *output, furrow_stage_t **out,
                                                           furrow_error_t *err);

/** furrow_output_write() of the next piece of a part that this rank has, from its first element on, where no other rank
 * writes any of them. What ranks of other hosts shall write is kept in `edges`, zero bytes before the first piece;
 * after the last it is to be sent there, and written with furrow_output_write_edge(). Local, from any thread.
 *
 * \param[in]     stays  `data` will not change before they are settled in the stage
 * \param[in,out] edges  to be freed by the caller
 * \param[in,out] stage  of this thread: what is written is settled there, after a flush; NULL: it is now
 * \return as furrow_output_write(), FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_output_write_part(furrow_output_t *output, int64_t first, int64_t count,
                                                           const void *data, bool stays, furrow_edges_t *edges,
                                                           furrow_stage_t *stage, furrow_error_t *err);

/** Where in `room` the results from element `first` on should lie that will stay; it must have room for them and for
 * FURROW_DIRECT_PAGE bytes more. Local. */
void *furrow_output_place(const furrow_output_t *output, int64_t first, void *room);

/** Bytes from another rank, to byte `at` of the file. Local, from any thread. */
FURROW_MUST_CHECK furrow_status_t furrow_output_write_edge(furrow_output_t *output, int64_t at,
                                                           const furrow_parcel_t *data, furrow_error_t *err);

/** Collective: what all ranks wrote is on the disk. A file system may say only here that some of it is lost, and says
 * it once. \return FURROW_OK, FURROW_EIO */
FURROW_MUST_CHECK furrow_status_t furrow_output_sync(furrow_output_t *output, furrow_error_t *err);

/** Collective: furrow_output_commit() after furrow_output_sync(). */
FURROW_MUST_CHECK furrow_status_t furrow_output_publish(furrow_output_t *output, furrow_status_t status,
                                                        furrow_error_t *err);

/** Should the work fail from here on, the temporary stays for a later run. Local, on rank 0. */
void furrow_output_keep(furrow_output_t *output);

#endif
