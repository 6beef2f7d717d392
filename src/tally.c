/* Owns plans and tallies up to their merge; tally_value.c reads results off them. */
#include "tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "key.h"
#include "mem.h"
#include "transfer.h"

/* One element adds to a digit at most a few times (a product, 4 pieces of 2^32; a complex number, twice that): far from
 * 2^63. */
static const int64_t normalize_after = INT64_C(1) << 27;

static uint32_t bit(furrow_op_t op)
{
    return UINT32_C(1) << op;
}

/* ------------------------------------------------------------------- plan */

furrow_elem_t furrow_elem_of(furrow_dtype_t dtype)
{
    static const furrow_elem_t elem[] = {
        [FURROW_BOOL] = FURROW_ELEM_u1, [FURROW_I1] = FURROW_ELEM_i1,  [FURROW_I2] = FURROW_ELEM_i2,
        [FURROW_I4] = FURROW_ELEM_i4,   [FURROW_I8] = FURROW_ELEM_i8,  [FURROW_U1] = FURROW_ELEM_u1,
        [FURROW_U2] = FURROW_ELEM_u2,   [FURROW_U4] = FURROW_ELEM_u4,  [FURROW_U8] = FURROW_ELEM_u8,
        [FURROW_F2] = FURROW_ELEM_f4,   [FURROW_F4] = FURROW_ELEM_f4,  [FURROW_F8] = FURROW_ELEM_f8,
        [FURROW_C8] = FURROW_ELEM_f4,   [FURROW_C16] = FURROW_ELEM_f8,
    };
    return elem[dtype];
}

static furrow_status_t check_complex(furrow_dtype_t dtype, const furrow_reduce_opts_t *opts, furrow_error_t *err)
{
    const uint32_t allowed =
        bit(FURROW_OP_COUNT) | bit(FURROW_OP_SUM) | bit(FURROW_OP_MEAN) | bit(FURROW_OP_SUMSQ) | bit(FURROW_OP_NORM2);

    if (furrow_dtype_kind(dtype) != 'c') return FURROW_OK;
    for (furrow_op_t op = 0; op < FURROW_OP_TOTAL; op++)
        if ((opts->ops & bit(op) & ~allowed) != 0)
            return furrow_fail(err, FURROW_EUNSUPPORTED,
                               "%s is not defined for complex dtype %s (count, sum, mean, sumsq and norm2 are)",
                               furrow_op_name(op), furrow_dtype_name(dtype));
    if (opts->skip_nan)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "NaN cannot be skipped in complex dtype %s",
                           furrow_dtype_name(dtype));
    return FURROW_OK;
}

static furrow_status_t check_opts(furrow_dtype_t dtype, const furrow_reduce_opts_t *opts, furrow_error_t *err)
{
    const int64_t most = INT64_C(1) << 48; /* far beyond any memory; their sizes in bytes do not overflow */

    if (opts->ops == 0 || opts->ops >= bit(FURROW_OP_TOTAL))
        return furrow_fail(err, FURROW_EARG, "no operation asked for");
    if (opts->ddof < 0) return furrow_fail(err, FURROW_EARG, "ddof %lld is negative", (long long)opts->ddof);
    if (opts->sections < 0)
        return furrow_fail(err, FURROW_EARG, "%lld sections: at least 1 is needed", (long long)opts->sections);
    if (opts->sections > most)
        return furrow_fail(err, FURROW_EARG, "%lld sections are too many", (long long)opts->sections);
    if (opts->axis0 && opts->sections > 0)
        return furrow_fail(err, FURROW_EARG, "axis 0 and sections cannot be combined");
    if ((opts->ops & bit(FURROW_OP_HIST)) != 0) {
        if (opts->axis0) return furrow_fail(err, FURROW_EARG, "hist and axis 0 cannot be combined");
        if (opts->bins < 1)
            return furrow_fail(err, FURROW_EARG, "hist needs at least 1 bin, not %lld", (long long)opts->bins);
        if (opts->bins > most) return furrow_fail(err, FURROW_EARG, "%lld bins are too many", (long long)opts->bins);
        if (!(opts->low < opts->high) || !isfinite(opts->high - opts->low))
            return furrow_fail(err, FURROW_EARG, "hist needs a finite range with LO < HI, not %g:%g", opts->low,
                               opts->high);
    }
    return check_complex(dtype, opts, err);
}

