/* Owns the verb on rows: rows are items, whose results go straight into their places of the output. What becomes of a
 * row is an operation's or a user's kernel's. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "job.h"
#include "mem.h"
#include "row_kernel.h"
#include "row_ops.h"
#include "transfer.h"

enum { TOGETHER_BYTES = 1 << 18, FORTRAN_BYTES = 1 << 24 };

typedef struct {
    furrow_context_t *ctx;
    furrow_dataset_t *dataset;
    const furrow_rows_opts_t *opts;
    const char *path;
    furrow_row_kernel_t *kernel; /* on ranks that compute; NULL: an operation */
    furrow_row_plan_t plan;      /* of an operation */
    furrow_row_form_t form;
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
    char text[FURROW_REJECT_TEXT];

    for (int64_t i = 0; i < count; i++) {
        const char *row = in + i * w->row_bytes;
        char *result = out + i * w->out_bytes;
        const char *reason = w->kernel != NULL
                                 ? furrow_row_kernel_compute(w->kernel, first + i, row, result, scratch, text)
                                 : furrow_row_compute(&w->plan, row, result, scratch);
        if (reason == NULL) continue;
        memset(result, 0, (size_t)w->out_bytes);
        furrow_reject(rejects, first + i, reason);
    }
}

static furrow_status_t work(void *arg, int64_t first, int64_t count, int thread, furrow_rejects_t *rejects,
                            furrow_error_t *err)
{
    const work_t *w = arg;
    const int64_t items = w->form.items;
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
    const int64_t items = furrow_dataset_row_items(w->dataset);
    const char *name = furrow_dataset_path(w->dataset, 0);

    if (path == NULL || path[0] == '\0') return furrow_fail(err, FURROW_EARG, "no name for the output");
    if (furrow_dataset_is_stream(w->dataset))
        return furrow_fail(err, FURROW_EUNSUPPORTED, "rows of %s cannot be given out: put them into a file", name);
    if (furrow_dataset_header(w->dataset)->ndim == 0)
        return furrow_fail(err, FURROW_EARG, "%.600s: a 0-d array has no rows", name);
    if (items > INT64_MAX / 256) /* sums of a few sizes of rows stay within int64_t */
        return furrow_fail(err, FURROW_EBUDGET, "rows of %lld elements are too long", (long long)items);
    return FURROW_OK;
}

static furrow_status_t plan_operation(work_t *w, furrow_error_t *err)
{
    const furrow_npy_t *h = furrow_dataset_header(w->dataset);
    const furrow_rows_opts_t *o = w->opts;

    if (o->param_count != 0) return furrow_fail(err, FURROW_EARG, "parameters are for kernels, not for operations");
    furrow_status_t status = furrow_row_plan_make(h->dtype, furrow_dataset_row_items(w->dataset), o, &w->plan, err);
    if (status == FURROW_OK && o->op == FURROW_ROW_DOT && o->with == NULL)
        status = furrow_fail(err, FURROW_EARG, "dot needs the vector to multiply the rows with");
    if (status != FURROW_OK) return status;
    w->form.dtype = w->plan.out;
    w->form.items = w->plan.out_items;
    w->form.scratch_bytes = furrow_row_scratch_bytes(&w->plan);
    if (o->op == FURROW_ROW_TOPK)
        w->form.shape[w->form.ndim++] = o->k;
    else if (furrow_row_gives_row(o->op))
        for (int i = 1; i < h->ndim; i++) w->form.shape[w->form.ndim++] = h->shape[i];
    return FURROW_OK;
}

static furrow_status_t plan_kernel(work_t *w, furrow_error_t *err)
{
    const furrow_rows_opts_t *o = w->opts;

    if (furrow_dataset_on_root(w->dataset) && furrow_context_rank(w->ctx) != 0) return FURROW_OK;
    const furrow_status_t status = furrow_row_kernel_load(o->kernel, furrow_dataset_header(w->dataset), o->params,
                                                          o->param_count, &w->kernel, err);
    if (status == FURROW_OK) w->form = *furrow_row_kernel_form(w->kernel);
    return status;
}

static bool same_form(const furrow_row_form_t *a, const furrow_row_form_t *b)
{
    bool same = a->dtype == b->dtype && a->ndim == b->ndim && a->scratch_bytes == b->scratch_bytes;

    for (int i = 0; i < a->ndim && same; i++) same = a->shape[i] == b->shape[i];
    return same;
}

/* Setup ran on every rank that computes and must have come to the same; the others learn it here. Collective. */
static furrow_status_t share_form(work_t *w, furrow_error_t *err)
{
    const furrow_row_form_t own = w->form;
    furrow_status_t status = FURROW_OK;

    furrow_broadcast(w->ctx, &w->form, sizeof w->form, 0);
    if (w->kernel != NULL && !same_form(&own, &w->form))
        status = furrow_fail(err, FURROW_EMISMATCH, "%.400s: setup gives another dtype or shape than on rank 0",
                             w->opts->kernel);
    return furrow_agree(w->ctx, status, err);
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
    const int64_t column = fortran ? furrow_dtype_size(furrow_dataset_header(w->dataset)->dtype) : 0;
    const int64_t row = w->row_bytes + w->out_bytes + column;
    const int64_t fixed = w->form.scratch_bytes + 3 * 64;

    if (row + fixed > INT64_MAX / threads - w->with_bytes) return fail_budget(w, INT64_MAX, err);
    const int64_t needed = threads * (row + fixed) + w->with_bytes;
    if (needed > memory) return fail_budget(w, needed, err);
    const int64_t wanted = (fortran ? FORTRAN_BYTES : TOGETHER_BYTES) / (row + 1) + 1;
    const int64_t possible = ((memory - w->with_bytes) / threads - fixed) / (row > 0 ? row : 1);
    w->together = furrow_least(furrow_least(wanted, possible), w->rows > 0 ? w->rows : 1);
    w->in_room = whole_lines(w->together * w->row_bytes);
    w->out_room = whole_lines(w->together * w->out_bytes);
    w->thread_bytes = w->in_room + w->out_room + whole_lines(w->form.scratch_bytes);
    return FURROW_OK;
}

