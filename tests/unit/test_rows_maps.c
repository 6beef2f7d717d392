/* Rows to rows of floats, from every dtype and form of array, against stored true values (data/make_row_cases.py):
 * within 1 ulp in f4, and 4 in f8. What kernels make of rows of every kind is in kernels/test_rows.c. */
#include <glob.h>

#include "alone.h"

enum { OPS = 4, MOST = 1 << 16, FARTHEST_F4 = 1, FARTHEST_F8 = 4 };

static const furrow_row_op_t ops[OPS] = {FURROW_ROW_NORMALIZE, FURROW_ROW_ZSCORE, FURROW_ROW_MINMAX,
                                         FURROW_ROW_SOFTMAX};

/* Floats in their order: the places of bits on the line of all floats, -0.0 and 0.0 in one. */
static int64_t place_of(uint64_t bits, int size)
{
    const uint64_t sign = UINT64_C(1) << (8 * size - 1), rest = bits & (sign - 1);

    return (bits & sign) != 0 ? -(int64_t)rest : (int64_t)rest;
}

/* How many floats they are apart. NaN and infinities must be the same. */
static int64_t distance(uint64_t seen, uint64_t truth, int size)
{
    const int64_t infinity = size == 4 ? INT64_C(0x7f800000) : INT64_C(0x7ff0000000000000);
    const int64_t a = place_of(seen, size), b = place_of(truth, size);

    if (llabs(b) >= infinity || llabs(a) >= infinity) return seen == truth ? 0 : INT64_MAX;
    return llabs(a - b);
}

static uint64_t bits_at(const char *data, int64_t i, int size)
{
    uint32_t narrow;
    uint64_t wide;

    memcpy(&narrow, data + i * size, sizeof narrow);
    if (size == 4) return narrow;
    memcpy(&wide, data + i * size, sizeof wide);
    return wide;
}

/* What stands in a file from `offset` on. */
static void read_part(const char *path, int64_t offset, char *out, int64_t bytes)
{
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fread(out, 1, (size_t)bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void check(const char *input, const char *truth_path, int op)
{
    static char seen[8 * MOST], truth[8 * MOST];
    const furrow_rows_opts_t opts = {.op = ops[op]};
    furrow_rows_report_t report;
    furrow_dataset_t *d;
    furrow_npy_t npy;

    assert_int_equal(furrow_dataset_open(ctx, &input, 1, FURROW_SOURCE_SHARED, &d, NULL), FURROW_OK);
    assert_int_equal(furrow_rows(d, &opts, path_of("out.npy"), &report, NULL), FURROW_OK);
    furrow_rows_report_free(&report);
    furrow_dataset_free(d);
    assert_int_equal(furrow_npy_read(path_of("out.npy"), &npy, NULL), FURROW_OK);
    assert_true(npy.items <= MOST && (npy.dtype == FURROW_F4 || npy.dtype == FURROW_F8));
    const int size = npy.dtype == FURROW_F4 ? 4 : 8, most = size == 4 ? FARTHEST_F4 : FARTHEST_F8;
    read_part(path_of("out.npy"), npy.data_offset, seen, npy.bytes);
    read_part(truth_path, op * npy.bytes, truth, npy.bytes);
    for (int64_t i = 0; i < npy.items; i++) {
        const int64_t far = distance(bits_at(seen, i, size), bits_at(truth, i, size), size);
        if (far > most)
            fail_msg("%s, %s: element %lld is %lld from the truth", input, furrow_row_op_name(ops[op]), (long long)i,
                     (long long)far);
    }
}

static void test_rows_maps__true_values(void **state)
{
    glob_t found;
    char input[1024];

    (void)state;
    assert_int_equal(glob(FURROW_TEST_DATA "/rows/*.maps", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 18);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        (void)snprintf(input, sizeof input, "%.*s.npy", (int)(strlen(path) - strlen(".maps")), path);
        for (int op = 0; op < OPS; op++) check(input, path, op);
    }
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_maps__true_values, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
