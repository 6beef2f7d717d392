/* Owns files joined along axis 0: who reads which header, and where an item or a row lies.
 *
 * Rank 0 alone reads all headers and tells the others what they need (rows, offset and byte order of each file). A rank
 * opens the files of its own rows when the dataset opens, so that what it cannot open shows then, and others when they
 * are first read. */
#include "dataset.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "convert.h"
#include "file.h"
#include "mem.h"
#include "npy_file.h"
#include "transfer.h"

/* What differs from file to file; shared by broadcast. */
typedef struct {
    int64_t first_row, rows;
    int64_t data_offset;
    int64_t swapped;
} part_t;

struct furrow_dataset {
    furrow_context_t *ctx;
    bool on_root, is_stream;
    bool keeps_open;     /* files stay open between reads */
    bool has_order;      /* rank 0: C or Fortran makes a difference */
    furrow_npy_t header; /* of the joined array */
    int64_t row_items;
    int64_t count;
    char **path;    /* [count] */
    part_t *part;   /* [count] */
    atomic_int *fd; /* [count], -1: not open here */
    int64_t at;     /* stream: the next item */
};

enum { STREAM_BYTES = 1 << 16 }; /* read at a time: a pipe gives no more */

static const char stream_name[] = "standard input";

/* ------------------------------------------------------------------ life */

static furrow_status_t copy_paths(furrow_dataset_t *d, const char *const *paths, furrow_error_t *err)
{
    void *path, *part, *fd;
    furrow_status_t status = furrow_alloc(d->count, sizeof *d->path, &path, err);

    d->path = path;
    if (status == FURROW_OK) {
        status = furrow_alloc(d->count, sizeof *d->part, &part, err);
        d->part = part;
    }
    if (status == FURROW_OK) {
        status = furrow_alloc(d->count, sizeof *d->fd, &fd, err);
        d->fd = fd;
    }
    for (int64_t f = 0; f < d->count && status == FURROW_OK; f++) {
        atomic_init(&d->fd[f], -1);
        d->path[f] = strdup(d->is_stream ? stream_name : paths[f]);
        if (d->path[f] == NULL) status = furrow_fail(err, FURROW_ENOMEM, "out of memory for names of files");
    }
    return status;
}

static furrow_status_t check_arguments(const char *const *paths, int64_t count, furrow_error_t *err)
{
    if (paths == NULL || count < 1) return furrow_fail(err, FURROW_EARG, "no file given");
    for (int64_t f = 0; f < count; f++) {
        if (paths[f] == NULL) return furrow_fail(err, FURROW_EARG, "no file given: name %lld is missing", (long long)f);
        if (strcmp(paths[f], "-") == 0 && count > 1)
            return furrow_fail(err, FURROW_EARG, "standard input (-) cannot be joined with other files");
    }
    return FURROW_OK;
}

/* A dataset may hold thousands of files; the usual soft limit is 1024. Beyond the hard limit each read opens its
 * file. */
static void allow_open_files(furrow_dataset_t *d)
{
    struct rlimit limit;

    d->keeps_open = true;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    if (limit.rlim_cur != limit.rlim_max) {
        const rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
    }
    d->keeps_open = (rlim_t)d->count < limit.rlim_cur / 2; /* there may be two datasets, and MPI's own */
}

void furrow_dataset_free(furrow_dataset_t *d)
{
    if (d == NULL) return;
    for (int64_t f = 0; f < d->count; f++) {
        if (d->path != NULL) free(d->path[f]);
        if (d->fd != NULL && atomic_load(&d->fd[f]) > STDIN_FILENO) close(atomic_load(&d->fd[f]));
    }
    free(d->path);
    free(d->part);
    free(d->fd);
    free(d);
}

/* --------------------------------------------------------------- headers */

