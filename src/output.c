/* Owns .npy files that all ranks write: a temporary beside the target, sized at once, renamed when every rank is
 * done. */
#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "npy.h"
#include "transfer.h"

struct furrow_output {
    furrow_context_t *ctx;
    furrow_npy_t header;
    int fd;
    int direct; /* the same file, for writes past the page cache; -1: there are none */
    char *path, *temporary;
    bool on_root;        /* only rank 0 opens and writes the file */
    bool resumable;      /* the temporary has a fixed name */
    bool made_temporary; /* this rank made it and removes it on failure */
};

static void output_free(furrow_output_t *o)
{
    if (o == NULL) return;
    if (o->fd >= 0) close(o->fd);
    if (o->direct >= 0) close(o->direct);
    if (o->made_temporary) (void)unlink(o->temporary);
    free(o->path);
    free(o->temporary);
    free(o);
}

static furrow_status_t output_alloc(furrow_context_t *ctx, const char *path, furrow_dtype_t dtype, int ndim,
                                    const int64_t *shape, furrow_output_t **out, furrow_error_t *err)
{
    void *memory;

    if (path == NULL || path[0] == '\0') return furrow_fail(err, FURROW_EARG, "no name for the output");
    if (ndim < 0 || ndim > FURROW_MAX_NDIM || (ndim > 0 && shape == NULL))
        return furrow_fail(err, FURROW_EARG, "%.600s: %d dimensions, at most %d", path, ndim, FURROW_MAX_NDIM);
    const furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status != FURROW_OK) return status;
    *out = memory;
    (*out)->ctx = ctx;
    (*out)->fd = (*out)->direct = -1;
    (*out)->header.dtype = dtype;
    (*out)->header.ndim = ndim;
    if (ndim > 0) memcpy((*out)->header.shape, shape, (size_t)ndim * sizeof *shape);
    (*out)->path = strdup(path);
    return (*out)->path != NULL ? FURROW_OK : furrow_fail(err, FURROW_ENOMEM, "out of memory for a name");
}

