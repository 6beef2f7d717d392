/** \file reject_list.h
 * The items that failed, and their file. Work layer; local, used by rank 0: jobs stand on it.
 */
#ifndef FURROW_REJECT_LIST_H
#define FURROW_REJECT_LIST_H

#include "status.h"

typedef struct furrow_reject_entry {
    int64_t index;
    const char *text;
} furrow_reject_entry_t;

/** Zero bytes are the empty list. Equal texts are kept once; of different ones 64 MiB, then a text that says so. */
typedef struct furrow_reject_list {
    furrow_reject_entry_t *entry; /* [count] */
    int64_t count, room;
    char **text; /* [slots]: a hash table of the texts, NULL where there is none */
    int64_t slots, texts, text_bytes;
} furrow_reject_list_t;

/** Add an item; of the text what fits into a furrow_reject_t, as one line. \return FURROW_OK or FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_reject_list_add(furrow_reject_list_t *list, int64_t index, const char *text,
                                                         furrow_error_t *err);

/** By index. */
void furrow_reject_list_sort(furrow_reject_list_t *list);

/** `path`.rejects.csv becomes the list, whole; of an empty list there is none. */
FURROW_MUST_CHECK furrow_status_t furrow_reject_list_write(const furrow_reject_list_t *list, const char *path,
                                                           furrow_error_t *err);

void furrow_reject_list_free(furrow_reject_list_t *list);

#endif
