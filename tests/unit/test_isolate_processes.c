/* The processes of isolation: when they start, when they end, what they hold, whom they obey. */
#include "isolate_support.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* ------------------------------------------------------------------- items */

/* A process of the item's own that would outlive it, holds all of its files, and its end. */
ITEM(leave_offspring)
{
    UNUSED;
    const pid_t pid = fork();
    if (pid == 0) sleep_for_ever();
    atomic_store(&seen->offspring, pid);
    if (index == SIGSEGV) (void)raise(SIGSEGV);
    return 0;
}

/* The server, by its number: who has lost it, has another parent. */
ITEM(kill_process)
{
    UNUSED;
    (void)kill((pid_t)index, SIGKILL);
    sleep_for_ever();
}

ITEM(print)
{
    UNUSED;
    (void)fputs("hello ", stdout); /* not flushed */
    return 0;
}

/* Write to a descriptor of the parent; read from standard input. */
ITEM(meddle)
{
    char byte;

    UNUSED;
    *(int64_t *)result = write((int)index, "x", 1) == 1 && read(0, &byte, 1) == 0;
    return 0;
}

/* A process between items may die too; then no item is lost. */
/* ------------------------------------------------------------------- tests */

static void test_a_death_between_items_costs_none(void **state)
{
    furrow_child_t *child = open_child();
    const pid_t pid = furrow_child_pid(child);

    (void)state;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_true(is_gone(pid));
    assert_fresh(child, pid);
    close_child(child);
}

static void test_what_an_item_leaves_behind_ends_with_it(void **state)
{
    furrow_child_t *child = open_child();

    (void)state;
    assert_outcome(run(child, leave_offspring, SIGSEGV, 0), FURROW_CHILD_KILLED, 11,
                   "killed by signal 11 (Segmentation fault)");
    assert_true(is_gone(atomic_load(&seen->offspring)));
    assert_outcome(run(child, leave_offspring, 0, 0), FURROW_CHILD_DONE, 0, "");
    assert_int_equal(kill(atomic_load(&seen->offspring), 0), 0);
    close_child(child);
    assert_true(is_gone(atomic_load(&seen->offspring)));
}

enum { THREADS = 8, ITEMS = 40 };

static void *work(void *arg)
{
    furrow_child_t *child = arg;
    int64_t good = 0;

    for (int64_t i = 0; i < ITEMS; i++) {
        int64_t result = -1;
        furrow_child_item_t item = {i % 10 == 3   ? segfault
                                    : i % 10 == 6 ? call_exit
                                    : i % 20 == 9 ? loop
                                                  : add,
                                    i,
                                    NULL,
                                    0,
                                    &result,
                                    8,
                                    i % 20 == 9 ? 0.05 : 0};
        const furrow_child_end_t expected = i % 10 == 3   ? FURROW_CHILD_KILLED
                                            : i % 10 == 6 ? FURROW_CHILD_EXITED
                                            : i % 20 == 9 ? FURROW_CHILD_LATE
                                                          : FURROW_CHILD_DONE;
        furrow_child_outcome_t out;
        if (furrow_child_call(child, &item, &out, NULL) != FURROW_OK || out.end != expected) break;
        good += expected != FURROW_CHILD_DONE || result == i;
    }
    return (void *)(intptr_t)good;
}

static void test_many_threads(void **state)
{
    furrow_child_t *child[THREADS];
    pthread_t thread[THREADS];
    void *good;

    (void)state;
    for (int t = 0; t < THREADS; t++) child[t] = open_child();
    for (int t = 0; t < THREADS; t++) assert_int_equal(pthread_create(&thread[t], NULL, work, child[t]), 0);
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_join(thread[t], &good), 0);
        assert_int_equal((intptr_t)good, ITEMS);
    }
    for (int t = 0; t < THREADS; t++) close_child(child[t]);
}

static void *kill_when_begun(void *arg)
{
    while (!atomic_load(&seen->begun)) sleep_ms(1);
    furrow_child_kill(arg);
    return NULL;
}

static void test_kill_from_another_thread(void **state)
{
    furrow_child_t *child = open_child();
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, kill_when_begun, child), 0);
    assert_outcome(run(child, loop, 1000, 0), FURROW_CHILD_KILLED, 9, "killed by signal 9 (Killed)");
    assert_int_equal(pthread_join(thread, NULL), 0);
    furrow_child_kill(child); /* there is none */
    assert_int_equal(get_number(child, add, 1), 1);
    close_child(child);
}

static void *send_signals(void *arg)
{
    static const int sent[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
    const pid_t child = furrow_child_pid(arg);

    while (!atomic_load(&seen->begun)) sleep_ms(1);
    for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
        (void)kill(furrow_isolation_server(), sent[i]);
        (void)kill(child, sent[i]);
    }
    return NULL;
}

