/* Memory that the ranks of a node share. All ranks of these tests are on one. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "furrow_pool.h"

static furrow_node_array_t *new_array(int64_t count, int64_t item_bytes)
{
    furrow_node_array_t *array = NULL;
    furrow_error_t err = {0};

    const furrow_status_t status = furrow_node_array_open(world.ctx, count, item_bytes, &array, &err);
    if (status != FURROW_OK) (void)fprintf(stderr, "rank %d: %s\n", world.rank, err.text);
    ASSERT_ALL(status == FURROW_OK && array != NULL);
    return array;
}

/* All ranks get here before one goes on: what any of them wrote before is there. */
static void wait_for_all(void)
{
    ASSERT_ALL(furrow_agree(world.ctx, FURROW_OK, NULL) == FURROW_OK);
}

static unsigned char mark(int64_t i, int writer)
{
    return (unsigned char)(1 + (i * 7 + i / 4096 + writer * 13) % 255);
}

static bool all_are(const unsigned char *data, int64_t bytes, int writer)
{
    bool same = true;

    for (int64_t i = 0; i < bytes; i++) same &= data[i] == (writer < 0 ? 0 : mark(i, writer));
    return same;
}

/* ----------------------------------------------------------------- sharing */

/* Zero at first; then each rank in turn writes all of it, and all see that. */
static void test_node_array__written_by_one_seen_by_all(void **state)
{
    static const int64_t sizes[] = {1, 63, 4096, 4097, 3 << 20};

    (void)state;
    for (int s = 0; s < LENGTH(sizes); s++) {
        furrow_node_array_t *array = new_array(sizes[s], 1);
        unsigned char *data = furrow_node_array_data(array);
        ASSERT_ALL((uintptr_t)data % 64 == 0);
        ASSERT_ALL(all_are(data, sizes[s], -1));
        for (int writer = 0; writer < world.ranks; writer++) {
            wait_for_all();
            for (int64_t i = 0; world.rank == writer && i < sizes[s]; i++) data[i] = mark(i, writer);
            wait_for_all();
            ASSERT_ALL(all_are(data, sizes[s], writer));
        }
        furrow_node_array_free(array);
    }
}

static void test_node_array__arrays_are_apart(void **state)
{
    furrow_node_array_t *a = new_array(100, 8), *b = new_array(100, 8);
    unsigned char *in_a = furrow_node_array_data(a), *in_b = furrow_node_array_data(b);

    (void)state;
    wait_for_all();
    if (world.rank == world.ranks - 1) memset(in_a, 1, 800);
    wait_for_all();
    ASSERT_ALL(all_are(in_b, 800, -1) && in_a[0] == 1 && in_a[799] == 1);
    furrow_node_array_free(a);
    ASSERT_ALL(all_are(in_b, 800, -1));
    furrow_node_array_free(b);
}

static void test_node_array__of_nothing(void **state)
{
    furrow_node_array_t *a = new_array(0, 8), *b = new_array(8, 0);

    (void)state;
    ASSERT_ALL(furrow_node_array_data(a) != NULL && furrow_node_array_data(b) != NULL);
    furrow_node_array_free(a);
    furrow_node_array_free(b);
    furrow_node_array_free(NULL);
}

/* ------------------------------------------------------------------- races */

enum { THREADS = 3, ROUNDS = 20000, PLACES = 5 };

typedef struct {
    atomic_llong total, place[PLACES];
    atomic_flag busy;
    long long plain; /* guarded by busy */
} board_t;

static void *race(void *arg)
{
    board_t *board = arg;

    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&board->total, 1);
        atomic_fetch_add(&board->place[i % PLACES], i);
        if (i % 100 != 0) continue;
        while (atomic_flag_test_and_set(&board->busy)) (void)sched_yield();
        board->plain += i;
        atomic_flag_clear(&board->busy);
    }
    return NULL;
}

