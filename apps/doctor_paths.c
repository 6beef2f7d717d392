/* Owns the look at folders and files. In a folder rank 0 writes a file with a name and bytes that nobody else has, and
 * the others look for it; of a file that is there they compare the size and some of the bytes. */
#include "doctor_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAMPLES = 16, SAMPLE_BYTES = 65536, TOKEN_BYTES = 16 };

/* What all ranks are to find; the same bytes go to each. */
typedef struct {
    char path[560];
    int32_t is_folder; /* the path is then that of the file in it */
    int32_t error;     /* errno of rank 0: there is nothing to look for */
    int64_t bytes;
    uint64_t digest;
} mark_t;

/* -------------------------------------------------------------------- files */

static uint64_t digest_of(uint64_t digest, const unsigned char *data, ssize_t bytes)
{
    for (ssize_t i = 0; i < bytes; i++) digest = (digest ^ data[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return digest;
}

/* A file may hold terabytes: samples from the first byte to the last. \return errno or 0 */
static int32_t measure(int fd, int64_t *bytes, uint64_t *digest)
{
    static unsigned char sample[SAMPLE_BYTES];
    struct stat facts;

    if (fstat(fd, &facts) != 0) return errno;
    *bytes = facts.st_size;
    *digest = UINT64_C(0xcbf29ce484222325);
    const int64_t last = facts.st_size > SAMPLE_BYTES ? facts.st_size - SAMPLE_BYTES : 0;
    const int64_t step = last / (SAMPLES - 1);
    for (int i = 0; i < SAMPLES; i++) {
        const ssize_t got = pread(fd, sample, sizeof sample, i == SAMPLES - 1 ? last : step * i);
        if (got < 0) return errno;
        *digest = digest_of(*digest, sample, got);
        if (last == 0) break;
    }
    return 0;
}

static void note_file(mark_t *mark)
{
    const int fd = open(mark->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    mark->error = fd < 0 ? errno : measure(fd, &mark->bytes, &mark->digest);
    if (fd >= 0) (void)close(fd);
}

/* Closed before the others look: on NFS they see it then, and not before. */
static void make_file(mark_t *mark, const char *folder)
{
    unsigned char token[TOKEN_BYTES];

    (void)snprintf(mark->path, sizeof mark->path, "%.500s/.furrow-doctor-XXXXXX", folder);
    const int fd = mkstemp(mark->path);
    if (fd < 0) {
        mark->error = errno;
        return;
    }
    const bool filled =
        getrandom(token, sizeof token, 0) == sizeof token && write(fd, token, sizeof token) == sizeof token;
    mark->error = filled ? measure(fd, &mark->bytes, &mark->digest) : errno != 0 ? errno : EIO;
    if (close(fd) != 0 && mark->error == 0) mark->error = errno;
    if (mark->error != 0) (void)unlink(mark->path);
}

static mark_t make_mark(const char *path)
{
    struct stat facts;
    mark_t mark = {.error = 0};

    errno = 0;
    if (strlen(path) > 500) {
        mark.error = ENAMETOOLONG;
    } else if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode)) {
        mark.is_folder = 1;
        make_file(&mark, path);
    } else {
        (void)snprintf(mark.path, sizeof mark.path, "%s", path);
        note_file(&mark);
    }
    return mark;
}

/* ------------------------------------------------------------------ looking */

static doctor_view_t look_for(const mark_t *mark)
{
    doctor_view_t view = {.sight = DOCTOR_SEES_NOTHING};
    uint64_t digest = 0;
    int64_t bytes = 0;

    if (getcwd(view.folder, sizeof view.folder) == NULL) (void)snprintf(view.folder, sizeof view.folder, "not known");
    const int fd = open(mark->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    view.error = fd < 0 ? errno : measure(fd, &bytes, &digest);
    if (fd >= 0) (void)close(fd);
    if (view.error != 0) return view;
    view.sight = bytes == mark->bytes && digest == mark->digest ? DOCTOR_SEES : DOCTOR_SEES_ANOTHER;
    if (view.sight != DOCTOR_SEES || mark->is_folder == 0) return view;
    const int writable = open(mark->path, O_WRONLY | O_CLOEXEC); /* nothing is written */
    if (writable >= 0) {
        (void)close(writable);
    } else {
        view.sight = DOCTOR_CANNOT_WRITE;
        view.error = errno;
    }
    return view;
}

/* Every rank gets the mark that rank 0 holds. Collective. */
static furrow_status_t spread(const cli_t *cli, mark_t *mark, furrow_error_t *err)
{
    const int ranks = furrow_context_ranks(cli->ctx);
    furrow_array_t whole = {.dtype = FURROW_U1, .ndim = 2, .shape = {ranks, sizeof *mark}}, part = {.data = NULL};
    furrow_status_t status = FURROW_OK;

    if (cli->is_root) {
        whole.data = calloc((size_t)ranks, sizeof *mark);
        if (whole.data == NULL) status = cli_fail(err, FURROW_ENOMEM, "out of memory for %d ranks", ranks);
        for (int i = 0; status == FURROW_OK && i < ranks; i++) ((mark_t *)whole.data)[i] = *mark;
    }
    status = furrow_agree(cli->ctx, status, err);
    if (status == FURROW_OK) status = furrow_scatter(cli->ctx, 0, &whole, NULL, &part, err);
    if (status == FURROW_OK) memcpy(mark, part.data, sizeof *mark);
    furrow_array_free(&part);
    free(whole.data);
    return status;
}

/* Rank 0 gets what each rank sees. Collective. */
static furrow_status_t collect(const cli_t *cli, const mark_t *mark, doctor_view_t **views, furrow_error_t *err)
{
    doctor_view_t mine = look_for(mark);
    const furrow_array_t part = {.dtype = FURROW_U1, .ndim = 2, .shape = {1, sizeof mine}, .data = &mine};
    furrow_array_t whole = {.data = NULL};

    const furrow_status_t status = furrow_gather(cli->ctx, 0, &part, &whole, err);
    *views = whole.data;
    return status;
}

static void fill(doctor_path_t *out, const char *path, const mark_t *mark)
{
    *out = (doctor_path_t){.is_folder = mark->is_folder != 0, .is_relative = path[0] != '/', .error = mark->error};
    (void)snprintf(out->path, sizeof out->path, "%s", path);
    if (strcmp(path, ".") == 0) (void)(getcwd(out->path, sizeof out->path) != NULL || strcpy(out->path, "."));
}

/* One folder or file. The mark is gone when this returns, whatever happens. Collective. */
static furrow_status_t look_at(const cli_t *cli, const char *path, doctor_path_t *out, furrow_error_t *err)
{
    mark_t mark = {.error = 0};

    if (cli->is_root) mark = make_mark(path);
    if (cli->is_root) fill(out, path, &mark);
    furrow_status_t status = FURROW_OK;
    if (cli->source == FURROW_SOURCE_SHARED) status = spread(cli, &mark, err);
    if (status == FURROW_OK && mark.error == 0 && cli->source == FURROW_SOURCE_SHARED)
        status = collect(cli, &mark, &out->view, err);
    if (cli->is_root && mark.is_folder != 0 && mark.error == 0) (void)unlink(mark.path);
    return status;
}

furrow_status_t doctor_look(const cli_t *cli, const cli_list_t *names, doctor_path_t path[DOCTOR_PATHS_MAX], int *paths,
                            furrow_error_t *err)
{
    const bool looks_here = furrow_context_ranks(cli->ctx) > 1 && cli->source == FURROW_SOURCE_SHARED;
    furrow_status_t status = FURROW_OK;

    *paths = 0;
    if (looks_here) status = look_at(cli, ".", &path[(*paths)++], err);
    for (int i = 0; status == FURROW_OK && i < names->count; i++)
        status = look_at(cli, names->value[i], &path[(*paths)++], err);
    return status;
}
