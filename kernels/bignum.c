/* Schoolbook arithmetic on 32-bit digits: these numbers are formed once per result, not per element. */
#include "bignum.h"

#include <assert.h>
#include <string.h>

#include "exact.h"

void furrow_big_trim(furrow_big_t *a)
{
    while (a->length > 0 && a->digit[a->length - 1] == 0) a->length--;
}

void furrow_big_subtract(furrow_big_t *a, const furrow_big_t *b)
{
    int64_t borrow = 0;

    for (int i = 0; i < a->length; i++) {
        const int64_t value = (int64_t)a->digit[i] - (i < b->length ? b->digit[i] : 0) + borrow;
        a->digit[i] = (uint32_t)value;
        borrow = value >> 32;
    }
    assert(borrow == 0);
    furrow_big_trim(a);
}

void furrow_big_multiply(furrow_big_t *out, const furrow_big_t *a, const furrow_big_t *b)
{
    assert(a->length + b->length <= FURROW_BIG_DIGITS);
    out->length = a->length + b->length;
    memset(out->digit, 0, (size_t)out->length * sizeof out->digit[0]);
    for (int i = 0; i < a->length; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < b->length; j++) {
            carry += (uint64_t)a->digit[i] * b->digit[j] + out->digit[i + j];
            out->digit[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        out->digit[i + b->length] = (uint32_t)carry;
    }
    furrow_big_trim(out);
}

void furrow_big_multiply_small(furrow_big_t *a, uint64_t factor)
{
    furrow_uint128_t carry = 0;

    assert(a->length + 2 <= FURROW_BIG_DIGITS);
    a->digit[a->length] = a->digit[a->length + 1] = 0;
    a->length += 2;
    for (int i = 0; i < a->length; i++) {
        carry += (furrow_uint128_t)factor * a->digit[i];
        a->digit[i] = (uint32_t)carry;
        carry >>= 32;
    }
    furrow_big_trim(a);
}

/* The usual case, without divisions of 128 bits. */
static uint32_t divide_by_digit(furrow_big_t *a, uint32_t divisor)
{
    uint64_t remainder = 0;

    for (int i = a->length - 1; i >= 0; i--) {
        remainder = remainder << 32 | a->digit[i];
        a->digit[i] = (uint32_t)(remainder / divisor);
        remainder %= divisor;
    }
    furrow_big_trim(a);
    return (uint32_t)remainder;
}

uint64_t furrow_big_divide_small(furrow_big_t *a, uint64_t divisor)
{
    furrow_uint128_t remainder = 0;

    if (divisor <= UINT32_MAX) return divide_by_digit(a, (uint32_t)divisor);
    for (int i = a->length - 1; i >= 0; i--) {
        remainder = remainder << 32 | a->digit[i];
        a->digit[i] = (uint32_t)(remainder / divisor);
        remainder %= divisor;
    }
    furrow_big_trim(a);
    return (uint64_t)remainder;
}

void furrow_big_shift_left(furrow_big_t *a, int bits)
{
    const int whole = bits / 32, part = bits % 32;

    if (a->length == 0) return;
    assert(a->length + whole + 1 <= FURROW_BIG_DIGITS);
    a->digit[a->length] = 0;
    for (int i = a->length; i >= 0; i--) {
        const uint64_t pair = (uint64_t)a->digit[i] << 32 | (i > 0 ? a->digit[i - 1] : 0);
        a->digit[i + whole] = (uint32_t)(pair >> (32 - part));
    }
    memset(a->digit, 0, (size_t)whole * sizeof a->digit[0]);
    a->length += whole + 1;
    furrow_big_trim(a);
}

bool furrow_big_shift_right(furrow_big_t *a, int bits)
{
    const int whole = bits / 32, part = bits % 32;
    bool lost = false;

    for (int i = 0; i < a->length && i < whole; i++) lost = lost || a->digit[i] != 0;
    if (whole >= a->length) {
        a->length = 0;
        return lost;
    }
    lost = lost || (a->digit[whole] & ((UINT32_C(1) << part) - 1)) != 0;
    for (int i = whole; i < a->length; i++) {
        const uint64_t pair = (i + 1 < a->length ? (uint64_t)a->digit[i + 1] << 32 : 0) | a->digit[i];
        a->digit[i - whole] = (uint32_t)(pair >> part);
    }
    a->length -= whole;
    furrow_big_trim(a);
    return lost;
}

int furrow_big_bits(const furrow_big_t *a)
{
    return a->length == 0 ? 0 : 32 * a->length - __builtin_clz(a->digit[a->length - 1]);
}

void furrow_big_decimal(furrow_big_t *a, char *out, size_t size)
{
    char reversed[FURROW_BIG_DIGITS * 10];
    size_t count = 0;

    do {
        uint64_t nine = furrow_big_divide_small(a, 1000000000);
        for (int i = 0; i < 9 && (i == 0 || nine != 0 || a->length != 0); i++, nine /= 10)
            reversed[count++] = (char)('0' + nine % 10);
    } while (a->length != 0);
    const size_t kept = count < size ? count : size - 1;
    for (size_t i = 0; i < kept; i++) out[i] = reversed[count - 1 - i];
    out[kept] = '\0';
}
