/* furrow_rows() with its 1st, 2nd, 3rd, ... operation of a kind made to fail, on each rank in turn, until there is none
 * left to fail: the same status and text on all ranks, an older output as it was, no descriptor open; and the same call
 * with `resume` then gives the whole output and leaves nothing beside it. Which rank reads what is chance, so only rank
 * 0 must have met each kind. */
#include "mpi/support.h"

#include "fault.h"

#ifndef FURROW_FAULTS
#error "this test needs the fault points: cmake -DFURROW_FAULTS=ON"
#endif

enum { ROWS = 400, COLUMNS = 500 };

static const char *const kinds[] = {"open", "read", "create", "sync", "rename", "alloc", "write"};
enum { SYNC = 3, ALLOC = 5, OF_HOSTS = ALLOC }; /* from there on it matters who shares a host */
static const char older[] = "an older output";

static furrow_status_t rows_of_files(furrow_source_t source, bool resume, furrow_error_t *err)
{
    const char *paths[] = {path_of("a"), path_of("b")};
    const furrow_rows_opts_t opts = {.op = FURROW_ROW_DOT, .with = path_of("with"), .resume = resume};
    furrow_rows_report_t report = {0};
    furrow_dataset_t *d = NULL;

    furrow_status_t status = furrow_dataset_open(world.ctx, paths, LENGTH(paths), source, &d, err);
    if (status == FURROW_OK) status = furrow_rows(d, &opts, path_of("out"), &report, err);
    furrow_rows_report_free(&report);
    furrow_dataset_free(d);
    return status;
}

/* One sum of row i, which holds i in every place, per row; the vector holds 1. */
static bool is_right(void)
{
    static double expected[ROWS];

    for (int i = 0; i < ROWS; i++) expected[i] = (double)i * COLUMNS;
    return npy_holds("out", expected, sizeof expected);
}

static bool is_older(void)
{
    size_t bytes;
    char *data = get_file("out", &bytes);
    const bool same = data != NULL && bytes == sizeof older && memcmp(data, older, bytes) == 0;

    free(data);
    return same;
}

/* What did not get to the disk must not be taken for done. */
static bool is_kept(void)
{
    return access(path_of(".out.furrow-part"), F_OK) == 0;
}

/* Collective. \return false if there was no nth operation of that kind on that rank. */
static bool try_fault(furrow_source_t source, int kind, int nth, int rank, int entries)
{
    const int descriptors = count_entries("/proc/self/fd");
    char fault[64];
    furrow_error_t err = {0};

    put_file("out", older, sizeof older, NULL, 0);
    (void)snprintf(fault, sizeof fault, "%s:%d:%d", kinds[kind], nth, rank);
    (void)furrow_fault_reset();
    (void)setenv("FURROW_FAULT", fault, 1);
    const furrow_status_t status = rows_of_files(source, false, &err);
    (void)unsetenv("FURROW_FAULT");
    int hit = furrow_fault_reset() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &hit, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    bool good = status == FURROW_OK && is_right();
    if (status != FURROW_OK)
        good = failed_alike(status, &err, kind == ALLOC ? FURROW_ENOMEM : FURROW_EIO, rank,
                            kind == ALLOC ? "out of memory" : "cannot");
    good = good && (status != FURROW_OK) == is_older() && (hit != 0 || status == FURROW_OK);
    good = good && count_entries("/proc/self/fd") == descriptors && (kind != SYNC || status == FURROW_OK || !is_kept());
    if (!good) (void)fprintf(stderr, "rank %d: %s: status %d, %s\n", world.rank, fault, status, err.text);
    ASSERT_ALL(good);
    ASSERT_ALL(rows_of_files(source, true, NULL) == FURROW_OK);
    ASSERT_ALL(is_right() && count_entries(world.folder) == entries);
    return hit != 0;
}

static void try_all(furrow_source_t source, int first_kind)
{
    const int entries = count_entries(world.folder);

    MPI_Barrier(MPI_COMM_WORLD);
    for (int kind = first_kind; kind < LENGTH(kinds); kind++)
        for (int rank = 0; rank < world.ranks; rank++) {
            int nth = 1;
            for (; try_fault(source, kind, nth, rank, entries); nth += nth < 12 ? 1 : 5) { /* later ones are alike */
            }
            ASSERT_ALL(nth > 1 || rank > 0);
        }
}

static void test_rows__every_fault(void **state)
{
    (void)state;
    try_all(FURROW_SOURCE_SHARED, 0);
}

/* What one computes is mostly for another to write. */
static void test_rows__faults_of_hosts(void **state)
{
    (void)state;
    if (world.ranks == 1) return;
    part_nodes();
    try_all(FURROW_SOURCE_SHARED, OF_HOSTS);
    join_nodes();
}

static void test_rows__every_fault_of_rows_that_travel(void **state)
{
    (void)state;
    try_all(FURROW_SOURCE_ROOT, 0);
}

static int put_inputs(void **state)
{
    static float a[ROWS * COLUMNS];

    (void)state;
    for (int i = 0; i < ROWS * COLUMNS; i++) a[i] = (float)(i / COLUMNS);
    put_npy("a", "<f4", false, "(150, 500)", a, 150 * COLUMNS * sizeof *a);
    put_npy("b", "<f4", false, "(250, 500)", a + 150 * COLUMNS, 250 * COLUMNS * sizeof *a);
    for (int i = 0; i < COLUMNS; i++) a[i] = 1;
    put_npy("with", "<f4", false, "(500,)", a, COLUMNS * sizeof *a);
    put_file("out", older, sizeof older, NULL, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows__every_fault),
                                       cmocka_unit_test(test_rows__faults_of_hosts),
                                       cmocka_unit_test(test_rows__every_fault_of_rows_that_travel)};
    int failed;

    open_world();
    failed = cmocka_run_group_tests(tests, put_inputs, NULL);
    close_world();
    return failed;
}
