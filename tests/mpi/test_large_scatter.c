/* Scatter and gather of more than 2 GiB: what goes from one rank to the other is itself longer than any one message may
 * be. Takes about 4.5 GB; skips itself (exit code 77) where less than 6 GB are free. */
#include "support.h"

static const int64_t rows = (INT64_C(1) << 31) + 5, few = 5;

static unsigned char byte_at(int64_t i)
{
    return (unsigned char)((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

static bool holds(const furrow_array_t *a, int64_t first, int64_t count)
{
    const unsigned char *data = a->data;
    bool same = a->dtype == FURROW_U1 && a->ndim == 1 && a->shape[0] == count;

    for (int64_t i = 0; same && i < count; i += 1 << 20) /* runs without a branch, for speed */
        for (int64_t j = i; j < i + (1 << 20) && j < count; j++) same &= data[j] == byte_at(first + j);
    return same;
}

/* The first rank holds nearly nothing of its own: 2^31 rows go to the other one, and come back. */
static void test_large_scatter__there_and_back(void **state)
{
    const int64_t counts[] = {few, rows - few}, first = world.rank == 0 ? 0 : few;
    furrow_array_t whole = {.dtype = FURROW_U1, .ndim = 1, .shape = {rows}}, part = {0}, again = {0};
    const bool is_root = world.rank == 0;

    (void)state;
    if (is_root) whole.data = malloc((size_t)rows);
    ASSERT_ALL(!is_root || whole.data != NULL);
    for (int64_t i = 0; is_root && i < rows; i++) ((unsigned char *)whole.data)[i] = byte_at(i);
    ASSERT_ALL(furrow_scatter(world.ctx, 0, &whole, counts, &part, NULL) == FURROW_OK);
    free(whole.data);
    ASSERT_ALL(holds(&part, first, counts[world.rank]));
    ASSERT_ALL(furrow_gather(world.ctx, 0, &part, &again, NULL) == FURROW_OK);
    furrow_array_free(&part);
    ASSERT_ALL(!is_root || holds(&again, 0, rows));
    furrow_array_free(&again);
}

static bool has_memory(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    long long kilobytes = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %lld", &kilobytes) == 1) break;
    if (file != NULL) (void)fclose(file);
    return kilobytes > 6000000;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_large_scatter__there_and_back)};
    int failed, enough;

    open_world();
    enough = has_memory() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &enough, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD); /* one opinion */
    failed = enough != 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
    close_world();
    return failed;
}
