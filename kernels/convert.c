/* Plain loops that compilers turn into vectors where it pays. */
#include "convert.h"

#include <string.h>

void furrow_swap_bytes(void *x, size_t n, size_t size)
{
    unsigned char *byte = x;

    for (size_t i = 0; i < n && size > 1; i++, byte += size)
        for (size_t low = 0, high = size - 1; low < high; low++, high--) {
            const unsigned char kept = byte[low];
            byte[low] = byte[high];
            byte[high] = kept;
        }
}

void furrow_normalize_bool(uint8_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = x[i] != 0;
}

/* Subnormal halves are integers times 2^-24; normal ones move to single's bias; the rest are infinities and NaN. */
static float f4_of_half(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half >> 15) << 31, fraction = half & 0x3ffu;
    const uint32_t exponent = (uint32_t)(half >> 10) & 0x1fu;
    uint32_t bits = sign;
    float value;

    if (exponent == 0) {
        value = (float)fraction * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    } else if (exponent == 31) {
        bits |= UINT32_C(0x7f800000) | fraction << 13;
    } else {
        bits |= (exponent + 112) << 23 | fraction << 13;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

void furrow_f4_of_f2(const uint16_t *x, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = f4_of_half(x[i]);
}

#define DROP_AND_TAKE(name, type)                                                                                      \
    size_t furrow_drop_nan_##name(const type *x, size_t n, type *out)                                                  \
    {                                                                                                                  \
        size_t kept = 0;                                                                                               \
        for (size_t i = 0; i < n; i++) {                                                                               \
            const type value = x[i];                                                                                   \
            out[kept] = value;                                                                                         \
            kept += value == value;                                                                                    \
        }                                                                                                              \
        return kept;                                                                                                   \
    }                                                                                                                  \
    void furrow_take_second_##name(const type *x, size_t n, type *out)                                                 \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++) out[i] = x[2 * i];                                                              \
    }
DROP_AND_TAKE(f4, float)
DROP_AND_TAKE(f8, double)

typedef struct {
    uint64_t half[2];
} pair_t;

/* One loop for each size, so that it compiles to plain loads and stores; eight rows at a time fill a cache line of the
 * output. */
#define GATHER(type)                                                                                                   \
    {                                                                                                                  \
        const type *restrict in = x;                                                                                   \
        type *restrict to = out;                                                                                       \
        size_t r = 0;                                                                                                  \
        for (; rows - r >= 8; r += 8)                                                                                  \
            for (size_t c = 0; c < columns; c++)                                                                       \
                for (size_t i = r; i < r + 8; i++) to[c * stride + i] = in[i * row_items + c];                         \
        for (; r < rows; r++)                                                                                          \
            for (size_t c = 0; c < columns; c++) to[c * stride + r] = in[r * row_items + c];                           \
    }

void furrow_gather_columns(const void *x, size_t row_items, size_t rows, size_t columns, size_t size, void *out,
                           size_t stride)
{
    switch (size) {
    case 1: GATHER(uint8_t) break;
    case 2: GATHER(uint16_t) break;
    case 4: GATHER(uint32_t) break;
    case 8: GATHER(uint64_t) break;
    default: GATHER(pair_t) break;
    }
}

void furrow_f8_of_elem(furrow_elem_t elem, const void *x, size_t n, double *out)
{
    switch (elem) {
#define TO_F8(name, type)                                                                                              \
    case FURROW_ELEM_##name:                                                                                           \
        for (size_t i = 0; i < n; i++) out[i] = (double)((const type *)x)[i];                                          \
        break;
        FURROW_ELEM_LIST(TO_F8)
#undef TO_F8
    case FURROW_ELEM_TOTAL: break;
    }
}

/* The guess may be one bin off by rounding: the edges decide. */
static int64_t bin_of(double x, const double *edge, int64_t bins)
{
    const double guess = (x - edge[0]) / (edge[bins] - edge[0]) * (double)bins;
    int64_t bin = guess < (double)bins ? (int64_t)guess : bins - 1; /* NaN too: where the width overflows */

    while (bin > 0 && x < edge[bin]) bin--;
    while (bin < bins - 1 && x >= edge[bin + 1]) bin++;
    return bin;
}

void furrow_histogram(const double *x, size_t n, const double *edge, int64_t bins, int64_t *counts)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] >= edge[0] && x[i] <= edge[bins]) counts[bin_of(x[i], edge, bins)]++;
}
