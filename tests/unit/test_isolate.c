/* Items in processes of their own: how each ends, that it costs nothing but itself, and what initializers do. */
#include "isolate_support.h"

#include "mem.h"

/* ------------------------------------------------------------------- items */

/* Each number and 1 more. */
ITEM(add_one)
{
    UNUSED;
    for (int64_t i = 0; i < arg_bytes / 8; i++) ((int64_t *)result)[i] = ((const int64_t *)arg)[i] + 1;
    return 0;
}

ITEM(tell_state)
{
    UNUSED;
    *(int64_t *)result = *(int64_t *)state;
    return 0;
}

ITEM(call_abort)
{
    UNUSED;
    abort();
}

ITEM(kill_itself)
{
    UNUSED;
    (void)raise((int)index);
    return 0;
}

ITEM(loop_without_signals)
{
    sigset_t all;

    UNUSED;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    (void)signal(SIGTERM, SIG_IGN);
    for (;;) atomic_fetch_add(&seen->begun, 1);
    return 0;
}

ITEM(fail_with_text)
{
    UNUSED;
    memset(result, 0xff, (size_t)result_bytes);
    (void)snprintf(text, text_bytes, "item %lld\nis bad", (long long)index);
    return 7;
}

ITEM(fail_without_text)
{
    UNUSED;
    return -7;
}

ITEM(fill_text)
{
    UNUSED;
    memset(text, 'x', text_bytes);
    return 1;
}

/* ------------------------------------------------------------ initializers */

static furrow_status_t keep_number(const void *arg, int64_t arg_bytes, void **state, furrow_error_t *err)
{
    static int64_t number;

    atomic_fetch_add(&seen->inits, 1);
    if (atomic_load(&seen->init_fails)) {
        err->sys_errno = ENOENT;
        (void)snprintf(err->text, sizeof err->text, "lib.so: there is no such file");
        return err->status = FURROW_EFORMAT;
    }
    if (arg_bytes == sizeof number) memcpy(&number, arg, sizeof number);
    *state = &number;
    return FURROW_OK;
}

static furrow_status_t fail_silently(const void *arg, int64_t arg_bytes, void **state, furrow_error_t *err)
{
    (void)arg, (void)arg_bytes, (void)state, (void)err;
    return (furrow_status_t)77;
}

static furrow_status_t crash_in_init(const void *arg, int64_t arg_bytes, void **state, furrow_error_t *err)
{
    (void)arg, (void)arg_bytes, (void)state, (void)err;
    abort();
}

static furrow_status_t loop_in_init(const void *arg, int64_t arg_bytes, void **state, furrow_error_t *err)
{
    (void)arg, (void)arg_bytes, (void)state, (void)err;
    sleep_for_ever();
}

static void count_finish(void *state)
{
    if (state != NULL && *(int64_t *)state == 42) atomic_fetch_add(&seen->finishes, 1);
}

static void exit_in_finish(void *state)
{
    (void)state;
    exit(5);
}

static void loop_in_finish(void *state)
{
    (void)state;
    sleep_for_ever();
}

/* ------------------------------------------------------------------- tests */

static void test_items(void **state)
{
    const int64_t arg[] = {1, 10, 100};
    int64_t result[2] = {-1, -1};
    furrow_child_item_t item = {add_one, 0, arg, 16, result, sizeof result, 0};
    furrow_child_outcome_t out;
    furrow_child_t *child = open_child();
    const pid_t pid = furrow_child_pid(child);

    (void)state;
    assert_int_not_equal(pid, getpid());
    assert_int_equal(furrow_child_call(child, &item, &out, NULL), FURROW_OK);
    assert_true(result[0] == 2 && result[1] == 11);
    for (item = (furrow_child_item_t){add, 1000, arg, sizeof arg, result, sizeof result, 0}; item.index < 1100;
         item.index++) {
        assert_int_equal(furrow_child_call(child, &item, &out, NULL), FURROW_OK);
        assert_outcome(out, FURROW_CHILD_DONE, 0, "");
        assert_int_equal(result[0], item.index + 111);
        assert_int_equal(result[1], 0); /* not written by the function, not left by another */
    }
    assert_int_equal(get_number(child, tell_pid, 0), pid); /* one process for all */
    item = (furrow_child_item_t){.function = add};
    assert_int_equal(furrow_child_call(child, &item, &out, NULL), FURROW_OK);
    assert_outcome(out, FURROW_CHILD_DONE, 0, "");
    close_child(child);
    assert_true(is_gone(pid));
}

