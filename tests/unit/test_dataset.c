/* Datasets in one process, without MPI: where elements lie, many files, many threads, streams. tests/mpi has the rest.
 */
#include "dataset.h"

#include <omp.h>
#include <sys/resource.h>

#include "alone.h"

/* A Fortran-order file of rows [first, first + rows) and shape (rows, 2, 3), whose elements are their index in C order.
 */
static void put_fortran(const char *name, int first, int rows)
{
    int32_t data[60];
    char shape[64];

    for (int i = 0; i < rows; i++)
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 3; k++) data[i + rows * (j + 2 * k)] = 6 * (first + i) + 3 * j + k;
    (void)snprintf(shape, sizeof shape, "(%d, 2, 3)", rows);
    put_npy(name, "<i4", true, shape, data, (size_t)rows * 6 * sizeof *data);
}

static furrow_dataset_t *open_files(const char *const *names, int count)
{
    furrow_dataset_t *d;
    furrow_error_t err;
    const char *paths[8];

    for (int i = 0; i < count; i++) paths[i] = path_of(names[i]);
    if (furrow_dataset_open(ctx, paths, count, FURROW_SOURCE_SHARED, &d, &err) != FURROW_OK) fail_msg("%s", err.text);
    return d;
}

/* Item i in the order of the files is the element that furrow_dataset_c_index() says. */
static void test_dataset__c_index(void **state)
{
    int32_t items[60];

    (void)state;
    put_fortran("a", 0, 4);
    put_fortran("b", 4, 0);
    put_fortran("c", 4, 1);
    put_fortran("d", 5, 5);
    furrow_dataset_t *d = open_files((const char *const[]){"a", "b", "c", "d"}, 4);
    assert_int_equal(furrow_dataset_row_count(d), 10);
    assert_int_equal(furrow_dataset_row_items(d), 6);
    assert_int_equal(furrow_dataset_read_items(d, 0, 60, items, NULL), FURROW_OK);
    for (int64_t i = 0; i < 60; i++) assert_int_equal(items[i], furrow_dataset_c_index(d, i));
    for (int64_t first = 0; first < 60; first++) {
        int32_t some[60];
        assert_int_equal(furrow_dataset_read_items(d, first, 60 - first, some, NULL), FURROW_OK);
        assert_memory_equal(some, items + first, (size_t)(60 - first) * sizeof *some);
    }
    furrow_dataset_free(d);
}

static void test_dataset__same_order(void **state)
{
    int32_t data[24] = {0};

    (void)state;
    put_fortran("four", 0, 4);
    put_fortran("one", 4, 1);
    put_fortran("five", 0, 5);
    put_npy("c", "<i4", false, "(4, 2, 3)", data, sizeof data);
    furrow_dataset_t *cut = open_files((const char *const[]){"four", "one"}, 2);
    furrow_dataset_t *otherwise = open_files((const char *const[]){"one", "four"}, 2);
    furrow_dataset_t *whole = open_files((const char *const[]){"five"}, 1);
    furrow_dataset_t *c = open_files((const char *const[]){"c"}, 1);
    assert_true(furrow_dataset_same_order(cut, cut));
    assert_true(furrow_dataset_same_order(c, c));
    assert_false(furrow_dataset_same_order(cut, otherwise));
    assert_false(furrow_dataset_same_order(cut, whole));
    assert_false(furrow_dataset_same_order(whole, c));
    furrow_dataset_free(cut);
    furrow_dataset_free(otherwise);
    furrow_dataset_free(whole);
    furrow_dataset_free(c);
}

enum { MANY = 200 };

