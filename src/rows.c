/* Owns the verb on rows: rows are items, whose results go straight into their places of the output. Rank 0 keeps the
 * ledger: what it records stands in the output before. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dataset.h"
#include "file.h"
#include "items.h"
#include "ledger.h"
#include "mem.h"
#include "output.h"
#include "progress.h"
#include "row_ops.h"
#include "row_rejects.h"
#include "transfer.h"

enum { TOGETHER_BYTES = 1 << 18, FORTRAN_BYTES = 1 << 24 };

typedef struct {
    furrow_context_t *ctx;
    furrow_dataset_t *dataset;
    const char *path;
    furrow_row_plan_t plan;
    bool is_root;
    int64_t rows, row_bytes, out_bytes;
    int ndim; /* of the output */
    int64_t shape[FURROW_MAX_NDIM];
    void *with; /* DOT */
    int64_t with_bytes;
    int64_t together; /* rows read and written at a time */
    int64_t in_room, out_room, thread_bytes;
    char *buffers; /* [threads][thread_bytes]: rows, results, scratch */
    furrow_output_t *output;
    /* rank 0: */
    char *job_text;
    furrow_ledger_t *ledger;
    furrow_ranges_t done; /* by an earlier run */
    int64_t resumed, finished;
    furrow_reject_list_t rejects;
} job_t;

