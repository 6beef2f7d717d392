/* Owns the dot product: two sequences of elements, block by block, into one accumulator per thread. */
#include <stdlib.h>

#include "array.h"
#include "deal.h"
#include "exec.h"
#include "mem.h"
#include "progress.h"
#include "tally.h"
#include "transfer.h"

typedef struct {
    furrow_context_t *ctx;
    furrow_plan_t plan; /* of the sum that a dot product is */
    furrow_dataset_t *a, *b;
    int64_t size, items;
    int64_t piece;            /* elements of each array that rank 0 sends at a time */
    furrow_tallies_t workers; /* one per thread; the first ends as the result */
    char *scratch;            /* per thread: a block of each, and what converting them takes */
} job_t;

enum { THREAD_BYTES = 2 * FURROW_BLOCK_BYTES + FURROW_SCRATCH_BYTES };

/* A run of elements, in memory or (NULL) in files. */
typedef struct {
    job_t *job;
    int64_t first, count;
    const char *a, *b;
} span_t;

static int64_t block_items(const job_t *job)
{
    return FURROW_BLOCK_BYTES / job->size;
}

static furrow_status_t feed_block(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    const span_t *span = arg;
    job_t *job = span->job;
    const int64_t start = block * block_items(job), left = span->count - start;
    const int64_t n = left < block_items(job) ? left : block_items(job);
    char *scratch = job->scratch + (int64_t)thread * THREAD_BYTES, *x = scratch + FURROW_SCRATCH_BYTES;
    char *y = x + FURROW_BLOCK_BYTES;
    furrow_status_t status = FURROW_OK;

    if (span->a == NULL) {
        status = furrow_dataset_read_items(job->a, span->first + start, n, x, err);
        if (status == FURROW_OK) status = furrow_dataset_read_items(job->b, span->first + start, n, y, err);
        if (status != FURROW_OK) return status;
        furrow_tally_feed_dot(&job->plan, &job->workers.tally[thread], x, y, n, scratch);
    } else {
        furrow_tally_feed_dot(&job->plan, &job->workers.tally[thread], span->a + start * job->size,
                              span->b + start * job->size, n, scratch);
    }
    furrow_progress_add(job->ctx, 2 * n * job->size, thread);
    return FURROW_OK;
}

static furrow_status_t feed_span(span_t span, furrow_error_t *err)
{
    const int64_t blocks = (span.count + block_items(span.job) - 1) / block_items(span.job);
    return furrow_exec(span.job->ctx, blocks, feed_block, &span, err);
}

/* A dealt piece holds `count` elements of a, then `count` of b. */
static furrow_status_t read_piece(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err)
{
    job_t *job = arg;
    const furrow_status_t status = furrow_dataset_read_items(job->a, first, count, buffer, err);

    if (status != FURROW_OK) return status;
    return furrow_dataset_read_items(job->b, first, count, (char *)buffer + count * job->size, err);
}

static furrow_status_t work_piece(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err)
{
    job_t *job = arg;
    return feed_span((span_t){job, first, count, buffer, (char *)buffer + count * job->size}, err);
}

