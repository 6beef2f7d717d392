/* Queues as a serial machine, cancelling, the end of a hub. */
#include "unit/hub_support.h"

/* ------------------------------------------------------------------ queues */

static void test_hub_queue__first_in_first_out(void **state)
{
    static const char *const records[] = {"one", "two", "six"};
    furrow_hub_t *hub = new_hub();
    const int64_t queue = new_queue(hub, 3, 3);

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++) {
            put(hub, i, queue, records[i], -1);
            expect(i, FURROW_OK);
        }
        put(hub, 4, queue, "ten", 0);
        expect_text(4, FURROW_ETIMEDOUT, "queue 1 is full");
        for (int i = 0; i < 3; i++) {
            get(hub, i, queue, 3, -1);
            expect_record(i, records[i]);
        }
        get(hub, 4, queue, 3, 0);
        expect_text(4, FURROW_ETIMEDOUT, "queue 1 is empty");
    }
    furrow_hub_close(hub);
}

/* Full: producers wait, and their records keep their order, behind those that are in it. */
static void test_hub_queue__producers_wait(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t queue = new_queue(hub, 1, 1);

    (void)state;
    put(hub, 1, queue, "a", -1);
    expect(1, FURROW_OK);
    put(hub, 2, queue, "b", -1);
    put(hub, 3, queue, "c", 10);
    put(hub, 4, queue, "d", -1);
    expect_silence();
    get(hub, 9, queue, 1, 0);
    expect_record(9, "a");
    expect(2, FURROW_OK);
    expect_silence();
    furrow_hub_tick(hub, 11);
    expect_text(3, FURROW_ETIMEDOUT, "queue 1 was full for 10 s");
    get(hub, 9, queue, 1, 0);
    expect_record(9, "b");
    expect(4, FURROW_OK);
    get(hub, 9, queue, 1, 0);
    expect_record(9, "d"); /* c was never put */
    get(hub, 9, queue, 1, 0);
    expect(9, FURROW_ETIMEDOUT);
    furrow_hub_close(hub);
}

static void test_hub_queue__consumers_wait(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t queue = new_queue(hub, 5, 1);

    (void)state;
    get(hub, 1, queue, 1, -1);
    get(hub, 2, queue, 1, 10);
    get(hub, 3, queue, 1, -1);
    furrow_hub_tick(hub, 10);
    expect(2, FURROW_ETIMEDOUT);
    put(hub, 4, queue, "a", 0);
    expect(4, FURROW_OK);
    expect_record(1, "a");
    put(hub, 5, queue, "b", 0);
    expect(5, FURROW_OK);
    expect_record(3, "b");
    put(hub, 6, queue, "c", 0);
    expect(6, FURROW_OK);
    expect_silence();
    furrow_hub_close(hub);
}

static void test_hub_queue__close(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t full = new_queue(hub, 2, 1), empty = new_queue(hub, 2, 1);

    (void)state;
    put(hub, 1, full, "a", 0);
    put(hub, 2, full, "b", 0);
    put(hub, 3, full, "c", -1);
    put(hub, 4, full, "d", 100);
    get(hub, 5, empty, 1, -1);
    get(hub, 6, empty, 1, 100);
    expect(1, FURROW_OK);
    expect(2, FURROW_OK);
    expect_silence();

    close_queue(hub, 7, full);
    expect(7, FURROW_OK);
    expect_text(3, FURROW_ECLOSED, "queue 1 was closed");
    expect(4, FURROW_ECLOSED);
    close_queue(hub, 8, empty);
    expect(8, FURROW_OK);
    expect(5, FURROW_ECLOSED);
    expect(6, FURROW_ECLOSED);

    put(hub, 9, full, "e", -1);
    expect_text(9, FURROW_ECLOSED, "queue 1 is closed");
    get(hub, 9, full, 1, -1); /* what is in it can be got */
    expect_record(9, "a");
    get(hub, 9, full, 1, -1);
    expect_record(9, "b");
    get(hub, 9, full, 1, -1);
    expect_text(9, FURROW_ECLOSED, "queue 1 is closed and empty");
    put(hub, 9, full, "f", 0);
    expect(9, FURROW_ECLOSED);
    close_queue(hub, 9, full);
    expect(9, FURROW_OK);
    furrow_hub_close(hub);
}

