/* The order of an epoch is a permutation, its inverse inverts it, every permutation is as likely as any other, and near
 * places are as far apart as chance has it. Seeds are fixed: chi-square bounds are those of one draw at 10^-6. */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "order.h"

static furrow_order_t made(uint64_t seed, uint64_t epoch, int64_t count)
{
    furrow_order_t order;

    furrow_order_make(seed, epoch, count, &order);
    return order;
}

static void is_a_permutation_of_every_small_count(void **state)
{
    char seen[1001];

    (void)state;
    for (int64_t n = 0; n <= 1000; n++) {
        const furrow_order_t order = made(7, (uint64_t)n, n);
        memset(seen, 0, sizeof seen);
        for (int64_t i = 0; i < n; i++) {
            const int64_t x = furrow_order_element(&order, i);
            assert_in_range(x, 0, n - 1);
            assert_int_equal(seen[x]++, 0);
        }
    }
}

static void the_inverse_inverts(void **state)
{
    static const int64_t counts[] = {1, 2, 3, 1000, 65537, INT64_C(1) << 31, (INT64_C(1) << 40) + 7, INT64_MAX};
    uint64_t random = 1;

    (void)state;
    for (size_t c = 0; c < COUNT(counts); c++) {
        const furrow_order_t order = made(3, 1, counts[c]);
        for (int i = 0; i < 1000; i++) {
            const int64_t place = (int64_t)(random_word(&random) % (uint64_t)counts[c]);
            const int64_t x = furrow_order_element(&order, place);
            assert_true(x >= 0 && x < counts[c]);
            assert_int_equal(furrow_order_place(&order, x), place);
        }
    }
}

/* All 5! orders, over seeds, then over epochs of one seed. 119 degrees of freedom: 10^-6 lies at 205. */
static void every_order_of_five_is_equally_likely(void **state)
{
    enum { DRAWS = 120 * 200 };

    (void)state;
    for (int by_epoch = 0; by_epoch < 2; by_epoch++) {
        int seen[3125] = {0};
        double chi = 0;
        for (uint64_t s = 0; s < DRAWS; s++) {
            const furrow_order_t order = by_epoch ? made(42, s, 5) : made(s, 0, 5);
            int code = 0;
            for (int i = 0; i < 5; i++) code = 5 * code + (int)furrow_order_element(&order, i);
            seen[code]++;
        }
        for (int code = 0; code < 3125; code++)
            if (seen[code] > 0) chi += (seen[code] - 200.0) * (seen[code] - 200.0) / 200;
        for (int code = 0, orders = 0; code < 3125; code++) {
            orders += seen[code] > 0;
            if (code == 3124) assert_int_equal(orders, 120);
        }
        assert_true(chi < 205);
    }
}

/* Where element 0 stands, and how far apart places 0 and 1 are, among 50. 49 and 48 degrees: 10^-6 lies at 112. */
static void places_are_uniform(void **state)
{
    enum { N = 50, DRAWS = 50 * 49 * 10 };
    double place[N] = {0}, distance[N] = {0}, chi = 0, chi_distance = 0;

    (void)state;
    for (uint64_t s = 0; s < DRAWS; s++) {
        const furrow_order_t order = made(s, 9, N);
        const int64_t a = furrow_order_element(&order, 0), b = furrow_order_element(&order, 1);
        place[furrow_order_place(&order, 0)]++;
        distance[(b - a + N) % N]++;
    }
    for (int i = 0; i < N; i++) chi += (place[i] - DRAWS / N) * (place[i] - DRAWS / N) / (DRAWS / N);
    assert_int_equal(distance[0], 0);
    for (int i = 1; i < N; i++)
        chi_distance += (distance[i] - DRAWS / (N - 1)) * (distance[i] - DRAWS / (N - 1)) / (DRAWS / (N - 1));
    assert_true(chi < 112);
    assert_true(chi_distance < 112);
}

/* Of a large count: steps from one place to the next, in 100 classes. 99 degrees: 10^-6 lies at 178. */
static void neighbours_are_unrelated(void **state)
{
    enum { DRAWS = 20000 };
    const int64_t n = 1000003;
    const furrow_order_t order = made(5, 0, n);
    double seen[100] = {0}, chi = 0;

    (void)state;
    for (int64_t i = 0; i < DRAWS; i++) {
        const int64_t step = furrow_order_element(&order, i + 1) - furrow_order_element(&order, i);
        seen[(step + n) % n * 100 / n]++;
    }
    for (int i = 0; i < 100; i++) chi += (seen[i] - DRAWS / 100) * (seen[i] - DRAWS / 100) / (DRAWS / 100);
    assert_true(chi < 178);
}

/* Seeds and epochs give unrelated orders: of two random ones about one place agrees. */
static void seeds_and_epochs_differ(void **state)
{
    const furrow_order_t a = made(1, 0, 10000), b = made(1, 1, 10000), c = made(2, 0, 10000), again = made(1, 0, 10000);
    int epoch = 0, seed = 0;

    (void)state;
    for (int64_t i = 0; i < 10000; i++) {
        const int64_t x = furrow_order_element(&a, i);
        epoch += x == furrow_order_element(&b, i);
        seed += x == furrow_order_element(&c, i);
        assert_int_equal(x, furrow_order_element(&again, i));
    }
    assert_true(epoch < 12 && seed < 12);
}

/* The order is part of what users keep: these values, from the formula written again in Python, may not change. */
static void is_the_same_for_ever(void **state)
{
    static const int64_t expected[10] = {1, 7, 8, 3, 2, 9, 4, 0, 5, 6};
    const furrow_order_t order = made(1, 0, 10);

    (void)state;
    for (int64_t i = 0; i < 10; i++) assert_int_equal(furrow_order_element(&order, i), expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_a_permutation_of_every_small_count),
        cmocka_unit_test(the_inverse_inverts),
        cmocka_unit_test(every_order_of_five_is_equally_likely),
        cmocka_unit_test(places_are_uniform),
        cmocka_unit_test(neighbours_are_unrelated),
        cmocka_unit_test(seeds_and_epochs_differ),
        cmocka_unit_test(is_the_same_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
