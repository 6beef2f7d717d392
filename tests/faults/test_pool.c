/* A pool whose 1st, 2nd, 3rd, ... allocation fails, on each rank in turn, until there is none left to fail: it ends,
 * alike on all ranks, every call in it ends, what says that it is good is right, and the next pool is as ever. */
#include "mpi/pool_support.h"

#include "fault.h"

#ifndef FURROW_FAULTS
#error "this test needs the fault points: cmake -DFURROW_FAULTS=ON"
#endif

enum { COUNT = 40 };

static bool generate(void *arg, int64_t index, void *record)
{
    (void)arg;
    *(int64_t *)record = index;
    return index < COUNT;
}

/* Out of memory, or dropped because another rank was. */
static bool is_short(furrow_status_t status)
{
    return status == FURROW_ENOMEM || status == FURROW_ECANCELED;
}

static void check_map(furrow_pool_t *pool)
{
    int64_t results[COUNT];
    const furrow_call_t call = {.function = picky, .count = COUNT, .result_bytes = 8, .chunk = 3};
    furrow_failures_t failures;

    const furrow_status_t status = furrow_pool_map(pool, &call, results, &failures, NULL);
    EXPECT(status == FURROW_EITEM || is_short(status));
    for (int64_t i = 0; i < COUNT && status == FURROW_EITEM; i++) EXPECT(results[i] == (i % 7 == 0 ? 0 : i + 1));
    EXPECT(status != FURROW_EITEM || (failures.count == 6 && failures.list[5].index == 35));
    furrow_failures_free(&failures);
}

static void check_future(furrow_pool_t *pool)
{
    const int64_t x = 12;
    furrow_future_t *future;
    int64_t result = 0;

    furrow_status_t status = furrow_pool_apply_async(pool, square, &x, 8, 8, NULL, &future, NULL);
    EXPECT(status == FURROW_OK || (is_short(status) && future == NULL));
    if (status != FURROW_OK) return;
    status = furrow_future_get(future, -1, &result, NULL, NULL);
    EXPECT(is_short(status) || (status == FURROW_OK && result == 144));
    furrow_future_free(future);
}

static void check_stream(furrow_pool_t *pool, bool ordered)
{
    const furrow_call_t call = {
        .function = square, .arg_bytes = 8, .count = INT64_MAX, .result_bytes = 8, .chunk = 4, .next = generate};
    furrow_stream_t *stream;
    furrow_outcome_t o;
    int64_t taken = 0;

    furrow_status_t status = furrow_pool_imap(pool, &call, ordered, 10, &stream, NULL);
    EXPECT(status == FURROW_OK || (is_short(status) && stream == NULL));
    if (status != FURROW_OK) return;
    for (; (status = furrow_stream_next(stream, -1, &o, NULL)) == FURROW_OK; taken++)
        EXPECT(*(const int64_t *)o.result == o.index * o.index && (!ordered || o.index == taken));
    EXPECT(is_short(status) || (status == FURROW_EEMPTY && taken == COUNT));
    furrow_stream_free(stream);
}

static furrow_status_t body(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    (void)arg, (void)err;
    check_map(pool);
    check_future(pool);
    check_stream(pool, true);
    check_stream(pool, false);
    return FURROW_OK;
}

/* Collective. \return false if there was no nth allocation on that rank. */
static bool try_fault(int nth, int rank)
{
    char fault[64];
    furrow_error_t err = {0};

    atomic_store(&wrong, 0);
    (void)snprintf(fault, sizeof fault, "alloc:%d:%d", nth, rank);
    (void)furrow_fault_reset();
    (void)setenv("FURROW_FAULT", fault, 1);
    const furrow_status_t status = furrow_pool_run(world.ctx, &plain, body, NULL, &err);
    (void)unsetenv("FURROW_FAULT");
    int hit = furrow_fault_reset() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &hit, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    const bool alike = status == FURROW_OK || failed_alike(status, &err, FURROW_ENOMEM, rank, "out of memory");
    if (!alike || atomic_load(&wrong) > 0) (void)fprintf(stderr, "rank %d: %s\n", world.rank, fault);
    ASSERT_ALL(alike && (hit != 0 || status == FURROW_OK));
    ASSERT_ALL(atomic_load(&wrong) == 0);
    return hit != 0;
}

static void test_pool__every_allocation(void **state)
{
    (void)state;
    for (int rank = 0; rank < world.ranks; rank++) {
        int nth = 1;
        while (try_fault(nth, rank)) nth++;
        ASSERT_ALL(nth > 4);
        ASSERT_ALL(!try_fault(1000000, rank));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool__every_allocation),
    };
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
