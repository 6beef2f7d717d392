/* Counters and locks as a serial machine: each promise of the header alone. test_hub_model.c has them together. */
#include "unit/hub_support.h"

/* ----------------------------------------------------------------- counters */

static void test_hub__counter_adds(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t a = new_counter(hub, 40), b = new_counter(hub, -7);

    (void)state;
    add(hub, 1, a, 2);
    expect_number(1, 42);
    add(hub, 2, b, -3);
    expect_number(2, -10);
    add(hub, 3, a, 0);
    expect_number(3, 42);
    furrow_hub_close(hub);
}

static void test_hub__counter_stays_in_64_bits(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t most = new_counter(hub, INT64_MAX), least = new_counter(hub, INT64_MIN);

    (void)state;
    add(hub, 1, most, 1);
    expect_text(1, FURROW_EOVERFLOW, "counter 1: 9223372036854775807 + 1 leaves 64 bits");
    add(hub, 1, most, 0);
    expect_number(1, INT64_MAX);
    add(hub, 1, least, -1);
    expect(1, FURROW_EOVERFLOW);
    add(hub, 1, least, INT64_MAX);
    expect_number(1, -1);
    furrow_hub_close(hub);
}

/* -------------------------------------------------------------------- locks */

static void test_hub__lock_in_the_order_of_asking(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t lock = new_lock(hub);

    (void)state;
    acquire(hub, 5, lock, -1);
    expect(5, FURROW_OK);
    for (int64_t who = 9; who > 5; who--) acquire(hub, who, lock, who % 2 == 0 ? -1 : 100);
    expect_silence();
    for (int64_t who = 9; who > 5; who--) {
        release(hub, who == 9 ? 5 : who + 1, lock);
        expect(who == 9 ? 5 : who + 1, FURROW_OK);
        expect(who, FURROW_OK);
        expect_silence();
    }
    release(hub, 6, lock);
    expect(6, FURROW_OK);
    acquire(hub, 5, lock, 0);
    expect(5, FURROW_OK);
    furrow_hub_close(hub);
}

static void test_hub__lock_misuse(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t lock = new_lock(hub);

    (void)state;
    release(hub, 1, lock);
    expect_text(1, FURROW_EARG, "lock 1 is held by nobody");
    acquire(hub, 1, lock, -1);
    expect(1, FURROW_OK);
    acquire(hub, 1, lock, -1); /* would wait for itself */
    expect_text(1, FURROW_EARG, "lock 1 is held by who asks for it");
    release(hub, 2, lock);
    expect_text(2, FURROW_EARG, "lock 1 is held by another");
    acquire(hub, 2, lock, 0);
    expect_text(2, FURROW_ETIMEDOUT, "lock 1 is held");
    release(hub, 1, lock);
    expect(1, FURROW_OK);
    release(hub, 1, lock);
    expect_text(1, FURROW_EARG, "lock 1 is held by nobody");
    furrow_hub_close(hub);
}

/* The three numbers of an owner all count. */
static void test_hub__owners_differ_in_any_number(void **state)
{
    const furrow_hub_owner_t holder = {3, 4, 5}, others[] = {{2, 4, 5}, {3, -1, 5}, {3, 4, 6}};
    furrow_hub_t *hub = new_hub();
    const int64_t id = new_lock(hub);
    const furrow_hub_request_t get_it = {.verb = FURROW_HUB_LOCK_ACQUIRE, .id = id},
                               give_it = {.verb = FURROW_HUB_LOCK_RELEASE, .id = id};

    (void)state;
    furrow_hub_request(hub, 1, &holder, &get_it, NULL, 0, now);
    assert_int_equal(only()->status, FURROW_OK);
    for (int i = 0; i < LENGTH(others); i++) {
        furrow_hub_request(hub, 1, &others[i], &get_it, NULL, 0, now);
        assert_int_equal(only()->status, FURROW_ETIMEDOUT);
        furrow_hub_request(hub, 1, &others[i], &give_it, NULL, 0, now);
        assert_int_equal(only()->status, FURROW_EARG);
        furrow_hub_item_ended(hub, &others[i]);
    }
    furrow_hub_request(hub, 1, &holder, &get_it, NULL, 0, now);
    assert_int_equal(only()->status, FURROW_EARG); /* it holds it still */
    furrow_hub_close(hub);
}

