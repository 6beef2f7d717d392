/* Owns what makes a run of items resumable. Rank 0 keeps the ledger: what it records stands in the output before. */
#include "job.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "ledger.h"
#include "mem.h"
#include "output.h"
#include "progress.h"
#include "reject_list.h"
#include "transfer.h"

struct furrow_job_text {
    char *text; /* NULL after a failure */
    size_t used;
};

struct furrow_job {
    furrow_context_t *ctx;
    furrow_job_opts_t opts;
    bool is_root;
    furrow_output_t *output;
    /* rank 0: */
    furrow_job_text_t text;
    furrow_ledger_t *ledger;
    furrow_ranges_t done; /* by an earlier run */
    int64_t resumed, finished;
    furrow_reject_list_t rejects;
};

/* -------------------------------------------------------------------- text */

void furrow_job_say(furrow_job_text_t *t, const char *format, ...)
{
    va_list args;
    char *more = NULL;

    if (t->text == NULL) return;
    va_start(args, format);
    const int length = vasprintf(&more, format, args);
    va_end(args);
    char *larger = length < 0 ? NULL : realloc(t->text, t->used + (size_t)length + 1);
    if (larger == NULL)
        free(t->text);
    else
        memcpy(larger + t->used, more, (size_t)length + 1);
    t->text = larger;
    if (length >= 0) {
        t->used += (size_t)length;
        free(more);
    }
}

