/* Owns the verb: which elements reach which tally, by which way.
 *
 * Files that every rank sees are read block by block straight into a thread's own buffer ("direct"). Where rows must be put in C
 * order first, where only rank 0 sees the data, and where columns are reduced, pieces go through a shared buffer ("dealt").
 * Either way elements arrive in spans: a run of consecutive elements, cut at the borders of sections and into fixed blocks. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "deal.h"
#include "exec.h"
#include "mem.h"
#include "tally.h"
#include "transfer.h"

struct furrow_reduction {
    furrow_plan_t plan;
    double *edge;
    furrow_tallies_t groups;
};

/* One call while it runs. */
typedef struct {
    furrow_context_t *ctx;
    const furrow_plan_t *plan;
    furrow_dataset_t *dataset;  /* NULL for an array in memory */
    int64_t size;               /* bytes of one element */
    int64_t rows, row_items;    /* of the whole array */
    int64_t sections;           /* 0: the whole array is one */
    bool axis0;
    furrow_tallies_t *groups;   /* the results, this rank's share */
    furrow_tallies_t workers;   /* one tally per thread, or a row of columns per slice (axis0) */
    char *scratch;              /* per thread */
    int64_t scratch_bytes;
} job_t;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static char *scratch_of(const job_t *job, int thread)
{
    return job->scratch + thread * job->scratch_bytes;
}

static const furrow_dataset_t *fortran_dataset(const job_t *job)
{
    return job->dataset != NULL && furrow_dataset_header(job->dataset)->fortran_order ? job->dataset : NULL;
}

/* ------------------------------------------------------------------ spans */

/* Consecutive elements of one group: in memory at `data`, or, where that is NULL, still in the files. */
typedef struct {
    const job_t *job;
    int64_t first, count;
    const char *data;
    const furrow_dataset_t *fortran;
} span_t;

static int64_t block_items(const job_t *job)
{
    return FURROW_BLOCK_BYTES / job->size;
}

static furrow_status_t feed_block(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    const span_t *span = arg;
    const job_t *job = span->job;
    const int64_t start = block * block_items(job), n = least(block_items(job), span->count - start);
    char *scratch = scratch_of(job, thread);
    const char *data = span->data == NULL ? scratch + FURROW_SCRATCH_BYTES : span->data + start * job->size;

    if (span->data == NULL) {
        const furrow_status_t status = furrow_dataset_read_items(job->dataset, span->first + start, n,
                                                                 scratch + FURROW_SCRATCH_BYTES, err);
        if (status != FURROW_OK) return status;
    }
    furrow_tally_feed(job->plan, &job->workers.tally[thread], data, n,
                      (furrow_place_t){span->first + start, span->fortran}, scratch);
    return FURROW_OK;
}

/* One group's run of elements, on all threads. */
static furrow_status_t feed_span(job_t *job, int64_t group, span_t span, furrow_error_t *err)
{
    const int64_t blocks = (span.count + block_items(job) - 1) / block_items(job);

    const furrow_status_t status = furrow_exec(job->ctx, blocks, feed_block, &span, err);
    for (int64_t w = 0; w < job->workers.count; w++)
        furrow_tally_merge(job->plan, &job->groups->tally[group], &job->workers.tally[w]);
    furrow_tallies_clear(job->plan, &job->workers);
    return status;
}

/* The section that holds a row: the inverse of furrow_split(). */
static int64_t section_of(const job_t *job, int64_t row)
{
    const int64_t base = job->rows / job->sections, longer = job->rows % job->sections;

    if (row < longer * (base + 1)) return row / (base + 1);
    return longer + (row - longer * (base + 1)) / base;
}

/* Elements [first, first + count): group 0, or the sections that they lie in (elements are in C order then). */
static furrow_status_t feed_items(job_t *job, int64_t first, int64_t count, const char *data,
                                  const furrow_dataset_t *fortran, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    if (job->sections == 0) return feed_span(job, 0, (span_t){job, first, count, data, fortran}, err);
    while (count > 0 && status == FURROW_OK) {
        const int64_t section = section_of(job, first / job->row_items);
        const int64_t stop = furrow_split(job->rows, job->sections, section).stop * job->row_items;
        const int64_t now = least(count, stop - first);
        status = feed_span(job, 1 + section, (span_t){job, first, now, data, NULL}, err);
        if (data != NULL) data += now * job->size;
        first += now;
        count -= now;
    }
    return status;
}

