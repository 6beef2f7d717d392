/* Datasets: several files are one array, whatever their byte order, order and number of rows; any rank reads any rows;
 * and what does not fit together is the same error on every rank. Element (row, column) is 1000 * row + column
 * everywhere. */
#include "support.h"

enum { ROWS = 13, FILES = 7, COLUMNS = 6 /* as (2, 3) */ };

static const int64_t file_rows[FILES] = {0, 3, 0, 5, 1, 4, 0};
static const char *const file_names[FILES] = {"a", "b", "c", "d", "e", "f", "g"};

static int32_t value_at(int64_t row, int64_t column)
{
    return (int32_t)(1000 * row + column);
}

static int32_t swapped(int32_t value)
{
    return (int32_t)__builtin_bswap32((uint32_t)value);
}

/* Rows [first, first + rows) as an i4 file of shape (rows, 2, 3); big endian on a little endian machine if `swap`. */
static void put_rows(const char *name, int64_t first, int64_t rows, bool fortran, bool swap)
{
    int32_t data[ROWS * COLUMNS] = {0};
    char shape[64];

    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < 2; j++)
            for (int64_t k = 0; k < 3; k++) {
                const int32_t value = value_at(first + i, 3 * j + k);
                const int64_t place = fortran ? i + rows * (j + 2 * k) : 6 * i + 3 * j + k;
                data[place] = swap ? swapped(value) : value;
            }
    (void)snprintf(shape, sizeof shape, "(%d, 2, 3)", (int)rows);
    put_npy(name, swap ? ">i4" : "<i4", fortran, shape, data, (size_t)rows * COLUMNS * sizeof *data);
}

/* Every file, every other one with swapped bytes. */
static void put_all(bool fortran, const char *paths[FILES])
{
    int64_t first = 0;

    for (int f = 0; f < FILES; f++) {
        put_rows(file_names[f], first, file_rows[f], fortran, f % 2 == 1);
        first += file_rows[f];
        paths[f] = path_of(file_names[f]);
    }
}

static furrow_dataset_t *open_all(const char *const *paths, int64_t count, furrow_source_t source)
{
    furrow_dataset_t *d = NULL;
    furrow_error_t err;

    const furrow_status_t status = furrow_dataset_open(world.ctx, paths, count, source, &d, &err);
    if (status != FURROW_OK) (void)fprintf(stderr, "rank %d: %s\n", world.rank, err.text);
    ASSERT_ALL(status == FURROW_OK && d != NULL);
    return d;
}

static bool reads(const furrow_dataset_t *d, int64_t first, int64_t count)
{
    int32_t out[ROWS * COLUMNS + 1];

    memset(out, 0xee, sizeof out);
    if (furrow_dataset_read(d, first, count, out, NULL) != FURROW_OK) return false;
    for (int64_t i = 0; i < count * COLUMNS; i++)
        if (out[i] != value_at(first + i / COLUMNS, i % COLUMNS)) return false;
    return out[count * COLUMNS] == (int32_t)0xeeeeeeee;
}

static void check_joined(bool fortran)
{
    const char *paths[FILES];
    bool good = true;

    put_all(fortran, paths);
    furrow_dataset_t *d = open_all(paths, FILES, FURROW_SOURCE_SHARED);
    const furrow_npy_t *h = furrow_dataset_header(d);
    ASSERT_ALL(h->dtype == FURROW_I4 && h->ndim == 3 && h->shape[0] == ROWS && h->shape[1] == 2 && h->shape[2] == 3);
    ASSERT_ALL(h->items == ROWS * COLUMNS && h->bytes == 4 * ROWS * COLUMNS && h->fortran_order == fortran);
    for (int64_t first = 0; first <= ROWS; first++)
        for (int64_t count = 0; first + count <= ROWS; count++) good = good && reads(d, first, count);
    ASSERT_ALL(good);
    furrow_dataset_free(d);
    clear_folder();
}

static void test_dataset__joined_in_c_order(void **state)
{
    (void)state;
    check_joined(false);
}

static void test_dataset__joined_in_fortran_order(void **state)
{
    (void)state;
    check_joined(true);
}

