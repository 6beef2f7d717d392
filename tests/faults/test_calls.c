/* Every call of the library, with its 1st, 2nd, 3rd, ... allocation, open, read, create, write, sync and rename made to
 * fail, on each rank in turn, until there is none left to fail. Each failure must
 *
 *   - come back as the same status, rank and text on all ranks, and name the file where it is one's;
 *   - leave no file behind, an older output as it was, and no descriptor open;
 *   - not spoil the next call, which succeeds.
 *
 * Leaks are for the address sanitizer to find. */
#include "mpi/support.h"

#include "fault.h"

#ifndef FURROW_FAULTS
#error "this test needs the fault points: cmake -DFURROW_FAULTS=ON"
#endif

static const char *const kinds[] = {"alloc", "open", "read", "create", "write", "sync", "rename"};

enum { ROWS = 40000, COLUMNS = 3, FILES = 3, ITEMS = ROWS * COLUMNS };

static const int64_t file_rows[FILES] = {7, ROWS - 1007, 1000};
static const char older[] = "an older output";
static const char *paths[FILES], *fortran_paths[FILES];

/* -------------------------------------------------------------------- calls */

/* A call of the library; FURROW_EMPI stands for a wrong result. */
typedef furrow_status_t call_t(furrow_error_t *err);

static bool is_value(const furrow_reduction_t *r, int64_t group, double expected)
{
    furrow_value_t v;

    return furrow_reduction_value(r, group, FURROW_OP_SUM, &v, NULL) == FURROW_OK && v.re == expected;
}

/* The files hold 1 in every place. */
static furrow_status_t reduce_files(const char *const *names, furrow_source_t source, furrow_reduce_opts_t opts,
                                    furrow_error_t *err)
{
    furrow_dataset_t *d = NULL;
    furrow_reduction_t *r = NULL;
    bool good = true;

    opts.ops = 1u << FURROW_OP_SUM | 1u << FURROW_OP_MAX | 1u << FURROW_OP_NORM2;
    furrow_status_t status = furrow_dataset_open(world.ctx, names, FILES, source, &d, err);
    if (status == FURROW_OK) status = furrow_reduce(d, &opts, &r, err);
    if (status == FURROW_OK) good = is_value(r, 0, opts.axis0 ? ROWS : ITEMS);
    furrow_reduction_free(r);
    furrow_dataset_free(d);
    return good ? status : FURROW_EMPI;
}

static furrow_status_t reduce_shared(furrow_error_t *err)
{
    return reduce_files(paths, FURROW_SOURCE_SHARED, (furrow_reduce_opts_t){0}, err);
}

static furrow_status_t reduce_root(furrow_error_t *err)
{
    return reduce_files(paths, FURROW_SOURCE_ROOT, (furrow_reduce_opts_t){0}, err);
}

static furrow_status_t reduce_sections(furrow_error_t *err)
{
    return reduce_files(fortran_paths, FURROW_SOURCE_SHARED, (furrow_reduce_opts_t){.sections = 5}, err);
}

static furrow_status_t reduce_columns(furrow_error_t *err)
{
    return reduce_files(paths, FURROW_SOURCE_SHARED, (furrow_reduce_opts_t){.axis0 = true}, err);
}

static furrow_status_t reduce_columns_root(furrow_error_t *err)
{
    return reduce_files(fortran_paths, FURROW_SOURCE_ROOT, (furrow_reduce_opts_t){.axis0 = true}, err);
}

static furrow_status_t histogram(furrow_error_t *err)
{
    const furrow_reduce_opts_t opts = {.ops = 1u << FURROW_OP_HIST, .bins = 3, .low = 0, .high = 3};
    double data[] = {0.5, 1.0, 3.0};
    const furrow_array_t part = {.dtype = FURROW_F8, .ndim = 1, .shape = {3}, .data = data};
    furrow_reduction_t *r = NULL;

    furrow_status_t status = furrow_reduce_array(world.ctx, &part, &opts, &r, err);
    if (status == FURROW_OK && furrow_reduction_hist(r, 0)[2] != world.ranks) status = FURROW_EMPI;
    furrow_reduction_free(r);
    return status;
}

static furrow_status_t dot_files(furrow_source_t source, furrow_error_t *err)
{
    furrow_dataset_t *a = NULL, *b = NULL;
    furrow_value_t v = {0};

    furrow_status_t status = furrow_dataset_open(world.ctx, paths, FILES, source, &a, err);
    if (status == FURROW_OK) status = furrow_dataset_open(world.ctx, paths, FILES, source, &b, err);
    if (status == FURROW_OK) status = furrow_dot(a, b, &v, err);
    if (status == FURROW_OK && v.re != ITEMS) status = FURROW_EMPI;
    furrow_dataset_free(a);
    furrow_dataset_free(b);
    return status;
}

static furrow_status_t dot_shared(furrow_error_t *err)
{
    return dot_files(FURROW_SOURCE_SHARED, err);
}

