/* Owns the list of images: made on rank 0 alone, sorted, and sent to all. */
#include "listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "listing_walk.h"
#include "mem.h"
#include "transfer.h"

enum { LIST_FILE_MAX = 1 << 30 };

/* ------------------------------------------------------------------- names */

/* The lines of a file; or, if it holds zero bytes, what stands between those, as `find -print0` writes it. */
static furrow_status_t add_list_file(const char *path, furrow_grow_t *names, furrow_error_t *err)
{
    furrow_grow_t file = {0};

    furrow_status_t status = furrow_grow_read_file(&file, path, LIST_FILE_MAX, err);
    const char end = status == FURROW_OK && memchr(file.data, '\0', (size_t)file.count) != NULL ? '\0' : '\n';
    for (int64_t at = 0; status == FURROW_OK && at < file.count;) {
        const char *name = file.data + at, *stop = memchr(name, end, (size_t)(file.count - at));
        int64_t length = stop == NULL ? file.count - at : stop - name;
        at += length + 1;
        if (end == '\n' && length > 0 && name[length - 1] == '\r') length--;
        if (length == 0) continue;
        status = furrow_grow_add(names, name, length, err);
        if (status == FURROW_OK) status = furrow_grow_add(names, "", 1, err);
    }
    furrow_grow_free(&file);
    return status;
}

static furrow_status_t add_source(const char *source, bool recursive, furrow_grow_t *names, furrow_error_t *err)
{
    struct stat facts;
    size_t length = source == NULL ? 0 : strlen(source);

    if (length == 0) return furrow_fail(err, FURROW_EARG, "an empty name is no image");
    if (source[0] == '@') return add_list_file(source + 1, names, err);
    if (stat(source, &facts) != 0) return furrow_fail_errno(err, source, "open");
    if (!S_ISDIR(facts.st_mode)) return furrow_grow_add(names, source, (int64_t)length + 1, err);
    while (length > 1 && source[length - 1] == '/') length--;
    char *folder = strndup(source, length);
    if (folder == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for the name of a folder");
    const furrow_status_t status = furrow_walk(folder, recursive, names, err);
    free(folder);
    return status;
}

/* ----------------------------------------------------------------- listing */

static int64_t *starts(const furrow_listing_t *l)
{
    return (int64_t *)(void *)l->start.data;
}

static furrow_status_t find_starts(furrow_listing_t *l, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    l->start.count = 0;
    for (int64_t at = 0; at < l->text.count && status == FURROW_OK; at += (int64_t)strlen(l->text.data + at) + 1)
        status = furrow_grow_add(&l->start, &at, sizeof at, err);
    l->count = l->start.count / (int64_t)sizeof(int64_t);
    return status;
}

static int compare_names(const void *a, const void *b, void *text)
{
    return strcmp((char *)text + *(const int64_t *)a, (char *)text + *(const int64_t *)b);
}

/* Names bytewise, each once. strcmp() compares as unsigned bytes. */
static furrow_status_t sort(furrow_listing_t *l, furrow_error_t *err)
{
    furrow_grow_t sorted = {0};

    furrow_status_t status = find_starts(l, err);
    if (status != FURROW_OK || l->count == 0) return status;
    qsort_r(starts(l), (size_t)l->count, sizeof(int64_t), compare_names, l->text.data);
    for (int64_t i = 0; i < l->count && status == FURROW_OK; i++) {
        const char *name = l->text.data + starts(l)[i];
        if (i > 0 && strcmp(name, l->text.data + starts(l)[i - 1]) == 0) continue;
        status = furrow_grow_add(&sorted, name, (int64_t)strlen(name) + 1, err);
    }
    furrow_grow_free(&l->text);
    l->text = sorted;
    return status;
}

static furrow_status_t check_found(const furrow_listing_t *l, const char *const *sources, int64_t count,
                                   furrow_error_t *err)
{
    if (l->text.count > 0) return FURROW_OK;
    return furrow_fail(err, FURROW_EEMPTY, "%.600s%s: no images", sources[0], count > 1 ? " and others" : "");
}

static furrow_status_t list(furrow_listing_t *l, const char *const *sources, int64_t count, bool recursive,
                            furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    for (int64_t i = 0; i < count && status == FURROW_OK; i++)
        status = add_source(sources[i], recursive, &l->text, err);
    if (status == FURROW_OK) status = check_found(l, sources, count, err);
    return status == FURROW_OK ? sort(l, err) : status;
}

/* The names of rank 0, to all. */
static furrow_status_t share(furrow_context_t *ctx, furrow_listing_t *l, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;
    void *text = NULL;

    furrow_broadcast(ctx, &l->text.count, sizeof l->text.count, 0);
    if (furrow_context_rank(ctx) != 0) {
        status = furrow_alloc_buffer(l->text.count, 1, &text, err);
        l->text.data = text;
        l->text.room = l->text.count;
    }
    status = furrow_agree(ctx, status, err);
    if (status != FURROW_OK) return status;
    furrow_broadcast(ctx, l->text.data, l->text.count, 0);
    return furrow_agree(ctx, find_starts(l, err), err);
}

furrow_status_t furrow_listing_open(furrow_context_t *ctx, const char *const *sources, int64_t count, bool recursive,
                                    furrow_listing_t **out, furrow_error_t *err)
{
    void *memory = NULL;

    *out = NULL;
    furrow_error_clear(err);
    furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    furrow_listing_t *l = memory;
    if (status == FURROW_OK && (count < 1 || sources == NULL))
        status = furrow_fail(err, FURROW_EARG, "no folder or file given");
    if (status == FURROW_OK && furrow_context_rank(ctx) == 0) status = list(l, sources, count, recursive, err);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) status = share(ctx, l, err);
    if (status == FURROW_OK)
        *out = l;
    else
        furrow_listing_free(l);
    return status;
}

int64_t furrow_listing_count(const furrow_listing_t *l)
{
    return l->count;
}

const char *furrow_listing_name(const furrow_listing_t *l, int64_t index)
{
    return l->text.data + starts(l)[index];
}

int64_t furrow_listing_bytes(const furrow_listing_t *l)
{
    return l->text.room + l->start.room;
}

void furrow_listing_free(furrow_listing_t *l)
{
    if (l == NULL) return;
    furrow_grow_free(&l->text);
    furrow_grow_free(&l->start);
    free(l);
}
