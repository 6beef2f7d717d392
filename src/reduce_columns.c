/* Owns reductions along axis 0: one tally per column.
 *
 * C order: rows arrive as tiles, some columns wide; columns are copied side by side in groups, so that the kernels see
 * each as one run of elements. A tile of a wide array is a panel, high rather than wide: a column's run should be long.
 * Few columns: every thread takes a slice of the rows and has tallies of its own. Many: every thread takes other
 * columns. Fortran order: columns are runs already; ranks and threads take whole columns. */
#include <stdlib.h>

#include "convert.h"
#include "exec.h"
#include "mem.h"
#include "progress.h"
#include "reduce_job.h"

enum {
    FEW_COLUMNS = 256,
    GROUP = 16,           /* columns copied together: their elements in one row fill one or two cache lines */
    PANEL_BYTES = 1 << 14 /* of one row, at least, in a panel: what is worth a read */
};

static int64_t at_least_one(int64_t a)
{
    return a < 1 ? 1 : a;
}

/* ------------------------------------------------------------------ tiles */

typedef struct {
    const furrow_job_t *job;
    int64_t first_row, rows, column, columns;
    const char *data;
    int64_t slices, groups; /* blocks: slices * groups */
} tile_t;

int64_t furrow_job_column_workers(const furrow_job_t *job)
{
    return job->row_items <= FEW_COLUMNS ? furrow_context_threads(job->ctx) * job->row_items : 0;
}

static furrow_tally_t *tally_of(const tile_t *tile, int64_t slice, int64_t column)
{
    const furrow_job_t *job = tile->job;
    return job->workers.count == 0 ? &job->groups->tally[column] : &job->workers.tally[slice * job->row_items + column];
}

/* Rows gathered at a time; not a power of two, so that the columns do not fall on the same cache sets. */
static int64_t gathered_rows(const furrow_job_t *job)
{
    return FURROW_BLOCK_BYTES / (GROUP * job->size) - 8;
}

static furrow_status_t feed_group(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    const tile_t *tile = arg;
    const furrow_job_t *job = tile->job;
    const int64_t slice = block / tile->groups, first = block % tile->groups * GROUP;
    const int64_t columns = furrow_least(GROUP, tile->columns - first), step = gathered_rows(job);
    const furrow_range_t rows = furrow_split(tile->rows, tile->slices, slice);
    char *gathered = furrow_job_block(job, thread);

    (void)err;
    furrow_progress_add(job->ctx, (rows.stop - rows.start) * columns * job->size, thread);
    for (int64_t row = rows.start; row < rows.stop; row += step) {
        const int64_t now = furrow_least(step, rows.stop - row);
        const furrow_place_t place = {tile->first_row + row, NULL};
        furrow_gather_columns(tile->data + (row * tile->columns + first) * job->size, (size_t)tile->columns,
                              (size_t)now, (size_t)columns, (size_t)job->size, gathered, (size_t)step);
        for (int64_t c = 0; c < columns; c++)
            furrow_tally_feed(job->plan, tally_of(tile, slice, tile->column + first + c),
                              gathered + c * step * job->size, now, place, furrow_job_scratch(job, thread));
    }
    return FURROW_OK;
}

furrow_status_t furrow_job_feed_tile(furrow_job_t *job, int64_t first_row, int64_t rows, int64_t column,
                                     int64_t columns, const char *data, furrow_error_t *err)
{
    tile_t tile = {job, first_row, rows, column, columns, data, 1, (columns + GROUP - 1) / GROUP};

    if (columns == 0) return FURROW_OK;
    if (job->workers.count > 0) tile.slices = job->workers.count / job->row_items;
    return furrow_exec(job->ctx, tile.slices * tile.groups, feed_group, &tile, err);
}

void furrow_job_merge_columns(furrow_job_t *job)
{
    for (int64_t w = 0; w < job->workers.count; w++)
        furrow_tally_merge(job->plan, &job->groups->tally[w % job->row_items], &job->workers.tally[w]);
}

/* --------------------------------------------------------- reading C order */

