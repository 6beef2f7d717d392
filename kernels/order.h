/** \file order.h
 * The order of an epoch, without state: a keyed permutation of 0 .. count - 1, computed element by element. Any rank
 * can ask for any place, and to go on somewhere is arithmetic.
 *
 * The swap-or-not shuffle of Hoang, Morris and Rogaway ("An enciphering scheme based on a card shuffle", CRYPTO 2012),
 * for any count, with Philox4x64-10 (see random.h) under the key {seed, epoch} as its round function. Round r pairs x
 * with (offset[r] - x) mod count and swaps the two where a random bit of the pair says so. Integers only: the same on
 * every machine. Everything here is local, serial, allocates nothing and cannot fail.
 */
#ifndef FURROW_KERNELS_ORDER_H
#define FURROW_KERNELS_ORDER_H

#include <stdint.h>

enum { FURROW_ORDER_ROUNDS = 96 };

/** Plain data. */
typedef struct furrow_order {
    uint64_t key[2];
    uint64_t count;
    uint64_t offset[FURROW_ORDER_ROUNDS]; /* below count */
} furrow_order_t;

/** The order of `count` >= 0 elements in epoch `epoch` of `seed`. */
void furrow_order_make(uint64_t seed, uint64_t epoch, int64_t count, furrow_order_t *out);

/** Which element stands at `place`, 0 <= place < count. About a microsecond. */
int64_t furrow_order_element(const furrow_order_t *order, int64_t place);

/** The inverse: where `element` stands. */
int64_t furrow_order_place(const furrow_order_t *order, int64_t element);

#endif
