/* A folder for the files of a test program: make_folder() and remove_folder() as setup and teardown of its group. */
#ifndef FURROW_TESTS_FILES_H
#define FURROW_TESTS_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[512];

static inline int make_folder(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)state;
    (void)snprintf(folder, sizeof folder, "%.400s/furrow-unit-XXXXXX", parent != NULL ? parent : P_tmpdir);
    return mkdtemp(folder) == NULL;
}

/* "<folder>/<name>", in one of a few buffers in turn. */
static inline const char *path_of(const char *name)
{
    static char path[8][1024];
    static int next;

    next = (next + 1) % 8;
    (void)snprintf(path[next], sizeof path[next], "%.500s/%.500s", folder, name);
    return path[next];
}

/* Entries of the folder, hidden ones too; `remove_them` removes them as well. */
static inline int count_files(bool remove_them)
{
    DIR *entries = opendir(folder);
    int count = 0;

    for (struct dirent *e; entries != NULL && (e = readdir(entries)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        count++;
        if (remove_them && unlink(path_of(e->d_name)) != 0) (void)rmdir(path_of(e->d_name));
    }
    if (entries != NULL) (void)closedir(entries);
    return count;
}

static inline int remove_folder(void **state)
{
    (void)state;
    (void)count_files(true);
    return rmdir(folder);
}

static inline void put_bytes(const char *name, const void *header, size_t header_bytes, const void *data, size_t bytes)
{
    FILE *file = fopen(path_of(name), "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(header, 1, header_bytes, file), header_bytes);
    if (bytes > 0) assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* An .npy file of version 1.0; `shape` as Python prints it. */
static inline void put_npy(const char *name, const char *descr, bool fortran, const char *shape, const void *data,
                           size_t bytes)
{
    enum { SIZE = 128 };
    char header[SIZE + 1];
    const int used = snprintf(header + 10, SIZE - 10, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr,
                              fortran ? "True" : "False", shape);

    assert_true(used < SIZE - 10);
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
    memset(header + 10 + used, ' ', (size_t)(SIZE - 10 - used));
    header[SIZE - 1] = '\n';
    put_bytes(name, header, SIZE, data, bytes);
}

#endif