furrow_status_t furrow_plan_make(furrow_dtype_t dtype, const furrow_reduce_opts_t *opts, const double *edge,
                                 furrow_plan_t *plan, furrow_error_t *err)
{
    const uint32_t ops = opts->ops, moments = bit(FURROW_OP_VAR) | bit(FURROW_OP_STD);
    const furrow_status_t status = check_opts(dtype, opts, err);

    if (status != FURROW_OK) return status;
    *plan = (furrow_plan_t){.kernels = furrow_kernels(), .dtype = dtype, .elem = furrow_elem_of(dtype), .ops = ops};
    plan->is_complex = furrow_dtype_kind(dtype) == 'c';
    plan->has_nan = furrow_dtype_kind(dtype) == 'f';
    plan->skip_nan = opts->skip_nan && plan->has_nan;
    plan->ddof = opts->ddof;
    plan->wants_nonzero = (ops & bit(FURROW_OP_NONZERO)) != 0;
    plan->wants_min_max = (ops & (bit(FURROW_OP_MIN) | bit(FURROW_OP_MAX) | bit(FURROW_OP_ARGMIN) |
                                  bit(FURROW_OP_ARGMAX) | bit(FURROW_OP_NORMINF))) != 0;
    const bool sum = (ops & (bit(FURROW_OP_SUM) | bit(FURROW_OP_MEAN) | moments)) != 0;
    plan->sum_at = sum ? plan->sums++ : -1;
    plan->imaginary_at = sum && plan->is_complex ? plan->sums++ : -1;
    plan->abs_at = (ops & bit(FURROW_OP_NORM1)) != 0 ? plan->sums++ : -1;
    plan->squares_at = (ops & (bit(FURROW_OP_SUMSQ) | bit(FURROW_OP_NORM2) | moments)) != 0 ? plan->sums++ : -1;
    plan->bins = (ops & bit(FURROW_OP_HIST)) != 0 ? opts->bins : 0;
    plan->edge = edge;
    return FURROW_OK;
}

/* ---------------------------------------------------------------- tallies */

int64_t furrow_tally_bytes(const furrow_plan_t *plan)
{
    return (int64_t)sizeof(furrow_tally_t) + plan->sums * (int64_t)sizeof(furrow_exact_t) +
           plan->bins * (int64_t)sizeof(int64_t);
}

static void forget_extremes(furrow_tally_t *t)
{
    t->least = t->most_inverted = t->first_nan = t->argmin = t->argmax = INT64_MAX;
}

furrow_status_t furrow_tallies_alloc(const furrow_plan_t *plan, int64_t count, furrow_tallies_t *out,
                                     furrow_error_t *err)
{
    void *tally = NULL, *exact = NULL, *hist = NULL;
    int64_t bins = 0;

    *out = (furrow_tallies_t){0};
    if (!furrow_multiply(count, plan->bins, &bins))
        return furrow_fail(err, FURROW_ENOMEM, "out of memory: %lld histograms of %lld bins", (long long)count,
                           (long long)plan->bins);
    furrow_status_t status = furrow_alloc(count, sizeof(furrow_tally_t), &tally, err);
    if (status == FURROW_OK) status = furrow_alloc(count, plan->sums * (int64_t)sizeof(furrow_exact_t), &exact, err);
    if (status == FURROW_OK) status = furrow_alloc(bins, sizeof(int64_t), &hist, err);
    if (status != FURROW_OK) {
        free(tally);
        free(exact);
        return status;
    }
    *out = (furrow_tallies_t){.count = count, .tally = tally, .exact = exact, .hist = hist};
    for (int64_t i = 0; i < count; i++) {
        out->tally[i] = (furrow_tally_t){.exact = out->exact + i * plan->sums, .hist = out->hist + i * plan->bins};
        forget_extremes(&out->tally[i]);
    }
    return FURROW_OK;
}

