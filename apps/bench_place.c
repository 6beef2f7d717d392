/* Owns the folder. */
#include "bench_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void remove_folder(const char *folder)
{
    DIR *list = opendir(folder);
    const struct dirent *item;

    while (list != NULL && (item = readdir(list)) != NULL) (void)unlinkat(dirfd(list), item->d_name, 0);
    if (list != NULL) (void)closedir(list);
    (void)rmdir(folder);
}

static furrow_status_t check_room(const char *parent, int64_t bytes, furrow_error_t *err)
{
    struct statvfs room;
    char have[32], need[32];

    if (statvfs(parent, &room) != 0)
        return cli_fail(err, FURROW_EIO, "%.600s: %s; --dir names another folder for the file", parent,
                        strerror(errno));
    const double bytes_free = (double)room.f_bavail * (double)room.f_frsize;
    if (bytes_free >= (double)bytes) return FURROW_OK;
    return cli_fail(err, FURROW_EIO,
                    "%.600s: %s are free, %s are needed; --dir names another folder, --quick needs less", parent,
                    cli_human_bytes(bytes_free, have), cli_human_bytes((double)bytes, need));
}

static furrow_status_t make_folder(const char *parent, int64_t bytes, bench_place_t *place, furrow_error_t *err)
{
    const furrow_status_t status = check_room(parent, bytes, err);

    if (status != FURROW_OK) return status;
    const int length = snprintf(place->folder, sizeof place->folder, "%s/furrow-bench.XXXXXX", parent);
    if (length >= (int)sizeof place->folder)
        return cli_fail(err, FURROW_EIO, "%.600s...: the name is too long", parent);
    if (mkdtemp(place->folder) == NULL) {
        place->folder[0] = '\0';
        return cli_fail(err, FURROW_EIO, "%.600s: cannot make a folder: %s; --dir names another place for it", parent,
                        strerror(errno));
    }
    place->is_owner = true;
    return FURROW_OK;
}

/* The name of rank 0's folder, to all. */
static furrow_status_t share_name(furrow_context_t *ctx, bench_place_t *place, furrow_error_t *err)
{
    const int64_t ranks = furrow_context_ranks(ctx), size = sizeof place->folder;
    furrow_array_t copies = {FURROW_U1, 2, {ranks, size}, NULL}, mine;
    furrow_status_t status = FURROW_OK;

    if (furrow_context_rank(ctx) == 0) copies.data = calloc((size_t)ranks, (size_t)size);
    if (furrow_context_rank(ctx) == 0 && copies.data == NULL) status = cli_fail(err, FURROW_ENOMEM, "out of memory");
    for (int64_t r = 0; copies.data != NULL && r < ranks; r++)
        memcpy((char *)copies.data + r * size, place->folder, (size_t)size);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) status = furrow_scatter(ctx, 0, &copies, NULL, &mine, err);
    if (status == FURROW_OK) {
        memcpy(place->folder, mine.data, (size_t)size);
        furrow_array_free(&mine);
    }
    free(copies.data);
    return status;
}

/* The verdict of all ranks on whether they see the folder; no failure, whichever it is. */
static bool all_see(furrow_context_t *ctx, const char *folder)
{
    furrow_error_t unused = {0};
    struct stat there;

    return furrow_agree(ctx, stat(folder, &there) == 0 ? FURROW_OK : FURROW_EIO, &unused) == FURROW_OK;
}

furrow_status_t bench_place_open(furrow_context_t *ctx, const char *parent, int64_t bytes, bench_place_t *place,
                                 furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    if (furrow_context_rank(ctx) == 0) status = make_folder(parent, bytes, place, err);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) status = share_name(ctx, place, err);
    if (status != FURROW_OK) return status;
    place->is_shared = all_see(ctx, place->folder);
    (void)snprintf(place->file, sizeof place->file, "%s/data.npy", place->folder);
    (void)snprintf(place->small_file, sizeof place->small_file, "%s/small.npy", place->folder);
    return FURROW_OK;
}

void bench_place_close(bench_place_t *place)
{
    if (!place->is_owner) return;
    remove_folder(place->folder);
    place->is_owner = false;
}
