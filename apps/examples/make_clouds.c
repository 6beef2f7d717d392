/* Makes pictures to try Furrow with, and their labels.
 *
 *     make_clouds FOLDER COUNT [HEIGHT WIDTH [SEED]]      default 1400 2100 1
 *
 * FOLDER/cloud-00000.jpg and so on, and FOLDER/labels.csv: file, cover (the part under clouds), kind. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clouds.h"

enum { SIDE_MAX = 20000 };

typedef struct {
    double cover;
    const char *kind;
} label_t;

static int fail(const char *what)
{
    (void)fprintf(stderr, "make_clouds: %s: %s\n", what, strerror(errno));
    return 1;
}

/* Returns how many could not be made. */
static int write_pictures(const char *folder, int64_t count, int height, int width, uint64_t seed, label_t *label)
{
    int failures = 0;

#pragma omp parallel reduction(+ : failures)
    {
        clouds_t clouds;
        const bool ready = clouds_open(height, width, &clouds);
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < count; i++)
            failures += !ready || !clouds_write(&clouds, seed, i, folder, &label[i].cover, &label[i].kind);
        clouds_close(&clouds);
    }
    return failures;
}

static int write_labels(const char *folder, int64_t count, const label_t *label)
{
    char name[4200];

    (void)snprintf(name, sizeof name, "%.4000s/labels.csv", folder);
    FILE *file = fopen(name, "w");
    if (file == NULL) return fail(name);
    (void)fprintf(file, "file,cover,kind\n");
    for (int64_t i = 0; i < count; i++)
        (void)fprintf(file, "cloud-%05" PRId64 ".jpg,%.4f,%s\n", i, label[i].cover, label[i].kind);
    return fclose(file) == 0 ? 0 : fail(name);
}

int main(int argc, char **argv)
{
    const int64_t count = argc > 2 ? atoll(argv[2]) : 0;
    const int height = argc > 4 ? atoi(argv[3]) : 1400, width = argc > 4 ? atoi(argv[4]) : 2100;
    const uint64_t seed = argc > 5 ? strtoull(argv[5], NULL, 10) : 1;

    if (count < 1 || argc > 6 || argc == 4 || height < 1 || width < 1 || height > SIDE_MAX || width > SIDE_MAX) {
        (void)fprintf(stderr,
                      "make_clouds FOLDER COUNT [HEIGHT WIDTH [SEED]]: JPEGs of clouds, 1400 x 2100 by default\n");
        return 2;
    }
    if (mkdir(argv[1], 0777) != 0 && errno != EEXIST) return fail(argv[1]);
    label_t *label = calloc((size_t)count, sizeof *label);
    if (label == NULL || write_pictures(argv[1], count, height, width, seed, label) > 0) return fail(argv[1]);
    const int code = write_labels(argv[1], count, label);
    free(label);
    return code;
}
