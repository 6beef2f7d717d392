/* Owns the statistics of pixels. */
#include "pixel_stats.h"

#include "channels.h"
#include "round.h"

void furrow_pixel_stats_add(furrow_pixel_stats_t *stats, furrow_layout_t layout, const int64_t shape[3],
                            const uint8_t *slot)
{
    const int channels = (int)shape[layout == FURROW_NHWC ? 2 : 0];
    const int64_t pixels = layout == FURROW_NHWC ? shape[0] * shape[1] : shape[1] * shape[2];

    stats->pixels += pixels;
    if (layout == FURROW_NHWC)
        furrow_channels_add(channels, slot, (size_t)pixels, stats->sum, stats->squares);
    else
        for (int c = 0; c < channels; c++)
            furrow_channels_add(1, slot + c * pixels, (size_t)pixels, &stats->sum[c], &stats->squares[c]);
}

void furrow_pixel_stats_merge(furrow_pixel_stats_t *into, const furrow_pixel_stats_t *from)
{
    into->pixels += from->pixels;
    for (int c = 0; c < 3; c++) {
        into->sum[c] += from->sum[c];
        into->squares[c] += from->squares[c];
    }
}

/* `factor` times an integer, as an exact sum. */
static furrow_exact_t exact_of(uint64_t value, double factor)
{
    furrow_exact_t acc;

    furrow_exact_clear(&acc);
    furrow_exact_add(&acc, factor * 0x1p32 * (double)(value >> 32));
    furrow_exact_add(&acc, factor * (double)(value & UINT32_MAX));
    return acc;
}

/* With n pixels, their sum S and that of their squares Q: (n Q - S^2) / (255 n)^2 is the variance formula
 * (count squares - sum^2) / count^2 of count = 255^2 n, sum = 255 S, squares = Q. */
void furrow_pixel_stats_value(const furrow_pixel_stats_t *stats, int c, bool scaled, double *mean, double *std)
{
    furrow_exact_t sum = exact_of(stats->sum[c], 1), squares = exact_of(stats->squares[c], 1);

    *mean = furrow_round_mean(&sum, stats->pixels * (scaled ? 255 : 1));
    if (scaled) sum = exact_of(stats->sum[c], 255);
    *std = furrow_round_variance(&sum, &squares, stats->pixels * (scaled ? 65025 : 1), 0, true);
}