static void test_a_failing_item_says_why(void **state)
{
    int64_t result = 5;
    const furrow_child_item_t item = {.function = fail_with_text, .index = 3, .result = &result, .result_bytes = 8};
    furrow_child_outcome_t out;
    furrow_child_t *child = open_child();
    const pid_t pid = furrow_child_pid(child);

    (void)state;
    assert_int_equal(furrow_child_call(child, &item, &out, NULL), FURROW_OK);
    assert_outcome(out, FURROW_CHILD_FAILED, 7, "item 3?is bad");
    assert_int_equal(result, 5);
    assert_outcome(run(child, fail_without_text, 0, 0), FURROW_CHILD_FAILED, -7, "failed with status -7");
    out = run(child, fill_text, 0, 0);
    assert_int_equal(strlen(out.text), sizeof out.text - 1);
    assert_int_equal(get_number(child, tell_pid, 0), pid);
    close_child(child);
}

static void test_a_crash_costs_one_item(void **state)
{
    furrow_child_t *child = open_child();
    pid_t pid = furrow_child_pid(child);

    (void)state;
    assert_outcome(run(child, segfault, 0, 0), FURROW_CHILD_KILLED, 11, "killed by signal 11 (Segmentation fault)");
    assert_int_equal(furrow_child_pid(child), 0);
    assert_fresh(child, pid);
    pid = furrow_child_pid(child);
    assert_outcome(run(child, call_abort, 0, 0), FURROW_CHILD_KILLED, 6, "killed by signal 6 (Aborted)");
    assert_fresh(child, pid);
    assert_outcome(run(child, kill_itself, SIGKILL, 0), FURROW_CHILD_KILLED, 9, "killed by signal 9 (Killed)");
    assert_outcome(run(child, kill_itself, SIGFPE, 0), FURROW_CHILD_KILLED, 8,
                   "killed by signal 8 (Floating point exception)");
    assert_int_equal(run(child, kill_itself, SIGRTMIN, 0).end, FURROW_CHILD_KILLED);
    close_child(child); /* there is no process now */
}

static void test_an_exit_costs_one_item(void **state)
{
    furrow_child_t *child = open_child();
    const pid_t pid = furrow_child_pid(child);

    (void)state;
    assert_outcome(run(child, call_exit, 3, 0), FURROW_CHILD_EXITED, 3, "ended with exit code 3");
    assert_fresh(child, pid);
    assert_outcome(run(child, call_exit, 0, 0), FURROW_CHILD_EXITED, 0, "ended with exit code 0");
    assert_int_equal(get_number(child, add, 8), 8);
    close_child(child);
    assert_int_equal(atomic_load(&seen->atexits), 0); /* what this process registered concerns this process */
}

static void test_a_late_item_costs_itself(void **state)
{
    furrow_child_t *child = open_child();
    pid_t pid = furrow_child_pid(child);

    (void)state;
    assert_outcome(run(child, loop, 1000, 0.25), FURROW_CHILD_LATE, 0, "over 0.25 s");
    assert_fresh(child, pid);
    pid = furrow_child_pid(child);
    assert_outcome(run(child, loop_without_signals, 0, 0.25), FURROW_CHILD_LATE, 0, "over 0.25 s");
    assert_fresh(child, pid);
    pid = furrow_child_pid(child);
    assert_outcome(run(child, kill_itself, SIGSTOP, 0.25), FURROW_CHILD_LATE, 0, "over 0.25 s");
    assert_fresh(child, pid);
    assert_outcome(run(child, add, 0, 3600.0), FURROW_CHILD_DONE, 0, "");
    close_child(child);
}

