/* Sorting and the largest elements, on unsigned keys of the width of the element that sort as the elements do. */
#include <assert.h>
#include <string.h>

#include "rows.h"
#include "rows_exact.h"

enum {
    INSERTION = 32, /* up to so many keys the simplest sort is the fastest */
    FEW = 16        /* the largest of so many times more elements are selected, not sorted out */
};

/* How keys are made. Flipping the sign bit (of floats: all bits of negative ones) makes them sort as the elements, with
 * negative NaN at the lower end and positive NaN at the upper. Backwards they sort after all their bits are flipped.
 * NaN then still stand at both ends, `nan_keys` of them at the lower; subtracting that number, modulo the width, moves
 * these to the upper end. */
typedef struct {
    bool is_float, is_signed, descending;
    uint64_t nan_keys;
} order_t;

#define KEY uint8_t
#define NAME 1
#include "rows_sort.inc"
#define KEY uint16_t
#define NAME 2
#include "rows_sort.inc"
#define KEY uint32_t
#define NAME 4
#include "rows_sort.inc"
#define KEY uint64_t
#define NAME 8
#include "rows_sort.inc"

static order_t order_of(furrow_elem_t elem, bool descending)
{
    const bool is_unsigned = elem >= FURROW_ELEM_u1 && elem <= FURROW_ELEM_u8;

    return (order_t){.is_float = elem == FURROW_ELEM_f4 || elem == FURROW_ELEM_f8,
                     .is_signed = !is_unsigned,
                     .descending = descending,
                     .nan_keys = elem == FURROW_ELEM_f4 ? 0x007fffff : UINT64_C(0x000fffffffffffff)};
}

void furrow_row_sort(furrow_elem_t elem, const void *x, size_t n, void *out, void *scratch)
{
    const order_t order = order_of(elem, false);

    switch (furrow_elem_size(elem)) {
    case 1: sort_1(order, x, n, out, scratch); return;
    case 2: sort_2(order, x, n, out, scratch); return;
    case 4: sort_4(order, x, n, out, scratch); return;
    default: sort_8(order, x, n, out, scratch);
    }
}

void furrow_row_topk(furrow_elem_t elem, const void *x, size_t n, size_t k, void *out, void *scratch)
{
    const order_t order = order_of(elem, true);

    assert(k <= n);
    switch (furrow_elem_size(elem)) {
    case 1: topk_1(order, x, n, k, out, scratch); return;
    case 2: topk_2(order, x, n, k, out, scratch); return;
    case 4: topk_4(order, x, n, k, out, scratch); return;
    default: topk_8(order, x, n, k, out, scratch);
    }
}
