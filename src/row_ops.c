/* Owns what an operation makes of one row. Sums of floats and their kin, and the row-to-row operations, are kernels
 * (kernels/rows.h); extremes, counts and sums of integers are a tally's. */
#include "row_ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "convert.h"
#include "op.h"
#include "rows.h"

static const char *const names[] = {
#define ROW_OP_NAME(id, text) text,
    FURROW_ROW_OP_LIST(ROW_OP_NAME)
#undef ROW_OP_NAME
};

/* What is known of each operation. */
typedef enum { TO_NUMBER, TO_ROW, TO_K } form_t;
typedef enum { OUT_SUM, OUT_F8, OUT_I8, OUT_FLOAT, OUT_CUMSUM, OUT_SAME } out_t;

static const struct {
    form_t form;
    out_t out;
    int op; /* of a reduction that gives the same, or -1 */
    unsigned moment;
} facts[] = {
    [FURROW_ROW_SUM] = {TO_NUMBER, OUT_SUM, FURROW_OP_SUM, FURROW_MOMENT_SUM},
    [FURROW_ROW_SUMSQ] = {TO_NUMBER, OUT_SUM, FURROW_OP_SUMSQ, FURROW_MOMENT_SUMSQ},
    [FURROW_ROW_MEAN] = {TO_NUMBER, OUT_F8, -1, FURROW_MOMENT_MEAN},
    [FURROW_ROW_VAR] = {TO_NUMBER, OUT_F8, -1, FURROW_MOMENT_VAR},
    [FURROW_ROW_STD] = {TO_NUMBER, OUT_F8, -1, FURROW_MOMENT_STD},
    [FURROW_ROW_MIN] = {TO_NUMBER, OUT_SAME, FURROW_OP_MIN, 0},
    [FURROW_ROW_MAX] = {TO_NUMBER, OUT_SAME, FURROW_OP_MAX, 0},
    [FURROW_ROW_ARGMIN] = {TO_NUMBER, OUT_I8, FURROW_OP_ARGMIN, 0},
    [FURROW_ROW_ARGMAX] = {TO_NUMBER, OUT_I8, FURROW_OP_ARGMAX, 0},
    [FURROW_ROW_NORM1] = {TO_NUMBER, OUT_SUM, FURROW_OP_NORM1, FURROW_MOMENT_NORM1},
    [FURROW_ROW_NORM2] = {TO_NUMBER, OUT_F8, -1, FURROW_MOMENT_NORM2},
    [FURROW_ROW_NONZERO] = {TO_NUMBER, OUT_I8, FURROW_OP_NONZERO, 0},
    [FURROW_ROW_DOT] = {TO_NUMBER, OUT_SUM, -1, 0},
    [FURROW_ROW_NORMALIZE] = {TO_ROW, OUT_FLOAT, -1, 0},
    [FURROW_ROW_ZSCORE] = {TO_ROW, OUT_FLOAT, -1, 0},
    [FURROW_ROW_MINMAX] = {TO_ROW, OUT_FLOAT, -1, 0},
    [FURROW_ROW_SOFTMAX] = {TO_ROW, OUT_FLOAT, -1, 0},
    [FURROW_ROW_CUMSUM] = {TO_ROW, OUT_CUMSUM, -1, 0},
    [FURROW_ROW_SORT] = {TO_ROW, OUT_SAME, -1, 0},
    [FURROW_ROW_TOPK] = {TO_K, OUT_SAME, -1, 0},
};

const char *furrow_row_op_name(furrow_row_op_t op)
{
    return op < FURROW_ROW_OP_TOTAL ? names[op] : "?";
}

bool furrow_row_op_find(const char *name, furrow_row_op_t *op, furrow_row_op_t *nearest)
{
    int near = 0;
    const int at = furrow_find_name(name, names, FURROW_ROW_OP_TOTAL, &near);

    if (at >= 0)
        *op = (furrow_row_op_t)at;
    else if (nearest != NULL)
        *nearest = (furrow_row_op_t)near;
    return at >= 0;
}