furrow_status_t furrow_job_say_file(furrow_job_text_t *text, const char *what, const char *path, furrow_error_t *err)
{
    struct stat facts;

    if (stat(path, &facts) != 0) return furrow_fail_errno(err, path, "open");
    furrow_job_say(text, "%s: %s, %lld bytes, changed at %lld.%09ld\n", what, path, (long long)facts.st_size,
                   (long long)facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
    return FURROW_OK;
}

static furrow_status_t describe(furrow_job_t *job, furrow_error_t *err)
{
    const char *slash = strrchr(job->opts.path, '/');

    job->text.text = calloc(1, 1);
    furrow_job_say(&job->text, "furrow: %s\ncommand: %s\noutput: %s\n", furrow_version(), job->opts.command,
                   slash == NULL ? job->opts.path : slash + 1);
    const furrow_status_t status = job->opts.describe(job->opts.arg, &job->text, err);
    if (status != FURROW_OK || job->text.text != NULL) return status;
    return furrow_fail(err, FURROW_ENOMEM, "out of memory for a ledger");
}

/* -------------------------------------------------------------------- open */

/* Rank 0: the ledger, and what it says is done. */
static furrow_status_t open_ledger(furrow_job_t *job, const furrow_boot_t *boots, furrow_error_t *err)
{
    furrow_status_t status = describe(job, err);

    if (status != FURROW_OK) return status;
    char *name = furrow_file_name_beside(job->opts.path, ".furrow-ledger");
    if (name == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for the name of the ledger");
    status = furrow_ledger_open(name, job->text.text, job->opts.resume, boots, furrow_context_ranks(job->ctx),
                                &job->done, &job->ledger, err);
    free(name);
    job->finished = furrow_ranges_total(&job->done);
    return status;
}

static void job_free(furrow_job_t *job)
{
    if (job == NULL) return;
    furrow_ledger_close(job->ledger, job->finished == 0);
    furrow_ranges_free(&job->done);
    furrow_reject_list_free(&job->rejects);
    free(job->text.text);
    free(job);
}

/* Collective: of all ranks. */
static furrow_status_t gather_boots(furrow_context_t *ctx, furrow_boot_t **boots, furrow_error_t *err)
{
    const int64_t ranks = furrow_context_ranks(ctx);
    const furrow_boot_t own = furrow_boot();
    void *memory = NULL, *halves = NULL;

    furrow_status_t status = furrow_alloc(ranks, sizeof own, &memory, err);
    if (status == FURROW_OK) status = furrow_alloc(ranks, sizeof(int64_t), &halves, err);
    status = furrow_agree(ctx, status, err);
    *boots = memory;
    for (int half = 0; half < 2 && status == FURROW_OK; half++) {
        furrow_gather_int64(ctx, (int64_t)own.half[half], halves);
        for (int64_t r = 0; r < ranks; r++) (*boots)[r].half[half] = (uint64_t)((int64_t *)halves)[r];
    }
    free(halves);
    return status;
}

furrow_status_t furrow_job_open(furrow_context_t *ctx, const furrow_job_opts_t *opts, furrow_job_t **out,
                                furrow_error_t *err)
{
    furrow_boot_t *boots = NULL;
    void *memory = NULL;

    *out = NULL;
    furrow_status_t status = opts->describe == NULL ? FURROW_OK : gather_boots(ctx, &boots, err);
    if (status == FURROW_OK) status = furrow_alloc(1, sizeof **out, &memory, err);
    furrow_job_t *job = memory;
    if (status == FURROW_OK) {
        *job = (furrow_job_t){.ctx = ctx, .opts = *opts, .is_root = furrow_context_rank(ctx) == 0};
        if (job->is_root && opts->describe != NULL) status = open_ledger(job, boots, err);
    }
    free(boots);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK)
        *out = job;
    else
        job_free(job);
    return status;
}

furrow_status_t furrow_job_forget(furrow_job_t *job, furrow_error_t *err)
{
    furrow_ranges_free(&job->done);
    job->finished = 0;
    return furrow_ledger_restart(job->ledger, job->text.text, err);
}

bool furrow_job_has(const furrow_job_t *job, int64_t index)
{
    const furrow_range_t gap = furrow_ranges_gap(&job->done, index, index + 1);

    return gap.start == gap.stop;
}

furrow_status_t furrow_job_record(furrow_job_t *job, int64_t index, furrow_error_t *err)
{
    const furrow_status_t status = furrow_ledger_add(job->ledger, index, 1, err);

    job->finished++;
    return status == FURROW_OK ? furrow_ledger_settle(job->ledger, err) : status;
}

/* What the ledger says is worth nothing without the unfinished output. */
furrow_status_t furrow_job_create_output(furrow_job_t *job, furrow_dtype_t dtype, int ndim, const int64_t *shape,
                                         furrow_error_t *err)
{
    const bool resume = furrow_ranges_total(&job->done) > 0;
    bool found;

    if (job->opts.describe == NULL)
        return (job->opts.on_root ? furrow_output_create_on_root : furrow_output_create)(
            job->ctx, job->opts.path, dtype, ndim, shape, &job->output, err);
    furrow_status_t status = furrow_output_create_resumable(job->ctx, job->opts.on_root, job->opts.path, dtype, ndim,
                                                            shape, resume, &found, &job->output, err);
    if (status != FURROW_OK) return status;
    if (resume && !found) status = furrow_job_forget(job, err);
    return furrow_agree(job->ctx, status, err);
}

furrow_output_t *furrow_job_output(const furrow_job_t *job)
{
    return job->output;
}

/* --------------------------------------------------------------- listening */

static furrow_status_t on_done(void *arg, int64_t first, int64_t count, furrow_error_t *err)
{
    furrow_job_t *job = arg;

    job->finished += count;
    return job->ledger == NULL ? FURROW_OK : furrow_ledger_add(job->ledger, first, count, err);
}

static furrow_status_t on_reject(void *arg, int64_t index, const char *text, furrow_error_t *err)
{
    furrow_job_t *job = arg;

    return furrow_reject_list_add(&job->rejects, index, text, err);
}

static furrow_status_t on_tick(void *arg, furrow_error_t *err)
{
    const furrow_job_t *job = arg;
    const furrow_progress_report_t report = {.unit = job->opts.unit,
                                             .done = job->finished + job->rejects.count,
                                             .total = job->opts.items,
                                             .resumed = job->resumed,
                                             .rejected = job->rejects.count};

    furrow_progress_tell(job->ctx, &report);
    return job->ledger == NULL ? FURROW_OK : furrow_ledger_flush_if_due(job->ledger, err);
}

furrow_status_t furrow_job_run(furrow_job_t *job, const furrow_items_t *items, furrow_error_t *err)
{
    furrow_items_t ours = *items;

    ours.skip = &job->done;
    ours.output = job->output;
    ours.listener = (furrow_items_listener_t){on_done, on_reject, on_tick, job};
    job->resumed = job->finished;
    const furrow_status_t status = furrow_items_run(job->ctx, &ours, err);
    if (status != FURROW_ECANCELED) return status;
    (void)furrow_fail(err, status, "stopped on request: %lld of %lld %s are done", (long long)job->finished,
                      (long long)job->opts.items, job->opts.unit);
    return furrow_agree(job->ctx, status, err);
}

/* ------------------------------------------------------------------ finish */

static furrow_status_t fill_report(furrow_job_t *job, furrow_job_report_t *report, furrow_error_t *err)
{
    int64_t counts[] = {job->resumed, job->rejects.count};
    const int64_t listed = furrow_least(job->rejects.count, FURROW_REJECTS_LISTED);
    void *list = NULL;

    furrow_reject_list_sort(&job->rejects);
    furrow_broadcast(job->ctx, counts, sizeof counts, 0);
    const furrow_status_t status = furrow_alloc(listed, sizeof *report->list, &list, err);
    *report = (furrow_job_report_t){counts[0], counts[1], status == FURROW_OK ? listed : 0, list};
    for (int64_t i = 0; i < report->listed; i++) {
        report->list[i].index = job->rejects.entry[i].index;
        (void)snprintf(report->list[i].text, sizeof report->list->text, "%s", job->rejects.entry[i].text);
    }
    return furrow_agree(job->ctx, status, err);
}

/* Rank 0, when the items are done or will not be. */
static furrow_status_t write_list(furrow_job_t *job, furrow_status_t status, furrow_error_t *err)
{
    if (status != FURROW_OK || job->opts.names_rejects) return status;
    return furrow_reject_list_write(&job->rejects, job->opts.path, err);
}

/* What was done is kept for later, unless it is nothing, or some of it did not get to the disk: a later run would
 * believe the ledger. */
static furrow_status_t settle(furrow_job_t *job, furrow_status_t status, furrow_error_t *err)
{
    const bool stays = status == FURROW_OK || job->opts.describe != NULL; /* or may; else it is removed */
    furrow_error_t lost;

    if (job->is_root) status = write_list(job, status, err);
    const furrow_status_t synced = stays ? furrow_output_sync(job->output, &lost) : FURROW_OK;
    if (synced != FURROW_OK) job->finished = 0;
    if (job->is_root && job->finished > 0 && job->ledger != NULL) {
        furrow_output_keep(job->output);
        if (status != FURROW_OK) (void)!furrow_ledger_settle(job->ledger, NULL);
    }
    if (status != FURROW_OK || synced == FURROW_OK) return status;
    if (err != NULL) *err = lost;
    return synced;
}

furrow_status_t furrow_job_finish(furrow_job_t *job, furrow_status_t status, furrow_job_report_t *report,
                                  furrow_error_t *err)
{
    *report = (furrow_job_report_t){0};
    status = furrow_agree(job->ctx, status, err);
    if (status == FURROW_OK) status = fill_report(job, report, err);
    if (job->output != NULL)
        status = furrow_output_publish(job->output, settle(job, status, err), err);
    else
        status = furrow_agree(job->ctx, job->is_root ? write_list(job, status, err) : status, err);
    if (status == FURROW_OK) {
        job->finished = 0; /* nothing to go on with */
    } else {
        furrow_job_report_clear(report);
        if (job->ledger != NULL) (void)!furrow_ledger_flush(job->ledger, NULL); /* what it says already stays true */
    }
    job_free(job);
    return status;
}

void furrow_job_report_clear(furrow_job_report_t *report)
{
    free(report->list);
    *report = (furrow_job_report_t){0};
}
