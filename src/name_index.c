/* Owns the search by the end of a name. Names are sorted by their bytes from the last to the first, once as they are
 * and once without the part after the last '.'; those that end in a key then stand together. */
#include "name_index.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

typedef struct {
    const char *name;
    int64_t length; /* of what is compared, without the slash */
    int64_t image;
    bool slashed; /* of a key: as if a '/' stood before it */
} entry_t;

struct furrow_name_index {
    int64_t count;
    entry_t *whole, *stem; /* [count] */
};

/* Byte k from the end, plus 1; 0 beyond the first. */
static int byte_from_end(const entry_t *e, int64_t k)
{
    if (k < e->length) return 1 + (unsigned char)e->name[e->length - 1 - k];
    return e->slashed && k == e->length ? 1 + '/' : 0;
}

static int compare_ends(const entry_t *a, const entry_t *b)
{
    for (int64_t k = 0;; k++) {
        const int x = byte_from_end(a, k), y = byte_from_end(b, k);
        if (x != y) return x < y ? -1 : 1;
        if (x == 0) return 0;
    }
}

/* A key with a slash before it is the end of a name, one without is all of it. */
static bool fits(const entry_t *e, const entry_t *key)
{
    int64_t k = 0;

    while (byte_from_end(key, k) != 0 && byte_from_end(key, k) == byte_from_end(e, k)) k++;
    return byte_from_end(key, k) == 0 && (key->slashed || byte_from_end(e, k) == 0);
}

static int compare_entries(const void *a, const void *b)
{
    const entry_t *x = a, *y = b;
    const int order = compare_ends(x, y);

    return order != 0 ? order : (x->image > y->image) - (x->image < y->image);
}

static int64_t stem_length(const char *name)
{
    const char *slash = strrchr(name, '/'), *base = slash == NULL ? name : slash + 1;
    const char *dot = strrchr(base, '.');

    return dot == NULL || dot == base ? (int64_t)strlen(name) : dot - name;
}

furrow_status_t furrow_name_index_open(const furrow_listing_t *listing, furrow_name_index_t **out, furrow_error_t *err)
{
    const int64_t count = furrow_listing_count(listing);
    void *memory = NULL, *whole = NULL, *stem = NULL;

    furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(count, sizeof(entry_t), &whole, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(count, sizeof(entry_t), &stem, err);
    if (status != FURROW_OK) {
        free(memory);
        free(whole);
        return status;
    }
    *out = memory;
    **out = (furrow_name_index_t){count, whole, stem};
    for (int64_t i = 0; i < count; i++) {
        const char *name = furrow_listing_name(listing, i);
        (*out)->whole[i] = (entry_t){name, (int64_t)strlen(name), i, false};
        (*out)->stem[i] = (entry_t){name, stem_length(name), i, false};
    }
    qsort(whole, (size_t)count, sizeof(entry_t), compare_entries);
    qsort(stem, (size_t)count, sizeof(entry_t), compare_entries);
    return FURROW_OK;
}

/* The first entry that is not below `key`. */
static int64_t lower_bound(const entry_t *entry, int64_t count, const entry_t *key)
{
    int64_t low = 0, high = count;

    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (compare_ends(&entry[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t collect(const entry_t *entry, int64_t count, const entry_t *key, int64_t first[2])
{
    int64_t found = 0;

    for (int64_t i = lower_bound(entry, count, key); i < count && fits(&entry[i], key); i++, found++)
        if (found < 2) first[found] = entry[i].image;
    return found;
}

int64_t furrow_name_index_find(const furrow_name_index_t *index, const char *key, int64_t first[2])
{
    const entry_t *const tables[] = {index->whole, index->stem};
    int64_t found = 0;

    while (strncmp(key, "./", 2) == 0) key += 2;
    entry_t wanted = {key, (int64_t)strlen(key), 0, false};
    if (wanted.length == 0) return 0;
    for (int t = 0; t < 2 && found == 0; t++) {
        wanted.slashed = false;
        found = collect(tables[t], index->count, &wanted, first);
        wanted.slashed = true;
        if (found == 0) found = collect(tables[t], index->count, &wanted, first);
    }
    return found;
}

void furrow_name_index_free(furrow_name_index_t *index)
{
    if (index == NULL) return;
    free(index->whole);
    free(index->stem);
    free(index);
}
