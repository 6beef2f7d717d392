/** \file image_fit.h
 * Geometry: which part of a picture goes where in its slot. Work layer; local, no memory.
 */
#ifndef FURROW_IMAGE_FIT_H
#define FURROW_IMAGE_FIT_H

#include "furrow_image.h"

/** One axis of the picture as stored: the part [from, to) becomes `out` pixels. */
typedef struct furrow_fit_axis {
    int64_t in;      /* pixels that the decoder gives */
    double from, to; /* among them; not whole numbers in general */
    int64_t out;
} furrow_fit_axis_t;

/** A picture in its slot. Pixel (y, x) of the resized picture, as stored, is element origin + y * y_step + x * x_step
 * of its first channel; channels are channel_step apart. */
typedef struct furrow_fit_plan {
    furrow_fit_axis_t x, y;
    int eighths; /* scale of the decoder */
    int64_t origin, y_step, x_step, channel_step;
    bool covers; /* every element of the slot gets a pixel */
} furrow_fit_plan_t;

/** Channels of the output. */
int furrow_fit_channels(const furrow_image_opts_t *opts);

/** Height and width of the output. */
void furrow_fit_size(const furrow_image_info_t *info, const furrow_image_opts_t *opts, int64_t *height, int64_t *width);

/** \param[in] eighths  scales that the decoder offers, ascending, ended by 0; may be NULL */
furrow_fit_plan_t furrow_fit_plan(const furrow_image_info_t *info, const furrow_image_opts_t *opts, const int *eighths);

#endif
