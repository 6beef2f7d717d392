/* What the tests of kernels share: bits of doubles, random words, sums made from a list. */
#ifndef FURROW_TESTS_SUPPORT_H
#define FURROW_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exact.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static inline uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The same bits, or both NaN. */
#define assert_same_double(a, b) assert_same_double_at(a, b, __FILE__, __LINE__)
static inline void assert_same_double_at(double a, double b, const char *file, int line)
{
    if (bits_of(a) == bits_of(b) || (a != a && b != b)) return;
    print_error("%a (%.17g) is not %a (%.17g)\n", a, a, b, b);
    _fail(file, line);
}

/* splitmix64: the next of a sequence that depends on *state alone. */
static inline uint64_t random_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline int random_between(uint64_t *state, int least, int largest)
{
    return least + (int)(random_word(state) % (uint64_t)(largest - least + 1));
}

/* In [0, 1), a multiple of 2^-53. */
static inline double random_unit(uint64_t *state)
{
    return (double)(random_word(state) >> 11) * 0x1p-53;
}

static inline furrow_exact_t sum_of(const double *x, size_t n)
{
    furrow_exact_t acc;
    furrow_exact_clear(&acc);
    for (size_t i = 0; i < n; i++) furrow_exact_add(&acc, x[i]);
    return acc;
}

static inline furrow_exact_t dot_of(const double *x, const double *y, size_t n)
{
    furrow_exact_t acc;
    furrow_exact_clear(&acc);
    for (size_t i = 0; i < n; i++) furrow_exact_add_product(&acc, x[i], y[i]);
    return acc;
}

/* The same number, and the same of everything that decides how it rounds. */
static inline bool same_sum(furrow_exact_t a, furrow_exact_t b)
{
    furrow_exact_normalize(&a);
    furrow_exact_normalize(&b);
    return memcmp(a.digit, b.digit, sizeof a.digit) == 0 && a.nan == b.nan && a.plus_inf == b.plus_inf &&
           a.minus_inf == b.minus_inf && (a.not_neg_zero > 0) == (b.not_neg_zero > 0);
}

#endif
