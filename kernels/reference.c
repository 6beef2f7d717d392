/* The plain version of every kernel: one element at a time, as its definition reads. Fallback and oracle. */
#include "key.h"
#define FURROW_ONE_LANE
#include "dct.h"
#include "pixels.h"
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

/* One channel of one pixel: see pixels.h. */
static uint8_t resampled(const uint8_t *from, size_t step, const int32_t *weights, int64_t count)
{
    int64_t sum = 1 << (FURROW_RESAMPLE_BITS - 1);

    for (int64_t i = 0; i < count; i++) sum += (int64_t)from[(size_t)i * step] * weights[i];
    sum >>= FURROW_RESAMPLE_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void resample_row(const furrow_resample_t *plan, size_t channels, const uint8_t *row, uint8_t *out)
{
    for (int64_t x = 0; x < plan->out; x++)
        for (size_t c = 0; c < channels; c++)
            *out++ = resampled(row + (size_t)plan->first[x] * channels + c, channels, plan->weights + x * plan->taps,
                               plan->count[x]);
}

static void resample_row_1(const furrow_resample_t *plan, const uint8_t *row, uint8_t *out)
{
    resample_row(plan, 1, row, out);
}

static void resample_row_3(const furrow_resample_t *plan, const uint8_t *row, uint8_t *out)
{
    resample_row(plan, 3, row, out);
}

static void resample_column(const uint8_t *const *rows, const int32_t *weights, int64_t count, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        int64_t sum = 1 << (FURROW_RESAMPLE_BITS - 1);
        for (int64_t r = 0; r < count; r++) sum += (int64_t)rows[r][i] * weights[r];
        sum >>= FURROW_RESAMPLE_BITS;
        out[i] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

/* By what frequencies enter samples, along one axis: see dct.h and dct_block.inc. */
static const int32_t dct_weights_1[1][1] = {{1}};
static const int32_t dct_weights_2[2][5] = {{32768, 29692, -10426, 6967, -5906}, {32768, -29692, 10426, -6967, 5906}};
static const int32_t dct_weights_4[4][7] = {{16384, 20995, 15137, 7373, -4926, -6270, -4176},
                                            {16384, 8697, -15137, -17799, 11893, 6270, -1730},
                                            {16384, -8697, -15137, 17799, -11893, 6270, 1730},
                                            {16384, -20995, 15137, -7373, 4926, -6270, 4176}};

/* Weighted sum of values that are `step` apart, rounded to a multiple of 2^shift, which is then taken off. */
static int64_t dct_sum(const int32_t *weights, const int64_t *values, int count, int step, int shift)
{
    int64_t sum = shift > 0 ? INT64_C(1) << (shift - 1) : 0;

    for (int i = 0; i < count; i++) sum += weights[i] * values[i * step];
    return sum >> shift;
}

/* One block to `size` rows; shifts of columns and rows. */
static bool dct_block(const int64_t *values, int size, const int32_t *weights, int shift_y, int shift_x, uint8_t *out,
                      size_t stride)
{
    const int used = FURROW_DCT_USED(size);
    bool sane = true;

    for (int y = 0; y < size; y++) {
        int64_t row[7];
        for (int j = 0; j < used; j++) row[j] = dct_sum(weights + y * used, values + j, used, used, shift_y);
        for (int x = 0; x < size; x++) {
            const int64_t value = dct_sum(weights + x * used, row, used, 1, shift_x) + 128;
            sane = sane && value >= 128 - 512 && value < 128 + 512;
            out[(size_t)y * stride + (size_t)x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
    return sane;
}

static bool dct(const int16_t *coefficients, const int16_t *factors, int size, const int32_t *weights, int shift_y,
                int shift_x, uint8_t *out, size_t stride)
{
    const int planes = FURROW_DCT_USED(size) * FURROW_DCT_USED(size);
    bool sane = true;

    for (int b = 0; b < FURROW_DCT_BLOCKS; b++) {
        int64_t values[FURROW_DCT_PLANES_MAX];
        for (int p = 0; p < planes; p++) values[p] = (int64_t)coefficients[p * FURROW_DCT_BLOCKS + b] * factors[p];
        sane = dct_block(values, size, weights, shift_y, shift_x, out + b * size, stride) && sane;
    }
    return sane;
}

static bool dct_1(const int16_t *coefficients, const int16_t *factors, uint8_t *out, size_t stride)
{
    return dct(coefficients, factors, 1, dct_weights_1[0], 0, 3, out, stride);
}

static bool dct_2(const int16_t *coefficients, const int16_t *factors, uint8_t *out, size_t stride)
{
    return dct(coefficients, factors, 2, dct_weights_2[0], 13, 20, out, stride);
}

static bool dct_4(const int16_t *coefficients, const int16_t *factors, uint8_t *out, size_t stride)
{
    return dct(coefficients, factors, 4, dct_weights_4[0], 12, 19, out, stride);
}

/* Parts of 2^16, rounded. */
static uint8_t color_of(int y, int64_t parts)
{
    const int64_t value = y + ((parts + 32768) >> 16);

    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void dct_colors(const uint8_t *const ycc[3], size_t n, bool bgr, uint8_t *out)
{
    for (size_t i = 0; i < n; i++, out += 3) {
        const int y = ycc[0][i], cb = ycc[1][i] - 128, cr = ycc[2][i] - 128;
        out[bgr ? 2 : 0] = color_of(y, 91881 * cr);
        out[1] = color_of(y, -22554 * cb - 46802 * cr);
        out[bgr ? 0 : 2] = color_of(y, 116130 * cb);
    }
}

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
    .pixels = {resample_row_1, resample_row_3, resample_column},
    .dct = {{dct_1, dct_2, dct_4}, dct_colors},
};