static furrow_status_t dot_root(furrow_error_t *err)
{
    return dot_files(FURROW_SOURCE_ROOT, err);
}

static furrow_status_t dot_in_memory(furrow_error_t *err)
{
    double data[] = {2.0, 3.0};
    const furrow_array_t part = {.dtype = FURROW_F8, .ndim = 1, .shape = {2}, .data = data};
    furrow_value_t v = {0};

    const furrow_status_t status = furrow_dot_arrays(world.ctx, &part, &part, &v, err);
    return status == FURROW_OK && v.re != 13.0 * world.ranks ? FURROW_EMPI : status;
}

static furrow_status_t scatter_and_gather(furrow_error_t *err)
{
    int16_t data[] = {1, 2, 3, 4, 5, 6, 7};
    const furrow_array_t whole = {.dtype = FURROW_I2, .ndim = 1, .shape = {7}, .data = data};
    furrow_array_t part = {0}, again = {0};
    const int root = world.ranks - 1;

    furrow_status_t status = furrow_scatter(world.ctx, root, &whole, NULL, &part, err);
    if (status == FURROW_OK) status = furrow_gather(world.ctx, 0, &part, &again, err);
    if (status == FURROW_OK && world.rank == 0 && memcmp(again.data, data, sizeof data) != 0) status = FURROW_EMPI;
    furrow_array_free(&part);
    furrow_array_free(&again);
    return status;
}

/* Rows that lie in files of other ranks are opened when they are read, which is local: the ranks agree afterwards. */
static furrow_status_t read_rows(const char *const *names, furrow_error_t *err)
{
    enum { AROUND = 2000 };
    double out[2 * AROUND * COLUMNS];
    furrow_dataset_t *d = NULL;

    furrow_status_t status = furrow_dataset_open(world.ctx, names, FILES, FURROW_SOURCE_SHARED, &d, err);
    if (status == FURROW_OK) {
        status = furrow_dataset_read(d, 0, AROUND, out, err);
        if (status == FURROW_OK) status = furrow_dataset_read(d, ROWS - AROUND, AROUND, out + AROUND * COLUMNS, err);
        for (int i = 0; i < LENGTH(out) && status == FURROW_OK; i++)
            if (out[i] != 1.0) status = FURROW_EMPI;
        status = furrow_agree(world.ctx, status, err);
    }
    furrow_dataset_free(d);
    return status;
}

static furrow_status_t read_c_rows(furrow_error_t *err)
{
    return read_rows(paths, err);
}

static furrow_status_t read_fortran_rows(furrow_error_t *err)
{
    return read_rows(fortran_paths, err);
}

static furrow_status_t write_random(furrow_error_t *err)
{
    const int64_t shape[] = {50000};

    return furrow_random_file(world.ctx, path_of("out"), FURROW_SOURCE_SHARED, 3, FURROW_UNIFORM, FURROW_F8, 1, shape,
                              err);
}

static furrow_status_t write_output(furrow_error_t *err)
{
    const int64_t shape[] = {10 * world.ranks};
    const int32_t data[10] = {1};
    furrow_output_t *o = NULL;

    furrow_status_t status = furrow_output_create(world.ctx, path_of("out"), FURROW_I4, 1, shape, &o, err);
    if (status != FURROW_OK) return status;
    status = furrow_output_write(o, 10 * world.rank, 10, data, err);
    return furrow_output_commit(o, status, err);
}

static furrow_status_t copy_rows(const char *const *names, furrow_error_t *err)
{
    furrow_dataset_t *d = NULL;

    furrow_status_t status = furrow_dataset_open(world.ctx, names, FILES, FURROW_SOURCE_SHARED, &d, err);
    if (status == FURROW_OK) status = furrow_copy(d, (furrow_range_t){1, ROWS}, path_of("out"), err);
    furrow_dataset_free(d);
    return status;
}

static furrow_status_t copy_c_rows(furrow_error_t *err)
{
    return copy_rows(paths, err);
}

static furrow_status_t copy_fortran_rows(furrow_error_t *err)
{
    return copy_rows(fortran_paths, err);
}

/* What each call does, as the first letters of `kinds`: on rank 0, and on the others. */
static const struct {
    const char *name;
    call_t *call;
    const char *on_first, *on_others;
    bool writes;
} calls[] = {
    {"reduce shared", reduce_shared, "aor", "aor", false},
    {"reduce root", reduce_root, "aor", "a", false},
    {"reduce sections", reduce_sections, "aor", "aor", false},
    {"reduce columns", reduce_columns, "aor", "aor", false},
    {"reduce columns root", reduce_columns_root, "aor", "a", false},
    {"histogram", histogram, "a", "a", false},
    {"dot shared", dot_shared, "aor", "aor", false},
    {"dot root", dot_root, "aor", "a", false},
    {"dot in memory", dot_in_memory, "a", "a", false},
    {"scatter and gather", scatter_and_gather, "a", "a", false},
    {"read rows", read_c_rows, "aor", "aor", false},
    {"read Fortran rows", read_fortran_rows, "aor", "aor", false},
    {"random", write_random, "acwsm", "aows", true},
    {"output", write_output, "acwsm", "aows", true},
    {"copy", copy_c_rows, "aorcwsm", "aorws", true},
    {"copy Fortran rows", copy_fortran_rows, "aorcwsm", "aorws", true},
};

