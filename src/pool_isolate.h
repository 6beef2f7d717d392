/** \file pool_isolate.h
 * Items of a pool in child processes (isolate.h), one for each worker. Work layer; for pool_worker.c only.
 */
#ifndef FURROW_POOL_ISOLATE_H
#define FURROW_POOL_ISOLATE_H

#include "pool.h"

/** A child for the worker, where the initializer runs. \return as furrow_child_open() */
FURROW_MUST_CHECK furrow_status_t furrow_pool_child_open(furrow_pool_thread_t *thread, furrow_error_t *err);

/** The finalizer runs there; the child ends. \return FURROW_OK, FURROW_EIO: it did not end well */
FURROW_MUST_CHECK furrow_status_t furrow_pool_child_close(furrow_pool_thread_t *thread, furrow_error_t *err);

/** The item that runs, if any, ends at once. From any thread. */
void furrow_pool_child_kill(furrow_pool_thread_t *thread);

/** Run one item there: `task` says which, and `task->detail->text` afterwards why it failed.
 * \param[out] code  0, what the function returned, or -1 for one that did not return
 * \return FURROW_OK, also where the item failed; else as furrow_child_call() */
FURROW_MUST_CHECK furrow_status_t furrow_pool_child_run(furrow_pool_thread_t *thread, furrow_task_fn *function,
                                                        const furrow_task_t *task, int *code, furrow_error_t *err);

#endif
