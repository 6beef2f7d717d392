/* Owns arrays that one rank holds: scatter and gather. */
#include "array.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "transfer.h"

void furrow_array_free(furrow_array_t *array)
{
    if (array == NULL) return;
    free(array->data);
    memset(array, 0, sizeof *array);
}

/* Bytes of one row. */
static furrow_status_t row_bytes(const furrow_array_t *array, int64_t *bytes, furrow_error_t *err)
{
    *bytes = furrow_dtype_size(array->dtype);
    for (int i = 1; i < array->ndim; i++)
        if (!furrow_multiply(*bytes, array->shape[i], bytes))
            return furrow_fail(err, FURROW_EARG, "axis %d of length %lld: the size of a row is out of range", i,
                               (long long)array->shape[i]);
    return FURROW_OK;
}

static furrow_status_t check_array(const furrow_array_t *array, furrow_error_t *err)
{
    int64_t row, all;

    if (array == NULL) return furrow_fail(err, FURROW_EARG, "no array given");
    if (array->ndim < 1 || array->ndim > FURROW_MAX_NDIM)
        return furrow_fail(err, FURROW_EARG, "an array of %d dimensions cannot be cut along axis 0", array->ndim);
    const furrow_status_t status = row_bytes(array, &row, err);
    if (status != FURROW_OK) return status;
    if (!furrow_multiply(row, array->shape[0], &all))
        return furrow_fail(err, FURROW_EARG, "%lld rows of %lld bytes: the size is out of range",
                           (long long)array->shape[0], (long long)row);
    if (array->data == NULL && all > 0) return furrow_fail(err, FURROW_EARG, "an array without data");
    return FURROW_OK;
}

static furrow_status_t check_root(const furrow_context_t *ctx, int root, furrow_error_t *err)
{
    if (root >= 0 && root < furrow_context_ranks(ctx)) return FURROW_OK;
    return furrow_fail(err, FURROW_EARG, "root %d is none of the %d ranks", root, furrow_context_ranks(ctx));
}

/* rows[r]: what falls to rank r. */
static furrow_status_t plan_rows(const furrow_context_t *ctx, const furrow_array_t *whole, const int64_t *counts,
                                 int64_t *rows, furrow_error_t *err)
{
    const int ranks = furrow_context_ranks(ctx);
    int64_t sum = 0;

    for (int r = 0; r < ranks; r++) {
        const furrow_range_t part = furrow_split(whole->shape[0], ranks, r);
        rows[r] = counts == NULL ? part.stop - part.start : counts[r];
        if (rows[r] < 0 || __builtin_add_overflow(sum, rows[r], &sum))
            return furrow_fail(err, FURROW_EARG, "%lld rows for rank %d", (long long)rows[r], r);
    }
    if (sum != whole->shape[0])
        return furrow_fail(err, FURROW_EARG, "the counts add to %lld rows, the array has %lld", (long long)sum,
                           (long long)whole->shape[0]);
    return FURROW_OK;
}

static void scatter_data(furrow_context_t *ctx, int root, const furrow_array_t *whole, const int64_t *rows, int64_t row,
                         void *part)
{
    const int rank = furrow_context_rank(ctx);
    int64_t first = 0;

    if (rank != root) {
        furrow_receive(ctx, part, rows[rank] * row, root);
        return;
    }
    for (int r = 0; r < furrow_context_ranks(ctx); r++) {
        const char *from = (const char *)whole->data + first * row;
        if (r != root)
            furrow_send(ctx, from, rows[r] * row, r);
        else if (rows[r] * row > 0)
            memcpy(part, from, (size_t)(rows[r] * row));
        first += rows[r];
    }
}

