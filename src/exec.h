/** \file exec.h
 * OpenMP over fixed blocks: the only parallel regions of the library. Parallel layer.
 */
#ifndef FURROW_EXEC_H
#define FURROW_EXEC_H

#include "status.h"

/** Work on one block. Called from several threads at once; `thread` < threads of the context. Must not call MPI. */
typedef furrow_status_t furrow_block_fn(void *arg, int64_t block, int thread, furrow_error_t *err);

/** Run `work` for 0 <= block < blocks on the threads of the context. Local.
 *
 * A single block runs on thread 0. furrow_context_cancel() fails the blocks that have not begun. After a failure blocks
 * above the failed one are skipped; the error returned is that of the lowest failing block, so it does not depend on
 * threads. */
FURROW_MUST_CHECK furrow_status_t furrow_exec(furrow_context_t *ctx, int64_t blocks, furrow_block_fn *work, void *arg,
                                              furrow_error_t *err);

#endif