bool furrow_row_gives_row(furrow_row_op_t op)
{
    return facts[op].form == TO_ROW;
}

/* -------------------------------------------------------------------- plan */

static bool is_float(furrow_dtype_t dtype)
{
    return furrow_dtype_kind(dtype) == 'f';
}

static furrow_dtype_t plain_float(furrow_dtype_t in)
{
    return in == FURROW_F2 || in == FURROW_F4 ? FURROW_F4 : FURROW_F8;
}

static furrow_dtype_t sum_of_integers(furrow_dtype_t in)
{
    return furrow_dtype_kind(in) == 'u' ? FURROW_U8 : FURROW_I8;
}

static furrow_dtype_t natural_dtype(furrow_dtype_t in, furrow_row_op_t op)
{
    switch (facts[op].out) {
    case OUT_SUM: return is_float(in) ? FURROW_F8 : sum_of_integers(in);
    case OUT_F8: return FURROW_F8;
    case OUT_I8: return FURROW_I8;
    case OUT_FLOAT: return plain_float(in);
    case OUT_CUMSUM: return is_float(in) ? plain_float(in) : sum_of_integers(in);
    case OUT_SAME: break;
    }
    return in == FURROW_F2 ? FURROW_F4 : in;
}

static furrow_status_t check(furrow_dtype_t dtype, int64_t items, const furrow_rows_opts_t *opts, furrow_error_t *err)
{
    if (opts->op >= FURROW_ROW_OP_TOTAL) return furrow_fail(err, FURROW_EARG, "no such operation: %d", (int)opts->op);
    if (furrow_dtype_kind(dtype) == 'c')
        return furrow_fail(err, FURROW_EUNSUPPORTED, "%s is not defined for complex dtype %s", names[opts->op],
                           furrow_dtype_name(dtype));
    if (opts->ddof < 0) return furrow_fail(err, FURROW_EARG, "ddof %lld is negative", (long long)opts->ddof);
    if (opts->op == FURROW_ROW_TOPK && (opts->k < 1 || opts->k > items))
        return furrow_fail(err, FURROW_EARG, "topk of %lld from rows of %lld elements", (long long)opts->k,
                           (long long)items);
    if (items == 0 && facts[opts->op].op >= 0 && facts[opts->op].out != OUT_SUM && opts->op != FURROW_ROW_NONZERO)
        return furrow_fail(err, FURROW_EEMPTY, "%s of rows without elements", names[opts->op]);
    return FURROW_OK;
}

/* --dtype: results that are floats may be rounded to f4, or, from a row to a row, computed in f8. */
static furrow_status_t choose_dtype(furrow_row_plan_t *plan, furrow_error_t *err)
{
    const furrow_rows_opts_t *o = &plan->opts;

    plan->out = natural_dtype(plan->in, o->op);
    if (o->dtype_given && o->dtype != plan->out) {
        const bool possible =
            is_float(plan->out) && (o->dtype == FURROW_F4 || o->dtype == FURROW_F8) && facts[o->op].out != OUT_SAME;
        if (!possible)
            return furrow_fail(err, FURROW_EARG, "%s of %s gives %s, it cannot be %s", names[o->op],
                               furrow_dtype_name(plan->in), furrow_dtype_name(plan->out), furrow_dtype_name(o->dtype));
        plan->out = o->dtype;
    }
    plan->map_elem = plan->out == FURROW_F4 && plan->elem == FURROW_ELEM_f4 ? FURROW_ELEM_f4 : FURROW_ELEM_f8;
    return FURROW_OK;
}

furrow_status_t furrow_row_plan_make(furrow_dtype_t dtype, int64_t items, const furrow_rows_opts_t *opts,
                                     furrow_row_plan_t *plan, furrow_error_t *err)
{
    furrow_status_t status = check(dtype, items, opts, err);

    if (status != FURROW_OK) return status;
    *plan = (furrow_row_plan_t){.opts = *opts, .in = dtype, .items = items, .kernels = furrow_kernels()};
    plan->elem = furrow_elem_of(dtype);
    plan->out_items = facts[opts->op].form == TO_NUMBER ? 1 : facts[opts->op].form == TO_K ? opts->k : items;
    status = choose_dtype(plan, err);
    plan->by_tally = facts[opts->op].op >= 0 && !(is_float(dtype) && facts[opts->op].out == OUT_SUM);
    if (status != FURROW_OK || !plan->by_tally) return status;
    plan->tally_op = (furrow_op_t)facts[opts->op].op;
    return furrow_plan_make(dtype, &(furrow_reduce_opts_t){.ops = UINT32_C(1) << plan->tally_op}, NULL, &plan->tally,
                            err);
}

