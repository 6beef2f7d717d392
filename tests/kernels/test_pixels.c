/* Pixels: every kernel table resamples to the same bytes as plain C; colours, places and weights by their
 * definitions. */
#include "pixels.h"

#include <math.h>
#include <stdlib.h>

#include "support.h"

enum { PIXELS = 300, BYTES = 4 * PIXELS };

static const furrow_resample_filter_t filters[] = {FURROW_RESAMPLE_NEAREST, FURROW_RESAMPLE_BOX,
                                                   FURROW_RESAMPLE_LINEAR,  FURROW_RESAMPLE_CUBIC,
                                                   FURROW_RESAMPLE_LANCZOS, FURROW_RESAMPLE_AREA};

/* A plan in memory of exactly its size. */
typedef struct plan {
    furrow_resample_t resample;
    int32_t *first, *count, *weights;
} plan_t;

static plan_t make_plan(furrow_resample_filter_t filter, int64_t in, double from, double to, int64_t out)
{
    const int64_t taps = furrow_resample_taps(filter, from, to, out);
    plan_t plan = {.first = malloc((size_t)out * 4), .count = malloc((size_t)out * 4)};

    plan.weights = malloc((size_t)(out * taps) * 4);
    assert_true(plan.first != NULL && plan.count != NULL && plan.weights != NULL && taps % 4 == 0);
    furrow_resample_plan(filter, in, from, to, out, taps, plan.first, plan.count, plan.weights);
    plan.resample = (furrow_resample_t){out, taps, plan.first, plan.count, plan.weights};
    return plan;
}

static void free_plan(plan_t *plan)
{
    free(plan->first);
    free(plan->count);
    free(plan->weights);
}

/* Windows lie within the input and move on, unused weights are 0, and all add up to one. */
static void check_plan(furrow_resample_filter_t filter, int64_t in, double from, double to, int64_t out)
{
    plan_t plan = make_plan(filter, in, from, to, out);

    for (int64_t x = 0; x < out; x++) {
        const int32_t *weights = plan.weights + x * plan.resample.taps;
        int64_t total = 0;
        assert_true(plan.first[x] >= 0 && plan.count[x] >= 1 && plan.first[x] + plan.count[x] <= in);
        assert_true(plan.count[x] <= plan.resample.taps);
        if (x > 0) assert_true(plan.first[x] >= plan.first[x - 1]);
        for (int64_t i = 0; i < plan.resample.taps; i++) {
            if (i >= plan.count[x]) assert_int_equal(weights[i], 0);
            total += weights[i];
        }
        const int64_t error = total - (1 << FURROW_RESAMPLE_BITS);
        assert_true(llabs(error) <= plan.count[x]);
    }
    free_plan(&plan);
}

static void test_pixels__plans(void **state)
{
    static const int64_t sizes[] = {1, 2, 3, 7, 64, 99, 100, 101, 1000, 4099};

    (void)state;
    for (size_t f = 0; f < COUNT(filters); f++)
        for (size_t i = 0; i < COUNT(sizes); i++)
            for (size_t o = 0; o < COUNT(sizes); o++) {
                const double in = (double)sizes[i];
                check_plan(filters[f], sizes[i], 0.0, in, sizes[o]);
                check_plan(filters[f], sizes[i], 0.3 * in, 0.8 * in, sizes[o]);
                check_plan(filters[f], sizes[i], 0.0, 0.1 * in, sizes[o]);
            }
}

/* The mean of the area, by hand: 5 pixels to 2 are 1 + 1 + 1/2 pixels each. */
static void test_pixels__area(void **state)
{
    plan_t plan = make_plan(FURROW_RESAMPLE_AREA, 5, 0.0, 5.0, 2);
    const double wanted[2][3] = {{0.4, 0.4, 0.2}, {0.2, 0.4, 0.4}};

    (void)state;
    for (int x = 0; x < 2; x++) {
        assert_int_equal(plan.first[x], 2 * x);
        assert_int_equal(plan.count[x], 3);
        for (int i = 0; i < 3; i++)
            assert_true(fabs(plan.weights[x * plan.resample.taps + i] - wanted[x][i] * (1 << 22)) <= 1.0);
    }
    free_plan(&plan);
}

static void fill(uint64_t *seed, uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)random_word(seed);
    if (*seed % 3 == 0) memset(bytes, 255, count); /* overshoot */
}

static void check_rows(const plan_t *plan, const uint8_t *row, int channels)
{
    uint8_t expected[BYTES], got[BYTES + 1];
    const size_t bytes = (size_t)(plan->resample.out * channels);
    const furrow_kernels_t *last = NULL;

    for (int k = 0; furrow_kernels_at(k) != NULL; k++) last = furrow_kernels_at(k);
    assert_string_equal(last->name, "reference");
    furrow_resample_row(last, &plan->resample, channels, row, expected);
    for (int k = 0; furrow_kernels_at(k) != NULL; k++) {
        got[bytes] = 0x5a;
        furrow_resample_row(furrow_kernels_at(k), &plan->resample, channels, row, got);
        assert_memory_equal(got, expected, bytes);
        assert_int_equal(got[bytes], 0x5a);
    }
}

static void test_pixels__rows(void **state)
{
    uint64_t seed = 5;

    (void)state;
    for (int round = 0; round < 400; round++) {
        const int channels = round % 2 == 0 ? 3 : 1, in = random_between(&seed, 1, PIXELS);
        const int out = random_between(&seed, 1, PIXELS);
        uint8_t *row = malloc((size_t)(in * channels + FURROW_PIXELS_PADDING));
        assert_non_null(row);
        fill(&seed, row, (size_t)(in * channels + FURROW_PIXELS_PADDING));
        plan_t plan = make_plan(filters[round % (int)COUNT(filters)], in, 0.0, in, out);
        check_rows(&plan, row, channels);
        free_plan(&plan);
        free(row);
    }
}