static furrow_status_t read_header(furrow_dataset_t *d, int64_t f, furrow_npy_t *header, furrow_error_t *err)
{
    int fd;
    int64_t bytes;

    if (d->is_stream) return furrow_npy_read_stream(STDIN_FILENO, stream_name, header, err);
    furrow_status_t status = furrow_file_open(d->path[f], &fd, &bytes, err);
    if (status != FURROW_OK) return status;
    status = furrow_npy_read_fd(fd, d->path[f], bytes, header, err);
    close(fd);
    return status;
}

/* Elements along one axis, or none at all, stand in C order as well as in Fortran order; NumPy calls it C when it saves
 * them. */
static bool has_order(const furrow_npy_t *header)
{
    int axes = 0;

    for (int i = 0; i < header->ndim; i++) axes += header->shape[i] > 1 ? 1 : 0;
    return axes > 1 && header->items > 0;
}

/* A file joins those before it if it differs from them in rows only. */
static furrow_status_t check_joins(const furrow_dataset_t *d, int64_t f, const furrow_npy_t *next, furrow_error_t *err)
{
    const furrow_npy_t *first = &d->header;
    const char *a = d->path[0], *b = d->path[f];

    if (next->dtype != first->dtype)
        return furrow_fail(err, FURROW_EMISMATCH, "%.400s: dtype %s does not join %.400s of dtype %s", b,
                           furrow_dtype_name(next->dtype), a, furrow_dtype_name(first->dtype));
    if (next->ndim == 0 || first->ndim == 0)
        return furrow_fail(err, FURROW_EMISMATCH, "%.400s: a 0-d array has no axis to join along",
                           next->ndim == 0 ? b : a);
    if (next->ndim != first->ndim)
        return furrow_fail(err, FURROW_EMISMATCH, "%.400s: %d dimensions do not join %.400s of %d", b, next->ndim, a,
                           first->ndim);
    for (int i = 1; i < first->ndim; i++)
        if (next->shape[i] != first->shape[i])
            return furrow_fail(err, FURROW_EMISMATCH,
                               "%.400s: axis %d of length %lld does not join %.400s of length %lld", b, i,
                               (long long)next->shape[i], a, (long long)first->shape[i]);
    if (d->has_order && has_order(next) && next->fortran_order != first->fortran_order)
        return furrow_fail(err, FURROW_EMISMATCH, "%.400s: %s order does not join %.400s of the other", b,
                           next->fortran_order ? "Fortran" : "C", a);
    return FURROW_OK;
}

static furrow_status_t join(furrow_dataset_t *d, int64_t f, const furrow_npy_t *next, furrow_error_t *err)
{
    furrow_npy_t *all = &d->header;
    const int64_t rows = next->ndim == 0 ? 1 : next->shape[0];

    if (f == 0) {
        *all = *next;
        d->has_order = has_order(next);
        d->part[0] = (part_t){0, rows, next->data_offset, next->swapped};
        return FURROW_OK;
    }
    const furrow_status_t status = check_joins(d, f, next, err);
    if (status != FURROW_OK) return status;
    if (!d->has_order) {
        d->has_order = has_order(next);
        all->fortran_order = next->fortran_order;
    }
    d->part[f] = (part_t){all->shape[0], rows, next->data_offset, next->swapped};
    if (__builtin_add_overflow(all->shape[0], rows, &all->shape[0]) ||
        __builtin_add_overflow(all->items, next->items, &all->items) ||
        __builtin_add_overflow(all->bytes, next->bytes, &all->bytes))
        return furrow_fail(err, FURROW_EOVERFLOW, "%.400s: the joined array passes 2^63 bytes", d->path[f]);
    return FURROW_OK;
}

static furrow_status_t read_headers(furrow_dataset_t *d, furrow_error_t *err)
{
    furrow_npy_t next;

    for (int64_t f = 0; f < d->count; f++) {
        furrow_status_t status = read_header(d, f, &next, err);
        if (status == FURROW_OK) status = join(d, f, &next, err);
        if (status != FURROW_OK) return status;
        (void)furrow_share_pulse(d->ctx); /* the other ranks wait, and there may be many files */
    }
    d->header.fortran_order = d->has_order && d->header.fortran_order; /* say C, so that nobody treats it as Fortran */
    return FURROW_OK;
}

