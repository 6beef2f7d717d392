/** \file pool.h
 * Inside of a pool: a client of the item engine whose items come by calls. Work layer; for pool*.c and map.c only.
 *
 * Rank 0 keeps the calls. One that has items to give stands in `pool->active`; each chunk of it that is out is a
 * furrow_given_t, which says where its arguments and results lie. When nothing of it is left or out, the call is done:
 * its callback runs, then it is ready.
 */
#ifndef FURROW_POOL_INSIDE_H
#define FURROW_POOL_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "furrow_pool.h"
#include "items_engine.h"
#include "items_failures.h"
#include "items_guide.h"
#include "ranges.h"

/* A chunk that was given out. */
typedef struct furrow_given {
    furrow_future_t *call;
    furrow_range_t range;
    const char *args; /* of its first item, as are the results */
    char *results;
    int64_t left; /* items that are out */
    /* streams: */
    int64_t ran, taken;
    bool done;
    furrow_packed_t failures;
    struct furrow_given *next, *next_again; /* in the stream's list, in the call's */
    char *own;                              /* memory of args and results */
} furrow_given_t;

typedef struct {
    furrow_given_t *first, **last;
} furrow_given_list_t;

/* One call, from its start until nobody needs it. All but `pool`, `call` and the like is under the lock of the pool. */
struct furrow_future {
    furrow_pool_t *pool; /* NULL: the pool is over */
    int64_t number;      /* of the call, from 0 */
    furrow_call_t call;
    int function; /* index in the options */
    furrow_callbacks_t callbacks;
    furrow_stream_t *stream; /* or NULL */
    char *own_args, *own_results, *results;
    furrow_guide_t guide;
    int64_t next;          /* items below it were given out once */
    int64_t out;           /* items that are out */
    furrow_given_t *again; /* what came back not done, to be given out again */
    bool cancelled;        /* nothing more is given out, on request */
    bool stopped;          /* likewise, because an item failed */
    furrow_packed_t failures;
    furrow_ranges_t dropped;
    furrow_status_t status; /* a failure of the pool's own */
    bool is_active, done, ready;
    int64_t weight; /* items that count against in_flight */
    int64_t order;  /* of calls that became ready */
    int handles;    /* who will need it: the program, the thread that waits */
    furrow_future_t *next_active, *next_callback, *previous, *next_call;
};

struct furrow_stream {
    furrow_future_t *call;
    bool ordered;
    bool gap; /* ordered: items behind what was taken were dropped, nothing more is taken */
    int64_t buffer;
    int64_t held;             /* items given out, or filled in by `next`, and not taken */
    char *records;            /* [buffer] of arguments, by `next`: item i in place i % buffer */
    int64_t filled;           /* items below it were filled in */
    furrow_given_list_t list; /* ordered: all given, unordered: all done, in their order */
    furrow_given_t *current;  /* what the last outcome lies in */
    int64_t failure_at;       /* in it */
};

typedef struct {
    furrow_pool_t *pool;
    furrow_worker_t worker;
    void *state;
    struct furrow_child *child; /* where the pool is isolated */
    atomic_bool interrupted;    /* it was killed */
    int64_t held;               /* locks, by the item or callback that it works on */
} furrow_pool_thread_t;

struct furrow_pool {
    furrow_context_t *ctx;
    furrow_pool_opts_t opts;
    void *init_arg;
    furrow_engine_t *engine;
    furrow_pool_thread_t *thread;
    furrow_output_t *output; /* results go there, or NULL */
    int64_t output_items;    /* elements of a row of it */
    bool is_root;

    /* rank 0: */
    furrow_pool_body_fn *body;
    void *body_arg;
    furrow_error_t *body_error;
    furrow_status_t body_status;
    pthread_t body_id, callback_id;
    bool body_runs, callback_runs;
    struct furrow_hub *hub; /* of the main thread */
    furrow_pool_thread_t callbacks;

    pthread_mutex_t lock; /* of all below. Never held while the engine is called */
    pthread_cond_t changed;
    pthread_cond_t callback_there;
    furrow_future_t *active, **active_end;
    furrow_future_t *callback, **callback_end;
    furrow_future_t *calls; /* all */
    int64_t numbers, orders;
    int64_t open_calls, open_items; /* of calls that are not ready */
    bool closed, terminated, stopped, body_ended, callbacks_end;
};

struct furrow_task_detail {
    furrow_pool_thread_t *thread; /* NULL in a child */
    double started;               /* 0: no limit of time */
    char text[FURROW_REJECT_TEXT];
};

/* ------------------------------------------------------------------ pool.c */

/** On which kind of thread the caller runs: NULL if it is the program's own. */
extern const char furrow_pool_item[], furrow_pool_callback[];
extern _Thread_local const char *furrow_pool_place;

/** May the caller wait, and is it rank 0's? \return FURROW_OK, FURROW_EARG */
FURROW_MUST_CHECK furrow_status_t furrow_pool_may_wait(const furrow_pool_t *pool, furrow_error_t *err);

