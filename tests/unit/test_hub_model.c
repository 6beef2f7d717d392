/* The hub against a plain model, side by side through many random requests. The model keeps all that waits in one list,
 * and after each event tries it again from the front. */
#include "unit/hub_support.h"

/* ------------------------------------------------------- the model: a list of what waits, tried from the front */

enum { THINGS = 6, OWNERS = 8, RECORDS = 3, WAITING = 64 };

typedef struct {
    int64_t token, who, verb, thing, value;
    double deadline;
} model_wait_t;

/* Things 0, 1: counters; 2, 3: locks; 4, 5: queues of at most `capacity` records. */
typedef struct {
    int64_t counter[2], holder[2]; /* -1: nobody */
    int64_t record[2][RECORDS], records[2], capacity[2];
    bool closed[2], cancelled;
    model_wait_t waiting[WAITING];
    int count;
    heard_t said[WAITING];
    int said_count;
} model_t;

static void model_says(model_t *m, const model_wait_t *w, furrow_status_t status, int64_t value)
{
    m->said[m->said_count++] = (heard_t){.token = w->token, .owner = item(w->who), .status = status, .value = value};
}

/* True if it is over, one way or another. */
static bool model_tries(model_t *m, const model_wait_t *w)
{
    const int64_t t = w->thing % 2;
    int64_t sum;

    switch (w->verb) {
    case FURROW_HUB_COUNTER_ADD:
        if (__builtin_add_overflow(m->counter[t], w->value, &sum)) return model_says(m, w, FURROW_EOVERFLOW, 0), true;
        m->counter[t] = sum;
        return model_says(m, w, FURROW_OK, sum), true;
    case FURROW_HUB_LOCK_ACQUIRE:
        if (m->holder[t] >= 0) return false;
        m->holder[t] = w->who;
        return model_says(m, w, FURROW_OK, 0), true;
    case FURROW_HUB_LOCK_RELEASE:
        if (m->holder[t] != w->who) return model_says(m, w, FURROW_EARG, 0), true;
        m->holder[t] = -1;
        return model_says(m, w, FURROW_OK, 0), true;
    case FURROW_HUB_QUEUE_PUT:
        if (m->closed[t]) return model_says(m, w, FURROW_ECLOSED, 0), true;
        if (m->records[t] == m->capacity[t]) return false;
        m->record[t][m->records[t]++] = w->value;
        return model_says(m, w, FURROW_OK, 0), true;
    case FURROW_HUB_QUEUE_GET:
        if (m->records[t] == 0) return m->closed[t] ? (model_says(m, w, FURROW_ECLOSED, 0), true) : false;
        model_says(m, w, FURROW_OK, m->record[t][0]);
        m->records[t]--;
        for (int64_t i = 0; i < m->records[t]; i++) m->record[t][i] = m->record[t][i + 1];
        return true;
    default: m->closed[t] = true; return model_says(m, w, FURROW_OK, 0), true;
    }
}

static void model_drops(model_t *m, int i)
{
    memmove(&m->waiting[i], &m->waiting[i + 1], (size_t)(--m->count - i) * sizeof *m->waiting);
}

static void model_settles(model_t *m)
{
    for (int i = 0; i < m->count;)
        if (model_tries(m, &m->waiting[i])) {
            model_drops(m, i);
            i = 0;
        } else {
            i++;
        }
}

static void model_request(model_t *m, const model_wait_t *w, double timeout)
{
    if (w->verb == FURROW_HUB_LOCK_ACQUIRE && m->holder[w->thing % 2] == w->who) {
        model_says(m, w, FURROW_EARG, 0);
        return;
    }
    m->waiting[m->count++] = *w;
    model_settles(m);
    for (int i = 0; i < m->count; i++)
        if (m->waiting[i].token == w->token && (timeout == 0 || m->cancelled)) {
            model_says(m, w, m->cancelled ? FURROW_ECANCELED : FURROW_ETIMEDOUT, 0);
            model_drops(m, i);
            break;
        }
}

static void model_tick(model_t *m, double at)
{
    for (int i = m->count - 1; i >= 0; i--)
        if (m->waiting[i].deadline <= at) {
            model_says(m, &m->waiting[i], FURROW_ETIMEDOUT, 0);
            model_drops(m, i);
        }
}

static void model_ends_item(model_t *m, int64_t who)
{
    for (int i = m->count - 1; i >= 0; i--)
        if (m->waiting[i].who == who) model_drops(m, i);
    for (int t = 0; t < 2; t++)
        if (m->holder[t] == who) m->holder[t] = -1;
    model_settles(m);
}

static void model_cancels(model_t *m)
{
    m->cancelled = true;
    while (m->count > 0) {
        model_says(m, &m->waiting[0], FURROW_ECANCELED, 0);
        model_drops(m, 0);
    }
}

/* --------------------------------------------------------- the two side by side */

static uint64_t dice;

static int64_t roll(int64_t sides)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((dice >> 33) % (uint64_t)sides);
}

static int by_token(const void *a, const void *b)
{
    const int64_t x = ((const heard_t *)a)->token, y = ((const heard_t *)b)->token;

    return x < y ? -1 : x > y;
}

