/* Owns the verb on rows: rows are items, whose results go straight into their places of the output. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "job.h"
#include "mem.h"
#include "row_ops.h"

enum { TOGETHER_BYTES = 1 << 18, FORTRAN_BYTES = 1 << 24 };

typedef struct {
    furrow_context_t *ctx;
    furrow_dataset_t *dataset;
    const char *path;
    furrow_row_plan_t plan;
    int64_t rows, row_bytes, out_bytes;
    int ndim; /* of the output */
    int64_t shape[FURROW_MAX_NDIM];
    void *with; /* DOT */
    int64_t with_bytes;
    int64_t together; /* rows read and written at a time */
    int64_t in_room, out_room, thread_bytes;
    char *buffers; /* [threads][thread_bytes]: rows, results, scratch */
    furrow_job_t *job;
} work_t;

static int64_t whole_lines(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* -------------------------------------------------------------------- work */

/* The results of consecutive rows; a rejected one is zero. */
static void compute(const work_t *w, int64_t first, int64_t count, const char *in, char *out, char *scratch,
                    furrow_rejects_t *rejects)
{
    for (int64_t i = 0; i < count; i++) {
        char *result = out + i * w->out_bytes;
        const char *reason = furrow_row_compute(&w->plan, in + i * w->row_bytes, result, scratch);
        if (reason == NULL) continue;
        memset(result, 0, (size_t)w->out_bytes);
        furrow_reject(rejects, first + i, reason);
    }
}

static furrow_status_t work(void *arg, int64_t first, int64_t count, int thread, furrow_rejects_t *rejects,
                            furrow_error_t *err)
{
    const work_t *w = arg;
    const int64_t items = w->plan.out_items;
    char *in = w->buffers + thread * w->thread_bytes, *out = in + w->in_room, *scratch = out + w->out_room;
    furrow_status_t status = FURROW_OK;

    for (int64_t at = 0; at < count && status == FURROW_OK; at += w->together) {
        const int64_t now = furrow_least(w->together, count - at);
        status = furrow_dataset_read(w->dataset, first + at, now, in, err);
        if (status != FURROW_OK) break;
        compute(w, first + at, now, in, out, scratch, rejects);
        status = furrow_output_write(furrow_job_output(w->job), (first + at) * items, now * items, out, err);
    }
    return status;
}

/* -------------------------------------------------------------------- plan */

static furrow_status_t check_dataset(const work_t *w, const char *path, furrow_error_t *err)
{
    const char *name = furrow_dataset_path(w->dataset, 0);

    if (path == NULL || path[0] == '\0') return furrow_fail(err, FURROW_EARG, "no name for the output");
    if (furrow_dataset_is_stream(w->dataset))
        return furrow_fail(err, FURROW_EUNSUPPORTED, "rows of %s cannot be given out: put them into a file", name);
    if (furrow_dataset_header(w->dataset)->ndim == 0)
        return furrow_fail(err, FURROW_EARG, "%.600s: a 0-d array has no rows", name);
    return FURROW_OK;
}

/* The rows' lengths are those of the input, of k, or none. */
static void choose_shape(work_t *w)
{
    const furrow_npy_t *h = furrow_dataset_header(w->dataset);

    w->ndim = 1;
    w->shape[0] = h->shape[0];
    if (w->plan.opts.op == FURROW_ROW_TOPK)
        w->shape[w->ndim++] = w->plan.opts.k;
    else if (furrow_row_gives_row(w->plan.opts.op))
        for (int i = 1; i < h->ndim; i++) w->shape[w->ndim++] = h->shape[i];
}

static furrow_status_t fail_budget(const work_t *w, int64_t needed, furrow_error_t *err)
{
    return furrow_fail(err, FURROW_EBUDGET,
                       "%lld bytes of memory are too few for %d threads: at least %lld (%lldM) are needed",
                       (long long)furrow_context_memory(w->ctx), furrow_context_threads(w->ctx), (long long)needed,
                       (long long)(needed >> 20) + 1);
}

/* How many rows at a time: enough to make a read worth while, few enough to stay in the cache. Fortran order is read
 * column by column: there many rows count more. */
static furrow_status_t plan_memory(work_t *w, furrow_error_t *err)
{
    const int64_t threads = furrow_context_threads(w->ctx), memory = furrow_context_memory(w->ctx);
    const bool fortran = furrow_dataset_header(w->dataset)->fortran_order;
    const int64_t column = fortran ? furrow_dtype_size(w->plan.in) : 0;
    const int64_t row = w->row_bytes + w->out_bytes + column;
    const int64_t fixed = furrow_row_scratch_bytes(&w->plan) + 2 * 64;

    if (row + fixed > INT64_MAX / threads - w->with_bytes) return fail_budget(w, INT64_MAX, err);
    const int64_t needed = threads * (row + fixed) + w->with_bytes;
    if (needed > memory) return fail_budget(w, needed, err);
    const int64_t wanted = (fortran ? FORTRAN_BYTES : TOGETHER_BYTES) / (row + 1) + 1;
    const int64_t possible = ((memory - w->with_bytes) / threads - fixed) / (row > 0 ? row : 1);
    w->together = furrow_least(furrow_least(wanted, possible), w->rows > 0 ? w->rows : 1);
    w->in_room = whole_lines(w->together * w->row_bytes);
    w->out_room = whole_lines(w->together * w->out_bytes);
    w->thread_bytes = w->in_room + w->out_room + whole_lines(furrow_row_scratch_bytes(&w->plan));
    return FURROW_OK;
}

static furrow_status_t prepare(work_t *w, const furrow_rows_opts_t *opts, furrow_error_t *err)
{
    const furrow_npy_t *h = furrow_dataset_header(w->dataset);
    const int64_t items = furrow_dataset_row_items(w->dataset);

    furrow_status_t status = check_dataset(w, w->path, err);
    if (status == FURROW_OK) status = furrow_row_plan_make(h->dtype, items, opts, &w->plan, err);
    if (status == FURROW_OK && opts->op == FURROW_ROW_DOT && opts->with == NULL)
        status = furrow_fail(err, FURROW_EARG, "dot needs the vector to multiply the rows with");
    if (status == FURROW_OK && items > INT64_MAX / 64)
        status = furrow_fail(err, FURROW_EBUDGET, "rows of %lld elements are too long", (long long)items);
    if (status != FURROW_OK) return status;
    w->rows = h->shape[0];
    w->row_bytes = items * furrow_dtype_size(h->dtype);
    w->out_bytes = w->plan.out_items * furrow_dtype_size(w->plan.out);
    w->with_bytes = opts->op == FURROW_ROW_DOT ? 2 * items * furrow_dtype_size(FURROW_F8) : 0;
    choose_shape(w);
    return plan_memory(w, err);
}

/* The operand of dot, as kernels see it. Collective. */
static furrow_status_t load_with(work_t *w, const char *name, furrow_error_t *err)
{
    const bool on_root = furrow_dataset_on_root(w->dataset), reads = furrow_context_rank(w->ctx) == 0 || !on_root;
    furrow_dataset_t *d = NULL;
    void *plain = NULL;

    furrow_status_t status =
        furrow_dataset_open(w->ctx, &name, 1, on_root ? FURROW_SOURCE_ROOT : FURROW_SOURCE_SHARED, &d, err);
    if (status != FURROW_OK) return status;
    const furrow_npy_t *h = furrow_dataset_header(d);
    if (furrow_dataset_is_stream(d))
        status = furrow_fail(err, FURROW_EUNSUPPORTED, "the vector for dot cannot be standard input");
    else if (h->dtype != w->plan.in || h->items != w->plan.items)
        status = furrow_fail(err, FURROW_EMISMATCH, "%.400s: %lld elements of %s; the rows have %lld of %s", name,
                             (long long)h->items, furrow_dtype_name(h->dtype), (long long)w->plan.items,
                             furrow_dtype_name(w->plan.in));
    if (status == FURROW_OK) status = furrow_alloc(w->plan.items, 8, &plain, err);
    if (status == FURROW_OK) status = furrow_alloc(w->plan.items, 8, &w->with, err);
    if (status == FURROW_OK && reads) {
        status = furrow_dataset_read(d, 0, furrow_dataset_row_count(d), plain, err);
        w->plan.with = furrow_row_prepare(&w->plan, plain, w->with);
        if (w->plan.with == plain) { /* nothing to convert: keep that one */
            free(w->with);
            w->with = plain;
            plain = NULL;
        }
    }
    free(plain);
    furrow_dataset_free(d);
    return furrow_agree(w->ctx, status, err);
}

/* -------------------------------------------------------------------- job */

/* All that the bytes of the output depend on. */
static furrow_status_t describe(void *arg, furrow_job_text_t *text, furrow_error_t *err)
{
    const work_t *w = arg;
    const furrow_rows_opts_t *o = &w->plan.opts;
    furrow_status_t status = FURROW_OK;
    const char *name;

    furrow_job_say(text,
                   "operation: %s\nddof: %" PRId64 "\nk: %" PRId64 "\ndtype: %s\nshape:", furrow_row_op_name(o->op),
                   o->ddof, o->k, furrow_dtype_name(w->plan.out));
    for (int i = 0; i < w->ndim; i++) furrow_job_say(text, " %" PRId64, w->shape[i]);
    furrow_job_say(text, "\n");
    if (o->op == FURROW_ROW_DOT) status = furrow_job_say_file(text, "with", o->with, err);
    for (int64_t f = 0; status == FURROW_OK && (name = furrow_dataset_path(w->dataset, f)) != NULL; f++)
        status = furrow_job_say_file(text, "input", name, err);
    return status;
}

/* Collective. */
static furrow_status_t run(work_t *w, furrow_error_t *err)
{
    const bool fortran = furrow_dataset_header(w->dataset)->fortran_order;
    const int64_t workers = (int64_t)furrow_context_ranks(w->ctx) * furrow_context_threads(w->ctx);
    const furrow_items_t items = {.count = w->rows,
                                  .chunk = fortran ? furrow_least(w->together, w->rows / (4 * workers) + 1) : 0,
                                  .on_root = furrow_dataset_on_root(w->dataset),
                                  .work = work,
                                  .arg = w};

    const furrow_status_t status = furrow_job_create_output(w->job, w->plan.out, w->ndim, w->shape, err);
    return status == FURROW_OK ? furrow_job_run(w->job, &items, err) : status;
}

static furrow_status_t run_job(work_t *w, furrow_rows_report_t *report, furrow_error_t *err)
{
    const furrow_job_opts_t opts = {.command = "rows",
                                    .unit = "rows",
                                    .path = w->path,
                                    .items = w->rows,
                                    .on_root = furrow_dataset_on_root(w->dataset),
                                    .resume = w->plan.opts.resume,
                                    .describe = describe,
                                    .arg = w};
    furrow_job_report_t r;

    furrow_status_t status = furrow_job_open(w->ctx, &opts, &w->job, err);
    if (status != FURROW_OK) return status;
    status = furrow_job_finish(w->job, run(w, err), &r, err);
    if (status != FURROW_OK) return status;
    *report = (furrow_rows_report_t){.dtype = w->plan.out,
                                     .ndim = w->ndim,
                                     .rows = w->rows,
                                     .resumed = r.resumed,
                                     .rejected = r.rejected,
                                     .listed = r.listed,
                                     .list = r.list};
    memcpy(report->shape, w->shape, sizeof report->shape);
    return FURROW_OK;
}

furrow_status_t furrow_rows(furrow_dataset_t *dataset, const furrow_rows_opts_t *opts, const char *path,
                            furrow_rows_report_t *report, furrow_error_t *err)
{
    furrow_context_t *ctx = furrow_dataset_context(dataset);
    work_t w = {.ctx = ctx, .dataset = dataset, .path = path};
    furrow_error_t scratch;
    void *buffers = NULL;

    if (err == NULL) err = &scratch; /* the text must exist to be shared */
    furrow_error_clear(err);
    *report = (furrow_rows_report_t){0};
    furrow_status_t status = prepare(&w, opts, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(furrow_context_threads(ctx), w.thread_bytes, &buffers, err);
    w.buffers = buffers;
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK && opts->op == FURROW_ROW_DOT) status = load_with(&w, opts->with, err);
    if (status == FURROW_OK) status = run_job(&w, report, err);
    free(w.buffers);
    free(w.with);
    return status;
}

void furrow_rows_report_free(furrow_rows_report_t *report)
{
    free(report->list);
    *report = (furrow_rows_report_t){0};
}
