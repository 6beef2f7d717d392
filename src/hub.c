/* Owns shared counters, locks and queues.
 *
 * Invariants: a lock that is free has no waiters; a queue has waiting consumers only if it is empty, and waiting
 * producers only if it is full, so never both. Whoever changes a thing serves its first waiter at once, so a request
 * that need not wait overtakes nobody. */
#include "hub.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "mem.h"

typedef enum { COUNTER, LOCK, QUEUE } kind_t;

static const char *const kind_names[] = {"counter", "lock", "queue"};

typedef struct record {
    STAILQ_ENTRY(record) next;
    int64_t bytes;
    char data[];
} record_t;

/* To whom an answer goes. */
typedef struct {
    int64_t token;
    furrow_hub_owner_t owner;
} asker_t;

/* A request that waits. */
typedef struct parked {
    TAILQ_ENTRY(parked) of_thing, of_hub;
    struct thing *thing;
    asker_t asker;
    double timeout, deadline;
    record_t *record; /* of a put, else NULL */
} parked_t;

typedef struct thing {
    kind_t kind;
    int64_t number;                      /* for people; what the handle holds besides the hub's generation */
    TAILQ_HEAD(waiters, parked) waiting; /* in the order of asking */

    int64_t value; /* counter */

    bool held; /* lock */
    furrow_hub_owner_t holder;
    TAILQ_ENTRY(thing) of_held;

    int64_t capacity, item_bytes, count; /* queue */
    bool closed;
    STAILQ_HEAD(records, record) records;
} thing_t;

struct furrow_hub {
    furrow_hub_answer_fn *answer;
    void *arg;
    int64_t generation;
    thing_t **thing; /* [count] */
    int64_t count, room;
    TAILQ_HEAD(all_parked, parked) parked; /* in the order of asking */
    TAILQ_HEAD(all_held, thing) held;      /* locks, in the order of getting */
    double next_deadline;                  /* no deadline is earlier */
    bool cancelled;
};

/* A request while it is looked at. */
typedef struct {
    furrow_hub_t *hub;
    asker_t asker;
    const furrow_hub_request_t *request;
    const void *payload;
    int64_t bytes;
    double now;
} ask_t;

/* ----------------------------------------------------------------- answers */

static void answer(const furrow_hub_t *hub, const asker_t *to, int64_t value, const record_t *record)
{
    furrow_hub_answer_t a = {.token = to->token, .owner = to->owner, .status = FURROW_OK, .value = value};

    if (record != NULL) a.payload = record->data, a.bytes = record->bytes;
    hub->answer(hub->arg, &a);
}

__attribute__((format(printf, 4, 5))) static void refuse(const furrow_hub_t *hub, const asker_t *to,
                                                         furrow_status_t status, const char *format, ...)
{
    furrow_hub_answer_t a = {.token = to->token, .owner = to->owner, .status = status};
    char text[200];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    a.payload = text;
    a.bytes = (int64_t)strlen(text);
    hub->answer(hub->arg, &a);
}

static void accept(const ask_t *ask, int64_t value)
{
    answer(ask->hub, &ask->asker, value, NULL);
}

#define REFUSE(ask, ...) refuse((ask)->hub, &(ask)->asker, __VA_ARGS__)

static void refuse_for_memory(const ask_t *ask)
{
    REFUSE(ask, FURROW_ENOMEM, "out of memory for a shared thing");
}

static bool same_owner(const furrow_hub_owner_t *a, const furrow_hub_owner_t *b)
{
    return a->rank == b->rank && a->thread == b->thread && a->serial == b->serial;
}

static void *get_memory(int64_t bytes)
{
    void *memory;

    return furrow_alloc_buffer(1, bytes, &memory, NULL) == FURROW_OK ? memory : NULL;
}

/* ----------------------------------------------------------------- waiting */

static const char *why_it_waits(const thing_t *thing)
{
    if (thing->kind == LOCK) return "held";
    return thing->count == 0 ? "empty" : "full";
}

/* Takes `record`, also where the request is refused. */
static void wait_for(const ask_t *ask, thing_t *thing, record_t *record)
{
    furrow_hub_t *hub = ask->hub;
    const double timeout = ask->request->timeout;
    parked_t *p = NULL;

    if (hub->cancelled)
        REFUSE(ask, FURROW_ECANCELED, "%s %" PRId64 ": the pool ends", kind_names[thing->kind], thing->number);
    else if (timeout == 0)
        REFUSE(ask, FURROW_ETIMEDOUT, "%s %" PRId64 " is %s", kind_names[thing->kind], thing->number,
               why_it_waits(thing));
    else if ((p = get_memory(sizeof *p)) == NULL)
        refuse_for_memory(ask);
    if (p == NULL) {
        free(record);
        return;
    }
    *p = (parked_t){.thing = thing, .asker = ask->asker, .timeout = timeout, .record = record};
    p->deadline = timeout < 0 ? INFINITY : ask->now + timeout;
    if (p->deadline < hub->next_deadline) hub->next_deadline = p->deadline;
    TAILQ_INSERT_TAIL(&thing->waiting, p, of_thing);
    TAILQ_INSERT_TAIL(&hub->parked, p, of_hub);
}