static furrow_status_t prepare_sizes(work_t *w, furrow_error_t *err)
{
    const furrow_npy_t *h = furrow_dataset_header(w->dataset);
    const int64_t items = furrow_dataset_row_items(w->dataset);

    w->rows = h->shape[0];
    w->row_bytes = items * furrow_dtype_size(h->dtype);
    w->out_bytes = w->form.items * furrow_dtype_size(w->form.dtype);
    w->with_bytes = w->plan.opts.op == FURROW_ROW_DOT ? 2 * items * furrow_dtype_size(FURROW_F8) : 0;
    w->ndim = 1 + w->form.ndim;
    w->shape[0] = h->shape[0];
    memcpy(w->shape + 1, w->form.shape, (size_t)w->form.ndim * sizeof *w->shape);
    return plan_memory(w, err);
}

/* Collective. */
static furrow_status_t prepare(work_t *w, furrow_error_t *err)
{
    const bool is_kernel = w->opts->kernel != NULL;
    void *buffers = NULL;

    furrow_status_t status = check_dataset(w, w->path, err);
    if (status == FURROW_OK) status = is_kernel ? plan_kernel(w, err) : plan_operation(w, err);
    status = furrow_agree(w->ctx, status, err);
    if (status == FURROW_OK && is_kernel) status = share_form(w, err);
    if (status != FURROW_OK) return status;
    status = prepare_sizes(w, err);
    if (status == FURROW_OK)
        status = furrow_alloc_buffer(furrow_context_threads(w->ctx), w->thread_bytes, &buffers, err);
    w->buffers = buffers;
    return furrow_agree(w->ctx, status, err);
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

static furrow_status_t describe_kernel(const work_t *w, furrow_job_text_t *text, furrow_error_t *err)
{
    const furrow_status_t status = furrow_job_say_file(text, "kernel", furrow_row_kernel_library(w->kernel), err);

    furrow_job_say(text, "function: %s\n", furrow_row_kernel_function(w->kernel));
    for (int64_t i = 0; i < w->opts->param_count; i++) furrow_job_say(text, "parameter: %s\n", w->opts->params[i]);
    return status;
}

static furrow_status_t describe_operation(const work_t *w, furrow_job_text_t *text, furrow_error_t *err)
{
    const furrow_rows_opts_t *o = w->opts;

    furrow_job_say(text, "operation: %s\nddof: %" PRId64 "\nk: %" PRId64 "\n", furrow_row_op_name(o->op), o->ddof,
                   o->k);
    return o->op == FURROW_ROW_DOT ? furrow_job_say_file(text, "with", o->with, err) : FURROW_OK;
}

/* All that the bytes of the output depend on. */
static furrow_status_t describe(void *arg, furrow_job_text_t *text, furrow_error_t *err)
{
    const work_t *w = arg;
    furrow_status_t status = w->kernel != NULL ? describe_kernel(w, text, err) : describe_operation(w, text, err);
    const char *name;

    furrow_job_say(text, "dtype: %s\nshape:", furrow_dtype_name(w->form.dtype));
    for (int i = 0; i < w->ndim; i++) furrow_job_say(text, " %" PRId64, w->shape[i]);
    furrow_job_say(text, "\n");
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

    const furrow_status_t status = furrow_job_create_output(w->job, w->form.dtype, w->ndim, w->shape, err);
    return status == FURROW_OK ? furrow_job_run(w->job, &items, err) : status;
}

static furrow_status_t run_job(work_t *w, furrow_rows_report_t *report, furrow_error_t *err)
{
    const furrow_job_opts_t opts = {.command = "rows",
                                    .unit = "rows",
                                    .path = w->path,
                                    .items = w->rows,
                                    .on_root = furrow_dataset_on_root(w->dataset),
                                    .resume = w->opts->resume,
                                    .describe = describe,
                                    .arg = w};
    furrow_job_report_t r;

    furrow_status_t status = furrow_job_open(w->ctx, &opts, &w->job, err);
    if (status != FURROW_OK) return status;
    status = furrow_job_finish(w->job, run(w, err), &r, err);
    if (status != FURROW_OK) return status;
    *report = (furrow_rows_report_t){.dtype = w->form.dtype,
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
    work_t w = {.ctx = furrow_dataset_context(dataset), .dataset = dataset, .opts = opts, .path = path};
    furrow_error_t scratch;

    if (err == NULL) err = &scratch; /* the text must exist to be shared */
    furrow_error_clear(err);
    *report = (furrow_rows_report_t){0};
    furrow_status_t status = prepare(&w, err);
    if (status == FURROW_OK && w.plan.opts.op == FURROW_ROW_DOT) status = load_with(&w, opts->with, err);
    if (status == FURROW_OK) status = run_job(&w, report, err);
    furrow_row_kernel_free(w.kernel);
    free(w.buffers);
    free(w.with);
    return status;
}

void furrow_rows_report_free(furrow_rows_report_t *report)
{
    free(report->list);
    *report = (furrow_rows_report_t){0};
}
