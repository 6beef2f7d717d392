/** \file items_run.h
 * Inside of the engine: what the main thread of a rank (items_engine.c, items_queue.c, items_mail.c, items_edges.c)
 * and its working threads (items_threads.c) share. Work layer; for these only.
 */
#ifndef FURROW_ITEMS_RUN_H
#define FURROW_ITEMS_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "items_bell.h"
#include "items_engine.h"
#include "pulse.h"

enum { FURROW_REPORTS = 512 };

/* Between any two ranks. EDGE: bytes chunk.range of the file, to be written; EDGE_WRITTEN, EDGE_LOST: they were, or
 * could not be, and the run must end. To rank 0. WANT: this rank has `thread` threads. DONE: a chunk, or what is left
 * of one. DROPPED: it was not finished, the run must end. STOPPING: the same without a chunk. ASK; ASK_LOST: there was
 * no memory for what it asks. SEVERAL: `ran` of these, in the parcel. From rank 0. CHUNK: work on it. CANCEL:
 * chunk.group. ANSWER. STOP: nothing more will come. */
typedef enum {
    FURROW_MAIL_EDGE,
    FURROW_MAIL_EDGE_WRITTEN,
    FURROW_MAIL_EDGE_LOST,
    FURROW_MAIL_WANT,
    FURROW_MAIL_DONE,
    FURROW_MAIL_DROPPED,
    FURROW_MAIL_STOPPING,
    FURROW_MAIL_ASK,
    FURROW_MAIL_ASK_LOST,
    FURROW_MAIL_SEVERAL,
    FURROW_MAIL_CHUNK,
    FURROW_MAIL_CANCEL,
    FURROW_MAIL_ANSWER,
    FURROW_MAIL_STOP
} furrow_mail_kind_t;

typedef struct {
    int64_t kind;
    furrow_chunk_t chunk;
    int64_t ran;
    double seconds;
    int64_t thread, ticket;
} furrow_mail_t;

/* What is sent, or would be, were it not for the same rank. */
typedef struct {
    furrow_mail_t mail;
    furrow_parcel_t *parcel;
    furrow_edges_t edges;
} furrow_report_t;

/* A report that waits until other ranks have written its edges. */
typedef struct {
    furrow_report_t report;
    int64_t ticket;
    int edges; /* that are not written yet */
} furrow_held_t;

enum { FURROW_RESERVE_MAX = 32 }; /* parts, for each thread of another rank */

/* What rank 0 knows of another rank. */
typedef struct {
    int64_t threads;       /* 0: it did not ask yet */
    int64_t given;         /* parts that it has and did not report */
    int64_t reserve;       /* how many more than one each of its threads may have */
    furrow_range_t latest; /* the items of the chunk that it got last */
} furrow_peer_t;

/* One that waits for an answer. */
typedef struct furrow_question {
    int64_t ticket;
    bool answered;
    furrow_parcel_t *answer;
    pthread_cond_t there;
    struct furrow_question *next;
} furrow_question_t;

enum { FURROW_UNSETTLED = 4 };

/* A report that waits until what the chunk wrote is written; at once where nothing is under way. */
typedef struct {
    furrow_report_t report;
    int64_t mark; /* 0: nothing is */
} furrow_unsettled_t;

typedef struct {
    furrow_engine_t *engine;
    int thread;
    pthread_t id;
    furrow_pulse_slot_t *slot;
    int64_t group;                                  /* of the chunk that it works on */
    atomic_bool cancelled;                          /* that chunk should end */
    furrow_unsettled_t unsettled[FURROW_UNSETTLED]; /* the oldest first */
    int count;                                      /* of them */
} furrow_thread_t;

struct furrow_engine {
    furrow_context_t *ctx;
    furrow_engine_client_t client;
    bool is_root;
    int threads;
    int64_t workers; /* threads of all ranks */
    furrow_thread_t *thread;
    furrow_bells_t *bells;

    pthread_mutex_t lock; /* of all from here to the next remark */
    pthread_cond_t work_there, room_there;
    furrow_report_t *queue; /* other ranks: [room] chunks that came, less the parts that were taken */
    int64_t queued;
    int64_t parts;           /* in the queue */
    int64_t idle;            /* threads that wait for a chunk */
    bool begun;              /* all ranks have their threads */
    bool closed;             /* threads end when they find nothing */
    int64_t taken;           /* chunks, by threads of this rank */
    int64_t returned;        /* chunks of them that the client was told of, or that were sent */
    int64_t waiting;         /* rank 0: chunks of them that wait for their edges */
    furrow_report_t *report; /* [FURROW_REPORTS] */
    int64_t reports;
    bool interrupts;           /* threads that work on something cancelled are interrupted */
    bool urgent;               /* the main thread was rung for, and should look at once */
    bool news;                 /* rank 0: there may be chunks for ranks that got none */
    furrow_ranges_t cancelled; /* rank 0: groups of which the other ranks should hear */
    bool cancelled_all;
    furrow_question_t *asking;
    int64_t tickets;
    furrow_status_t status; /* the first failure on this rank */
    furrow_error_t error;