/* numpy.array_split: the first ROWS % ranks ranks have one row more. */
static void test_dataset__rows_of_a_rank(void **state)
{
    const char *paths[FILES];
    int64_t start = 0;

    (void)state;
    put_all(false, paths);
    furrow_dataset_t *d = open_all(paths, FILES, FURROW_SOURCE_SHARED);
    for (int r = 0; r < world.rank; r++) start += ROWS / world.ranks + (r < ROWS % world.ranks);
    const furrow_range_t rows = furrow_dataset_rows(d);
    ASSERT_ALL(rows.start == start && rows.stop == start + ROWS / world.ranks + (world.rank < ROWS % world.ranks));
    furrow_dataset_free(d);
    clear_folder();
}

/* Only rank 0 sees the files: they are gone from where the others could look. */
static void test_dataset__source_root(void **state)
{
    const char *paths[FILES];
    int32_t out[COLUMNS];
    furrow_error_t err = {0};

    (void)state;
    put_all(false, paths);
    if (world.rank != 0)
        for (int f = 0; f < FILES; f++) paths[f] = "/nowhere";
    furrow_dataset_t *d = open_all(paths, FILES, FURROW_SOURCE_ROOT);
    ASSERT_ALL(furrow_dataset_header(d)->shape[0] == ROWS);
    const furrow_status_t status = furrow_dataset_read(d, 0, 1, out, &err);
    ASSERT_ALL(world.rank == 0 ? status == FURROW_OK && out[5] == 5
                               : status == FURROW_EUNSUPPORTED && strstr(err.text, "only rank 0") != NULL);
    ASSERT_ALL(world.rank != 0 || reads(d, 0, ROWS));
    furrow_dataset_free(d);
    clear_folder();
}

static void test_dataset__rows_out_of_range(void **state)
{
    static const int64_t wrong[][2] = {{-1, 1},        {0, -1},        {0, ROWS + 1},
                                       {ROWS, 1},      {ROWS + 1, 0},  {INT64_MAX, INT64_MAX},
                                       {INT64_MAX, 1}, {1, INT64_MAX}, {INT64_MIN, INT64_MIN}};
    const char *paths[FILES];
    int32_t out[COLUMNS] = {-7};
    furrow_error_t err;

    (void)state;
    put_all(false, paths);
    furrow_dataset_t *d = open_all(paths, FILES, FURROW_SOURCE_SHARED);
    for (int i = 0; i < LENGTH(wrong); i++) {
        ASSERT_ALL(furrow_dataset_read(d, wrong[i][0], wrong[i][1], out, &err) == FURROW_EARG);
        ASSERT_ALL(strstr(err.text, "not within the 13 rows") != NULL && out[0] == -7);
    }
    furrow_dataset_free(d);
    clear_folder();
}

/* Both halves of a complex number are swapped each by itself. */
static void test_dataset__swapped_complex(void **state)
{
    static const unsigned char big_endian[] = {0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0}; /* 1 - 2i */
    double z[2] = {0};
    furrow_dataset_t *d;

    (void)state;
    put_npy("z", ">c16", false, "(1,)", big_endian, sizeof big_endian);
    d = open_all((const char *[]){path_of("z")}, 1, FURROW_SOURCE_SHARED);
    ASSERT_ALL(furrow_dataset_read(d, 0, 1, z, NULL) == FURROW_OK && z[0] == 1.0 && z[1] == -2.0);
    furrow_dataset_free(d);
    clear_folder();
}

static void test_dataset__single_value_and_no_rows(void **state)
{
    const int64_t value = 42;
    int64_t seen = 0;

    (void)state;
    put_npy("single", "<i8", false, "()", &value, sizeof value);
    put_npy("none", "<i8", true, "(0, 3)", NULL, 0);
    put_npy("narrow", "<i8", true, "(3, 0)", NULL, 0);
    furrow_dataset_t *d = open_all((const char *[]){path_of("single")}, 1, FURROW_SOURCE_SHARED);
    ASSERT_ALL(furrow_dataset_header(d)->ndim == 0 && furrow_dataset_header(d)->items == 1);
    ASSERT_ALL(furrow_dataset_rows(d).stop == 1 && furrow_dataset_rows(d).start == (world.rank == 0 ? 0 : 1));
    ASSERT_ALL(furrow_dataset_read(d, 0, 1, &seen, NULL) == FURROW_OK && seen == 42);
    furrow_dataset_free(d);
    d = open_all((const char *[]){path_of("none"), path_of("none")}, 2, FURROW_SOURCE_SHARED);
    ASSERT_ALL(furrow_dataset_header(d)->items == 0 && furrow_dataset_rows(d).stop == 0);
    ASSERT_ALL(furrow_dataset_read(d, 0, 0, &seen, NULL) == FURROW_OK);
    furrow_dataset_free(d);
    d = open_all((const char *[]){path_of("narrow")}, 1, FURROW_SOURCE_SHARED);
    ASSERT_ALL(furrow_dataset_header(d)->items == 0 && furrow_dataset_read(d, 1, 2, &seen, NULL) == FURROW_OK);
    furrow_dataset_free(d);
    clear_folder();
}