/* More files than the soft limit lets a process open, read from many threads at once. */
static void test_dataset__many_files_and_threads(void **state)
{
    char names[MANY][512];
    const char *paths[MANY];
    struct rlimit before, few;
    furrow_dataset_t *d;
    int wrong = 0;

    (void)state;
    for (int f = 0; f < MANY; f++) {
        const int64_t value = f;
        (void)snprintf(names[f], sizeof names[f], "many%d", f);
        put_npy(names[f], "<i8", false, "(1,)", &value, sizeof value);
        (void)snprintf(names[f], sizeof names[f], "%.400s/many%d", folder, f);
        paths[f] = names[f];
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = MANY / 2;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_equal(furrow_dataset_open(ctx, paths, MANY, FURROW_SOURCE_SHARED, &d, NULL), FURROW_OK);
    furrow_dataset_free(d);
    assert_int_equal(furrow_dataset_open(ctx, paths, MANY, FURROW_SOURCE_ROOT, &d, NULL),
                     FURROW_OK); /* none open yet */
#pragma omp parallel for num_threads(8) schedule(dynamic, 1) reduction(+ : wrong)
    for (int i = 0; i < 20 * MANY; i++) {
        int64_t value = -1;
        const furrow_status_t status = furrow_dataset_read(d, i * 7 % MANY, 1, &value, NULL);
        wrong += status != FURROW_OK || value != i * 7 % MANY;
    }
    furrow_dataset_free(d);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(wrong, 0);
    (void)count_files(true);
}

/* Standard input becomes the reading end of a pipe that gives `bytes` and ends; returns what it was. */
static int pipe_in(const void *bytes, size_t count)
{
    const int before = dup(STDIN_FILENO);
    int ends[2];

    assert_true(pipe(ends) == 0 && write(ends[1], bytes, count) == (ssize_t)count);
    close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    return before;
}

static void put_back(int before)
{
    if (before >= 0) (void)dup2(before, STDIN_FILENO);
    if (before >= 0) close(before);
}

static furrow_status_t open_stream(const void *bytes, size_t count, furrow_dataset_t **d, furrow_error_t *err)
{
    const int before = pipe_in(bytes, count);
    const furrow_status_t status =
        furrow_dataset_open(ctx, (const char *const[]){"-"}, 1, FURROW_SOURCE_SHARED, d, err);

    if (status != FURROW_OK)
        put_back(before);
    else
        close(before);
    return status;
}

static void test_dataset__stream(void **state)
{
    const uint16_t data[4] = {1, 2, 3, 4};
    char whole[512];
    uint16_t out[4] = {0};
    furrow_dataset_t *d;
    furrow_error_t err;

    (void)state;
    put_npy("stream", "<u2", false, "(4,)", data, sizeof data);
    FILE *file = fopen(path_of("stream"), "rb");
    assert_non_null(file);
    const size_t bytes = fread(whole, 1, sizeof whole, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(open_stream(whole, bytes, &d, NULL), FURROW_OK);
    assert_true(furrow_dataset_is_stream(d) && furrow_dataset_on_root(d));
    assert_int_equal(furrow_dataset_read(d, 0, 1, out, &err), FURROW_EUNSUPPORTED);
    assert_int_equal(furrow_dataset_read_items(d, 0, 3, out, NULL), FURROW_OK);
    assert_int_equal(furrow_dataset_read_items(d, 3, 1, out + 3, NULL), FURROW_OK);
    assert_memory_equal(out, data, sizeof data);
    assert_int_equal(furrow_dataset_read_items(d, 4, 1, out, &err), FURROW_ETRUNCATED);
    furrow_dataset_free(d);
    for (size_t cut = 0; cut < bytes - sizeof data; cut += cut < 14 ? 1 : 19) { /* within the header */
        d = (furrow_dataset_t *)whole;
        assert_int_not_equal(open_stream(whole, cut, &d, &err), FURROW_OK);
        assert_null(d);
        assert_non_null(strstr(err.text, "standard input: "));
    }
    (void)count_files(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dataset__c_index),
        cmocka_unit_test(test_dataset__same_order),
        cmocka_unit_test(test_dataset__many_files_and_threads),
        cmocka_unit_test(test_dataset__stream),
    };

    return cmocka_run_group_tests(tests, open_context, close_context);
}