static void end_wait(furrow_hub_t *hub, parked_t *p)
{
    TAILQ_REMOVE(&p->thing->waiting, p, of_thing);
    TAILQ_REMOVE(&hub->parked, p, of_hub);
    free(p->record);
    free(p);
}

static void fulfil(furrow_hub_t *hub, parked_t *p, const record_t *record)
{
    answer(hub, &p->asker, 0, record);
    end_wait(hub, p);
}

static void refuse_waiter(furrow_hub_t *hub, parked_t *p, furrow_status_t status, const char *why)
{
    refuse(hub, &p->asker, status, "%s %" PRId64 "%s", kind_names[p->thing->kind], p->thing->number, why);
    end_wait(hub, p);
}

static void expire(furrow_hub_t *hub, parked_t *p)
{
    char why[64];

    (void)snprintf(why, sizeof why, " was %s for %g s", why_it_waits(p->thing), p->timeout);
    refuse_waiter(hub, p, FURROW_ETIMEDOUT, why);
}

double furrow_hub_tick(furrow_hub_t *hub, double now)
{
    if (now < hub->next_deadline) return hub->next_deadline;
    hub->next_deadline = INFINITY;
    for (parked_t *p = TAILQ_FIRST(&hub->parked), *next; p != NULL; p = next) {
        next = TAILQ_NEXT(p, of_hub);
        if (p->deadline <= now)
            expire(hub, p);
        else if (p->deadline < hub->next_deadline)
            hub->next_deadline = p->deadline;
    }
    return hub->next_deadline;
}

void furrow_hub_cancel(furrow_hub_t *hub)
{
    hub->cancelled = true;
    while (!TAILQ_EMPTY(&hub->parked))
        refuse_waiter(hub, TAILQ_FIRST(&hub->parked), FURROW_ECANCELED, ": the pool ends");
}

/* ------------------------------------------------------------------ things */

static _Atomic int64_t generations; /* hubs that this process had: a handle that outlived its own is told by it */

enum { NUMBER_BITS = 32 };
static const int64_t most_things = (INT64_C(1) << NUMBER_BITS) - 1, most_generations = INT64_MAX >> NUMBER_BITS;

/* The thing of that kind with the handle's id. NULL: there is none, which is said. */
static thing_t *find(const ask_t *ask, kind_t kind)
{
    const int64_t id = ask->request->id, number = id & most_things;
    const furrow_hub_t *hub = ask->hub;

    if (id >> NUMBER_BITS != hub->generation || number < 1 || number > hub->count)
        REFUSE(ask, FURROW_EARG, "no %s of this pool has the handle %" PRId64, kind_names[kind], id);
    else if (hub->thing[number - 1]->kind != kind)
        REFUSE(ask, FURROW_EARG, "a %s was given where a %s is needed", kind_names[hub->thing[number - 1]->kind],
               kind_names[kind]);
    else
        return hub->thing[number - 1];
    return NULL;
}

static bool make_room(furrow_hub_t *hub)
{
    const int64_t room = hub->room == 0 ? 16 : 2 * hub->room;

    if (hub->count < hub->room) return true;
    if (hub->count == most_things) return false;
    thing_t **larger = realloc(hub->thing, (size_t)room * sizeof *larger);
    if (larger == NULL) return false;
    hub->thing = larger;
    hub->room = room;
    return true;
}

/* A new thing, which is told to who asked. */
static void add_thing(const ask_t *ask, const thing_t *facts)
{
    furrow_hub_t *hub = ask->hub;
    thing_t *thing = make_room(hub) ? get_memory(sizeof *thing) : NULL;

    if (thing == NULL) {
        refuse_for_memory(ask);
        return;
    }
    *thing = *facts;
    TAILQ_INIT(&thing->waiting);
    STAILQ_INIT(&thing->records);
    hub->thing[hub->count++] = thing;
    thing->number = hub->count;
    accept(ask, hub->generation << NUMBER_BITS | thing->number);
}

