/* What the programs of this folder share. They run under mpirun, all ranks the same tests in the same order.
 *
 * An assertion of cmocka jumps out of the test: on one rank alone it would leave the others waiting. So ranks put their
 * verdicts together first, by plain MPI and not by what is under test, and then all assert the same: ASSERT_ALL(), from
 * every rank. */
#ifndef FURROW_TESTS_SUPPORT_H
#define FURROW_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "furrow.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof *(a)))

static struct {
    furrow_context_t *ctx, *joined;
    int rank, ranks;
    char folder[512]; /* of this run, seen by all ranks, removed at the end */
} world;

/* ---------------------------------------------------------------- verdicts */

static inline void assert_all(bool mine, const char *expression, const char *file, int line)
{
    struct {
        int verdict, rank;
    } own = {mine ? 1 : 0, world.rank}, worst;
    char text[256];

    MPI_Allreduce(&own, &worst, 1, MPI_2INT, MPI_MINLOC, MPI_COMM_WORLD);
    (void)snprintf(text, sizeof text, "on rank %d of %d: %s", worst.rank, world.ranks, expression);
    _assert_true((LargestIntegralType)worst.verdict, text, file, line);
}

/* Collective: the expression holds on every rank. */
#define ASSERT_ALL(expression) assert_all((expression), #expression, __FILE__, __LINE__)

/* Collective: this rank's bytes are those of rank 0. The verdict is this rank's own. */
static inline bool same_on_all(const void *data, size_t bytes)
{
    char *copy = malloc(bytes + 1);
    bool same = copy != NULL;

    if (!same) abort();
    memcpy(copy, data, bytes);
    MPI_Bcast(copy, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
    same = memcmp(copy, data, bytes) == 0;
    free(copy);
    return same;
}

/* Collective: all ranks hold that status, from that rank (-1: whichever), in the same line, which contains `text`. */
static inline bool failed_alike(furrow_status_t status, const furrow_error_t *err, furrow_status_t expected, int rank,
                                const char *text)
{
    const bool same = same_on_all(&status, sizeof status) && same_on_all(err, sizeof *err);

    if (status == expected && err->status == expected && (rank < 0 || err->rank == rank) && same &&
        strchr(err->text, '\n') == NULL && strstr(err->text, text) != NULL)
        return true;
    (void)fprintf(stderr, "rank %d: expected %s from rank %d with '%s', got %s from rank %d: %s\n", world.rank,
                  furrow_status_text(expected), rank, text, furrow_status_text(status), err->rank, err->text);
    return false;
}

/* --------------------------------------------------------- start and end */

static inline void remove_files(void)
{
    DIR *folder = opendir(world.folder);
    char path[1024];

    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        (void)snprintf(path, sizeof path, "%s/%s", world.folder, e->d_name);
        if (e->d_name[0] != '.' || strlen(e->d_name) > 2) (void)(unlink(path) != 0 && rmdir(path) != 0);
    }
    if (folder != NULL) (void)closedir(folder);
}

static inline void open_world(void)
{
    const furrow_context_opts_t opts = {.threads = 2};
    const char *parent = getenv("TMPDIR");

    if (furrow_context_open(&opts, &world.ctx, NULL) != FURROW_OK) abort();
    MPI_Comm_rank(MPI_COMM_WORLD, &world.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world.ranks);
    (void)snprintf(world.folder, sizeof world.folder, "%.400s/furrow-mpi-XXXXXX", parent != NULL ? parent : P_tmpdir);
    if (world.rank == 0 && mkdtemp(world.folder) == NULL) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Bcast(world.folder, (int)sizeof world.folder, MPI_BYTE, 0, MPI_COMM_WORLD);
    if (world.rank != 0 && freopen("/dev/null", "w", stdout) == NULL) abort(); /* one list of passed tests */
}

static inline void close_world(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    if (world.rank == 0) {
        remove_files();
        (void)rmdir(world.folder);
    }
    furrow_context_close(world.ctx);
}

/* Collective, from a test: from here to join_nodes() every rank takes itself to be alone on its node. In builds without
 * fault points they share it, as ever. */
