/* Each failure is a head, the text with its zero, and zeros up to a multiple of 8 bytes. */
#include "items_failures.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t index;
    int32_t code, text_bytes;
} head_t;

static furrow_status_t make_room(furrow_packed_t *packed, int64_t bytes, furrow_error_t *err)
{
    int64_t room = packed->room > 0 ? packed->room : 256;

    if (packed->bytes + bytes <= packed->room) return FURROW_OK;
    while (room < packed->bytes + bytes) room *= 2;
    char *larger = realloc(packed->data, (size_t)room);
    if (larger == NULL)
        return furrow_fail(err, FURROW_ENOMEM, "out of memory for a list of failed items: %lld bytes", (long long)room);
    packed->data = larger;
    packed->room = room;
    return FURROW_OK;
}

furrow_status_t furrow_packed_add(furrow_packed_t *packed, int64_t index, int code, const char *text,
                                  furrow_error_t *err)
{
    char entry[sizeof(head_t) + FURROW_REJECT_TEXT] = {0};
    const size_t length = strnlen(text, FURROW_REJECT_TEXT - 1);
    const head_t head = {index, code, (int32_t)((length + 8) / 8 * 8)};

    memcpy(entry, &head, sizeof head);
    memcpy(entry + sizeof head, text, length);
    furrow_keep_on_one_line(entry + sizeof head);
    return furrow_packed_append(packed, entry, (int64_t)sizeof head + head.text_bytes, err);
}

furrow_status_t furrow_packed_append(furrow_packed_t *packed, const void *data, int64_t bytes, furrow_error_t *err)
{
    if (bytes == 0) return FURROW_OK;
    const furrow_status_t status = make_room(packed, bytes, err);
    if (status != FURROW_OK) return status;
    memcpy(packed->data + packed->bytes, data, (size_t)bytes);
    packed->bytes += bytes;
    return FURROW_OK;
}

void furrow_packed_free(furrow_packed_t *packed)
{
    free(packed->data);
    *packed = (furrow_packed_t){0};
}

bool furrow_packed_next(const void *data, int64_t bytes, int64_t *at, furrow_packed_failure_t *out)
{
    const char *from = data;
    head_t head;

    if (*at >= bytes) return false;
    memcpy(&head, from + *at, sizeof head);
    *out = (furrow_packed_failure_t){head.index, head.code, from + *at + sizeof head};
    *at += (int64_t)sizeof head + head.text_bytes;
    return true;
}