/* What was heard from the hub is what the model said, in whatever order. */
static bool same_answers(model_t *m)
{
    bool same = heard_count == m->said_count;

    qsort(heard, (size_t)heard_count, sizeof *heard, by_token);
    qsort(m->said, (size_t)m->said_count, sizeof *m->said, by_token);
    for (int i = 0; same && i < heard_count; i++) {
        const heard_t *h = &heard[i], *s = &m->said[i];
        int64_t value = h->value;
        if (h->status == FURROW_OK && h->bytes == sizeof value) memcpy(&value, h->payload, sizeof value);
        same = h->token == s->token && h->status == s->status && value == s->value &&
               memcmp(&h->owner, &s->owner, sizeof h->owner) == 0;
    }
    heard_count = m->said_count = 0;
    return same;
}

static void random_request(furrow_hub_t *hub, const int64_t *id, model_t *m, int64_t token)
{
    static const int64_t verbs[3][6] = {{FURROW_HUB_COUNTER_ADD, FURROW_HUB_COUNTER_ADD, FURROW_HUB_COUNTER_ADD,
                                         FURROW_HUB_COUNTER_ADD, FURROW_HUB_COUNTER_ADD, FURROW_HUB_COUNTER_ADD},
                                        {FURROW_HUB_LOCK_ACQUIRE, FURROW_HUB_LOCK_ACQUIRE, FURROW_HUB_LOCK_ACQUIRE,
                                         FURROW_HUB_LOCK_RELEASE, FURROW_HUB_LOCK_RELEASE, FURROW_HUB_LOCK_RELEASE},
                                        {FURROW_HUB_QUEUE_PUT, FURROW_HUB_QUEUE_PUT, FURROW_HUB_QUEUE_PUT,
                                         FURROW_HUB_QUEUE_GET, FURROW_HUB_QUEUE_GET, FURROW_HUB_QUEUE_GET}};
    static const double timeouts[] = {-1, -1, 0, 1, 3, 10};
    const int64_t thing = roll(THINGS),
                  verb = roll(300) == 0 && thing >= 4 ? FURROW_HUB_QUEUE_CLOSE : verbs[thing / 2][roll(6)];
    const double timeout = timeouts[roll(6)];
    const int64_t value = roll(50) == 0 ? INT64_MAX : roll(100) - 50;
    const model_wait_t w = {token, roll(OWNERS), verb, thing, value, timeout < 0 ? INFINITY : now + timeout};
    const furrow_hub_request_t r = {
        .verb = verb, .id = id[thing], .value = value, .item_bytes = sizeof value, .timeout = timeout};
    const furrow_hub_owner_t owner = item(w.who);

    furrow_hub_request(hub, token, &owner, &r, &value, verb == FURROW_HUB_QUEUE_PUT ? sizeof value : 0, now);
    model_request(m, &w, timeout);
}

static void random_event(furrow_hub_t *hub, const int64_t *id, model_t *m, int64_t token)
{
    const int64_t kind = roll(100);

    if (kind < 10) {
        now += (double)roll(4);
        const double next = furrow_hub_tick(hub, now);
        model_tick(m, now);
        for (int i = 0; i < m->count; i++) assert_true(next <= m->waiting[i].deadline);
    } else if (kind < 20 || m->count > WAITING / 2) {
        const int64_t who = roll(OWNERS);
        const furrow_hub_owner_t owner = item(who);
        furrow_hub_item_ended(hub, &owner);
        model_ends_item(m, who);
    } else if (roll(3000) == 0) {
        furrow_hub_cancel(hub);
        model_cancels(m);
    } else {
        random_request(hub, id, m, token);
    }
}

static void test_hub_model__same_as_model(void **state)
{
    int64_t seen[16] = {0};

    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        furrow_hub_t *hub = new_hub();
        model_t m = {.holder = {-1, -1}, .capacity = {1, RECORDS}};
        const int64_t id[THINGS] = {new_counter(hub, 0),
                                    new_counter(hub, 0),
                                    new_lock(hub),
                                    new_lock(hub),
                                    new_queue(hub, m.capacity[0], sizeof(int64_t)),
                                    new_queue(hub, m.capacity[1], sizeof(int64_t))};
        dice = seed;
        now = 0;
        for (int64_t token = 0; token < 1000; token++) {
            random_event(hub, id, &m, token);
            for (int i = 0; i < m.said_count; i++) seen[-m.said[i].status]++;
            if (!same_answers(&m)) fail_msg("seed %" PRIu64 ", event %" PRId64, seed, token);
        }
        furrow_hub_close(hub);
    }
    now = 0;
    assert_true(seen[0] > 50000); /* every outcome was met, often */
    assert_true(seen[-FURROW_ETIMEDOUT] > 5000 && seen[-FURROW_EARG] > 5000);
    assert_true(seen[-FURROW_ECLOSED] > 1000 && seen[-FURROW_ECANCELED] > 1000 && seen[-FURROW_EOVERFLOW] > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hub_model__same_as_model)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
