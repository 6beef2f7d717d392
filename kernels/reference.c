/* The plain version of every kernel: one element at a time, as its definition reads. Fallback and oracle. */
#include "key.h"
#define FURROW_ONE_LANE
#include "rows_block.inc"
#include "table.h"

/* How one element of each type enters a sum, and its key. */
#define ADD_INTEGER(acc, x) furrow_exact_add_int128(acc, (furrow_int128_t)(x), 0)
#define ABS_INTEGER(acc, x) furrow_exact_add_int128(acc, (x) < 0 ? -(furrow_int128_t)(x) : (furrow_int128_t)(x), 0)
#define ADD_FLOAT(acc, x) furrow_exact_add(acc, (double)(x))
#define ABS_FLOAT(acc, x) furrow_exact_add(acc, __builtin_fabs((double)(x)))
#define MULTIPLY_FLOAT(acc, x, y) furrow_exact_add_product(acc, (double)(x), (double)(y))
#define MULTIPLY_SIGNED(acc, x, y) furrow_exact_add_int128(acc, (furrow_int128_t)(x) * (y), 0)
#define KEY_INTEGER(x) ((int64_t)(x))
#define KEY_FLOAT(x) furrow_key_of_f8((double)(x))

/* A product of two u8 fills 128 bits, which a signed word does not hold: high and low half. */
static void multiply_unsigned(furrow_exact_t *acc, uint64_t x, uint64_t y)
{
    const furrow_uint128_t product = (furrow_uint128_t)x * y;
    furrow_exact_add_int128(acc, (furrow_int128_t)(uint64_t)product, 0);
    furrow_exact_add_int128(acc, (furrow_int128_t)(product >> 64), 64);
}

#define REFERENCE(name, type, ADD, ABS, MULTIPLY, KEY)                                                                 \
    static void sum_##name(furrow_exact_t *acc, const void *x, size_t n)                                               \
    {                                                                                                                  \
        const type *v = x;                                                                                             \
        for (size_t i = 0; i < n; i++) ADD(acc, v[i]);                                                                 \
    }                                                                                                                  \
    static void sum_abs_##name(furrow_exact_t *acc, const void *x, size_t n)                                           \
    {                                                                                                                  \
        const type *v = x;                                                                                             \
        for (size_t i = 0; i < n; i++) ABS(acc, v[i]);                                                                 \
    }                                                                                                                  \
    static void dot_##name(furrow_exact_t *acc, const void *x, const void *y, size_t n)                                \
    {                                                                                                                  \
        const type *v = x, *w = y;                                                                                     \
        for (size_t i = 0; i < n; i++) MULTIPLY(acc, v[i], w[i]);                                                      \
    }                                                                                                                  \
    static void sum_squares_##name(furrow_exact_t *acc, const void *x, size_t n)                                       \
    {                                                                                                                  \
        dot_##name(acc, x, x, n);                                                                                      \
    }                                                                                                                  \
    static int64_t count_nonzero_##name(const void *x, size_t n)                                                       \
    {                                                                                                                  \
        const type *v = x;                                                                                             \
        int64_t count = 0;                                                                                             \
        for (size_t i = 0; i < n; i++) count += v[i] != 0;                                                             \
        return count;                                                                                                  \
    }                                                                                                                  \
    static int64_t count_nan_##name(const void *x, size_t n)                                                           \
    {                                                                                                                  \
        const type *v = x;                                                                                             \
        int64_t count = 0;                                                                                             \
        for (size_t i = 0; i < n; i++) count += v[i] != v[i];                                                          \
        return count;                                                                                                  \
    }                                                                                                                  \
    static void min_max_##name(const void *x, size_t n, int64_t *least, int64_t *largest)                              \
    {                                                                                                                  \
        const type *v = x;                                                                                             \
        *least = *largest = KEY(v[0]);                                                                                 \
        for (size_t i = 1; i < n; i++) {                                                                               \
            if (KEY(v[i]) < *least) *least = KEY(v[i]);                                                                \
            if (KEY(v[i]) > *largest) *largest = KEY(v[i]);                                                            \
        }                                                                                                              \
    }

REFERENCE(i1, int8_t, ADD_INTEGER, ABS_INTEGER, MULTIPLY_SIGNED, KEY_INTEGER)
REFERENCE(i2, int16_t, ADD_INTEGER, ABS_INTEGER, MULTIPLY_SIGNED, KEY_INTEGER)
REFERENCE(i4, int32_t, ADD_INTEGER, ABS_INTEGER, MULTIPLY_SIGNED, KEY_INTEGER)
REFERENCE(i8, int64_t, ADD_INTEGER, ABS_INTEGER, MULTIPLY_SIGNED, KEY_INTEGER)
REFERENCE(u1, uint8_t, ADD_INTEGER, ADD_INTEGER, MULTIPLY_SIGNED, KEY_INTEGER)
REFERENCE(u2, uint16_t, ADD_INTEGER, ADD_INTEGER, MULTIPLY_SIGNED, KEY_INTEGER)
REFERENCE(u4, uint32_t, ADD_INTEGER, ADD_INTEGER, MULTIPLY_SIGNED, KEY_INTEGER)
REFERENCE(u8, uint64_t, ADD_INTEGER, ADD_INTEGER, multiply_unsigned, furrow_key_of_u8)
REFERENCE(f4, float, ADD_FLOAT, ABS_FLOAT, MULTIPLY_FLOAT, KEY_FLOAT)
REFERENCE(f8, double, ADD_FLOAT, ABS_FLOAT, MULTIPLY_FLOAT, KEY_FLOAT)

#define ROW(kind)                                                                                                      \
    {                                                                                                                  \
        kind##_i1, kind##_i2, kind##_i4, kind##_i8, kind##_u1, kind##_u2, kind##_u4, kind##_u8, kind##_f4, kind##_f8   \
    }

extern const furrow_kernels_t furrow_kernels_reference;
const furrow_kernels_t furrow_kernels_reference = {
    .name = "reference",
    .sum = ROW(sum),
    .sum_abs = ROW(sum_abs),
    .sum_squares = ROW(sum_squares),
    .dot = ROW(dot),
    .count_nonzero = ROW(count_nonzero),
    .count_nan = ROW(count_nan),
    .min_max = ROW(min_max),
    .rows = {.affine_f4 = row_affine_f4,
             .affine_f8 = row_affine_f8,
             .softmax_f4 = row_softmax_f4,
             .softmax_f8 = row_softmax_f8},
};
