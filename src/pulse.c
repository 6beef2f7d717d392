/* Owns the pulse. A reader may look at the path of a step while its thread leaves it: the reader counts itself in
 * before it loads the path, and the thread takes the path away before it looks at that count, so one of them sees the
 * other. */
#include "pulse.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"

static _Thread_local furrow_pulse_slot_t *mine;

static void set_text(_Atomic(const char *) *place, const char *text)
{
    atomic_store_explicit(place, text, memory_order_relaxed);
}

/* ------------------------------------------------------------------- board */

furrow_status_t furrow_board_open(furrow_board_t *board, int threads, furrow_error_t *err)
{
    void *memory;

    const furrow_status_t status = furrow_alloc((int64_t)threads + 1, sizeof *board->slot, &memory, err);
    if (status != FURROW_OK) return status;
    board->threads = threads;
    board->slot = memory;
    for (int t = 0; t <= threads; t++) atomic_init(&board->slot[t].waits_for, FURROW_WAITS_FOR_NONE);
    return FURROW_OK;
}

void furrow_board_close(furrow_board_t *board)
{
    if (board->slot != NULL && mine >= board->slot && mine <= board->slot + board->threads) mine = NULL;
    free(board->slot);
    board->slot = NULL;
}

int64_t furrow_board_beats(const furrow_board_t *board)
{
    int64_t beats = 0;

    for (int t = 0; t <= board->threads; t++)
        beats += atomic_load_explicit(&board->slot[t].beats, memory_order_relaxed);
    return beats;
}

static void read_path(furrow_pulse_slot_t *slot, char out[FURROW_PULSE_PATH])
{
    atomic_fetch_add(&slot->readers, 1);
    const char *path = atomic_load_explicit(&slot->path, memory_order_relaxed);
    (void)snprintf(out, FURROW_PULSE_PATH, "%s", path == NULL ? "" : path);
    atomic_fetch_sub(&slot->readers, 1);
}

static const char *text_of(_Atomic(const char *) *place, const char *otherwise)
{
    const char *text = atomic_load_explicit(place, memory_order_relaxed);
    return text != NULL ? text : otherwise;
}

static void read_slot(furrow_pulse_slot_t *slot, int thread, double since, furrow_pulse_thread_t *out)
{
    *out = (furrow_pulse_thread_t){.thread = thread,
                                   .noun = text_of(&slot->noun, "item"),
                                   .first = atomic_load_explicit(&slot->first, memory_order_relaxed),
                                   .count = atomic_load_explicit(&slot->count, memory_order_relaxed),
                                   .doing = text_of(&slot->doing, "computing"),
                                   .seconds = furrow_seconds() - since};
    read_path(slot, out->path);
}

/* In its place among those that have been at it longest. */
static void list(furrow_pulse_t *pulse, const furrow_pulse_thread_t *thread)
{
    int at = pulse->busy < FURROW_PULSE_LISTED ? pulse->busy : FURROW_PULSE_LISTED;

    for (; at > 0 && pulse->thread[at - 1].seconds < thread->seconds; at--)
        if (at < FURROW_PULSE_LISTED) pulse->thread[at] = pulse->thread[at - 1];
    if (at < FURROW_PULSE_LISTED) pulse->thread[at] = *thread;
    pulse->busy++;
}

void furrow_board_read(furrow_board_t *board, furrow_pulse_t *out)
{
    furrow_pulse_thread_t thread;

    memset(out, 0, sizeof *out);
    out->waits_for = FURROW_WAITS_FOR_SOME;
    out->beats = furrow_board_beats(board) + atomic_load_explicit(&board->heard, memory_order_relaxed);
    for (int t = 0; t <= board->threads; t++) {
        furrow_pulse_slot_t *slot = &board->slot[t];
        const double since = atomic_load_explicit(&slot->since, memory_order_relaxed);
        const int waits_for = atomic_load_explicit(&slot->waits_for, memory_order_relaxed);
        if (since == 0) continue;
        if (waits_for == FURROW_WAITS_FOR_NONE) {
            read_slot(slot, t < board->threads ? t : -1, since, &thread);
            if (t == board->threads) thread.first = thread.count = 0; /* those of a rank that it waits for */
            list(out, &thread);
        } else if (t == board->threads) {
            out->waits_in = text_of(&slot->doing, "a message");
            out->waits_for = waits_for;
            out->noun = text_of(&slot->noun, "item");
            out->first = atomic_load_explicit(&slot->first, memory_order_relaxed);
            out->count = atomic_load_explicit(&slot->count, memory_order_relaxed);
        }
    }
}

/* ------------------------------------------------------------- this thread */

furrow_pulse_slot_t *furrow_pulse_mine(void)
{
    return mine;
}

furrow_pulse_slot_t *furrow_pulse_use(furrow_pulse_slot_t *slot)
{
    furrow_pulse_slot_t *before = mine;

    mine = slot;
    return before;
}

void furrow_pulse_begin(furrow_pulse_slot_t *slot, const char *noun, int64_t first, int64_t count, double now)
{
    if (slot == NULL) return;
    set_text(&slot->noun, noun);
    furrow_pulse_at(slot, first, count);
    atomic_store_explicit(&slot->since, now, memory_order_relaxed);
}

void furrow_pulse_end(furrow_pulse_slot_t *slot)
{
    if (slot == NULL) return;
    atomic_store_explicit(&slot->since, 0, memory_order_relaxed);
    furrow_pulse_at(slot, 0, 0);
    furrow_pulse_done(slot);
}

furrow_pulse_step_t furrow_pulse_enter(furrow_pulse_slot_t *slot, const char *doing, const char *path, int waits_for)
{
    furrow_pulse_step_t step = {.slot = slot};

    if (slot == NULL) return step;
    step.doing = atomic_load_explicit(&slot->doing, memory_order_relaxed);
    step.path = atomic_load_explicit(&slot->path, memory_order_relaxed);
    step.waits_for = atomic_load_explicit(&slot->waits_for, memory_order_relaxed);
    step.outermost = atomic_load_explicit(&slot->since, memory_order_relaxed) == 0;
    set_text(&slot->doing, doing);
    set_text(&slot->path, path);
    atomic_store_explicit(&slot->waits_for, waits_for, memory_order_relaxed);
    if (step.outermost) atomic_store_explicit(&slot->since, furrow_seconds(), memory_order_relaxed);
    return step;
}

void furrow_pulse_leave(furrow_pulse_step_t *step)
{
    furrow_pulse_slot_t *slot = step->slot;

    if (slot == NULL) return;
    if (step->outermost) {
        atomic_store_explicit(&slot->since, 0, memory_order_relaxed);
        furrow_pulse_done(slot);
    }
    set_text(&slot->doing, step->doing);
    set_text(&slot->path, step->path);
    atomic_store_explicit(&slot->waits_for, step->waits_for, memory_order_relaxed);
    while (atomic_fetch_add(&slot->readers, 0) != 0) (void)sched_yield();
}
