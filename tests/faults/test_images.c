/* furrow_images() with its 1st, 2nd, 3rd, ... operation of a kind made to fail, on each rank in turn, until there is
 * none left to fail. Either the image that it hit is a reject, or the call fails: with the same status and text on all
 * ranks, an older output as it was, no descriptor open. The same call with `resume` then gives the whole output and
 * leaves nothing beside it. Which rank reads what is chance, so only rank 0 must have met each kind. */
#include "mpi/support.h"

#include "fault.h"
#include "furrow_images.h"

#ifndef FURROW_FAULTS
#error "this test needs the fault points: cmake -DFURROW_FAULTS=ON"
#endif

enum { IMAGES = 9, HEIGHT = 6, WIDTH = 5, SLOT = HEIGHT * WIDTH * 3 };

static const char *const kinds[] = {"open", "read", "create", "sync", "rename", "alloc", "write"};
enum { ALLOC = 5, OF_HOSTS = ALLOC }; /* from there on it matters who shares a host */
static const char older[] = "an older output";

static furrow_status_t load(bool resume, furrow_images_report_t *report, furrow_error_t *err)
{
    furrow_images_opts_t opts = {.image = FURROW_IMAGE_OPTS_INIT, .labels = path_of("labels.csv"), .resume = resume};
    const char *source = world.folder;
    furrow_listing_t *listing = NULL;

    opts.stats = true;
    *report = (furrow_images_report_t){0};
    furrow_status_t status = furrow_listing_open(world.ctx, &source, 1, false, &listing, err);
    if (status == FURROW_OK) status = furrow_images(world.ctx, listing, &opts, path_of("out"), report, err);
    furrow_listing_free(listing);
    return status;
}

/* Image i is of one colour, i + 1; a reject is of 0. */
static bool is_right(int64_t rejected)
{
    size_t bytes;
    char *data = get_file("out", &bytes);
    bool right = data != NULL && bytes == 128 + IMAGES * SLOT;

    for (int i = 0; right && i < IMAGES; i++) {
        const char *slot = data + 128 + i * SLOT;
        rejected -= slot[0] == 0;
        right = slot[0] == 0 || slot[0] == i + 1;
        for (int j = 1; right && j < SLOT; j++) right = slot[j] == slot[0];
    }
    free(data);
    return right && rejected == 0;
}

static bool is_older(void)
{
    size_t bytes;
    char *data = get_file("out", &bytes);
    const bool same = data != NULL && bytes == sizeof older && memcmp(data, older, bytes) == 0;

    free(data);
    return same;
}

/* Collective. \return false if there was no nth operation of that kind on that rank. */
static bool try_fault(int kind, int nth, int rank, int entries)
{
    const int descriptors = count_entries("/proc/self/fd");
    furrow_images_report_t report;
    char fault[64];
    furrow_error_t err = {0};

    put_file("out", older, sizeof older, NULL, 0);
    (void)snprintf(fault, sizeof fault, "%s:%d:%d", kinds[kind], nth, rank);
    (void)furrow_fault_reset();
    (void)setenv("FURROW_FAULT", fault, 1);
    const furrow_status_t status = load(false, &report, &err);
    (void)unsetenv("FURROW_FAULT");
    int hit = furrow_fault_reset() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &hit, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    bool good = status == FURROW_OK && report.rejected <= hit && is_right(report.rejected);
    if (status != FURROW_OK)
        good = failed_alike(status, &err, kind == ALLOC ? FURROW_ENOMEM : FURROW_EIO, rank,
                            kind == ALLOC ? "out of memory" : "cannot");
    good = good && (status != FURROW_OK) == is_older() && (hit != 0 || status == FURROW_OK);
    good = good && count_entries("/proc/self/fd") == descriptors;
    if (!good) (void)fprintf(stderr, "rank %d: %s: status %d, %s\n", world.rank, fault, status, err.text);
    furrow_images_report_free(&report);
    ASSERT_ALL(good);
    const bool went_on = load(true, &report, NULL) == FURROW_OK;
    furrow_images_report_free(&report);
    ASSERT_ALL(went_on);
    ASSERT_ALL(is_right(0) && count_entries(world.folder) == entries);
    return hit != 0;
}

static void try_all(int first_kind)
{
    const int entries = IMAGES + 4; /* labels.csv, out, its manifest and labels */

    MPI_Barrier(MPI_COMM_WORLD);
    for (int kind = first_kind; kind < LENGTH(kinds); kind++)
        for (int rank = 0; rank < world.ranks; rank++) {
            int nth = 1;
            for (; try_fault(kind, nth, rank, entries); nth += nth < 20 ? 1 : 5) { /* later ones are alike */
            }
            ASSERT_ALL(nth > 1 || rank > 0);
        }
}

static void test_images__every_fault(void **state)
{
    (void)state;
    try_all(0);
}

/* What one computes is mostly for another to write. */
static void test_images__faults_of_hosts(void **state)
{
    (void)state;
    if (world.ranks == 1) return;
    part_nodes();
    try_all(OF_HOSTS);
    join_nodes();
}

static int put_inputs(void **state)
{
    char labels[1024] = "file,value\n", name[32];
    uint8_t pixels[SLOT];

    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        (void)snprintf(name, sizeof name, "%d.ppm", i);
        memset(pixels, i + 1, sizeof pixels);
        put_file(name, "P6 5 6 255\n", 11, pixels, sizeof pixels);
        (void)snprintf(labels + strlen(labels), sizeof labels - strlen(labels), "%d,%d\n", i, i);
    }
    put_file("labels.csv", labels, strlen(labels), NULL, 0);
    put_file("out", older, sizeof older, NULL, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_images__every_fault),
                                       cmocka_unit_test(test_images__faults_of_hosts)};
    int failed;

    open_world();
    failed = cmocka_run_group_tests(tests, put_inputs, NULL);
    close_world();
    return failed;
}
