/* Owns the walk through folders. Real folders come first, then those behind links, by name: so what a folder is listed
 * as does not depend on the order in which the system gives entries, and a loop of links ends where it began. */
#include "listing_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "fault.h"
#include "mem.h"
#include "pulse.h"

typedef struct {
    dev_t dev;
    ino_t ino;
} identity_t;

typedef struct {
    bool recursive;
    furrow_grow_t *names;
    furrow_grow_t folders, links; /* still to be listed: names, each ended by a zero byte */
    void *seen;                   /* a tree of identity_t */
} walk_t;

/* Formats that are not decoded are in it too: their files shall be named, not passed over. */
bool furrow_is_image_name(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".jpe",  ".jfif", ".png",  ".bmp",  ".dib",
                                          ".gif", ".tga",  ".psd",  ".pnm",  ".pbm",  ".pgm",  ".ppm",
                                          ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif", ".jp2"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

static int compare_identities(const void *a, const void *b)
{
    const identity_t *x = a, *y = b;

    if (x->dev != y->dev) return x->dev < y->dev ? -1 : 1;
    return (x->ino > y->ino) - (x->ino < y->ino);
}

/* `is_new`: this folder was not seen before; it is now. */
static furrow_status_t note_folder(walk_t *walk, const struct stat *facts, bool *is_new, furrow_error_t *err)
{
    void *memory;

    *is_new = false;
    const furrow_status_t status = furrow_alloc(1, sizeof(identity_t), &memory, err);
    if (status != FURROW_OK) return status;
    identity_t *id = memory;
    *id = (identity_t){facts->st_dev, facts->st_ino};
    identity_t **found = tsearch(id, &walk->seen, compare_identities);
    *is_new = found != NULL && *found == id;
    if (!*is_new) free(id);
    return found != NULL ? FURROW_OK : furrow_fail(err, FURROW_ENOMEM, "out of memory for a list of folders");
}

static furrow_status_t add_path(furrow_grow_t *out, const char *folder, const char *name, furrow_error_t *err)
{
    const size_t length = strlen(folder);
    const bool slash = length > 0 && folder[length - 1] != '/';

    furrow_status_t status = furrow_grow_add(out, folder, (int64_t)length, err);
    if (status == FURROW_OK && slash) status = furrow_grow_add(out, "/", 1, err);
    return status == FURROW_OK ? furrow_grow_add(out, name, (int64_t)strlen(name) + 1, err) : status;
}

/* What an entry is counts only in a recursive walk. */
static furrow_grow_t *place_of(walk_t *walk, DIR *entries, const struct dirent *e)
{
    const bool may_be_folder = e->d_type == DT_DIR || e->d_type == DT_LNK || e->d_type == DT_UNKNOWN;
    struct stat facts;

    if (walk->recursive && e->d_type == DT_DIR) return &walk->folders;
    if (walk->recursive && may_be_folder && fstatat(dirfd(entries), e->d_name, &facts, 0) == 0 &&
        S_ISDIR(facts.st_mode)) {
        const bool is_link =
            e->d_type == DT_LNK ||
            (fstatat(dirfd(entries), e->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(facts.st_mode));
        return is_link ? &walk->links : &walk->folders;
    }
    return furrow_is_image_name(e->d_name) ? walk->names : NULL;
}

static furrow_status_t list_entries(walk_t *walk, const char *folder, DIR *entries, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    while (status == FURROW_OK) {
        errno = 0;
        const struct dirent *e = furrow_fault_hits(FURROW_FAULT_READ) ? NULL : readdir(entries);
        if (e == NULL) return errno == 0 ? FURROW_OK : furrow_fail_errno(err, folder, "list");
        furrow_pulse_done(furrow_pulse_mine());
        furrow_grow_t *place = e->d_name[0] == '.' ? NULL : place_of(walk, entries, e);
        if (place != NULL) status = add_path(place, folder, e->d_name, err);
    }
    return status;
}

static furrow_status_t list_folder(walk_t *walk, const char *folder, furrow_error_t *err)
{
    struct stat facts;
    bool is_new;

    FURROW_DOING("listing", folder);
    DIR *entries = furrow_fault_hits(FURROW_FAULT_OPEN) ? NULL : opendir(folder);
    if (entries == NULL) return furrow_fail_errno(err, folder, "list");
    furrow_status_t status = fstat(dirfd(entries), &facts) == 0 ? FURROW_OK : furrow_fail_errno(err, folder, "list");
    if (status == FURROW_OK) status = note_folder(walk, &facts, &is_new, err);
    if (status == FURROW_OK && is_new) status = list_entries(walk, folder, entries, err);
    (void)closedir(entries);
    return status;
}

/* All folders that wait, and those that are found in them. */
static furrow_status_t list_folders(walk_t *walk, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    while (walk->folders.count > 0 && status == FURROW_OK) {
        furrow_grow_t now = walk->folders;
        walk->folders = (furrow_grow_t){0};
        for (int64_t at = 0; at < now.count && status == FURROW_OK; at += (int64_t)strlen(now.data + at) + 1)
            status = list_folder(walk, now.data + at, err);
        furrow_grow_free(&now);
    }
    return status;
}

/* The first name of those in `links`, taken out, becomes the next folder. */
static furrow_status_t follow_first_link(walk_t *walk, furrow_error_t *err)
{
    const char *links = walk->links.data;
    int64_t first = 0;

    for (int64_t at = 0; at < walk->links.count; at += (int64_t)strlen(links + at) + 1)
        if (strcmp(links + at, links + first) < 0) first = at;
    const int64_t length = (int64_t)strlen(links + first) + 1;
    const furrow_status_t status = furrow_grow_add(&walk->folders, links + first, length, err);
    walk->links.count -= length;
    memmove(walk->links.data + first, links + first + length, (size_t)(walk->links.count - first));
    return status;
}

furrow_status_t furrow_walk(const char *folder, bool recursive, furrow_grow_t *names, furrow_error_t *err)
{
    walk_t walk = {.recursive = recursive, .names = names};

    furrow_status_t status = furrow_grow_add(&walk.folders, folder, (int64_t)strlen(folder) + 1, err);
    if (status == FURROW_OK) status = list_folders(&walk, err);
    while (status == FURROW_OK && walk.links.count > 0) {
        status = follow_first_link(&walk, err);
        if (status == FURROW_OK) status = list_folders(&walk, err);
    }
    tdestroy(walk.seen, free);
    furrow_grow_free(&walk.folders);
    furrow_grow_free(&walk.links);
    return status;
}
