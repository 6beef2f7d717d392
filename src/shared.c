/* Owns the way of questions about shared things to rank 0, and of answers back. */
#include "shared.h"

#include <string.h>

#include "clock.h"
#include "hub.h"

_Thread_local furrow_pool_thread_t *furrow_shared_self;

/* In front of the record of a put. */
typedef struct {
    int64_t serial;
    furrow_hub_request_t request;
} question_t;

/* In front of the record of a get, or of a line of text. */
typedef struct {
    int64_t status, value;
} answer_t;

/* In place of a serial number: the body and callbacks have the same thread, none. Items of one thread need no numbers,
 * as each has released what it held before the next one starts. */
enum { BODY = -1, ITEM_OR_CALLBACK = 0 };

/* ----------------------------------------------------- rank 0, main thread */

static void send_answer(void *arg, const furrow_hub_answer_t *a)
{
    furrow_pool_t *pool = arg;
    const furrow_asker_t who = {(int)a->owner.rank, (int)a->owner.thread, a->token};
    const answer_t head = {a->status, a->value};
    furrow_parcel_t *parcel = NULL;

    if (furrow_parcel_new((int64_t)sizeof head + a->bytes, &parcel, NULL) == FURROW_OK) {
        memcpy(parcel->data, &head, sizeof head);
        if (a->bytes > 0) memcpy(parcel->data + sizeof head, a->payload, (size_t)a->bytes);
    }
    furrow_engine_answer(pool->engine, &who, parcel);
}

void furrow_shared_asked(void *arg, const furrow_asker_t *who, const furrow_parcel_t *question)
{
    furrow_pool_t *pool = arg;
    question_t q;

    if (question == NULL) {
        furrow_hub_item_ended(pool->hub, &(furrow_hub_owner_t){who->rank, who->thread, ITEM_OR_CALLBACK});
        furrow_engine_answer(pool->engine, who, NULL);
        return;
    }
    memcpy(&q, question->data, sizeof q);
    const furrow_hub_owner_t owner = {who->rank, who->thread, q.serial};
    furrow_hub_request(pool->hub, who->ticket, &owner, &q.request, question->data + sizeof q,
                       question->bytes - (int64_t)sizeof q, furrow_seconds());
}

/* Also where the pool learns that others end it: those that wait must not wait for ever. */
furrow_status_t furrow_shared_tick(void *arg, double *next, furrow_error_t *err)
{
    static const furrow_hub_owner_t body = {0, -1, BODY};
    furrow_pool_t *pool = arg;

    (void)err;
    pthread_mutex_lock(&pool->lock);
    const bool terminated = pool->terminated, body_ended = pool->body_ended;
    pthread_mutex_unlock(&pool->lock);
    if (terminated) furrow_hub_cancel(pool->hub);
    if (body_ended) furrow_hub_item_ended(pool->hub, &body);
    *next = furrow_hub_tick(pool->hub, furrow_seconds());
    return FURROW_OK;
}

furrow_status_t furrow_shared_open(furrow_pool_t *pool, furrow_error_t *err)
{
    return pool->is_root ? furrow_hub_open(send_answer, pool, &pool->hub, err) : FURROW_OK;
}

void furrow_shared_close(furrow_pool_t *pool)
{
    furrow_hub_close(pool->hub);
}

/* --------------------------------------------------------- any rank, who asks */

/* To ask nothing says that an item ended: it needs no memory, and no answer. */
void furrow_shared_end_item(furrow_pool_thread_t *thread)
{
    furrow_parcel_t *answer = NULL;

    if (thread->held == 0) return;
    thread->held = 0;
    if (furrow_engine_ask(thread->pool->engine, thread->worker.thread, NULL, &answer, NULL) == FURROW_OK)
        furrow_parcel_free(answer);
}

static furrow_status_t may_ask(const furrow_pool_t *pool, const furrow_pool_thread_t *self, double timeout,
                               furrow_error_t *err)
{
    if (pool == NULL) return furrow_fail(err, FURROW_EARG, "an isolated item has no shared things");
    if (self == NULL && !pool->is_root)
        return furrow_fail(err, FURROW_EARG, "only the own thread of an item has shared things");
    if (self != NULL && self->worker.thread < 0 && timeout != 0)
        return furrow_fail(err, FURROW_EARG, "a callback may not wait");
    return FURROW_OK;
}

/* `value` and `record` may be NULL; the record is copied if it has the size that the request names. */
static furrow_status_t read_answer(const furrow_parcel_t *answer, const furrow_hub_request_t *request, int64_t *value,
                                   void *record, furrow_error_t *err)
{
    const char *rest = answer->data + sizeof(answer_t);
    const int64_t bytes = answer->bytes - (int64_t)sizeof(answer_t);
    answer_t head;

    memcpy(&head, answer->data, sizeof head);
    if (head.status != FURROW_OK) return furrow_fail(err, (furrow_status_t)head.status, "%.*s", (int)bytes, rest);
    if (value != NULL) *value = head.value;
    if (record != NULL && bytes > 0 && bytes == request->item_bytes) memcpy(record, rest, (size_t)bytes);
    return FURROW_OK;
}

