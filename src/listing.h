/** \file listing.h
 * The inside of a listing (furrow_images.h): names one after the other. Work layer.
 */
#ifndef FURROW_LISTING_H
#define FURROW_LISTING_H

#include "grow.h"
#include "furrow_images.h"

struct furrow_listing {
    furrow_grow_t text;  /* all names, each ended by a zero byte */
    furrow_grow_t start; /* int64_t: where each begins in `text` */
    int64_t count;
};

/** What it takes in memory. Local. */
int64_t furrow_listing_bytes(const furrow_listing_t *listing);

#endif