    furrow_report_t *batch; /* [FURROW_REPORTS], and all below: of the main thread alone */
    uint32_t rings;         /* when it last began to look */
    double reported, due;   /* when reports were last taken; when those that are there should be */
    double last_mail;       /* when one was sent or came, or a thread reported */
    furrow_report_t *going; /* [room] chunks of the queue that go back */
    furrow_held_t *held;    /* [room] */
    int64_t helds;
    int64_t held_tickets;
    int64_t given_away;     /* rank 0: parts at other ranks */
    furrow_peer_t *peer;    /* rank 0: [ranks] */
    furrow_parcel_t *spare; /* rank 0: where several reports have room in any case */
    bool stopping;
    bool no_reserve; /* rank 0: items wait for others, so none may be kept waiting behind one */
};

/** In how many parts threads take a chunk. */
static inline int64_t furrow_parts(const furrow_chunk_t *chunk)
{
    return (chunk->range.stop - chunk->range.start + chunk->part - 1) / chunk->part;
}

/* ---------------------------------------------------------- with the lock held */

/** The main thread should look at once. */
void furrow_engine_call_main(furrow_engine_t *engine);

/** furrow_context_cancel() was called on this rank. With or without the lock. */
bool furrow_engine_context_cancelled(const furrow_engine_t *engine);

/** Threads of this rank that work on the group see it. */
void furrow_engine_mark_cancelled(furrow_engine_t *engine, int64_t group);

/** On another rank than 0: the next part of what is in the queue. False: there is none. */
bool furrow_engine_take_part(furrow_engine_t *engine, furrow_chunk_t *part, furrow_parcel_t **packed);

/* --------------------------------------------------------------- without it */

/** The first failure of the run on this rank; later ones are dropped. From any thread. */
void furrow_engine_fail(furrow_engine_t *engine, furrow_status_t status, const furrow_error_t *err);

/** To begin a turn: all reports of this rank's threads, in engine->batch; how many. On another rank than 0 they are
 * left to gather for a while. Also interrupts what is cancelled. Main thread. */
int64_t furrow_engine_take_reports(furrow_engine_t *engine);

/** Send a mail, and wake who gets it. Main thread. */
void furrow_engine_send(furrow_engine_t *engine, const furrow_mail_t *mail, furrow_parcel_t *parcel, int to);

/** What a main thread does with the queue, on another rank than 0: a chunk came (`lost`: there was no memory for what
 * came with it); a group was cancelled; the run ends, if it does; what cannot be taken soon goes back. */
void furrow_engine_queue_chunk(furrow_engine_t *engine, const furrow_report_t *chunk, bool lost);
void furrow_engine_cancel_here(furrow_engine_t *engine, int64_t group);
void furrow_engine_go_back(furrow_engine_t *engine);
void furrow_engine_return_what_waits(furrow_engine_t *engine);

/** Send reports [0, reports) of engine->batch to rank 0. Main thread. */
void furrow_engine_send_reports(furrow_engine_t *engine, int64_t reports);

/** A mail of several has no more than so many bytes. */
enum { FURROW_SEVERAL_BYTES = 1 << 16 };

/** The report at `*at` of a mail of several, which goes on to the next. Its parcel, if it has one, is `place`, whose
 * data lies there. */
void furrow_engine_unpack_report(char **at, furrow_report_t *report, furrow_parcel_t *place);

/** The answer has come. Main thread. */
void furrow_engine_deliver(furrow_engine_t *engine, int64_t ticket, furrow_parcel_t *answer);

/** Send the edges of a report to those who write them, and keep it until they have. False: it has none. Main thread. */
bool furrow_engine_hold(furrow_engine_t *engine, const furrow_report_t *report);

static inline bool furrow_engine_is_about_edges(const furrow_mail_t *mail)
{
    return mail->kind <= FURROW_MAIL_EDGE_LOST;
}

/** Such a mail has come: write what another rank sent, and say so, or hear that what this rank sent is written. True: a
 * report that was held, `released`, need not wait any more. `lost`: the parcel is. Main thread. */
bool furrow_engine_take_edge(furrow_engine_t *engine, const furrow_report_t *mail, bool lost, int from,
                             furrow_report_t *released);

/** To end a turn: sleep until somebody rings, or has since it began; at most so many seconds. Main thread. */
void furrow_engine_doze(furrow_engine_t *engine, double longest);

/** Start the threads. \return FURROW_OK, FURROW_ENOMEM: `*started` run */
FURROW_MUST_CHECK furrow_status_t furrow_engine_start_threads(furrow_engine_t *engine, int *started,
                                                              furrow_error_t *err);

#endif
