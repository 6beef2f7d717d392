/* Owns the entry about a file in the page cache, and that file. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_limits.h"

furrow_status_t bench_make_file(bench_t *bench, furrow_dtype_t dtype, int64_t row_items, furrow_error_t *err)
{
    const int64_t shape[] = {bench->file_bytes / (row_items * furrow_dtype_size(dtype)), row_items};

    if (bench->file_row_items == row_items && bench->file_dtype == dtype) return FURROW_OK;
    if (bench->cli->is_root && bench->cli->verbose) (void)fprintf(stderr, "furrow: bench: %s\n", bench->place.file);
    const furrow_status_t status = furrow_random_file(bench->ctx, bench->place.file, FURROW_SOURCE_SHARED, 1,
                                                      FURROW_UNIFORM, dtype, 2, shape, err);
    bench->file_row_items = status == FURROW_OK ? row_items : 0;
    bench->file_dtype = dtype;
    return status;
}

furrow_status_t bench_part_open(const bench_t *bench, bench_part_t *part, furrow_error_t *err)
{
    const char *const path = bench->place.file;
    furrow_npy_t header;

    *part = (bench_part_t){.fd = -1};
    const furrow_status_t status = furrow_npy_read(path, &header, err);
    if (status != FURROW_OK) return status;
    const furrow_range_t rows =
        furrow_split(header.shape[0], furrow_context_ranks(bench->ctx), furrow_context_rank(bench->ctx));
    const int64_t row_bytes = header.shape[1] * furrow_dtype_size(header.dtype);
    part->offset = header.data_offset + rows.start * row_bytes;
    part->bytes = (rows.stop - rows.start) * row_bytes;
    part->buffers = aligned_alloc(64, (size_t)bench->threads * BENCH_BUFFER_BYTES);
    if (part->buffers == NULL) return cli_fail(err, FURROW_ENOMEM, "out of memory for %d buffers", bench->threads);
    part->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (part->fd < 0) return cli_fail(err, FURROW_EIO, "%.600s: cannot open: %s", path, strerror(errno));
    return FURROW_OK;
}

void bench_part_close(bench_part_t *part)
{
    if (part->fd >= 0) (void)close(part->fd);
    free(part->buffers);
    *part = (bench_part_t){.fd = -1};
}

/* ----------------------------------------------------------------- reduce */

typedef struct {
    const bench_t *bench;
    furrow_dataset_t *dataset;
    bench_part_t part;
} file_t;

static furrow_status_t exact_way(void *arg, furrow_error_t *err)
{
    const file_t *file = arg;
    const furrow_reduce_opts_t opts = {.ops = UINT32_C(1) << FURROW_OP_SUMSQ};
    furrow_reduction_t *reduction;

    const furrow_status_t status = furrow_reduce(file->dataset, &opts, &reduction, err);
    furrow_reduction_free(reduction);
    return status;
}

static furrow_status_t plain_way(void *arg, furrow_error_t *err)
{
    const file_t *file = arg;
    const bench_part_t *part = &file->part;
    const int failure = bench_read(part->fd, part->offset, part->bytes, part->buffers, file->bench->threads);

    if (failure == 0) return FURROW_OK;
    return cli_fail(err, FURROW_EIO, "%.600s: cannot read: %s", file->bench->place.file, strerror(failure));
}

static furrow_status_t compare(bench_t *bench, const bench_entry_t *entry, furrow_error_t *err)
{
    file_t file = {.bench = bench, .part.fd = -1};
    const char *const path = bench->place.file;

    furrow_status_t status = furrow_dataset_open(bench->ctx, &path, 1, FURROW_SOURCE_SHARED, &file.dataset, err);
    if (status == FURROW_OK) status = furrow_agree(bench->ctx, bench_part_open(bench, &file.part, err), err);
    if (status == FURROW_OK) {
        const bench_pair_t pair = {exact_way, plain_way, &file, file.part.bytes, 0};
        status = bench_compare(bench, &pair, *entry, err);
    }
    bench_part_close(&file.part);
    furrow_dataset_free(file.dataset);
    return status;
}

furrow_status_t bench_file(bench_t *bench, furrow_error_t *err)
{
    const bench_entry_t entry = {.name = "file_reduce", .limit_name = "plain pread", .target = 0.80};

    if (!bench->place.is_shared) {
        if (bench->cli->is_root) bench_skip(bench, entry, BENCH_NOT_SHARED);
        return FURROW_OK;
    }
    const furrow_status_t status = bench_make_file(bench, FURROW_F8, BENCH_ROW_ITEMS, err);
    return status == FURROW_OK ? compare(bench, &entry, err) : status;
}
