/* Operations on rows: against true values (data/make_rows.py), and all kernel tables against each other. */
#include "rows_support.h"

#include <stdlib.h>

#include "data/rows_values.h"

static double f8_out[MOST + 8];
static float f4_out[MOST + 8];

enum { MAPS = 4, CUMSUM = 4, FARTHEST_F4 = 1, FARTHEST_F8 = 2 };

static furrow_row_map_t *const maps[MAPS] = {furrow_row_normalize, furrow_row_zscore, furrow_row_minmax,
                                             furrow_row_softmax};
static const char *const names[MAPS + 1] = {"normalize", "zscore", "minmax", "softmax", "cumsum"};

/* ------------------------------------------------------------------------------------------------------ true values */
static int64_t key_of(uint64_t bits, uint64_t sign)
{
    return (bits & sign) != 0 ? -(int64_t)(bits & (sign - 1)) : (int64_t)(bits & (sign - 1));
}

/* How many floats a result is from the rounded true value. Infinities, NaN and the sign of zeros must be as they
 * should. */
static int64_t distance(uint64_t result, uint64_t truth, uint64_t sign, uint64_t infinity)
{
    const uint64_t size = truth & (sign - 1);

    if (size >= infinity || (size == 0 && (result & (sign - 1)) == 0)) return result == truth ? 0 : INT64_MAX;
    return llabs(key_of(result, sign) - key_of(truth, sign));
}

static int64_t distance_f4(float result, uint32_t truth)
{
    uint32_t bits;
    memcpy(&bits, &result, sizeof bits);
    return distance(bits, truth, UINT64_C(1) << 31, UINT64_C(0xff) << 23);
}

static int64_t distance_f8(double result, uint64_t truth)
{
    return distance(bits_of(result), truth, UINT64_C(1) << 63, UINT64_C(0x7ff) << 52);
}

static void check_far(const char *table, const char *row, const char *operation, size_t i, int64_t far, int64_t most)
{
    if (far <= most) return;
    print_error("%s, row \"%s\", %s, element %zu is %lld from the truth\n", table, row, operation, i, (long long)far);
    fail();
}

static void apply(const furrow_kernels_t *k, int operation, furrow_elem_t elem, const void *x, size_t n, void *out)
{
    if (operation == CUMSUM)
        assert_int_equal(furrow_row_cumsum(elem, x, n, out), n);
    else
        maps[operation](k, elem, x, n, out);
}

/* The largest distance. */
static int64_t check_case_f4(const furrow_kernels_t *k, const struct row_case *c, int operation)
{
    const int64_t most = operation == CUMSUM ? 0 : FARTHEST_F4;
    const uint32_t *truth = rows_f4 + c->first + (size_t)(operation + 1) * c->n;
    int64_t farthest = 0;

    memcpy(f4_row, rows_f4 + c->first, c->n * sizeof *f4_row);
    apply(k, operation, FURROW_ELEM_f4, f4_row, c->n, f4_out);
    for (size_t i = 0; i < c->n; i++) {
        const int64_t far = distance_f4(f4_out[i], truth[i]);
        check_far(k->name, c->name, names[operation], i, far, most);
        farthest = far > farthest ? far : farthest;
    }
    return farthest;
}

static int64_t check_case_f8(const furrow_kernels_t *k, const struct row_case *c, int operation)
{
    const int64_t most = operation == CUMSUM ? 0 : FARTHEST_F8;
    const uint64_t *truth = rows_f8 + c->first + (size_t)(operation + 1) * c->n;
    int64_t farthest = 0;

    memcpy(f8_row, rows_f8 + c->first, c->n * sizeof *f8_row);
    apply(k, operation, FURROW_ELEM_f8, f8_row, c->n, f8_out);
    for (size_t i = 0; i < c->n; i++) {
        const int64_t far = distance_f8(f8_out[i], truth[i]);
        check_far(k->name, c->name, names[operation], i, far, most);
        farthest = far > farthest ? far : farthest;
    }
    return farthest;
}

/* Cumsum is exact. From f8 the contract allows a distance of 4; results do not vary, so the tests allow what was found.
 */
static void test_rows__true_values(void **fixture)
{
    (void)fixture;
    for (int t = 0; furrow_kernels_at(t) != NULL; t++)
        for (int operation = 0; operation <= CUMSUM; operation++) {
            int64_t far_f4 = 0, far_f8 = 0;
            for (size_t c = 0; c < COUNT(rows_f4_cases); c++) {
                const int64_t far = check_case_f4(furrow_kernels_at(t), &rows_f4_cases[c], operation);
                far_f4 = far > far_f4 ? far : far_f4;
            }
            for (size_t c = 0; c < COUNT(rows_f8_cases); c++) {
                const int64_t far = check_case_f8(furrow_kernels_at(t), &rows_f8_cases[c], operation);
                far_f8 = far > far_f8 ? far : far_f8;
            }
            if (t == 0) print_message("%s: at most %d (f4), %d (f8)\n", names[operation], (int)far_f4, (int)far_f8);
        }
}

