/* What the programs that test isolation share: items, and looks at processes. What items did is seen through `seen`, a
 * page that all forks of this process share. */
#ifndef FURROW_TESTS_ISOLATE_SUPPORT_H
#define FURROW_TESTS_ISOLATE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "isolate.h"

enum { PATIENCE = 60 }; /* seconds after which something that must happen did not */

static struct {
    atomic_int inits, finishes, atexits, begun, offspring;
    atomic_int init_fails;
} * seen;

static pid_t main_process;

static inline void note_exit(void)
{
    if (getpid() != main_process) atomic_fetch_add(&seen->atexits, 1);
}

static inline void sleep_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&time, NULL);
}

_Noreturn static inline void sleep_for_ever(void)
{
    for (;;) sleep_ms(1000);
}

static inline int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL) count++;
    (void)closedir(folder);
    return count;
}

/* The process is gone, and reaped: a zombie would still take a signal. */
static inline bool is_gone(pid_t pid)
{
    for (int i = 0; i < PATIENCE * 100; i++) {
        if (kill(pid, 0) != 0 && errno == ESRCH) return true;
        sleep_ms(10);
    }
    return false;
}

/* ------------------------------------------------------------------- items */

#define ITEM(name)                                                                                                     \
    static inline int name(void *state, int64_t index, const void *arg, int64_t arg_bytes, void *result,               \
                           int64_t result_bytes, char *text, size_t text_bytes)

#define UNUSED                                                                                                         \
    ((void)state, (void)index, (void)arg, (void)arg_bytes, (void)result, (void)result_bytes, (void)text,               \
     (void)text_bytes)

/* result[0] = index + sum of arg; the rest of the result is left. */
ITEM(add)
{
    int64_t sum = index;

    (void)state, (void)text, (void)text_bytes;
    for (int64_t i = 0; i < arg_bytes / 8; i++) sum += ((const int64_t *)arg)[i];
    if (result_bytes >= 8) *(int64_t *)result = sum;
    return 0;
}

ITEM(tell_pid)
{
    UNUSED;
    *(int64_t *)result = getpid();
    return 0;
}

/* A store where nothing may be stored; one to address 0 would be the undefined-behaviour sanitizer's. */
ITEM(segfault)
{
    volatile int *forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    UNUSED;
    *forbidden = 1;
    return 0;
}

ITEM(call_exit)
{
    UNUSED;
    exit((int)index);
}

ITEM(loop)
{
    UNUSED;
    atomic_store(&seen->begun, 1);
    for (;;) sleep_ms(index);
    return 0;
}

/* ------------------------------------------------------------------- calls */

static inline furrow_child_t *open_child(void)
{
    const furrow_child_opts_t opts = {0};
    furrow_child_t *child;
    furrow_error_t err;

    if (furrow_child_open(&opts, &child, &err) != FURROW_OK) fail_msg("%s", err.text);
    return child;
}

static inline void close_child(furrow_child_t *child)
{
    furrow_error_t err;

    if (furrow_child_close(child, &err) != FURROW_OK) fail_msg("%s", err.text);
}

static inline furrow_child_outcome_t run(furrow_child_t *child, furrow_isolated_fn *function, int64_t index,
                                         double timeout_s)
{
    int64_t result = 0;
    const furrow_child_item_t item = {
        .function = function, .index = index, .result = &result, .result_bytes = 8, .timeout_s = timeout_s};
    furrow_child_outcome_t out;
    furrow_error_t err;

    if (furrow_child_call(child, &item, &out, &err) != FURROW_OK) fail_msg("%s", err.text);
    return out;
}

static inline int64_t get_number(furrow_child_t *child, furrow_isolated_fn *function, int64_t index)
{
    int64_t result = -1;
    const furrow_child_item_t item = {.function = function, .index = index, .result = &result, .result_bytes = 8};
    furrow_child_outcome_t out;
    furrow_error_t err;

    if (furrow_child_call(child, &item, &out, &err) != FURROW_OK) fail_msg("%s", err.text);
    assert_string_equal(out.text, "");
    assert_int_equal(out.end, FURROW_CHILD_DONE);
    return result;
}

static inline void assert_outcome(furrow_child_outcome_t out, furrow_child_end_t end, int value, const char *text)
{
    assert_string_equal(out.text, text);
    assert_int_equal(out.end, end);
    if (end != FURROW_CHILD_LATE) assert_int_equal(out.value, value);
}

/* The next item runs, in a process that is another one than `before`, which is gone. */
static inline void assert_fresh(furrow_child_t *child, pid_t before)
{
    const pid_t now = (pid_t)get_number(child, tell_pid, 0);

    assert_int_not_equal(now, before);
    assert_int_equal(now, furrow_child_pid(child));
    assert_true(is_gone(before));
}

/* --------------------------------------------------------- start and end */

static inline int start(void **state)
{
    furrow_error_t err;

    (void)state;
    memset(seen, 0, sizeof *seen);
    const furrow_status_t status = furrow_isolation_start(&err);
    if (status != FURROW_OK) print_error("%s\n", err.text);
    return status;
}

/* Nothing of the server and of its children may be left, not even a zombie. */
static inline int stop(void **state)
{
    (void)state;
    furrow_isolation_stop();
    errno = 0;
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 1;
}

/* The first thing that main does. */
static inline bool share_page(void)
{
    main_process = getpid();
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return seen != MAP_FAILED && atexit(note_exit) == 0;
}

#define STARTED(test) cmocka_unit_test_setup_teardown(test, start, stop)

#endif
