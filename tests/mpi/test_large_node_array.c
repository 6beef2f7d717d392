/* A node array of more than 2 GiB. Skips itself (exit code 77) where memory is short. */
#include "support.h"

#include <sys/statvfs.h>

#include "furrow_pool.h"

static const int64_t count = (INT64_C(5) << 26) + 3; /* times 8 bytes: 2.5 GiB and a little */

/* Each rank writes some places of the whole, the first, the last, and around 2^31 bytes; all find all of them. */
static void test_large_node_array__reaches_the_end(void **state)
{
    const int64_t places[] = {0, (INT64_C(1) << 28) - 1, INT64_C(1) << 28, count / 2, count - 2, count - 1};
    furrow_node_array_t *array = NULL;

    (void)state;
    ASSERT_ALL(furrow_node_array_open(world.ctx, count, 8, &array, NULL) == FURROW_OK);
    int64_t *data = furrow_node_array_data(array);
    for (int i = 0; i < LENGTH(places); i++)
        if (i % world.ranks == world.rank) data[places[i]] += places[i] + 1;
    ASSERT_ALL(furrow_agree(world.ctx, FURROW_OK, NULL) == FURROW_OK);
    bool same = true;
    int64_t others = 0;
    for (int i = 0; i < LENGTH(places); i++) same &= data[places[i]] == places[i] + 1;
    for (int64_t i = 0; i < count; i += 509) others += data[i] != 0; /* a number in every page, but for those above */
    ASSERT_ALL(same);
    ASSERT_ALL(others <= LENGTH(places));
    furrow_node_array_free(array);
}

static bool has_memory(void)
{
    struct statvfs facts;
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    long long kilobytes = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %lld", &kilobytes) == 1) break;
    if (file != NULL) (void)fclose(file);
    if (statvfs("/dev/shm", &facts) != 0) return false;
    return kilobytes > 4000000 &&
           (facts.f_blocks == 0 || facts.f_bavail * facts.f_frsize > 8 * (uint64_t)count + 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_large_node_array__reaches_the_end)};
    int failed, enough;

    open_world();
    enough = has_memory() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &enough, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    failed = enough != 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
    close_world();
    return failed;
}
