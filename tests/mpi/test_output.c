/* Outputs: the file that all ranks write appears whole, under its name, at the commit; or not at all, and then nothing
 * is left and what stood there is untouched. */
#include "support.h"

#include "edges.h"

enum { ROWS = 1003, COLUMNS = 5, ITEMS = ROWS * COLUMNS };

static const int64_t shape[] = {ROWS, COLUMNS};
static const char older[] = "what stood there before";

static double value_at(int64_t i)
{
    return (double)i * 0.5 - 7.0;
}

/* In steps of different length. */
static furrow_status_t write_range(furrow_output_t *o, furrow_range_t own)
{
    double data[100];
    furrow_status_t status = FURROW_OK;

    for (int64_t at = own.start, n = 1; at < own.stop && status == FURROW_OK; at += n, n = n % 100 + 1) {
        if (n > own.stop - at) n = own.stop - at;
        for (int64_t i = 0; i < n; i++) data[i] = value_at(at + i);
        status = furrow_output_write(o, at, n, data, NULL);
    }
    return status;
}

/* This rank's elements. */
static furrow_status_t write_own(furrow_output_t *o)
{
    return write_range(o, furrow_split(ITEMS, world.ranks, world.rank));
}

static bool is_whole(const char *name)
{
    double data[ITEMS];

    for (int64_t i = 0; i < ITEMS; i++) data[i] = value_at(i);
    return npy_holds(name, data, sizeof data);
}

static bool is_older(const char *name)
{
    size_t bytes;
    char *data = get_file(name, &bytes);
    const bool same = data != NULL && bytes == sizeof older && memcmp(data, older, bytes) == 0;

    free(data);
    return same;
}

static furrow_output_t *create(const char *name)
{
    furrow_output_t *o = NULL;

    ASSERT_ALL(furrow_output_create(world.ctx, path_of(name), FURROW_F8, 2, shape, &o, NULL) == FURROW_OK && o != NULL);
    return o;
}

/* Collective: the sections of all ranks join without gaps, and begin where a block of the file does. */
static bool sections_join(const furrow_output_t *o, int64_t items, int64_t size, int64_t offset)
{
    const furrow_range_t own = furrow_output_section(o);
    int64_t edges[64][2];
    bool good = world.ranks <= LENGTH(edges);

    MPI_Allgather(&own, 2, MPI_INT64_T, edges, 2, MPI_INT64_T, MPI_COMM_WORLD);
    for (int r = 0; r < world.ranks; r++) {
        const int64_t start = edges[r][0], byte = offset + start * size;
        good = good && start == (r == 0 ? 0 : edges[r - 1][1]) && start <= edges[r][1];
        good = good && (start == 0 || start == items || byte % FURROW_FILE_BLOCK == 0);
    }
    return good && edges[world.ranks - 1][1] == items;
}

static void test_output__section(void **state)
{
    const int64_t many[] = {5 * FURROW_FILE_BLOCK + 1};
    furrow_output_t *o = create("new.npy");

    (void)state;
    ASSERT_ALL(sections_join(o, ITEMS, 8, 128));
    ASSERT_ALL(furrow_output_commit(o, write_range(o, furrow_output_section(o)), NULL) == FURROW_OK);
    ASSERT_ALL(is_whole("new.npy"));
    ASSERT_ALL(furrow_output_create(world.ctx, path_of("many"), FURROW_U1, 1, many, &o, NULL) == FURROW_OK);
    const furrow_range_t own = furrow_output_section(o);
    ASSERT_ALL(sections_join(o, many[0], 1, 128) && (own.start < own.stop));
    ASSERT_ALL(furrow_output_commit(o, FURROW_ECANCELED, NULL) == FURROW_ECANCELED);
    ASSERT_ALL(furrow_output_create_on_root(world.ctx, path_of("many"), FURROW_U1, 1, many, &o, NULL) == FURROW_OK);
    const furrow_range_t all = furrow_output_section(o);
    ASSERT_ALL(all.start == 0 && all.stop == (world.rank == 0 ? many[0] : 0));
    ASSERT_ALL(furrow_output_commit(o, FURROW_ECANCELED, NULL) == FURROW_ECANCELED);
    clear_folder();
}