/* Atomics of C11 hold among threads of one rank and among ranks: nothing is lost. */
static void test_node_array__atomics(void **state)
{
    furrow_node_array_t *array = new_array(1, sizeof(board_t));
    board_t *board = furrow_node_array_data(array);
    const long long racers = (long long)world.ranks * THREADS, sum = (long long)ROUNDS * (ROUNDS - 1) / 2;
    long long places = 0;
    pthread_t thread[THREADS];

    (void)state;
    wait_for_all();
    for (int t = 0; t < THREADS; t++)
        if (pthread_create(&thread[t], NULL, race, board) != 0) abort();
    for (int t = 0; t < THREADS; t++) (void)pthread_join(thread[t], NULL);
    wait_for_all();
    for (int i = 0; i < PLACES; i++) places += atomic_load(&board->place[i]);
    ASSERT_ALL(atomic_load(&board->total) == racers * ROUNDS && places == racers * sum);
    ASSERT_ALL(board->plain == racers * (ROUNDS / 100 - 1) * (ROUNDS / 100) / 2 * 100);
    furrow_node_array_free(array);
}

/* ----------------------------------------------------------------- refused */

static void refuse(int64_t count, int64_t item_bytes, furrow_status_t expected, int rank, const char *text)
{
    furrow_node_array_t *array = (furrow_node_array_t *)&world;
    furrow_error_t err;

    const furrow_status_t status = furrow_node_array_open(world.ctx, count, item_bytes, &array, &err);
    ASSERT_ALL(failed_alike(status, &err, expected, rank, text));
    ASSERT_ALL(array == NULL);
}

static void test_node_array__wrong_sizes(void **state)
{
    (void)state;
    for (int odd = 0; odd < world.ranks; odd++) {
        const bool mine = world.rank == odd;
        refuse(mine ? -1 : 5, 8, FURROW_EARG, odd, "-1 items of 8 bytes");
        refuse(5, mine ? INT64_MIN : 8, FURROW_EARG, odd, "5 items of -9223372036854775808 bytes");
        refuse(mine ? INT64_MAX : 5, 8, FURROW_EOVERFLOW, odd, "9223372036854775807 items of 8 bytes");
    }
    refuse(INT64_C(1) << 31, INT64_C(1) << 32, FURROW_EOVERFLOW, 0, "2147483648 items of 4294967296 bytes");
    refuse(INT64_C(1) << 50, 8, FURROW_ENOMEM, 0, "9007199254740992");
    refuse(INT64_MAX, 1, FURROW_ENOMEM, 0, "9223372036854775807");
    for (int odd = 1; odd < world.ranks; odd++)
        refuse(world.rank == odd ? 5 : 6, 8, FURROW_EARG, odd, "of 40 bytes on");
    furrow_node_array_free(new_array(5, 8));
}

static int64_t bytes_in_folder(void)
{
    struct statvfs facts;

    return statvfs("/dev/shm", &facts) != 0 || facts.f_blocks == 0 ? -1 : (int64_t)(facts.f_bavail * facts.f_frsize);
}

/* More than /dev/shm or the machine has: an error now, not a signal at the first write, nor the end of the program. */
static void test_node_array__more_than_there_is(void **state)
{
    struct sysinfo facts;
    int64_t have[2] = {0, bytes_in_folder()};

    (void)state;
    if (sysinfo(&facts) == 0) have[0] = (int64_t)(facts.totalram + facts.totalswap) * facts.mem_unit;
    MPI_Bcast(have, 2, MPI_INT64_T, 0, MPI_COMM_WORLD);
    if (world.ranks == 1) skip(); /* pages that nobody writes cost nothing */
    refuse(have[0], 1, FURROW_ENOMEM, 0, "a shared array needs");
    if (have[1] >= 0) refuse(2 * have[1], 1, FURROW_ENOMEM, 0, "/dev/shm: ");
    furrow_node_array_free(new_array(1000, 1000));
}

/* ------------------------------------------------------- what is left behind */

static int open_descriptors(void)
{
    return count_entries("/proc/self/fd");
}

/* What the system says of the file behind an address, in `line`. */
static bool find_file(const void *address, char *line, int room)
{
    FILE *file = fopen("/proc/self/maps", "r");
    unsigned long long start, stop;
    bool found = false;

    while (file != NULL && !found && fgets(line, room, file) != NULL)
        found = sscanf(line, "%llx-%llx", &start, &stop) == 2 && (uintptr_t)address - start < stop - start;
    if (file != NULL) (void)fclose(file);
    return found;
}