static furrow_status_t prepare(job_t *job, furrow_dtype_t dtype, furrow_error_t *err)
{
    const int64_t threads = furrow_context_threads(job->ctx), have = furrow_context_memory(job->ctx);
    const int64_t needed = threads * (THREAD_BYTES + (int64_t)sizeof(furrow_exact_t)) + FURROW_BLOCK_BYTES;
    const furrow_reduce_opts_t sum = {.ops = UINT32_C(1) << FURROW_OP_SUM};
    void *scratch = NULL;

    job->size = furrow_dtype_size(dtype);
    if (furrow_dtype_kind(dtype) == 'c')
        return furrow_fail(err, FURROW_EUNSUPPORTED, "dot is not defined for complex dtype %s",
                           furrow_dtype_name(dtype));
    job->piece = (have - needed + FURROW_BLOCK_BYTES) / (2 * job->size);
    if (job->piece > 4 * threads * block_items(job)) job->piece = 4 * threads * block_items(job);
    if (have < needed)
        return furrow_fail(err, FURROW_EBUDGET,
                           "%lld bytes of memory are too few for %lld threads: at least %lld (%lldM) are needed",
                           (long long)have, (long long)threads, (long long)needed, (long long)(needed >> 20) + 1);
    furrow_status_t status = furrow_plan_make(dtype, &sum, NULL, &job->plan, err);
    if (status == FURROW_OK) status = furrow_tallies_alloc(&job->plan, threads, &job->workers, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(threads, THREAD_BYTES, &scratch, err);
    job->scratch = scratch;
    return status;
}

static furrow_status_t finish(job_t *job, furrow_status_t status, furrow_value_t *out, furrow_error_t *err)
{
    furrow_tallies_t result = {.count = 1, .tally = job->workers.tally, .exact = job->workers.exact};

    status = furrow_agree(job->ctx, status, err);
    if (status == FURROW_OK) {
        for (int64_t w = 1; w < job->workers.count; w++)
            furrow_tally_merge(&job->plan, &job->workers.tally[0], &job->workers.tally[w]);
        status = furrow_tallies_share(job->ctx, &job->plan, &result, err);
    }
    if (status == FURROW_OK) status = furrow_tally_value(&job->plan, result.tally, FURROW_OP_SUM, out, err);
    furrow_tallies_free(&job->workers);
    free(job->scratch);
    return status;
}

static furrow_status_t check_pair(const furrow_dataset_t *a, const furrow_dataset_t *b, furrow_error_t *err)
{
    const furrow_npy_t *x = furrow_dataset_header(a), *y = furrow_dataset_header(b);
    bool same = x->ndim == y->ndim;

    if (x->dtype != y->dtype)
        return furrow_fail(err, FURROW_EMISMATCH, "dot of dtypes %s and %s: they must be the same",
                           furrow_dtype_name(x->dtype), furrow_dtype_name(y->dtype));
    for (int i = 0; same && i < x->ndim; i++) same = x->shape[i] == y->shape[i];
    if (!same)
        return furrow_fail(err, FURROW_EMISMATCH, "dot of arrays of different shape (%lld and %lld elements)",
                           (long long)x->items, (long long)y->items);
    if (!furrow_dataset_same_order(a, b))
        return furrow_fail(err, FURROW_EMISMATCH, "dot of arrays whose elements are stored in different orders");
    return FURROW_OK;
}

furrow_status_t furrow_dot(furrow_dataset_t *a, furrow_dataset_t *b, furrow_value_t *out, furrow_error_t *err)
{
    job_t job = {.ctx = furrow_dataset_context(a), .a = a, .b = b, .items = furrow_dataset_header(a)->items};

    furrow_error_clear(err);
    furrow_status_t status = check_pair(a, b, err);
    if (status == FURROW_OK) status = prepare(&job, furrow_dataset_header(a)->dtype, err);
    status = furrow_agree(job.ctx, status, err);
    furrow_progress_begin(job.ctx, 2 * job.items * job.size / furrow_context_ranks(job.ctx));
    if (status == FURROW_OK && (furrow_dataset_on_root(a) || furrow_dataset_on_root(b))) {
        const furrow_deal_t deal = {job.items, 2 * job.size, job.piece, read_piece, work_piece, &job};
        status = furrow_deal_from_root(job.ctx, &deal, err);
    } else if (status == FURROW_OK) {
        const furrow_range_t own = furrow_split(job.items, furrow_context_ranks(job.ctx), furrow_context_rank(job.ctx));
        status = feed_span((span_t){&job, own.start, own.stop - own.start, NULL, NULL}, err);
    }
    return finish(&job, status, out, err);
}

static furrow_status_t check_arrays(const furrow_array_t *a, const furrow_array_t *b, int64_t *items,
                                    furrow_error_t *err)
{
    if (a == NULL || b == NULL || a->ndim != b->ndim || a->dtype != b->dtype || a->ndim < 0 ||
        a->ndim > FURROW_MAX_NDIM)
        return furrow_fail(err, FURROW_EARG, "dot needs two arrays of one dtype and shape");
    *items = 1;
    for (int i = 0; i < a->ndim; i++)
        if (a->shape[i] != b->shape[i] || !furrow_multiply(*items, a->shape[i], items))
            return furrow_fail(err, FURROW_EARG, "dot of arrays whose axis %d has length %lld and %lld", i,
                               (long long)a->shape[i], (long long)b->shape[i]);
    if (*items > 0 && (a->data == NULL || b->data == NULL))
        return furrow_fail(err, FURROW_EARG, "an array without data");
    return FURROW_OK;
}

furrow_status_t furrow_dot_arrays(furrow_context_t *ctx, const furrow_array_t *a, const furrow_array_t *b,
                                  furrow_value_t *out, furrow_error_t *err)
{
    job_t job = {.ctx = ctx};

    furrow_error_clear(err);
    furrow_status_t status = check_arrays(a, b, &job.items, err);
    if (status == FURROW_OK) status = prepare(&job, a->dtype, err);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) status = furrow_agree(ctx, furrow_array_check_like(ctx, 0, a, err), err);
    furrow_progress_begin(ctx, 2 * job.items * job.size);
    if (status == FURROW_OK) status = feed_span((span_t){&job, 0, job.items, a->data, b->data}, err);
    return finish(&job, status, out, err);
}