/* An item that ends gives back all that it holds, each to its next, and no more asks for anything. */
static void test_hub__item_ends(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t a = new_lock(hub), b = new_lock(hub), c = new_lock(hub), queue = new_queue(hub, 1, 1);
    const furrow_hub_owner_t first = item(1), second = item(2), nobody = item(77);

    (void)state;
    acquire(hub, 1, a, -1);
    acquire(hub, 1, b, -1);
    acquire(hub, 2, c, -1);
    heard_count = 0;
    acquire(hub, 2, a, -1);
    acquire(hub, 3, a, -1);
    acquire(hub, 3, b, -1);
    acquire(hub, 1, c, -1);
    get(hub, 1, queue, 1, 5);
    expect_silence();
    furrow_hub_item_ended(hub, &nobody);
    expect_silence();

    furrow_hub_item_ended(hub, &first);
    assert_int_equal(heard_count, 2);
    assert_int_equal(heard[0].token, 2); /* a, then b: in the order in which item 1 got them */
    assert_int_equal(heard[1].token, 3);
    expect(2, FURROW_OK);
    expect(3, FURROW_OK);

    release(hub, 2, c); /* nobody waits for it any more */
    expect(2, FURROW_OK);
    acquire(hub, 4, c, 0);
    expect(4, FURROW_OK);
    put(hub, 4, queue, "x", 0); /* nor for a record */
    expect(4, FURROW_OK);
    get(hub, 4, queue, 1, 0);
    expect_record(4, "x");

    furrow_hub_item_ended(hub, &second);
    expect(3, FURROW_OK);
    expect_silence();
    furrow_hub_close(hub);
}

/* -------------------------------------------------------------------- time */

static void test_hub__timeouts(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t lock = new_lock(hub), queue = new_queue(hub, 1, 1);

    (void)state;
    now = 1000;
    assert_true(isinf(furrow_hub_tick(hub, now)));
    acquire(hub, 1, lock, -1);
    expect(1, FURROW_OK);
    acquire(hub, 2, lock, -1);
    acquire(hub, 3, lock, INFINITY);
    assert_true(isinf(furrow_hub_tick(hub, now)));
    acquire(hub, 4, lock, 5);
    acquire(hub, 5, lock, 2);
    get(hub, 6, queue, 1, 3);
    acquire(hub, 7, lock, DBL_MAX);
    assert_true(furrow_hub_tick(hub, 1000) <= 1002);
    furrow_hub_tick(hub, 1001.999);
    expect_silence();

    assert_true(furrow_hub_tick(hub, 1002) <= 1003);
    expect_text(5, FURROW_ETIMEDOUT, "lock 1 was held for 2 s");
    expect_silence();
    assert_true(furrow_hub_tick(hub, 1004) <= 1005);
    expect_text(6, FURROW_ETIMEDOUT, "queue 2 was empty for 3 s");
    furrow_hub_tick(hub, 1e9);
    expect(4, FURROW_ETIMEDOUT);
    expect_silence();
    now = 1e9;
    for (int64_t who = 1; who <= 3; who++) { /* those that wait for ever are still in line */
        release(hub, who, lock);
        expect(who, FURROW_OK);
        expect(who < 3 ? who + 1 : 7, FURROW_OK);
    }
    now = 0;
    furrow_hub_close(hub);
}

/* Who waits is never forgotten: always a deadline that is not later than the first. */
static void test_hub__no_deadline_is_missed(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t lock = new_lock(hub);

    (void)state;
    now = 0;
    acquire(hub, 0, lock, -1);
    expect(0, FURROW_OK);
    for (int64_t who = 1; who <= 50; who++) acquire(hub, who, lock, (double)(who * 37 % 50 + 1));
    for (int64_t t = 1; t <= 50; t++) {
        int64_t due = 1;
        while (due * 37 % 50 + 1 != t) due++;
        const double next = furrow_hub_tick(hub, (double)t - 0.5);
        expect_silence();
        assert_true(next <= (double)t);
        furrow_hub_tick(hub, (double)t);
        expect(due, FURROW_ETIMEDOUT);
        expect_silence();
    }
    assert_true(isinf(furrow_hub_tick(hub, 51)));
    furrow_hub_close(hub);
}

