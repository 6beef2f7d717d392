/* Files: whole reads and writes or an error that names path and numbers; temporaries that become real or vanish; full
 * disks. */
#include "file.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "files.h"

static void test_file__read(void **state)
{
    char out[12] = {0};
    furrow_error_t err;
    int64_t bytes;
    int fd;

    (void)state;
    put_bytes("ten", "0123456789", 10, NULL, 0);
    assert_int_equal(furrow_file_open(path_of("ten"), &fd, &bytes, NULL), FURROW_OK);
    assert_int_equal(bytes, 10);
    assert_int_equal(furrow_file_read(fd, "name", 3, out, 7, NULL), FURROW_OK);
    assert_memory_equal(out, "3456789", 7);
    assert_int_equal(furrow_file_read(fd, "name", 50, out, 0, NULL), FURROW_OK);
    assert_int_equal(furrow_file_read(fd, "name", 3, out, 8, &err), FURROW_ETRUNCATED);
    assert_string_equal(err.text, "name: file ends at byte 10, 1 bytes missing");
    assert_int_equal(furrow_file_read(fd, "name", 20, out, 8, &err), FURROW_ETRUNCATED);
    assert_string_equal(err.text, "name: file ends at byte 10, 18 bytes missing");
    close(fd);
    assert_int_equal(furrow_file_read(fd, "name", 0, out, 1, &err), FURROW_EIO);
    assert_string_equal(err.text, "name: cannot read: Bad file descriptor");
    assert_int_equal(err.sys_errno, EBADF);
}

static void test_file__open_fails(void **state)
{
    furrow_error_t err;
    int64_t bytes;
    int fd;

    (void)state;
    assert_int_equal(furrow_file_open(folder, &fd, &bytes, &err), FURROW_EIO);
    assert_int_equal(err.sys_errno, EISDIR);
    assert_non_null(strstr(err.text, ": cannot read: Is a directory"));
    assert_int_equal(fd, -1);
    assert_int_equal(furrow_file_open(path_of("absent"), &fd, &bytes, &err), FURROW_EIO);
    assert_int_equal(err.sys_errno, ENOENT);
    assert_non_null(strstr(err.text, "/absent: cannot open: No such file or directory"));
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_int_equal(furrow_file_open(path_of("pipe"), &fd, &bytes, &err), FURROW_EIO); /* and does not wait */
    assert_non_null(strstr(err.text, "/pipe: not a regular file"));
    assert_int_equal(furrow_file_open_write(path_of("absent"), &fd, &err), FURROW_EIO);
    assert_non_null(strstr(err.text, "/absent: cannot open for writing: No such file"));
}

/* A pipe gives what it has, in pieces of its own choice. */
static void test_file__read_stream(void **state)
{
    static char sent[100000], received[100001];
    furrow_error_t err;
    int64_t got = -1;
    int ends[2];

    (void)state;
    for (size_t i = 0; i < sizeof sent; i++) sent[i] = (char)(i * 7 + i / 256);
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ssize_t done = write(ends[1], sent, 3);
        for (size_t at = 3; done > 0 && at < sizeof sent; at += (size_t)done)
            done = write(ends[1], sent + at, sizeof sent - at);
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(furrow_file_read_stream(ends[0], "name", received, 5, &got, NULL), FURROW_OK);
    assert_int_equal(got, 5);
    assert_int_equal(furrow_file_read_stream(ends[0], "name", received + 5, sizeof received - 5, &got, NULL),
                     FURROW_OK);
    assert_int_equal(got, sizeof sent - 5);
    assert_memory_equal(received, sent, sizeof sent);
    close(ends[0]);
    assert_int_equal(furrow_file_read_stream(ends[0], "name", received, 1, &got, &err), FURROW_EIO);
    assert_string_equal(err.text, "name: cannot read: Bad file descriptor");
}

static void check_temporary(const char *name)
{
    char *temporary;
    furrow_error_t err;
    struct stat facts;
    int fd, second;

    assert_int_equal(furrow_file_create_beside(path_of(name), &temporary, &fd, &err), FURROW_OK);
    assert_int_equal(count_files(false), 1);
    assert_memory_equal(temporary, folder, strlen(folder)); /* in the same folder, and hidden */
    assert_memory_equal(temporary + strlen(folder), "/.", 2);
    assert_true(strlen(strrchr(temporary, '/') + 1) <= 255);
    assert_int_equal(furrow_file_write(fd, name, 2, "cd", 2, NULL), FURROW_OK);
    assert_int_equal(furrow_file_open_write(temporary, &second, NULL), FURROW_OK);
    assert_int_equal(furrow_file_write(second, name, 0, "ab", 2, NULL), FURROW_OK);
    assert_int_equal(furrow_file_sync(fd, name, NULL), FURROW_OK);
    assert_int_equal(furrow_file_rename(temporary, path_of(name), NULL), FURROW_OK);
    assert_int_equal(count_files(false), 1);
    assert_true(stat(path_of(name), &facts) == 0 && facts.st_size == 4);
    close(fd);
    close(second);
    free(temporary);
    (void)count_files(true);
}

