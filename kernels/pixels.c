/* Resampling follows Pillow's Resample.c (Alex Clark and contributors, HPND licence): the same windows, weights and
 * rounding, so that the results are its own. */
#include "pixels.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------- colour */

int furrow_pixels_channels(furrow_pixels_t kind)
{
    static const int channels[] = {1, 2, 3, 4, 4};

    return channels[kind];
}

static inline uint8_t gray_of(const uint8_t *rgb)
{
    return (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

/* a * b / 255, rounded. */
static inline uint8_t product(unsigned a, unsigned b)
{
    const unsigned t = a * b + 128;

    return (uint8_t)((t + (t >> 8)) >> 8);
}

static inline void store(furrow_pixels_order_t order, const uint8_t rgb[3], uint8_t *out)
{
    out[0] = order == FURROW_PIXELS_TO_BGR ? rgb[2] : rgb[0];
    out[1] = rgb[1];
    out[2] = order == FURROW_PIXELS_TO_BGR ? rgb[0] : rgb[2];
}

static void from_gray(furrow_pixels_order_t order, size_t step, const uint8_t *in, size_t n, uint8_t *out)
{
    if (order == FURROW_PIXELS_TO_GRAY)
        for (size_t i = 0; i < n; i++) out[i] = in[i * step];
    else
        for (size_t i = 0; i < n; i++) out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = in[i * step];
}

static void from_rgb(furrow_pixels_order_t order, size_t step, const uint8_t *in, size_t n, uint8_t *out)
{
    if (order == FURROW_PIXELS_TO_GRAY)
        for (size_t i = 0; i < n; i++) out[i] = gray_of(in + i * step);
    else
        for (size_t i = 0; i < n; i++) store(order, in + i * step, out + 3 * i);
}

static void from_cmyk(furrow_pixels_order_t order, const uint8_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++, in += 4) {
        const uint8_t rgb[3] = {product(in[0], in[3]), product(in[1], in[3]), product(in[2], in[3])};
        if (order == FURROW_PIXELS_TO_GRAY)
            out[i] = gray_of(rgb);
        else
            store(order, rgb, out + 3 * i);
    }
}

void furrow_pixels_convert(furrow_pixels_t kind, furrow_pixels_order_t order, const uint8_t *in, size_t n, uint8_t *out)
{
    switch (kind) {
    case FURROW_PIXELS_GRAY: from_gray(order, 1, in, n, out); break;
    case FURROW_PIXELS_GRAY_ALPHA: from_gray(order, 2, in, n, out); break;
    case FURROW_PIXELS_RGB: from_rgb(order, 3, in, n, out); break;
    case FURROW_PIXELS_RGBA: from_rgb(order, 4, in, n, out); break;
    case FURROW_PIXELS_CMYK: from_cmyk(order, in, n, out); break;
    }
}

/* ----------------------------------------------------------------------------------------------------- resample */

static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double linear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double cubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

static double sinc(double x)
{
    const double pi = 3.14159265358979323846;

    return x == 0.0 ? 1.0 : sin(x * pi) / (x * pi);
}

static double lanczos(double x)
{
    return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
}

static const struct {
    double (*weight)(double x);
    double support; /* no weight beyond this distance */
} filters[] = {[FURROW_RESAMPLE_BOX] = {box, 0.5},
               [FURROW_RESAMPLE_LINEAR] = {linear, 1.0},
               [FURROW_RESAMPLE_CUBIC] = {cubic, 2.0},
               [FURROW_RESAMPLE_LANCZOS] = {lanczos, 3.0}};

/* Input pixels per output pixel. */
static double scale_of(double from, double to, int64_t out)
{
    return (to - from) / (double)out;
}

/* Input pixels on either side of an output's centre. */
static double support_of(furrow_resample_filter_t filter, double scale)
{
    if (filter == FURROW_RESAMPLE_AREA) return 0.5 * scale + 0.5;
    return filters[filter].support * (scale < 1.0 ? 1.0 : scale);
}

/* What lies of an input pixel, x away, within the output pixel. */
static double overlap(double x, double scale)
{
    const double most = scale < 1.0 ? scale : 1.0, part = 0.5 * scale + 0.5 - fabs(x);

    return part <= 0.0 ? 0.0 : part < most ? part : most;
}

static double weight_of(furrow_resample_filter_t filter, double x, double scale)
{
    if (filter == FURROW_RESAMPLE_AREA) return overlap(x, scale);
    return filters[filter].weight(x * (1.0 / (scale < 1.0 ? 1.0 : scale)));
}

int64_t furrow_resample_taps(furrow_resample_filter_t filter, double from, double to, int64_t out)
{
    int64_t taps = 1;

    if (filter != FURROW_RESAMPLE_NEAREST) taps = (int64_t)ceil(support_of(filter, scale_of(from, to, out))) * 2 + 1;
    return (taps + 3) / 4 * 4;
}

static void plan_nearest(int64_t in, double from, double to, int64_t out, int64_t taps, int32_t *first, int32_t *count,
                         int32_t *weights)
{
    const double scale = scale_of(from, to, out);

    for (int64_t x = 0; x < out; x++) {
        const int64_t at = (int64_t)(from + ((double)x + 0.5) * scale);
        first[x] = (int32_t)(at < in ? at : in - 1);
        count[x] = 1;
        weights[x * taps] = 1 << FURROW_RESAMPLE_BITS;
    }
}

static int32_t fixed(double weight)
{
    return (int32_t)(weight * (1 << FURROW_RESAMPLE_BITS) + (weight < 0.0 ? -0.5 : 0.5));
}

/* One output: inputs whose centres lie within the support. Weights are computed twice, to be kept nowhere as double. */
static void plan_window(furrow_resample_filter_t filter, int64_t in, double center, double scale, int32_t *first,
                        int32_t *count, int32_t *weights)
{
    const double support = support_of(filter, scale);
    int64_t start = (int64_t)(center - support + 0.5), stop = (int64_t)(center + support + 0.5);
    double total = 0.0;

    if (start < 0) start = 0;
    if (stop > in) stop = in;
    for (int64_t i = start; i < stop; i++) total += weight_of(filter, (double)i - center + 0.5, scale);
    for (int64_t i = start; i < stop; i++) {
        const double weight = weight_of(filter, (double)i - center + 0.5, scale);
        weights[i - start] = fixed(total != 0.0 ? weight / total : weight);
    }
    *first = (int32_t)start;
    *count = (int32_t)(stop - start);
}

void furrow_resample_plan(furrow_resample_filter_t filter, int64_t in, double from, double to, int64_t out,
                          int64_t taps, int32_t *first, int32_t *count, int32_t *weights)
{
    const double scale = scale_of(from, to, out);

    memset(weights, 0, (size_t)(out * taps) * sizeof *weights);
    if (filter == FURROW_RESAMPLE_NEAREST) {
        plan_nearest(in, from, to, out, taps, first, count, weights);
        return;
    }
    for (int64_t x = 0; x < out; x++)
        plan_window(filter, in, from + ((double)x + 0.5) * scale, scale, first + x, count + x, weights + x * taps);
}

void furrow_resample_row(const furrow_kernels_t *kernels, const furrow_resample_t *plan, int channels,
                         const uint8_t *row, uint8_t *out)
{
    if (channels == 1)
        kernels->pixels.resample_row_1(plan, row, out);
    else
        kernels->pixels.resample_row_3(plan, row, out);
}

void furrow_resample_column(const furrow_kernels_t *kernels, const uint8_t *const *rows, const int32_t *weights,
                            int64_t count, size_t n, uint8_t *out)
{
    kernels->pixels.resample_column(rows, weights, count, n, out);
}

/* -------------------------------------------------------------------------------------------------------- place */

static bool is_interleaved(const furrow_place_t *place)
{
    return place->step == place->channels && (place->channels == 1 || place->channel_step == 1);
}

static void place_planes_u1(const uint8_t *row, size_t n, uint8_t *restrict a, uint8_t *restrict b, uint8_t *restrict c)
{
    for (size_t i = 0; i < n; i++, row += 3) {
        a[i] = row[0];
        b[i] = row[1];
        c[i] = row[2];
    }
}

void furrow_pixels_place_u1(const furrow_place_t *place, const uint8_t *row, size_t n, uint8_t *out)
{
    if (is_interleaved(place)) {
        memcpy(out, row, n * (size_t)place->channels);
        return;
    }
    if (place->channels == 3 && place->channel_step == 1) {
        for (size_t i = 0; i < n; i++, out += place->step) memcpy(out, row + 3 * i, 3);
        return;
    }
    if (place->channels == 3 && place->step == 1) {
        place_planes_u1(row, n, out, out + place->channel_step, out + 2 * place->channel_step);
        return;
    }
    for (int c = 0; c < place->channels; c++)
        for (size_t i = 0; i < n; i++)
            out[c * place->channel_step + (int64_t)i * place->step] = row[i * (size_t)place->channels + (size_t)c];
}

void furrow_pixels_place_f4(const furrow_place_t *place, const float *table, const uint8_t *row, size_t n, float *out)
{
    const size_t channels = (size_t)place->channels;

    if (is_interleaved(place) && channels == 3) {
        for (size_t i = 0; i < 3 * n; i += 3) {
            out[i] = table[row[i]];
            out[i + 1] = table[256 + row[i + 1]];
            out[i + 2] = table[512 + row[i + 2]];
        }
        return;
    }
    for (size_t c = 0; c < channels; c++) {
        float *to = out + (int64_t)c * place->channel_step;
        for (size_t i = 0; i < n; i++) to[(int64_t)i * place->step] = table[c * 256 + row[i * channels + c]];
    }
}

void furrow_pixels_table_f4(int channels, const float *mean, const float *std, float *table)
{
    for (int c = 0; c < channels; c++)
        for (int i = 0; i < 256; i++) table[c * 256 + i] = ((float)i / 255.0f - mean[c]) / std[c];
}
