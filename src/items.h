/** \file items.h
 * Numbered items of one range, given to the threads of all ranks as they come free. Work layer; rows stand on it, and
 * it on the engine.
 *
 * A chunk takes some milliseconds by what was measured, so that slow items that sit together are spread and cheap ones
 * cost little; one that turns out to be slow is left to others in part. An item that fails is a reject: it is named,
 * and the run goes on.
 */
#ifndef FURROW_ITEMS_H
#define FURROW_ITEMS_H

#include "output.h"
#include "ranges.h"

/** What a worker makes of its chunk. The functions on it are local. */
typedef struct furrow_made furrow_made_t;

/** Item `index` failed; the rest of the chunk goes on. The text is copied. Without memory for it the run fails. */
void furrow_reject(furrow_made_t *made, int64_t index, const char *text);

/** What is to be kept of item `index`: furrow_items_t.keep() on rank 0, of `kept_bytes`. \return FURROW_OK, what keep()
 * returns */
FURROW_MUST_CHECK furrow_status_t furrow_keep(furrow_made_t *made, int64_t index, const void *kept,
                                              furrow_error_t *err);

/** The results of items [first, first + count), to their places in `output`; from the first item of the chunk to the
 * last, in as many pieces as you like. */
FURROW_MUST_CHECK furrow_status_t furrow_put(furrow_made_t *made, int64_t first, int64_t count, const void *results,
                                             furrow_error_t *err);

/** The same from memory that will not be written to again before furrow_put_wait(), which need not be copied; the item
 * should lie where furrow_output_place() says.
 * \param[out] mark  for that call, on this thread */
FURROW_MUST_CHECK furrow_status_t furrow_put_from(furrow_made_t *made, int64_t first, int64_t count,
                                                  const void *results, int64_t *mark, furrow_error_t *err);
FURROW_MUST_CHECK furrow_status_t furrow_put_wait(furrow_made_t *made, int64_t mark, furrow_error_t *err);

/** The items of the chunk from `index` on are not done, and nothing was put, kept or rejected of them: others get
 * them. */
void furrow_leave(furrow_made_t *made, int64_t index);

/** Time to leave what is left, for a worker that began its chunk `seconds` ago and has done something of it: more than
 * the chunk was meant to take, so that nobody waits long for the rest, and what is done is soon on record. Local. */
static inline bool furrow_is_time_to_leave(double seconds)
{
    return seconds > 0.05;
}

/** Work on items [first, first + count). Runs on any thread of any rank, 0 <= thread < threads of the context; must not
 * call MPI. \return FURROW_OK, or a status that ends the whole run (a full disk, not a bad item) */
typedef furrow_status_t furrow_items_work_fn(void *arg, int64_t first, int64_t count, int thread, furrow_made_t *made,
                                             furrow_error_t *err);

/** Told on rank 0, on its main thread, of the rejects of a chunk, then of its items that are done (without the
 * rejects), and several times a second of the time. A failure ends the run. */
typedef struct furrow_items_listener {
    furrow_status_t (*done)(void *arg, int64_t first, int64_t count, furrow_error_t *err);
    furrow_status_t (*rejected)(void *arg, int64_t index, const char *text, furrow_error_t *err);
    furrow_status_t (*tick)(void *arg, furrow_error_t *err);
    void *arg;
} furrow_items_listener_t;

/** For items that only rank 0 sees, and whose results only rank 0 can put away: what travels with a chunk. The threads
 * of rank 0 do `furrow_items_t.work`, those of other ranks `work` of this. */
typedef struct furrow_items_dealt {
    int64_t in_bytes; /* of one item */
    int64_t most;     /* items in a chunk, at least 1. Another rank holds up to 2 for each thread, or tiny ones */
    /* On rank 0, main thread: get items [first, first + count); or, there is no memory for them and the run will
     * fail. */
    furrow_status_t (*fetch)(void *arg, int64_t first, int64_t count, void *in, furrow_error_t *err);
    void (*lose)(void *arg, furrow_status_t status, const furrow_error_t *err); /* may be NULL */
    /* On another rank: from `in` to `kept`, aligned to 64 bytes. */
    furrow_status_t (*work)(void *arg, int64_t first, int64_t count, int thread, const void *in, void *kept,
                            furrow_made_t *made, furrow_error_t *err);
} furrow_items_dealt_t;

typedef struct furrow_items {
    int64_t count;
    int64_t chunk;                     /* items given at a time; 0: guided by the time they take */
    const furrow_ranges_t *skip;       /* on rank 0: items that are done already */
    bool on_root;                      /* rank 0 alone works */
    const furrow_items_dealt_t *dealt; /* NULL: every rank sees items and output, or `on_root` */
    const char *noun;                  /* what an item is called, as in furrow_engine_client_t */
    furrow_items_work_fn *work;
    void *arg;
    furrow_output_t *output; /* of furrow_put(), that all ranks which work may write; else NULL */
    int64_t output_items;    /* elements of it for each item */
    bool direct;             /* this rank has FURROW_STAGE_BYTES for each thread, to write it directly if that suits */
    /* What rank 0 puts away of items [first, first + count), before the listener is told: so many bytes of each, from
     * furrow_keep() on the thread that works, from other ranks, with their chunks, on the main thread. NULL:
     * nothing. */
    int64_t kept_bytes;
    furrow_status_t (*keep)(void *arg, int64_t first, int64_t count, const void *kept, furrow_error_t *err);
    furrow_items_listener_t listener; /* used on rank 0 */
} furrow_items_t;

/** Run all items. Collective; all but `skip` and `listener` must match on all ranks. Returns when no item is left or in
 * flight, on all ranks with one status: FURROW_OK also where items were rejected; FURROW_ECANCELED after
 * furrow_context_cancel() on any rank. */
FURROW_MUST_CHECK furrow_status_t furrow_items_run(furrow_context_t *ctx, const furrow_items_t *items,
                                                   furrow_error_t *err);

#endif
