/* Sums over channels against a plain loop, at lengths around the width of its blocks, and where 32 bits would not
 * do. */
#include "support.h"

#include <stdlib.h>

#include "channels.h"

static void check(int channels, const uint8_t *x, size_t n)
{
    uint64_t sum[3] = {1, 2, 3}, squares[3] = {4, 5, 6}, expected[3] = {1, 2, 3}, expected_squares[3] = {4, 5, 6};

    for (size_t i = 0; i < n * (size_t)channels; i++) {
        expected[i % (size_t)channels] += x[i];
        expected_squares[i % (size_t)channels] += (uint64_t)x[i] * x[i];
    }
    furrow_channels_add(channels, x, n, sum, squares);
    assert_memory_equal(sum, expected, sizeof sum);
    assert_memory_equal(squares, expected_squares, sizeof squares);
}

static void equals_a_plain_loop(void **state)
{
    uint8_t x[3 * 200];
    uint64_t random = 3;

    (void)state;
    for (size_t i = 0; i < sizeof x; i++) x[i] = (uint8_t)random_word(&random);
    for (size_t n = 0; n <= 200; n++) {
        check(1, x, n);
        check(3, x, n);
    }
}

static void does_not_overflow(void **state)
{
    const size_t n = 48 * 65536 + 100;
    uint8_t *x = malloc(3 * n);

    (void)state;
    assert_non_null(x);
    memset(x, 255, 3 * n);
    check(1, x, n);
    check(3, x, n);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_a_plain_loop),
        cmocka_unit_test(does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
