/** \file pulse.h
 * What every thread of a context is at, and how often something was finished: written by the thread itself with plain
 * stores, read from outside at any time. Base layer.
 *
 * A thread that has a slot says what it works on (furrow_pulse_begin(), _at(), _done(), _end()) and, for what may take
 * long, FURROW_DOING(); one without a slot says nothing, at no cost.
 */
#ifndef FURROW_PULSE_H
#define FURROW_PULSE_H

#include <stdatomic.h>

#include "furrow.h"

/** For which rank a thread waits: for none, for one that is not known, or its number. */
enum { FURROW_WAITS_FOR_NONE = -2, FURROW_WAITS_FOR_SOME = -1 };

/** Of one thread, which alone writes all but `readers`. */
typedef struct furrow_pulse_slot {
    _Alignas(64) _Atomic int64_t beats;
    _Atomic double since;       /* when it began, in furrow_seconds(); 0: it is at nothing */
    _Atomic(const char *) noun; /* what it works on, "row"; constant strings, as `doing` */
    _Atomic int64_t first, count;
    _Atomic(const char *) doing;
    _Atomic(const char *) path; /* lives until the step is left, which waits for readers */
    _Atomic int waits_for;
    _Atomic int readers;
} furrow_pulse_slot_t;

/** Of a context. */
typedef struct furrow_board {
    int threads;
    furrow_pulse_slot_t *slot; /* [threads + 1]: the last is that of the main thread */
    _Atomic int64_t heard;     /* signs of life of other ranks */
} furrow_board_t;

FURROW_MUST_CHECK furrow_status_t furrow_board_open(furrow_board_t *board, int threads, furrow_error_t *err);
void furrow_board_close(furrow_board_t *board);

/** Things finished on this rank. */
int64_t furrow_board_beats(const furrow_board_t *board);

/** From any thread. `beats` counts what was heard, too. */
void furrow_board_read(furrow_board_t *board, furrow_pulse_t *out);

/* ------------------------------------------------------------------ this thread; a slot may be NULL */

furrow_pulse_slot_t *furrow_pulse_mine(void);

/** This thread writes to `slot` from now on. \return what it had before */
furrow_pulse_slot_t *furrow_pulse_use(furrow_pulse_slot_t *slot);

/** It begins with items [first, first + count), called `noun` (one of them), at `now`; it ends. */
void furrow_pulse_begin(furrow_pulse_slot_t *slot, const char *noun, int64_t first, int64_t count, double now);
void furrow_pulse_end(furrow_pulse_slot_t *slot);

/** Of these it is now at [first, first + count). */
static inline void furrow_pulse_at(furrow_pulse_slot_t *slot, int64_t first, int64_t count)
{
    if (slot == NULL) return;
    atomic_store_explicit(&slot->first, first, memory_order_relaxed);
    atomic_store_explicit(&slot->count, count, memory_order_relaxed);
}

/** Something was finished. */
static inline void furrow_pulse_done(furrow_pulse_slot_t *slot)
{
    if (slot == NULL) return;
    const int64_t beats = atomic_load_explicit(&slot->beats, memory_order_relaxed);
    atomic_store_explicit(&slot->beats, beats + 1, memory_order_relaxed);
}

/** A step that may take long; steps may stand within steps. One that stands within nothing is a beat when it ends. */
typedef struct furrow_pulse_step {
    furrow_pulse_slot_t *slot;
    const char *doing, *path;
    int waits_for;
    bool outermost;
} furrow_pulse_step_t;

furrow_pulse_step_t furrow_pulse_enter(furrow_pulse_slot_t *slot, const char *doing, const char *path, int waits_for);
void furrow_pulse_leave(furrow_pulse_step_t *step);

/** From here to the end of the block this thread is `doing`, "reading", something to the file `path` (or NULL). */
#define FURROW_DOING(doing, path) FURROW_STEP(furrow_pulse_mine(), doing, path, FURROW_WAITS_FOR_NONE)
#define FURROW_STEP(slot, doing, path, waits_for) FURROW_STEP_OF_LINE(slot, doing, path, waits_for, __LINE__)
#define FURROW_STEP_OF_LINE(slot, doing, path, waits_for, line) FURROW_STEP_NAMED(slot, doing, path, waits_for, line)
#define FURROW_STEP_NAMED(slot, doing, path, waits_for, line)                                                          \
    __attribute__((cleanup(furrow_pulse_leave), unused)) furrow_pulse_step_t furrow_step_##line =                      \
        furrow_pulse_enter(slot, doing, path, waits_for)

#endif
