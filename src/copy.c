/* Owns copies of rows into a file. In C order the elements of the files' memory are those of the output: any stretch of
 * them is a block, however long a row is. In Fortran order a block is some whole rows, as many as fit: each column of
 * it is one read. */
#include <stdlib.h>

#include "dataset.h"
#include "exec.h"
#include "mem.h"
#include "progress.h"

enum { BLOCK_BYTES = 1 << 20, FORTRAN_BYTES = 1 << 26 };

typedef struct {
    furrow_context_t *ctx;
    furrow_dataset_t *dataset;
    furrow_output_t *output;
    bool fortran;
    int64_t size, row_items; /* bytes of an element; elements of a row */
    int64_t start;           /* first row to copy */
    furrow_range_t own;      /* this rank's elements of the output */
    furrow_range_t units;    /* that they lie in, counted from `start`: elements, in Fortran order rows */
    int64_t unit_items;      /* elements of a unit */
    int64_t block;           /* units of one block */
    int64_t buffer_bytes;    /* of each thread */
    char *buffers;
} job_t;

/* Of the first and the last row in Fortran order another rank may write a part. */
static furrow_status_t copy_block(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    const job_t *job = arg;
    const int64_t first = job->units.start + block * job->block;
    const int64_t n = furrow_least(job->units.stop - first, job->block), read_from = first * job->unit_items;
    const int64_t from = read_from > job->own.start ? read_from : job->own.start;
    const int64_t to = furrow_least((first + n) * job->unit_items, job->own.stop);
    char *buffer = job->buffers + thread * job->buffer_bytes;

    const furrow_status_t status =
        job->fortran ? furrow_dataset_read(job->dataset, job->start + first, n, buffer, err)
                     : furrow_dataset_read_items(job->dataset, job->start * job->row_items + first, n, buffer, err);
    if (status != FURROW_OK) return status;
    furrow_progress_add(job->ctx, (to - from) * job->size, thread);
    return furrow_output_write(job->output, from, to - from, buffer + (from - read_from) * job->size, err);
}

/* One thread where the data come in order: a stream. */
static furrow_status_t copy(job_t *job, furrow_error_t *err)
{
    const int64_t threads = furrow_context_threads(job->ctx), units = job->unit_items;
    furrow_status_t status = FURROW_OK;

    job->own = furrow_output_section(job->output);
    job->units = (furrow_range_t){job->own.start / units, (job->own.stop + units - 1) / units};
    const int64_t count = job->units.stop - job->units.start, fair = (count + threads - 1) / threads;
    if (job->fortran && fair > 0) job->block = furrow_least(job->block, fair);
    const int64_t blocks = (count + job->block - 1) / job->block;
    furrow_progress_begin(job->ctx, (job->own.stop - job->own.start) * job->size);
    if (!furrow_dataset_is_stream(job->dataset)) return furrow_exec(job->ctx, blocks, copy_block, job, err);
    for (int64_t b = 0; b < blocks && status == FURROW_OK; b++) status = copy_block(job, b, 0, err);
    return status;
}

static furrow_status_t plan(job_t *job, furrow_error_t *err)
{
    const int64_t threads = furrow_context_threads(job->ctx), memory = furrow_context_memory(job->ctx) / threads;
    const int64_t unit_bytes = job->size * (job->fortran ? job->row_items + 1 : 1); /* and one column, in reading */
    const int64_t wanted = job->fortran ? FORTRAN_BYTES : BLOCK_BYTES;

    job->unit_items = job->fortran ? job->row_items : 1;
    if (unit_bytes > memory)
        return furrow_fail(err, FURROW_EBUDGET,
                           "%lld bytes of memory are too few for %lld threads: at least %lld (%lldM) are needed",
                           (long long)furrow_context_memory(job->ctx), (long long)threads,
                           (long long)(unit_bytes * threads), (long long)(unit_bytes * threads >> 20) + 1);
    job->block = furrow_least(memory, wanted) / unit_bytes;
    if (job->block < 1) job->block = 1;
    job->buffer_bytes = furrow_whole_lines(job->block * job->unit_items * job->size);
    return FURROW_OK;
}

static furrow_status_t check(const furrow_dataset_t *dataset, furrow_range_t rows, furrow_error_t *err)
{
    const int64_t count = furrow_dataset_row_count(dataset);

    if (rows.start >= 0 && rows.start <= rows.stop && rows.stop <= count) return FURROW_OK;
    return furrow_fail(err, FURROW_EARG, "rows [%lld, %lld) are not within the %lld rows of the dataset",
                       (long long)rows.start, (long long)rows.stop, (long long)count);
}

furrow_status_t furrow_copy(furrow_dataset_t *dataset, furrow_range_t rows, const char *path, furrow_error_t *err)
{
    furrow_npy_t header = *furrow_dataset_header(dataset);
    job_t job = {.ctx = furrow_dataset_context(dataset),
                 .dataset = dataset,
                 .fortran = header.fortran_order && header.items > 0,
                 .size = furrow_dtype_size(header.dtype),
                 .row_items = furrow_dataset_row_items(dataset),
                 .start = rows.start};
    void *buffers = NULL;

    furrow_error_clear(err);
    furrow_status_t status = check(dataset, rows, err);
    if (status == FURROW_OK) status = plan(&job, err);
    if (status == FURROW_OK)
        status = furrow_alloc_buffer(furrow_context_threads(job.ctx), job.buffer_bytes, &buffers, err);
    status = furrow_agree(job.ctx, status, err);
    job.buffers = buffers;
    if (header.ndim > 0) header.shape[0] = rows.stop - rows.start;
    if (status == FURROW_OK)
        status = (furrow_dataset_on_root(dataset) ? furrow_output_create_on_root : furrow_output_create)(
            job.ctx, path, header.dtype, header.ndim, header.shape, &job.output, err);
    if (status == FURROW_OK) status = furrow_output_commit(job.output, copy(&job, err), err);
    free(buffers);
    return status;
}