static void free_thing(thing_t *thing)
{
    while (!STAILQ_EMPTY(&thing->records)) {
        record_t *record = STAILQ_FIRST(&thing->records);
        STAILQ_REMOVE_HEAD(&thing->records, next);
        free(record);
    }
    free(thing);
}

/* ----------------------------------------------------------------- counter */

static void counter_add(const ask_t *ask)
{
    thing_t *counter = find(ask, COUNTER);
    int64_t sum;

    if (counter == NULL) return;
    if (__builtin_add_overflow(counter->value, ask->request->value, &sum)) {
        REFUSE(ask, FURROW_EOVERFLOW, "counter %" PRId64 ": %" PRId64 " + %" PRId64 " leaves 64 bits", counter->number,
               counter->value, ask->request->value);
    } else {
        counter->value = sum;
        accept(ask, sum);
    }
}

/* -------------------------------------------------------------------- lock */

static void hold(furrow_hub_t *hub, thing_t *lock, const furrow_hub_owner_t *owner)
{
    lock->held = true;
    lock->holder = *owner;
    TAILQ_INSERT_TAIL(&hub->held, lock, of_held);
}

/* Give it to the first who waits. */
static void let_go(furrow_hub_t *hub, thing_t *lock)
{
    parked_t *first = TAILQ_FIRST(&lock->waiting);

    lock->held = false;
    TAILQ_REMOVE(&hub->held, lock, of_held);
    if (first == NULL) return;
    hold(hub, lock, &first->asker.owner);
    fulfil(hub, first, NULL);
}

static void lock_acquire(const ask_t *ask)
{
    thing_t *lock = find(ask, LOCK);

    if (lock == NULL) return;
    if (!lock->held) {
        hold(ask->hub, lock, &ask->asker.owner);
        accept(ask, 0);
    } else if (same_owner(&lock->holder, &ask->asker.owner)) {
        REFUSE(ask, FURROW_EARG, "lock %" PRId64 " is held by who asks for it", lock->number);
    } else {
        wait_for(ask, lock, NULL);
    }
}

static void lock_release(const ask_t *ask)
{
    thing_t *lock = find(ask, LOCK);

    if (lock == NULL) return;
    if (!lock->held || !same_owner(&lock->holder, &ask->asker.owner)) {
        REFUSE(ask, FURROW_EARG, "lock %" PRId64 " is held by %s", lock->number, lock->held ? "another" : "nobody");
    } else {
        accept(ask, 0);
        let_go(ask->hub, lock);
    }
}

void furrow_hub_item_ended(furrow_hub_t *hub, const furrow_hub_owner_t *owner)
{
    for (parked_t *p = TAILQ_FIRST(&hub->parked), *next; p != NULL; p = next) {
        next = TAILQ_NEXT(p, of_hub);
        if (same_owner(&p->asker.owner, owner)) end_wait(hub, p);
    }
    for (thing_t *lock = TAILQ_FIRST(&hub->held), *next; lock != NULL; lock = next) {
        next = TAILQ_NEXT(lock, of_held);
        if (same_owner(&lock->holder, owner)) let_go(hub, lock);
    }
}

/* ------------------------------------------------------------------- queue */

static const int64_t most_item_bytes = INT64_MAX - (int64_t)sizeof(record_t);

static void queue_open(const ask_t *ask)
{
    const int64_t capacity = ask->request->value, item_bytes = ask->request->item_bytes;

    if (capacity < 1 || item_bytes < 0)
        REFUSE(ask, FURROW_EARG, "a queue of %" PRId64 " records of %" PRId64 " bytes", capacity, item_bytes);
    else if (item_bytes > most_item_bytes)
        REFUSE(ask, FURROW_EOVERFLOW, "a queue for records of %" PRId64 " bytes", item_bytes);
    else
        add_thing(ask, &(thing_t){.kind = QUEUE, .capacity = capacity, .item_bytes = item_bytes});
}

/* The queue of a put or get, if the record has the size of its records. */
static thing_t *find_queue(const ask_t *ask, int64_t record_bytes)
{
    thing_t *queue = find(ask, QUEUE);

    if (queue == NULL || queue->item_bytes == record_bytes) return queue;
    REFUSE(ask, FURROW_EARG, "queue %" PRId64 " has records of %" PRId64 " bytes, not %" PRId64, queue->number,
           queue->item_bytes, record_bytes);
    return NULL;
}

static record_t *copy_record(const void *payload, int64_t bytes)
{
    record_t *record = get_memory((int64_t)sizeof *record + bytes);

    if (record == NULL) return NULL;
    record->bytes = bytes;
    if (bytes > 0) memcpy(record->data, payload, (size_t)bytes);
    return record;
}

