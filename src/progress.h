/** \file progress.h
 * What a running call tells its caller, and what it is told: how far it is, and to stop. Parallel layer.
 */
#ifndef FURROW_PROGRESS_H
#define FURROW_PROGRESS_H

#include <stdatomic.h>

#include "furrow.h"
#include "pulse.h"

/** Part of every context. */
typedef struct furrow_progress {
    atomic_bool cancelled;
    _Atomic int64_t done;
    int64_t total; /* of this rank's share */
    furrow_progress_fn *tell;
    void *arg;
    furrow_board_t board;
} furrow_progress_t;

/** That of a context. Local. */
furrow_progress_t *furrow_context_progress(const furrow_context_t *ctx);

/** The calling thread works beside the main one, which alone speaks to other ranks: collective functions fail on it,
 * where the others would not join in. Local. */
void furrow_work_beside(void);

/** A call begins that will count `total` bytes on this rank. Local. */
void furrow_progress_begin(furrow_context_t *ctx, int64_t total);

/** `bytes` more are done. Local, from any thread; thread 0 of rank 0 tells the caller. */
void furrow_progress_add(const furrow_context_t *ctx, int64_t bytes, int thread);

/** The slot of its main thread, of working thread `thread`; NULL while the context opens. Local. */
furrow_pulse_slot_t *furrow_context_main_slot(const furrow_context_t *ctx);
furrow_pulse_slot_t *furrow_context_slot(const furrow_context_t *ctx, int thread);

/** To the end of the block the main thread waits for `rank` (or FURROW_WAITS_FOR_SOME) in `what`. */
#define FURROW_WAITING(ctx, what, rank) FURROW_STEP(furrow_context_main_slot(ctx), what, NULL, rank)

/** What a call knows itself, on the main thread of rank 0. Local. */
void furrow_progress_tell(const furrow_context_t *ctx, const furrow_progress_report_t *report);

#endif
