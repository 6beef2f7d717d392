/** \file exact_squares.h
 * Block sum of squares of doubles by integer multiplication (AVX-512 IFMA); private to exact_block.h, which tells the
 * method: one unit for a block, sums that do not round, tests after the fact.
 *
 * In units of 2^unit a term is an integer X = h 2^51 + b with 0 < b < 2^52; two anchored additions leave h and b in the
 * low bits of doubles, where the 52-bit multiply-add of IFMA takes them from (Gueron, Krasnov, "Accelerating big integer
 * arithmetic using Intel IFMA extensions", ARITH 2016). The sum of X^2 is found in two parts that overlap:
 *
 *   modulo 2^102, where X^2 is b^2 + h b 2^52: exactly, by three integer instructions in place of five or six,
 *   its size: rounded, by plain floating point, with an error below 2^101.
 *
 * One number has that size and that remainder. Both parts hold only where each X is an integer and not too large:
 *
 *   The rounded sum must be below 2^149 in each lane. Then |X| < 2^75, and 64 additions in four sums err by less than
 *   2^-48 of it, which is half of what tells two numbers of equal remainder apart.
 *   No addition to the low anchor may have rounded. The inexact flag of the processor (IEEE 754, 7.6) tells that of
 *   all of them at once. The other operations of the loop are exact, or suppress exceptions.
 */
#ifndef FURROW_KERNELS_EXACT_SQUARES_H
#define FURROW_KERNELS_EXACT_SQUARES_H

#include <stdbool.h>

#include "exact.h"
#include "vector.h"

enum {
    SQUARES_WAYS = 4,         /* independent sums, so that additions need not wait for each other */
    SQUARES_ROUND = 64,       /* vectors in a chunk */
    SQUARES_FLUSH_AFTER = 128 /* chunks: as many remainders of 52 bits, of all lanes, stay below 2^63 */
};
#define SQUARES_CHUNK (SQUARES_ROUND * LANES)

/* A term below 2^71 units fits: 64 of its square stay below 2^149. */
#define SQUARES_BITS 71

/* MXCSR: nothing has happened, nothing traps, round to nearest, keep subnormal numbers. */
#define DEFAULT_ENVIRONMENT 0x1f80u
#define QUIETLY (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

/* A sum is top * 2^102 + high * 2^52 + low, in units of 2^(2 unit). */
typedef struct {
    int unit;
    vec_u8_t top, high, low;
    uint64_t chunks; /* since the last flush */
} squares_t;

/* Sums of one chunk: high counts 2^52. */
typedef struct {
    vec_f8_t size[SQUARES_WAYS];
    vec_u8_t high[SQUARES_WAYS], cross[SQUARES_WAYS], low[SQUARES_WAYS];
} squares_sums_t;

/* The largest unit that lets terms below 2^exponent fit, within what leaves their squares, and errors of sums of them,
 * normal doubles. */
static int squares_unit_for(int exponent)
{
    const int wanted = exponent - SQUARES_BITS;
    return wanted < -560 ? -560 : wanted > 436 ? 436 : wanted;
}

static int squares_exponent(const double *x, size_t n)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < n; i++) largest = larger_finite(largest, x[i]);
    return exponent_above(largest);
}

static int64_t sum_lanes(vec_u8_t v)
{
    uint64_t total = 0;
    for (size_t lane = 0; lane < LANES; lane++) total += v[lane];
    return (int64_t)total;
}

static void squares_flush(furrow_exact_t *acc, squares_t *s)
{
    furrow_exact_add_scaled(acc, sum_lanes(s->top), 2 * s->unit + 102);
    furrow_exact_add_scaled(acc, sum_lanes(s->high), 2 * s->unit + 52);
    furrow_exact_add_scaled(acc, sum_lanes(s->low), 2 * s->unit);
    *s = (squares_t){.unit = s->unit};
}

/* Rounds to multiples of 2^51 units. The bits of the sum say one less than the multiple, which b has in its stead. */
static inline double squares_anchor_high(int unit)
{
    return anchor(unit + 51) - power_of_two(unit + 51);
}

/* What makes v may not move up, what takes the result may not move down, across what has side effects. */
#define STAY_HERE(v) __asm__ volatile("" : "+v"(v))

static ALWAYS_INLINE void squares_add(squares_sums_t *sums, size_t way, vec_f8_t v, vec_f8_t anchor_high,
                                      vec_f8_t anchor_low)
{
    const vec_f8_t shifted_high = _mm512_add_round_pd(v, anchor_high, QUIETLY);
    const vec_f8_t shifted_low = (v - (shifted_high - anchor_high)) + anchor_low;
    const __m512i h = (__m512i)shifted_high, b = (__m512i)shifted_low;

    sums->size[way] = _mm512_fmadd_round_pd(v, v, sums->size[way], QUIETLY);
    sums->low[way] = (vec_u8_t)_mm512_madd52lo_epu64((__m512i)sums->low[way], b, b);
    sums->high[way] = (vec_u8_t)_mm512_madd52hi_epu64((__m512i)sums->high[way], b, b);
    sums->cross[way] = (vec_u8_t)_mm512_madd52lo_epu64((__m512i)sums->cross[way], h, b);
}

