/** \file key.h
 * Keys: every element as an int64_t that sorts as the element does, so that minima of all dtypes are one kind of thing,
 * merge across ranks by an integer minimum, and have a defined order of zeros (-0.0 below +0.0).
 */
#ifndef FURROW_KERNELS_KEY_H
#define FURROW_KERNELS_KEY_H

#include <stdint.h>
#include <string.h>

/** Flip all but the sign of negative numbers: the bits of a float then sort as signed integers. An involution. */
static inline int64_t furrow_key_flip(int64_t bits)
{
    return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

static inline int64_t furrow_key_of_f8(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return furrow_key_flip(bits);
}

static inline double furrow_f8_of_key(int64_t key)
{
    const int64_t bits = furrow_key_flip(key);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/** u8 and its key; smaller integers are their own keys. */
static inline int64_t furrow_key_of_u8(uint64_t x)
{
    return (int64_t)(x ^ UINT64_C(1) << 63);
}

static inline uint64_t furrow_u8_of_key(int64_t key)
{
    return (uint64_t)key ^ UINT64_C(1) << 63;
}

#endif
