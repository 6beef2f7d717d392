/* A kernel for `furrow rows --kernel`: the mean of every row without its extremes, and how many numbers it is made of.
 *
 *     cc -O2 -fPIC -shared robust.c -o robust.so
 *     furrow rows --kernel robust.so:trimmed_mean data.npy --param trim=0.1 -o means.npy
 *
 * Of the n numbers in a row floor(n * trim) are left out at either end (Tukey); a NaN is no number. A row without a
 * number is rejected. Rows are f4 or f8; the output is f8 of shape (rows, 2). */
#include <furrow_kernel.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

FURROW_KERNEL_LIBRARY;

FURROW_KERNEL_EXPORT furrow_kernel_setup_fn trimmed_mean_setup;
FURROW_KERNEL_EXPORT furrow_kernel_row_fn trimmed_mean;
FURROW_KERNEL_EXPORT furrow_kernel_teardown_fn trimmed_mean_teardown;

/* Shared by all threads: the fraction to leave out at either end. */
static int read_trim(const furrow_kernel_rows_t *rows, double *trim, char *error)
{
    const char *text = furrow_kernel_param(rows, "trim");
    char *end = NULL;

    *trim = text == NULL ? 0.1 : strtod(text, &end);
    if (text != NULL && (end == text || *end != '\0' || !(*trim >= 0 && *trim < 0.5)))
        return snprintf(error, FURROW_KERNEL_TEXT, "trim: '%.60s' is no fraction from 0 to below 0.5", text);
    for (int i = 0; i < rows->param_count; i++)
        if (strcmp(rows->params[i].name, "trim") != 0)
            return snprintf(error, FURROW_KERNEL_TEXT, "no parameter '%.60s', there is trim", rows->params[i].name);
    return 0;
}

int trimmed_mean_setup(const furrow_kernel_rows_t *rows, furrow_kernel_result_t *result, char *error)
{
    double trim;

    if (rows->dtype != FURROW_KERNEL_F4 && rows->dtype != FURROW_KERNEL_F8)
        return snprintf(error, FURROW_KERNEL_TEXT, "rows must be f4 or f8");
    if (read_trim(rows, &trim, error) != 0) return 1;
    double *state = (double *)malloc(sizeof *state);
    if (state == NULL) return snprintf(error, FURROW_KERNEL_TEXT, "out of memory");
    *state = trim;
    result->state = state;
    result->dtype = FURROW_KERNEL_F8;
    result->ndim = 1;
    result->shape[0] = 2;
    result->scratch_bytes = rows->items * (int64_t)sizeof(double);
    return 0;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The numbers of a row; how many there are. */
static int64_t take_numbers(const furrow_kernel_row_t *row, double *out)
{
    int64_t n = 0;

    for (int64_t i = 0; i < row->rows->items; i++) {
        const double x = row->rows->dtype == FURROW_KERNEL_F4 ? (double)((const float *)row->data)[i]
                                                              : ((const double *)row->data)[i];
        if (!isnan(x)) out[n++] = x;
    }
    return n;
}

int trimmed_mean(const furrow_kernel_row_t *row, void *out, char *error)
{
    double *x = (double *)row->scratch, *result = (double *)out, sum = 0;
    const int64_t n = take_numbers(row, x), cut = (int64_t)((double)n * *(const double *)row->state);

    if (n == 0)
        return snprintf(error, FURROW_KERNEL_TEXT, "none of %lld elements is a number", (long long)row->rows->items);
    qsort(x, (size_t)n, sizeof *x, ascending);
    for (int64_t i = cut; i < n - cut; i++) sum += x[i];
    result[0] = sum / (double)(n - 2 * cut);
    result[1] = (double)(n - 2 * cut);
    return 0;
}

void trimmed_mean_teardown(void *state)
{
    free(state);
}
