/* Owns the manifest of an output of images. */
#include "manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "csv.h"
#include "file.h"
#include "npy.h"

enum { TOGETHER = 64, BUFFER_BYTES = 1 << 16 };

/* A file that is written from its beginning, and then has its name. */
typedef struct {
    char *name, *temporary;
    int fd;
    int64_t written;
    furrow_grow_t text;
} writer_t;

char *furrow_name_for(const char *path, const char *suffix)
{
    const size_t length = strlen(path), cut = length >= 4 && strcmp(path + length - 4, ".npy") == 0 ? 4 : 0;
    char *name = malloc(length + strlen(suffix) + 1);

    if (name != NULL) (void)sprintf(name, "%.*s%s", (int)(length - cut), path, suffix);
    return name;
}

static furrow_status_t begin(writer_t *w, const char *path, const char *suffix, furrow_error_t *err)
{
    *w = (writer_t){.name = furrow_name_for(path, suffix), .fd = -1};
    if (w->name == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for the name of a file");
    return furrow_file_create_beside(w->name, &w->temporary, &w->fd, err);
}

static furrow_status_t flush(writer_t *w, furrow_error_t *err)
{
    const furrow_status_t status = furrow_file_write(w->fd, w->name, w->written, w->text.data, w->text.count, err);

    w->written += w->text.count;
    w->text.count = 0;
    return status;
}

static furrow_status_t finish(writer_t *w, furrow_status_t status, furrow_error_t *err)
{
    if (status == FURROW_OK) status = flush(w, err);
    if (status == FURROW_OK) status = furrow_file_sync(w->fd, w->name, err);
    if (w->fd >= 0) close(w->fd);
    if (status == FURROW_OK) status = furrow_file_rename(w->temporary, w->name, err);
    if (status != FURROW_OK && w->temporary != NULL) (void)unlink(w->temporary);
    free(w->name);
    free(w->temporary);
    furrow_grow_free(&w->text);
    return status;
}

/* ---------------------------------------------------------------- manifest */

static furrow_status_t add_title(furrow_grow_t *text, const furrow_labels_t *labels, furrow_error_t *err)
{
    static const char title[] = "index,path,status,height,width,channels,error";
    const int64_t columns = labels == NULL ? 0 : furrow_labels_columns(labels);

    furrow_status_t status = furrow_grow_add(text, title, sizeof title - 1, err);
    for (int64_t c = 0; c < columns && status == FURROW_OK; c++) {
        status = furrow_grow_add(text, ",", 1, err);
        if (status == FURROW_OK) status = furrow_csv_add(text, furrow_labels_name(labels, c), err);
    }
    return status == FURROW_OK ? furrow_grow_add(text, "\n", 1, err) : status;
}

static furrow_status_t add_labels(furrow_grow_t *text, const furrow_labels_t *labels, int64_t image,
                                  furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    for (int64_t c = 0; c < furrow_labels_columns(labels) && status == FURROW_OK; c++) {
        status = furrow_grow_add(text, ",", 1, err);
        if (status == FURROW_OK) status = furrow_csv_add(text, furrow_labels_text(labels, image, c), err);
    }
    return status;
}

/* Sizes of pictures that nobody could tell stay empty. */
static int put_facts(char line[128], const furrow_note_t *note)
{
    const char *state = note->state == FURROW_NOTE_REJECTED ? "rejected" : "ok";

    if (note->channels == 0) return snprintf(line, 128, ",%s,,,,", state);
    return snprintf(line, 128, ",%s,%" PRId64 ",%" PRId64 ",%" PRId32 ",", state, note->height, note->width,
                    note->channels);
}

static furrow_status_t add_image(furrow_grow_t *text, const furrow_images_plan_t *plan, int64_t row, int64_t index,
                                 const furrow_note_t *note, const furrow_labels_t *labels, furrow_error_t *err)
{
    const int64_t image = furrow_images_at(plan, index);
    char line[128];

    const int length = snprintf(line, sizeof line, "%" PRId64 ",", row);
    furrow_status_t status = furrow_grow_add(text, line, length, err);
    if (status == FURROW_OK) status = furrow_csv_add(text, furrow_listing_name(plan->listing, image), err);
    if (status == FURROW_OK) status = furrow_grow_add(text, line, put_facts(line, note), err);
    if (status == FURROW_OK) status = furrow_csv_add(text, note->text, err);
    if (status == FURROW_OK && labels != NULL) status = add_labels(text, labels, image, err);
    return status == FURROW_OK ? furrow_grow_add(text, "\n", 1, err) : status;
}

furrow_status_t furrow_manifest_write(const furrow_images_plan_t *plan, const char *path, int64_t first, int64_t count,
                                      const furrow_notes_t *notes, const furrow_labels_t *labels, furrow_error_t *err)
{
    furrow_note_t note[TOGETHER];
    writer_t w;

    furrow_status_t status = begin(&w, path, ".manifest.csv", err);
    if (status == FURROW_OK) status = add_title(&w.text, labels, err);
    for (int64_t i = 0; i < count && status == FURROW_OK; i++) {
        if (i % TOGETHER == 0)
            status = furrow_notes_read(notes, i, count - i < TOGETHER ? count - i : TOGETHER, note, err);
        if (status == FURROW_OK) status = add_image(&w.text, plan, i, first + i, &note[i % TOGETHER], labels, err);
        if (status == FURROW_OK && w.text.count > BUFFER_BYTES) status = flush(&w, err);
    }
    return finish(&w, status, err);
}

/* ------------------------------------------------------------------ labels */

static furrow_status_t add_numbers(writer_t *w, const furrow_labels_t *labels, int64_t image, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    for (int64_t c = 0; c < furrow_labels_columns(labels) && status == FURROW_OK; c++) {
        if (!furrow_labels_is_numeric(labels, c)) continue;
        const double value = furrow_labels_number(labels, image, c);
        status = furrow_grow_add(&w->text, &value, sizeof value, err);
    }
    return status;
}

static furrow_status_t remove_numbers(const char *path, furrow_error_t *err)
{
    char *name = furrow_name_for(path, ".labels.npy");

    if (name == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for the name of a file");
    (void)unlink(name);
    free(name);
    return FURROW_OK;
}

furrow_status_t furrow_labels_write(const furrow_images_plan_t *plan, const char *path, int64_t first, int64_t count,
                                    const furrow_labels_t *labels, furrow_error_t *err)
{
    furrow_npy_t header = {.dtype = FURROW_F8, .ndim = 2, .shape = {count, 0}};
    char buffer[FURROW_NPY_FORMAT_MAX];
    writer_t w;

    if (labels == NULL) return FURROW_OK;
    for (int64_t c = 0; c < furrow_labels_columns(labels); c++) header.shape[1] += furrow_labels_is_numeric(labels, c);
    if (header.shape[1] == 0) return remove_numbers(path, err);
    furrow_status_t status = begin(&w, path, ".labels.npy", err);
    if (status == FURROW_OK) status = furrow_npy_format(&header, buffer, err);
    if (status == FURROW_OK) status = furrow_grow_add(&w.text, buffer, header.data_offset, err);
    for (int64_t i = 0; i < count && status == FURROW_OK; i++) {
        status = add_numbers(&w, labels, furrow_images_at(plan, first + i), err);
        if (status == FURROW_OK && w.text.count > BUFFER_BYTES) status = flush(&w, err);
    }
    return finish(&w, status, err);
}