/* ---------------------------------------------------------------- columns */

enum { COLUMNS = 16 }; /* handled together: their elements in one row fill one or two cache lines */

/* A piece of rows in memory; the rows are cut in as many slices as there are copies of the columns' tallies. */
typedef struct {
    const job_t *job;
    int64_t first_row, rows;
    const char *data;
    int64_t slices, column_blocks;
} tile_t;

static void gather_columns(const tile_t *tile, int64_t row, int64_t rows, int64_t column, int64_t columns, char *out)
{
    const int64_t size = tile->job->size, row_bytes = tile->job->row_items * size;

    for (int64_t i = 0; i < rows; i++) {
        const char *from = tile->data + (row + i) * row_bytes + column * size;
        for (int64_t c = 0; c < columns; c++) memcpy(out + (c * rows + i) * size, from + c * size, (size_t)size);
    }
}

static furrow_status_t feed_columns(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    const tile_t *tile = arg;
    const job_t *job = tile->job;
    const int64_t slice = block / tile->column_blocks, column = block % tile->column_blocks * COLUMNS;
    const int64_t columns = least(COLUMNS, job->row_items - column);
    const furrow_range_t rows = furrow_split(tile->rows, tile->slices, slice);
    const int64_t step = FURROW_BLOCK_BYTES / (COLUMNS * job->size);
    char *scratch = scratch_of(job, thread), *gathered = scratch + FURROW_SCRATCH_BYTES;

    (void)err;
    for (int64_t row = rows.start; row < rows.stop; row += step) {
        const int64_t now = least(step, rows.stop - row);
        gather_columns(tile, row, now, column, columns, gathered);
        for (int64_t c = 0; c < columns; c++)
            furrow_tally_feed(job->plan, &job->workers.tally[slice * job->row_items + column + c],
                              gathered + c * now * job->size, now, (furrow_place_t){tile->first_row + row, NULL}, scratch);
    }
    return FURROW_OK;
}

static furrow_status_t feed_tile(job_t *job, int64_t first_row, int64_t rows, const char *data, furrow_error_t *err)
{
    const int64_t column_blocks = (job->row_items + COLUMNS - 1) / COLUMNS;
    tile_t tile = {job, first_row, rows, data, job->row_items == 0 ? 0 : job->workers.count / job->row_items,
                   column_blocks};

    return furrow_exec(job->ctx, tile.slices * column_blocks, feed_columns, &tile, err);
}

static void merge_columns(job_t *job)
{
    for (int64_t w = 0; w < job->workers.count; w++)
        furrow_tally_merge(job->plan, &job->groups->tally[w % job->row_items], &job->workers.tally[w]);
}

/* ----------------------------------------------------------------- dealing */

/* Rows of a shared file are read by all threads at once, a few blocks each. */
typedef struct {
    const furrow_dataset_t *dataset;
    int64_t first, count, step, row_bytes;
    char *out;
} row_read_t;

static furrow_status_t read_some_rows(void *arg, int64_t block, int thread, furrow_error_t *err)
{
    const row_read_t *r = arg;
    const int64_t start = block * r->step;

    (void)thread;
    return furrow_dataset_read(r->dataset, r->first + start, least(r->step, r->count - start),
                               r->out + start * r->row_bytes, err);
}

static furrow_status_t read_rows(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err)
{
    job_t *job = arg;
    const int64_t row_bytes = job->row_items * job->size;
    const int64_t step = row_bytes == 0 || row_bytes > FURROW_BLOCK_BYTES ? 1 : FURROW_BLOCK_BYTES / row_bytes;
    row_read_t r = {job->dataset, first, count, step, row_bytes, buffer};

    if (furrow_dataset_is_stream(job->dataset))
        return furrow_dataset_read_items(job->dataset, first * job->row_items, count * job->row_items, buffer, err);
    if (fortran_dataset(job) != NULL) r.step = (count - 1) / furrow_context_threads(job->ctx) + 1;
    return furrow_exec(job->ctx, (count + r.step - 1) / r.step, read_some_rows, &r, err);
}

