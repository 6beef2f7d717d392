/* Owns the verb: by which way elements reach the tallies, and the results.
 *
 * Files that every rank sees are read by the threads that use them (reduce_items.c, reduce_columns.c). Where only rank
 * 0 sees the data, and where rows of a Fortran-order file must first be put together, pieces go through a shared buffer
 * (deal.h). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "deal.h"
#include "mem.h"
#include "progress.h"
#include "reduce_job.h"
#include "transfer.h"

struct furrow_reduction {
    furrow_plan_t plan;
    double low, high; /* of a histogram */
    double *edge;
    furrow_tallies_t groups;
};

char *furrow_job_scratch(const furrow_job_t *job, int thread)
{
    return job->scratch + (int64_t)thread * FURROW_THREAD_BYTES;
}

char *furrow_job_block(const furrow_job_t *job, int thread)
{
    return furrow_job_scratch(job, thread) + FURROW_SCRATCH_BYTES;
}

const furrow_dataset_t *furrow_job_fortran(const furrow_job_t *job)
{
    return job->dataset != NULL && furrow_dataset_header(job->dataset)->fortran_order ? job->dataset : NULL;
}

/* ----------------------------------------------------------------- dealing */

/* In a dealt piece units are elements in the order of the files, or rows in C order. */
static furrow_status_t read_items(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err)
{
    return furrow_dataset_read_items(((furrow_job_t *)arg)->dataset, first, count, buffer, err);
}

static furrow_status_t work_items(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err)
{
    return furrow_job_feed_items(arg, first, count, buffer, furrow_job_fortran(arg), err);
}

static furrow_status_t read_rows(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err)
{
    const furrow_job_t *job = arg;

    if (furrow_dataset_is_stream(job->dataset))
        return furrow_dataset_read_items(job->dataset, first * job->row_items, count * job->row_items, buffer, err);
    return furrow_dataset_read(job->dataset, first, count, buffer, err);
}

static furrow_status_t work_rows(void *arg, int64_t first, int64_t count, void *buffer, furrow_error_t *err)
{
    furrow_job_t *job = arg;

    if (job->axis0) return furrow_job_feed_tile(job, first, count, 0, job->row_items, buffer, err);
    return furrow_job_feed_items(job, first * job->row_items, count * job->row_items, buffer, NULL, err);
}

/* Whether elements cannot be taken in the order of the files. */
static bool needs_rows(const furrow_job_t *job)
{
    return job->axis0 || (job->sections > 0 && furrow_job_fortran(job) != NULL);
}

static furrow_status_t run_dataset(furrow_job_t *job, furrow_error_t *err)
{
    const int64_t items = furrow_dataset_header(job->dataset)->items, row_bytes = job->row_items * job->size;
    furrow_deal_t deal = {items, job->size, job->piece_bytes / job->size, read_items, work_items, job};

    if (items == 0) return FURROW_OK;
    if (needs_rows(job))
        deal = (furrow_deal_t){job->rows, row_bytes, job->piece_bytes / row_bytes, read_rows, work_rows, job};
    if (deal.piece < 1) deal.piece = 1;
    if (furrow_dataset_on_root(job->dataset)) return furrow_deal_from_root(job->ctx, &deal, err);
    if (job->axis0) return furrow_job_read_columns(job, err);
    if (needs_rows(job)) return furrow_deal_own(job->ctx, &deal, err);
    const furrow_range_t own = furrow_split(items, furrow_context_ranks(job->ctx), furrow_context_rank(job->ctx));
    return furrow_job_feed_items(job, own.start, own.stop - own.start, NULL, furrow_job_fortran(job), err);
}

/* -------------------------------------------------------------- preparation */

/* A shared buffer holds at least this: a row where rows must be whole, else one element. */
static int64_t least_piece(const furrow_job_t *job)
{
    const bool reads_panels = job->axis0 && job->dataset != NULL && !furrow_dataset_on_root(job->dataset);

    if (job->dataset == NULL) return 0;
    return needs_rows(job) && !reads_panels ? job->row_items * job->size : job->size;
}

