/* Owns notes on images. */
#include "notes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"

struct furrow_notes {
    int fd, read_fd;
    char *name;
    bool made; /* the file is ours to remove */
};

enum { TOGETHER = 64 };

typedef char record_t[FURROW_NOTE_BYTES];

static furrow_status_t make(furrow_notes_t *n, const char *path, int64_t count, bool resume, bool *found,
                            furrow_error_t *err)
{
    int64_t bytes;

    if (!furrow_multiply(count, FURROW_NOTE_BYTES, &bytes))
        return furrow_fail(err, FURROW_EOVERFLOW, "%lld images are too many", (long long)count);
    furrow_status_t status = furrow_file_create_named(path, n->name, resume ? bytes : -1, found, &n->fd, err);
    n->made = status == FURROW_OK;
    if (status == FURROW_OK && !*found) status = furrow_file_reserve(n->fd, n->name, bytes, err);
    if (status == FURROW_OK) status = furrow_file_open(n->name, &n->read_fd, &bytes, err);
    return status;
}

furrow_status_t furrow_notes_open(const char *path, int64_t count, bool resume, bool *found, furrow_notes_t **out,
                                  furrow_error_t *err)
{
    void *memory;

    *found = false;
    *out = NULL;
    furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status != FURROW_OK) return status;
    furrow_notes_t *n = memory;
    n->fd = n->read_fd = -1;
    n->name = furrow_file_name_beside(path, ".furrow-notes");
    status = n->name == NULL ? furrow_fail(err, FURROW_ENOMEM, "out of memory for the name of a file")
                             : make(n, path, count, resume, found, err);
    if (status == FURROW_OK)
        *out = n;
    else
        furrow_notes_close(n, *found);
    return status;
}

furrow_status_t furrow_notes_write(furrow_notes_t *n, int64_t first, int64_t count, const furrow_note_t *note,
                                   furrow_error_t *err)
{
    record_t records[TOGETHER];
    furrow_status_t status = FURROW_OK;

    for (int64_t i = 0; i < count && status == FURROW_OK; i += TOGETHER) {
        const int64_t now = furrow_least(count - i, TOGETHER);
        memset(records, 0, (size_t)now * sizeof *records);
        for (int64_t j = 0; j < now; j++) memcpy(records[j], &note[i + j], sizeof *note);
        status =
            furrow_file_write(n->fd, n->name, (first + i) * FURROW_NOTE_BYTES, records, now * FURROW_NOTE_BYTES, err);
    }
    return status;
}

furrow_status_t furrow_notes_read(const furrow_notes_t *n, int64_t first, int64_t count, furrow_note_t *out,
                                  furrow_error_t *err)
{
    record_t records[TOGETHER];
    furrow_status_t status = FURROW_OK;

    for (int64_t i = 0; i < count && status == FURROW_OK; i += TOGETHER) {
        const int64_t now = furrow_least(count - i, TOGETHER);
        status = furrow_file_read(n->read_fd, n->name, (first + i) * FURROW_NOTE_BYTES, records,
                                  now * FURROW_NOTE_BYTES, err);
        for (int64_t j = 0; j < now && status == FURROW_OK; j++) {
            memcpy(&out[i + j], records[j], sizeof *out);
            out[i + j].text[sizeof out->text - 1] = '\0';
        }
    }
    return status;
}

void furrow_notes_close(furrow_notes_t *n, bool keep)
{
    if (n == NULL) return;
    if (n->fd >= 0) close(n->fd);
    if (n->read_fd >= 0) close(n->read_fd);
    if (n->made && !keep) (void)unlink(n->name);
    free(n->name);
    free(n);
}
