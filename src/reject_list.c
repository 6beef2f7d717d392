/* Owns the list of rejected items. There may be as many as items, but their texts are few. */
#include "reject_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"

enum { TEXTS = 64, BUFFER = 1 << 16, LINE_MAX_BYTES = 512 };

static furrow_status_t no_memory(const furrow_reject_list_t *list, furrow_error_t *err)
{
    return furrow_fail(err, FURROW_ENOMEM, "out of memory for a list of %lld rejected items",
                       (long long)list->count + 1);
}

/* The kept copy of a text; NULL if memory ran out. Beyond a number of different ones it is the last. */
static const char *keep_text(furrow_reject_list_t *list, const char *text)
{
    for (int64_t i = list->texts - 1; i >= 0; i--)
        if (strcmp(list->text[i], text) == 0) return list->text[i];
    if (list->texts == TEXTS) return list->text[TEXTS - 1];
    if (list->text == NULL) list->text = calloc(TEXTS, sizeof *list->text);
    char *copy = list->text == NULL ? NULL : strdup(text);
    if (copy != NULL) list->text[list->texts++] = copy;
    return copy;
}

furrow_status_t furrow_reject_list_add(furrow_reject_list_t *list, int64_t index, const char *text, furrow_error_t *err)
{
    const char *kept = furrow_fault_hits(FURROW_FAULT_ALLOC) ? NULL : keep_text(list, text);

    if (kept == NULL) return no_memory(list, err);
    if (list->count == list->room) {
        const int64_t room = list->room == 0 ? 64 : 2 * list->room;
        furrow_reject_entry_t *larger = realloc(list->entry, (size_t)room * sizeof *larger);
        if (larger == NULL) return no_memory(list, err);
        list->entry = larger;
        list->room = room;
    }
    list->entry[list->count++] = (furrow_reject_entry_t){index, kept};
    return FURROW_OK;
}

static int by_index(const void *a, const void *b)
{
    const int64_t x = ((const furrow_reject_entry_t *)a)->index, y = ((const furrow_reject_entry_t *)b)->index;

    return (x > y) - (x < y);
}

void furrow_reject_list_sort(furrow_reject_list_t *list)
{
    if (list->count > 0) qsort(list->entry, (size_t)list->count, sizeof *list->entry, by_index);
}

/* One line of the file: a text with a comma or a quote is quoted, as RFC 4180 has it. */
static size_t format_line(const furrow_reject_entry_t *e, char *line)
{
    const bool quoted = strpbrk(e->text, ",\"") != NULL;
    size_t used = (size_t)snprintf(line, LINE_MAX_BYTES, "%" PRId64 ",%s", e->index, quoted ? "\"" : "");

    for (const char *c = e->text; *c != '\0' && used < LINE_MAX_BYTES - 4; c++) {
        if (*c == '"') line[used++] = '"';
        line[used++] = *c;
    }
    if (quoted) line[used++] = '"';
    line[used++] = '\n';
    return used;
}

static furrow_status_t write_lines(const furrow_reject_list_t *list, const char *path, int fd, furrow_error_t *err)
{
    static const char title[] = "index,error\n";
    int64_t at = 0;
    size_t used = sizeof title - 1;
    furrow_status_t status = FURROW_OK;

    char *buffer = malloc(BUFFER);
    if (buffer == NULL) return no_memory(list, err);
    memcpy(buffer, title, used);
    for (int64_t i = 0; i < list->count && status == FURROW_OK; i++) {
        used += format_line(&list->entry[i], buffer + used);
        if (used < BUFFER - LINE_MAX_BYTES) continue;
        status = furrow_file_write(fd, path, at, buffer, (int64_t)used, err);
        at += (int64_t)used;
        used = 0;
    }
    if (status == FURROW_OK) status = furrow_file_write(fd, path, at, buffer, (int64_t)used, err);
    free(buffer);
    return status;
}

static furrow_status_t replace(const furrow_reject_list_t *list, const char *name, furrow_error_t *err)
{
    char *temporary;
    int fd;

    furrow_status_t status = furrow_file_create_beside(name, &temporary, &fd, err);
    if (status != FURROW_OK) return status;
    status = write_lines(list, name, fd, err);
    if (status == FURROW_OK) status = furrow_file_sync(fd, name, err);
    close(fd);
    if (status == FURROW_OK) status = furrow_file_rename(temporary, name, err);
    if (status != FURROW_OK) (void)unlink(temporary);
    free(temporary);
    return status;
}

furrow_status_t furrow_reject_list_write(const furrow_reject_list_t *list, const char *path, furrow_error_t *err)
{
    static const char suffix[] = ".rejects.csv";
    char *name = malloc(strlen(path) + sizeof suffix);
    furrow_status_t status = FURROW_OK;

    if (name == NULL) return no_memory(list, err);
    (void)sprintf(name, "%s%s", path, suffix);
    if (list->count > 0)
        status = replace(list, name, err);
    else
        (void)unlink(name);
    free(name);
    return status;
}

void furrow_reject_list_free(furrow_reject_list_t *list)
{
    for (int64_t i = 0; i < list->texts; i++) free(list->text[i]);
    free(list->text);
    free(list->entry);
    *list = (furrow_reject_list_t){0};
}
