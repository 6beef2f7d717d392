/* Owns furrow_map(): a pool for one call. */
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "pool.h"

typedef struct {
    const furrow_call_t *call;
    furrow_where_t where;
    void *results;
    furrow_output_t *output;
    furrow_failures_t *failures;
} map_t;

static furrow_status_t run_map(furrow_pool_t *pool, void *arg, furrow_error_t *err)
{
    const map_t *map = arg;

    return furrow_pool_map(pool, map->call, map->results, map->failures, err);
}

/* Elements of a row of the output, which must hold one result each. */
static furrow_status_t check_output(const map_t *map, int64_t *items, furrow_error_t *err)
{
    if (map->output == NULL)
        return furrow_fail(err, FURROW_EARG, "results are to go into an output, but there is none");
    const furrow_npy_t *h = furrow_output_header(map->output);
    *items = 1;
    for (int i = 1; i < h->ndim; i++) *items *= h->shape[i];
    if (h->ndim > 0 && h->shape[0] == map->call->count &&
        *items * furrow_dtype_size(h->dtype) == map->call->result_bytes)
        return FURROW_OK;
    return furrow_fail(err, FURROW_EARG,
                       "%lld results of %lld bytes do not fit into an output of %lld rows of %lld elements of %s",
                       (long long)map->call->count, (long long)map->call->result_bytes,
                       (long long)(h->ndim > 0 ? h->shape[0] : 0), (long long)*items, furrow_dtype_name(h->dtype));
}

static furrow_status_t check(const furrow_context_t *ctx, const map_t *map, int64_t *items, furrow_error_t *err)
{
    const bool needed = map->where == FURROW_TO_ALL || furrow_context_rank(ctx) == 0;

    *items = 0;
    if (map->call == NULL) return furrow_fail(err, FURROW_EARG, "no call");
    if (map->where == FURROW_TO_OUTPUT) return check_output(map, items, err);
    if (map->where != FURROW_TO_ROOT && map->where != FURROW_TO_ALL)
        return furrow_fail(err, FURROW_EARG, "results can go to the root, to all, or into an output, not to %d",
                           (int)map->where);
    if (needed && map->results == NULL && map->call->result_bytes > 0 && map->call->count > 0)
        return furrow_fail(err, FURROW_EARG, "results of %lld bytes, but no place for them",
                           (long long)map->call->result_bytes);
    return FURROW_OK;
}

furrow_status_t furrow_map(furrow_context_t *ctx, const furrow_pool_opts_t *opts, const furrow_call_t *call,
                           furrow_where_t where, void *results, furrow_output_t *output, furrow_failures_t *failures,
                           furrow_error_t *err)
{
    map_t map = {call, where, where == FURROW_TO_OUTPUT ? NULL : results, output, failures};
    furrow_pool_opts_t alone = {.function_count = 1};
    int64_t items;

    furrow_error_clear(err);
    if (failures != NULL) *failures = (furrow_failures_t){0};
    const furrow_status_t status = furrow_agree(ctx, check(ctx, &map, &items, err), err);
    if (status != FURROW_OK) return status;
    alone.functions = &call->function;
    const furrow_status_t done = furrow_pool_run_into(
        ctx, opts != NULL ? opts : &alone, where == FURROW_TO_OUTPUT ? output : NULL, items, run_map, &map, err);
    if (where == FURROW_TO_ALL && (done == FURROW_OK || done == FURROW_EITEM))
        furrow_broadcast(ctx, results, call->count * call->result_bytes, 0);
    return done;
}
