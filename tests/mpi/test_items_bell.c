/* Bells: rings are counted, wake who sleeps, and are lost neither between two looks nor on the way; and a pool that
 * waits sleeps. */
#include "pool_support.h"

#include <sys/resource.h>

#include "clock.h"
#include "items_bell.h"

/* A wait that lasts this long was not ended by a ring. */
static const double far_too_long = 100;

/* Wait for one ring more than `seen`. */
static bool wait_for_ring(furrow_bells_t *bells, uint32_t *seen)
{
    while (furrow_bells_rings(bells) == *seen) {
        const double until = furrow_seconds() + far_too_long;
        furrow_bells_wait(bells, *seen, far_too_long);
        if (furrow_seconds() >= until) return false;
    }
    ++*seen;
    return true;
}

/* Round and round: each rank sleeps until the one before it rings, itself where it is alone. */
static void test_items_bell__round(void **state)
{
    enum { ROUNDS = 300 };
    furrow_bells_t *bells;
    uint32_t seen = 0;
    bool good = true;

    (void)state;
    ASSERT_ALL(furrow_bells_open(world.ctx, &bells, NULL) == FURROW_OK);
    ASSERT_ALL(furrow_bells_reach_all(bells) && furrow_bells_rings(bells) == 0);
    if (world.rank == 0) furrow_bells_ring(bells, 1 % world.ranks);
    for (int n = 0; n < ROUNDS && good; n++) {
        good = wait_for_ring(bells, &seen);
        if (n < ROUNDS - 1 || world.rank != 0) furrow_bells_ring(bells, (world.rank + 1) % world.ranks);
    }
    ASSERT_ALL(good);
    ASSERT_ALL(furrow_bells_rings(bells) == ROUNDS);
    furrow_bells_close(bells);
    furrow_bells_close(NULL);
}

/* Nobody sleeps past a ring that came before, and a wait for none ends in time. */
static void test_items_bell__before(void **state)
{
    furrow_bells_t *bells;

    (void)state;
    ASSERT_ALL(furrow_bells_open(world.ctx, &bells, NULL) == FURROW_OK);
    furrow_bells_ring(bells, world.rank);
    furrow_bells_wait(bells, 0, far_too_long);
    furrow_bells_wait(bells, 1, 0.001);
    furrow_bells_wait(bells, 1, 0);
    ASSERT_ALL(furrow_bells_rings(bells) == 1);
    for (int r = 0; r < world.ranks; r++) furrow_bells_ring(bells, r);
    ASSERT_ALL(true);
    ASSERT_ALL(furrow_bells_rings(bells) == (uint32_t)(1 + world.ranks));
    furrow_bells_close(bells);
}

static double cpu_s(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static furrow_status_t idle_body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    (void)pool, (void)arg, (void)err;
    sleep_s(0.5);
    return FURROW_OK;
}

/* Half a second of nothing takes no rank more than a tenth of a core. */
static void test_items_bell__idle(void **state)
{
    (void)state;
    const double before = cpu_s();
    RUN_POOL(&plain, idle_body, NULL);
    ASSERT_ALL(cpu_s() - before < 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_bell__round),
        cmocka_unit_test(test_items_bell__before),
        cmocka_unit_test(test_items_bell__idle),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
