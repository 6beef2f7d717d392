/* Outputs in one process, without MPI: many threads write, and a name without a folder. tests/mpi has the rest. */
#include <omp.h>

#include "alone.h"

enum { ITEMS = 100000, STEP = 333 };

static void test_output__many_threads(void **state)
{
    const int64_t shape[] = {ITEMS};
    static int32_t seen[ITEMS];
    furrow_output_t *o;
    furrow_npy_t npy;
    int failed = 0;

    (void)state;
    assert_int_equal(furrow_output_create(ctx, path_of("out.npy"), FURROW_I4, 1, shape, &o, NULL), FURROW_OK);
#pragma omp parallel for num_threads(8) schedule(dynamic, 1) reduction(+ : failed)
    for (int first = 0; first < ITEMS; first += STEP) {
        int32_t data[STEP];
        const int count = ITEMS - first < STEP ? ITEMS - first : STEP;
        for (int i = 0; i < count; i++) data[i] = 3 * (first + i);
        failed += furrow_output_write(o, first, count, data, NULL) != FURROW_OK;
    }
    assert_int_equal(furrow_output_commit(o, failed == 0 ? FURROW_OK : FURROW_EIO, NULL), FURROW_OK);
    assert_int_equal(furrow_npy_read(path_of("out.npy"), &npy, NULL), FURROW_OK);
    assert_true(npy.dtype == FURROW_I4 && npy.ndim == 1 && npy.items == ITEMS && !npy.swapped);
    FILE *file = fopen(path_of("out.npy"), "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)npy.data_offset, SEEK_SET), 0);
    assert_int_equal(fread(seen, sizeof *seen, ITEMS, file), ITEMS);
    assert_int_equal(fgetc(file), EOF); /* and nothing behind */
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < ITEMS; i++) assert_int_equal(seen[i], 3 * i);
    assert_int_equal(count_files(true), 1);
}

/* Elements that nobody wrote are zero, not what the disk held. */
static void test_output__unwritten_is_zero(void **state)
{
    const int64_t shape[] = {ITEMS};
    static char seen[sizeof(double) * ITEMS], zeros[sizeof seen];
    furrow_output_t *o;

    (void)state;
    assert_int_equal(furrow_output_create(ctx, path_of("out.npy"), FURROW_F8, 1, shape, &o, NULL), FURROW_OK);
    assert_int_equal(furrow_output_commit(o, FURROW_OK, NULL), FURROW_OK);
    FILE *file = fopen(path_of("out.npy"), "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, -(long)sizeof seen, SEEK_END), 0);
    assert_int_equal(fread(seen, 1, sizeof seen, file), sizeof seen);
    assert_int_equal(fclose(file), 0);
    assert_memory_equal(seen, zeros, sizeof seen);
    assert_int_equal(count_files(true), 1);
}

static void test_output__name_without_folder(void **state)
{
    const int64_t shape[] = {2}, data[] = {5, 6};
    char before[1024];
    furrow_output_t *o;
    furrow_error_t err = {.text = "the caller's own"};

    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    furrow_status_t status = furrow_output_create(ctx, "plain.npy", FURROW_I8, 1, shape, &o, NULL);
    if (status == FURROW_OK) status = furrow_output_write(o, 0, 2, data, NULL);
    if (status == FURROW_OK) status = furrow_output_commit(o, FURROW_OK, NULL);
    const int files = count_files(false);
    const furrow_status_t created = furrow_output_create(ctx, "plain.npy", FURROW_I8, 1, shape, &o, NULL);
    const furrow_status_t failed = created == FURROW_OK ? furrow_output_commit(o, FURROW_EFORMAT, &err) : created;
    assert_int_equal(chdir(before), 0);
    assert_int_equal(status, FURROW_OK);
    assert_int_equal(files, 1);
    assert_int_equal(failed, FURROW_EFORMAT);
    assert_string_equal(err.text, "the caller's own");
    assert_int_equal(count_files(true), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output__many_threads),
        cmocka_unit_test(test_output__unwritten_is_zero),
        cmocka_unit_test(test_output__name_without_folder),
    };

    return cmocka_run_group_tests(tests, open_context, close_context);
}
