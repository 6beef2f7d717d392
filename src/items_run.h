/** \file items_run.h
 * One run of items on this rank: what its main thread (items.c) and its working threads (items_threads.c) share. Work
 * layer; for these two only.
 */
#ifndef FURROW_ITEMS_RUN_H
#define FURROW_ITEMS_RUN_H

#include <pthread.h>

#include "items.h"

enum { FURROW_REPORTS = 512 };

/* WANT: this rank has `range.stop` threads. DONE: `range` took `seconds`. REJECT: item `range.start`. DROPPED: a chunk
 * was not finished, the run must end. CANCEL: the same without a chunk. CHUNK: work on `range`. STOP: nothing more will
 * come. */
typedef enum {
    FURROW_MAIL_WANT,
    FURROW_MAIL_DONE,
    FURROW_MAIL_REJECT,
    FURROW_MAIL_DROPPED,
    FURROW_MAIL_CANCEL,
    FURROW_MAIL_CHUNK,
    FURROW_MAIL_STOP
} furrow_mail_kind_t;

typedef struct {
    int64_t kind;
    furrow_range_t range;
    double seconds;
    char text[FURROW_REJECT_TEXT];
} furrow_mail_t;

/* What rank 0 knows of another rank. */
typedef struct {
    int64_t threads; /* 0: it did not ask yet */
    int64_t given;   /* chunks that it has and did not report */
} furrow_peer_t;

typedef struct {
    furrow_context_t *ctx;
    const furrow_items_t *items;
    bool is_root;
    int threads;
    int64_t workers; /* threads of all ranks */

    pthread_mutex_t lock; /* of all from here to the next remark */
    pthread_cond_t work_there, report_there, room_there;
    int64_t next;            /* rank 0: all items below it are given out */
    int64_t last_size;       /* rank 0: of the chunk given last */
    double seconds_per_item; /* rank 0: of late; 0: not known */
    furrow_range_t *queue;   /* other ranks: [2 * threads] chunks that came and were not taken */
    int64_t queued;
    bool closed;           /* threads end when they find nothing */
    int64_t taken;         /* chunks, by threads of this rank */
    furrow_mail_t *report; /* [FURROW_REPORTS] */
    int64_t reports;
    bool urgent;            /* the main thread should look at once */
    furrow_status_t status; /* the first failure on this rank */
    furrow_error_t error;

    furrow_mail_t *batch;     /* [FURROW_REPORTS], and all below: of the main thread alone */
    int64_t returned;         /* chunks of this rank's threads that it heard of */
    int64_t given_away;       /* rank 0: chunks at other ranks */
    furrow_peer_t *peer;      /* rank 0: [ranks] */
    furrow_ranges_t rejected; /* rank 0 */
    bool stopping, dropped;
} furrow_run_t;

typedef struct {
    furrow_run_t *run;
    int thread;
    pthread_t id;
} furrow_worker_t;

/* ---------------------------------------------------------- with the lock held */

/** Rank 0: the first run of items that nobody has; empty if there is none. */
furrow_range_t furrow_run_items_left(const furrow_run_t *run);

/** The next chunk on this rank; empty if there is none now. */
furrow_range_t furrow_run_take_chunk(furrow_run_t *run);

/* --------------------------------------------------------------- without it */

/** The first failure of the run on this rank; later ones are dropped. From any thread. */
void furrow_run_fail(furrow_run_t *run, furrow_status_t status, const furrow_error_t *err);

/** All reports of this rank's threads, in run->batch; how many. Main thread. */
int64_t furrow_run_take_reports(furrow_run_t *run);

/** Sleep until a thread has something to say, at most so many seconds. Main thread. */
void furrow_run_doze(furrow_run_t *run, double longest);

/** Start run->threads threads into `worker`. \return FURROW_OK, FURROW_ENOMEM: those that were started run */
FURROW_MUST_CHECK furrow_status_t furrow_run_start_threads(furrow_run_t *run, furrow_worker_t *worker, int *started,
                                                           furrow_error_t *err);

#endif
