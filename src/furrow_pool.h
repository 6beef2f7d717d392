/** \file furrow_pool.h
 * A pool: any function over many items, on the threads of all ranks, as Python's multiprocessing.Pool and
 * concurrent.futures have it. Conventions as in furrow.h, and:
 *
 * - furrow_pool_run() is `with Pool() as pool:`. All ranks call it; rank 0 runs the **body**, which gives out work and
 *   takes results; the threads of all ranks run the items. Without MPI it is the same with one rank.
 * - The body runs on a thread of its own, while the main thread of rank 0 serves messages: work goes on while the body
 *   does other things. The body must not call MPI; collective functions of Furrow return FURROW_EARG in it, as they do
 *   in items and callbacks.
 * - Functions that take a furrow_pool_t are for the body (from any of its threads) and for callbacks, except where said
 *   otherwise. Those that wait, in a callback, return FURROW_EARG.
 * - Arguments and results are records of plain bytes: they are copied to where the item runs, and back. Pointers in
 *   them mean nothing on another rank.
 * - Time limits are seconds; negative: wait without limit; 0: do not wait.
 */
#ifndef FURROW_POOL_H
#define FURROW_POOL_H

#include "furrow.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct furrow_pool furrow_pool_t;

/* ------------------------------------------------------------------ items */

/** Who runs an item. */
typedef struct furrow_worker {
    int rank;       /**< in the context of the pool */
    int thread;     /**< 0 <= thread < threads of that rank */
    int64_t pid;    /**< of the process that runs the item: a child where the pool is isolated */
    char host[256]; /**< its name as gethostname() has it */
} furrow_worker_t;

/** What an item's function is given. Valid until it returns. */
typedef struct furrow_task {
    int64_t index;        /**< of the item in its call; 0 for furrow_pool_apply() */
    const void *arg;      /**< its record, aligned as in an array; NULL where the call has none: the index is all */
    int64_t arg_bytes;    /**< of the record */
    void *result;         /**< to be filled; zeroed before. Aligned as in an array; NULL if there is none */
    int64_t result_bytes; /**< as the call asked for */
    void *state;          /**< what this worker's initializer made, or NULL */
    furrow_pool_t *pool;  /**< for the shared things below; NULL where the pool is isolated */
    const furrow_worker_t *worker;
    struct furrow_task_detail *detail; /**< the pool's own */
} furrow_task_t;

/** Work on one item, on any thread of any rank. \return 0, or another number for a failed item: its result is dropped
 * and its failure named; see furrow_task_fail(). */
typedef int furrow_task_fn(const furrow_task_t *task);

/** Say why the item fails; a printf format, cut at 200 bytes. \return `code`, or 1 if that is 0: `return
 * furrow_task_fail(task, 1, "no such %s", name);` */