static void test_hub__timeout_must_be_a_number(void **state)
{
    furrow_hub_t *hub = new_hub();
    const int64_t lock = new_lock(hub);

    (void)state;
    acquire(hub, 1, lock, NAN);
    expect(1, FURROW_EARG);
    acquire(hub, 2, lock, 0);
    expect(2, FURROW_OK);
    furrow_hub_close(hub);
}

/* ----------------------------------------------------------------- handles */

static void test_hub__wrong_handles(void **state)
{
    furrow_hub_t *former = new_hub();
    const int64_t old_lock = new_lock(former);
    furrow_hub_close(former);
    furrow_hub_t *hub = new_hub(), *other = NULL;
    const int64_t counter = new_counter(hub, 0), lock = new_lock(hub), queue = new_queue(hub, 1, 1);
    const int64_t wrong[] = {0, 1, -1, INT64_MIN, INT64_MAX, old_lock, -lock, queue + 1, counter - 1};

    (void)state;
    for (int64_t verb = FURROW_HUB_COUNTER_ADD; verb <= FURROW_HUB_QUEUE_CLOSE; verb++) {
        if (verb == FURROW_HUB_LOCK_OPEN || verb == FURROW_HUB_QUEUE_OPEN) continue;
        for (int i = 0; i < LENGTH(wrong); i++) {
            ask(hub, 1, (furrow_hub_request_t){.verb = verb, .id = wrong[i], .item_bytes = 1}, "x", 1);
            expect(1, FURROW_EARG);
        }
    }
    add(hub, 1, lock, 1);
    expect_text(1, FURROW_EARG, "a lock was given where a counter is needed");
    acquire(hub, 1, queue, -1);
    expect(1, FURROW_EARG);
    release(hub, 1, counter);
    expect(1, FURROW_EARG);
    get(hub, 1, lock, 1, -1);
    expect(1, FURROW_EARG);
    put(hub, 1, counter, "x", -1);
    expect(1, FURROW_EARG);
    close_queue(hub, 1, lock);
    expect(1, FURROW_EARG);

    assert_int_equal(furrow_hub_open(hear, heard, &other, NULL), FURROW_OK); /* beside this one */
    (void)new_lock(other);
    acquire(other, 1, lock, 0);
    expect(1, FURROW_EARG);
    furrow_hub_close(other);
    furrow_hub_close(hub);
}

static void test_hub__unknown_verbs(void **state)
{
    static const int64_t verbs[] = {-1, FURROW_HUB_QUEUE_CLOSE + 1, INT64_MAX, INT64_MIN,
                                    INT64_C(1) << 32 /* | FURROW_HUB_COUNTER_OPEN */};
    furrow_hub_t *hub = new_hub();

    (void)state;
    for (int i = 0; i < LENGTH(verbs); i++) {
        ask(hub, 1, (furrow_hub_request_t){.verb = verbs[i]}, NULL, 0);
        expect(1, FURROW_EARG);
    }
    furrow_hub_close(hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub__counter_adds),
        cmocka_unit_test(test_hub__counter_stays_in_64_bits),
        cmocka_unit_test(test_hub__lock_in_the_order_of_asking),
        cmocka_unit_test(test_hub__lock_misuse),
        cmocka_unit_test(test_hub__owners_differ_in_any_number),
        cmocka_unit_test(test_hub__item_ends),
        cmocka_unit_test(test_hub__timeouts),
        cmocka_unit_test(test_hub__no_deadline_is_missed),
        cmocka_unit_test(test_hub__timeout_must_be_a_number),
        cmocka_unit_test(test_hub__wrong_handles),
        cmocka_unit_test(test_hub__unknown_verbs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
