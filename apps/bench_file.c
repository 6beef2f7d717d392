/* Owns the entry about a file in the page cache. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_limits.h"

typedef struct {
    const bench_t *bench;
    furrow_dataset_t *dataset;
    int fd;
    int64_t offset, bytes; /* this rank's part of the file */
    char *buffers;         /* BENCH_BUFFER_BYTES per thread */
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
    const int failure = bench_read(file->fd, file->offset, file->bytes, file->buffers, file->bench->threads);

    if (failure == 0) return FURROW_OK;
    return cli_fail(err, FURROW_EIO, "%.600s: cannot read: %s", file->bench->place.file, strerror(failure));
}

/* What the plain way needs. Local. */
static furrow_status_t open_plainly(const bench_t *bench, file_t *file, furrow_error_t *err)
{
    const furrow_range_t rows = furrow_dataset_rows(file->dataset);
    const int64_t row_bytes = BENCH_ROW_ITEMS * (int64_t)sizeof(double);
    furrow_npy_t header;

    const furrow_status_t status = furrow_npy_read(bench->place.file, &header, err);
    if (status != FURROW_OK) return status;
    file->offset = header.data_offset + rows.start * row_bytes;
    file->bytes = (rows.stop - rows.start) * row_bytes;
    file->buffers = aligned_alloc(64, (size_t)bench->threads * BENCH_BUFFER_BYTES);
    if (file->buffers == NULL) return cli_fail(err, FURROW_ENOMEM, "out of memory for %d buffers", bench->threads);
    file->fd = open(bench->place.file, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0) return cli_fail(err, FURROW_EIO, "%.600s: cannot open: %s", bench->place.file, strerror(errno));
    return FURROW_OK;
}

static furrow_status_t compare(bench_t *bench, const bench_entry_t *entry, furrow_error_t *err)
{
    file_t file = {.bench = bench, .fd = -1};
    const char *const path = bench->place.file;

    furrow_status_t status = furrow_dataset_open(bench->ctx, &path, 1, FURROW_SOURCE_SHARED, &file.dataset, err);
    if (status == FURROW_OK) status = furrow_agree(bench->ctx, open_plainly(bench, &file, err), err);
    if (status == FURROW_OK) {
        const bench_pair_t pair = {exact_way, plain_way, &file, file.bytes};
        status = bench_compare(bench, &pair, *entry, err);
    }
    if (file.fd >= 0) (void)close(file.fd);
    free(file.buffers);
    furrow_dataset_free(file.dataset);
    return status;
}

furrow_status_t bench_file(bench_t *bench, furrow_error_t *err)
{
    const int64_t shape[] = {bench->file_rows, BENCH_ROW_ITEMS};
    const bench_entry_t entry = {.name = "file_reduce", .limit_name = "plain pread", .target = 0.80};

    if (!bench->place.is_shared) {
        if (bench->cli->is_root) bench_skip(bench, entry, "not every rank sees the folder; --dir names a shared one");
        return FURROW_OK;
    }
    if (bench->cli->is_root && bench->cli->verbose) (void)fprintf(stderr, "furrow: bench: %s\n", bench->place.file);
    const furrow_status_t status = furrow_random_file(bench->ctx, bench->place.file, FURROW_SOURCE_SHARED, 1,
                                                      FURROW_UNIFORM, FURROW_F8, 2, shape, err);
    return status == FURROW_OK ? compare(bench, &entry, err) : status;
}
