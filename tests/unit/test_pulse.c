/* The pulse: beats, who is at what, for how long, and that it may be read at any time. */
#include "pulse.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"

enum { THREADS = 12 };

static furrow_board_t open_board(int threads)
{
    furrow_board_t board = {0};

    assert_int_equal(furrow_board_open(&board, threads, NULL), FURROW_OK);
    return board;
}

static void test_a_thread_without_a_slot_says_nothing(void **state)
{
    (void)state;
    assert_null(furrow_pulse_mine());
    furrow_pulse_begin(NULL, "row", 0, 1, 1.0);
    furrow_pulse_at(NULL, 0, 1);
    furrow_pulse_done(NULL);
    furrow_pulse_end(NULL);
    FURROW_DOING("reading", "a.npy");
}

static void test_idle(void **state)
{
    furrow_board_t board = open_board(2);
    furrow_pulse_t pulse;

    (void)state;
    furrow_board_read(&board, &pulse);
    assert_int_equal(pulse.beats, 0);
    assert_int_equal(pulse.busy, 0);
    assert_null(pulse.waits_in);
    furrow_board_close(&board);
}

static void test_items_and_steps(void **state)
{
    furrow_board_t board = open_board(2);
    furrow_pulse_slot_t *slot = &board.slot[1];
    furrow_pulse_t pulse;

    (void)state;
    assert_null(furrow_pulse_use(slot));
    furrow_pulse_begin(slot, "row", 10, 5, furrow_seconds() - 7);
    furrow_board_read(&board, &pulse);
    assert_int_equal(pulse.busy, 1);
    assert_int_equal(pulse.thread[0].thread, 1);
    assert_string_equal(pulse.thread[0].noun, "row");
    assert_int_equal(pulse.thread[0].first, 10);
    assert_int_equal(pulse.thread[0].count, 5);
    assert_string_equal(pulse.thread[0].doing, "computing");
    assert_string_equal(pulse.thread[0].path, "");
    assert_true(pulse.thread[0].seconds >= 7);
    {
        FURROW_DOING("in the kernel", NULL);
        furrow_pulse_at(slot, 12, 1);
        {
            FURROW_DOING("reading", "part.npy");
            furrow_board_read(&board, &pulse);
            assert_int_equal(pulse.thread[0].first, 12);
            assert_string_equal(pulse.thread[0].doing, "reading");
            assert_string_equal(pulse.thread[0].path, "part.npy");
        }
        furrow_board_read(&board, &pulse);
        assert_string_equal(pulse.thread[0].doing, "in the kernel");
        assert_string_equal(pulse.thread[0].path, "");
        assert_int_equal(pulse.beats, 0); /* steps of an item that is not done are no beats */
    }
    furrow_pulse_done(slot);
    furrow_pulse_end(slot);
    furrow_board_read(&board, &pulse);
    assert_int_equal(pulse.beats, 2);
    assert_int_equal(pulse.busy, 0);
    furrow_board_close(&board);
    assert_null(furrow_pulse_mine()); /* a slot that is gone is nobody's */
}

static void test_main_thread(void **state)
{
    furrow_board_t board = open_board(2);
    furrow_pulse_slot_t *slot = &board.slot[2];
    furrow_pulse_t pulse;

    (void)state;
    {
        FURROW_STEP(slot, "an agreement", NULL, 3);
        furrow_board_read(&board, &pulse);
        assert_int_equal(pulse.busy, 0);
        assert_string_equal(pulse.waits_in, "an agreement");
        assert_int_equal(pulse.waits_for, 3);
        assert_int_equal(pulse.count, 0);
        furrow_pulse_at(slot, 7, 2); /* which were given to that rank */
        furrow_board_read(&board, &pulse);
        assert_string_equal(pulse.noun, "item");
        assert_int_equal(pulse.first, 7);
        assert_int_equal(pulse.count, 2);
        {
            FURROW_STEP(slot, "writing", "ledger", FURROW_WAITS_FOR_NONE);
            furrow_board_read(&board, &pulse);
            assert_null(pulse.waits_in);
            assert_int_equal(pulse.busy, 1);
            assert_int_equal(pulse.thread[0].thread, -1);
            assert_int_equal(pulse.thread[0].count, 0);
            assert_string_equal(pulse.thread[0].path, "ledger");
        }
        assert_int_equal(furrow_board_beats(&board), 0);
    }
    assert_int_equal(furrow_board_beats(&board), 1);
    atomic_fetch_add(&board.heard, 5); /* of other ranks: a beat, but none of its own */
    furrow_board_read(&board, &pulse);
    assert_int_equal(pulse.beats, 6);
    assert_int_equal(furrow_board_beats(&board), 1);
    furrow_board_close(&board);
}

/* In any order of threads, those that have been at it longest come first, and all are counted. */
static void test_the_longest_first(void **state)
{
    furrow_board_t board = open_board(THREADS);
    const double now = furrow_seconds();
    furrow_pulse_t pulse;

    (void)state;
    for (int t = 0; t < THREADS; t++) furrow_pulse_begin(&board.slot[t], "row", t, 1, now - 10 * (1 + 5 * t % THREADS));
    furrow_board_read(&board, &pulse);
    assert_int_equal(pulse.busy, THREADS);
    for (int i = 0; i < FURROW_PULSE_LISTED; i++) {
        const int rank = THREADS - 1 - i; /* 5 * t % THREADS takes every value once */
        assert_int_equal(5 * pulse.thread[i].thread % THREADS, rank);
        assert_int_equal(pulse.thread[i].first, pulse.thread[i].thread);
    }
    furrow_board_close(&board);
}

/* ------------------------------------------------------------- read while it is written */

typedef struct {
    furrow_board_t board;
    atomic_bool stop;
} shared_t;

static void *read_on(void *arg)
{
    shared_t *shared = arg;
    furrow_pulse_t pulse;
    int64_t wrong = 0, beats = 0;

    while (!atomic_load(&shared->stop)) {
        furrow_board_read(&shared->board, &pulse);
        wrong += pulse.beats < beats;
        beats = pulse.beats;
        for (int i = 0; i < pulse.busy && i < FURROW_PULSE_LISTED; i++) {
            const char *path = pulse.thread[i].path;
            wrong += path[0] != '\0' && strspn(path, "x") != strlen(path);
        }
    }
    return (void *)(uintptr_t)wrong;
}

/* The name of a file is overwritten and freed right after the step that names it. */
static void test_paths_may_go_after_the_step(void **state)
{
    shared_t shared = {.board = open_board(1)};
    pthread_t reader;
    void *wrong;

    (void)state;
    (void)furrow_pulse_use(&shared.board.slot[0]);
    assert_int_equal(pthread_create(&reader, NULL, read_on, &shared), 0);
    for (int round = 0; round < 20000; round++) {
        char *path = strdup("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        assert_non_null(path);
        {
            FURROW_DOING("reading", path);
            if (round % 64 == 0) (void)sched_yield();
        }
        memset(path, '?', strlen(path));
        free(path);
    }
    atomic_store(&shared.stop, true);
    assert_int_equal(pthread_join(reader, &wrong), 0);
    assert_null(wrong);
    furrow_board_close(&shared.board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thread_without_a_slot_says_nothing),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_items_and_steps),
        cmocka_unit_test(test_main_thread),
        cmocka_unit_test(test_the_longest_first),
        cmocka_unit_test(test_paths_may_go_after_the_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