static void queue_put(const ask_t *ask)
{
    thing_t *queue = find_queue(ask, ask->bytes);
    record_t *record;

    if (queue == NULL) return;
    if (queue->closed) {
        REFUSE(ask, FURROW_ECLOSED, "queue %" PRId64 " is closed", queue->number);
    } else if ((record = copy_record(ask->payload, ask->bytes)) == NULL) {
        refuse_for_memory(ask);
    } else if (queue->count == queue->capacity) {
        wait_for(ask, queue, record);
    } else if (!TAILQ_EMPTY(&queue->waiting)) {
        accept(ask, 0);
        fulfil(ask->hub, TAILQ_FIRST(&queue->waiting), record);
        free(record);
    } else {
        STAILQ_INSERT_TAIL(&queue->records, record, next);
        queue->count++;
        accept(ask, 0);
    }
}

static void queue_get(const ask_t *ask)
{
    thing_t *queue = find_queue(ask, ask->request->item_bytes);

    if (queue == NULL) return;
    record_t *record = STAILQ_FIRST(&queue->records);
    if (record == NULL && queue->closed) {
        REFUSE(ask, FURROW_ECLOSED, "queue %" PRId64 " is closed and empty", queue->number);
    } else if (record == NULL) {
        wait_for(ask, queue, NULL);
    } else {
        parked_t *producer = TAILQ_FIRST(&queue->waiting);
        STAILQ_REMOVE_HEAD(&queue->records, next);
        answer(ask->hub, &ask->asker, 0, record);
        free(record);
        if (producer == NULL) {
            queue->count--;
        } else {
            STAILQ_INSERT_TAIL(&queue->records, producer->record, next);
            producer->record = NULL;
            fulfil(ask->hub, producer, NULL);
        }
    }
}

static void queue_close(const ask_t *ask)
{
    thing_t *queue = find(ask, QUEUE);

    if (queue == NULL) return;
    queue->closed = true;
    accept(ask, 0);
    while (!TAILQ_EMPTY(&queue->waiting))
        refuse_waiter(ask->hub, TAILQ_FIRST(&queue->waiting), FURROW_ECLOSED, " was closed");
}

/* --------------------------------------------------------------------- hub */

void furrow_hub_request(furrow_hub_t *hub, int64_t token, const furrow_hub_owner_t *owner,
                        const furrow_hub_request_t *request, const void *payload, int64_t bytes, double now)
{
    const ask_t ask = {hub, {token, *owner}, request, payload, bytes, now};

    if (isnan(request->timeout)) {
        REFUSE(&ask, FURROW_EARG, "a timeout that is not a number");
        return;
    }
    switch (request->verb) {
    case FURROW_HUB_COUNTER_OPEN: add_thing(&ask, &(thing_t){.kind = COUNTER, .value = request->value}); break;
    case FURROW_HUB_COUNTER_ADD: counter_add(&ask); break;
    case FURROW_HUB_LOCK_OPEN: add_thing(&ask, &(thing_t){.kind = LOCK}); break;
    case FURROW_HUB_LOCK_ACQUIRE: lock_acquire(&ask); break;
    case FURROW_HUB_LOCK_RELEASE: lock_release(&ask); break;
    case FURROW_HUB_QUEUE_OPEN: queue_open(&ask); break;
    case FURROW_HUB_QUEUE_PUT: queue_put(&ask); break;
    case FURROW_HUB_QUEUE_GET: queue_get(&ask); break;
    case FURROW_HUB_QUEUE_CLOSE: queue_close(&ask); break;
    default: REFUSE(&ask, FURROW_EARG, "no request of a shared thing has the number %" PRId64, request->verb);
    }
}

furrow_status_t furrow_hub_open(furrow_hub_answer_fn *answer_fn, void *arg, furrow_hub_t **out, furrow_error_t *err)
{
    void *memory;
    const furrow_status_t status = furrow_alloc(1, sizeof(furrow_hub_t), &memory, err);

    *out = NULL;
    if (status != FURROW_OK) return status;
    *out = memory;
    (*out)->answer = answer_fn;
    (*out)->arg = arg;
    (*out)->generation = ++generations & most_generations;
    (*out)->next_deadline = INFINITY;
    TAILQ_INIT(&(*out)->parked);
    TAILQ_INIT(&(*out)->held);
    return FURROW_OK;
}

void furrow_hub_close(furrow_hub_t *hub)
{
    if (hub == NULL) return;
    while (!TAILQ_EMPTY(&hub->parked)) end_wait(hub, TAILQ_FIRST(&hub->parked));
    for (int64_t i = 0; i < hub->count; i++) free_thing(hub->thing[i]);
    free(hub->thing);
    free(hub);
}