static int64_t whole_lines(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* -------------------------------------------------------------------- work */

/* The results of consecutive rows; a rejected one is zero. */
static void compute(const job_t *job, int64_t first, int64_t count, const char *in, char *out, char *scratch,
                    furrow_rejects_t *rejects)
{
    for (int64_t i = 0; i < count; i++) {
        char *result = out + i * job->out_bytes;
        const char *reason = furrow_row_compute(&job->plan, in + i * job->row_bytes, result, scratch);
        if (reason == NULL) continue;
        memset(result, 0, (size_t)job->out_bytes);
        furrow_reject(rejects, first + i, reason);
    }
}

static furrow_status_t work(void *arg, int64_t first, int64_t count, int thread, furrow_rejects_t *rejects,
                            furrow_error_t *err)
{
    const job_t *job = arg;
    const int64_t items = job->plan.out_items;
    char *in = job->buffers + thread * job->thread_bytes, *out = in + job->in_room, *scratch = out + job->out_room;
    furrow_status_t status = FURROW_OK;

    for (int64_t at = 0; at < count && status == FURROW_OK; at += job->together) {
        const int64_t now = furrow_least(job->together, count - at);
        status = furrow_dataset_read(job->dataset, first + at, now, in, err);
        if (status != FURROW_OK) break;
        compute(job, first + at, now, in, out, scratch, rejects);
        status = furrow_output_write(job->output, (first + at) * items, now * items, out, err);
    }
    return status;
}

/* --------------------------------------------------------------- listening */

/* Shares of ranks count as equal: see furrow_progress_fn. */
static void tell_progress(const job_t *job)
{
    const furrow_progress_t *p = furrow_context_progress(job->ctx);
    const int64_t ranks = furrow_context_ranks(job->ctx);

    if (p->tell != NULL) p->tell(p->arg, job->finished * job->row_bytes / ranks, job->rows * job->row_bytes / ranks);
}

static furrow_status_t on_done(void *arg, int64_t first, int64_t count, furrow_error_t *err)
{
    job_t *job = arg;

    job->finished += count;
    tell_progress(job);
    return furrow_ledger_add(job->ledger, first, count, err);
}

static furrow_status_t on_tick(void *arg, furrow_error_t *err)
{
    return furrow_ledger_flush_if_due(((job_t *)arg)->ledger, err);
}

static furrow_status_t on_reject(void *arg, int64_t row, const char *text, furrow_error_t *err)
{
    job_t *job = arg;

    return furrow_reject_list_add(&job->rejects, row, text, err);
}

/* -------------------------------------------------------------------- plan */

static furrow_status_t check_dataset(const job_t *job, const char *path, furrow_error_t *err)
{
    const char *name = furrow_dataset_path(job->dataset, 0);

    if (path == NULL || path[0] == '\0') return furrow_fail(err, FURROW_EARG, "no name for the output");
    if (furrow_dataset_is_stream(job->dataset))
        return furrow_fail(err, FURROW_EUNSUPPORTED, "rows of %s cannot be given out: put them into a file", name);
    if (furrow_dataset_header(job->dataset)->ndim == 0)
        return furrow_fail(err, FURROW_EARG, "%.600s: a 0-d array has no rows", name);
    return FURROW_OK;
}

/* The rows' lengths are those of the input, of k, or none. */
static void choose_shape(job_t *job)
{
    const furrow_npy_t *h = furrow_dataset_header(job->dataset);

    job->ndim = 1;
    job->shape[0] = h->shape[0];
    if (job->plan.opts.op == FURROW_ROW_TOPK)
        job->shape[job->ndim++] = job->plan.opts.k;
    else if (furrow_row_gives_row(job->plan.opts.op))
        for (int i = 1; i < h->ndim; i++) job->shape[job->ndim++] = h->shape[i];
}

static furrow_status_t fail_budget(const job_t *job, int64_t needed, furrow_error_t *err)
{
    return furrow_fail(err, FURROW_EBUDGET,
                       "%lld bytes of memory are too few for %d threads: at least %lld (%lldM) are needed",
                       (long long)furrow_context_memory(job->ctx), furrow_context_threads(job->ctx), (long long)needed,
                       (long long)(needed >> 20) + 1);
}

/* How many rows at a time: enough to make a read worth while, few enough to stay in the cache. Fortran order is read
 * column by column: there many rows count more. */
static furrow_status_t plan_memory(job_t *job, furrow_error_t *err)
{
    const int64_t threads = furrow_context_threads(job->ctx), memory = furrow_context_memory(job->ctx);
    const bool fortran = furrow_dataset_header(job->dataset)->fortran_order;
    const int64_t column = fortran ? furrow_dtype_size(job->plan.in) : 0;
    const int64_t row = job->row_bytes + job->out_bytes + column;
    const int64_t fixed = furrow_row_scratch_bytes(&job->plan) + 2 * 64;

    if (row + fixed > INT64_MAX / threads - job->with_bytes) return fail_budget(job, INT64_MAX, err);
    const int64_t needed = threads * (row + fixed) + job->with_bytes;
    if (needed > memory) return fail_budget(job, needed, err);
    const int64_t wanted = (fortran ? FORTRAN_BYTES : TOGETHER_BYTES) / (row + 1) + 1;
    const int64_t possible = ((memory - job->with_bytes) / threads - fixed) / (row > 0 ? row : 1);
    job->together = furrow_least(furrow_least(wanted, possible), job->rows > 0 ? job->rows : 1);
    job->in_room = whole_lines(job->together * job->row_bytes);
    job->out_room = whole_lines(job->together * job->out_bytes);
    job->thread_bytes = job->in_room + job->out_room + whole_lines(furrow_row_scratch_bytes(&job->plan));
    return FURROW_OK;
}

static furrow_status_t prepare(job_t *job, const furrow_rows_opts_t *opts, furrow_error_t *err)
{
    const furrow_npy_t *h = furrow_dataset_header(job->dataset);
    const int64_t items = furrow_dataset_row_items(job->dataset);

    furrow_status_t status = check_dataset(job, job->path, err);
    if (status == FURROW_OK) status = furrow_row_plan_make(h->dtype, items, opts, &job->plan, err);
    if (status == FURROW_OK && opts->op == FURROW_ROW_DOT && opts->with == NULL)
        status = furrow_fail(err, FURROW_EARG, "dot needs the vector to multiply the rows with");
    if (status == FURROW_OK && items > INT64_MAX / 64)
        status = furrow_fail(err, FURROW_EBUDGET, "rows of %lld elements are too long", (long long)items);
    if (status != FURROW_OK) return status;
    job->rows = h->shape[0];
    job->row_bytes = items * furrow_dtype_size(h->dtype);
    job->out_bytes = job->plan.out_items * furrow_dtype_size(job->plan.out);
    job->with_bytes = opts->op == FURROW_ROW_DOT ? 2 * items * furrow_dtype_size(FURROW_F8) : 0;
    choose_shape(job);
    return plan_memory(job, err);
}

/* The operand of dot, as kernels see it. Collective. */
static furrow_status_t load_with(job_t *job, const char *name, furrow_error_t *err)
{
    const bool on_root = furrow_dataset_on_root(job->dataset), reads = job->is_root || !on_root;
    furrow_dataset_t *d = NULL;
    void *plain = NULL;

    furrow_status_t status =
        furrow_dataset_open(job->ctx, &name, 1, on_root ? FURROW_SOURCE_ROOT : FURROW_SOURCE_SHARED, &d, err);
    if (status != FURROW_OK) return status;
    const furrow_npy_t *h = furrow_dataset_header(d);
    if (furrow_dataset_is_stream(d))
        status = furrow_fail(err, FURROW_EUNSUPPORTED, "the vector for dot cannot be standard input");
    else if (h->dtype != job->plan.in || h->items != job->plan.items)
        status = furrow_fail(err, FURROW_EMISMATCH, "%.400s: %lld elements of %s; the rows have %lld of %s", name,
                             (long long)h->items, furrow_dtype_name(h->dtype), (long long)job->plan.items,
                             furrow_dtype_name(job->plan.in));
    if (status == FURROW_OK) status = furrow_alloc(job->plan.items, 8, &plain, err);
    if (status == FURROW_OK) status = furrow_alloc(job->plan.items, 8, &job->with, err);
    if (status == FURROW_OK && reads) {
        status = furrow_dataset_read(d, 0, furrow_dataset_row_count(d), plain, err);
        job->plan.with = furrow_row_prepare(&job->plan, plain, job->with);
        if (job->plan.with == plain) { /* nothing to convert: keep that one */
            free(job->with);
            job->with = plain;
            plain = NULL;
        }
    }
    free(plain);
    furrow_dataset_free(d);
    return furrow_agree(job->ctx, status, err);
}

/* ------------------------------------------------------------------ ledger */

/* A text that grows; after a failure it is NULL. */
static void append(char **text, size_t *used, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void append(char **text, size_t *used, const char *format, ...)
{
    va_list args;
    char *line = NULL;

    if (*text == NULL) return;
    va_start(args, format);
    const int length = vasprintf(&line, format, args);
    va_end(args);
    char *larger = length < 0 ? NULL : realloc(*text, *used + (size_t)length + 1);
    if (larger == NULL)
        free(*text);
    else
        memcpy(larger + *used, line, (size_t)length + 1);
    *text = larger;
    if (length >= 0) {
        *used += (size_t)length;
        free(line);
    }
}

static furrow_status_t append_input(char **text, size_t *used, const char *what, const char *path, furrow_error_t *err)
{
    struct stat facts;

    if (stat(path, &facts) != 0) return furrow_fail_errno(err, path, "open");
    append(text, used, "%s: %s, %lld bytes, changed at %lld.%09ld\n", what, path, (long long)facts.st_size,
           (long long)facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
    return FURROW_OK;
}

/* All that the bytes of the output depend on. */
static furrow_status_t describe_job(job_t *job, furrow_error_t *err)
{
    const furrow_rows_opts_t *o = &job->plan.opts;
    const char *slash = strrchr(job->path, '/'), *name;
    furrow_status_t status = FURROW_OK;
    size_t used = 0;
    char *text = calloc(1, 1);

    append(&text, &used, "furrow: %s\ncommand: rows\noutput: %s\noperation: %s\nddof: %" PRId64 "\nk: %" PRId64 "\n",
           furrow_version(), slash == NULL ? job->path : slash + 1, furrow_row_op_name(o->op), o->ddof, o->k);
    append(&text, &used, "dtype: %s\nshape:", furrow_dtype_name(job->plan.out));
    for (int i = 0; i < job->ndim; i++) append(&text, &used, " %" PRId64, job->shape[i]);
    append(&text, &used, "\n");
    if (o->op == FURROW_ROW_DOT) status = append_input(&text, &used, "with", o->with, err);
    for (int64_t f = 0; status == FURROW_OK && (name = furrow_dataset_path(job->dataset, f)) != NULL; f++)
        status = append_input(&text, &used, "input", name, err);
    job->job_text = text;
    return status == FURROW_OK && text == NULL ? furrow_fail(err, FURROW_ENOMEM, "out of memory for a ledger") : status;
}

/* Rank 0: the ledger, and what it says is done. */
static furrow_status_t open_ledger(job_t *job, furrow_error_t *err)
{
    furrow_status_t status = describe_job(job, err);

    if (status != FURROW_OK) return status;
    char *name = furrow_file_name_beside(job->path, ".furrow-ledger");
    if (name == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for the name of the ledger");
    status = furrow_ledger_open(name, job->job_text, job->plan.opts.resume, &job->done, &job->ledger, err);
    free(name);
    job->finished = furrow_ranges_total(&job->done);
    return status;
}

/* What the ledger says is worth nothing without the unfinished output. Collective. */
static furrow_status_t create_output(job_t *job, furrow_error_t *err)
{
    const bool resume = furrow_ranges_total(&job->done) > 0;
    bool found;

    furrow_status_t status =
        furrow_output_create_resumable(job->ctx, furrow_dataset_on_root(job->dataset), job->path, job->plan.out,
                                       job->ndim, job->shape, resume, &found, &job->output, err);
    if (status != FURROW_OK || !job->is_root) return status;
    if (resume && !found) {
        furrow_ranges_free(&job->done);
        job->finished = 0;
        return furrow_ledger_restart(job->ledger, job->job_text, err);
    }
    return FURROW_OK;
}

/* -------------------------------------------------------------------- rows */

static furrow_status_t run(job_t *job, furrow_error_t *err)
{
    const bool fortran = furrow_dataset_header(job->dataset)->fortran_order;
    const int64_t workers = (int64_t)furrow_context_ranks(job->ctx) * furrow_context_threads(job->ctx);
    const furrow_items_t items = {.count = job->rows,
                                  .chunk = fortran ? furrow_least(job->together, job->rows / (4 * workers) + 1) : 0,
                                  .on_root = furrow_dataset_on_root(job->dataset),
                                  .skip = &job->done,
                                  .work = work,
                                  .arg = job,
                                  .listener = {on_done, on_reject, on_tick, job}};

    job->resumed = job->finished;
    const furrow_status_t status = furrow_items_run(job->ctx, &items, err);
    if (status != FURROW_ECANCELED) return status;
    (void)furrow_fail(err, status, "stopped on request: %lld of %lld rows are done", (long long)job->finished,
                      (long long)job->rows);
    return furrow_agree(job->ctx, status, err);
}

/* Rank 0, when the rows are done or will not be: what was done is kept for later, unless it is nothing. */
static furrow_status_t settle(job_t *job, furrow_status_t status, furrow_error_t *err)
{
    if (status == FURROW_OK) status = furrow_reject_list_write(&job->rejects, job->path, err);
    if (job->finished == 0) return status;
    (void)!furrow_ledger_flush(job->ledger, NULL); /* what it says already stays true */
    furrow_output_keep(job->output);
    return status;
}

static furrow_status_t finish(job_t *job, furrow_status_t status, furrow_error_t *err)
{
    if (job->is_root) status = settle(job, status, err);
    status = furrow_output_commit(job->output, status, err);
    job->output = NULL;
    if (status == FURROW_OK) job->finished = 0; /* nothing to go on with */
    return status;
}

static furrow_status_t fill_report(job_t *job, furrow_rows_report_t *report, furrow_error_t *err)
{
    int64_t counts[] = {job->resumed, job->rejects.count};
    const int64_t listed = furrow_least(job->rejects.count, FURROW_REJECTS_LISTED);
    void *list = NULL;

    furrow_reject_list_sort(&job->rejects);
    furrow_broadcast(job->ctx, counts, sizeof counts, 0);
    *report = (furrow_rows_report_t){.dtype = job->plan.out,
                                     .ndim = job->ndim,
                                     .rows = job->rows,
                                     .resumed = counts[0],
                                     .rejected = counts[1],
                                     .listed = listed};
    memcpy(report->shape, job->shape, sizeof report->shape);
    const furrow_status_t status = furrow_alloc(listed, sizeof *report->list, &list, err);
    if (status == FURROW_OK) report->list = list;
    for (int64_t i = 0; i < listed && status == FURROW_OK; i++) {
        report->list[i].row = job->rejects.entry[i].row;
        (void)snprintf(report->list[i].text, sizeof report->list->text, "%s", job->rejects.entry[i].text);
    }
    return furrow_agree(job->ctx, status, err);
}

static void job_free(job_t *job)
{
    furrow_ledger_close(job->ledger, job->finished == 0);
    furrow_ranges_free(&job->done);
    furrow_reject_list_free(&job->rejects);
    free(job->job_text);
    free(job->buffers);
    free(job->with);
}

furrow_status_t furrow_rows(furrow_dataset_t *dataset, const furrow_rows_opts_t *opts, const char *path,
                            furrow_rows_report_t *report, furrow_error_t *err)
{
    furrow_context_t *ctx = furrow_dataset_context(dataset);
    job_t job = {.ctx = ctx, .dataset = dataset, .path = path, .is_root = furrow_context_rank(ctx) == 0};
    furrow_error_t scratch;
    void *buffers = NULL;

    if (err == NULL) err = &scratch; /* the text must exist to be shared */
    furrow_error_clear(err);
    *report = (furrow_rows_report_t){0};
    furrow_status_t status = prepare(&job, opts, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(furrow_context_threads(ctx), job.thread_bytes, &buffers, err);
    job.buffers = buffers;
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK && opts->op == FURROW_ROW_DOT) status = load_with(&job, opts->with, err);
    if (status == FURROW_OK && job.is_root) status = open_ledger(&job, err);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) status = create_output(&job, err);
    if (job.output != NULL) {
        status = furrow_agree(ctx, status, err);
        if (status == FURROW_OK) status = run(&job, err);
        if (status == FURROW_OK) status = fill_report(&job, report, err);
        status = finish(&job, status, err);
        if (status != FURROW_OK) furrow_rows_report_free(report);
    }
    job_free(&job);
    return status;
}

void furrow_rows_report_free(furrow_rows_report_t *report)
{
    free(report->list);
    *report = (furrow_rows_report_t){0};
}