/* Names of any length and in any letters: "a", 255 bytes, and some beyond ASCII. */
static void test_file__temporary(void **state)
{
    char name[256];

    (void)state;
    (void)count_files(true);
    check_temporary("a");
    check_temporary("with blanks and 'quotes' \xc3\xa9");
    for (size_t length = 190; length <= 255; length += 13) {
        memset(name, 'n', length);
        name[length] = '\0';
        check_temporary(name);
    }
}

/* A new file gets what the umask leaves. */
static void test_file__permissions(void **state)
{
    static const mode_t masks[] = {0, 022, 027, 077};
    struct stat facts;
    char *temporary;
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        const mode_t before = umask(masks[i]);
        assert_int_equal(furrow_file_create_beside(path_of("out"), &temporary, &fd, NULL), FURROW_OK);
        assert_int_equal(umask(before), masks[i]); /* left as it was */
        assert_true(fstat(fd, &facts) == 0 && (facts.st_mode & 0777) == (0666 & ~masks[i]));
        close(fd);
        assert_int_equal(unlink(temporary), 0);
        free(temporary);
    }
}

static void refuse_temporary(const char *path, const char *text)
{
    char *temporary = folder;
    furrow_error_t err;
    const int before = count_files(false);
    int fd = 0;

    assert_int_equal(furrow_file_create_beside(path, &temporary, &fd, &err), FURROW_EIO);
    assert_null(temporary);
    assert_int_equal(fd, -1);
    assert_non_null(strstr(err.text, text));
    assert_int_equal(count_files(false), before);
}

static void test_file__no_temporary(void **state)
{
    char name[400];

    (void)state;
    (void)count_files(true);
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    refuse_temporary(path_of("no/such/folder"), "/no/such/folder: cannot create: No such file or directory");
    refuse_temporary(path_of(name), "nnn: cannot create: File name too long");
    refuse_temporary(folder, ": cannot create: Is a directory");
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    refuse_temporary(path_of("pipe"), "/pipe: cannot create: not a regular file"); /* nor a device */
}

static void test_file__rename_fails(void **state)
{
    furrow_error_t err;

    (void)state;
    assert_int_equal(furrow_file_rename(path_of("absent"), path_of("out"), &err), FURROW_EIO);
    assert_non_null(strstr(err.text, "/out: cannot "));
    assert_int_equal(err.sys_errno, ENOENT);
}

/* A disk that is full: the device that always is, and a limit on the size of files, which needs no rights. */
static void test_file__full_disk(void **state)
{
    struct rlimit before, small;
    char *temporary, page[4096] = {0};
    furrow_error_t err;
    int fd;

    (void)state;
    (void)count_files(true);
    assert_int_equal(furrow_file_open_write("/dev/full", &fd, NULL), FURROW_OK);
    assert_int_equal(furrow_file_write(fd, "full", 0, page, sizeof page, &err), FURROW_EIO);
    assert_string_equal(err.text, "full: cannot write: No space left on device");
    assert_int_equal(furrow_file_sync(fd, "full", &err), FURROW_EIO);
    assert_non_null(strstr(err.text, "full: cannot flush to disk: "));
    close(fd);

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10000;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(furrow_file_create_beside(path_of("out"), &temporary, &fd, NULL), FURROW_OK);
    const furrow_status_t fits = furrow_file_reserve(fd, "out", 9000, NULL);
    const furrow_status_t reserved = furrow_file_reserve(fd, "out", 10001, &err);
    const furrow_status_t first = furrow_file_write(fd, "out", 4096, page, sizeof page, NULL);
    furrow_error_t late;
    const furrow_status_t second = furrow_file_write(fd, "out", 8192, page, sizeof page, &late); /* part of it fits */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    close(fd);
    assert_int_equal(unlink(temporary), 0);
    free(temporary);
    assert_int_equal(fits, FURROW_OK);
    assert_int_equal(reserved, FURROW_EIO);
    assert_string_equal(err.text, "out: cannot reserve space: File too large (10001 bytes)");
    assert_int_equal(first, FURROW_OK);
    assert_int_equal(second, FURROW_EIO);
    assert_string_equal(late.text, "out: cannot write: File too large");
}

/* The file has its final size at once, and blocks for it where the file system can tell. */
static void test_file__reserve(void **state)
{
    struct stat facts;
    char *temporary;
    int fd;

    (void)state;
    assert_int_equal(furrow_file_create_beside(path_of("out"), &temporary, &fd, NULL), FURROW_OK);
    assert_int_equal(furrow_file_reserve(fd, "out", 3000000, NULL), FURROW_OK);
    assert_true(fstat(fd, &facts) == 0 && facts.st_size == 3000000);
    close(fd);
    assert_int_equal(unlink(temporary), 0);
    free(temporary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file__read),         cmocka_unit_test(test_file__open_fails),
        cmocka_unit_test(test_file__read_stream),  cmocka_unit_test(test_file__temporary),
        cmocka_unit_test(test_file__permissions),  cmocka_unit_test(test_file__no_temporary),
        cmocka_unit_test(test_file__rename_fails), cmocka_unit_test(test_file__full_disk),
        cmocka_unit_test(test_file__reserve),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