/* What a user at the keyboard or a scheduler sends to the whole job. */
static void test_signals_to_the_job_are_the_parents(void **state)
{
    furrow_child_t *child = open_child(), *second;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, send_signals, child), 0);
    assert_outcome(run(child, loop, 10, 1.0), FURROW_CHILD_LATE, 0, "over 1 s");
    assert_int_equal(pthread_join(thread, NULL), 0);
    second = open_child();
    assert_int_equal(get_number(second, add, 2), 2);
    close_child(second);
    close_child(child);
}

/* An orphan that came here has ended. */
static bool is_reaped(pid_t pid)
{
    for (int i = 0; i < PATIENCE * 100; i++) {
        if (waitpid(pid, NULL, WNOHANG) == pid) return true;
        sleep_ms(10);
    }
    return false;
}

static void test_a_killed_server_is_an_error(void **state)
{
    const furrow_child_item_t deadly = {.function = kill_process, .index = furrow_isolation_server()},
                              item = {.function = add};
    const furrow_child_opts_t opts = {0};
    furrow_child_t *child = open_child(), *idle = open_child(), *late;
    const pid_t pids[] = {furrow_child_pid(child), furrow_child_pid(idle)};
    furrow_child_outcome_t out;
    furrow_error_t err;
    char text[128];

    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1L), 0);
    (void)snprintf(text, sizeof text, "isolation: the server process %d is gone or does not answer",
                   furrow_isolation_server());
    assert_int_equal(furrow_child_call(child, &deadly, &out, &err), FURROW_EIO);
    assert_string_equal(err.text, text);
    assert_int_equal(furrow_child_call(child, &item, &out, &err), FURROW_EIO);
    assert_string_equal(err.text, text);
    assert_int_equal(furrow_child_open(&opts, &late, &err), FURROW_EIO);
    assert_null(late);
    assert_true(is_reaped(pids[0]) && is_reaped(pids[1]));
    assert_int_equal(furrow_child_call(idle, &item, &out, &err), FURROW_EIO);
    assert_string_equal(err.text, text);
    close_child(child);
    close_child(idle);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0L), 0);
    assert_int_equal(stop(state), 0);
    assert_int_equal(start(state), 0);
    child = open_child();
    assert_int_equal(get_number(child, add, 4), 4);
    close_child(child);
}

static void test_stop_ends_what_still_runs(void **state)
{
    const furrow_child_item_t item = {.function = add};
    furrow_child_t *child = open_child();
    const pid_t pid = furrow_child_pid(child);
    furrow_child_outcome_t out;
    furrow_error_t err;

    assert_int_equal(stop(state), 0);
    assert_true(is_gone(pid));
    assert_int_equal(furrow_child_call(child, &item, &out, &err), FURROW_EARG);
    assert_non_null(strstr(err.text, "furrow_isolation_start()"));
    close_child(child);
}

/* In a process of its own, which the test kills: an item that never ends. With `keep_open`, another process holds what
 * this one holds. */
static void hang(int tell, bool keep_open)
{
    if (furrow_isolation_start(NULL) != FURROW_OK) _exit(1);
    furrow_child_t *child = open_child();
    const pid_t pids[] = {furrow_isolation_server(), furrow_child_pid(child)};
    if (write(tell, pids, sizeof pids) != sizeof pids) _exit(1);
    const pid_t other = keep_open ? fork() : 0;
    if (keep_open && other == 0) sleep_for_ever();
    atomic_store(&seen->offspring, other);
    (void)run(child, loop, 1000, 0);
    _exit(1);
}

static void kill_parent(bool keep_open)
{
    int ends[2];
    pid_t pids[2];

    memset(seen, 0, sizeof *seen);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1L), 0); /* orphans come here */
    assert_int_equal(pipe(ends), 0);
    const pid_t parent = fork();
    if (parent == 0) hang(ends[1], keep_open);
    assert_int_equal(read(ends[0], pids, sizeof pids), sizeof pids);
    while (!atomic_load(&seen->begun)) sleep_ms(1);
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_true(is_reaped(parent));
    assert_true(is_reaped(pids[0])); /* the server, which reaped the child before */
    assert_true(is_gone(pids[1]));
    if (keep_open) {
        assert_int_equal(kill(atomic_load(&seen->offspring), SIGKILL), 0);
        assert_true(is_reaped(atomic_load(&seen->offspring)));
    }
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0L), 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_a_killed_parent_takes_all_along(void **state)
{
    (void)state;
    kill_parent(false);
    kill_parent(true);
}

static void *wait_for_end(void *arg)
{
    while (!atomic_load((atomic_int *)arg)) sleep_ms(1);
    return NULL;
}