static void test_output__written_by_all(void **state)
{
    furrow_npy_t npy;

    (void)state;
    furrow_output_t *o = create("new.npy");
    ASSERT_ALL(access(path_of("new.npy"), F_OK) != 0); /* not before the commit */
    ASSERT_ALL(furrow_output_commit(o, write_own(o), NULL) == FURROW_OK);
    ASSERT_ALL(is_whole("new.npy") && count_entries(world.folder) == 1);
    ASSERT_ALL(furrow_npy_read(path_of("new.npy"), &npy, NULL) == FURROW_OK);
    ASSERT_ALL(npy.dtype == FURROW_F8 && npy.ndim == 2 && npy.shape[0] == ROWS && npy.shape[1] == COLUMNS);
    ASSERT_ALL(!npy.fortran_order && !npy.swapped);
    clear_folder();
}

/* Who holds the older file open keeps seeing it whole: it is replaced, not overwritten. */
static void test_output__replaces_at_once(void **state)
{
    char seen[sizeof older] = {0};

    (void)state;
    put_file("out.npy", older, sizeof older, NULL, 0);
    const int fd = open(path_of("out.npy"), O_RDONLY | O_CLOEXEC);
    furrow_output_t *o = create("out.npy");
    const furrow_status_t written = write_own(o);
    ASSERT_ALL(is_older("out.npy"));
    MPI_Barrier(MPI_COMM_WORLD);
    ASSERT_ALL(furrow_output_commit(o, written, NULL) == FURROW_OK);
    ASSERT_ALL(is_whole("out.npy") && count_entries(world.folder) == 1);
    ASSERT_ALL(fd >= 0 && pread(fd, seen, sizeof seen, 0) == sizeof seen && memcmp(seen, older, sizeof seen) == 0);
    close(fd);
    clear_folder();
}

/* One rank's own work fails: each rank in turn. */
static void test_output__failure_leaves_nothing(void **state)
{
    (void)state;
    for (int odd = 0; odd < world.ranks; odd++)
        for (int is_new = 0; is_new < 2; is_new++) {
            furrow_error_t err = {.status = FURROW_ETRUNCATED, .text = "that rank's own text"};
            if (!is_new) put_file("out.npy", older, sizeof older, NULL, 0);
            furrow_output_t *o = create("out.npy");
            furrow_status_t status = write_own(o);
            if (world.rank == odd) status = FURROW_ETRUNCATED;
            status = furrow_output_commit(o, status, &err);
            ASSERT_ALL(failed_alike(status, &err, FURROW_ETRUNCATED, odd, "that rank's own text"));
            ASSERT_ALL(is_new ? count_entries(world.folder) == 0
                              : count_entries(world.folder) == 1 && is_older("out.npy"));
            clear_folder();
        }
}

/* The last step fails, on rank 0 alone: something stands there that cannot be replaced. */
static void test_output__rename_fails(void **state)
{
    furrow_error_t err = {0};

    (void)state;
    furrow_output_t *o = create("out.npy");
    const furrow_status_t written = write_own(o);
    if (world.rank == 0) (void)mkdir(path_of("out.npy"), 0700);
    MPI_Barrier(MPI_COMM_WORLD);
    const furrow_status_t status = furrow_output_commit(o, written, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EIO, 0, "out.npy: cannot "));
    ASSERT_ALL(count_entries(world.folder) == 1 && count_entries(path_of("out.npy")) == 0);
    clear_folder();
}

static void refuse(const char *path, furrow_dtype_t dtype, int ndim, const int64_t *lengths, furrow_status_t expected,
                   const char *text)
{
    const int before = count_entries(world.folder);
    furrow_output_t *o = (furrow_output_t *)&world;
    furrow_error_t err;

    MPI_Barrier(MPI_COMM_WORLD);
    const furrow_status_t status = furrow_output_create(world.ctx, path, dtype, ndim, lengths, &o, &err);
    ASSERT_ALL(failed_alike(status, &err, expected, 0, text));
    ASSERT_ALL(o == NULL && count_entries(world.folder) == before);
}

