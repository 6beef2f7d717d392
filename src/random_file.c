/* Owns files of random elements: the sequence is a function of the index, so ranks and threads just fill what is
 * theirs. */
#include <stdlib.h>

#include "exec.h"
#include "mem.h"
#include "progress.h"

enum { BLOCK_BYTES = 1 << 20 };

typedef struct {
    furrow_context_t *ctx;
    furrow_output_t *output;
    uint64_t seed;
    furrow_dist_t dist;
    furrow_dtype_t dtype;
    int64_t first, count, block_items;
    char *buffer; /* BLOCK_BYTES per thread */
} job_t;

static furrow_status_t write_block(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    const job_t *job = arg;
    const int64_t start = block * job->block_items, left = job->count - start;
    const int64_t n = left < job->block_items ? left : job->block_items;
    char *buffer = job->buffer + (int64_t)thread * BLOCK_BYTES;

    const furrow_status_t status = furrow_random(job->seed, job->dist, job->dtype, job->first + start, n, buffer, err);
    if (status != FURROW_OK) return status;
    furrow_progress_add(job->ctx, n * furrow_dtype_size(job->dtype), thread);
    return furrow_output_write(job->output, job->first + start, n, buffer, err);
}

static furrow_status_t check_shape(int ndim, const int64_t *shape, furrow_error_t *err)
{
    int64_t items = 1;

    if (ndim < 0 || ndim > FURROW_MAX_NDIM || (ndim > 0 && shape == NULL))
        return furrow_fail(err, FURROW_EARG, "%d dimensions, at most %d, with their lengths", ndim, FURROW_MAX_NDIM);
    for (int i = 0; i < ndim; i++)
        if (!furrow_multiply(items, shape[i], &items))
            return furrow_fail(err, FURROW_EOVERFLOW, "axis %d of length %lld: the number of elements is out of range",
                               i, (long long)shape[i]);
    return FURROW_OK;
}

static furrow_status_t check(furrow_context_t *ctx, furrow_dtype_t dtype, furrow_error_t *err)
{
    const int64_t needed = (int64_t)furrow_context_threads(ctx) * BLOCK_BYTES;

    if (dtype != FURROW_F4 && dtype != FURROW_F8)
        return furrow_fail(err, FURROW_EARG, "random elements are f4 or f8, not %s", furrow_dtype_name(dtype));
    if (furrow_context_memory(ctx) < needed)
        return furrow_fail(err, FURROW_EBUDGET,
                           "%lld bytes of memory are too few for %d threads: at least %lld (%lldM) are needed",
                           (long long)furrow_context_memory(ctx), furrow_context_threads(ctx), (long long)needed,
                           (long long)(needed >> 20));
    return FURROW_OK;
}

furrow_status_t furrow_random_file(furrow_context_t *ctx, const char *path, furrow_source_t source, uint64_t seed,
                                   furrow_dist_t dist, furrow_dtype_t dtype, int ndim, const int64_t *shape,
                                   furrow_error_t *err)
{
    job_t job = {.ctx = ctx, .seed = seed, .dist = dist, .dtype = dtype};
    void *buffer = NULL;

    furrow_error_clear(err);
    furrow_status_t status = check(ctx, dtype, err);
    if (status == FURROW_OK) status = check_shape(ndim, shape, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(furrow_context_threads(ctx), BLOCK_BYTES, &buffer, err);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK)
        status = (source == FURROW_SOURCE_ROOT ? furrow_output_create_on_root
                                               : furrow_output_create)(ctx, path, dtype, ndim, shape, &job.output, err);
    if (status == FURROW_OK) {
        /* Numbers cost less to make than to send: where only rank 0 can write, it makes them all. */
        const furrow_range_t own = furrow_output_section(job.output);
        job.first = own.start;
        job.count = own.stop - own.start;
        job.block_items = BLOCK_BYTES / furrow_dtype_size(dtype);
        job.buffer = buffer;
        furrow_progress_begin(ctx, job.count * furrow_dtype_size(dtype));
        const int64_t blocks = (job.count + job.block_items - 1) / job.block_items;
        status = furrow_exec(ctx, blocks, write_block, &job, err);
        status = furrow_output_commit(job.output, status, err);
    }
    free(buffer);
    return status;
}
