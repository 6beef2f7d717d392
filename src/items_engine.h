/** \file items_engine.h
 * The engine under items and pools: chunks of numbered items, given by rank 0 to the threads of all ranks as they come
 * free. What an item is, which come next and what becomes of them is the client's. Work layer.
 *
 * The main thread of every rank serves messages and sleeps otherwise; T other threads work. On rank 0 they take chunks
 * themselves, and the memory of the client; to other ranks chunks go with what the client packs, large ones that their
 * threads share, and come back with what it packed there. Another rank has at most a part for each of its threads, and
 * a reserve while parts are short.
 *
 * Of what a chunk writes into a file, edges may be for ranks of other hosts (edges.h): they go there, and the report
 * of the chunk waits on the rank that had it until they are written. So it does, on its thread, for writes that go on
 * after the work has returned, while that thread takes the next chunk. A chunk of which rank 0 hears stands in the file
 * whole.
 */
#ifndef FURROW_ITEMS_ENGINE_H
#define FURROW_ITEMS_ENGINE_H

#include "edges.h"
#include "ranges.h"
#include "status.h"
#include "transfer.h"

typedef struct furrow_engine furrow_engine_t;

/** Consecutive items. On another rank several threads may share one: each gets a part of it at a time, which is then a
 * chunk in all respects. */
typedef struct furrow_chunk {
    furrow_range_t range;
    int64_t part;    /* items that one thread gets of it, at least 1 */
    int64_t origin;  /* the first item of what the client packed */
    int64_t group;   /* the client's: what furrow_engine_cancel() stops together; 0 <= group */
    void *cookie;    /* the client's, on rank 0 alone */
    double expected; /* seconds that a part should take; 0: not known */
} furrow_chunk_t;

/** From the start of what is left, parts of so many items for so many threads. `even`: where there are not as many, all
 * get the same. Local. */
furrow_chunk_t furrow_chunk_for(furrow_range_t left, int64_t threads, int64_t part, bool even);

/** How a chunk went. */
typedef struct furrow_done {
    int64_t ran;    /* items from its start; the client may drop the others, or give them again */
    double seconds; /* in which they ran */
    furrow_parcel_t *parcel;
    furrow_edges_t edges; /* to be written before anybody hears of the chunk */
    int64_t mark;         /* of writes that are under way, of which the same holds: for `settled`; 0: none are */
    bool failed;          /* the work returned a status that ends the run; nothing else is known */
} furrow_done_t;

/** Who asked something. */
typedef struct furrow_asker {
    int rank, thread; /* -1: no thread of the engine */
    int64_t ticket;
} furrow_asker_t;

/** Nobody is cancelled with this group: all are. */
enum { FURROW_ALL_GROUPS = -1 };

/** What the engine asks of its client. Any function may be NULL but `work`, and on rank 0 `take` and `is_over`; all of
 * the last section are called on rank 0 alone. A status other than FURROW_OK ends the run. */
