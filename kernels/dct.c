/* Owns the calls of the table's functions for JPEG, and what they need prepared. */
#include "dct.h"

int furrow_dct_rank(int size, int frequency)
{
    static const int8_t of_2[8] = {0, 1, -1, 2, -1, 3, -1, 4}, of_4[8] = {0, 1, 2, 3, -1, 4, 5, 6};

    if (size == 1) return frequency == 0 ? 0 : -1;
    return size == 2 ? of_2[frequency] : of_4[frequency];
}

bool furrow_dct(const furrow_kernels_t *kernels, int size, const int16_t *coefficients, const int16_t *factors,
                uint8_t *out, size_t stride)
{
    return kernels->dct.transform[size / 2](coefficients, factors, out, stride);
}

void furrow_dct_colors(const furrow_kernels_t *kernels, const uint8_t *const ycc[3], size_t n, bool bgr, uint8_t *out)
{
    kernels->dct.colors(ycc, n, bgr, out);
}
