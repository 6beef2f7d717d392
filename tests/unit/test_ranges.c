/* Sets of numbers as ranges, against a plain array of marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ranges.h"

enum { SIZE = 200 };

static void check_against(const furrow_ranges_t *set, const bool *mark)
{
    int64_t total = 0;

    for (int64_t i = 0; i < set->count; i++) {
        assert_true(set->range[i].start < set->range[i].stop);
        if (i > 0) assert_true(set->range[i - 1].stop < set->range[i].start);
    }
    for (int i = 0; i < SIZE; i++) total += mark[i];
    assert_int_equal(furrow_ranges_total(set), total);
    for (int from = 0; from <= SIZE; from++) {
        const furrow_range_t gap = furrow_ranges_gap(set, from, SIZE);
        int start = from, stop;
        while (start < SIZE && mark[start]) start++;
        for (stop = start; stop < SIZE && !mark[stop];) stop++;
        assert_int_equal(gap.start, start);
        assert_int_equal(gap.stop, stop);
    }
}

static void test_random_additions(void **state)
{
    uint32_t random = 1;

    (void)state;
    for (int round = 0; round < 50; round++) {
        furrow_ranges_t set = {0};
        bool mark[SIZE] = {false};
        for (int i = 0; i < 60; i++) {
            random = random * 1664525 + 1013904223;
            const int first = (int)(random >> 8) % SIZE, most = SIZE - first < 9 ? SIZE - first : 9;
            const int n = (int)(random >> 20) % (most + 1);
            assert_int_equal(furrow_ranges_add(&set, first, n, NULL), FURROW_OK);
            for (int k = first; k < first + n; k++) mark[k] = true;
            check_against(&set, mark);
        }
        furrow_ranges_free(&set);
    }
}

static void test_nothing(void **state)
{
    furrow_ranges_t set = {0};

    (void)state;
    assert_int_equal(furrow_ranges_add(&set, 5, 0, NULL), FURROW_OK);
    assert_int_equal(set.count, 0);
    assert_int_equal(furrow_ranges_gap(&set, 0, 0).stop, 0);
    assert_int_equal(furrow_ranges_gap(&set, 3, 7).start, 3);
    assert_int_equal(furrow_ranges_gap(&set, 3, 7).stop, 7);
    furrow_ranges_free(&set);
}

static void test_far_numbers(void **state)
{
    furrow_ranges_t set = {0};

    (void)state;
    assert_int_equal(furrow_ranges_add(&set, INT64_MAX - 10, 10, NULL), FURROW_OK);
    assert_int_equal(furrow_ranges_add(&set, 0, INT64_MAX - 10, NULL), FURROW_OK);
    assert_int_equal(set.count, 1);
    assert_int_equal(furrow_ranges_total(&set), INT64_MAX);
    furrow_ranges_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_additions),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_far_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