void furrow_tally_clear(const furrow_plan_t *plan, furrow_tally_t *tally)
{
    *tally = (furrow_tally_t){.exact = tally->exact, .hist = tally->hist};
    forget_extremes(tally);
    for (int i = 0; i < plan->sums; i++) furrow_exact_clear(&tally->exact[i]);
    if (plan->bins > 0) memset(tally->hist, 0, (size_t)plan->bins * sizeof *tally->hist);
}

void furrow_tallies_free(furrow_tallies_t *tallies)
{
    free(tallies->tally);
    free(tallies->exact);
    free(tallies->hist);
    *tallies = (furrow_tallies_t){0};
}

/* ---------------------------------------------------------------- feeding */

/* Elements as the kernels want them. */
typedef struct {
    const void *data;
    int64_t n;
} block_t;

static int64_t index_at(furrow_place_t place, int64_t i)
{
    return place.fortran == NULL ? place.first + i : furrow_dataset_c_index(place.fortran, place.first + i);
}

/* Equal elements have equal order here: unlike the key itself, both zeros of a float. */
static int64_t order_of(const furrow_plan_t *plan, int64_t key)
{
    const bool is_float = plan->elem == FURROW_ELEM_f4 || plan->elem == FURROW_ELEM_f8;
    return is_float && key == -1 ? 0 : key;
}

static int64_t key_at(const furrow_plan_t *plan, const void *data, int64_t i)
{
    switch (plan->elem) {
    case FURROW_ELEM_i1: return ((const int8_t *)data)[i];
    case FURROW_ELEM_i2: return ((const int16_t *)data)[i];
    case FURROW_ELEM_i4: return ((const int32_t *)data)[i];
    case FURROW_ELEM_i8: return ((const int64_t *)data)[i];
    case FURROW_ELEM_u1: return ((const uint8_t *)data)[i];
    case FURROW_ELEM_u2: return ((const uint16_t *)data)[i];
    case FURROW_ELEM_u4: return ((const uint32_t *)data)[i];
    case FURROW_ELEM_u8: return furrow_key_of_u8(((const uint64_t *)data)[i]);
    case FURROW_ELEM_f4: return furrow_key_of_f8((double)((const float *)data)[i]);
    case FURROW_ELEM_f8: return furrow_key_of_f8(((const double *)data)[i]);
    case FURROW_ELEM_TOTAL: break;
    }
    return 0;
}

static bool is_nan_at(const furrow_plan_t *plan, const void *data, int64_t i)
{
    return plan->elem == FURROW_ELEM_f4 ? isnan(((const float *)data)[i]) : isnan(((const double *)data)[i]);
}

/* Least index of an element of the given order, NaN aside. In C order the first one is the least. */
static int64_t find_order(const furrow_plan_t *plan, block_t b, int64_t order, furrow_place_t place)
{
    int64_t least = INT64_MAX;

    for (int64_t i = 0; i < b.n; i++) {
        if (order_of(plan, key_at(plan, b.data, i)) != order) continue;
        if (plan->has_nan && is_nan_at(plan, b.data, i)) continue;
        const int64_t index = index_at(place, i);
        if (index < least) least = index;
        if (place.fortran == NULL) break;
    }
    return least;
}

static int64_t find_nan(const furrow_plan_t *plan, block_t b, furrow_place_t place)
{
    int64_t least = INT64_MAX;

    for (int64_t i = 0; i < b.n; i++) {
        if (!is_nan_at(plan, b.data, i)) continue;
        const int64_t index = index_at(place, i);
        if (index < least) least = index;
        if (place.fortran == NULL) break;
    }
    return least;
}

