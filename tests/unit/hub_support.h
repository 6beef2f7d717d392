/* What the tests of the hub share: answers are kept in a list, requests take one line. */
#ifndef FURROW_TESTS_HUB_H
#define FURROW_TESTS_HUB_H

#include "hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof *(a)))

/* ----------------------------------------------------------------- answers */

typedef struct {
    int64_t token;
    furrow_hub_owner_t owner;
    furrow_status_t status;
    int64_t value, bytes;
    char payload[256];
} heard_t;

static heard_t heard[4096];
static int heard_count;

static inline void hear(void *arg, const furrow_hub_answer_t *answer)
{
    assert_ptr_equal(arg, heard);
    assert_true(heard_count < LENGTH(heard));
    heard_t *h = &heard[heard_count++];
    *h = (heard_t){answer->token, answer->owner, answer->status, answer->value, answer->bytes, ""};
    assert_in_range(answer->bytes, 0, sizeof h->payload - 1);
    if (answer->bytes > 0) memcpy(h->payload, answer->payload, (size_t)answer->bytes);
    if (answer->status != FURROW_OK) assert_true(answer->bytes > 0);
}

static inline furrow_hub_t *new_hub(void)
{
    furrow_hub_t *hub;

    heard_count = 0;
    assert_int_equal(furrow_hub_open(hear, heard, &hub, NULL), FURROW_OK);
    return hub;
}

static inline furrow_hub_owner_t item(int64_t serial)
{
    return (furrow_hub_owner_t){.rank = 1, .thread = 2, .serial = serial};
}

/* ---------------------------------------------------------------- requests: token and owner are the same number */

static double now;

static inline void ask(furrow_hub_t *hub, int64_t who, furrow_hub_request_t request, const void *payload, int64_t bytes)
{
    const furrow_hub_owner_t owner = item(who);

    furrow_hub_request(hub, who, &owner, &request, payload, bytes, now);
}

/* The answer that just came, which must be the only one. */
static inline const heard_t *only(void)
{
    assert_int_equal(heard_count, 1);
    heard_count = 0;
    return &heard[0];
}

static inline int64_t id_of_new(furrow_hub_t *hub, furrow_hub_request_t request)
{
    ask(hub, 0, request, NULL, 0);
    const heard_t *h = only();
    assert_int_equal(h->status, FURROW_OK);
    return h->value;
}

static inline int64_t new_counter(furrow_hub_t *hub, int64_t value)
{
    return id_of_new(hub, (furrow_hub_request_t){.verb = FURROW_HUB_COUNTER_OPEN, .value = value});
}

static inline int64_t new_lock(furrow_hub_t *hub)
{
    return id_of_new(hub, (furrow_hub_request_t){.verb = FURROW_HUB_LOCK_OPEN});
}

static inline int64_t new_queue(furrow_hub_t *hub, int64_t capacity, int64_t item_bytes)
{
    return id_of_new(
        hub, (furrow_hub_request_t){.verb = FURROW_HUB_QUEUE_OPEN, .value = capacity, .item_bytes = item_bytes});
}

static inline void add(furrow_hub_t *hub, int64_t who, int64_t id, int64_t delta)
{
    ask(hub, who, (furrow_hub_request_t){.verb = FURROW_HUB_COUNTER_ADD, .id = id, .value = delta}, NULL, 0);
}

static inline void acquire(furrow_hub_t *hub, int64_t who, int64_t id, double timeout)
{
    ask(hub, who, (furrow_hub_request_t){.verb = FURROW_HUB_LOCK_ACQUIRE, .id = id, .timeout = timeout}, NULL, 0);
}

static inline void release(furrow_hub_t *hub, int64_t who, int64_t id)
{
    ask(hub, who, (furrow_hub_request_t){.verb = FURROW_HUB_LOCK_RELEASE, .id = id}, NULL, 0);
}

static inline void put(furrow_hub_t *hub, int64_t who, int64_t id, const char *text, double timeout)
{
    ask(hub, who, (furrow_hub_request_t){.verb = FURROW_HUB_QUEUE_PUT, .id = id, .timeout = timeout}, text,
        (int64_t)strlen(text));
}

static inline void get(furrow_hub_t *hub, int64_t who, int64_t id, int64_t item_bytes, double timeout)
{
    ask(hub, who,
        (furrow_hub_request_t){.verb = FURROW_HUB_QUEUE_GET, .id = id, .item_bytes = item_bytes, .timeout = timeout},
        NULL, 0);
}

static inline void close_queue(furrow_hub_t *hub, int64_t who, int64_t id)
{
    ask(hub, who, (furrow_hub_request_t){.verb = FURROW_HUB_QUEUE_CLOSE, .id = id}, NULL, 0);
}

/* --------------------------------------------------------------- verdicts */

/* One of the answers that came is that for `who`; it is taken off the list. Order among answers is not looked at. */
static inline heard_t take(int64_t who)
{
    for (int i = 0; i < heard_count; i++)
        if (heard[i].token == who) {
            const heard_t h = heard[i];
            memmove(&heard[i], &heard[i + 1], (size_t)(--heard_count - i) * sizeof *heard);
            assert_true(h.owner.rank == 1 && h.owner.thread == 2 && h.owner.serial == who);
            return h;
        }
    fail_msg("no answer for %" PRId64, who);
    return heard[0];
}

static inline void expect(int64_t who, furrow_status_t status)
{
    assert_int_equal(take(who).status, status);
}

static inline void expect_text(int64_t who, furrow_status_t status, const char *text)
{
    const heard_t h = take(who);

    assert_int_equal(h.status, status);
    assert_string_equal(h.payload, text);
}

static inline void expect_number(int64_t who, int64_t value)
{
    const heard_t h = take(who);

    assert_int_equal(h.status, FURROW_OK);
    assert_int_equal(h.value, value);
}

static inline void expect_record(int64_t who, const char *record)
{
    const heard_t h = take(who);

    assert_int_equal(h.status, FURROW_OK);
    assert_int_equal(h.bytes, strlen(record));
    assert_string_equal(h.payload, record);
}

static inline void expect_silence(void)
{
    assert_int_equal(heard_count, 0);
}

#endif