/* ------------------------------------------------------------------------------------------------- the same everywhere
 */
static void check_same_maps(furrow_elem_t elem, const void *x, size_t n, void *out, void *other)
{
    const size_t bytes = n * (elem == FURROW_ELEM_f4 ? 4 : 8);

    for (int operation = 0; operation < MAPS; operation++) {
        maps[operation](furrow_kernels_at(0), elem, x, n, out);
        for (int t = 1; furrow_kernels_at(t) != NULL; t++) {
            memset(other, 0x55, bytes);
            maps[operation](furrow_kernels_at(t), elem, x, n, other);
            if (memcmp(out, other, bytes) != 0)
                fail_msg("%s: %s, n = %zu", names[operation], furrow_kernels_at(t)->name, n);
        }
        for (int t = 0; furrow_kernels_at(t) != NULL; t++) { /* in place */
            memcpy(other, x, bytes);
            maps[operation](furrow_kernels_at(t), elem, other, n, other);
            assert_memory_equal(out, other, bytes);
        }
    }
}

static void test_rows__same_by_every_table(void **fixture)
{
    static const size_t more[] = {4095, 4096, 4097, 8191, 8200, 12289};
    uint64_t state = 5;

    (void)fixture;
    for (int nature = 0; nature < NATURES; nature++)
        for (size_t n = 0; n <= 70 + COUNT(more); n++) {
            const size_t length = n <= 70 ? n : more[n - 71], shift = n % 8;
            fill_rows(nature, length + shift, &state);
            check_same_maps(FURROW_ELEM_f4, f4_row + shift, length, f4_out + (shift + 3) % 8, f4_other + 1);
            check_same_maps(FURROW_ELEM_f8, f8_row + shift, length, f8_out + (shift + 3) % 8, f8_other + 1);
        }
}

/* Kernels write what is theirs, and nothing beside it. */
static void test_rows__nothing_beside(void **fixture)
{
    uint64_t state = 7;

    (void)fixture;
    for (size_t n = 0; n <= 70; n++)
        for (int t = 0; furrow_kernels_at(t) != NULL; t++)
            for (int operation = 0; operation <= CUMSUM; operation++) {
                fill_rows(ORDINARY, n, &state);
                for (size_t i = 0; i < n + 2; i++) f8_out[i] = f4_out[i] = -7.0f;
                apply(furrow_kernels_at(t), operation, FURROW_ELEM_f4, f4_row, n, f4_out + 1);
                apply(furrow_kernels_at(t), operation, FURROW_ELEM_f8, f8_row, n, f8_out + 1);
                assert_true(f4_out[0] == -7.0f && f4_out[n + 1] == -7.0f);
                assert_true(f8_out[0] == -7.0 && f8_out[n + 1] == -7.0);
            }
}

/* Long rows: f8 from f4 elements holds the f4 results, rounded, and sums to one. */
static void test_rows__long_softmax(void **fixture)
{
    uint64_t state = 11;
    const size_t n = MOST;
    double total = 0;

    (void)fixture;
    for (size_t i = 0; i < n; i++) f8_row[i] = f4_row[i] = (float)(20 * random_unit(&state));
    furrow_row_softmax(furrow_kernels_at(0), FURROW_ELEM_f8, f8_row, n, f8_out);
    furrow_row_softmax(furrow_kernels_at(0), FURROW_ELEM_f4, f4_row, n, f4_out);
    for (size_t i = 0; i < n; i++) {
        total += f8_out[i];
        assert_true(fabs((double)f4_out[i] - f8_out[i]) <= 0.51 * 0x1p-23 * f8_out[i]);
    }
    assert_true(fabs(total - 1) < 1e-12);
}

/* More elements than one call of a kernel takes, NaN at the end or not. */
static void test_rows__longer_than_a_block(void **fixture)
{
    const size_t n = FURROW_BLOCK_MAX + 1003;
    float *x = test_malloc(3 * n * sizeof *x), *out = x + n, *other = out + n;
    uint64_t state = 19;

    (void)fixture;
    for (size_t i = 0; i < n; i++) x[i] = (float)random_unit(&state);
    for (int last = 0; last < 2; last++) {
        x[n - 1] = last == 0 ? 100.0f : NAN;
        check_same_maps(FURROW_ELEM_f4, x, n, out, other);
        furrow_row_minmax(furrow_kernels_at(0), FURROW_ELEM_f4, x, n, out);
        assert_true(last == 0 ? out[n - 1] == 1.0f && out[0] < 0.01f : isnan(out[0]));
    }
    test_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows__true_values),         cmocka_unit_test(test_rows__same_by_every_table),
        cmocka_unit_test(test_rows__nothing_beside),      cmocka_unit_test(test_rows__long_softmax),
        cmocka_unit_test(test_rows__longer_than_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
