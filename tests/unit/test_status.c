/* Statuses and errors: one table, one line. */
#include "status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool is_one_line(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) return false;
    return text[0] != '\0';
}

/* Values and texts are the table's, no two alike; the values are a contract. */
static void test_status__texts(void **state)
{
    static const struct {
        furrow_status_t status;
        int value;
    } all[] = {{FURROW_OK, 0},          {FURROW_ECANCELED, -1},    {FURROW_ETIMEDOUT, -2}, {FURROW_ECLOSED, -3},
               {FURROW_EITEM, -4},      {FURROW_EEMPTY, -5},       {FURROW_EBUDGET, -6},   {FURROW_EMISMATCH, -7},
               {FURROW_ETRUNCATED, -8}, {FURROW_EUNSUPPORTED, -9}, {FURROW_EFORMAT, -10},  {FURROW_EOVERFLOW, -11},
               {FURROW_EIO, -12},       {FURROW_ENOMEM, -13},      {FURROW_EARG, -14},     {FURROW_EMPI, -15}};
    const size_t count = sizeof all / sizeof all[0];

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(all[i].status, all[i].value);
        assert_true(is_one_line(furrow_status_text(all[i].status)));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(furrow_status_text(all[i].status), furrow_status_text(all[j].status));
    }
    assert_string_equal(furrow_status_text(FURROW_OK), "success");
    assert_string_equal(furrow_status_text((furrow_status_t)1), "unknown status");
    assert_string_equal(furrow_status_text((furrow_status_t)-1000), "unknown status");
}

static void test_status__fail_fills_everything(void **state)
{
    furrow_error_t err;

    (void)state;
    memset(&err, 0x55, sizeof err);
    assert_int_equal(furrow_fail(&err, FURROW_EARG, "%d of %s", 3, "four"), FURROW_EARG);
    assert_int_equal(err.status, FURROW_EARG);
    assert_int_equal(err.rank, 0);
    assert_int_equal(err.sys_errno, 0);
    assert_string_equal(err.text, "3 of four");
    assert_int_equal(furrow_fail(NULL, FURROW_EIO, "%s", "nobody listens"), FURROW_EIO);
    furrow_error_clear(&err);
    assert_true(err.status == FURROW_OK && err.text[0] == '\0');
    furrow_error_clear(NULL);
}

static void test_status__fail_errno(void **state)
{
    furrow_error_t err;

    (void)state;
    errno = ENOSPC;
    assert_int_equal(furrow_fail_errno(&err, "some/path", "write"), FURROW_EIO);
    assert_int_equal(err.sys_errno, ENOSPC);
    assert_string_equal(err.text, "some/path: cannot write: No space left on device");
    errno = EACCES;
    assert_int_equal(furrow_fail_errno(NULL, "some/path", "write"), FURROW_EIO);
}

/* Names of files may hold anything and be of any length: the text stays one line and ends. */
static void test_status__one_line(void **state)
{
    char path[5000];
    furrow_error_t err;

    (void)state;
    errno = ENOENT;
    (void)furrow_fail_errno(&err, "a\nb\tc\x7f\x1b[31m\r", "open");
    assert_string_equal(err.text, "a?b?c??[31m?: cannot open: No such file or directory");
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    (void)furrow_fail_errno(&err, path, "open");
    assert_true(is_one_line(err.text) && strlen(err.text) < sizeof err.text);
    assert_non_null(strstr(err.text, "p: cannot open: No such file")); /* the path is cut, the reason is not */
    (void)furrow_fail(&err, FURROW_EARG, "%s", path);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    (void)furrow_fail(&err, FURROW_EARG, "d\xc3\xa9j\xc3\xa0"); /* UTF-8 stays */
    assert_string_equal(err.text, "d\xc3\xa9j\xc3\xa0");
}

static void test_status__version(void **state)
{
    (void)state;
    assert_string_equal(furrow_version(), FURROW_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status__texts),      cmocka_unit_test(test_status__fail_fills_everything),
        cmocka_unit_test(test_status__fail_errno), cmocka_unit_test(test_status__one_line),
        cmocka_unit_test(test_status__version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