furrow_status_t furrow_scatter(furrow_context_t *ctx, int root, const furrow_array_t *whole, const int64_t *counts,
                               furrow_array_t *part, furrow_error_t *err)
{
    const bool is_root = furrow_context_rank(ctx) == root;
    furrow_array_t mine = {0};
    void *rows = NULL;
    int64_t row = 0;

    furrow_error_clear(err);
    furrow_status_t status = check_root(ctx, root, err);
    if (status == FURROW_OK && part == NULL) status = furrow_fail(err, FURROW_EARG, "no place for the part");
    if (status == FURROW_OK) status = furrow_alloc(furrow_context_ranks(ctx), sizeof(int64_t), &rows, err);
    if (status == FURROW_OK && is_root) status = check_array(whole, err);
    if (status == FURROW_OK && is_root) status = plan_rows(ctx, whole, counts, rows, err);
    status = furrow_agree(ctx, status, err);
    if (status != FURROW_OK) goto done;

    if (is_root) mine = *whole;
    mine.data = NULL;
    furrow_broadcast(ctx, &mine, sizeof mine, root);
    furrow_broadcast(ctx, rows, furrow_context_ranks(ctx) * (int64_t)sizeof(int64_t), root);
    mine.shape[0] = ((int64_t *)rows)[furrow_context_rank(ctx)];
    status = row_bytes(&mine, &row, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(mine.shape[0], row, &mine.data, err);
    status = furrow_agree(ctx, status, err);
    if (status != FURROW_OK) goto done;
    scatter_data(ctx, root, whole, rows, row, mine.data);
    *part = mine;
    mine.data = NULL;
done:
    free(rows);
    free(mine.data);
    return status;
}

furrow_status_t furrow_array_check_like(furrow_context_t *ctx, int root, const furrow_array_t *part,
                                        furrow_error_t *err)
{
    furrow_array_t model = *part;

    furrow_broadcast(ctx, &model, sizeof model, root);
    bool same = model.dtype == part->dtype && model.ndim == part->ndim;
    for (int i = 1; same && i < part->ndim; i++) same = model.shape[i] == part->shape[i];
    if (same) return FURROW_OK;
    return furrow_fail(err, FURROW_EMISMATCH, "the part of rank %d differs in dtype or shape from that of rank %d",
                       furrow_context_rank(ctx), root);
}

static void gather_data(furrow_context_t *ctx, int root, const furrow_array_t *part, const int64_t *rows, int64_t row,
                        char *whole)
{
    if (furrow_context_rank(ctx) != root) {
        furrow_send(ctx, part->data, part->shape[0] * row, root);
        return;
    }
    for (int r = 0; r < furrow_context_ranks(ctx); r++) {
        if (r != root)
            furrow_receive(ctx, whole, rows[r] * row, r);
        else if (rows[r] * row > 0)
            memcpy(whole, part->data, (size_t)(rows[r] * row));
        whole += rows[r] * row;
    }
}

/* The array that `root` will hold: rows of all, allocated. */
static furrow_status_t alloc_whole(const furrow_context_t *ctx, const furrow_array_t *part, const int64_t *rows,
                                   int64_t row, furrow_array_t *all, furrow_error_t *err)
{
    *all = *part;
    all->data = NULL;
    all->shape[0] = 0;
    for (int r = 0; r < furrow_context_ranks(ctx); r++)
        if (__builtin_add_overflow(all->shape[0], rows[r], &all->shape[0]))
            return furrow_fail(err, FURROW_EARG, "the parts have more than 2^63 rows");
    return furrow_alloc_buffer(all->shape[0], row, &all->data, err);
}

furrow_status_t furrow_gather(furrow_context_t *ctx, int root, const furrow_array_t *part, furrow_array_t *whole,
                              furrow_error_t *err)
{
    const bool is_root = furrow_context_rank(ctx) == root;
    furrow_array_t all = {0};
    void *rows = NULL;
    int64_t row = 0;

    furrow_error_clear(err);
    furrow_status_t status = check_root(ctx, root, err);
    if (status == FURROW_OK && is_root && whole == NULL)
        status = furrow_fail(err, FURROW_EARG, "no place for the array");
    if (status == FURROW_OK) status = check_array(part, err);
    if (status == FURROW_OK) status = furrow_alloc(furrow_context_ranks(ctx), sizeof(int64_t), &rows, err);
    status = furrow_agree(ctx, status, err);
    if (status != FURROW_OK) goto done;

    status = furrow_array_check_like(ctx, root, part, err);
    furrow_gather_int64(ctx, part->shape[0], rows);
    if (status == FURROW_OK) status = row_bytes(part, &row, err);
    if (status == FURROW_OK && is_root) status = alloc_whole(ctx, part, rows, row, &all, err);
    status = furrow_agree(ctx, status, err);
    if (status != FURROW_OK) goto done;
    gather_data(ctx, root, part, rows, row, all.data);
    if (is_root) *whole = all;
    all.data = NULL;
done:
    free(rows);
    free(all.data);
    return status;
}