static char letter_of(int kind)
{
    return "aorcwsm"[kind]; /* m: renaMe, as r is taken */
}

/* ------------------------------------------------------------------- the loop */

static int open_descriptors(void)
{
    return count_entries("/proc/self/fd");
}

static void put_older(void)
{
    put_file("out", older, sizeof older, NULL, 0);
}

static bool is_older(void)
{
    size_t bytes;
    char *data = get_file("out", &bytes);
    const bool same = data != NULL && bytes == sizeof older && memcmp(data, older, bytes) == 0;

    free(data);
    return same;
}

/* The nth operation of a kind on one rank fails. Collective. \return false if there was none. */
static bool try_fault(int call, int kind, int nth, int rank, int entries)
{
    const bool memory = letter_of(kind) == 'a';
    const int descriptors = open_descriptors();
    char fault[64];
    furrow_error_t err = {0};

    (void)snprintf(fault, sizeof fault, "%s:%d:%d", kinds[kind], nth, rank);
    (void)furrow_fault_reset();
    (void)setenv("FURROW_FAULT", fault, 1);
    const furrow_status_t status = calls[call].call(&err);
    (void)unsetenv("FURROW_FAULT");
    int hit = furrow_fault_reset() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &hit, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    bool good = status == FURROW_OK;
    if (hit != 0)
        good = failed_alike(status, &err, memory ? FURROW_ENOMEM : FURROW_EIO, rank,
                            memory ? "out of memory" : world.folder);
    MPI_Barrier(MPI_COMM_WORLD);
    good = good && open_descriptors() == descriptors && count_entries(world.folder) == entries;
    if (calls[call].writes) good = good && is_older() == (hit != 0);
    if (!good)
        (void)fprintf(stderr, "rank %d: %s with %s: status %d, %s\n", world.rank, calls[call].name, fault, status,
                      err.text);
    ASSERT_ALL(good);
    return hit != 0;
}

/* All faults of one kind on one rank, and after each of them the call without. */
static void try_kind(int call, int kind, int rank)
{
    const char *does = rank == 0 ? calls[call].on_first : calls[call].on_others;
    const bool expected = strchr(does, letter_of(kind)) != NULL;
    const int entries = count_entries(world.folder);
    int nth = 1;

    MPI_Barrier(MPI_COMM_WORLD); /* counted before rank 0 makes its first temporary */
    for (; try_fault(call, kind, nth, rank, entries); nth++) {
        ASSERT_ALL(calls[call].call(NULL) == FURROW_OK && count_entries(world.folder) == entries);
        if (calls[call].writes) put_older();
    }
    if (calls[call].writes) put_older();
    if (expected != (nth > 1))
        (void)fprintf(stderr, "%s: %d faults of kind %s on rank %d\n", calls[call].name, nth - 1, kinds[kind], rank);
    ASSERT_ALL(expected == (nth > 1));
}

static void test_calls__every_fault(void **state)
{
    (void)state;
    for (int call = 0; call < LENGTH(calls); call++)
        for (int kind = 0; kind < LENGTH(kinds); kind++)
            for (int rank = 0; rank < world.ranks; rank++) try_kind(call, kind, rank);
}

static int put_inputs(void **state)
{
    static double ones[ITEMS];
    static const char *const names[] = {"c0", "c1", "c2", "f0", "f1", "f2"};
    char shape[32];

    (void)state;
    for (int i = 0; i < ITEMS; i++) ones[i] = 1.0;
    for (int f = 0; f < 2 * FILES; f++) {
        (void)snprintf(shape, sizeof shape, "(%d, %d)", (int)file_rows[f % FILES], COLUMNS);
        put_npy(names[f], "<f8", f >= FILES, shape, ones, (size_t)file_rows[f % FILES] * COLUMNS * sizeof *ones);
    }
    for (int f = 0; f < FILES; f++) {
        paths[f] = strdup(path_of(names[f]));
        fortran_paths[f] = strdup(path_of(names[f + FILES]));
    }
    put_older();
    return 0;
}

static int forget_inputs(void **state)
{
    (void)state;
    for (int f = 0; f < FILES; f++) {
        free((void *)(uintptr_t)paths[f]);
        free((void *)(uintptr_t)fortran_paths[f]);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls__every_fault)};
    int failed;

    open_world();
    failed = cmocka_run_group_tests(tests, put_inputs, forget_inputs);
    close_world();
    return failed;
}