static void test_every_new_process_is_initialized(void **state)
{
    int64_t number = 42;
    furrow_child_opts_t opts = {
        .init = keep_number, .init_arg = &number, .init_bytes = sizeof number, .finish = count_finish};
    furrow_child_t *child;

    (void)state;
    assert_int_equal(furrow_child_open(&opts, &child, NULL), FURROW_OK);
    number = 43; /* the child has a copy */
    assert_int_equal(atomic_load(&seen->inits), 1);
    assert_int_equal(get_number(child, tell_state, 0), 42);
    assert_int_equal(get_number(child, tell_state, 0), 42);
    assert_int_equal(run(child, segfault, 0, 0).end, FURROW_CHILD_KILLED);
    assert_int_equal(get_number(child, tell_state, 0), 42);
    assert_int_equal(atomic_load(&seen->inits), 2);
    assert_int_equal(atomic_load(&seen->finishes), 0);
    close_child(child);
    assert_int_equal(atomic_load(&seen->inits), 2);
    assert_int_equal(atomic_load(&seen->finishes), 1);
}

static void assert_init_fails(furrow_isolated_init_fn *init, double timeout_s, furrow_status_t status, const char *text)
{
    const furrow_child_opts_t opts = {.init = init, .init_timeout_s = timeout_s};
    furrow_child_t *child = (furrow_child_t *)&opts;
    furrow_error_t err;

    assert_int_equal(furrow_child_open(&opts, &child, &err), status);
    assert_null(child);
    assert_int_equal(err.status, status);
    assert_string_equal(err.text, text);
}

static void test_a_failing_initializer_is_an_error(void **state)
{
    (void)state;
    atomic_store(&seen->init_fails, 1);
    assert_init_fails(keep_number, 0, FURROW_EFORMAT, "lib.so: there is no such file");
    assert_int_equal(atomic_load(&seen->inits), 1);
    assert_init_fails(fail_silently, 0, FURROW_EIO, "the initializer failed with status 77");
    assert_init_fails(crash_in_init, 0, FURROW_EIO, "the initializer: killed by signal 6 (Aborted)");
    assert_init_fails(loop_in_init, 0.1, FURROW_EIO, "the initializer: over 0.1 s");
}

static void test_a_failing_initializer_is_not_tried_again(void **state)
{
    const furrow_child_opts_t opts = {.init = keep_number, .finish = count_finish};
    const furrow_child_item_t item = {.function = add};
    furrow_child_outcome_t out;
    furrow_child_t *child;
    furrow_error_t err;

    (void)state;
    assert_int_equal(furrow_child_open(&opts, &child, NULL), FURROW_OK);
    assert_int_equal(run(child, segfault, 0, 0).end, FURROW_CHILD_KILLED);
    atomic_store(&seen->init_fails, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(furrow_child_call(child, &item, &out, &err), FURROW_EFORMAT);
        assert_string_equal(err.text, "lib.so: there is no such file");
        assert_int_equal(err.sys_errno, ENOENT);
        assert_int_equal(atomic_load(&seen->inits), 2);
    }
    close_child(child);
    assert_int_equal(atomic_load(&seen->finishes), 0);
}

static void assert_finish_fails(furrow_isolated_finish_fn *finish, double timeout_s, const char *text)
{
    const furrow_child_opts_t opts = {.finish = finish, .init_timeout_s = timeout_s};
    furrow_child_t *child;
    furrow_error_t err;

    assert_int_equal(furrow_child_open(&opts, &child, NULL), FURROW_OK);
    const pid_t pid = furrow_child_pid(child);
    assert_int_equal(furrow_child_close(child, &err), FURROW_EIO);
    assert_string_equal(err.text, text);
    assert_true(is_gone(pid));
}

