/* Memory that ranks share, where one of them cannot create, open, or get memory: the same error on all, nothing left
 * open, and the next call succeeds. */
#include "mpi/support.h"

#include "fault.h"
#include "furrow_pool.h"

#ifndef FURROW_FAULTS
#error "this test needs the fault points: cmake -DFURROW_FAULTS=ON"
#endif

/* Times that a kind of operation is done on the first rank of a node and on the others; alone: in the last column. */
static const struct {
    const char *kind, *text;
    furrow_status_t status;
    int on_first, on_others, alone;
} kinds[] = {{"alloc", "out of memory", FURROW_ENOMEM, 2, 2, 2},
             {"create", "/dev/shm: ", FURROW_EIO, 1, 0, 0},
             {"open", "/proc/", FURROW_EIO, 0, 1, 0},
             {"write", "/dev/shm: ", FURROW_EIO, 1, 1, 0}};

/* Collective. \return false if there was no such operation */
static bool try_fault(int kind, int nth, int rank)
{
    const int descriptors = count_entries("/proc/self/fd");
    furrow_node_array_t *array = NULL;
    furrow_error_t err = {0};
    char fault[64];

    (void)snprintf(fault, sizeof fault, "%s:%d:%d", kinds[kind].kind, nth, rank);
    (void)furrow_fault_reset();
    (void)setenv("FURROW_FAULT", fault, 1);
    const furrow_status_t status = furrow_node_array_open(world.ctx, 1000, 8, &array, &err);
    (void)unsetenv("FURROW_FAULT");
    int hit = furrow_fault_reset() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &hit, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (hit != 0)
        ASSERT_ALL(failed_alike(status, &err, kinds[kind].status, rank, kinds[kind].text) && array == NULL);
    else
        ASSERT_ALL(status == FURROW_OK && array != NULL);
    ASSERT_ALL(count_entries("/proc/self/fd") == descriptors);
    furrow_node_array_free(array);
    return hit != 0;
}

static void test_node_array__every_fault(void **state)
{
    (void)state;
    for (int kind = 0; kind < LENGTH(kinds); kind++)
        for (int rank = 0; rank < world.ranks; rank++) {
            int nth = 1;
            while (try_fault(kind, nth, rank)) nth++;
            ASSERT_ALL(nth - 1 == (world.ranks == 1 ? kinds[kind].alone
                                   : rank == 0      ? kinds[kind].on_first
                                                    : kinds[kind].on_others));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_node_array__every_fault)};
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