/* ----------------------------------------------------------------- compute */

/* A row in f8, or whatever kernels see. */
static int64_t part_bytes(const furrow_row_plan_t *plan)
{
    return (plan->items * 8 / 64 + 1) * 64;
}

/* One part holds the elements as kernels see them, another a copy in f8; sort and topk take that and a third. */
int64_t furrow_row_scratch_bytes(const furrow_row_plan_t *plan)
{
    const bool sorts = plan->opts.op == FURROW_ROW_SORT || plan->opts.op == FURROW_ROW_TOPK;

    return plan->by_tally ? FURROW_SCRATCH_BYTES : (sorts ? 3 : 2) * part_bytes(plan);
}

const void *furrow_row_prepare(const furrow_row_plan_t *plan, const void *x, void *out)
{
    if (plan->in == FURROW_F2) {
        furrow_f4_of_f2(x, (size_t)plan->items, out);
        return out;
    }
    if (plan->in == FURROW_BOOL) {
        memcpy(out, x, (size_t)plan->items);
        furrow_normalize_bool(out, (size_t)plan->items);
        return out;
    }
    return x;
}

static void store_float(furrow_dtype_t dtype, double value, void *out)
{
    if (dtype == FURROW_F8)
        memcpy(out, &value, sizeof value);
    else
        memcpy(out, &(float){(float)value}, sizeof(float));
}

/* An integer result; false if `dtype` cannot hold it. Results of min and max are elements, and always fit. */
static bool store_integer(furrow_dtype_t dtype, const furrow_value_t *value, void *out)
{
    uint64_t wide = 0;

    if (dtype == FURROW_U8) {
        const bool fits = value->digits[0] != '-' && strlen(value->digits) <= 20 && value->re < 18446744073709551616.0;
        if (!fits || sscanf(value->digits, "%" SCNu64, &wide) != 1) return false;
        memcpy(out, &wide, sizeof wide);
        return true;
    }
    if (!value->fits_i8) return false;
    switch (furrow_dtype_size(dtype)) {
    case 1: memcpy(out, &(int8_t){(int8_t)value->i}, 1); break;
    case 2: memcpy(out, &(int16_t){(int16_t)value->i}, 2); break;
    case 4: memcpy(out, &(int32_t){(int32_t)value->i}, 4); break;
    default: memcpy(out, &value->i, 8); break;
    }
    return true;
}

static const char *by_tally(const furrow_row_plan_t *plan, const void *x, void *out, void *scratch)
{
    const int64_t size = furrow_dtype_size(plan->in), step = FURROW_BLOCK_BYTES / size;
    furrow_exact_t exact;
    furrow_tally_t tally = {.exact = &exact};
    furrow_value_t value;

    furrow_tally_clear(&plan->tally, &tally);
    for (int64_t at = 0; at < plan->items; at += step) {
        const int64_t now = plan->items - at < step ? plan->items - at : step;
        furrow_tally_feed(&plan->tally, &tally, (const char *)x + at * size, now, (furrow_place_t){at, NULL}, scratch);
    }
    if (furrow_tally_value(&plan->tally, &tally, plan->tally_op, &value, NULL) != FURROW_OK)
        return "a row without elements";
    if (value.kind == FURROW_VALUE_FLOAT)
        store_float(plan->out, value.re, out);
    else if (!store_integer(plan->out, &value, out))
        return "the sum does not fit 64 bits";
    return NULL;
}

