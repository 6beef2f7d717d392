/* The ledger: what a killed or damaged one still says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"

enum { RECORD = 24 };

static char path[256];
static const char job[] = "command: rows\nop: sum\ninput: a.npy\n";

static int make_folder(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)state;
    (void)snprintf(path, sizeof path, "%.200s/furrow-ledger-XXXXXX", parent != NULL ? parent : P_tmpdir);
    if (mkdtemp(path) == NULL) return 1;
    strcat(path, "/ledger");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    *strrchr(path, '/') = '\0';
    return rmdir(path);
}

static int64_t size_of_file(void)
{
    struct stat facts;

    return stat(path, &facts) == 0 ? (int64_t)facts.st_size : -1;
}

/* A ledger of a run that was killed: items 0 to 9, 20 to 24, 30 to 39. */
static int64_t make_ledger(void)
{
    furrow_ranges_t done = {0};
    furrow_ledger_t *ledger;

    assert_int_equal(furrow_ledger_open(path, job, false, NULL, 0, &done, &ledger, NULL), FURROW_OK);
    const int64_t header = size_of_file();
    assert_int_equal(furrow_ledger_add(ledger, 0, 10, NULL), FURROW_OK);
    assert_int_equal(furrow_ledger_add(ledger, 20, 5, NULL), FURROW_OK);
    assert_int_equal(furrow_ledger_add(ledger, 30, 10, NULL), FURROW_OK);
    assert_int_equal(furrow_ledger_flush(ledger, NULL), FURROW_OK);
    furrow_ledger_close(ledger, false);
    assert_int_equal(size_of_file(), header + 3 * RECORD);
    return header;
}

static void put_byte(int64_t at, int byte)
{
    const int fd = open(path, O_WRONLY);
    const char c = (char)byte;

    assert_true(fd >= 0 && pwrite(fd, &c, 1, (off_t)at) == 1);
    close(fd);
}

/* Go on with it, and add an item; what it said was done. */
static int64_t resume(int64_t *gap_start)
{
    furrow_ranges_t done = {0};
    furrow_ledger_t *ledger;

    assert_int_equal(furrow_ledger_open(path, job, true, NULL, 0, &done, &ledger, NULL), FURROW_OK);
    const int64_t total = furrow_ranges_total(&done);
    *gap_start = furrow_ranges_gap(&done, 0, 40).start;
    assert_int_equal(furrow_ledger_add(ledger, 100, 1, NULL), FURROW_OK);
    assert_int_equal(furrow_ledger_flush(ledger, NULL), FURROW_OK);
    furrow_ledger_close(ledger, false);
    furrow_ranges_free(&done);
    return total;
}

static void test_whole(void **state)
{
    int64_t gap;

    (void)state;
    make_ledger();
    assert_int_equal(resume(&gap), 25);
    assert_int_equal(gap, 10);
    assert_int_equal(resume(&gap), 26);
}

/* A run on some machines goes on with the ledger, and does two more items. \return how many were done before */
static int64_t go_on(const furrow_boot_t *boots, int64_t count, int64_t first, bool settle)
{
    furrow_ranges_t done = {0};
    furrow_ledger_t *ledger;

    assert_int_equal(furrow_ledger_open(path, job, true, boots, count, &done, &ledger, NULL), FURROW_OK);
    assert_int_equal(furrow_ledger_add(ledger, first, 2, NULL), FURROW_OK);
    assert_int_equal((settle ? furrow_ledger_settle : furrow_ledger_flush)(ledger, NULL), FURROW_OK);
    furrow_ledger_close(ledger, false);
    const int64_t total = furrow_ranges_total(&done);
    furrow_ranges_free(&done);
    return total;
}