typedef struct furrow_engine_client {
    void *arg;
    bool on_root;       /* rank 0 alone works. The same on all ranks */
    const char *noun;   /* what an item is called, "row", in a constant string; NULL: "item" */
    bool told_anywhere; /* `told` may be called on any thread of rank 0, not only on the main one */

    /* On the thread that works, on any rank: before its first chunk; for each; has what it wrote until then, up to the
     * mark, been written (with `wait`, it has on return); after the last, if `begin` succeeded. */
    furrow_status_t (*begin)(void *arg, int thread, furrow_error_t *err);
    furrow_status_t (*work)(void *arg, int thread, const furrow_chunk_t *chunk, const furrow_parcel_t *packed,
                            furrow_done_t *done, furrow_error_t *err);
    furrow_status_t (*settled)(void *arg, int thread, int64_t mark, bool wait, bool *settled, furrow_error_t *err);
    furrow_status_t (*end)(void *arg, int thread, furrow_error_t *err);
    /* Everything is cancelled while the thread works; again and again until it does not, for it may have been between
     * two items. On the main thread, the engine is locked. */
    void (*interrupt)(void *arg, int thread);
    /* Write an edge of a chunk that another rank had. Main thread, on any rank. */
    furrow_status_t (*write_edge)(void *arg, int64_t at, const furrow_parcel_t *data, furrow_error_t *err);

    /* The next chunk, for so many threads (1 on rank 0): a part for each, or fewer; false: there is none now. In
     * `reserve`: only one whose parts are known to be short. On any thread, the engine is locked: it must not be called
     * from here. */
    bool (*take)(void *arg, int64_t threads, bool reserve, furrow_chunk_t *chunk);
    /* What another rank needs. Main thread. */
    furrow_status_t (*pack)(void *arg, const furrow_chunk_t *chunk, furrow_parcel_t **out, furrow_error_t *err);
    /* A chunk is back, or a part of it: each item that was taken, once. */
    furrow_status_t (*told)(void *arg, const furrow_chunk_t *chunk, const furrow_done_t *done, furrow_error_t *err);
    /* Nothing more will come, or be asked. The engine is locked. `stopping`: the run failed, or was cancelled. */
    bool (*is_over)(void *arg, bool stopping);
    /* Main thread: before anything else; once, when the run begins to stop; several times a second, `*next` is then
     * when to call again at the latest; for what furrow_engine_ask() says. */
    furrow_status_t (*started)(void *arg, furrow_error_t *err);
    void (*stopping)(void *arg);
    furrow_status_t (*tick)(void *arg, double *next, furrow_error_t *err);
    void (*asked)(void *arg, const furrow_asker_t *who, const furrow_parcel_t *question);
} furrow_engine_client_t;

/** Collective. To be closed in every case. \return this rank's own status: to be agreed on */
FURROW_MUST_CHECK furrow_status_t furrow_engine_open(furrow_context_t *ctx, const furrow_engine_client_t *client,
                                                     furrow_engine_t **out, furrow_error_t *err);

/** Run until the client says that it is over, and nothing is in flight. Collective. \return this rank's own status: to
 * be agreed on */
FURROW_MUST_CHECK furrow_status_t furrow_engine_run(furrow_engine_t *engine, furrow_error_t *err);

/** Local. NULL is fine. */
void furrow_engine_close(furrow_engine_t *engine);

/** Threads that work, on all ranks. Local. */
int64_t furrow_engine_workers(const furrow_engine_t *engine);

/** How long a thread should work on what it gets at a time: some milliseconds, and more where there are so many ranks
 * and threads that rank 0 could not keep up with their reports. Local. */
double furrow_engine_chunk_seconds(const furrow_engine_t *engine);

/** After the run, on rank 0: it was stopped, by a failure or furrow_context_cancel(). Local. */
bool furrow_engine_was_stopped(const furrow_engine_t *engine);

/* ---------------------- while it runs; from any thread, which must not hold a lock that the client's functions take */

/** On rank 0: there may be so many more items to take. */
void furrow_engine_wake(furrow_engine_t *engine, int64_t items);

/** On rank 0: it may be over. */
void furrow_engine_look(furrow_engine_t *engine);

/** On rank 0: on all ranks, threads that work on the group see furrow_engine_is_cancelled(), and chunks that wait come
 * back. */
void furrow_engine_cancel(furrow_engine_t *engine, int64_t group);

/** On the thread that works: should it end? Also after furrow_context_cancel() on this rank. */
bool furrow_engine_is_cancelled(const furrow_engine_t *engine, int thread);

/** Ask the client on rank 0, and wait for its answer. On any rank, from within `work`, or on rank 0 from another thread
 * that the client knows of (thread -1).
 * \param[in]  question  taken over; NULL needs no memory, and is sure to reach the client
 * \param[out] answer    never NULL on success
 * \return FURROW_OK, FURROW_ENOMEM: the question or the answer was lost */
FURROW_MUST_CHECK furrow_status_t furrow_engine_ask(furrow_engine_t *engine, int thread, furrow_parcel_t *question,
                                                    furrow_parcel_t **answer, furrow_error_t *err);

/** On the main thread of rank 0: the answer to what `who` asked; takes it over. NULL: it is lost. */
void furrow_engine_answer(furrow_engine_t *engine, const furrow_asker_t *who, furrow_parcel_t *answer);

#endif
