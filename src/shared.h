/** \file shared.h
 * How counters, locks and queues are reached: questions from items, callbacks and the body travel to the main thread of
 * rank 0, where the hub is (hub.h), and answers back. Work layer; for the pool only.
 */
#ifndef FURROW_SHARED_H
#define FURROW_SHARED_H

#include "pool.h"

/** Who asks, on this thread: a worker, or the thread of callbacks; NULL: another thread, which on rank 0 is the
 * body's. */
extern _Thread_local furrow_pool_thread_t *furrow_shared_self;

/** Rank 0: a hub for the pool; elsewhere nothing. Local. To be closed in every case. */
FURROW_MUST_CHECK furrow_status_t furrow_shared_open(furrow_pool_t *pool, furrow_error_t *err);
void furrow_shared_close(furrow_pool_t *pool);

/** After each item or callback on its thread: what it holds is released, even where memory is short. */
void furrow_shared_end_item(furrow_pool_thread_t *thread);

/** Of the engine's client, on the main thread of rank 0; `arg` is the pool. */
void furrow_shared_asked(void *arg, const furrow_asker_t *who, const furrow_parcel_t *question);
furrow_status_t furrow_shared_tick(void *arg, double *next, furrow_error_t *err);

#endif
