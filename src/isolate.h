/** \file isolate.h
 * Items in child processes: one that crashes, calls exit or overruns costs itself alone. Parallel layer.
 *
 * furrow_isolation_start() forks a small server before MPI and threads exist. A worker thread holds one furrow_child_t,
 * for which the server forks a process that takes one item after the other; where it dies, the next item gets a fresh
 * one. All functions are local. Different threads may use different children at the same time.
 *
 * Functions that run in a child must be linked in before the fork; what is loaded later, `init` loads in the child.
 * There they find the memory of the moment of furrow_isolation_start(), standard output and error, nothing to read on
 * standard input, /dev/null behind every other descriptor, and signals as after exec, but those ignored by which a user
 * or a scheduler addresses the whole job (SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2): the parent decides. Each child is
 * a process group, which is killed with it.
 */
#ifndef FURROW_ISOLATE_H
#define FURROW_ISOLATE_H

#include <sys/types.h>

#include "status.h"

/** Runs once in every new child, before its first item; `state` is handed to each item. The status and text of a
 * failure become those of furrow_child_open() or furrow_child_call(). */
typedef furrow_status_t furrow_isolated_init_fn(const void *arg, int64_t arg_bytes, void **state, furrow_error_t *err);

/** Runs in a child that is closed; not in one that died. */
typedef void furrow_isolated_finish_fn(void *state);

/** One item. `arg` and `result` are aligned to 64 bytes unless they lie in furrow_child_memory(), valid during the
 * call, of no meaning where they have no bytes; `text` holds "". \return 0, or a failure that `text` may explain */
typedef int furrow_isolated_fn(void *state, int64_t index, const void *arg, int64_t arg_bytes, void *result,
                               int64_t result_bytes, char *text, size_t text_bytes);

typedef struct furrow_child_opts {
    furrow_isolated_init_fn *init; /* NULL: none, the state is NULL */
    const void *init_arg;          /* copied */
    int64_t init_bytes;
    furrow_isolated_finish_fn *finish; /* NULL: none */
    double init_timeout_s;             /* of `init`, and of `finish`; 0: none */
} furrow_child_opts_t;

typedef struct furrow_child_item {
    furrow_isolated_fn *function;
    int64_t index;
    const void *arg; /* shared with the child if it lies in furrow_child_memory(), else copied */
    int64_t arg_bytes;
    void *result; /* likewise; where copied, the function finds zeros, and it is set only if the item is DONE */
    int64_t result_bytes;
    double timeout_s; /* 0: none */
} furrow_child_item_t;

typedef enum furrow_child_end {
    FURROW_CHILD_DONE,
    FURROW_CHILD_FAILED, /**< the function returned `value`, not 0 */
    FURROW_CHILD_EXITED, /**< the process ended with exit code `value` */
    FURROW_CHILD_KILLED, /**< by signal `value` */
    FURROW_CHILD_LATE    /**< it was killed after its timeout */
} furrow_child_end_t;

/** How an item ended, and why in one line: "" for DONE, else what the function said (control characters become '?') or
 * "failed with status 7", "ended with exit code 3", "killed by signal 11 (Segmentation fault)", "over 2 s". */
typedef struct furrow_child_outcome {
    furrow_child_end_t end;
    int value;
    char text[1024];
} furrow_child_outcome_t;

typedef struct furrow_child furrow_child_t;

/** Fork a child and run `init` in it.
 * \return FURROW_OK; what `init` returned; FURROW_EIO: it crashed, ended or overran, the system refused something, or
 *         the server is gone; FURROW_EARG: no furrow_isolation_start(); FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_child_open(const furrow_child_opts_t *opts, furrow_child_t **out,
                                                    furrow_error_t *err);

/** At least so many bytes that caller and child share, aligned to 64: an item whose `arg` or `result` lie in them is
 * not copied. They hold what they held before, or zeros; an earlier pointer ends. They live until the child is closed,
 * whatever items do. \return FURROW_OK, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_child_memory(furrow_child_t *child, int64_t bytes, void **out,
                                                      furrow_error_t *err);

/** Run one item and wait for it. A child that died is replaced first. Arguments and results that are copied go through
 * shared memory that grows to the largest and is kept.
 * \return FURROW_OK, also where the item failed: see `outcome`; else as furrow_child_open(). A failure of `init` is
 *         final: later calls return it again and start nothing. */
FURROW_MUST_CHECK furrow_status_t furrow_child_call(furrow_child_t *child, const furrow_child_item_t *item,
                                                    furrow_child_outcome_t *outcome, furrow_error_t *err);

/** Kill the process now; an item that it works on ends as KILLED by signal 9. From any thread, until the close. */
void furrow_child_kill(furrow_child_t *child);

/** The process; 0 while there is none. From any thread. */
pid_t furrow_child_pid(const furrow_child_t *child);

/** Run `finish`, end the process, free everything, also after a failure. NULL is fine.
 * \return FURROW_OK, FURROW_EIO: `finish` crashed, exited with a code other than 0, or overran */
furrow_status_t furrow_child_close(furrow_child_t *child, furrow_error_t *err);

/** The server's process; 0 if there is none. */
pid_t furrow_isolation_server(void);

#endif