/* Take in one extreme of a block: a better one moves `arg`, an equal one only to a smaller index. The largest element
 * is stored inverted, so that both kinds merge by minimum. */
static void take_extreme(const furrow_plan_t *plan, bool inverted, int64_t key, int64_t *best, int64_t *arg,
                         block_t original, furrow_place_t place)
{
    const int64_t stored = inverted ? ~key : key;
    const int64_t order = order_of(plan, key), best_order = order_of(plan, inverted ? ~*best : *best);
    const bool is_first = *arg == INT64_MAX;
    const bool is_better = is_first || (inverted ? order > best_order : order < best_order);
    const bool may_tie = !is_better && order == best_order && (place.fortran != NULL || place.first < *arg);

    if (is_better || may_tie) {
        const int64_t index = find_order(plan, original, order, place);
        if (is_better || index < *arg) *arg = index;
    }
    if (is_first || stored < *best) *best = stored;
}

static void feed_min_max(const furrow_plan_t *plan, furrow_tally_t *t, block_t clean, block_t original,
                         furrow_place_t place)
{
    int64_t least, largest;

    if (clean.n == 0) return;
    plan->kernels->min_max[plan->elem](clean.data, (size_t)clean.n, &least, &largest);
    take_extreme(plan, false, least, &t->least, &t->argmin, original, place);
    take_extreme(plan, true, largest, &t->most_inverted, &t->argmax, original, place);
}

static void feed_hist(const furrow_plan_t *plan, furrow_tally_t *t, block_t b)
{
    enum { STEP = 1024 };
    const int64_t size = plan->elem == FURROW_ELEM_f8 || plan->elem == FURROW_ELEM_i8 || plan->elem == FURROW_ELEM_u8
                             ? 8
                             : furrow_dtype_size(plan->dtype == FURROW_F2 ? FURROW_F4 : plan->dtype);
    double values[STEP];

    for (int64_t done = 0; done < b.n; done += STEP) {
        const size_t now = (size_t)(b.n - done < STEP ? b.n - done : STEP);
        furrow_f8_of_elem(plan->elem, (const char *)b.data + done * size, now, values);
        furrow_histogram(values, now, plan->edge, plan->bins, t->hist);
    }
}

static void feed_complex(const furrow_plan_t *plan, furrow_tally_t *t, const void *data, int64_t n, void *scratch)
{
    furrow_sum_kernel_t *sum = plan->kernels->sum[plan->elem];

    for (int part = 0; plan->sum_at >= 0 && part < 2; part++) {
        if (plan->elem == FURROW_ELEM_f4)
            furrow_take_second_f4((const float *)data + part, (size_t)n, scratch);
        else
            furrow_take_second_f8((const double *)data + part, (size_t)n, scratch);
        sum(&t->exact[part == 0 ? plan->sum_at : plan->imaginary_at], scratch, (size_t)n);
    }
    if (plan->squares_at >= 0) plan->kernels->sum_squares[plan->elem](&t->exact[plan->squares_at], data, 2 * (size_t)n);
}

/* The first half of scratch holds halves as f4 or bools as 0/1; the second a copy without NaN. */
static block_t prepare(const furrow_plan_t *plan, const void *data, int64_t n, void *scratch)
{
    if (plan->dtype == FURROW_F2) {
        furrow_f4_of_f2(data, (size_t)n, scratch);
        return (block_t){scratch, n};
    }
    if (plan->dtype == FURROW_BOOL) {
        memcpy(scratch, data, (size_t)n);
        furrow_normalize_bool(scratch, (size_t)n);
        return (block_t){scratch, n};
    }
    return (block_t){data, n};
}

