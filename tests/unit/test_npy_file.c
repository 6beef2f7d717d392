/* .npy headers of files: what the file system has instead of a whole file is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "npy.h"
#include "npy_file.h"

static char scratch[] = P_tmpdir "/furrow-npy-XXXXXX";

static int make_scratch(void **state)
{
    (void)state;
    return mkdtemp(scratch) == NULL;
}

static int remove_scratch(void **state)
{
    (void)state;
    return rmdir(scratch);
}

static const char *scratch_path(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

/* Reads a file of that content. */
static furrow_status_t read_content(const void *bytes, int64_t size, furrow_error_t *err)
{
    const char *path = scratch_path("content.npy");
    furrow_npy_t npy;
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, (size_t)size, file), size);
    assert_int_equal(fclose(file), 0);
    const furrow_status_t status = furrow_npy_read(path, &npy, err);
    assert_int_equal(unlink(path), 0);
    return status;
}

static void test_npy_file__ends_early(void **state)
{
    const int64_t size = 128 + 40;
    char bytes[FURROW_NPY_FORMAT_MAX] = {0};
    furrow_npy_t npy = {.dtype = FURROW_F8, .ndim = 1, .shape = {5}};
    furrow_error_t err;

    (void)state;
    assert_int_equal(furrow_npy_format(&npy, bytes, NULL), FURROW_OK);
    assert_int_equal(npy.data_offset + npy.bytes, size);
    assert_int_equal(read_content(bytes, size, &err), FURROW_OK);
    assert_int_equal(read_content(bytes, size + 9, &err), FURROW_OK);
    assert_int_equal(read_content(bytes, size - 1, &err), FURROW_ETRUNCATED);
    assert_non_null(strstr(err.text, ": 1 bytes of data missing (header promises 40, file has 39)"));
    assert_int_equal(read_content(bytes, 128, &err), FURROW_ETRUNCATED);
    assert_non_null(strstr(err.text, ": 40 bytes of data missing (header promises 40, file has 0)"));
    assert_int_equal(read_content(bytes, 127, &err), FURROW_ETRUNCATED);
    assert_non_null(strstr(err.text, ": 1 bytes of the header missing (of 128)"));
    assert_int_equal(read_content(bytes, 11, &err), FURROW_ETRUNCATED);
    assert_int_equal(read_content(bytes, 9, &err), FURROW_EFORMAT);
    assert_int_equal(read_content(bytes, 0, &err), FURROW_EFORMAT);
    assert_non_null(strstr(err.text, "content.npy: not an .npy file: it is empty"));
}

static void test_npy_file__no_such_file(void **state)
{
    furrow_npy_t npy;
    furrow_error_t err;

    (void)state;
    assert_int_equal(furrow_npy_read(scratch_path("absent.npy"), &npy, &err), FURROW_EIO);
    assert_non_null(strstr(err.text, "absent.npy: cannot open"));
    assert_int_equal(furrow_npy_read(scratch, &npy, &err), FURROW_EIO);
    assert_non_null(strstr(err.text, "directory"));
}

/* Nobody writes to the pipe: to open it would wait for ever. */
static void test_npy_file__not_a_regular_file(void **state)
{
    const char *pipe = scratch_path("pipe.npy");
    furrow_npy_t npy;
    furrow_error_t err;

    (void)state;
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(furrow_npy_read(pipe, &npy, &err), FURROW_EIO);
    assert_non_null(strstr(err.text, "pipe.npy: not a regular file"));
    assert_int_equal(unlink(pipe), 0);
    assert_int_equal(furrow_npy_read("/dev/zero", &npy, &err), FURROW_EIO);
    assert_non_null(strstr(err.text, "/dev/zero: not a regular file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy_file__ends_early),
        cmocka_unit_test(test_npy_file__no_such_file),
        cmocka_unit_test(test_npy_file__not_a_regular_file),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
