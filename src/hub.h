/** \file hub.h
 * The state of shared counters, locks and queues: a serial state machine, which one thread of rank 0 drives. Requests
 * come in, each is answered at once or waits; there are no threads, messages or clocks in here, so that the same
 * requests at the same times give the same answers. Work layer.
 */
#ifndef FURROW_HUB_H
#define FURROW_HUB_H

#include "status.h"

typedef struct furrow_hub furrow_hub_t;

/** Who asks: an item, or the body of the pool; `serial` tells the items of one thread apart. Equal if all three are. */
typedef struct furrow_hub_owner {
    int64_t rank, thread, serial;
} furrow_hub_owner_t;

/** What can be asked. Requests carry the fields in parentheses, answers the value behind the arrow; an opening gives
 * the id of the new thing. */
typedef enum furrow_hub_verb {
    FURROW_HUB_COUNTER_OPEN, /* (value) -> id */
    FURROW_HUB_COUNTER_ADD,  /* (id, value) -> value after it */
    FURROW_HUB_LOCK_OPEN,    /* () -> id */
    FURROW_HUB_LOCK_ACQUIRE, /* (id, timeout) */
    FURROW_HUB_LOCK_RELEASE, /* (id) */
    FURROW_HUB_QUEUE_OPEN,   /* (value: capacity, item_bytes) -> id */
    FURROW_HUB_QUEUE_PUT,    /* (id, timeout, payload: the record) */
    FURROW_HUB_QUEUE_GET,    /* (id, item_bytes, timeout) -> payload: the record */
    FURROW_HUB_QUEUE_CLOSE   /* (id) */
} furrow_hub_verb_t;

/** Plain data, to be sent as it is. */
typedef struct furrow_hub_request {
    int64_t verb;
    int64_t id;
    int64_t value;
    int64_t item_bytes;
    double timeout; /* seconds; negative: wait for ever, 0: do not wait */
} furrow_hub_request_t;

/** The answer to one request. Each request has exactly one, unless its owner ended before. */
typedef struct furrow_hub_answer {
    int64_t token; /* of the request */
    furrow_hub_owner_t owner;
    furrow_status_t status;
    int64_t value;
    const void *payload; /* success: the record, if one was asked for; failure: one line of text, without a zero */
    int64_t bytes;
} furrow_hub_answer_t;

/** Takes an answer; the payload is valid until it returns. Must not call the hub. */
typedef void furrow_hub_answer_fn(void *arg, const furrow_hub_answer_t *answer);

/** An empty hub. Handles of other hubs, open or not, are wrong for it. Local. \return FURROW_OK, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_hub_open(furrow_hub_answer_fn *answer, void *arg, furrow_hub_t **out,
                                                  furrow_error_t *err);

/** Requests that wait are dropped without an answer. Local. NULL is fine. */
void furrow_hub_close(furrow_hub_t *hub);

/** Answer a request, or let it wait, and answer those that it sets free. Requests that wait for the same thing are
 * served in the order of asking. Local.
 *
 * \param[in] token    the caller's own, for the answer
 * \param[in] payload  [bytes] the record of a put, else NULL; copied
 * \param[in] now      seconds, as furrow_seconds(), never less than before
 *
 * Answers: FURROW_OK; FURROW_EARG (unknown verb, wrong handle or size, not a number; a lock that the owner holds
 * already, or does not hold); FURROW_EOVERFLOW (the counter would leave int64_t: not changed); FURROW_ETIMEDOUT;
 * FURROW_ECLOSED; FURROW_ECANCELED; FURROW_ENOMEM (nothing was changed) */
void furrow_hub_request(furrow_hub_t *hub, int64_t token, const furrow_hub_owner_t *owner,
                        const furrow_hub_request_t *request, const void *payload, int64_t bytes, double now);

/** Answer with FURROW_ETIMEDOUT what has waited until its time. Local. Cheap: to be called in every turn of a loop.
 * \return when to call again, at the latest, unless requests come before; INFINITY if nothing waits for a time */
double furrow_hub_tick(furrow_hub_t *hub, double now);

/** An item ended, however it did: its requests are dropped without an answer, its locks released, in the order in which
 * it got them, to those who wait. Local. Cheap where nobody holds or waits. */
void furrow_hub_item_ended(furrow_hub_t *hub, const furrow_hub_owner_t *owner);

/** Answer all that wait with FURROW_ECANCELED; from now on so is every request that would have to wait, even one with
 * a timeout of 0, so that who asks again and again ends as well. Others go on. Local. */
void furrow_hub_cancel(furrow_hub_t *hub);

#endif