/* A machine that is not here, or was started anew, may have lost what is not on the disk. */
static void test_machines(void **state)
{
    static const furrow_boot_t both[] = {{{1, 2}}, {{1, 3}}, {{1, 2}}}, one[] = {{{1, 3}}}, other[] = {{{7, 8}}};

    (void)state;
    (void)unlink(path);
    assert_int_equal(go_on(both, 3, 0, false), 0);
    assert_int_equal(go_on(both, 3, 10, false), 2);
    assert_int_equal(go_on(one, 1, 20, false), 0);   /* half of those that worked */
    assert_int_equal(go_on(one, 1, 30, true), 2);    /* not what was in doubt before */
    assert_int_equal(go_on(other, 1, 40, false), 4); /* all that was on the disk */
    assert_int_equal(go_on(both, 3, 50, true), 4);
    assert_int_equal(go_on(one, 1, 60, false), 6);
    assert_int_equal(go_on(one, 1, 62, false), 8);
}

static void test_this_machine(void **state)
{
    const furrow_boot_t boot = furrow_boot(), again = furrow_boot();
    char text[40] = "", expected[40];
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");

    (void)state;
    assert_memory_equal(&boot, &again, sizeof boot);
    if (file == NULL) skip();
    assert_int_equal(fread(text, 1, 36, file), 36);
    fclose(file);
    (void)snprintf(expected, sizeof expected, "%08llx-%04llx-%04llx-%04llx-%012llx",
                   (unsigned long long)(boot.half[0] >> 32), (unsigned long long)(boot.half[0] >> 16 & 0xffff),
                   (unsigned long long)(boot.half[0] & 0xffff), (unsigned long long)(boot.half[1] >> 48),
                   (unsigned long long)(boot.half[1] & 0xffffffffffff));
    assert_string_equal(text, expected);
}

static void test_torn_last_record(void **state)
{
    int64_t gap;

    (void)state;
    for (int torn = 1; torn < RECORD; torn++) {
        const int64_t header = make_ledger();
        assert_int_equal(truncate(path, (off_t)(header + 2 * RECORD + torn)), 0);
        assert_int_equal(resume(&gap), 15);
        assert_int_equal(size_of_file(), header + 3 * RECORD); /* the next record takes its place */
        assert_int_equal(resume(&gap), 16);
    }
}

static void test_corrupt_record(void **state)
{
    int64_t gap;

    (void)state;
    for (int byte = 0; byte < RECORD; byte++) {
        const int64_t header = make_ledger();
        put_byte(header + byte, 0x5a);
        assert_int_equal(resume(&gap), 15);
        assert_int_equal(gap, 0); /* items 0 to 9 are to be done again */
        assert_int_equal(resume(&gap), 16);
    }
}

static void test_killed_in_the_header(void **state)
{
    const int64_t header = make_ledger();
    int64_t gap;

    (void)state;
    for (int64_t bytes = 0; bytes < header; bytes++) {
        make_ledger();
        assert_int_equal(truncate(path, (off_t)bytes), 0);
        assert_int_equal(resume(&gap), 0);
        assert_int_equal(resume(&gap), 1);
    }
}

static furrow_status_t fail_to_open(const char *wanted, furrow_error_t *err)
{
    furrow_ranges_t done = {0};
    furrow_ledger_t *ledger;
    const furrow_status_t status = furrow_ledger_open(path, wanted, true, NULL, 0, &done, &ledger, err);

    assert_null(ledger);
    assert_int_equal(done.count, 0);
    return status;
}

static void test_other_job(void **state)
{
    furrow_error_t err;

    (void)state;
    make_ledger();
    assert_int_equal(fail_to_open("command: rows\nop: mean\ninput: a.npy\n", &err), FURROW_EMISMATCH);
    assert_non_null(strstr(err.text, "'op: sum' there, 'op: mean' now"));
    assert_int_equal(fail_to_open("command: rows\nop: sum\n", &err), FURROW_EMISMATCH);
    assert_non_null(strstr(err.text, "'input: a.npy' there, '' now"));
    furrow_ranges_t done = {0};
    furrow_ledger_t *ledger;
    assert_int_equal(furrow_ledger_open(path, "op: mean\n", false, NULL, 0, &done, &ledger, &err),
                     FURROW_OK); /* afresh */
    furrow_ledger_close(ledger, true);
    assert_int_equal(size_of_file(), -1);
}