/* What is left of the memory cap after `fixed` bytes, as far as it serves; an error where it is too little. */
static furrow_status_t plan_memory(furrow_job_t *job, int64_t fixed, int64_t groups, furrow_error_t *err)
{
    const int threads = furrow_context_threads(job->ctx);
    const int64_t have = furrow_context_memory(job->ctx), serves = (INT64_C(16) << 20) * threads;
    int64_t needed;

    if (__builtin_add_overflow(fixed, least_piece(job), &needed)) needed = INT64_MAX;
    if (needed > have)
        return furrow_fail(err, FURROW_EBUDGET,
                           "%" PRId64 " bytes of memory are too few for %" PRId64
                           " results and %d threads: at least %" PRId64 " (%" PRId64 "M) are needed",
                           have, groups, threads, needed, (needed >> 20) + 1);
    job->piece_bytes = furrow_least(have - fixed, serves);
    if (job->piece_bytes < least_piece(job)) job->piece_bytes = least_piece(job);
    return FURROW_OK;
}

static int64_t edges_of(const furrow_plan_t *plan)
{
    return plan->bins == 0 ? 0 : plan->bins + 1;
}

static furrow_status_t prepare(furrow_job_t *job, furrow_error_t *err)
{
    const int threads = furrow_context_threads(job->ctx);
    const int64_t groups = job->axis0 ? job->row_items : 1 + job->sections;
    const int64_t workers = job->axis0 ? furrow_job_column_workers(job) : threads;
    int64_t fixed;
    void *scratch = NULL;

    if (!furrow_multiply(groups + workers, furrow_tally_bytes(job->plan), &fixed) ||
        __builtin_add_overflow(fixed, threads * FURROW_THREAD_BYTES + edges_of(job->plan) * (int64_t)sizeof(double),
                               &fixed))
        fixed = INT64_MAX;
    furrow_status_t status = plan_memory(job, fixed, groups, err);
    if (status == FURROW_OK) status = furrow_tallies_alloc(job->plan, groups, job->groups, err);
    if (status == FURROW_OK) status = furrow_tallies_alloc(job->plan, workers, &job->workers, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(threads, FURROW_THREAD_BYTES, &scratch, err);
    job->scratch = scratch;
    return status;
}

static furrow_status_t make_reduction(furrow_dtype_t dtype, const furrow_reduce_opts_t *opts, furrow_reduction_t **out,
                                      furrow_error_t *err)
{
    void *memory = NULL;

    *out = NULL;
    if (opts == NULL) return furrow_fail(err, FURROW_EARG, "no options given");
    furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status != FURROW_OK) return status;
    *out = memory;
    (*out)->low = opts->low;
    (*out)->high = opts->high;
    return furrow_plan_make(dtype, opts, NULL, &(*out)->plan, err);
}

static furrow_status_t make_edges(furrow_reduction_t *r, furrow_error_t *err)
{
    void *edge = NULL;

    if (r->plan.bins == 0) return FURROW_OK;
    const furrow_status_t status = furrow_alloc(edges_of(&r->plan), sizeof(double), &edge, err);
    if (status == FURROW_OK) furrow_hist_edges(r->low, r->high, r->plan.bins, edge);
    r->edge = edge;
    r->plan.edge = edge;
    return status;
}

/* The whole array is the merge of its sections. */
static void merge_sections(const furrow_job_t *job)
{
    for (int64_t s = 1; s <= job->sections; s++)
        furrow_tally_merge(job->plan, &job->groups->tally[0], &job->groups->tally[s]);
}