static furrow_status_t work_rows(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err)
{
    job_t *job = arg;

    if (job->axis0) return feed_tile(job, first, count, buffer, err);
    return feed_items(job, first * job->row_items, count * job->row_items, buffer, NULL, err);
}

static furrow_status_t read_items(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err)
{
    return furrow_dataset_read_items(((job_t *)arg)->dataset, first, count, buffer, err);
}

static furrow_status_t work_items(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err)
{
    return feed_items(arg, first, count, buffer, fortran_dataset(arg), err);
}

/* --------------------------------------------------------------- the ways */

static bool needs_rows(const job_t *job)
{
    return job->axis0 || (job->sections > 0 && fortran_dataset(job) != NULL);
}

/* Units of a buffer: what the memory cap leaves, but no more than serves. */
static int64_t piece_units(const job_t *job, int64_t unit_bytes, int64_t fixed_bytes)
{
    const int64_t serves = (INT64_C(16) << 20) * furrow_context_threads(job->ctx);
    const int64_t left = least(furrow_context_memory(job->ctx) - fixed_bytes, serves);

    return unit_bytes == 0 ? 1 : left / unit_bytes < 1 ? 1 : left / unit_bytes;
}

static furrow_status_t run_dataset(job_t *job, int64_t fixed_bytes, furrow_error_t *err)
{
    const int64_t items = furrow_dataset_header(job->dataset)->items;
    furrow_deal_t deal = {items, job->size, 0, read_items, work_items, job};

    if (needs_rows(job)) deal = (furrow_deal_t){job->rows, job->row_items * job->size, 0, read_rows, work_rows, job};
    deal.piece = piece_units(job, deal.unit_bytes, fixed_bytes);
    if (items == 0) return FURROW_OK;
    if (furrow_dataset_on_root(job->dataset)) return furrow_deal_from_root(job->ctx, &deal, err);
    if (needs_rows(job)) return furrow_deal_own(job->ctx, &deal, err);
    const furrow_range_t own = furrow_split(items, furrow_context_ranks(job->ctx), furrow_context_rank(job->ctx));
    return feed_items(job, own.start, own.stop - own.start, NULL, fortran_dataset(job), err);
}

/* Tallies that threads fill before they are merged. With few columns every thread has its own row of them. */
static int64_t worker_count(const job_t *job)
{
    enum { FEW = 256 };
    const int64_t threads = furrow_context_threads(job->ctx);

    if (!job->axis0) return threads;
    return job->row_items <= FEW ? threads * job->row_items : job->row_items;
}

static furrow_status_t check_memory(const job_t *job, int64_t fixed_bytes, int64_t groups, furrow_error_t *err)
{
    const int64_t row_bytes = job->row_items * job->size;
    const int64_t piece = job->dataset == NULL ? 0 : needs_rows(job) ? row_bytes : job->size;
    const int64_t have = furrow_context_memory(job->ctx);
    int64_t needed;

    if (__builtin_add_overflow(fixed_bytes, piece, &needed)) needed = INT64_MAX;
    if (needed <= have) return FURROW_OK;
    return furrow_fail(err, FURROW_EBUDGET,
                       "%" PRId64 " bytes of memory are too few for %" PRId64 " results and %d threads: at least %" PRId64
                       " (%" PRId64 "M) are needed",
                       have, groups, furrow_context_threads(job->ctx), needed, (needed >> 20) + 1);
}