static inline void part_nodes(void)
{
    const furrow_context_opts_t opts = {.threads = 2};

    world.joined = world.ctx;
    (void)setenv("FURROW_FAULT_NODES", "1", 1);
    const furrow_status_t status = furrow_context_open(&opts, &world.ctx, NULL);
    (void)unsetenv("FURROW_FAULT_NODES");
    ASSERT_ALL(status == FURROW_OK);
#ifdef FURROW_FAULTS
    ASSERT_ALL(furrow_context_node_ranks(world.ctx) == 1);
#endif
}

static inline void join_nodes(void)
{
    furrow_context_close(world.ctx);
    world.ctx = world.joined;
}

/* The body of main. */
#define RUN_TESTS(tests, failures)                                                                                     \
    do {                                                                                                               \
        open_world();                                                                                                  \
        (failures) = cmocka_run_group_tests(tests, NULL, NULL);                                                        \
        close_world();                                                                                                 \
    } while (0)

/* ------------------------------------------------------------------ files */

/* "<folder>/<name>", in one of a few buffers in turn. */
static inline const char *path_of(const char *name)
{
    static char path[16][1024];
    static int next;

    next = (next + 1) % LENGTH(path);
    (void)snprintf(path[next], sizeof path[next], "%s/%s", world.folder, name);
    return path[next];
}

/* Collective: rank 0 writes a file; afterwards all ranks see it. */
static inline void put_file(const char *name, const void *header, size_t header_bytes, const void *data, size_t bytes)
{
    FILE *file = world.rank == 0 ? fopen(path_of(name), "wb") : NULL;

    if (world.rank == 0 && (file == NULL || fwrite(header, 1, header_bytes, file) != header_bytes ||
                            (bytes > 0 && fwrite(data, 1, bytes, file) != bytes) || fclose(file) != 0))
        MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* Collective: an .npy file, its header written here and not by the library. `shape` as Python prints it: "(3, 4)". */
static inline void put_npy(const char *name, const char *descr, bool fortran, const char *shape, const void *data,
                           size_t bytes)
{
    enum { SIZE = 256 };
    char header[SIZE + 1];
    const int used = snprintf(header + 10, SIZE - 10, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr,
                              fortran ? "True" : "False", shape);

    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)((SIZE - 10) % 256);
    header[9] = (char)((SIZE - 10) / 256);
    memset(header + 10 + used, ' ', (size_t)(SIZE - 10 - used));
    header[SIZE - 1] = '\n';
    put_file(name, header, SIZE, data, bytes);
}

/* The bytes of a file, to be freed; NULL if there is none. Local. */
static inline char *get_file(const char *name, size_t *bytes)
{
    struct stat facts;
    FILE *file = fopen(path_of(name), "rb");
    char *data = NULL;

    *bytes = 0;
    if (file == NULL) return NULL;
    if (fstat(fileno(file), &facts) == 0 && (data = malloc((size_t)facts.st_size + 1)) != NULL)
        *bytes = fread(data, 1, (size_t)facts.st_size, file);
    (void)fclose(file);
    return data;
}

/* The data of an .npy file of version 1.0 holds exactly these bytes. Local. */
static inline bool npy_holds(const char *name, const void *data, size_t bytes)
{
    size_t size;
    char *all = get_file(name, &size);
    const size_t offset = size < 10 ? 0 : 10u + (unsigned char)all[8] + 256u * (unsigned char)all[9];
    const bool holds = size == offset + bytes && offset > 0 && memcmp(all + offset, data, bytes) == 0;

    free(all);
    return holds;
}

/* Entries of a folder, hidden ones too. Local. */
static inline int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;

    if (folder == NULL) return -1;
    for (struct dirent *e; (e = readdir(folder)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) count++;
    (void)closedir(folder);
    return count;
}

/* Collective: an empty folder for the next test. */
static inline void clear_folder(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    if (world.rank == 0) remove_files();
    MPI_Barrier(MPI_COMM_WORLD);
}

#endif