/* ------------------------------------------------------------------ refused */

static void refuse(const char *const *paths, int64_t count, furrow_status_t expected, int rank, const char *text)
{
    for (int source = 0; source < 2; source++) {
        furrow_dataset_t *d = (furrow_dataset_t *)&world;
        furrow_error_t err;
        const furrow_status_t status = furrow_dataset_open(
            world.ctx, paths, count, source == 0 ? FURROW_SOURCE_SHARED : FURROW_SOURCE_ROOT, &d, &err);
        ASSERT_ALL(failed_alike(status, &err, expected, rank, text));
        ASSERT_ALL(d == NULL);
        ASSERT_ALL(furrow_dataset_open(world.ctx, paths, count, FURROW_SOURCE_SHARED, &d, NULL) == expected);
    }
}

static void test_dataset__files_that_do_not_join(void **state)
{
    static const struct {
        const char *descr, *shape, *text;
        bool fortran;
        size_t bytes;
    } other[] = {{"<i4", "(1, 2, 4)", "axis 2 of length 4 does not join", false, 32},
                 {"<i4", "(1, 3, 3)", "axis 1 of length 3 does not join", false, 36},
                 {"<f4", "(1, 2, 3)", "dtype f4 does not join", false, 24},
                 {"<i4", "(1, 6)", "2 dimensions do not join", false, 24},
                 {"<i4", "(1, 2, 3)", "Fortran order does not join", true, 24},
                 {"<i4", "()", "0-d array has no axis to join along", false, 4}};
    const char data[64] = {0}, *const paths[] = {path_of("first"), path_of("other")};

    (void)state;
    put_rows("first", 0, 3, false, false);
    for (int i = 0; i < LENGTH(other); i++) {
        put_npy("other", other[i].descr, other[i].fortran, other[i].shape, data, other[i].bytes);
        refuse(paths, 2, FURROW_EMISMATCH, 0, other[i].text);
        MPI_Barrier(MPI_COMM_WORLD);
    }
    clear_folder();
}

static void test_dataset__wrong_arguments(void **state)
{
    static const char *const with_stream[] = {"a", "-"}, *const holes[] = {NULL};

    (void)state;
    refuse(NULL, 1, FURROW_EARG, 0, "no file given");
    refuse(with_stream, 0, FURROW_EARG, 0, "no file given");
    refuse(with_stream, 2, FURROW_EARG, 0, "cannot be joined with other files");
    refuse(holes, 1, FURROW_EARG, 0, "no file given");
}

static void test_dataset__files_that_cannot_be_read(void **state)
{
    const char *const paths[] = {path_of("first"), path_of("bad")};
    const char *const folder[] = {world.folder};

    (void)state;
    put_rows("first", 0, 3, false, false);
    refuse(paths, 2, FURROW_EIO, 0, "bad: cannot open: No such file");
    refuse(folder, 1, FURROW_EIO, 0, "cannot read: Is a directory");
    put_file("bad", "no such thing", 13, NULL, 0);
    refuse(paths, 2, FURROW_EFORMAT, 0, "/bad: ");
    put_npy("bad", "<i4", false, "(5, 2, 3)", "", 1);
    refuse(paths, 2, FURROW_ETRUNCATED, 0, "bad: 119 bytes of data missing");
    put_npy("bad", "|O", false, "(5, 2, 3)", "", 1);
    refuse(paths, 2, FURROW_EUNSUPPORTED, 0, "/bad: ");
    put_npy("bad", "<i4", false, "(4294967296, 4294967296, 3)", "", 1);
    refuse(paths, 2, FURROW_EOVERFLOW, 0, "/bad: ");
    clear_folder();
}

/* A file that only one rank cannot open: that rank is asked for another name. */
static void test_dataset__one_rank_cannot_open(void **state)
{
    furrow_dataset_t *d;
    furrow_error_t err;

    (void)state;
    put_rows("seen", 0, ROWS, false, false);
    for (int odd = 1; odd < world.ranks; odd++) {
        const char *const paths[] = {world.rank == odd ? path_of("unseen") : path_of("seen")};
        const furrow_status_t status = furrow_dataset_open(world.ctx, paths, 1, FURROW_SOURCE_SHARED, &d, &err);
        ASSERT_ALL(failed_alike(status, &err, FURROW_EIO, odd, "unseen: cannot open: No such file"));
        ASSERT_ALL(d == NULL);
    }
    clear_folder();
}

