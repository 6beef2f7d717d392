/* furrow_map() into a file that ranks of several hosts write, with its 1st, 2nd, 3rd, ... allocation or write made to
 * fail, on each rank in turn, until there is none left to fail: the same status and text on all ranks, and no file;
 * else the whole file. */
#include "mpi/pool_support.h"

#include "fault.h"

#ifndef FURROW_FAULTS
#error "this test needs the fault points: cmake -DFURROW_FAULTS=ON"
#endif

enum { ROWS = 600 }; /* of 8 bytes: some blocks */

static furrow_status_t map_into_file(furrow_error_t *err)
{
    const furrow_call_t call = {.function = picky, .count = ROWS, .result_bytes = 8, .chunk = 17};
    const int64_t shape[] = {ROWS};
    furrow_output_t *output = NULL;

    furrow_status_t status = furrow_output_create(world.ctx, path_of("map"), FURROW_I8, 1, shape, &output, err);
    if (status != FURROW_OK) return status;
    status = furrow_map(world.ctx, NULL, &call, FURROW_TO_OUTPUT, NULL, output, NULL, err);
    return furrow_output_commit(output, status == FURROW_EITEM ? FURROW_OK : status, err);
}

static bool is_mapped(void)
{
    int64_t expected[ROWS];

    for (int64_t i = 0; i < ROWS; i++) expected[i] = i % 7 == 0 ? 0 : i + 1;
    return npy_holds("map", expected, sizeof expected);
}

/* Collective. \return false if there was no nth operation of that kind on that rank. */
static bool try_fault_of_file(const char *kind, furrow_status_t expected, int nth, int rank)
{
    char fault[64];
    furrow_error_t err = {0};

    clear_folder();
    (void)snprintf(fault, sizeof fault, "%s:%d:%d", kind, nth, rank);
    (void)furrow_fault_reset();
    (void)setenv("FURROW_FAULT", fault, 1);
    const furrow_status_t status = map_into_file(&err);
    (void)unsetenv("FURROW_FAULT");
    int hit = furrow_fault_reset() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &hit, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    const bool good = status == FURROW_OK ? is_mapped() : failed_alike(status, &err, expected, rank, "");
    if (!good) (void)fprintf(stderr, "rank %d: %s\n", world.rank, fault);
    ASSERT_ALL(good && (hit != 0 || status == FURROW_OK)); /* without memory for bells, say, a run goes on */
    ASSERT_ALL(count_entries(world.folder) == (status == FURROW_OK));
    return hit != 0;
}

static void test_map__every_fault_of_a_file(void **state)
{
    (void)state;
    part_nodes();
    for (int rank = 0; rank < world.ranks; rank++) {
        int nth = 1;
        while (try_fault_of_file("alloc", FURROW_ENOMEM, nth, rank)) nth += nth < 20 ? 1 : 7; /* later ones are alike */
        ASSERT_ALL(nth > 4);
        nth = 1;
        while (try_fault_of_file("write", FURROW_EIO, nth, rank)) nth += nth < 10 ? 1 : 7;
        ASSERT_ALL(nth > 1);
    }
    join_nodes();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_map__every_fault_of_a_file)};
    int failures;

    RUN_TESTS(tests, failures);
    return failures;
}