/* Allocate what the job works with; `fixed_bytes` is its size. */
static furrow_status_t prepare(job_t *job, int64_t groups, int64_t *fixed_bytes, furrow_error_t *err)
{
    const int threads = furrow_context_threads(job->ctx);
    void *scratch = NULL;
    int64_t tally_bytes;

    job->scratch_bytes = FURROW_SCRATCH_BYTES + FURROW_BLOCK_BYTES;
    if (!furrow_multiply(groups + worker_count(job), furrow_tally_bytes(job->plan), &tally_bytes) ||
        __builtin_add_overflow(tally_bytes, threads * job->scratch_bytes, fixed_bytes))
        *fixed_bytes = INT64_MAX;
    furrow_status_t status = check_memory(job, *fixed_bytes, groups, err);
    if (status == FURROW_OK) status = furrow_tallies_alloc(job->plan, groups, job->groups, err);
    if (status == FURROW_OK) status = furrow_tallies_alloc(job->plan, worker_count(job), &job->workers, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(threads, job->scratch_bytes, &scratch, err);
    job->scratch = scratch;
    return status;
}

/* The whole array is the merge of its sections. */
static void merge_sections(const job_t *job)
{
    for (int64_t s = 1; s <= job->sections; s++)
        furrow_tally_merge(job->plan, &job->groups->tally[0], &job->groups->tally[s]);
}

static furrow_status_t make_reduction(furrow_dtype_t dtype, const furrow_reduce_opts_t *opts, furrow_reduction_t **out,
                                      furrow_error_t *err)
{
    void *memory = NULL, *edge = NULL;
    const bool hist = opts != NULL && (opts->ops & UINT32_C(1) << FURROW_OP_HIST) != 0;
    const int64_t edges = hist && opts->bins > 0 && opts->bins < INT64_MAX ? opts->bins + 1 : 0;

    *out = NULL;
    if (opts == NULL) return furrow_fail(err, FURROW_EARG, "no options given");
    furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status != FURROW_OK) return status;
    *out = memory;
    status = furrow_plan_make(dtype, opts, NULL, &(*out)->plan, err);
    if (status == FURROW_OK) status = furrow_alloc(edges, sizeof(double), &edge, err);
    if (status == FURROW_OK && hist) furrow_hist_edges(opts->low, opts->high, opts->bins, edge);
    (*out)->edge = edge;
    (*out)->plan.edge = edge;
    return status;
}

/* Everything between settled facts and shared results. `array` is this rank's part in memory, or NULL for a dataset. */
static furrow_status_t run(job_t *job, furrow_reduction_t *r, const char *array, int64_t first_row, int64_t own_rows,
                           furrow_status_t status, furrow_error_t *err)
{
    const int64_t groups = job->axis0 ? job->row_items : 1 + job->sections;
    int64_t fixed_bytes = 0;

    job->plan = &r->plan;
    job->groups = &r->groups;
    if (status == FURROW_OK) status = prepare(job, groups, &fixed_bytes, err);
    status = furrow_agree(job->ctx, status, err);
    if (status != FURROW_OK) return status;

    if (job->dataset != NULL) status = run_dataset(job, fixed_bytes, err);
    else if (own_rows > 0 && job->axis0) status = feed_tile(job, first_row, own_rows, array, err);
    else status = feed_items(job, first_row * job->row_items, own_rows * job->row_items, array, NULL, err);
    if (job->axis0) merge_columns(job);
    merge_sections(job);
    status = furrow_agree(job->ctx, status, err);
    if (status == FURROW_OK) status = furrow_tallies_share(job->ctx, job->plan, job->groups, err);
    return status;
}

static furrow_status_t finish(job_t *job, furrow_reduction_t *r, furrow_status_t status, furrow_reduction_t **out)
{
    furrow_tallies_free(&job->workers);
    free(job->scratch);
    if (status != FURROW_OK) {
        furrow_reduction_free(r);
        r = NULL;
    }
    *out = r;
    return status;
}