/* No name even while it is in use, so that nothing stays when the program is killed. */
static void test_node_array__leaves_nothing(void **state)
{
    const int before = open_descriptors();
    char line[512];

    (void)state;
    furrow_node_array_t *array = new_array(100000, 8);
    const bool found = find_file(furrow_node_array_data(array), line, sizeof line);
    ASSERT_ALL(found && (strstr(line, "/dev/shm/") != NULL) == (world.ranks > 1));
    ASSERT_ALL(world.ranks == 1 || strstr(line, "(deleted)") != NULL);
    ASSERT_ALL(open_descriptors() == before);
    furrow_node_array_free(array);
    for (int odd = 1; odd < world.ranks; odd++) refuse(world.rank == odd ? 5 : 6, 8, FURROW_EARG, odd, "");
    refuse(INT64_C(1) << 50, 8, FURROW_ENOMEM, 0, "");
    ASSERT_ALL(open_descriptors() == before);
}

static int64_t mapped_kilobytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long long kilobytes = -1;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmSize: %lld", &kilobytes) == 1) break;
    if (file != NULL) (void)fclose(file);
    return kilobytes;
}

static void test_node_array__free_gives_it_back(void **state)
{
    const int64_t before = mapped_kilobytes();

    (void)state;
    for (int i = 0; i < 50; i++) furrow_node_array_free(new_array(16 << 20, 1));
    ASSERT_ALL(mapped_kilobytes() < before + 50 * 16384 / 2);
}

/* ------------------------------------------------- how the system gives memory */

/* In place of the C library's: the call with that number fails as told. */
static struct {
    int calls, nth, error;
    bool every_other;
    int64_t given;
} system_says;

int posix_fallocate(int fd, off_t offset, off_t bytes)
{
    system_says.calls++;
    if (system_says.every_other ? system_says.calls % 2 == 1 : system_says.calls == system_says.nth)
        return system_says.error;
    if (fallocate(fd, 0, offset, bytes) != 0) return errno;
    system_says.given += bytes;
    return 0;
}

/* All of it is asked for before it is used, by the ranks in equal parts, so that nothing can be missing then. */
static void test_node_array__has_its_pages(void **state)
{
    const int64_t bytes = 5000 * 4096 + 1, fair = bytes / world.ranks;
    int64_t in_all;

    (void)state;
    system_says.given = 0;
    furrow_node_array_t *array = new_array(bytes, 1);
    MPI_Allreduce(&system_says.given, &in_all, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    ASSERT_ALL(in_all == (world.ranks == 1 ? 0 : bytes)); /* alone: when it is written */
    ASSERT_ALL(world.ranks == 1 || llabs(system_says.given - fair) <= 8192);
    furrow_node_array_free(array);
}

/* A profiler's timer, say, interrupts the system while it finds memory, again and again. */
static void test_node_array__among_signals(void **state)
{
    const int64_t bytes = 20 << 20;

    (void)state;
    system_says.every_other = true;
    system_says.error = EINTR;
    furrow_node_array_t *array = new_array(bytes, 1);
    system_says.every_other = false;
    ASSERT_ALL(all_are(furrow_node_array_data(array), bytes, -1));
    furrow_node_array_free(array);
}

/* Memory ends on one rank, in the midst of it, though there was enough to begin with. */
static void test_node_array__memory_ends(void **state)
{
    (void)state;
    if (world.ranks == 1) skip();
    for (int odd = 0; odd < world.ranks; odd++) {
        system_says.nth = world.rank == odd ? system_says.calls + 2 : 0;
        system_says.error = ENOSPC;
        refuse(20 << 20, 1, FURROW_ENOMEM, odd, "/dev/shm: ");
        system_says.nth = world.rank == odd ? system_says.calls + 2 : 0;
        system_says.error = EIO;
        refuse(20 << 20, 1, FURROW_EIO, odd, strerror(EIO));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_array__written_by_one_seen_by_all),
        cmocka_unit_test(test_node_array__arrays_are_apart),
        cmocka_unit_test(test_node_array__of_nothing),
        cmocka_unit_test(test_node_array__atomics),
        cmocka_unit_test(test_node_array__wrong_sizes),
        cmocka_unit_test(test_node_array__more_than_there_is),
        cmocka_unit_test(test_node_array__leaves_nothing),
        cmocka_unit_test(test_node_array__free_gives_it_back),
        cmocka_unit_test(test_node_array__has_its_pages),
        cmocka_unit_test(test_node_array__among_signals),
        cmocka_unit_test(test_node_array__memory_ends),
    };
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
