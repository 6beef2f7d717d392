/* Items finish nearly in order, so there are few ranges and most additions extend one: a sorted array serves. */
#include "ranges.h"

#include <stdlib.h>
#include <string.h>

/* The first range that ends at or after `at`: the one that an addition there may join. */
static int64_t first_reaching(const furrow_ranges_t *set, int64_t at)
{
    int64_t low = 0, high = set->count;

    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (set->range[middle].stop < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static furrow_status_t make_room(furrow_ranges_t *set, furrow_error_t *err)
{
    const int64_t room = set->room == 0 ? 16 : 2 * set->room;

    if (set->count < set->room) return FURROW_OK;
    furrow_range_t *larger = realloc(set->range, (size_t)room * sizeof *larger);
    if (larger == NULL)
        return furrow_fail(err, FURROW_ENOMEM, "out of memory for a list of %lld ranges", (long long)room);
    set->range = larger;
    set->room = room;
    return FURROW_OK;
}

furrow_status_t furrow_ranges_add(furrow_ranges_t *set, int64_t first, int64_t n, furrow_error_t *err)
{
    furrow_range_t added = {first, first + n};
    const int64_t at = first_reaching(set, first);
    int64_t stop = at;

    if (n == 0) return FURROW_OK;
    for (; stop < set->count && set->range[stop].start <= added.stop; stop++) {
        if (set->range[stop].start < added.start) added.start = set->range[stop].start;
        if (set->range[stop].stop > added.stop) added.stop = set->range[stop].stop;
    }
    if (stop == at) {
        const furrow_status_t status = make_room(set, err);
        if (status != FURROW_OK) return status;
    }
    memmove(set->range + at + 1, set->range + stop, (size_t)(set->count - stop) * sizeof *set->range);
    set->range[at] = added;
    set->count += 1 - (stop - at);
    return FURROW_OK;
}

furrow_range_t furrow_ranges_gap(const furrow_ranges_t *set, int64_t from, int64_t end)
{
    int64_t at = first_reaching(set, from);

    if (at < set->count && set->range[at].start <= from && set->range[at].stop >= from) from = set->range[at++].stop;
    if (from >= end) return (furrow_range_t){end, end};
    return (furrow_range_t){from, at < set->count && set->range[at].start < end ? set->range[at].start : end};
}

int64_t furrow_ranges_total(const furrow_ranges_t *set)
{
    int64_t total = 0;

    for (int64_t i = 0; i < set->count; i++) total += set->range[i].stop - set->range[i].start;
    return total;
}

void furrow_ranges_free(furrow_ranges_t *set)
{
    free(set->range);
    *set = (furrow_ranges_t){0};
}
