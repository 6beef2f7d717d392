/* Rows to test operations on rows with. */
#ifndef FURROW_TESTS_ROWS_SUPPORT_H
#define FURROW_TESTS_ROWS_SUPPORT_H

#include "support.h"

#include <math.h>

#include "round.h"
#include "rows.h"

enum { MOST = 20000 };

static double f8_row[MOST + 8], f8_other[MOST + 8];
static float f4_row[MOST + 8], f4_other[MOST + 8];

/* What a row may be like: each is hard in its own way for sums that are found approximately first. */
enum { ORDINARY, LARGE_LATE, CANCELS, TIES, ALL_SIZES, ZEROS, HAS_NAN, HAS_INF, SUBNORMAL, POWERS, NATURES };

static inline double term_of(int nature, size_t i, uint64_t *state)
{
    const double x = 2 * random_unit(state) - 1;
    const int e = random_between(state, -60, 60);

    switch (nature) {
    case LARGE_LATE: return i % 37 == 35 ? x * 0x1p40 : x;
    case CANCELS: return i % 2 == 0 ? 1.0 + (double)(i % 7) : -1.0 - (double)((i - 1) % 7);
    case TIES: return i == 0 ? 1.0 : i == 1 ? 0x1p-24 : i == 2 ? 0x1p-53 : 0.0;
    case ALL_SIZES: return ldexp(x, e);
    case ZEROS: return i % 2 == 0 ? 0.0 : -0.0;
    case HAS_NAN: return i == 41 ? (double)NAN : x;
    case HAS_INF: return i == 29 ? INFINITY : i == 57 ? -INFINITY : x;
    case SUBNORMAL: return x * 0x1p-130;
    case POWERS: return ldexp(1.0, e);
    default: return x;
    }
}

static inline void fill_rows(int nature, size_t n, uint64_t *state)
{
    for (size_t i = 0; i < n; i++) {
        f8_row[i] = term_of(nature, i, state);
        f4_row[i] = (float)f8_row[i];
        if (nature == SUBNORMAL) f8_row[i] *= 0x1p-900;
        f8_other[i] = 2 * random_unit(state) - 1;
        f4_other[i] = (float)f8_other[i];
    }
}

static inline double term_f(furrow_elem_t elem, const void *x, size_t i)
{
    return elem == FURROW_ELEM_f4 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static const size_t lengths[] = {0,  1,  2,  3,  7,   8,   9,   23,  24,   25,   31,   32,   33,   40,
                                 63, 64, 65, 70, 127, 128, 511, 513, 1023, 1024, 4095, 4096, 4097, 10001};

#endif
