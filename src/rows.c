/* Owns the verb on rows: rows are items of a job, whose results go straight into their places of the output. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "job.h"
#include "row_work.h"

typedef struct {
    furrow_row_work_t work;
    int ndim; /* of the output */
    int64_t shape[FURROW_MAX_NDIM];
} rows_t;

/* --------------------------------------------------------------------- job */

static furrow_status_t describe_kernel(const furrow_rows_opts_t *o, furrow_job_text_t *text, furrow_error_t *err)
{
    const char *function;
    char *library;

    furrow_status_t status = furrow_row_kernel_names(o->kernel, &library, &function, err);
    if (status != FURROW_OK) return status;
    status = furrow_job_say_file(text, "kernel", library, err);
    furrow_job_say(text, "function: %s\n", function);
    for (int64_t i = 0; i < o->param_count; i++) furrow_job_say(text, "parameter: %s\n", o->params[i]);
    free(library);
    return status;
}

static furrow_status_t describe_operation(const furrow_rows_opts_t *o, furrow_job_text_t *text, furrow_error_t *err)
{
    furrow_job_say(text, "operation: %s\nddof: %" PRId64 "\nk: %" PRId64 "\n", furrow_row_op_name(o->op), o->ddof,
                   o->k);
    return o->op == FURROW_ROW_DOT ? furrow_job_say_file(text, "with", o->with, err) : FURROW_OK;
}

/* All that the bytes of the output depend on. */
static furrow_status_t describe(void *arg, furrow_job_text_t *text, furrow_error_t *err)
{
    const rows_t *r = arg;
    const furrow_rows_opts_t *o = r->work.opts;
    furrow_status_t status = o->kernel != NULL ? describe_kernel(o, text, err) : describe_operation(o, text, err);
    const char *name;

    furrow_job_say(text, "dtype: %s\nshape:", furrow_dtype_name(r->work.form.dtype));
    for (int i = 0; i < r->ndim; i++) furrow_job_say(text, " %" PRId64, r->shape[i]);
    furrow_job_say(text, "\n");
    for (int64_t f = 0; status == FURROW_OK && (name = furrow_dataset_path(r->work.dataset, f)) != NULL; f++)
        status = furrow_job_say_file(text, "input", name, err);
    return status;
}

/* Collective. */
static furrow_status_t compute(rows_t *r, furrow_job_t *job, furrow_error_t *err)
{
    furrow_row_work_t *w = &r->work;
    const furrow_items_t items = furrow_row_work_items(w);

    const furrow_status_t status = furrow_job_create_output(job, w->form.dtype, r->ndim, r->shape, err);
    w->output = furrow_job_output(job);
    return status == FURROW_OK ? furrow_job_run(job, &items, err) : status;
}

static void fill_report(const rows_t *r, const furrow_job_report_t *job, furrow_rows_report_t *report)
{
    *report = (furrow_rows_report_t){.dtype = r->work.form.dtype,
                                     .ndim = r->ndim,
                                     .rows = r->work.rows,
                                     .resumed = job->resumed,
                                     .rejected = job->rejected,
                                     .listed = job->listed,
                                     .list = job->list};
    memcpy(report->shape, r->shape, sizeof report->shape);
}

static furrow_status_t run(rows_t *r, furrow_rows_report_t *report, furrow_error_t *err)
{
    const furrow_row_work_t *w = &r->work;
    const furrow_job_opts_t opts = {.command = "rows",
                                    .unit = "rows",
                                    .path = w->path,
                                    .items = w->rows,
                                    .on_root = furrow_dataset_on_root(w->dataset),
                                    .resume = w->opts->resume,
                                    .describe = furrow_dataset_is_stream(w->dataset) ? NULL : describe,
                                    .arg = r};
    furrow_job_report_t of_job;
    furrow_job_t *job;

    r->ndim = 1 + w->form.ndim;
    r->shape[0] = w->rows;
    memcpy(r->shape + 1, w->form.shape, (size_t)w->form.ndim * sizeof *r->shape);
    furrow_status_t status = furrow_job_open(w->ctx, &opts, &job, err);
    if (status == FURROW_OK) status = furrow_job_finish(job, compute(r, job, err), &of_job, err);
    if (status == FURROW_OK) fill_report(r, &of_job, report);
    return status;
}

furrow_status_t furrow_rows(furrow_dataset_t *dataset, const furrow_rows_opts_t *opts, const char *path,
                            furrow_rows_report_t *report, furrow_error_t *err)
{
    furrow_context_t *ctx = furrow_dataset_context(dataset);
    rows_t r = {.work = {.ctx = ctx, .dataset = dataset, .opts = opts, .path = path}};
    furrow_error_t scratch;

    if (err == NULL) err = &scratch; /* the text must exist to be shared */
    furrow_error_clear(err);
    *report = (furrow_rows_report_t){0};
    const bool named = path != NULL && path[0] != '\0';
    furrow_status_t status = named ? FURROW_OK : furrow_fail(err, FURROW_EARG, "no name for the output");
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) status = furrow_row_work_open(&r.work, err);
    if (status == FURROW_OK) status = run(&r, report, err);
    const furrow_status_t closed = furrow_row_work_close(&r.work, status == FURROW_OK ? err : NULL);
    if (status == FURROW_OK) status = furrow_agree(ctx, closed, err);
    if (status != FURROW_OK) furrow_rows_report_free(report);
    return status;
}

void furrow_rows_report_free(furrow_rows_report_t *report)
{
    free(report->list);
    *report = (furrow_rows_report_t){0};
}
