/** \file vector.h
 * The vectors that the kernels of one variant are written with: as wide as that variant's registers. One source,
 * compiled once per variant (see CMakeLists.txt), gives AVX-512, AVX2 and portable code. Private to kernels/.
 */
#ifndef FURROW_KERNELS_VECTOR_H
#define FURROW_KERNELS_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(FURROW_ONE_LANE) /* reference.c: the same source, one element at a time */
#define VECTOR_BYTES 8
#elif defined(__AVX512F__) && !defined(FURROW_NO_WIDE_VECTORS)
#include <immintrin.h>
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#include <immintrin.h>
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define LANES ((size_t)(VECTOR_BYTES / 8))

typedef double vec_f8_t __attribute__((vector_size(VECTOR_BYTES)));
typedef float vec_f4_t __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef uint64_t vec_u8_t __attribute__((vector_size(VECTOR_BYTES)));

#define SIGN_BIT (UINT64_C(1) << 63)

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

/* The hardware follows one stream well but starts anew at every 4 KiB page; two pages ahead hides that. May point
 * beyond the array. */
static inline void prefetch(const void *x)
{
    __builtin_prefetch((const char *)x + 8192);
}

static inline vec_f8_t load_f8(const double *x)
{
    vec_f8_t v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* float to double is exact. (Compilers turn __builtin_convertvector() into several instructions where one is
 * enough.) */
static inline vec_f8_t load_f4(const float *x)
{
#if VECTOR_BYTES == 64
    return _mm512_cvtps_pd(_mm256_loadu_ps(x));
#elif VECTOR_BYTES == 32
    return _mm256_cvtps_pd(_mm_loadu_ps(x));
#else
    vec_f4_t v;
    memcpy(&v, x, sizeof v);
    return __builtin_convertvector(v, vec_f8_t);
#endif
}

static inline vec_f8_t fill_f8(double x)
{
    return x - (vec_f8_t){0};
}

static inline vec_f8_t abs_f8(vec_f8_t v)
{
    return (vec_f8_t)((vec_u8_t)v & ~SIGN_BIT);
}

/* acc + a * b. Only used where product and sum are exact, so fused or not is the same bits. */
static inline vec_f8_t multiply_add(vec_f8_t a, vec_f8_t b, vec_f8_t acc)
{
#if VECTOR_BYTES == 64
    return _mm512_fmadd_pd(a, b, acc);
#elif VECTOR_BYTES == 32
    return _mm256_fmadd_pd(a, b, acc);
#else
    return acc + a * b;
#endif
}

static inline uint64_t or_lanes(vec_u8_t v)
{
    uint64_t all = 0;
    for (size_t lane = 0; lane < LANES; lane++) all |= v[lane];
    return all;
}

static inline uint64_t bits_f8(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static inline double double_of_bits(uint64_t b)
{
    double x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* 2^e for -1022 <= e <= 1023. */
static inline double power_of_two(int e)
{
    return double_of_bits((uint64_t)(e + 1023) << 52);
}

/* 1.5 * 2^(52 + unit): adding it to a smaller x rounds x to a multiple of 2^unit, and leaves that multiple, as an
 * integer relative to the bits of the anchor, in the low mantissa bits of the sum. */
static inline double anchor(int unit)
{
    return 1.5 * power_of_two(52 + unit);
}

/* The smallest e with |x| < 2^e for all finite x behind `magnitude_bits`, the largest of their bits without sign. */
static inline int exponent_above(uint64_t magnitude_bits)
{
    return (int)(magnitude_bits >> 52) - 1022;
}

#endif