static void test_a_failing_finalizer_is_an_error(void **state)
{
    (void)state;
    assert_finish_fails(exit_in_finish, 0, "the finalizer: ended with exit code 5");
    assert_finish_fails(loop_in_finish, 0.1, "the finalizer: over 0.1 s");
    assert_int_equal(furrow_child_close(NULL, NULL), FURROW_OK);
}

static bool maps_shared_memory(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    bool found = false;

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) found = found || strstr(line, "memfd:furrow") != NULL;
    (void)fclose(maps);
    return found;
}

/* Far more than sockets hold, there and back. */
static void test_big_items(void **state)
{
    const int64_t count = (int64_t)8 << 20, bytes = 8 * count;
    furrow_child_t *child = open_child();
    void *arg, *result, *lent;
    furrow_child_outcome_t out;

    (void)state;
    assert_int_equal(furrow_alloc(count, 8, &arg, NULL), FURROW_OK);
    assert_int_equal(furrow_alloc(count, 8, &result, NULL), FURROW_OK);
    for (int64_t i = 0; i < count; i++) ((int64_t *)arg)[i] = i * 977;
    furrow_child_item_t item = {add_one, 0, arg, bytes, result, bytes, 0};
    assert_int_equal(furrow_child_call(child, &item, &out, NULL), FURROW_OK);
    for (int64_t i = 0; i < count; i++) assert_true(((int64_t *)result)[i] == i * 977 + 1);

    /* In memory that both share, in place, again after a crash and after it grew. */
    assert_int_equal(furrow_child_memory(child, bytes / 2, &lent, NULL), FURROW_OK);
    memcpy(lent, arg, (size_t)(bytes / 2));
    assert_int_equal(run(child, segfault, 0, 0).end, FURROW_CHILD_KILLED);
    assert_int_equal(furrow_child_memory(child, bytes, &lent, NULL), FURROW_OK);
    item.arg = item.result = lent;
    assert_int_equal(furrow_child_call(child, &item, &out, NULL), FURROW_OK);
    assert_memory_equal(lent, result, (size_t)(bytes / 2));
    for (int64_t i = count / 2; i < count; i++) assert_true(((int64_t *)lent)[i] == 1); /* new memory is zeros */

    /* One of the two in it. */
    item.arg = arg;
    assert_int_equal(furrow_child_call(child, &item, &out, NULL), FURROW_OK);
    assert_memory_equal(lent, result, (size_t)bytes);
    assert_true(maps_shared_memory());
    close_child(child);
    assert_false(maps_shared_memory());
    free(arg);
    free(result);
}

static void test_sizes_that_cannot_be(void **state)
{
    static const int64_t sizes[][2] = {
        {-1, 0}, {0, -1}, {INT64_MAX, 8}, {8, INT64_MAX}, {INT64_MAX / 2, INT64_MAX / 2}};
    furrow_child_t *child = open_child();
    furrow_child_outcome_t out;
    furrow_error_t err;
    char byte[64];
    void *lent;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const furrow_child_item_t item = {add, 0, byte, sizes[i][0], byte, sizes[i][1], 0};
        const furrow_status_t expected = sizes[i][0] < 0 || sizes[i][1] < 0 ? FURROW_EARG : FURROW_ENOMEM;
        assert_int_equal(furrow_child_call(child, &item, &out, &err), expected);
        assert_int_not_equal(err.text[0], '\0');
    }
    assert_int_equal(furrow_child_memory(child, INT64_MAX, &lent, &err), FURROW_ENOMEM);
    assert_int_equal(get_number(child, add, 3), 3);
    close_child(child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED(test_items),
        STARTED(test_a_failing_item_says_why),
        STARTED(test_a_crash_costs_one_item),
        STARTED(test_an_exit_costs_one_item),
        STARTED(test_a_late_item_costs_itself),
        STARTED(test_every_new_process_is_initialized),
        STARTED(test_a_failing_initializer_is_an_error),
        STARTED(test_a_failing_initializer_is_not_tried_again),
        STARTED(test_a_failing_finalizer_is_an_error),
        STARTED(test_big_items),
        STARTED(test_sizes_that_cannot_be),
    };

    if (!share_page()) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
