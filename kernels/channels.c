/* Sums over channels. 48 columns of bytes are added at once, which is a multiple of three and of a vector: column j is
 * of channel j mod 3. */
#include "channels.h"

#include <string.h>

enum { COLUMNS = 48, ROWS_MAX = 65536 /* 255^2 times it fits 32 bits */ };

static void add_columns(const uint8_t *restrict x, size_t rows, uint32_t *restrict sum, uint32_t *restrict squares)
{
    for (size_t r = 0; r < rows; r++, x += COLUMNS)
        for (int j = 0; j < COLUMNS; j++) {
            const uint32_t value = x[j];
            sum[j] += value;
            squares[j] += value * value;
        }
}

void furrow_channels_add(int channels, const uint8_t *pixels, size_t n, uint64_t *sum, uint64_t *squares)
{
    size_t left = n * (size_t)channels;

    while (left >= COLUMNS) {
        const size_t rows = left / COLUMNS < ROWS_MAX ? left / COLUMNS : ROWS_MAX;
        uint32_t part[COLUMNS] = {0}, part_squares[COLUMNS] = {0};
        add_columns(pixels, rows, part, part_squares);
        for (int j = 0; j < COLUMNS; j++) {
            sum[j % channels] += part[j];
            squares[j % channels] += part_squares[j];
        }
        pixels += rows * COLUMNS;
        left -= rows * COLUMNS;
    }
    for (size_t j = 0; j < left; j++) {
        sum[j % (size_t)channels] += pixels[j];
        squares[j % (size_t)channels] += (uint64_t)pixels[j] * pixels[j];
    }
}
