/* All fast kernels, for one instruction set: compiled once per variant with FURROW_VARIANT and that set's compiler
 * flags. */
#include "dct_block.inc"
#include "exact_block.h"
#include "key.h"
#include "paste.inc"
#include "pixels_block.inc"
#include "rows_block.inc"
#include "table.h"

/* The next few loops are plain C: the compiler turns them into vectors of this variant. */

/* Nothing adds nothing, not even the mark that the sum is no -0.0. */
static void add_total(furrow_exact_t *acc, furrow_int128_t total, int exponent, size_t n)
{
    if (n > 0) furrow_exact_add_int128(acc, total, exponent);
}

#define LOW(x) ((uint64_t)(x)&UINT64_C(0xffffffff))

/* Integers of up to 4 bytes: sums of up to FURROW_BLOCK_MAX fit 64 bits. */
#define SUM_NARROW(name, type)                                                                                         \
    static void sum_##name(furrow_exact_t *acc, const void *x, size_t n)                                               \
    {                                                                                                                  \
        const type *v = x;                                                                                             \
        int64_t total = 0;                                                                                             \
        for (size_t i = 0; i < n; i++) total += v[i];                                                                  \
        add_total(acc, total, 0, n);                                                                                   \
    }

/* Integers of 8 bytes: low and high halves apart. */
#define SUM_WIDE(name, type)                                                                                           \
    static void sum_##name(furrow_exact_t *acc, const void *x, size_t n)                                               \
    {                                                                                                                  \
        const type *v = x;                                                                                             \
        uint64_t low = 0;                                                                                              \
        int64_t high = 0;                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                                               \
            low += LOW(v[i]);                                                                                          \
            high += (int64_t)(v[i] >> 32);                                                                             \
        }                                                                                                              \
        add_total(acc, low, 0, n);                                                                                     \
        add_total(acc, high, 32, n);                                                                                   \
    }

#define SUM_ABS(name, type)                                                                                            \
    static void sum_abs_##name(furrow_exact_t *acc, const void *x, size_t n)                                           \
    {                                                                                                                  \
        const type *v = x;                                                                                             \
        uint64_t low = 0, high = 0;                                                                                    \
        for (size_t i = 0; i < n; i++) {                                                                               \
            const uint64_t magnitude = v[i] < 0 ? 0 - (uint64_t)v[i] : (uint64_t)v[i];                                 \
            low += LOW(magnitude);                                                                                     \
            high += magnitude >> 32;                                                                                   \
        }                                                                                                              \
        add_total(acc, low, 0, n);                                                                                     \
        add_total(acc, high, 32, n);                                                                                   \
    }

/* Products of up to 2 bytes each: 2^20 of them fit 64 bits. */
#define DOT_NARROW(name, type)                                                                                         \
    static void dot_##name(furrow_exact_t *acc, const void *x, const void *y, size_t n)                                \
    {                                                                                                                  \
        const type *v = x, *w = y;                                                                                     \
        int64_t total = 0;                                                                                             \
        for (size_t i = 0; i < n; i++) total += (int64_t)v[i] * w[i];                                                  \
        add_total(acc, total, 0, n);                                                                                   \
    }

/* Products of 4 bytes each fill 64 bits: low and high halves apart. */
#define DOT_MIDDLE(name, type, product_type)                                                                           \
    static void dot_##name(furrow_exact_t *acc, const void *x, const void *y, size_t n)                                \
    {                                                                                                                  \
        const type *v = x, *w = y;                                                                                     \
        uint64_t low = 0;                                                                                              \
        int64_t high = 0;                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                                               \
            const product_type product = (product_type)v[i] * w[i];                                                    \
            low += LOW(product);                                                                                       \
            high += (int64_t)(product >> 32);                                                                          \
        }                                                                                                              \
        add_total(acc, low, 0, n);                                                                                     \
        add_total(acc, high, 32, n);                                                                                   \
    }

#define DOT_WIDE(name, type, product_type)                                                                             \
    static void dot_##name(furrow_exact_t *acc, const void *x, const void *y, size_t n)                                \
    {                                                                                                                  \
        const type *v = x, *w = y;                                                                                     \
        furrow_uint128_t low = 0;                                                                                      \
        product_type high = 0;                                                                                         \
        for (size_t i = 0; i < n; i++) {                                                                               \
            const product_type product = (product_type)v[i] * (product_type)w[i];                                      \
            low += (uint64_t)product;                                                                                  \
            high += product >> 64;                                                                                     \
        }                                                                                                              \
        add_total(acc, (furrow_int128_t)low, 0, n);                                                                    \
        add_total(acc, (furrow_int128_t)high, 64, n);                                                                  \
    }

SUM_NARROW(i1, int8_t)
SUM_NARROW(i2, int16_t)
SUM_NARROW(i4, int32_t)
SUM_NARROW(u1, uint8_t)
SUM_NARROW(u2, uint16_t)
SUM_NARROW(u4, uint32_t)
SUM_WIDE(i8, int64_t)
SUM_WIDE(u8, uint64_t)
SUM_ABS(i1, int8_t)
SUM_ABS(i2, int16_t)
SUM_ABS(i4, int32_t)
SUM_ABS(i8, int64_t)
DOT_NARROW(i1, int8_t)
DOT_NARROW(i2, int16_t)
DOT_NARROW(u1, uint8_t)
DOT_NARROW(u2, uint16_t)
DOT_MIDDLE(i4, int32_t, int64_t)
DOT_MIDDLE(u4, uint32_t, uint64_t)
DOT_WIDE(i8, int64_t, furrow_int128_t)
DOT_WIDE(u8, uint64_t, furrow_uint128_t)