static void test_output__cannot_be_created(void **state)
{
    static const int64_t negative[] = {3, -1}, huge[] = {INT64_C(1) << 40, INT64_C(1) << 40},
                         too_big[] = {INT64_C(1) << 59};
    char long_name[400];

    (void)state;
    memset(long_name, 'n', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    refuse(path_of("no/such/out.npy"), FURROW_F8, 2, shape, FURROW_EIO, "no/such/out.npy: cannot create: No such file");
    refuse(path_of(long_name), FURROW_F8, 2, shape, FURROW_EIO, "cannot create: File name too long");
    refuse(world.folder, FURROW_F8, 2, shape, FURROW_EIO, "cannot create: Is a directory");
    if (world.rank == 0 && mkfifo(path_of("pipe"), 0600) != 0) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Barrier(MPI_COMM_WORLD);
    refuse(path_of("pipe"), FURROW_F8, 2, shape, FURROW_EIO,
           "pipe: cannot create: not a regular file"); /* nor a device */
    refuse("", FURROW_F8, 2, shape, FURROW_EARG, "no name");
    refuse(NULL, FURROW_F8, 2, shape, FURROW_EARG, "no name");
    refuse(path_of("out"), FURROW_F8, 2, NULL, FURROW_EARG, "out: 2 dimensions");
    refuse(path_of("out"), FURROW_F8, -1, shape, FURROW_EARG, "out: -1 dimensions");
    refuse(path_of("out"), FURROW_F8, 65, shape, FURROW_EARG, "out: 65 dimensions, at most 64");
    refuse(path_of("out"), FURROW_F8, 2, negative, FURROW_EOVERFLOW, "negative length");
    refuse(path_of("out"), FURROW_F8, 2, huge, FURROW_EOVERFLOW, "more than 2^63");
    refuse(path_of("out"), FURROW_F8, 1, too_big, FURROW_EIO, "out: cannot reserve space: "); /* 2^62 bytes */
    clear_folder();
}

static void test_output__writes_out_of_range(void **state)
{
    static const int64_t wrong[][2] = {{-1, 1},       {0, -1}, {ITEMS, 1}, {ITEMS - 1, 2}, {INT64_MAX, INT64_MAX},
                                       {1, INT64_MAX}};
    const double data[2] = {0};
    furrow_error_t err;

    (void)state;
    furrow_output_t *o = create("out.npy");
    for (int i = 0; i < LENGTH(wrong); i++) {
        ASSERT_ALL(furrow_output_write(o, wrong[i][0], wrong[i][1], data, &err) == FURROW_EARG);
        ASSERT_ALL(strstr(err.text, "out.npy: ") != NULL && strstr(err.text, "not within its 5015") != NULL);
    }
    ASSERT_ALL(furrow_output_write(o, ITEMS, 0, data, NULL) == FURROW_OK);
    ASSERT_ALL(furrow_output_commit(o, FURROW_EARG, NULL) == FURROW_EARG);
    ASSERT_ALL(count_entries(world.folder) == 0);
}

/* A relative name, a single value, no rows, and the permissions that any new file gets. */
static void test_output__shapes_and_names(void **state)
{
    const int64_t none[] = {0, 3};
    const float value = 2.5f;
    struct stat facts;
    furrow_output_t *o;
    char before[1024];

    (void)state;
    ASSERT_ALL(getcwd(before, sizeof before) != NULL && chdir(world.folder) == 0);
    const mode_t mask = umask(027);
    furrow_status_t status = furrow_output_create(world.ctx, "single", FURROW_F4, 0, NULL, &o, NULL);
    ASSERT_ALL(status == FURROW_OK);
    if (world.rank == world.ranks - 1) status = furrow_output_write(o, 0, 1, &value, NULL);
    ASSERT_ALL(furrow_output_commit(o, status, NULL) == FURROW_OK && npy_holds("single", &value, sizeof value));
    ASSERT_ALL(stat("single", &facts) == 0 && (facts.st_mode & 0777) == 0640);
    ASSERT_ALL(furrow_output_create(world.ctx, "none", FURROW_C16, 2, none, &o, NULL) == FURROW_OK);
    ASSERT_ALL(furrow_output_commit(o, FURROW_OK, NULL) == FURROW_OK);
    ASSERT_ALL(npy_holds("none", "", 0));
    (void)umask(mask);
    ASSERT_ALL(chdir(before) == 0 && count_entries(world.folder) == 2);
    clear_folder();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output__section),
        cmocka_unit_test(test_output__written_by_all),
        cmocka_unit_test(test_output__replaces_at_once),
        cmocka_unit_test(test_output__failure_leaves_nothing),
        cmocka_unit_test(test_output__rename_fails),
        cmocka_unit_test(test_output__cannot_be_created),
        cmocka_unit_test(test_output__writes_out_of_range),
        cmocka_unit_test(test_output__shapes_and_names),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
