/* Owns the way of rows to the slot. */
#include "image_sink.h"

#include <string.h>

#include "mem.h"

static char *slot_row(const furrow_sink_t *sink, int64_t y)
{
    return sink->slot + y * sink->plan.y_step * furrow_dtype_size(sink->dtype);
}

/* Pixels of the slot are as rows are made: bytes, interleaved, from left to right. */
static bool makes_rows_in_slot(const furrow_sink_t *sink)
{
    return sink->dtype == FURROW_U1 && sink->place.step == sink->channels &&
           (sink->channels == 1 || sink->place.channel_step == 1);
}

static bool is_direct(const furrow_sink_t *sink)
{
    return makes_rows_in_slot(sink) && !sink->resamples_x && !sink->resamples_y;
}

static void place(furrow_sink_t *sink, int64_t y, const uint8_t *row)
{
    const size_t n = (size_t)sink->plan.x.out;

    if (sink->dtype == FURROW_F4)
        furrow_pixels_place_f4(&sink->place, sink->table, row, n, (float *)(void *)slot_row(sink, y));
    else
        furrow_pixels_place_u1(&sink->place, row, n, (uint8_t *)slot_row(sink, y));
}

/* -------------------------------------------------------------------------------------------------------- rows */

uint8_t *furrow_sink_row(furrow_sink_t *sink, int64_t y)
{
    if (is_direct(sink)) return (uint8_t *)slot_row(sink, y);
    return sink->lines + y % sink->line_count * sink->line_bytes;
}

static void resample_x(const furrow_sink_t *sink, const uint8_t *line, uint8_t *out)
{
    if (sink->resamples_x)
        furrow_resample_row(sink->kernels, &sink->x, sink->channels, line, out);
    else
        memcpy(out, line, (size_t)sink->row_bytes);
}

/* Output row `y` is in the slot, or is placed there. */
static void make_row(furrow_sink_t *sink, int64_t y)
{
    uint8_t *out = sink->out != NULL ? sink->out : (uint8_t *)slot_row(sink, y);
    const int64_t first = sink->y.first[y], count = sink->y.count[y];

    for (int64_t i = 0; i < count; i++)
        sink->window_row[i] = sink->window + (first + i) % sink->window_rows * sink->row_bytes;
    furrow_resample_column(sink->kernels, sink->window_row, sink->y.weights + y * sink->y.taps, count,
                           (size_t)sink->row_bytes, out);
    if (sink->out != NULL) place(sink, y, out);
}

static void take_into_window(furrow_sink_t *sink, int64_t y, const uint8_t *line)
{
    const int64_t total = sink->plan.y.out;

    if (sink->rows_out == total || y < sink->y.first[sink->rows_out]) return;
    resample_x(sink, line, sink->window + y % sink->window_rows * sink->row_bytes);
    while (sink->rows_out < total && sink->y.first[sink->rows_out] + sink->y.count[sink->rows_out] <= y + 1)
        make_row(sink, sink->rows_out++);
}

static void take_through(furrow_sink_t *sink, int64_t y, const uint8_t *line)
{
    if (!sink->resamples_x)
        place(sink, y, line);
    else if (sink->out == NULL)
        resample_x(sink, line, (uint8_t *)slot_row(sink, y));
    else {
        resample_x(sink, line, sink->out);
        place(sink, y, sink->out);
    }
    sink->rows_out++;
}

void furrow_sink_done(furrow_sink_t *sink, int64_t y)
{
    const uint8_t *line = furrow_sink_row(sink, y);

    sink->rows++;
    if (is_direct(sink))
        sink->rows_out++;
    else if (sink->resamples_y)
        take_into_window(sink, y, line);
    else
        take_through(sink, y, line);
}

bool furrow_sink_is_full(const furrow_sink_t *sink)
{
    return sink->rows == sink->plan.y.in && sink->rows_out == sink->plan.y.out;
}

/* --------------------------------------------------------------------------------------------------------- plan */

static bool resamples(const furrow_fit_axis_t *axis)
{
    return axis->out != axis->in || axis->from > 0.0 || axis->to < (double)axis->in;
}

static furrow_resample_filter_t filter_of(const furrow_fit_axis_t *axis, furrow_filter_t filter)
{
    switch (filter) {
    case FURROW_FILTER_NEAREST: return FURROW_RESAMPLE_NEAREST;
    case FURROW_FILTER_BOX: return FURROW_RESAMPLE_BOX;
    case FURROW_FILTER_LINEAR: return FURROW_RESAMPLE_LINEAR;
    case FURROW_FILTER_CUBIC: return FURROW_RESAMPLE_CUBIC;
    case FURROW_FILTER_LANCZOS: return FURROW_RESAMPLE_LANCZOS;
    case FURROW_FILTER_AREA: return FURROW_RESAMPLE_AREA;
    case FURROW_FILTER_AUTO: break;
    }
    return axis->to - axis->from > (double)axis->out ? FURROW_RESAMPLE_BOX : FURROW_RESAMPLE_LINEAR;
}

static furrow_status_t check_shrink(const furrow_fit_axis_t *axis, furrow_error_t *err)
{
    if (axis->to - axis->from <= FURROW_RESAMPLE_SHRINK_MAX * (double)axis->out) return FURROW_OK;
    return furrow_fail(err, FURROW_EUNSUPPORTED, "%lld pixels cannot become %lld: it is more than %.0f to 1",
                       (long long)axis->in, (long long)axis->out, FURROW_RESAMPLE_SHRINK_MAX);
}