static furrow_status_t feed_array(furrow_job_t *job, const furrow_array_t *part, int64_t first_row, furrow_error_t *err)
{
    if (job->axis0) return furrow_job_feed_tile(job, first_row, part->shape[0], 0, job->row_items, part->data, err);
    return furrow_job_feed_items(job, first_row * job->row_items, part->shape[0] * job->row_items, part->data, NULL,
                                 err);
}

static int64_t share_bytes(const furrow_job_t *job, const furrow_array_t *part)
{
    if (part != NULL) return part->shape[0] * job->row_items * job->size;
    return furrow_dataset_header(job->dataset)->bytes / furrow_context_ranks(job->ctx);
}

/* Collective: from settled facts (`status` says how settling them went on this rank) to results on all ranks. `part` is
 * this rank's rows in memory, or NULL for a dataset. Frees what the job holds. */
static furrow_status_t run(furrow_job_t *job, furrow_reduction_t *r, const furrow_array_t *part, int64_t first_row,
                           furrow_status_t status, furrow_reduction_t **out, furrow_error_t *err)
{
    if (status == FURROW_OK) {
        job->plan = &r->plan;
        job->groups = &r->groups;
        status = prepare(job, err);
        if (status == FURROW_OK) status = make_edges(r, err);
    }
    status = furrow_agree(job->ctx, status, err);
    if (status == FURROW_OK) {
        furrow_progress_begin(job->ctx, share_bytes(job, part));
        status = part == NULL ? run_dataset(job, err) : feed_array(job, part, first_row, err);
        if (job->axis0) furrow_job_merge_columns(job);
        merge_sections(job);
        status = furrow_agree(job->ctx, status, err);
    }
    if (status == FURROW_OK) status = furrow_tallies_share(job->ctx, job->plan, job->groups, err);
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
    furrow_job_t job = {.ctx = furrow_dataset_context(dataset), .dataset = dataset};

    furrow_error_clear(err);
    furrow_status_t status = make_reduction(header->dtype, opts, &r, err);
    if (status == FURROW_OK) {
        job.size = furrow_dtype_size(header->dtype);
        job.rows = furrow_dataset_row_count(dataset);
        job.row_items = furrow_dataset_row_items(dataset);
        job.sections = opts->sections;
        job.axis0 = opts->axis0;
        if (job.axis0 && header->ndim == 0)
            status = furrow_fail(err, FURROW_EARG, "a 0-d array has no axis 0");
        else if (needs_rows(&job) && furrow_job_fortran(&job) != NULL && furrow_dataset_is_stream(dataset))
            status = furrow_fail(err, FURROW_EUNSUPPORTED,
                                 "standard input: rows of a Fortran-order array do not come one after the other");
    }
    return run(&job, r, NULL, 0, status, out, err);
}

static furrow_status_t describe_array(const furrow_array_t *part, const furrow_reduce_opts_t *opts, furrow_job_t *job,
                                      furrow_error_t *err)
{
    int64_t bytes;

    if (opts == NULL) return furrow_fail(err, FURROW_EARG, "no options given");
    if (opts->sections != 0) return furrow_fail(err, FURROW_EARG, "an array in memory has no sections");
    if (part == NULL || part->ndim < 1 || part->ndim > FURROW_MAX_NDIM || part->shape[0] < 0)
        return furrow_fail(err, FURROW_EARG, "an array with at least one dimension is needed");
    job->size = furrow_dtype_size(part->dtype);
    job->axis0 = opts->axis0;
    job->rows = part->shape[0];
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
    furrow_job_t job = {.ctx = ctx};
    int64_t first_row = 0;

    furrow_error_clear(err);
    furrow_status_t status = describe_array(part, opts, &job, err);
    if (status == FURROW_OK) status = make_reduction(part->dtype, opts, &r, err);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) {
        status = furrow_array_check_like(ctx, 0, part, err);
        first_row = furrow_sum_of_lower_ranks(ctx, status == FURROW_OK ? part->shape[0] : 0);
    }
    return run(&job, r, part, first_row, status, out, err);
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