FURROW_API int furrow_task_fail(const furrow_task_t *task, int code, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/** True once the call was cancelled, the pool terminated, or the item is over its time: a long item may look and end.
 */
FURROW_API bool furrow_task_cancelled(const furrow_task_t *task);

/** Prepare a worker, once, on its thread (or in its child), before its first item. `arg` are the bytes that rank 0
 * gave. \return 0 with `*state`, or another number: the pool ends at once, on all ranks, with `text` (room for 200) */
typedef int furrow_init_fn(const furrow_worker_t *worker, const void *arg, int64_t arg_bytes, void **state, char *text);

/** The end of a worker, once, on its thread, if its initializer succeeded. */
typedef void furrow_fini_fn(const furrow_worker_t *worker, void *state);

/* ------------------------------------------------------------------- pool */

typedef struct furrow_pool_opts {
    furrow_task_fn *const *functions; /**< all functions that will be given out, in the same order on every rank */
    int function_count;
    furrow_init_fn *init;   /**< or NULL */
    furrow_fini_fn *fini;   /**< or NULL */
    const void *init_arg;   /**< used on rank 0, whose bytes reach all workers */
    int64_t init_arg_bytes; /**< likewise */
    int64_t in_flight;   /**< items of calls that are not done, at most: a call waits for room, and one that is larger
                                 until it is alone. Also the most that a stream buffers. 0: any */
    double item_timeout; /**< seconds that one item may take; 0: any. Isolated: the item is killed. Otherwise it is
                                 marked late, furrow_task_cancelled() becomes true for it, and it fails when it ends */
    bool isolate; /**< items run in child processes: needs furrow_isolation_start(); one that crashes, exits or overruns
                       fails alone */
} furrow_pool_opts_t;

/** The program's part, on rank 0. A failure terminates the pool and is what furrow_pool_run() returns on all ranks. */
typedef furrow_status_t furrow_pool_body_fn(furrow_pool_t *pool, void *arg, furrow_error_t *err);

/** Open a pool, run `body` on rank 0, close the pool, wait for what was given out, end the workers. Collective over
 * `ctx`; opts but for init_arg must match on all ranks.
 * \return what the body returned; FURROW_EITEM where an initializer failed (with its text); FURROW_ECANCELED after
 *         furrow_context_cancel(); FURROW_EARG, FURROW_ENOMEM, FURROW_EMPI. After any of them another pool may run. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_pool_run(furrow_context_t *ctx, const furrow_pool_opts_t *opts,
                                                             furrow_pool_body_fn *body, void *arg, furrow_error_t *err);

FURROW_API int64_t furrow_pool_workers(const furrow_pool_t *pool); /**< threads of all ranks */

/** No more calls: they return FURROW_ECLOSED. What was given out goes on. */
FURROW_API void furrow_pool_close(furrow_pool_t *pool);

/** The same, and drop items that did not start: their calls end with FURROW_ECANCELED. Items that run end first
 * (isolated ones are killed). */
FURROW_API void furrow_pool_terminate(furrow_pool_t *pool);

/** Wait until everything that was given out is done. \return FURROW_OK, FURROW_EARG (not closed), FURROW_ETIMEDOUT */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_pool_join(furrow_pool_t *pool, double timeout, furrow_error_t *err);

/* ------------------------------------------------------------------ calls */

/** A function over items. Zero bytes are one item without argument and result. */
typedef struct furrow_call {
    furrow_task_fn *function; /**< one of furrow_pool_opts_t.functions */
    const void *args;         /**< [count] records of arg_bytes, which must stay until the call is done; or NULL */
    int64_t arg_bytes;        /**< of one record: 0 <= arg_bytes */
    int64_t count;            /**< items */
    int64_t result_bytes;     /**< of one result */
    int64_t chunk;            /**< items given to a worker at a time; 0: guided by the time they take. Negative is
                                   FURROW_EARG */
    bool stop;                /**< drop the items that did not start when one fails */
    bool (*next)(void *next_arg, int64_t index,
                 void *record); /**< furrow_pool_imap() only, instead of `args`: fills the
                                   record of the next item, in order; false: there are no more (`count` is then only the
                                   most), also where it failed, of which next_arg may keep note: what it gave before
                                   comes as ever. Called from furrow_pool_imap() and furrow_stream_next(), on their
                                   thread, as far ahead as the buffer allows */
    void *next_arg;
} furrow_call_t;

/** An item that failed. */
typedef struct furrow_failure {
    int64_t index;
    int code;       /**< as the function returned it; -1 for one that was late or killed, or ended its process */
    char text[200]; /**< "over 2 s", "killed by signal 11 (Segmentation fault)", what furrow_task_fail() was told... */
} furrow_failure_t;

/** What has no result in one call, by index: items that failed, and items that did not run because the call was stopped
 * or cancelled, which may be many. To be freed with furrow_failures_free(). */
typedef struct furrow_failures {
    int64_t count;
    furrow_failure_t *list; /**< [count] */
    int64_t dropped_count;
    furrow_range_t *dropped; /**< [dropped_count], ascending */
} furrow_failures_t;

FURROW_API void furrow_failures_free(furrow_failures_t *failures);

/** Pool.map and Pool.starmap: all items, results in order. Waits.
 *
 * \param[out] results   [count] of result_bytes; those of items that failed, or did not run, are zero. May be NULL if
 *                       result_bytes is 0
 * \param[out] failures  every failed item; NULL if only the first is of interest, which `err` names
 * \return FURROW_OK; FURROW_EITEM if items failed (the others are done, unless `stop`); FURROW_EARG, FURROW_ECLOSED,
 *         FURROW_ECANCELED (items were dropped), FURROW_ENOMEM, FURROW_EOVERFLOW (sizes) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_pool_map(furrow_pool_t *pool, const furrow_call_t *call,
                                                             void *results, furrow_failures_t *failures,
                                                             furrow_error_t *err);

/** Pool.apply: one item. Waits. \return as furrow_pool_map() */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_pool_apply(furrow_pool_t *pool, furrow_task_fn *function,
                                                               const void *arg, int64_t arg_bytes, void *result,
                                                               int64_t result_bytes, furrow_error_t *err);

/** Where the results of furrow_map() go. */
typedef enum furrow_where {
    FURROW_TO_ROOT,  /**< `results` of rank 0 */
    FURROW_TO_ALL,   /**< `results` of every rank */
    FURROW_TO_OUTPUT /**< row i of `output` is the result of item i; written by the rank that computed it, or, of
                          blocks that several hosts share, by one of them: see furrow_output_write() */
} furrow_where_t;

/** Pool().map in one line: opens a pool for one call. Collective over `ctx`; `call->args` is used on rank 0 only.
 * `failures` is filled on rank 0.
 * \param[in]  opts    NULL: none but call->function
 * \param[in] output  TO_OUTPUT: shape (count, ...), rows of result_bytes, just created; rows of items that failed, or
 *                     did not run, are zero. Else NULL
 * \return as furrow_pool_run() and furrow_pool_map(), the same on all ranks */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_map(furrow_context_t *ctx, const furrow_pool_opts_t *opts,
                                                        const furrow_call_t *call, furrow_where_t where, void *results,
                                                        furrow_output_t *output, furrow_failures_t *failures,
                                                        furrow_error_t *err);

/* ---------------------------------------------------------------- futures */

typedef struct furrow_future furrow_future_t;

/** Told when a call is done: `results` ([count] of result_bytes, valid until it returns) or, for the error callback,
 * how it failed. Callbacks run on rank 0, on one thread of the pool, one after the other, in the order in which calls
 * were done. As in Python, the future is ready when its callback has returned; furrow_pool_join() waits for them. They
 * may start calls (without regard to in_flight), not wait. */
typedef void furrow_done_fn(void *arg, const void *results, int64_t count);
typedef void furrow_failed_fn(void *arg, furrow_status_t status, const furrow_failures_t *failures);

typedef struct furrow_callbacks {
    furrow_done_fn *done;     /**< or NULL */
    furrow_failed_fn *failed; /**< or NULL */
    void *arg;
} furrow_callbacks_t;

/** Pool.map_async, Pool.starmap_async, Executor.submit. Waits only for room within in_flight.
 * \param[in]  callbacks  or NULL
 * \param[out] out        to be freed with furrow_future_free(); NULL if only the callbacks matter */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_pool_map_async(furrow_pool_t *pool, const furrow_call_t *call,
                                                                   const furrow_callbacks_t *callbacks,
                                                                   furrow_future_t **out, furrow_error_t *err);

/** Pool.apply_async. `arg` is copied. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_pool_apply_async(furrow_pool_t *pool, furrow_task_fn *function,
                                                                     const void *arg, int64_t arg_bytes,
                                                                     int64_t result_bytes,
                                                                     const furrow_callbacks_t *callbacks,
                                                                     furrow_future_t **out, furrow_error_t *err);

FURROW_API bool furrow_future_ready(furrow_future_t *future);

/** Wait until it is ready. \return FURROW_OK (also of a call that failed), FURROW_ETIMEDOUT */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_future_wait(furrow_future_t *future, double timeout);

/** Wait, and take the outcome: `results` and `failures` as furrow_pool_map(). May be called again.
 * \return as furrow_pool_map(), FURROW_ETIMEDOUT */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_future_get(furrow_future_t *future, double timeout, void *results,
                                                               furrow_failures_t *failures, furrow_error_t *err);

/** Drop its items that did not start. \return true if none had started: all of them are dropped, now or before */
FURROW_API bool furrow_future_cancel(furrow_future_t *future);

/** concurrent.futures.as_completed: wait until one of them is ready that is not NULL; in the order in which they were
 * done. `*which` is its index: take it, and set futures[*which] to NULL. One that stands there twice comes twice.
 * \return FURROW_OK, FURROW_ETIMEDOUT, FURROW_EARG (all are NULL) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_futures_next(furrow_future_t *const *futures, int64_t count,
                                                                 double timeout, int64_t *which);

/** The call goes on if it is not done. NULL is fine. */
FURROW_API void furrow_future_free(furrow_future_t *future);

/* ---------------------------------------------------------------- streams */

/** Results as they come. */
typedef struct furrow_stream furrow_stream_t;

/** One item of a stream. */
typedef struct furrow_outcome {
    int64_t index;
    int code;           /**< 0, or why it failed, as furrow_failure_t */
    const char *text;   /**< "" or why */
    const void *result; /**< result_bytes; NULL for a failed item */
} furrow_outcome_t;

/** Pool.imap (ordered) and Pool.imap_unordered.
 * \param[in] buffer  items given out or done and not yet taken, at most: a slow consumer holds the workers back; 0:
 *                    four chunks per worker, or some megabytes where chunks are guided */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_pool_imap(furrow_pool_t *pool, const furrow_call_t *call,
                                                              bool ordered, int64_t buffer, furrow_stream_t **out,
                                                              furrow_error_t *err);

/** The next item. A failed one is an item as any other. Of an ordered stream the last one before what was dropped, if
 * anything was, is the last. One thread at a time.
 * \param[out] outcome  valid until the next call on this stream
 * \return FURROW_OK; FURROW_EEMPTY after the last; FURROW_ETIMEDOUT; FURROW_ECANCELED (all others were dropped) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_stream_next(furrow_stream_t *stream, double timeout,
                                                                furrow_outcome_t *outcome, furrow_error_t *err);

/** Drops the items that did not start. NULL is fine. */
FURROW_API void furrow_stream_free(furrow_stream_t *stream);

/* ----------------------------------------------------------- shared things */

/* They live on rank 0 while the pool runs. The body makes them; a handle is plain data, and goes to items in their
 * arguments. Their functions are for the body (`pool`), for items (`task->pool`, on the thread that the item was given)
 * on every rank, and for callbacks, which may not wait: there a time limit other than 0 is FURROW_EARG. Each is a
 * message to rank 0 and back.
 *
 * Any of them may return FURROW_EARG for a wrong handle, also for one of a former pool, and FURROW_ENOMEM, after which
 * it is not known whether it was done. Once the pool ends (terminated, cancelled, its body failed), whoever waits gets
 * FURROW_ECANCELED, and so does whoever would have to. Items that wait for something that never comes, without limit,
 * keep their pool from ending. */

typedef struct furrow_counter {
    int64_t id;
} furrow_counter_t;
typedef struct furrow_lock {
    int64_t id;
} furrow_lock_t;
typedef struct furrow_queue {
    int64_t id, item_bytes; /**< of a record; not to be changed */
} furrow_queue_t;

/** Value: a number that many change. Atomic: adds of all workers come one after another. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_counter_open(furrow_pool_t *pool, int64_t value,
                                                                 furrow_counter_t *out, furrow_error_t *err);
/** \param[out] value  after the add; may be NULL. An add that would leave int64_t is FURROW_EOVERFLOW and not done */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_counter_add(furrow_pool_t *pool, furrow_counter_t counter,
                                                                int64_t delta, int64_t *value, furrow_error_t *err);

/** Lock: one holder at a time, in the order of asking. Not recursive. A holder is an item, a callback, or the body with
 * all its threads: when it ends, however it ends, its locks are released. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_lock_open(furrow_pool_t *pool, furrow_lock_t *out,
                                                              furrow_error_t *err);
/** \return FURROW_OK, FURROW_ETIMEDOUT, FURROW_EARG (it holds it already), FURROW_ECANCELED (the pool ends) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_lock_acquire(furrow_pool_t *pool, furrow_lock_t lock,
                                                                 double timeout, furrow_error_t *err);
/** \return FURROW_OK, FURROW_EARG (another holds it, or nobody) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_lock_release(furrow_pool_t *pool, furrow_lock_t lock,
                                                                 furrow_error_t *err);

/** Queue: records of item_bytes, first in first out, at most `capacity` (at least 1); many producers and consumers. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_queue_open(furrow_pool_t *pool, int64_t capacity,
                                                               int64_t item_bytes, furrow_queue_t *out,
                                                               furrow_error_t *err);
/** \return FURROW_OK, FURROW_ETIMEDOUT (full all the time), FURROW_ECLOSED, FURROW_ECANCELED */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_queue_put(furrow_pool_t *pool, furrow_queue_t queue,
                                                              const void *record, double timeout, furrow_error_t *err);
/** \return FURROW_OK, FURROW_ETIMEDOUT (empty all the time), FURROW_ECLOSED (and empty), FURROW_ECANCELED */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_queue_get(furrow_pool_t *pool, furrow_queue_t queue, void *record,
                                                              double timeout, furrow_error_t *err);
/** Nothing more is put; what is in it can be got. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_queue_close(furrow_pool_t *pool, furrow_queue_t queue,
                                                                furrow_error_t *err);

/** Array, SharedMemory: one copy per node, which its ranks and threads share without copying. */
typedef struct furrow_node_array furrow_node_array_t;

/** Make one, zeroed. Collective over `ctx`. Not counted in the context's memory cap.
 * \return FURROW_OK, FURROW_EARG (negative), FURROW_EOVERFLOW, FURROW_ENOMEM (also where /dev/shm is too small),
 *         FURROW_EIO (no files can be made there) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_node_array_open(furrow_context_t *ctx, int64_t count,
                                                                    int64_t item_bytes, furrow_node_array_t **out,
                                                                    furrow_error_t *err);

/** The memory, aligned to 64 bytes; at another address on every rank. Items that write the same place need atomics of
 * C11 or a lock; what is written before a pool ends is seen by all ranks of the node after it. Local. */
FURROW_API void *furrow_node_array_data(furrow_node_array_t *array);

/** Local. NULL is fine. */
FURROW_API void furrow_node_array_free(furrow_node_array_t *array);

#ifdef __cplusplus
}
#endif

#endif
