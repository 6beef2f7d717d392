/* Owns the list of rejected items. There may be as many as items; equal texts are kept once, in a hash table, and all
 * of them in bounded memory. */
#include "reject_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"

enum { SLOTS_FIRST = 64, TEXT_BYTES_MAX = 1 << 26, BUFFER = 1 << 16, LINE_MAX_BYTES = 512 };

static const char too_many[] = "failed (too many different texts: this one was not kept)";

static furrow_status_t no_memory(const furrow_reject_list_t *list, furrow_error_t *err)
{
    return furrow_fail(err, FURROW_ENOMEM, "out of memory for a list of %lld rejected items",
                       (long long)list->count + 1);
}

/* Where a text is, or should be: open addressing, FNV-1a. */
static int64_t slot_of(char *const *table, int64_t slots, const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const char *c = text; *c != '\0'; c++) hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    int64_t at = (int64_t)(hash & (uint64_t)(slots - 1));
    while (table[at] != NULL && strcmp(table[at], text) != 0) at = (at + 1) & (slots - 1);
    return at;
}

/* Room for one more text: at most half of the slots are in use. */
static bool make_slots(furrow_reject_list_t *list)
{
    const int64_t slots = list->slots == 0 ? SLOTS_FIRST : 2 * list->slots;

    if (2 * list->texts < list->slots) return true;
    char **larger = calloc((size_t)slots, sizeof *larger);
    if (larger == NULL) return false;
    for (int64_t i = 0; i < list->slots; i++)
        if (list->text[i] != NULL) larger[slot_of(larger, slots, list->text[i])] = list->text[i];
    free(list->text);
    list->text = larger;
    list->slots = slots;
    return true;
}

/* The kept copy of a text; NULL if memory ran out. */
static const char *keep_text(furrow_reject_list_t *list, const char *text)
{
    const int64_t bytes = (int64_t)strlen(text) + 1;

    if (!make_slots(list)) return NULL;
    char **slot = &list->text[slot_of(list->text, list->slots, text)];
    if (*slot != NULL) return *slot;
    if (list->text_bytes + bytes > TEXT_BYTES_MAX) return too_many;
    *slot = strdup(text);
    if (*slot == NULL) return NULL;
    list->texts++;
    list->text_bytes += bytes;
    return *slot;
}

furrow_status_t furrow_reject_list_add(furrow_reject_list_t *list, int64_t index, const char *text, furrow_error_t *err)
{
    char line[FURROW_REJECT_TEXT];

    (void)snprintf(line, sizeof line, "%s", text);
    furrow_keep_on_one_line(line);
    const char *kept = furrow_fault_hits(FURROW_FAULT_ALLOC) ? NULL : keep_text(list, line);
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
    for (int64_t i = 0; i < list->slots; i++) free(list->text[i]);
    free(list->text);
    free(list->entry);
    *list = (furrow_reject_list_t){0};
}