furrow_status_t furrow_reduce(furrow_dataset_t *dataset, const furrow_reduce_opts_t *opts, furrow_reduction_t **out,
                              furrow_error_t *err)
{
    const furrow_npy_t *header = furrow_dataset_header(dataset);
    furrow_reduction_t *r;
    job_t job = {.ctx = furrow_dataset_context(dataset), .dataset = dataset, .size = furrow_dtype_size(header->dtype)};

    furrow_error_clear(err);
    furrow_status_t status = make_reduction(header->dtype, opts, &r, err);
    if (status == FURROW_OK) {
        job.rows = furrow_dataset_row_count(dataset);
        job.row_items = furrow_dataset_row_items(dataset);
        job.sections = opts->sections;
        job.axis0 = opts->axis0;
        if (job.axis0 && header->ndim == 0)
            status = furrow_fail(err, FURROW_EARG, "a 0-d array has no axis 0");
        else if (needs_rows(&job) && fortran_dataset(&job) != NULL && furrow_dataset_is_stream(dataset))
            status = furrow_fail(err, FURROW_EUNSUPPORTED,
                                 "standard input: rows of a Fortran-order array do not come one after the other");
    }
    status = run(&job, r, NULL, 0, 0, status, err);
    return finish(&job, r, status, out);
}

static furrow_status_t describe_array(const furrow_array_t *part, job_t *job, furrow_error_t *err)
{
    int64_t bytes;

    if (part == NULL || part->ndim < 1 || part->ndim > FURROW_MAX_NDIM || part->shape[0] < 0)
        return furrow_fail(err, FURROW_EARG, "an array with at least one dimension is needed");
    job->size = furrow_dtype_size(part->dtype);
    job->row_items = 1;
    for (int i = 1; i < part->ndim; i++)
        if (!furrow_multiply(job->row_items, part->shape[i], &job->row_items))
            return furrow_fail(err, FURROW_EARG, "axis %d of length %lld: out of range", i, (long long)part->shape[i]);
    if (!furrow_multiply(job->row_items, job->size, &bytes) || !furrow_multiply(bytes, part->shape[0], &bytes))
        return furrow_fail(err, FURROW_EARG, "the size of the array is out of range");
    if (bytes > 0 && part->data == NULL) return furrow_fail(err, FURROW_EARG, "an array without data");
    return FURROW_OK;
}

furrow_status_t furrow_reduce_array(furrow_context_t *ctx, const furrow_array_t *part, const furrow_reduce_opts_t *opts,
                                    furrow_reduction_t **out, furrow_error_t *err)
{
    furrow_reduction_t *r = NULL;
    job_t job = {.ctx = ctx};

    furrow_error_clear(err);
    furrow_status_t status = describe_array(part, &job, err);
    if (status == FURROW_OK) status = make_reduction(part->dtype, opts, &r, err);
    if (status == FURROW_OK && opts->sections != 0)
        status = furrow_fail(err, FURROW_EARG, "an array in memory has no sections");
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) {
        job.axis0 = opts->axis0;
        job.rows = part->shape[0];
        const int64_t first_row = furrow_sum_of_lower_ranks(ctx, part->shape[0]);
        status = run(&job, r, part->data, first_row, part->shape[0], FURROW_OK, err);
    }
    return finish(&job, r, status, out);
}

/* ----------------------------------------------------------------- results */

int64_t furrow_reduction_groups(const furrow_reduction_t *reduction)
{
    return reduction->groups.count;
}

furrow_status_t furrow_reduction_value(const furrow_reduction_t *reduction, int64_t group, furrow_op_t op,
                                       furrow_value_t *out, furrow_error_t *err)
{
    furrow_error_clear(err);
    if (group < 0 || group >= reduction->groups.count)
        return furrow_fail(err, FURROW_EARG, "group %lld is none of %lld", (long long)group,
                           (long long)reduction->groups.count);
    return furrow_tally_value(&reduction->plan, &reduction->groups.tally[group], op, out, err);
}

const int64_t *furrow_reduction_hist(const furrow_reduction_t *reduction, int64_t group)
{
    if (reduction->plan.bins == 0 || group < 0 || group >= reduction->groups.count) return NULL;
    return reduction->groups.tally[group].hist;
}

void furrow_reduction_free(furrow_reduction_t *reduction)
{
    if (reduction == NULL) return;
    furrow_tallies_free(&reduction->groups);
    free(reduction->edge);
    free(reduction);
}

/* As numpy.linspace: i * step + low, the last one high itself. */
void furrow_hist_edges(double low, double high, int64_t bins, double *edges)
{
    const double step = (high - low) / (double)bins;

    for (int64_t i = 0; i < bins; i++) edges[i] = (double)i * step + low;
    edges[bins] = high;
}