/* The one of an earlier run is only removed by a run that failed before it began: furrow_output_keep(). */
static furrow_status_t open_temporary(furrow_output_t *o, bool resume, bool *found, furrow_error_t *err)
{
    const int64_t bytes = o->header.data_offset + o->header.bytes;

    if (!o->resumable) return furrow_file_create_beside(o->path, &o->temporary, &o->fd, err);
    o->temporary = furrow_file_name_beside(o->path, ".furrow-part");
    if (o->temporary == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for the name of a temporary file");
    return furrow_file_create_named(o->path, o->temporary, resume ? bytes : -1, found, &o->fd, err);
}

static furrow_status_t make_temporary(furrow_output_t *o, const char *header, bool resume, bool *found,
                                      furrow_error_t *err)
{
    furrow_status_t status = open_temporary(o, resume, found, err);

    o->made_temporary = status == FURROW_OK && !*found;
    if (status != FURROW_OK || *found) return status;
    status = furrow_file_reserve(o->fd, o->path, o->header.data_offset + o->header.bytes, err);
    if (status == FURROW_OK) status = furrow_file_write(o->fd, o->path, 0, header, o->header.data_offset, err);
    return status;
}

/* The name of the temporary, from rank 0 to all. */
static furrow_status_t share_name(furrow_output_t *o, furrow_error_t *err)
{
    const bool root = furrow_context_rank(o->ctx) == 0;
    int64_t size = root ? (int64_t)strlen(o->temporary) + 1 : 0;
    furrow_status_t status = FURROW_OK;
    void *name;

    furrow_broadcast(o->ctx, &size, sizeof size, 0);
    if (!root) {
        status = furrow_alloc(size, 1, &name, err);
        o->temporary = name;
    }
    status = furrow_agree(o->ctx, status, err);
    if (status != FURROW_OK) return status;
    furrow_broadcast(o->ctx, o->temporary, size, 0);
    if (!root) status = furrow_file_open_write(o->temporary, &o->fd, err);
    return furrow_agree(o->ctx, status, err);
}

/* What a new output needs to know. */
typedef struct {
    furrow_context_t *ctx;
    bool on_root, resumable, resume;
    const char *path;
    furrow_dtype_t dtype;
    int ndim;
    const int64_t *shape;
} wish_t;

static furrow_status_t create(const wish_t *wish, bool *found, furrow_output_t **out, furrow_error_t *err)
{
    furrow_output_t *o = NULL;
    char header[FURROW_NPY_FORMAT_MAX];

    *found = false;
    furrow_error_clear(err);
    furrow_status_t status = output_alloc(wish->ctx, wish->path, wish->dtype, wish->ndim, wish->shape, &o, err);
    if (status == FURROW_OK) {
        o->on_root = wish->on_root;
        o->resumable = wish->resumable;
        status = furrow_npy_format(&o->header, header, err);
    }
    if (status == FURROW_OK && furrow_context_rank(wish->ctx) == 0)
        status = make_temporary(o, header, wish->resume, found, err);
    status = furrow_agree(wish->ctx, status, err);
    if (status == FURROW_OK && !wish->on_root) status = share_name(o, err);
    if (status == FURROW_OK && !wish->on_root)
        o->direct = furrow_direct_open(o->temporary, o->header.data_offset + o->header.bytes);
    if (status != FURROW_OK) {
        output_free(o);
        *out = NULL;
        return status;
    }
    *out = o;
    return FURROW_OK;
}

furrow_status_t furrow_output_create(furrow_context_t *ctx, const char *path, furrow_dtype_t dtype, int ndim,
                                     const int64_t *shape, furrow_output_t **out, furrow_error_t *err)
{
    bool found;
    return create(&(wish_t){ctx, false, false, false, path, dtype, ndim, shape}, &found, out, err);
}

furrow_status_t furrow_output_create_on_root(furrow_context_t *ctx, const char *path, furrow_dtype_t dtype, int ndim,
                                             const int64_t *shape, furrow_output_t **out, furrow_error_t *err)
{
    bool found;
    return create(&(wish_t){ctx, true, false, false, path, dtype, ndim, shape}, &found, out, err);
}

furrow_status_t furrow_output_create_resumable(furrow_context_t *ctx, bool on_root, const char *path,
                                               furrow_dtype_t dtype, int ndim, const int64_t *shape, bool resume,
                                               bool *found, furrow_output_t **out, furrow_error_t *err)
{
    return create(&(wish_t){ctx, on_root, true, resume, path, dtype, ndim, shape}, found, out, err);
}

void furrow_output_keep(furrow_output_t *o)
{
    o->made_temporary = false;
}

const furrow_npy_t *furrow_output_header(const furrow_output_t *o)
{
    return &o->header;
}

bool furrow_output_is_on_root(const furrow_output_t *o)
{
    return o->on_root;
}

furrow_range_t furrow_output_section(const furrow_output_t *o)
{
    const int rank = furrow_context_rank(o->ctx), ranks = furrow_context_ranks(o->ctx);
    const int64_t size = furrow_dtype_size(o->header.dtype), offset = o->header.data_offset;

    if (o->on_root) return (furrow_range_t){0, rank == 0 ? o->header.items : 0};
    const furrow_range_t own = furrow_edges_section(offset + o->header.bytes, ranks, rank);
    return (furrow_range_t){own.start < offset ? 0 : (own.start - offset) / size,
                            own.stop < offset ? 0 : (own.stop - offset) / size};
}

/* Where these elements lie in the file. */
static furrow_status_t find_bytes(const furrow_output_t *o, int64_t first, int64_t count, furrow_range_t *bytes,
                                  furrow_error_t *err)
{
    const int64_t size = furrow_dtype_size(o->header.dtype);

    if (first < 0 || count < 0 || first > o->header.items - count)
        return furrow_fail(err, FURROW_EARG, "%.600s: %lld elements from element %lld are not within its %lld", o->path,
                           (long long)count, (long long)first, (long long)o->header.items);
    if (o->on_root && furrow_context_rank(o->ctx) != 0)
        return furrow_fail(err, FURROW_EARG, "%.600s: only rank 0 may write", o->path);
    bytes->start = o->header.data_offset + first * size;
    bytes->stop = bytes->start + count * size;
    return FURROW_OK;
}

furrow_status_t furrow_output_write(furrow_output_t *o, int64_t first, int64_t count, const void *data,
                                    furrow_error_t *err)
{
    furrow_range_t bytes = {0};

    const furrow_status_t status = find_bytes(o, first, count, &bytes, err);
    if (status != FURROW_OK) return status;
    return furrow_file_write(o->fd, o->path, bytes.start, data, bytes.stop - bytes.start, err);
}

furrow_status_t furrow_output_open_stage(const furrow_output_t *o, furrow_stage_t **out, furrow_error_t *err)
{
    const furrow_direct_file_t file = {o->fd, o->direct, o->path};

    *out = NULL;
    return o->direct < 0 ? FURROW_OK : furrow_stage_open(&file, out, err);
}

void *furrow_output_place(const furrow_output_t *o, int64_t first, void *room)
{
    const int64_t at = o->header.data_offset + first * furrow_dtype_size(o->header.dtype);

    return o->direct < 0 ? room : furrow_direct_place(room, at);
}

static furrow_status_t write_stretch(const furrow_output_t *o, const furrow_stretch_t *now, bool stays,
                                     furrow_stage_t *stage, furrow_error_t *err)
{
    if (stage == NULL) return furrow_file_write(o->fd, o->path, now->at, now->data, now->bytes, err);
    if (stays) return furrow_stage_write_from(stage, now->at, now->data, now->bytes, err);
    return furrow_stage_write(stage, now->at, now->data, now->bytes, err);
}

furrow_status_t furrow_output_write_part(furrow_output_t *o, int64_t first, int64_t count, const void *data, bool stays,
                                         furrow_edges_t *edges, furrow_stage_t *stage, furrow_error_t *err)
{
    const int64_t file_bytes = o->header.data_offset + o->header.bytes;
    const furrow_nodes_t nodes = furrow_nodes(o->ctx);
    furrow_stretch_t left, now;
    furrow_range_t bytes = {0};

    if (o->on_root) return furrow_output_write(o, first, count, data, err);
    furrow_status_t status = find_bytes(o, first, count, &bytes, err);
    if (status != FURROW_OK) return status;
    left = (furrow_stretch_t){bytes.start, bytes.stop - bytes.start, data};
    while (status == FURROW_OK && left.bytes > 0) {
        const char *next = left.data;
        status = furrow_edges_step(&nodes, file_bytes, edges, &left, &now, err);
        if (status == FURROW_OK) status = write_stretch(o, &now, stays && now.data == next, stage, err);
    }
    return status;
}

furrow_status_t furrow_output_write_edge(furrow_output_t *o, int64_t at, const furrow_parcel_t *data,
                                         furrow_error_t *err)
{
    return furrow_file_write(o->fd, o->path, at, data->data, data->bytes, err);
}

static furrow_status_t sync_own(const furrow_output_t *o, furrow_error_t *err)
{
    return o->fd < 0 ? FURROW_OK : furrow_file_sync(o->fd, o->path, err);
}

furrow_status_t furrow_output_sync(furrow_output_t *o, furrow_error_t *err)
{
    return furrow_agree(o->ctx, sync_own(o, err), err);
}

furrow_status_t furrow_output_commit(furrow_output_t *o, furrow_status_t status, furrow_error_t *err)
{
    if (status == FURROW_OK) status = sync_own(o, err);
    return furrow_output_publish(o, status, err);
}

furrow_status_t furrow_output_publish(furrow_output_t *o, furrow_status_t status, furrow_error_t *err)
{
    furrow_context_t *ctx = o->ctx;

    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK && furrow_context_rank(ctx) == 0) {
        status = furrow_file_rename(o->temporary, o->path, err);
        if (status == FURROW_OK) o->made_temporary = false;
    }
    status = furrow_agree(ctx, status, err);
    output_free(o);
    return status;
}
