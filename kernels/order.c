/* The swap-or-not shuffle: see order.h. A round is its own inverse, so the inverse is the rounds from last to first. */
#include "order.h"

#include "exact.h"
#include "random.h"

/* Word 3 of the counter keeps these numbers apart from those of furrow_random_*(), where it is 0. */
enum { OFFSETS = 1, BITS = 2 };

/* A 64-bit word taken to 0 .. count - 1: the top of word * count. The bias is below count / 2^64. */
static uint64_t below(uint64_t count, uint64_t word)
{
    return (uint64_t)((furrow_uint128_t)word * count >> 64);
}

void furrow_order_make(uint64_t seed, uint64_t epoch, int64_t count, furrow_order_t *out)
{
    out->key[0] = seed;
    out->key[1] = epoch;
    out->count = (uint64_t)count;
    for (int r = 0; r < FURROW_ORDER_ROUNDS; r++) {
        const uint64_t counter[4] = {(uint64_t)r, 0, 0, OFFSETS};
        uint64_t word[4];
        furrow_philox4x64(counter, out->key, word);
        out->offset[r] = below(out->count, word[0]);
    }
}

static inline uint64_t swap_or_not(const furrow_order_t *order, int r, uint64_t x)
{
    const uint64_t offset = order->offset[r];
    const uint64_t partner = offset >= x ? offset - x : offset + (order->count - x);
    const uint64_t counter[4] = {x > partner ? x : partner, (uint64_t)r, 0, BITS};
    uint64_t word[4];

    furrow_philox4x64(counter, order->key, word);
    return (word[0] & 1) != 0 ? partner : x;
}

int64_t furrow_order_element(const furrow_order_t *order, int64_t place)
{
    uint64_t x = (uint64_t)place;

    for (int r = 0; r < FURROW_ORDER_ROUNDS; r++) x = swap_or_not(order, r, x);
    return (int64_t)x;
}

int64_t furrow_order_place(const furrow_order_t *order, int64_t element)
{
    uint64_t x = (uint64_t)element;

    for (int r = FURROW_ORDER_ROUNDS - 1; r >= 0; r--) x = swap_or_not(order, r, x);
    return (int64_t)x;
}
