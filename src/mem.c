/* Owns allocation. */
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"

enum { ALIGNMENT = 64 };

bool furrow_multiply(int64_t a, int64_t b, int64_t *out)
{
    return a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, out);
}

furrow_status_t furrow_alloc_buffer(int64_t count, int64_t size, void **out, furrow_error_t *err)
{
    int64_t bytes;

    *out = NULL;
    if (!furrow_multiply(count, size, &bytes) || bytes > INT64_MAX - ALIGNMENT)
        return furrow_fail(err, FURROW_ENOMEM, "out of memory: %lld elements of %lld bytes", (long long)count,
                           (long long)size);
    if (!furrow_fault_hits(FURROW_FAULT_ALLOC))
        *out = aligned_alloc(ALIGNMENT, ((size_t)bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT);
    if (*out == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory: %lld bytes", (long long)bytes);
    return FURROW_OK;
}

furrow_status_t furrow_alloc(int64_t count, int64_t size, void **out, furrow_error_t *err)
{
    const furrow_status_t status = furrow_alloc_buffer(count, size, out, err);

    if (status == FURROW_OK) memset(*out, 0, (size_t)(count * size));
    return status;
}