/* ------------------------------------------------------------------- shrunk */

/* A file that ends earlier than when it was opened: the status, the rank whose part it is, the path and the numbers. */
static void check_shrunk(furrow_source_t source, bool axis0)
{
    enum { N = 100000, KEPT = 256 + 8 * (N - 3) + 4 };
    static double data[N];
    const furrow_reduce_opts_t opts = {.ops = 1u << FURROW_OP_SUM, .axis0 = axis0};
    furrow_reduction_t *r = (furrow_reduction_t *)&world;
    furrow_error_t err;

    put_npy("first", "<f8", false, "(1, 2)", data, 16);
    put_npy("shrinks", "<f8", false, "(50000, 2)", data, sizeof data);
    furrow_dataset_t *d = open_all((const char *[]){path_of("first"), path_of("shrinks")}, 2, source);
    if (world.rank == 0 && truncate(path_of("shrinks"), KEPT) != 0) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Barrier(MPI_COMM_WORLD);
    furrow_status_t status = furrow_reduce(d, &opts, &r, &err);
    const int reader = source == FURROW_SOURCE_ROOT ? 0 : world.ranks - 1;
    ASSERT_ALL(
        failed_alike(status, &err, FURROW_ETRUNCATED, reader, "shrinks: file ends at byte 800236, 20 bytes missing"));
    ASSERT_ALL(r == NULL);
    const bool sees = source == FURROW_SOURCE_SHARED || world.rank == 0;
    if (sees) status = furrow_dataset_read(d, 50000, 1, data, &err);
    ASSERT_ALL(!sees || status == FURROW_ETRUNCATED);
    ASSERT_ALL(!sees || strstr(err.text, "shrinks: file ends at byte 800236, 20 bytes missing") != NULL);
    ASSERT_ALL(!sees || furrow_dataset_read(d, 0, 40000, data, NULL) == FURROW_OK);
    furrow_dataset_free(d);
    clear_folder();
}

static void test_dataset__shrunk_file(void **state)
{
    (void)state;
    check_shrunk(FURROW_SOURCE_SHARED, false);
    check_shrunk(FURROW_SOURCE_SHARED, true);
    check_shrunk(FURROW_SOURCE_ROOT, false);
    check_shrunk(FURROW_SOURCE_ROOT, true);
}

/* Standard input that ends too early, on rank 0, the only one that reads it. */
static void test_dataset__shrunk_stream(void **state)
{
    const furrow_reduce_opts_t opts = {.ops = 1u << FURROW_OP_SUM};
    const char *const stream[] = {"-"};
    furrow_reduction_t *r;
    furrow_error_t err;

    (void)state;
    put_npy("stream", "<u2", false, "(1000,)", "0123456789", 10);
    const int file = open(path_of("stream"), O_RDONLY | O_CLOEXEC);
    ASSERT_ALL(file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO);
    close(file);
    furrow_dataset_t *d = open_all(stream, 1, FURROW_SOURCE_SHARED);
    ASSERT_ALL(furrow_dataset_header(d)->items == 1000);
    const furrow_status_t status = furrow_reduce(d, &opts, &r, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_ETRUNCATED, 0, "standard input: 1990 bytes of data missing"));
    furrow_dataset_free(d);
    clear_folder();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dataset__joined_in_c_order),
        cmocka_unit_test(test_dataset__joined_in_fortran_order),
        cmocka_unit_test(test_dataset__rows_of_a_rank),
        cmocka_unit_test(test_dataset__source_root),
        cmocka_unit_test(test_dataset__rows_out_of_range),
        cmocka_unit_test(test_dataset__swapped_complex),
        cmocka_unit_test(test_dataset__single_value_and_no_rows),
        cmocka_unit_test(test_dataset__files_that_do_not_join),
        cmocka_unit_test(test_dataset__wrong_arguments),
        cmocka_unit_test(test_dataset__files_that_cannot_be_read),
        cmocka_unit_test(test_dataset__one_rank_cannot_open),
        cmocka_unit_test(test_dataset__shrunk_file),
        cmocka_unit_test(test_dataset__shrunk_stream),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