static void test_pixels__columns(void **state)
{
    enum { ROWS = 9, LENGTH = 2500 };
    static uint8_t bytes[ROWS][LENGTH], expected[LENGTH], got[LENGTH + 1];
    const uint8_t *rows[ROWS];
    uint64_t seed = 6;

    (void)state;
    for (int round = 0; round < 60; round++) {
        const int count = random_between(&seed, 1, ROWS), n = random_between(&seed, 0, LENGTH);
        plan_t plan = make_plan(filters[round % (int)COUNT(filters)], count, 0.0, count, 1);
        for (int r = 0; r < ROWS; r++) {
            fill(&seed, bytes[r], LENGTH);
            rows[r] = bytes[(r + round) % ROWS];
        }
        for (int i = 0; i < n; i++) {
            int64_t sum = 1 << 21;
            for (int r = 0; r < plan.count[0]; r++) sum += (int64_t)rows[r][i] * plan.weights[r];
            sum >>= 22;
            expected[i] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
        }
        for (int k = 0; furrow_kernels_at(k) != NULL; k++) {
            got[n] = 0x5a;
            furrow_resample_column(furrow_kernels_at(k), rows, plan.weights, plan.count[0], (size_t)n, got);
            assert_memory_equal(got, expected, (size_t)n);
            assert_int_equal(got[n], 0x5a);
        }
        free_plan(&plan);
    }
}

/* ------------------------------------------------------------------------------------------------ colour and place */

/* One pixel of a kind as RGB, in floating point. */
static void rgb_of(furrow_pixels_t kind, const uint8_t *in, double rgb[3])
{
    for (int c = 0; c < 3; c++) {
        if (kind == FURROW_PIXELS_GRAY || kind == FURROW_PIXELS_GRAY_ALPHA)
            rgb[c] = in[0];
        else if (kind == FURROW_PIXELS_CMYK)
            rgb[c] = floor(in[c] * in[3] / 255.0 + 0.5);
        else
            rgb[c] = in[c];
    }
}

static void test_pixels__colours(void **state)
{
    uint8_t in[BYTES], out[BYTES];
    uint64_t seed = 7;

    (void)state;
    fill(&seed, in, sizeof in);
    for (furrow_pixels_t kind = FURROW_PIXELS_GRAY; kind <= FURROW_PIXELS_CMYK; kind++)
        for (furrow_pixels_order_t order = FURROW_PIXELS_TO_RGB; order <= FURROW_PIXELS_TO_GRAY; order++) {
            const int channels = furrow_pixels_channels(kind);
            furrow_pixels_convert(kind, order, in, PIXELS, out);
            for (int i = 0; i < PIXELS; i++) {
                double rgb[3];
                rgb_of(kind, in + i * channels, rgb);
                if (order == FURROW_PIXELS_TO_GRAY)
                    assert_true(fabs(out[i] - (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2])) < 0.51);
                for (int c = 0; c < 3 && order != FURROW_PIXELS_TO_GRAY; c++)
                    assert_true(out[3 * i + c] == rgb[order == FURROW_PIXELS_TO_BGR ? 2 - c : c]);
            }
        }
}

/* Interleaved and in planes, from the left, from the right and downwards. */
static void test_pixels__places(void **state)
{
    enum { N = 37, AREA = 3 * N * N };
    static const furrow_place_t places[] = {{3, 3, 1},      {3, -3, 1},    {3, 1, N}, {3, -1, N}, {3, 3 * N, 1},
                                            {3, -3 * N, 1}, {3, N, N * N}, {1, 1, 1}, {1, -1, 1}, {1, N, 1}};
    static uint8_t out[AREA];
    static float values[AREA], table[768];
    uint8_t row[3 * N];
    uint64_t seed = 8;

    (void)state;
    fill(&seed, row, sizeof row);
    for (int i = 0; i < 768; i++) table[i] = (float)i - 100.0f;
    for (size_t p = 0; p < COUNT(places); p++) {
        const int64_t step = places[p].step, origin = step < 0 ? -step * (N - 1) : 0;
        memset(out, 0, sizeof out);
        memset(values, 0, sizeof values);
        furrow_pixels_place_u1(&places[p], row, N, out + origin);
        furrow_pixels_place_f4(&places[p], table, row, N, values + origin);
        for (int i = 0; i < N; i++)
            for (int c = 0; c < places[p].channels; c++) {
                const int64_t at = origin + i * step + c * places[p].channel_step;
                const uint8_t pixel = row[i * places[p].channels + c];
                assert_int_equal(out[at], pixel);
                assert_true(values[at] == (float)(c * 256 + pixel) - 100.0f);
            }
    }
}

static void test_pixels__table(void **state)
{
    const float mean[3] = {0.5f, 0.0f, 0.25f}, deviation[3] = {0.5f, 1.0f, 2.0f};
    float table[768];

    (void)state;
    furrow_pixels_table_f4(3, mean, deviation, table);
    assert_true(table[0] == -1.0f && table[255] == 1.0f);
    assert_true(table[256] == 0.0f && table[511] == 1.0f && table[256 + 51] == 0.2f);
    assert_true(table[512] == -0.125f && table[767] == 0.375f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pixels__plans),   cmocka_unit_test(test_pixels__area),
                                       cmocka_unit_test(test_pixels__rows),    cmocka_unit_test(test_pixels__columns),
                                       cmocka_unit_test(test_pixels__colours), cmocka_unit_test(test_pixels__places),
                                       cmocka_unit_test(test_pixels__table)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
