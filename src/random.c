/* Owns the checks on a request for random elements; kernels/random makes them. */
#include "random.h"

#include "furrow.h"
#include "status.h"

static furrow_status_t check(furrow_dist_t dist, furrow_dtype_t dtype, int64_t first, int64_t count, const void *out,
                             furrow_error_t *err)
{
    int64_t stop;

    if (dist != FURROW_UNIFORM && dist != FURROW_NORMAL)
        return furrow_fail(err, FURROW_EARG, "random: %d is no distribution", (int)dist);
    if (dtype != FURROW_F4 && dtype != FURROW_F8)
        return furrow_fail(err, FURROW_EARG, "random: the dtype must be f4 or f8");
    if (first < 0 || count < 0 || __builtin_add_overflow(first, count, &stop))
        return furrow_fail(err, FURROW_EARG, "random: no elements from %lld, %lld of them", (long long)first,
                           (long long)count);
    if (out == NULL && count > 0) return furrow_fail(err, FURROW_EARG, "random: no place for the elements");
    return FURROW_OK;
}

furrow_status_t furrow_random(uint64_t seed, furrow_dist_t dist, furrow_dtype_t dtype, int64_t first, int64_t count,
                              void *out, furrow_error_t *err)
{
    const furrow_status_t status = check(dist, dtype, first, count, out, err);

    if (status != FURROW_OK) return status;
    if (dist == FURROW_UNIFORM && dtype == FURROW_F8) furrow_random_uniform_f8(seed, first, count, out);
    if (dist == FURROW_UNIFORM && dtype == FURROW_F4) furrow_random_uniform_f4(seed, first, count, out);
    if (dist == FURROW_NORMAL && dtype == FURROW_F8) furrow_random_normal_f8(seed, first, count, out);
    if (dist == FURROW_NORMAL && dtype == FURROW_F4) furrow_random_normal_f4(seed, first, count, out);
    return FURROW_OK;
}
