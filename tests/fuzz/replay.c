/* Runs a fuzz target over files, without a fuzzer: each argument is a file, or a folder whose files are taken. Prints
 * how many there were, and fails if there were none or one cannot be read. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The target gets memory of exactly the size of the file, so that a sanitizer sees a read beyond it. */
static bool replay_stream(FILE *file, size_t size)
{
    uint8_t *data = malloc(size > 0 ? size : 1);
    const bool whole = data != NULL && fread(data, 1, size, file) == size;

    if (whole) (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return whole;
}

static bool replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    const bool done = file != NULL && replay_stream(file, size);

    if (file != NULL) (void)fclose(file);
    if (!done) perror(path);
    return done;
}

static long replay(const char *path);

/* The number of files replayed, or -1. */
static long replay_folder(const char *path)
{
    struct dirent **entries;
    const int count = scandir(path, &entries, NULL, alphasort);
    long total = count < 0 ? -1 : 0;

    for (int i = 0; i < count; i++) {
        char name[4096];
        const int length = snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        if (total >= 0 && entries[i]->d_name[0] != '.') {
            const long added = length < (int)sizeof name ? replay(name) : -1;
            total = added < 0 ? -1 : total + added;
        }
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    return total;
}

static long replay(const char *path)
{
    struct stat facts;

    if (stat(path, &facts) != 0) {
        perror(path);
        return -1;
    }
    if (S_ISDIR(facts.st_mode)) return replay_folder(path);
    return replay_file(path, (size_t)facts.st_size) ? 1 : -1;
}

int main(int argc, char **argv)
{
    long total = 0;

    for (int i = 1; i < argc; i++) {
        const long added = replay(argv[i]);
        if (added < 0) return EXIT_FAILURE;
        total += added;
    }
    printf("%ld inputs replayed\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