#define SQUARES_BY_DOT(name, type)                                                                                     \
    static void sum_squares_##name(furrow_exact_t *acc, const void *x, size_t n)                                       \
    {                                                                                                                  \
        dot_##name(acc, x, x, n);                                                                                      \
    }
SQUARES_BY_DOT(i1, int8_t)
SQUARES_BY_DOT(i2, int16_t)
SQUARES_BY_DOT(i4, int32_t)
SQUARES_BY_DOT(i8, int64_t)
SQUARES_BY_DOT(u1, uint8_t)
SQUARES_BY_DOT(u2, uint16_t)
SQUARES_BY_DOT(u4, uint32_t)
SQUARES_BY_DOT(u8, uint64_t)

/* Floats: the block kernels of exact_block.h behind the table's types. */
#define FLOAT_SUMS(name)                                                                                               \
    static void sum_##name(furrow_exact_t *acc, const void *x, size_t n)                                               \
    {                                                                                                                  \
        block_sum_##name(acc, x, x, n);                                                                                \
    }                                                                                                                  \
    static void sum_abs_##name(furrow_exact_t *acc, const void *x, size_t n)                                           \
    {                                                                                                                  \
        block_sum_abs_##name(acc, x, x, n);                                                                            \
    }                                                                                                                  \
    static void sum_squares_##name(furrow_exact_t *acc, const void *x, size_t n)                                       \
    {                                                                                                                  \
        block_sum_squares_##name(acc, x, x, n);                                                                        \
    }                                                                                                                  \
    static void dot_##name(furrow_exact_t *acc, const void *x, const void *y, size_t n)                                \
    {                                                                                                                  \
        block_dot_##name(acc, x, y, n);                                                                                \
    }
FLOAT_SUMS(f4)
FLOAT_SUMS(f8)

#define COUNTS(name, type)                                                                                             \
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
    }
FURROW_ELEM_LIST(COUNTS)

/* `key_type` is as wide as the element, so that a vector holds as many as it can. */
#define MIN_MAX(name, type, key_type, KEY, WIDEN)                                                                      \
    static void min_max_##name(const void *x, size_t n, int64_t *least, int64_t *largest)                              \
    {                                                                                                                  \
        const type *v = x;                                                                                             \
        key_type low = KEY(v[0]), high = low;                                                                          \
        for (size_t i = 1; i < n; i++) {                                                                               \
            const key_type key = KEY(v[i]);                                                                            \
            low = key < low ? key : low;                                                                               \
            high = key > high ? key : high;                                                                            \
        }                                                                                                              \
        *least = WIDEN(low);                                                                                           \
        *largest = WIDEN(high);                                                                                        \
    }

static inline int32_t key_of_f4_bits(int32_t bits)
{
    return bits ^ (int32_t)((uint32_t)(bits >> 31) >> 1);
}

static inline int64_t key_of_f4_key(int32_t key)
{
    const int32_t bits = key_of_f4_bits(key);
    float x;
    memcpy(&x, &bits, sizeof x);
    return furrow_key_of_f8((double)x);
}

#define SAME(x) (x)
MIN_MAX(i1, int8_t, int8_t, SAME, SAME)
MIN_MAX(i2, int16_t, int16_t, SAME, SAME)
MIN_MAX(i4, int32_t, int32_t, SAME, SAME)
MIN_MAX(i8, int64_t, int64_t, SAME, SAME)
MIN_MAX(u1, uint8_t, uint8_t, SAME, SAME)
MIN_MAX(u2, uint16_t, uint16_t, SAME, SAME)
MIN_MAX(u4, uint32_t, uint32_t, SAME, SAME)
MIN_MAX(u8, uint64_t, uint64_t, SAME, furrow_key_of_u8)
typedef int32_t __attribute__((may_alias)) f4_bits_t;
typedef int64_t __attribute__((may_alias)) f8_bits_t;
MIN_MAX(f4, f4_bits_t, int32_t, key_of_f4_bits, key_of_f4_key)
MIN_MAX(f8, f8_bits_t, int64_t, furrow_key_flip, SAME)

#define ROW(signed_kind, unsigned_kind)                                                                                \
    {                                                                                                                  \
        signed_kind##_i1, signed_kind##_i2, signed_kind##_i4, signed_kind##_i8, unsigned_kind##_u1,                    \
            unsigned_kind##_u2, unsigned_kind##_u4, unsigned_kind##_u8, signed_kind##_f4, signed_kind##_f8             \
    }
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

extern const furrow_near_kernels_t PASTE(furrow_near, FURROW_VARIANT); /* near.c */
extern const furrow_kernels_t PASTE(furrow_kernels, FURROW_VARIANT);
const furrow_kernels_t PASTE(furrow_kernels, FURROW_VARIANT) = {
    .name = TEXT(FURROW_VARIANT),
    .sum = ROW(sum, sum),
    .sum_abs = ROW(sum_abs, sum),
    .sum_squares = ROW(sum_squares, sum_squares),
    .dot = ROW(dot, dot),
    .count_nonzero = ROW(count_nonzero, count_nonzero),
    .count_nan = ROW(count_nan, count_nan),
    .min_max = ROW(min_max, min_max),
    .rows = {.affine_f4 = row_affine_f4,
             .affine_f8 = row_affine_f8,
             .softmax_f4 = row_softmax_f4,
             .softmax_f8 = row_softmax_f8,
             .near = &PASTE(furrow_near, FURROW_VARIANT)},
    .pixels = {resample_row_1, resample_row_3, resample_column},
    .dct = {{dct_1, dct_2, dct_4}, dct_colors},
};