/** May the caller start calls? \return FURROW_OK, FURROW_EARG */
FURROW_MUST_CHECK furrow_status_t furrow_pool_may_call(const furrow_pool_t *pool, furrow_error_t *err);

/** The moment that is `timeout` from now, for furrow_pool_wait(); negative and NaN: never. */
double furrow_pool_deadline(double timeout);

/** Wait for a change. The lock is held. False: it is past the deadline. */
bool furrow_pool_wait(furrow_pool_t *pool, double deadline);

/** furrow_pool_run(), with results that go into rows of `output`, each of so many elements; NULL: they do not. */
FURROW_MUST_CHECK furrow_status_t furrow_pool_run_into(furrow_context_t *ctx, const furrow_pool_opts_t *opts,
                                                       furrow_output_t *output, int64_t output_items,
                                                       furrow_pool_body_fn *body, void *arg, furrow_error_t *err);

/* ------------------------------------------------------------- pool_call.c */

/** Start a call that was made, after its handles are set. Waits for room. Frees it on failure. */
FURROW_MUST_CHECK furrow_status_t furrow_call_start(furrow_pool_t *pool, furrow_future_t *call, furrow_error_t *err);

/** Check a call and make it, without memory for results. */
FURROW_MUST_CHECK furrow_status_t furrow_call_new(furrow_pool_t *pool, const furrow_call_t *request, bool is_stream,
                                                  furrow_future_t **out, furrow_error_t *err);

/** One handle less: perhaps the last. The lock is held, if there still is a pool. */
void furrow_call_release(furrow_future_t *call);

/** Its callback has returned, or there is none. The lock is held. */
void furrow_call_ready(furrow_future_t *call);

/** Nothing more of it is given out. The lock is held; furrow_engine_cancel() must follow without it. */
void furrow_call_cancel(furrow_future_t *call);

/** If nothing is left or out, it is done. The lock is held. */
void furrow_call_settle(furrow_future_t *call);

/** `next` gives no more: the count is known. The lock is held. */
void furrow_call_is_filled(furrow_future_t *call);

/** Of the engine's client. */
bool furrow_pool_take(void *arg, int64_t threads, bool reserve, furrow_chunk_t *chunk);
furrow_status_t furrow_pool_told(void *arg, const furrow_chunk_t *chunk, const furrow_done_t *done,
                                 furrow_error_t *err);

/* ---------------------------------------------------------- pool_verdict.c */

/** How it went. The call is ready. */
furrow_status_t furrow_call_verdict(const furrow_future_t *call, furrow_failures_t *failures, furrow_error_t *err);

/** The failures, by index. \return FURROW_OK, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_call_failures(const furrow_future_t *call, furrow_failures_t *out,
                                                       furrow_error_t *err);

/* ----------------------------------------------------------- pool_stream.c */

/** Items that can be given out now. The lock is held, as below. */
int64_t furrow_stream_available(const furrow_stream_t *stream);

/** The size of a chunk, at least 1; `*least`: fewer are not given out but at the end. */
int64_t furrow_stream_chunk(const furrow_stream_t *stream, int64_t workers, int64_t *least);

/** Memory for the chunk, and its arguments. \return FURROW_OK, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_stream_give(furrow_stream_t *stream, furrow_given_t *given);

/** The second part of a chunk, of `rest->range`, gets memory of its own, and its place after it. \return FURROW_OK,
 * FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_stream_split(furrow_stream_t *stream, furrow_given_t *given,
                                                      furrow_given_t *rest);

/** The chunk is done. */
void furrow_stream_told(furrow_stream_t *stream, furrow_given_t *given);

/** The call is done with, and so is the stream. */
void furrow_stream_drop(furrow_stream_t *stream);

void furrow_given_free(furrow_given_t *given);

/* ----------------------------------------------------------- pool_worker.c */

/** Of the engine's client. */
furrow_status_t furrow_pool_begin(void *arg, int thread, furrow_error_t *err);
furrow_status_t furrow_pool_end(void *arg, int thread, furrow_error_t *err);
void furrow_pool_interrupt(void *arg, int thread);
furrow_status_t furrow_pool_pack(void *arg, const furrow_chunk_t *chunk, furrow_parcel_t **out, furrow_error_t *err);
furrow_status_t furrow_pool_work(void *arg, int thread, const furrow_chunk_t *chunk, const furrow_parcel_t *packed,
                                 furrow_done_t *done, furrow_error_t *err);

furrow_status_t furrow_pool_write_edge(void *arg, int64_t at, const furrow_parcel_t *data, furrow_error_t *err);

/** In front of what comes back with a chunk: so many bytes of results, then packed failures. Takes a line of cache. */
typedef struct {
    int64_t result_bytes;
} furrow_pool_back_t;

enum { FURROW_POOL_LINE = 64 };

#endif