static furrow_status_t make_question(int64_t serial, const furrow_hub_request_t *request, const void *payload,
                                     int64_t bytes, furrow_parcel_t **out, furrow_error_t *err)
{
    const question_t q = {serial, *request};

    if (bytes < 0 || bytes > INT64_MAX - (int64_t)sizeof q)
        return furrow_fail(err, FURROW_EARG, "a record of %lld bytes", (long long)bytes);
    const furrow_status_t status = furrow_parcel_new((int64_t)sizeof q + bytes, out, err);
    if (status != FURROW_OK) return status;
    memcpy((*out)->data, &q, sizeof q);
    if (bytes > 0) memcpy((*out)->data + sizeof q, payload, (size_t)bytes);
    return FURROW_OK;
}

/* The request, with the record of a put, and what comes back. */
static furrow_status_t ask(furrow_pool_t *pool, furrow_hub_request_t request, const void *payload, int64_t bytes,
                           int64_t *value, void *record, furrow_error_t *err)
{
    furrow_pool_thread_t *self = furrow_shared_self;
    const int thread = self == NULL ? -1 : self->worker.thread;
    furrow_parcel_t *question = NULL, *answer = NULL;

    furrow_error_clear(err);
    furrow_status_t status = may_ask(pool, self, request.timeout, err);
    if (status == FURROW_OK)
        status = make_question(self == NULL ? BODY : ITEM_OR_CALLBACK, &request, payload, bytes, &question, err);
    if (status == FURROW_OK) status = furrow_engine_ask(pool->engine, thread, question, &answer, err);
    if (status != FURROW_OK) return status;
    status = read_answer(answer, &request, value, record, err);
    furrow_parcel_free(answer);
    return status;
}

furrow_status_t furrow_counter_open(furrow_pool_t *pool, int64_t value, furrow_counter_t *out, furrow_error_t *err)
{
    *out = (furrow_counter_t){0};
    return ask(pool, (furrow_hub_request_t){.verb = FURROW_HUB_COUNTER_OPEN, .value = value}, NULL, 0, &out->id, NULL,
               err);
}

furrow_status_t furrow_counter_add(furrow_pool_t *pool, furrow_counter_t counter, int64_t delta, int64_t *value,
                                   furrow_error_t *err)
{
    return ask(pool, (furrow_hub_request_t){.verb = FURROW_HUB_COUNTER_ADD, .id = counter.id, .value = delta}, NULL, 0,
               value, NULL, err);
}

furrow_status_t furrow_lock_open(furrow_pool_t *pool, furrow_lock_t *out, furrow_error_t *err)
{
    *out = (furrow_lock_t){0};
    return ask(pool, (furrow_hub_request_t){.verb = FURROW_HUB_LOCK_OPEN}, NULL, 0, &out->id, NULL, err);
}

/* Out of memory may mean that the answer was lost: it counts as held. */
furrow_status_t furrow_lock_acquire(furrow_pool_t *pool, furrow_lock_t lock, double timeout, furrow_error_t *err)
{
    const furrow_hub_request_t request = {.verb = FURROW_HUB_LOCK_ACQUIRE, .id = lock.id, .timeout = timeout};
    const furrow_status_t status = ask(pool, request, NULL, 0, NULL, NULL, err);

    if (furrow_shared_self != NULL && (status == FURROW_OK || status == FURROW_ENOMEM)) furrow_shared_self->held++;
    return status;
}

furrow_status_t furrow_lock_release(furrow_pool_t *pool, furrow_lock_t lock, furrow_error_t *err)
{
    const furrow_hub_request_t request = {.verb = FURROW_HUB_LOCK_RELEASE, .id = lock.id};
    const furrow_status_t status = ask(pool, request, NULL, 0, NULL, NULL, err);

    if (status == FURROW_OK && furrow_shared_self != NULL) furrow_shared_self->held--;
    return status;
}

furrow_status_t furrow_queue_open(furrow_pool_t *pool, int64_t capacity, int64_t item_bytes, furrow_queue_t *out,
                                  furrow_error_t *err)
{
    *out = (furrow_queue_t){0};
    const furrow_status_t status =
        ask(pool, (furrow_hub_request_t){.verb = FURROW_HUB_QUEUE_OPEN, .value = capacity, .item_bytes = item_bytes},
            NULL, 0, &out->id, NULL, err);
    if (status == FURROW_OK) out->item_bytes = item_bytes;
    return status;
}

furrow_status_t furrow_queue_put(furrow_pool_t *pool, furrow_queue_t queue, const void *record, double timeout,
                                 furrow_error_t *err)
{
    return ask(pool, (furrow_hub_request_t){.verb = FURROW_HUB_QUEUE_PUT, .id = queue.id, .timeout = timeout}, record,
               queue.item_bytes, NULL, NULL, err);
}

furrow_status_t furrow_queue_get(furrow_pool_t *pool, furrow_queue_t queue, void *record, double timeout,
                                 furrow_error_t *err)
{
    const furrow_hub_request_t request = {
        .verb = FURROW_HUB_QUEUE_GET, .id = queue.id, .item_bytes = queue.item_bytes, .timeout = timeout};

    return ask(pool, request, NULL, 0, NULL, record, err);
}

furrow_status_t furrow_queue_close(furrow_pool_t *pool, furrow_queue_t queue, furrow_error_t *err)
{
    return ask(pool, (furrow_hub_request_t){.verb = FURROW_HUB_QUEUE_CLOSE, .id = queue.id}, NULL, 0, NULL, NULL, err);
}
