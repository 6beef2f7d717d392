/** \file mem.h
 * Allocation: sizes are checked before they are multiplied, memory is aligned for vectors. Base layer.
 */
#ifndef FURROW_MEM_H
#define FURROW_MEM_H

#include <stdint.h>

#include "status.h"

/** `count` elements of `size` bytes, zeroed, aligned to 64 bytes; to be freed with free(). Never NULL on success, also
 * for count 0. Local. \return FURROW_OK or FURROW_ENOMEM with the size in the text */
FURROW_MUST_CHECK furrow_status_t furrow_alloc(int64_t count, int64_t size, void **out, furrow_error_t *err);

/** The same for buffers that will be overwritten: not zeroed. */
FURROW_MUST_CHECK furrow_status_t furrow_alloc_buffer(int64_t count, int64_t size, void **out, furrow_error_t *err);

/** a * b in `out`. False if it leaves int64_t or a factor is negative. Local. */
bool furrow_multiply(int64_t a, int64_t b, int64_t *out);

/** Bytes up to the end of the last line of cache (64 bytes) that they reach. Local. */
static inline int64_t furrow_whole_lines(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/** The smaller of two counts. Local. */
static inline int64_t furrow_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
