/* Cutting rows into sections: as numpy.array_split does, by stored values; and whatever the numbers, sections join
 * without gaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/split_values.h"
#include "furrow.h"

#define LENGTH(a) (sizeof(a) / sizeof *(a))

static void test_split__equals_numpy(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(numpy_splits); i++)
        for (int64_t s = 0; s < numpy_splits[i].sections; s++) {
            const furrow_range_t part = furrow_split(numpy_splits[i].count, numpy_splits[i].sections, s);
            assert_true(part.start == numpy_splits[i].edge[s]);
            assert_true(part.stop == numpy_splits[i].edge[s + 1]);
        }
}

/* The largest numbers there are: nothing wraps. */
static void test_split__at_the_limit(void **state)
{
    (void)state;
    const furrow_range_t first = furrow_split(INT64_MAX, INT64_MAX, 0),
                         last = furrow_split(INT64_MAX, INT64_MAX, INT64_MAX - 1);
    assert_true(first.start == 0 && first.stop == 1);
    assert_true(last.start == INT64_MAX - 1 && last.stop == INT64_MAX);
    const furrow_range_t none = furrow_split(5, INT64_MAX, INT64_MAX - 1), half = furrow_split(INT64_MAX, 2, 1);
    assert_true(none.start == 5 && none.stop == 5);
    assert_true(half.start == INT64_MAX / 2 + 1 && half.stop == INT64_MAX);
}

static void test_split__joins_without_gaps(void **state)
{
    (void)state;
    for (int64_t count = 0; count < 300; count += 7)
        for (int64_t sections = 1; sections < 40; sections++) {
            int64_t at = 0, longest = 0, shortest = INT64_MAX;
            for (int64_t s = 0; s < sections; s++) {
                const furrow_range_t part = furrow_split(count, sections, s);
                const int64_t rows = part.stop - part.start;
                assert_true(part.start == at);
                at = part.stop;
                longest = rows > longest ? rows : longest;
                shortest = rows < shortest ? rows : shortest;
            }
            assert_true(at == count && longest - shortest <= 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split__equals_numpy),
        cmocka_unit_test(test_split__at_the_limit),
        cmocka_unit_test(test_split__joins_without_gaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