static void test_start_comes_first_and_once(void **state)
{
    const furrow_child_opts_t opts = {0};
    atomic_int end = 0;
    furrow_child_t *child;
    furrow_error_t err;
    pthread_t thread;

    assert_int_equal(furrow_child_open(&opts, &child, &err), FURROW_EARG);
    assert_null(child);
    assert_non_null(strstr(err.text, "furrow_isolation_start()"));
    assert_int_equal(pthread_create(&thread, NULL, wait_for_end, &end), 0);
    assert_int_equal(furrow_isolation_start(&err), FURROW_EARG);
    assert_non_null(strstr(err.text, "before any thread"));
    atomic_store(&end, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(start(state), 0);
    assert_int_equal(furrow_isolation_start(&err), FURROW_EARG);
    assert_non_null(strstr(err.text, "already"));
    assert_int_equal(stop(state), 0);
    assert_int_equal(stop(state), 0); /* nothing to stop */
    assert_int_equal(furrow_isolation_server(), 0);
}

/* Descriptors that this process had when isolation started: children cannot hit them, nor keep a pipe from its end. */
static void test_files_of_the_parent_stay_its_own(void **state)
{
    const int before = count_descriptors();
    int ends[2];
    char byte;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(start(state), 0);
    furrow_child_t *child = open_child();
    assert_int_equal(get_number(child, meddle, ends[1]), 1);
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    (void)close(ends[0]);
    for (int i = 0; i < 5; i++) (void)run(child, segfault, 0, 0);
    for (int i = 0; i < 3; i++) (void)run(child, loop, 1000, 0.01);
    close_child(child);
    assert_int_equal(stop(state), 0);
    assert_int_equal(count_descriptors(), before);
}

/* Room for so many more descriptors, and then: is there a child? Opened files stop the gaps. */
static furrow_status_t open_with_room_for(int more, furrow_error_t *err)
{
    enum { LIMIT = 200 };
    const furrow_child_opts_t opts = {0};
    struct rlimit limit, low;
    furrow_child_t *child = NULL;
    int filler[LIMIT], fillers = 0;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = (struct rlimit){LIMIT, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    while (fillers < LIMIT && (filler[fillers] = open("/dev/null", O_RDONLY)) >= 0) fillers++;
    assert_true(fillers > more);
    for (int i = 0; i < more; i++) (void)close(filler[--fillers]);
    const furrow_status_t status = furrow_child_open(&opts, &child, err);
    close_child(child);
    while (fillers > 0) (void)close(filler[--fillers]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return status;
}

static void test_too_many_files(void **state)
{
    enum { NEEDED = 3 }; /* two files in memory, a socket */
    const int before = count_descriptors();
    furrow_error_t err;

    (void)state;
    for (int room = 0; room < NEEDED; room++) {
        assert_int_equal(open_with_room_for(room, &err), FURROW_EIO);
        assert_non_null(strstr(err.text, "Too many open files"));
        assert_int_equal(count_descriptors(), before);
    }
    assert_int_equal(open_with_room_for(NEEDED, &err), FURROW_OK);
    assert_int_equal(count_descriptors(), before);
}

/* The limit was lowered after files were opened over it. */
static void test_files_over_the_limit(void **state)
{
    struct rlimit limit, low;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const int high = fcntl(2, F_DUPFD_CLOEXEC, 150);
    low = (struct rlimit){100, limit.rlim_max};
    assert_true(high >= 150 && setrlimit(RLIMIT_NOFILE, &low) == 0);
    const int started = start(state);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    (void)close(high);
    assert_int_equal(started, 0);
    assert_int_equal(stop(state), 0);
}

/* What children print comes out once, also if they crash later; what the parent had in its buffers too. */
static void test_what_is_printed_comes_out_once(void **state)
{
    FILE *out = tmpfile();
    char text[100] = "";

    assert_non_null(out);
    (void)fflush(stdout);
    const int saved = dup(1);
    assert_true(saved >= 0 && dup2(fileno(out), 1) == 1);
    (void)fputs("parent ", stdout);
    const int started = start(state);
    furrow_child_t *child = started == 0 ? open_child() : NULL;
    if (child != NULL) {
        (void)run(child, print, 0, 0);
        (void)run(child, segfault, 0, 0);
        (void)run(child, print, 0, 0);
        (void)run(child, call_exit, 3, 0);
        (void)run(child, print, 0, 0);
        close_child(child);
    }
    const int stopped = stop(state);
    (void)fflush(stdout);
    assert_int_equal(dup2(saved, 1), 1);
    (void)close(saved);
    assert_true(started == 0 && stopped == 0);
    assert_true(pread(fileno(out), text, sizeof text - 1, 0) > 0);
    assert_string_equal(text, "parent hello hello hello ");
    (void)fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED(test_a_death_between_items_costs_none),
        STARTED(test_what_an_item_leaves_behind_ends_with_it),
        STARTED(test_many_threads),
        STARTED(test_kill_from_another_thread),
        STARTED(test_signals_to_the_job_are_the_parents),
        STARTED(test_a_killed_server_is_an_error),
        STARTED(test_stop_ends_what_still_runs),
        cmocka_unit_test(test_a_killed_parent_takes_all_along),
        cmocka_unit_test(test_start_comes_first_and_once),
        cmocka_unit_test(test_files_of_the_parent_stay_its_own),
        STARTED(test_too_many_files),
        cmocka_unit_test(test_files_over_the_limit),
        cmocka_unit_test(test_what_is_printed_comes_out_once),
    };

    if (!share_page()) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