static block_t without_nan(const furrow_plan_t *plan, block_t b, void *scratch)
{
    const size_t kept = plan->elem == FURROW_ELEM_f4 ? furrow_drop_nan_f4(b.data, (size_t)b.n, scratch)
                                                     : furrow_drop_nan_f8(b.data, (size_t)b.n, scratch);
    return (block_t){scratch, (int64_t)kept};
}

static void feed_sums(const furrow_plan_t *plan, furrow_tally_t *t, block_t b)
{
    const furrow_kernels_t *k = plan->kernels;
    const size_t n = (size_t)b.n;

    if (plan->sum_at >= 0) k->sum[plan->elem](&t->exact[plan->sum_at], b.data, n);
    if (plan->abs_at >= 0) k->sum_abs[plan->elem](&t->exact[plan->abs_at], b.data, n);
    if (plan->squares_at >= 0) k->sum_squares[plan->elem](&t->exact[plan->squares_at], b.data, n);
}

static void normalize_if_due(const furrow_plan_t *plan, furrow_tally_t *t, int64_t n)
{
    t->fed += n;
    if (t->fed < normalize_after) return;
    for (int i = 0; i < plan->sums; i++) furrow_exact_normalize(&t->exact[i]);
    t->fed = 0;
}

void furrow_tally_feed(const furrow_plan_t *plan, furrow_tally_t *t, const void *data, int64_t n, furrow_place_t place,
                       void *scratch)
{
    const bool counts_nan =
        plan->has_nan && (plan->skip_nan || plan->wants_min_max || (plan->ops & bit(FURROW_OP_NAN)));

    if (n == 0) return;
    normalize_if_due(plan, t, n);
    if (plan->is_complex) {
        t->count += n;
        feed_complex(plan, t, data, n, scratch);
        return;
    }
    const block_t original = prepare(plan, data, n, scratch);
    const int64_t nan = counts_nan ? plan->kernels->count_nan[plan->elem](original.data, (size_t)n) : 0;
    block_t clean = original;

    t->nan += nan;
    if (nan > 0 && (plan->skip_nan || plan->wants_min_max))
        clean = without_nan(plan, original, (char *)scratch + 2 * FURROW_BLOCK_BYTES);
    if (nan > 0 && !plan->skip_nan) {
        const int64_t index = find_nan(plan, original, place);
        if (index < t->first_nan) t->first_nan = index;
    }
    if (plan->wants_min_max) feed_min_max(plan, t, clean, original, place);
    const block_t used = plan->skip_nan ? clean : original;
    t->count += used.n;
    if (plan->wants_nonzero) t->nonzero += plan->kernels->count_nonzero[plan->elem](used.data, (size_t)used.n);
    feed_sums(plan, t, used);
    if (plan->bins > 0) feed_hist(plan, t, used);
}

void furrow_tally_feed_dot(const furrow_plan_t *plan, furrow_tally_t *t, const void *x, const void *y, int64_t n,
                           void *scratch)
{
    const block_t a = prepare(plan, x, n, scratch);
    const block_t b = prepare(plan, y, n, (char *)scratch + 2 * FURROW_BLOCK_BYTES);

    normalize_if_due(plan, t, n);
    t->count += n;
    plan->kernels->dot[plan->elem](&t->exact[plan->sum_at], a.data, b.data, (size_t)n);
}

/* ---------------------------------------------------------------- merging */

/* The same rule as within a rank: the better order, then the lower index; keys apart, for the sign of zero. */
static void merge_extreme(const furrow_plan_t *plan, bool inverted, int64_t *best, int64_t *arg, int64_t other_best,
                          int64_t other_arg)
{
    const int64_t mine = order_of(plan, inverted ? ~*best : *best);
    const int64_t theirs = order_of(plan, inverted ? ~other_best : other_best);

    if (other_arg == INT64_MAX) return;
    if (*arg == INT64_MAX || (inverted ? theirs > mine : theirs < mine))
        *arg = other_arg;
    else if (theirs == mine && other_arg < *arg)
        *arg = other_arg;
    if (other_best < *best) *best = other_best;
}