static void test_no_ledger(void **state)
{
    furrow_error_t err;
    const int64_t header = make_ledger();

    (void)state;
    put_byte(3, 'X');
    assert_int_equal(fail_to_open(job, &err), FURROW_EFORMAT);
    assert_non_null(strstr(err.text, "is no ledger"));
    make_ledger();
    put_byte(header - 2, 'X'); /* its checksum */
    assert_int_equal(fail_to_open(job, &err), FURROW_EFORMAT);
    make_ledger();
    put_byte(header - 12, 'X'); /* the job */
    assert_int_equal(fail_to_open(job, &err), FURROW_EFORMAT);
}

static void *remove_soon(void *ledger)
{
    (void)nanosleep(&(struct timespec){0, 100000000}, NULL);
    furrow_ledger_close(ledger, true);
    return NULL;
}

/* Who waited for a run that then removed its ledger has one that others find, and are kept out by. */
static void test_one_after_the_other(void **state)
{
    furrow_ranges_t done = {0};
    furrow_ledger_t *first, *second, *third;
    furrow_error_t err;
    pthread_t thread;

    (void)state;
    assert_int_equal(furrow_ledger_open(path, job, false, NULL, 0, &done, &first, &err), FURROW_OK);
    assert_int_equal(pthread_create(&thread, NULL, remove_soon, first), 0);
    assert_int_equal(furrow_ledger_open(path, job, true, NULL, 0, &done, &second, &err), FURROW_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(furrow_ledger_open(path, job, true, NULL, 0, &done, &third, &err), FURROW_EIO);
    furrow_ledger_close(second, true);
}

static void test_two_at_once(void **state)
{
    furrow_ranges_t done = {0};
    furrow_ledger_t *first, *second;
    furrow_error_t err;

    (void)state;
    assert_int_equal(furrow_ledger_open(path, job, false, NULL, 0, &done, &first, &err), FURROW_OK);
    assert_int_equal(furrow_ledger_open(path, job, true, NULL, 0, &done, &second, &err), FURROW_EIO);
    assert_non_null(strstr(err.text, "another run"));
    furrow_ledger_close(first, true);
}

/* Reports that come after a write failed, more of them than are kept, do no harm; what was kept is written later. */
static void test_full_disk(void **state)
{
    furrow_ranges_t done = {0};
    furrow_ledger_t *ledger;
    struct rlimit limit, small;
    int64_t refused = 0;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(furrow_ledger_open(path, job, false, NULL, 0, &done, &ledger, NULL), FURROW_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){.rlim_cur = (rlim_t)size_of_file() + RECORD / 2, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int64_t i = 0; i < 2000; i++) refused += furrow_ledger_add(ledger, 2 * i, 1, NULL) == FURROW_EIO;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_in_range(refused, 1500, 1999);
    assert_int_equal(furrow_ledger_flush(ledger, NULL), FURROW_OK);
    furrow_ledger_close(ledger, false);
    assert_int_equal(furrow_ledger_open(path, job, true, NULL, 0, &done, &ledger, NULL), FURROW_OK);
    assert_in_range(furrow_ranges_total(&done), 2000 - refused, 2001 - refused);
    furrow_ranges_free(&done);
    furrow_ledger_close(ledger, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_machines),
        cmocka_unit_test(test_this_machine),
        cmocka_unit_test(test_torn_last_record),
        cmocka_unit_test(test_corrupt_record),
        cmocka_unit_test(test_killed_in_the_header),
        cmocka_unit_test(test_other_job),
        cmocka_unit_test(test_no_ledger),
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_full_disk),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
