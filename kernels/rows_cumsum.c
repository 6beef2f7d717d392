/* Running sums. A prefix of floats is kept as the exact sum of two doubles, by error-free additions, for as long as two
 * doubles hold it: some 106 binary orders from the largest bit to the smallest. From where they do not, it is a
 * superaccumulator that is rounded at each step, some 50 times slower. */
#include <math.h>
#include <string.h>

#include "round.h"
#include "rows.h"

typedef struct {
    double high, low; /* the prefix is high + low */
    bool is_f4;
    const void *x;
    void *out;
    size_t n;
} running_t;

static inline double get(const running_t *r, size_t i)
{
    return r->is_f4 ? (double)((const float *)r->x)[i] : ((const double *)r->x)[i];
}

/* For f4 the value must be exact, or rounded to odd. */
static inline void put(const running_t *r, size_t i, double value)
{
    if (r->is_f4)
        ((float *)r->out)[i] = (float)value;
    else
        ((double *)r->out)[i] = value;
}

/* a + b = result + *error, exactly (Knuth), where nothing overflows. */
static inline double two_sum(double a, double b, double *error)
{
    const double sum = a + b, of_b = sum - a;
    *error = (a - (sum - of_b)) + (b - of_b);
    return sum;
}

/* a + b with the last bit set if it is not exact: what rounds to fewer bits afterwards then rounds once. (Boldo,
 * Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to odd", IEEE Trans.
 * Computers 57, 2008.) */
static inline double odd_sum(double a, double b)
{
    double error;
    double sum = two_sum(a, b, &error);
    uint64_t bits;

    memcpy(&bits, &sum, sizeof bits);
    if (error == 0.0 || (bits & 1) != 0) return sum;
    bits += (error > 0.0) == (sum > 0.0) ? 1 : UINT64_MAX;
    memcpy(&sum, &bits, sizeof sum);
    return sum;
}

static inline void put_pair(const running_t *r, size_t i, double high, double low)
{
    put(r, i, !r->is_f4 ? high + low : low == 0.0 ? high : odd_sum(high, low));
}

/* Each of these does what it can from element i on, and returns the first it leaves. */
static size_t copy_negative_zeros(const running_t *r, size_t i)
{
    for (; i < r->n && get(r, i) == 0.0 && signbit(get(r, i)); i++) put(r, i, -0.0);
    return i;
}

static inline bool add_to_pair(running_t *r, double x)
{
    double of_high, of_low;
    const double high = two_sum(r->high, x, &of_high), low = two_sum(r->low, of_high, &of_low);

    if (of_low != 0.0 || !(fabs(high) < 0x1p1000)) return false; /* false for NaN, too */
    r->high = high;
    r->low = low;
    return true;
}

/* `is_f4` is a constant where this is called. */
static inline size_t sum_pairs_of(running_t *r, size_t i, bool is_f4)
{
    running_t local = *r;

    local.is_f4 = is_f4;
    for (; i < local.n; i++) {
        const double x = get(&local, i);
        if (!add_to_pair(&local, x)) {
            local.high = two_sum(local.high, local.low, &local.low);
            if (!add_to_pair(&local, x)) break;
        }
        put_pair(&local, i, local.high, local.low);
    }
    r->high = local.high;
    r->low = local.low;
    return i;
}

static size_t sum_pairs(running_t *r, size_t i)
{
    return r->is_f4 ? sum_pairs_of(r, i, true) : sum_pairs_of(r, i, false);
}

static void put_exact(const running_t *r, size_t i, furrow_exact_t *sum)
{
    double low;

    if (!r->is_f4) {
        put(r, i, furrow_round_sum(sum, 1));
        return;
    }
    const double high = furrow_round_mean_pair(sum, 1, 0, &low);
    put(r, i, odd_sum(high, low));
}

static size_t sum_exactly(const running_t *r, size_t i)
{
    furrow_exact_t sum;

    furrow_exact_clear(&sum);
    furrow_exact_add(&sum, r->high);
    furrow_exact_add(&sum, r->low);
    for (; i < r->n && isfinite(get(r, i)); i++) {
        furrow_exact_add(&sum, get(r, i));
        if (i % (1 << 16) == 0) furrow_exact_normalize(&sum);
        put_exact(r, i, &sum);
    }
    return i;
}

static void sum_nonfinite(const running_t *r, size_t i)
{
    double sum = 0.0;

    for (; i < r->n; i++) {
        sum += get(r, i);
        put(r, i, isnan(sum) ? (double)NAN : sum);
    }
}

static size_t cumsum_floats(bool is_f4, const void *x, size_t n, void *out)
{
    running_t r = {0.0, 0.0, is_f4, x, out, n};
    size_t i = copy_negative_zeros(&r, 0);

    i = sum_pairs(&r, i);
    if (i < n && isfinite(get(&r, i))) i = sum_exactly(&r, i);
    sum_nonfinite(&r, i);
    return n;
}

#define CUMSUM(name, type, sum_type)                                                                                   \
    static size_t cumsum_##name(const void *x, size_t n, void *out)                                                    \
    {                                                                                                                  \
        const type *v = x;                                                                                             \
        sum_type *to = out, sum = 0;                                                                                   \
        for (size_t i = 0; i < n; i++) {                                                                               \
            if (__builtin_add_overflow(sum, (sum_type)v[i], &sum)) return i;                                           \
            to[i] = sum;                                                                                               \
        }                                                                                                              \
        return n;                                                                                                      \
    }
CUMSUM(i1, int8_t, int64_t)
CUMSUM(i2, int16_t, int64_t)
CUMSUM(i4, int32_t, int64_t)
CUMSUM(i8, int64_t, int64_t)
CUMSUM(u1, uint8_t, uint64_t)
CUMSUM(u2, uint16_t, uint64_t)
CUMSUM(u4, uint32_t, uint64_t)
CUMSUM(u8, uint64_t, uint64_t)

static size_t cumsum_f4(const void *x, size_t n, void *out)
{
    return cumsum_floats(true, x, n, out);
}

static size_t cumsum_f8(const void *x, size_t n, void *out)
{
    return cumsum_floats(false, x, n, out);
}

size_t furrow_row_cumsum(furrow_elem_t elem, const void *x, size_t n, void *out)
{
    static size_t (*const cumsum[FURROW_ELEM_TOTAL])(const void *, size_t, void *) = {
        cumsum_i1, cumsum_i2, cumsum_i4, cumsum_i8, cumsum_u1, cumsum_u2, cumsum_u4, cumsum_u8, cumsum_f4, cumsum_f8};
    return cumsum[elem](x, n, out);
}
