/** \file image_sink.h
 * The way of a row from the decoder to its slot: resampled along x, then, with its neighbours, along y; then placed. No
 * more rows are kept than a filter needs. Work layer; local.
 */
#ifndef FURROW_IMAGE_SINK_H
#define FURROW_IMAGE_SINK_H

#include "decode.h"
#include "image_fit.h"

struct furrow_sink {
    const furrow_kernels_t *kernels;
    furrow_fit_plan_t plan;
    int channels;
    bool resamples_x, resamples_y;
    furrow_resample_t x, y;

    uint8_t *lines; /* row y of the decoder is in line y % line_count */
    int64_t line_bytes, line_count;
    uint8_t *window; /* row y, resampled along x, is in row y % window_rows */
    int64_t row_bytes, window_rows;
    const uint8_t **window_row; /* those that one output needs, in order */
    uint8_t *out;               /* a row that cannot be made where it belongs */

    furrow_dtype_t dtype;
    furrow_place_t place;
    char *slot;             /* where the first pixel goes */
    float table[3 * 256];   /* f4 */
    int64_t rows, rows_out; /* so many came, so many are placed */
};

/** Make ready for one picture. `opts` was checked, `slot` is of the size that belongs to it. \return FURROW_OK,
 * FURROW_EUNSUPPORTED (shrinks too much), FURROW_EBUDGET, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_sink_open(furrow_sink_t *sink, const furrow_fit_plan_t *plan,
                                                   const furrow_image_opts_t *opts, int rows_at_once, void *slot,
                                                   int64_t slot_bytes, furrow_scratch_t *scratch, furrow_error_t *err);

/** Have all rows come? */
bool furrow_sink_is_full(const furrow_sink_t *sink);

#endif