static void test_hub_queue__sizes(void **state)
{
    static const struct {
        int64_t capacity, item_bytes;
        furrow_status_t status;
    } cases[] = {{0, 8, FURROW_EARG},
                 {-1, 8, FURROW_EARG},
                 {INT64_MIN, 8, FURROW_EARG},
                 {1, -1, FURROW_EARG},
                 {1, INT64_MIN, FURROW_EARG},
                 {1, INT64_MAX, FURROW_EOVERFLOW},
                 {INT64_MAX, 8, FURROW_OK},
                 {INT64_MAX, INT64_MAX - 64, FURROW_OK},
                 {1, 0, FURROW_OK}};
    furrow_hub_t *hub = new_hub();

    (void)state;
    for (int i = 0; i < LENGTH(cases); i++) {
        ask(hub, i,
            (furrow_hub_request_t){
                .verb = FURROW_HUB_QUEUE_OPEN, .value = cases[i].capacity, .item_bytes = cases[i].item_bytes},
            NULL, 0);
        expect(i, cases[i].status);
    }

    const int64_t queue = new_queue(hub, INT64_MAX, 3), tokens = new_queue(hub, 2, 0);
    put(hub, 1, queue, "four", 0);
    expect_text(1, FURROW_EARG, "queue 4 has records of 3 bytes, not 4");
    put(hub, 1, queue, "", 0);
    expect(1, FURROW_EARG);
    get(hub, 1, queue, 2, 0);
    expect_text(1, FURROW_EARG, "queue 4 has records of 3 bytes, not 2");
    put(hub, 1, tokens, "", 0);
    expect(1, FURROW_OK);
    get(hub, 1, tokens, 0, 0);
    expect_record(1, "");
    furrow_hub_close(hub);
}

/* ------------------------------------------------------------------ cancel */

static void test_hub_queue__cancel(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t lock = new_lock(hub), empty = new_queue(hub, 1, 1), full = new_queue(hub, 1, 1);

    (void)state;
    acquire(hub, 1, lock, -1);
    put(hub, 1, full, "a", -1);
    heard_count = 0;
    acquire(hub, 2, lock, -1);
    get(hub, 3, empty, 1, 5);
    put(hub, 4, full, "b", -1);
    furrow_hub_cancel(hub);
    for (int64_t who = 2; who <= 4; who++) expect(who, FURROW_ECANCELED);
    expect_silence();
    assert_true(isinf(furrow_hub_tick(hub, 1e9)));

    for (int i = 0; i < 2; i++) { /* nobody waits any more, nor asks again and again */
        acquire(hub, 2, lock, i - 1);
        expect_text(2, FURROW_ECANCELED, "lock 1: the pool ends");
        get(hub, 3, empty, 1, i - 1);
        expect(3, FURROW_ECANCELED);
        put(hub, 4, full, "b", i - 1);
        expect(4, FURROW_ECANCELED);
    }
    get(hub, 5, full, 1, -1); /* what need not wait goes on */
    expect_record(5, "a");
    release(hub, 1, lock);
    expect(1, FURROW_OK);
    acquire(hub, 2, lock, -1);
    expect(2, FURROW_OK);
    furrow_hub_close(hub);
}

/* --------------------------------------------------------------- end, memory */

/* Full of records and of those who wait: all is freed (the address sanitizer looks), nobody is told. */
static void test_hub_queue__close_says_nothing(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t lock = new_lock(hub), queue = new_queue(hub, 2, 1);

    (void)state;
    acquire(hub, 1, lock, -1);
    put(hub, 1, queue, "a", 0);
    put(hub, 1, queue, "b", 0);
    heard_count = 0;
    acquire(hub, 2, lock, -1);
    put(hub, 3, queue, "c", -1);
    furrow_hub_close(hub);
    expect_silence();
    furrow_hub_close(NULL);
}

#ifdef FURROW_FAULTS
/* The nth allocation fails: the request is answered so, nothing has changed, and the same request then succeeds. */
static void test_hub_queue__out_of_memory(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t lock = new_lock(hub), queue = new_queue(hub, 1, 1);

    (void)state;
    acquire(hub, 1, lock, -1);
    expect(1, FURROW_OK);
    for (int step = 0; step < 5; step++) {
        for (int nth = 1; nth >= 0; nth--) {
            char fault[32];
            (void)snprintf(fault, sizeof fault, "alloc:%d:0", nth);
            (void)furrow_fault_reset();
            (void)setenv("FURROW_FAULT", fault, 1);
            if (step == 0) ask(hub, 2, (furrow_hub_request_t){.verb = FURROW_HUB_COUNTER_OPEN}, NULL, 0);
            if (step == 1) acquire(hub, 2, lock, 7);
            if (step == 2) put(hub, 2, queue, "a", -1);
            if (step == 3) put(hub, 2, queue, "b", -1);
            if (step == 4) get(hub, 2, queue, 1, -1); /* needs none */
            (void)unsetenv("FURROW_FAULT");
            if (nth == 1 && step < 4) expect_text(2, FURROW_ENOMEM, "out of memory for a shared thing");
            if (nth == 0 && (step == 0 || step == 2)) expect(2, FURROW_OK);
            if (step == 4) expect_record(2, nth == 1 ? "a" : "b");
            if (step == 4 && nth == 1) expect(2, FURROW_OK); /* the put of b */
            expect_silence();
        }
    }
    (void)furrow_fault_reset();
    furrow_hub_close(hub);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub_queue__first_in_first_out),
        cmocka_unit_test(test_hub_queue__producers_wait),
        cmocka_unit_test(test_hub_queue__consumers_wait),
        cmocka_unit_test(test_hub_queue__close),
        cmocka_unit_test(test_hub_queue__sizes),
        cmocka_unit_test(test_hub_queue__cancel),
        cmocka_unit_test(test_hub_queue__close_says_nothing),
#ifdef FURROW_FAULTS
        cmocka_unit_test(test_hub_queue__out_of_memory),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