/* Pillow keeps the ends of a part as float; where that holds all that could matter so does this. */
static double edge(const furrow_fit_axis_t *axis, double at)
{
    return axis->in < 1 << 16 ? (double)(float)at : at;
}

/* 32-bit words of one axis: first, count and weights. */
static int64_t plan_words(const furrow_fit_axis_t *axis, furrow_filter_t filter, int64_t *taps)
{
    int64_t words;

    *taps = furrow_resample_taps(filter_of(axis, filter), edge(axis, axis->from), edge(axis, axis->to), axis->out);
    return furrow_multiply(axis->out, *taps + 2, &words) ? words : INT64_MAX / 8;
}

static furrow_resample_t fill_plan(const furrow_fit_axis_t *axis, furrow_filter_t filter, int64_t taps, int32_t *words)
{
    const furrow_resample_t plan = {axis->out, taps, words, words + axis->out, words + 2 * axis->out};

    furrow_resample_plan(filter_of(axis, filter), axis->in, edge(axis, axis->from), edge(axis, axis->to), axis->out,
                         taps, words, words + axis->out, words + 2 * axis->out);
    return plan;
}

static furrow_status_t make_plans(furrow_sink_t *sink, furrow_filter_t filter, furrow_scratch_t *scratch,
                                  furrow_error_t *err)
{
    const furrow_fit_axis_t *x = &sink->plan.x, *y = &sink->plan.y;
    int64_t taps_x = 0, taps_y = 0;
    void *words;

    furrow_status_t status = check_shrink(x, err);
    if (status == FURROW_OK) status = check_shrink(y, err);
    if (status != FURROW_OK) return status;
    const int64_t words_x = sink->resamples_x ? plan_words(x, filter, &taps_x) : 0;
    const int64_t words_y = sink->resamples_y ? plan_words(y, filter, &taps_y) : 0;
    status = furrow_scratch_get(scratch, FURROW_BUFFER_PLANS, words_x + words_y, (int64_t)sizeof(int32_t), &words, err);
    if (status != FURROW_OK) return status;
    if (sink->resamples_x) sink->x = fill_plan(x, filter, taps_x, words);
    if (sink->resamples_y) sink->y = fill_plan(y, filter, taps_y, (int32_t *)words + words_x);
    return FURROW_OK;
}

static furrow_status_t get_rows(furrow_scratch_t *scratch, furrow_buffer_t which, int64_t rows, int64_t bytes,
                                uint8_t **out, furrow_error_t *err)
{
    void *data = NULL;
    const furrow_status_t status = furrow_scratch_get(scratch, which, rows, bytes, &data, err);

    *out = data;
    return status;
}

static furrow_status_t make_buffers(furrow_sink_t *sink, int rows_at_once, furrow_scratch_t *scratch,
                                    furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;
    void *pointers = NULL;

    sink->row_bytes = sink->plan.x.out * sink->channels;
    sink->line_bytes = sink->plan.x.in * sink->channels + FURROW_PIXELS_PADDING;
    sink->line_count = rows_at_once;
    if (!is_direct(sink))
        status = get_rows(scratch, FURROW_BUFFER_LINES, sink->line_count, sink->line_bytes, &sink->lines, err);
    if (status == FURROW_OK && sink->resamples_y) {
        sink->window_rows = sink->y.taps;
        status = get_rows(scratch, FURROW_BUFFER_WINDOW, sink->window_rows, sink->row_bytes, &sink->window, err);
        if (status == FURROW_OK)
            status = furrow_scratch_get(scratch, FURROW_BUFFER_POINTERS, sink->window_rows, (int64_t)sizeof(uint8_t *),
                                        &pointers, err);
        sink->window_row = pointers;
    }
    if (status == FURROW_OK && !makes_rows_in_slot(sink))
        status = get_rows(scratch, FURROW_BUFFER_OUT, 1, sink->row_bytes, &sink->out, err);
    return status;
}

/* What no pixel covers is black, as any other black pixel would be. */
static void make_black(const furrow_sink_t *sink, char *slot, int64_t bytes)
{
    if (sink->dtype == FURROW_U1) {
        memset(slot, 0, (size_t)bytes);
        return;
    }
    float *element = (float *)(void *)slot;
    const int64_t count = bytes / (int64_t)sizeof *element, step = sink->place.channel_step;
    for (int64_t i = 0; i < count; i++) element[i] = sink->table[256 * (sink->channels == 1 ? 0 : i / step % 3)];
}

furrow_status_t furrow_sink_open(furrow_sink_t *sink, const furrow_fit_plan_t *plan, const furrow_image_opts_t *opts,
                                 int rows_at_once, void *slot, int64_t slot_bytes, furrow_scratch_t *scratch,
                                 furrow_error_t *err)
{
    memset(sink, 0, sizeof *sink);
    sink->kernels = furrow_kernels();
    sink->plan = *plan;
    sink->channels = furrow_fit_channels(opts);
    sink->dtype = opts->dtype;
    sink->resamples_x = resamples(&plan->x);
    sink->resamples_y = resamples(&plan->y);
    sink->place = (furrow_place_t){sink->channels, plan->x_step, plan->channel_step};
    sink->slot = (char *)slot + plan->origin * furrow_dtype_size(opts->dtype);
    if (opts->dtype == FURROW_F4) furrow_pixels_table_f4(sink->channels, opts->mean, opts->std, sink->table);

    furrow_status_t status = make_plans(sink, opts->filter, scratch, err);
    if (status == FURROW_OK) status = make_buffers(sink, rows_at_once, scratch, err);
    if (status == FURROW_OK && !plan->covers) make_black(sink, slot, slot_bytes);
    return status;
}
