/** \file pixel_stats.h
 * Mean and standard deviation of the channels of many pictures, exactly. Work layer; local.
 */
#ifndef FURROW_PIXEL_STATS_H
#define FURROW_PIXEL_STATS_H

#include "furrow_image.h"

/** Sums that add: of parts, of threads, of ranks. Plain data; zero bytes are of no pixel. */
typedef struct furrow_pixel_stats {
    int64_t pixels; /* of one channel */
    uint64_t sum[3], squares[3];
} furrow_pixel_stats_t;

/** Count a slot of u1 in; `shape` as furrow_image_shape() gives it. */
void furrow_pixel_stats_add(furrow_pixel_stats_t *stats, furrow_layout_t layout, const int64_t shape[3],
                            const uint8_t *slot);

void furrow_pixel_stats_merge(furrow_pixel_stats_t *into, const furrow_pixel_stats_t *from);

/** Of channel `c`, correctly rounded; `scaled`: of the pixels divided by 255. The deviation is that of all pixels
 * (divided by their number). NaN without pixels. For fewer than 10^14 pixels. */
void furrow_pixel_stats_value(const furrow_pixel_stats_t *stats, int c, bool scaled, double *mean, double *std);

#endif