static double moment_of(const furrow_row_moments_t *m, unsigned which)
{
    switch (which) {
    case FURROW_MOMENT_SUM: return m->sum;
    case FURROW_MOMENT_SUMSQ: return m->sumsq;
    case FURROW_MOMENT_NORM1: return m->norm1;
    case FURROW_MOMENT_NORM2: return m->norm2;
    case FURROW_MOMENT_MEAN: return m->mean;
    case FURROW_MOMENT_VAR: return m->var;
    default: return m->std;
    }
}

static void by_moment(const furrow_row_plan_t *plan, const void *x, void *out)
{
    const unsigned which = facts[plan->opts.op].moment;
    furrow_row_moments_t m;

    furrow_row_moments(plan->kernels, plan->elem, x, (size_t)plan->items, which, plan->opts.ddof, &m);
    store_float(plan->out, moment_of(&m, which), out);
}

static const char *dot(const furrow_row_plan_t *plan, const void *x, void *out)
{
    furrow_row_moments_t m;

    furrow_row_dot(plan->kernels, plan->elem, x, plan->with, (size_t)plan->items, &m);
    if (is_float(plan->in))
        store_float(plan->out, m.sum, out);
    else if (!m.fits_i8)
        return "the product does not fit 64 bits";
    else
        memcpy(out, &m.sum_i8, sizeof m.sum_i8);
    return NULL;
}

/* To rows of floats: computed in f4 or f8, and rounded to f4 where that was asked for. */
static void map(const furrow_row_plan_t *plan, furrow_row_map_t *kernel, const void *x, void *out, char *wide)
{
    const size_t n = (size_t)plan->items;

    if (plan->map_elem != plan->elem) {
        furrow_f8_of_elem(plan->elem, x, n, (double *)wide);
        x = wide;
    }
    const bool rounds = plan->map_elem == FURROW_ELEM_f8 && plan->out == FURROW_F4;
    kernel(plan->kernels, plan->map_elem, x, n, rounds ? wide : out);
    for (size_t i = 0; rounds && i < n; i++) ((float *)out)[i] = (float)((const double *)wide)[i];
}

static const char *cumsum(const furrow_row_plan_t *plan, const void *x, void *out, char *wide)
{
    const size_t n = (size_t)plan->items;
    furrow_elem_t elem = plan->elem;

    if (is_float(plan->in) && plan->map_elem != elem) {
        furrow_f8_of_elem(elem, x, n, (double *)wide);
        x = wide;
        elem = FURROW_ELEM_f8;
    }
    const bool rounds = elem == FURROW_ELEM_f8 && plan->out == FURROW_F4;
    if (furrow_row_cumsum(elem, x, n, rounds ? wide : out) < n) return "a sum does not fit 64 bits";
    for (size_t i = 0; rounds && i < n; i++) ((float *)out)[i] = (float)((const double *)wide)[i];
    return NULL;
}

const char *furrow_row_compute(const furrow_row_plan_t *plan, const void *x, void *out, void *scratch)
{
    char *converted = scratch, *wide = converted + part_bytes(plan);
    const size_t n = (size_t)plan->items;

    if (plan->by_tally) return by_tally(plan, x, out, scratch);
    x = furrow_row_prepare(plan, x, converted);
    switch (plan->opts.op) {
    case FURROW_ROW_DOT: return dot(plan, x, out);
    case FURROW_ROW_NORMALIZE: map(plan, furrow_row_normalize, x, out, wide); break;
    case FURROW_ROW_ZSCORE: map(plan, furrow_row_zscore, x, out, wide); break;
    case FURROW_ROW_MINMAX: map(plan, furrow_row_minmax, x, out, wide); break;
    case FURROW_ROW_SOFTMAX: map(plan, furrow_row_softmax, x, out, wide); break;
    case FURROW_ROW_CUMSUM: return cumsum(plan, x, out, wide);
    case FURROW_ROW_SORT: furrow_row_sort(plan->elem, x, n, out, wide); break;
    case FURROW_ROW_TOPK: furrow_row_topk(plan->elem, x, n, (size_t)plan->opts.k, out, wide); break;
    default: by_moment(plan, x, out); break;
    }
    return NULL;
}