void furrow_tally_merge(const furrow_plan_t *plan, furrow_tally_t *into, furrow_tally_t *from)
{
    into->count += from->count;
    into->nonzero += from->nonzero;
    into->nan += from->nan;
    if (from->first_nan < into->first_nan) into->first_nan = from->first_nan;
    merge_extreme(plan, false, &into->least, &into->argmin, from->least, from->argmin);
    merge_extreme(plan, true, &into->most_inverted, &into->argmax, from->most_inverted, from->argmax);
    for (int i = 0; i < plan->sums; i++) furrow_exact_merge(&into->exact[i], &from->exact[i]);
    for (int64_t b = 0; b < plan->bins; b++) into->hist[b] += from->hist[b];
}

/* Three added and three minimized numbers of every tally. */
enum { ADDED = 3, MINIMIZED = 3 };

static void share_numbers(furrow_context_t *ctx, furrow_tallies_t *all, int64_t *words)
{
    for (int64_t i = 0; i < all->count; i++) {
        const furrow_tally_t *t = &all->tally[i];
        memcpy(words + ADDED * i, (int64_t[]){t->count, t->nonzero, t->nan}, ADDED * sizeof *words);
    }
    furrow_sum_int64(ctx, words, ADDED * all->count);
    for (int64_t i = 0; i < all->count; i++) {
        furrow_tally_t *t = &all->tally[i];
        t->count = words[ADDED * i];
        t->nonzero = words[ADDED * i + 1];
        t->nan = words[ADDED * i + 2];
        memcpy(words + MINIMIZED * i, (int64_t[]){t->least, t->most_inverted, t->first_nan}, MINIMIZED * sizeof *words);
    }
    furrow_min_int64(ctx, words, MINIMIZED * all->count);
}

/* After the least keys are known: a rank whose own key has another order has no say in the index. */
static void share_indices(const furrow_plan_t *plan, furrow_context_t *ctx, furrow_tallies_t *all, const int64_t *words,
                          int64_t *indices)
{
    for (int64_t i = 0; i < all->count; i++) {
        furrow_tally_t *t = &all->tally[i];
        const int64_t least = words[MINIMIZED * i], most = words[MINIMIZED * i + 1];
        indices[2 * i] = order_of(plan, t->least) == order_of(plan, least) ? t->argmin : INT64_MAX;
        indices[2 * i + 1] = order_of(plan, ~t->most_inverted) == order_of(plan, ~most) ? t->argmax : INT64_MAX;
        t->least = least;
        t->most_inverted = most;
        t->first_nan = words[MINIMIZED * i + 2];
    }
    furrow_min_int64(ctx, indices, 2 * all->count);
    for (int64_t i = 0; i < all->count; i++) {
        all->tally[i].argmin = indices[2 * i];
        all->tally[i].argmax = indices[2 * i + 1];
    }
}

furrow_status_t furrow_tallies_share(furrow_context_t *ctx, const furrow_plan_t *plan, furrow_tallies_t *all,
                                     furrow_error_t *err)
{
    const int64_t exact_words = all->count * plan->sums * FURROW_EXACT_WORDS;
    void *words = NULL, *indices = NULL;

    furrow_status_t status = furrow_alloc(all->count, ADDED * sizeof(int64_t), &words, err);
    if (status == FURROW_OK) status = furrow_alloc(all->count, 2 * sizeof(int64_t), &indices, err);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) {
        for (int64_t i = 0; i < all->count * plan->sums; i++) furrow_exact_normalize(&all->exact[i]);
        furrow_sum_int64(ctx, (int64_t *)all->exact, exact_words);
        furrow_sum_int64(ctx, all->hist, all->count * plan->bins);
        share_numbers(ctx, all, words);
        share_indices(plan, ctx, all, words, indices);
    }
    free(words);
    free(indices);
    return status;
}