/* ------------------------------------------------------------ descriptors */

/* The descriptor of a file, opened when first asked for; two threads may race, one of them wins. */
static furrow_status_t descriptor(furrow_dataset_t *d, int64_t f, int *fd, furrow_error_t *err)
{
    int64_t bytes;
    int none = -1;

    *fd = atomic_load(&d->fd[f]);
    if (*fd >= 0) return FURROW_OK;
    const furrow_status_t status = furrow_file_open(d->path[f], fd, &bytes, err);
    if (status != FURROW_OK) return status;
    (void)posix_fadvise(*fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (!d->keeps_open) return FURROW_OK;
    if (!atomic_compare_exchange_strong(&d->fd[f], &none, *fd)) {
        close(*fd);
        *fd = none;
    }
    return FURROW_OK;
}

static void release(const furrow_dataset_t *d, int fd)
{
    if (!d->keeps_open && fd >= 0) close(fd);
}

static furrow_status_t open_own_files(furrow_dataset_t *d, furrow_error_t *err)
{
    const furrow_range_t own = furrow_dataset_rows(d);
    furrow_status_t status = FURROW_OK;
    int fd;

    for (int64_t f = 0; f < d->count && status == FURROW_OK; f++) {
        const part_t *p = &d->part[f];
        if (p->first_row < own.stop && p->first_row + p->rows > own.start) {
            status = descriptor(d, f, &fd, err);
            release(d, fd);
        }
    }
    return status;
}

furrow_status_t furrow_dataset_open(furrow_context_t *ctx, const char *const *paths, int64_t count,
                                    furrow_source_t source, furrow_dataset_t **out, furrow_error_t *err)
{
    void *memory;
    furrow_dataset_t *d = NULL;

    furrow_error_clear(err);
    furrow_status_t status = check_arguments(paths, count, err);
    if (status == FURROW_OK) status = furrow_alloc(1, sizeof *d, &memory, err);
    if (status == FURROW_OK) {
        d = memory;
        d->ctx = ctx;
        d->count = count;
        d->is_stream = strcmp(paths[0], "-") == 0;
        d->on_root = d->is_stream || source == FURROW_SOURCE_ROOT;
        status = copy_paths(d, paths, err);
    }
    if (status == FURROW_OK) allow_open_files(d);
    if (status == FURROW_OK && furrow_context_rank(ctx) == 0) status = read_headers(d, err);
    status = furrow_agree(ctx, status, err);
    if (status != FURROW_OK) goto fail;

    furrow_broadcast(ctx, &d->header, sizeof d->header, 0);
    furrow_broadcast(ctx, d->part, count * (int64_t)sizeof *d->part, 0);
    d->row_items = 1; /* cannot overflow: the header was checked for the product of all lengths but zeros */
    for (int i = 1; i < d->header.ndim; i++) d->row_items *= d->header.shape[i];
    if (!d->on_root) status = open_own_files(d, err);
    status = furrow_agree(ctx, status, err);
    if (status != FURROW_OK) goto fail;
    *out = d;
    return FURROW_OK;
fail:
    furrow_dataset_free(d);
    if (out != NULL) *out = NULL;
    return status;
}

/* ----------------------------------------------------------------- facts */

furrow_context_t *furrow_dataset_context(const furrow_dataset_t *d)
{
    return d->ctx;
}

bool furrow_dataset_on_root(const furrow_dataset_t *d)
{
    return d->on_root;
}

const char *furrow_dataset_path(const furrow_dataset_t *d, int64_t file)
{
    return file < d->count ? d->path[file] : NULL;
}

bool furrow_dataset_is_stream(const furrow_dataset_t *d)
{
    return d->is_stream;
}

const furrow_npy_t *furrow_dataset_header(const furrow_dataset_t *d)
{
    return &d->header;
}

int64_t furrow_dataset_row_count(const furrow_dataset_t *d)
{
    return d->header.ndim == 0 ? 1 : d->header.shape[0];
}

int64_t furrow_dataset_row_items(const furrow_dataset_t *d)
{
    return d->row_items;
}

bool furrow_dataset_same_order(const furrow_dataset_t *a, const furrow_dataset_t *b)
{
    if (a->header.fortran_order != b->header.fortran_order) return false;
    if (!a->header.fortran_order) return true;
    bool same = a->count == b->count;
    for (int64_t f = 0; same && f < a->count; f++) same = a->part[f].rows == b->part[f].rows;
    return same;
}

furrow_range_t furrow_dataset_rows(const furrow_dataset_t *d)
{
    return furrow_split(furrow_dataset_row_count(d), furrow_context_ranks(d->ctx), furrow_context_rank(d->ctx));
}

/* The file that holds a row: the last one that starts at or before it and has rows. */
static int64_t file_of_row(const furrow_dataset_t *d, int64_t row)
{
    int64_t low = 0, high = d->count;

    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (d->part[middle].first_row <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Place of the trailing index `column`, counted in Fortran order, in C order. */
static int64_t c_column(const furrow_npy_t *header, int64_t column)
{
    int64_t index = 0, weight = 1;

    for (int i = header->ndim - 1; i >= 1; i--) weight *= header->shape[i];
    for (int i = 1; i < header->ndim; i++) {
        weight /= header->shape[i];
        index += column % header->shape[i] * weight;
        column /= header->shape[i];
    }
    return index;
}

int64_t furrow_dataset_c_index(const furrow_dataset_t *d, int64_t item)
{
    if (!d->header.fortran_order) return item;
    const part_t *p = &d->part[file_of_row(d, item / d->row_items)];
    const int64_t local = item - p->first_row * d->row_items;

    return (p->first_row + local % p->rows) * d->row_items + c_column(&d->header, local / p->rows);
}

/* ---------------------------------------------------------------- reading */

static void to_native(const furrow_dataset_t *d, const part_t *p, void *data, int64_t count)
{
    const bool is_complex = furrow_dtype_kind(d->header.dtype) == 'c';
    const int64_t size = furrow_dtype_size(d->header.dtype);

    if (p->swapped)
        furrow_swap_bytes(data, (size_t)(is_complex ? 2 * count : count), (size_t)(is_complex ? size / 2 : size));
}

static furrow_status_t read_stream(furrow_dataset_t *d, int64_t count, void *out, furrow_error_t *err)
{
    const int64_t wanted = count * furrow_dtype_size(d->header.dtype);
    int64_t got = 0, now = STREAM_BYTES;

    for (; got < wanted && now == STREAM_BYTES; got += now) {
        const furrow_status_t status = furrow_file_read_stream(STDIN_FILENO, stream_name, (char *)out + got,
                                                               furrow_least(STREAM_BYTES, wanted - got), &now, err);
        if (status != FURROW_OK) return status;
        (void)furrow_share_pulse(d->ctx); /* the other ranks wait, and the stream may be slow */
    }
    if (got < wanted) {
        const int64_t done = d->at * furrow_dtype_size(d->header.dtype) + got;
        return furrow_fail(err, FURROW_ETRUNCATED,
                           "%s: %lld bytes of data missing (the header promises %lld, %lld came)", stream_name,
                           (long long)(d->header.bytes - done), (long long)d->header.bytes, (long long)done);
    }
    d->at += count;
    to_native(d, &d->part[0], out, count);
    return FURROW_OK;
}

/* Elements [local, local + count) of one file, in the machine's byte order. */
static furrow_status_t read_part(furrow_dataset_t *d, int64_t f, int64_t local, int64_t count, void *out,
                                 furrow_error_t *err)
{
    const int64_t size = furrow_dtype_size(d->header.dtype);
    const part_t *p = &d->part[f];
    int fd;

    furrow_status_t status = descriptor(d, f, &fd, err);
    if (status == FURROW_OK)
        status = furrow_file_read(fd, d->path[f], p->data_offset + local * size, out, count * size, err);
    release(d, fd);
    if (status == FURROW_OK) to_native(d, p, out, count);
    return status;
}

furrow_status_t furrow_dataset_read_items(furrow_dataset_t *d, int64_t first, int64_t count, void *out,
                                          furrow_error_t *err)
{
    const int64_t size = furrow_dtype_size(d->header.dtype);
    furrow_status_t status = FURROW_OK;

    if (d->is_stream) return read_stream(d, count, out, err);
    while (count > 0 && status == FURROW_OK) {
        const int64_t f = file_of_row(d, first / d->row_items);
        const part_t *p = &d->part[f];
        const int64_t local = first - p->first_row * d->row_items, left = p->rows * d->row_items - local;
        const int64_t now = count < left ? count : left;
        status = read_part(d, f, local, now, out, err);
        out = (char *)out + now * size;
        first += now;
        count -= now;
    }
    return status;
}

furrow_status_t furrow_dataset_read_fortran_column(furrow_dataset_t *d, int64_t j, int64_t first, int64_t count,
                                                   void *out, int64_t *c_column_out, furrow_error_t *err)
{
    const int64_t size = furrow_dtype_size(d->header.dtype);
    furrow_status_t status = FURROW_OK;

    *c_column_out = c_column(&d->header, j);
    while (count > 0 && status == FURROW_OK) {
        const int64_t f = file_of_row(d, first);
        const part_t *p = &d->part[f];
        const int64_t local = first - p->first_row, left = p->rows - local, now = count < left ? count : left;
        status = read_part(d, f, j * p->rows + local, now, out, err);
        out = (char *)out + now * size;
        first += now;
        count -= now;
    }
    return status;
}

/* Copy n elements of `size` bytes to every `stride`th place. */
static void spread(char *out, const char *in, int64_t n, int64_t size, int64_t stride)
{
    for (int64_t i = 0; i < n; i++) memcpy(out + i * stride * size, in + i * size, (size_t)size);
}

/* Rows of Fortran-order files: column by column. */
static furrow_status_t read_fortran_rows(furrow_dataset_t *d, int64_t first, int64_t count, void *out,
                                         furrow_error_t *err)
{
    const int64_t size = furrow_dtype_size(d->header.dtype);
    void *column = NULL;
    int64_t place;

    furrow_status_t status = furrow_alloc_buffer(count, size, &column, err);
    for (int64_t j = 0; j < d->row_items && status == FURROW_OK; j++) {
        status = furrow_dataset_read_fortran_column(d, j, first, count, column, &place, err);
        if (status == FURROW_OK) spread((char *)out + place * size, column, count, size, d->row_items);
    }
    free(column);
    return status;
}

furrow_status_t furrow_dataset_read(const furrow_dataset_t *dataset, int64_t first, int64_t count, void *out,
                                    furrow_error_t *err)
{
    /* Reading opens files on demand; nothing that a caller can see changes. */
    furrow_dataset_t *d = (furrow_dataset_t *)(uintptr_t)dataset;
    const int64_t rows = furrow_dataset_row_count(d);

    furrow_error_clear(err);
    if (first < 0 || count < 0 || first > rows - count)
        return furrow_fail(err, FURROW_EARG, "%lld rows from row %lld are not within the %lld rows of the dataset",
                           (long long)count, (long long)first, (long long)rows);
    if (d->is_stream || (d->on_root && furrow_context_rank(d->ctx) != 0))
        return furrow_fail(err, FURROW_EUNSUPPORTED, "%.400s: rows cannot be read here, only rank 0 sees the data",
                           d->path[0]);
    if (d->row_items == 0) return FURROW_OK;
    if (d->header.fortran_order) return read_fortran_rows(d, first, count, out, err);
    return furrow_dataset_read_items(d, first * d->row_items, count * d->row_items, out, err);
}
