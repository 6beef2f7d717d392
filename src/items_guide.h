/** \file items_guide.h
 * How many items to give out at a time: a chunk takes some milliseconds by what was measured, so that slow items that
 * sit together are spread and cheap ones cost little. Work layer.
 */
#ifndef FURROW_ITEMS_GUIDE_H
#define FURROW_ITEMS_GUIDE_H

#include "status.h"

/** What was seen of items of one kind. Zero bytes: nothing yet. */
typedef struct furrow_guide {
    double seconds_per_item; /* of late; 0: not known */
    int64_t last_size;       /* of the chunk given last */
} furrow_guide_t;

/** The size of the next chunk, at least 1, where `left` items are left for `workers` threads: some `seconds`. Local. */
int64_t furrow_guide_size(const furrow_guide_t *guide, int64_t left, int64_t workers, double seconds);

/** `count` items took `seconds`. Local. */
void furrow_guide_note(furrow_guide_t *guide, int64_t count, double seconds);

#endif
