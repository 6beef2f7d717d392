/* Owns bytes that grow. */
#include "grow.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"

static furrow_status_t make_room(furrow_grow_t *b, int64_t more, furrow_error_t *err)
{
    if (more > INT64_MAX / 4 - b->count)
        return furrow_fail(err, FURROW_ENOMEM, "out of memory: %lld more bytes", (long long)more);
    const int64_t needed = b->count + more, doubled = b->room < 256 ? 256 : 2 * b->room;
    if (needed <= b->room && b->data != NULL) return FURROW_OK;
    const int64_t room = needed > doubled ? needed : doubled;
    char *larger = furrow_fault_hits(FURROW_FAULT_ALLOC) ? NULL : realloc(b->data, (size_t)room);
    if (larger == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory: %lld bytes", (long long)room);
    b->data = larger;
    b->room = room;
    return FURROW_OK;
}

furrow_status_t furrow_grow_add(furrow_grow_t *b, const void *data, int64_t count, furrow_error_t *err)
{
    const furrow_status_t status = make_room(b, count, err);

    if (status != FURROW_OK) return status;
    if (count > 0) memcpy(b->data + b->count, data, (size_t)count);
    b->count += count;
    return FURROW_OK;
}

furrow_status_t furrow_grow_read_file(furrow_grow_t *b, const char *path, int64_t most, furrow_error_t *err)
{
    int64_t size;
    int fd;

    furrow_status_t status = furrow_file_open(path, &fd, &size, err);
    if (status != FURROW_OK) return status;
    if (size > most)
        status = furrow_fail(err, FURROW_EOVERFLOW, "%.600s: %lld bytes are more than the %lld that are taken", path,
                             (long long)size, (long long)most);
    if (status == FURROW_OK) status = make_room(b, size, err);
    if (status == FURROW_OK) status = furrow_file_read(fd, path, 0, b->data + b->count, size, err);
    if (status == FURROW_OK) b->count += size;
    close(fd);
    return status;
}

void furrow_grow_free(furrow_grow_t *b)
{
    free(b->data);
    *b = (furrow_grow_t){0};
}
