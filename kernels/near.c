/* Owns sums that are nearly exact, in half the time of exact ones: see furrow_near_kernel_t in table.h. Compiled once
 * per variant, as variant.c, but with vectors of 32 bytes at most: with few operations for each element, cores that
 * take wider ones in two steps are faster with those that they take in one.
 *
 * A lane adds its terms to an anchor, 1.5 * 2^(52 + unit), large enough that the sum stays in one binade: it then is a
 * multiple of 2^unit, each addition loses at most half of that, the loss is found without error (Dekker's fast
 * two-sum), and losses add up in a double of their own, where rounding hardly matters. Tests after the fact find terms
 * that are too large: a sum that left its binade at any time; one that can only rise has then left it in the end. */
#include "paste.inc"
#include "table.h"

#define FURROW_NO_WIDE_VECTORS
#include "vector.h"

enum { NEAR_WAYS = 4 }; /* independent sums, so that additions need not wait for each other */
#define NEAR_CHUNK (NEAR_WAYS * LANES)

typedef struct {
    vec_f8_t sum[NEAR_WAYS], lost[NEAR_WAYS];
    vec_u8_t range;
} near_state_t;

/* One vector of terms a * b. Fused or not: where the product is not exact, multiply_add() is one instruction, and there
 * is no other kernel. */
static inline void near_add_rising(near_state_t *s, size_t way, vec_f8_t a, vec_f8_t b)
{
    const vec_f8_t before = s->sum[way], after = multiply_add(a, b, before);

    s->lost[way] += multiply_add(a, b, before - after);
    s->sum[way] = after;
}

static inline void near_add(near_state_t *s, size_t way, vec_f8_t a, vec_f8_t b)
{
    const vec_f8_t before = s->sum[way];

    near_add_rising(s, way, a, b);
    s->range |= (vec_u8_t)s->sum[way] ^ (vec_u8_t)before;
}

/* The same of terms a. */
static inline void near_add_one_rising(near_state_t *s, size_t way, vec_f8_t a)
{
    const vec_f8_t before = s->sum[way], after = before + a;

    s->lost[way] += a + (before - after);
    s->sum[way] = after;
}

static inline void near_add_one(near_state_t *s, size_t way, vec_f8_t a)
{
    const vec_f8_t before = s->sum[way];

    near_add_one_rising(s, way, a);
    s->range |= (vec_u8_t)s->sum[way] ^ (vec_u8_t)before;
}

static near_state_t near_begin(int unit)
{
    near_state_t s = {.range = {0}};
    for (size_t way = 0; way < NEAR_WAYS; way++) s.sum[way] = fill_f8(anchor(unit));
    return s;
}

/* Within its binade a sum is less than 2^51 units off its anchor, so that those of all lanes fit 64 bits. */
static bool near_end(const near_state_t *s, int unit, furrow_near_t *out)
{
    const uint64_t base = bits_f8(anchor(unit));
    vec_u8_t range = s->range, units = {0};
    vec_f8_t lost = {0};
    uint64_t all = 0;

    for (size_t way = 0; way < NEAR_WAYS; way++) {
        range |= (vec_u8_t)s->sum[way] ^ base;
        units += (vec_u8_t)s->sum[way] - base;
        lost += s->lost[way];
    }
    out->lost = 0;
    for (size_t lane = 0; lane < LANES; lane++) {
        out->lost += lost[lane];
        all += units[lane];
    }
    out->units = (int64_t)all;
    return or_lanes(range) >> 52 == 0;
}

#define NEAR(name, element, ADD)                                                                                       \
    static bool near_##name(const void *x, const void *y, size_t n, int unit, furrow_near_t *out)                      \
    {                                                                                                                  \
        const element *v = x, *w = y;                                                                                  \
        near_state_t s = near_begin(unit);                                                                             \
        size_t i = 0;                                                                                                  \
                                                                                                                       \
        (void)w;                                                                                                       \
        for (; n - i >= NEAR_CHUNK; i += NEAR_CHUNK)                                                                   \
            for (size_t way = 0; way < NEAR_WAYS; way++) ADD(&s, way, v + i + way * LANES, w + i + way * LANES);       \
        if (i < n) {                                                                                                   \
            element tail_v[NEAR_CHUNK] = {0}, tail_w[NEAR_CHUNK] = {0};                                                \
            memcpy(tail_v, v + i, (n - i) * sizeof *v);                                                                \
            memcpy(tail_w, w + i, (n - i) * sizeof *w);                                                                \
            for (size_t way = 0; way < NEAR_WAYS; way++) ADD(&s, way, tail_v + way * LANES, tail_w + way * LANES);     \
        }                                                                                                              \
        return near_end(&s, unit, out);                                                                                \
    }

#define PUT_F4(s, way, v, w) near_add_one(s, way, load_f4(v))
#define PUT_F8(s, way, v, w) near_add_one(s, way, load_f8(v))
#define PUT_ABS_F4(s, way, v, w) near_add_one_rising(s, way, abs_f8(load_f4(v)))
#define PUT_ABS_F8(s, way, v, w) near_add_one_rising(s, way, abs_f8(load_f8(v)))
#define PUT_SQUARE_F4(s, way, v, w) near_add_rising(s, way, load_f4(v), load_f4(v))
#define PUT_SQUARE_F8(s, way, v, w) near_add_rising(s, way, load_f8(v), load_f8(v))
#define PUT_DOT_F4(s, way, v, w) near_add(s, way, load_f4(v), load_f4(w))
#define PUT_DOT_F8(s, way, v, w) near_add(s, way, load_f8(v), load_f8(w))
NEAR(sum_f4, float, PUT_F4)
NEAR(sum_f8, double, PUT_F8)
NEAR(sum_abs_f4, float, PUT_ABS_F4)
NEAR(sum_abs_f8, double, PUT_ABS_F8)
NEAR(squares_f4, float, PUT_SQUARE_F4)
NEAR(dot_f4, float, PUT_DOT_F4)
#if VECTOR_BYTES > 16
NEAR(squares_f8, double, PUT_SQUARE_F8)
NEAR(dot_f8, double, PUT_DOT_F8)
#else
#define near_squares_f8 NULL
#define near_dot_f8 NULL /* the product of two doubles needs a fused addition */
#endif

extern const furrow_near_kernels_t PASTE(furrow_near, FURROW_VARIANT);
const furrow_near_kernels_t PASTE(furrow_near, FURROW_VARIANT) = {.sum = {near_sum_f4, near_sum_f8},
                                                                  .sum_abs = {near_sum_abs_f4, near_sum_abs_f8},
                                                                  .squares = {near_squares_f4, near_squares_f8},
                                                                  .dot = {near_dot_f4, near_dot_f8}};