/* A panel is read some rows per block, by all threads. */
typedef struct {
    furrow_job_t *job;
    int64_t first_row, rows, column, columns;
    int64_t step;
    char *out;
} panel_t;

static furrow_status_t read_some(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    const panel_t *p = arg;
    const int64_t row_items = p->job->row_items, start = block * p->step, now = furrow_least(p->step, p->rows - start);
    const bool whole_rows = p->columns == row_items;
    furrow_status_t status = FURROW_OK;

    (void)thread;
    for (int64_t row = start; row < start + now && status == FURROW_OK; row += whole_rows ? now : 1)
        status = furrow_dataset_read_items(p->job->dataset, (p->first_row + row) * row_items + p->column,
                                           whole_rows ? now * row_items : p->columns,
                                           p->out + row * p->columns * p->job->size, err);
    return status;
}

static furrow_status_t read_panel(panel_t *p, furrow_error_t *err)
{
    p->step = at_least_one(FURROW_BLOCK_BYTES / (p->columns * p->job->size));
    return furrow_exec(p->job->ctx, (p->rows + p->step - 1) / p->step, read_some, p, err);
}

/* Columns of a panel: all, unless then only few rows would fit. */
static int64_t panel_columns(const furrow_job_t *job, int64_t rows)
{
    const int64_t fitting = job->piece_bytes / job->size / at_least_one(rows);
    const int64_t worthwhile = furrow_least(PANEL_BYTES, job->piece_bytes) / job->size;

    return furrow_least(job->row_items, at_least_one(fitting > worthwhile ? fitting : worthwhile));
}

static furrow_status_t read_panels(furrow_job_t *job, furrow_error_t *err)
{
    const furrow_range_t own = furrow_dataset_rows(job->dataset);
    const int64_t columns = panel_columns(job, own.stop - own.start);
    const int64_t rows = furrow_least(own.stop - own.start, at_least_one(job->piece_bytes / (columns * job->size)));
    void *buffer = NULL;

    furrow_status_t status = furrow_alloc_buffer(rows * columns, job->size, &buffer, err);
    for (int64_t column = 0; column < job->row_items && status == FURROW_OK; column += columns)
        for (int64_t row = own.start; row < own.stop && status == FURROW_OK; row += rows) {
            panel_t p = {
                job, row,   furrow_least(rows, own.stop - row), column, furrow_least(columns, job->row_items - column),
                0,   buffer};
            status = read_panel(&p, err);
            if (status == FURROW_OK)
                status = furrow_job_feed_tile(job, p.first_row, p.rows, p.column, p.columns, p.out, err);
        }
    free(buffer);
    return status;
}

/* --------------------------------------------------- reading Fortran order */

typedef struct {
    furrow_job_t *job;
    int64_t first_column;
} columns_t;

static furrow_status_t read_fortran_column(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    const columns_t *own = arg;
    const furrow_job_t *job = own->job;
    const int64_t step = FURROW_BLOCK_BYTES / job->size;
    char *data = furrow_job_block(job, thread);
    furrow_status_t status = FURROW_OK;
    int64_t column;

    for (int64_t row = 0; row < job->rows && status == FURROW_OK; row += step) {
        const int64_t now = furrow_least(step, job->rows - row);
        status =
            furrow_dataset_read_fortran_column(job->dataset, own->first_column + block, row, now, data, &column, err);
        if (status != FURROW_OK) break;
        furrow_tally_feed(job->plan, &job->groups->tally[column], data, now, (furrow_place_t){row, NULL},
                          furrow_job_scratch(job, thread));
        furrow_progress_add(job->ctx, now * job->size, thread);
    }
    return status;
}

furrow_status_t furrow_job_read_columns(furrow_job_t *job, furrow_error_t *err)
{
    if (furrow_job_fortran(job) == NULL) return read_panels(job, err);
    const furrow_range_t own =
        furrow_split(job->row_items, furrow_context_ranks(job->ctx), furrow_context_rank(job->ctx));
    columns_t columns = {job, own.start};
    return furrow_exec(job->ctx, own.stop - own.start, read_fortran_column, &columns, err);
}