/* All ways into way 0. */
static inline void squares_join(squares_sums_t *sums)
{
    for (size_t way = 1; way < SQUARES_WAYS; way++) {
        sums->low[0] += sums->low[way];
        sums->high[0] += sums->high[way];
        sums->cross[0] += sums->cross[way];
    }
    sums->high[0] += sums->cross[0] + (sums->low[0] >> 52);
    sums->low[0] &= (UINT64_C(1) << 52) - 1;
    sums->high[0] &= (UINT64_C(1) << 50) - 1;
}

/* The multiple of 2^102 that `size` is nearest to, once `high` is taken away. */
static inline vec_u8_t squares_top(vec_f8_t size, vec_u8_t high, int unit)
{
    const vec_f8_t remainder = (vec_f8_t)(high | bits_f8(4.0)) - 4.0; /* of 2^102, as high has 50 bits */
    const vec_f8_t base = fill_f8(anchor(0));

    return (vec_u8_t)((size * power_of_two(-102 - 2 * unit) - remainder) + base) - (vec_u8_t)base;
}

/* Adds one chunk and returns true, or leaves the state alone and returns false where a term does not fit. */
static ALWAYS_INLINE bool squares_chunk(squares_t *s, const double *x)
{
    const vec_f8_t anchor_high = fill_f8(squares_anchor_high(s->unit));
    const vec_f8_t limit = fill_f8(power_of_two(149 + 2 * s->unit));
    vec_f8_t anchor_low = fill_f8(anchor(s->unit));
    squares_sums_t sums = {0};

    _mm_setcsr(DEFAULT_ENVIRONMENT);
    STAY_HERE(anchor_low);
    for (size_t i = 0; i < SQUARES_CHUNK; i += SQUARES_WAYS * LANES)
        for (size_t way = 0; way < SQUARES_WAYS; way++) {
            const double *at = x + i + way * LANES;
            prefetch(at);
            squares_add(&sums, way, load_f8(at), anchor_high, anchor_low);
        }
    squares_join(&sums);
    STAY_HERE(sums.low[0]);
    if ((_mm_getcsr() & _MM_EXCEPT_INEXACT) != 0) return false;
    const vec_f8_t size = (sums.size[0] + sums.size[1]) + (sums.size[2] + sums.size[3]);
    if (or_lanes(~(vec_u8_t)(size < limit)) != 0) return false;
    s->top += squares_top(size, sums.high[0], s->unit);
    s->high += sums.high[0];
    s->low += sums.low[0];
    s->chunks++;
    return true;
}

/* All bits set in the lanes that fit. */
static inline vec_u8_t squares_fit(vec_f8_t v, int unit)
{
    const vec_f8_t high = fill_f8(squares_anchor_high(unit)), low = fill_f8(anchor(unit));
    const vec_f8_t below_high = v - ((v + high) - high);

    return (vec_u8_t)(abs_f8(v) < fill_f8(power_of_two(SQUARES_BITS + unit))) &
           (vec_u8_t)(below_high == (below_high + low) - low);
}

/* A chunk of ordinary size with a few odd terms: those go one by one, the others as usual. */
static NOINLINE void squares_strip(furrow_exact_t *acc, squares_t *s, const double *x)
{
    double fit[SQUARES_CHUNK];

    for (size_t i = 0; i < SQUARES_CHUNK; i += LANES) {
        const vec_f8_t v = load_f8(x + i);
        const vec_u8_t fits = squares_fit(v, s->unit), kept = (vec_u8_t)v & fits;
        memcpy(fit + i, &kept, sizeof kept);
        for (size_t lane = 0; or_lanes(~fits) != 0 && lane < LANES; lane++)
            if (fits[lane] == 0) furrow_exact_add_product(acc, v[lane], v[lane]);
    }
    squares_chunk(s, fit);
}

static NOINLINE void squares_difficult(furrow_exact_t *acc, squares_t *s, const double *x)
{
    const int unit = squares_unit_for(squares_exponent(x, SQUARES_CHUNK));

    if (unit > s->unit || unit < s->unit - 4) {
        squares_flush(acc, s);
        s->unit = unit;
        if (squares_chunk(s, x)) return;
    }
    squares_strip(acc, s, x);
}

static NOINLINE void squares_tail(furrow_exact_t *acc, squares_t *s, const double *x, size_t n)
{
    double tail[SQUARES_CHUNK] = {0};

    memcpy(tail, x, n * sizeof *x);
    if (!squares_chunk(s, tail)) squares_difficult(acc, s, tail);
}

static void block_sum_squares_f8(furrow_exact_t *acc, const double *x, const double *y, size_t n)
{
    const uint32_t environment = _mm_getcsr();
    squares_t s = {.unit = squares_unit_for(squares_exponent(x, n < PROBE ? n : PROBE))};
    size_t done = 0;

    (void)y;
    if (n > 0) acc->not_neg_zero = 1;
    for (; n - done >= SQUARES_CHUNK; done += SQUARES_CHUNK) {
        if (!squares_chunk(&s, x + done)) squares_difficult(acc, &s, x + done);
        if (s.chunks == SQUARES_FLUSH_AFTER) squares_flush(acc, &s);
    }
    if (n > done) squares_tail(acc, &s, x + done, n - done);
    squares_flush(acc, &s);
    _mm_setcsr(environment);
}

#endif
