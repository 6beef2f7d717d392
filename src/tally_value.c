/* Owns the step from a tally to the results of a reduction. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "key.h"
#include "round.h"
#include "tally.h"

static void put_float(furrow_value_t *out, double re)
{
    out->kind = FURROW_VALUE_FLOAT;
    out->re = re;
}

static void put_int(furrow_value_t *out, int64_t value)
{
    out->kind = FURROW_VALUE_INT;
    out->fits_i8 = true;
    out->i = value;
    out->re = (double)value;
    (void)snprintf(out->digits, sizeof out->digits, "%" PRId64, value);
}

static void put_unsigned(furrow_value_t *out, uint64_t value)
{
    put_int(out, (int64_t)value);
    if (value <= INT64_MAX) return;
    out->fits_i8 = false;
    out->i = 0;
    out->re = (double)value;
    (void)snprintf(out->digits, sizeof out->digits, "%" PRIu64, value);
}

/* A sum of integers is an integer of any size, another a rounded float. */
static void put_sum(const furrow_plan_t *plan, furrow_exact_t *sum, int64_t count, furrow_value_t *out)
{
    const char kind = furrow_dtype_kind(plan->dtype);

    put_float(out, furrow_round_sum(sum, count));
    if (kind == 'f' || kind == 'c') return;
    out->kind = FURROW_VALUE_INT;
    out->fits_i8 = furrow_round_int64(sum, &out->i);
    furrow_round_decimal(sum, out->digits, sizeof out->digits);
}

static void put_key(const furrow_plan_t *plan, int64_t key, furrow_value_t *out)
{
    if (plan->elem == FURROW_ELEM_f4 || plan->elem == FURROW_ELEM_f8)
        put_float(out, furrow_f8_of_key(key));
    else if (plan->elem == FURROW_ELEM_u8)
        put_unsigned(out, furrow_u8_of_key(key));
    else
        put_int(out, key);
}

static void put_norminf(const furrow_plan_t *plan, const furrow_tally_t *t, furrow_value_t *out)
{
    const int64_t least = t->least, most = ~t->most_inverted;

    if (t->argmin == INT64_MAX) {
        if (furrow_dtype_kind(plan->dtype) == 'f')
            put_float(out, 0.0);
        else
            put_int(out, 0);
    } else if (plan->elem == FURROW_ELEM_f4 || plan->elem == FURROW_ELEM_f8) {
        put_float(out, fmax(fabs(furrow_f8_of_key(least)), fabs(furrow_f8_of_key(most))));
    } else if (plan->elem == FURROW_ELEM_u8) {
        put_unsigned(out, furrow_u8_of_key(most));
    } else {
        const uint64_t low = least < 0 ? 0 - (uint64_t)least : (uint64_t)least;
        const uint64_t high = most < 0 ? 0 - (uint64_t)most : (uint64_t)most;
        put_unsigned(out, low > high ? low : high);
    }
}

static furrow_status_t put_extreme(const furrow_plan_t *plan, const furrow_tally_t *t, furrow_op_t op,
                                   furrow_value_t *out, furrow_error_t *err)
{
    const bool is_index = op == FURROW_OP_ARGMIN || op == FURROW_OP_ARGMAX;

    if (t->first_nan != INT64_MAX) {
        if (is_index)
            put_int(out, t->first_nan);
        else
            put_float(out, NAN);
        return FURROW_OK;
    }
    if (op == FURROW_OP_NORMINF) {
        put_norminf(plan, t, out);
        return FURROW_OK;
    }
    if (t->argmin == INT64_MAX)
        return furrow_fail(err, FURROW_EEMPTY, "%s of no elements%s", furrow_op_name(op),
                           t->nan > 0 ? " (all are NaN)" : "");
    if (op == FURROW_OP_ARGMIN)
        put_int(out, t->argmin);
    else if (op == FURROW_OP_ARGMAX)
        put_int(out, t->argmax);
    else
        put_key(plan, op == FURROW_OP_MIN ? t->least : ~t->most_inverted, out);
    return FURROW_OK;
}

static void put_mean(const furrow_plan_t *plan, furrow_tally_t *t, furrow_value_t *out)
{
    put_float(out, furrow_round_mean(&t->exact[plan->sum_at], t->count));
    if (!plan->is_complex) return;
    out->kind = FURROW_VALUE_COMPLEX;
    out->im = furrow_round_mean(&t->exact[plan->imaginary_at], t->count);
}

furrow_status_t furrow_tally_value(const furrow_plan_t *plan, furrow_tally_t *t, furrow_op_t op, furrow_value_t *out,
                                   furrow_error_t *err)
{
    furrow_exact_t *sum = plan->sum_at < 0 ? NULL : &t->exact[plan->sum_at];
    furrow_exact_t *squares = plan->squares_at < 0 ? NULL : &t->exact[plan->squares_at];

    *out = (furrow_value_t){0};
    if (op >= FURROW_OP_TOTAL || (plan->ops & UINT32_C(1) << op) == 0)
        return furrow_fail(err, FURROW_EARG, "operation %d was not computed", (int)op);
    switch (op) {
    case FURROW_OP_COUNT: put_int(out, t->count); break;
    case FURROW_OP_NONZERO: put_int(out, t->nonzero); break;
    case FURROW_OP_NAN: put_int(out, t->nan); break;
    case FURROW_OP_SUM:
        put_sum(plan, sum, t->count, out);
        if (plan->is_complex) {
            out->kind = FURROW_VALUE_COMPLEX;
            out->im = furrow_round_sum(&t->exact[plan->imaginary_at], t->count);
        }
        break;
    case FURROW_OP_SUMSQ: put_sum(plan, squares, t->count, out); break;
    case FURROW_OP_NORM1: put_sum(plan, &t->exact[plan->abs_at], t->count, out); break;
    case FURROW_OP_NORM2: put_float(out, furrow_round_sqrt(squares)); break;
    case FURROW_OP_MEAN: put_mean(plan, t, out); break;
    case FURROW_OP_VAR:
    case FURROW_OP_STD:
        put_float(out, furrow_round_variance(sum, squares, t->count, plan->ddof, op == FURROW_OP_STD));
        break;
    case FURROW_OP_MIN:
    case FURROW_OP_MAX:
    case FURROW_OP_ARGMIN:
    case FURROW_OP_ARGMAX:
    case FURROW_OP_NORMINF: return put_extreme(plan, t, op, out, err);
    case FURROW_OP_HIST:
    case FURROW_OP_TOTAL: return furrow_fail(err, FURROW_EARG, "a histogram is not a single value");
    }
    return FURROW_OK;
}
