/** \file job.h
 * A run of items that a later run can go on with: rows stand on it. Work layer; every function is collective unless it
 * says otherwise.
 *
 * The job has a name, the path of what it makes. While it runs, and after it was stopped or killed, there are beside
 * that path a ledger, which says what is done, and the unfinished output. When it is done there is the output, and
 * `path`.rejects.csv names the items that failed.
 *
 *     status = furrow_job_open(ctx, &opts, &job, err);
 *     if (status == FURROW_OK) {
 *         status = furrow_job_create_output(job, dtype, ndim, shape, err);
 *         if (status == FURROW_OK) status = furrow_job_run(job, &items, err);
 *         status = furrow_job_finish(job, status, &report, err);
 *     }
 *
 * A verb without an output leaves the second call out; one with another kind of output makes that itself, calls
 * furrow_job_forget() where nothing is left of it, and puts its status into furrow_job_finish().
 */
#ifndef FURROW_JOB_H
#define FURROW_JOB_H

#include "items.h"
#include "status.h"

typedef struct furrow_job furrow_job_t;

/** The text that says which job it is: lines of "what: value". Two runs fit together where their texts are equal. */
typedef struct furrow_job_text furrow_job_text_t;

/** Add to the text, which must end up as whole lines. Local; a failure shows when the job is opened. */
void furrow_job_say(furrow_job_text_t *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Add a line for a file that is read, "what: path" with its size and time. Local. \return FURROW_OK, FURROW_EIO */
FURROW_MUST_CHECK furrow_status_t furrow_job_say_file(furrow_job_text_t *text, const char *what, const char *path,
                                                      furrow_error_t *err);

typedef struct furrow_job_opts {
    const char *command; /* the verb */
    const char *unit;    /* what its items are called, many of them, for messages: "rows" */
    const char *path;    /* of the output */
    int64_t items;
    bool on_root;       /* only rank 0 sees the folder of the output */
    bool resume;        /* go on with an earlier run of the same job, if there is one */
    bool names_rejects; /* the verb itself says what failed: there is no .rejects.csv */
    /* Called on rank 0: say all, besides version, command and path, that the bytes of the output depend on. NULL: no
     * run can go on with this one, and there is no ledger. */
    furrow_status_t (*describe)(void *arg, furrow_job_text_t *text, furrow_error_t *err);
    void *arg;
} furrow_job_opts_t;

/** Begin, or go on: the ledger.
 *
 * \param[in]  opts  borrowed until the job is finished
 * \param[out] out   to be given to furrow_job_finish()
 * \return FURROW_OK, what `describe` and furrow_ledger_open() return */
FURROW_MUST_CHECK furrow_status_t furrow_job_open(furrow_context_t *ctx, const furrow_job_opts_t *opts,
                                                  furrow_job_t **out, furrow_error_t *err);

/** Create the one .npy output, or open the one that is left; errors as furrow_output_create(). */
FURROW_MUST_CHECK furrow_status_t furrow_job_create_output(furrow_job_t *job, furrow_dtype_t dtype, int ndim,
                                                           const int64_t *shape, furrow_error_t *err);

/** That output, to write to; NULL without one. Local. */
furrow_output_t *furrow_job_output(const furrow_job_t *job);

/** What the ledger says is worth nothing any more: all items are to be done. On rank 0 alone. */
FURROW_MUST_CHECK furrow_status_t furrow_job_forget(furrow_job_t *job, furrow_error_t *err);

/** For a verb whose items are not those of the engine: whether item `index` was done by an earlier run, and that it is
 * done now, which outlives this process. On rank 0 alone. */
bool furrow_job_has(const furrow_job_t *job, int64_t index);
FURROW_MUST_CHECK furrow_status_t furrow_job_record(furrow_job_t *job, int64_t index, furrow_error_t *err);

/** Run the items that are not done. `skip`, `output` and `listener` of `items` are the job's;
 * furrow_context_on_progress() hears how far it is. A failed item is a reject and keeps the place that `work` gave it
 * in the output.
 *
 * \return as furrow_items_run(); FURROW_ECANCELED says how many are done */
FURROW_MUST_CHECK furrow_status_t furrow_job_run(furrow_job_t *job, const furrow_items_t *items, furrow_error_t *err);

/** How it went; the same on all ranks but for the list. To be cleared with furrow_job_report_clear(). */
typedef struct furrow_job_report {
    int64_t resumed;  /* done by an earlier run */
    int64_t rejected; /* items that failed */
    int64_t listed;   /* on rank 0: the first of them, at most FURROW_REJECTS_LISTED; elsewhere 0 */
    furrow_reject_t *list;
} furrow_job_report_t;

/** End, in every case, and free the job. `status` is how this rank's own work went.
 *
 * Where all went well the output and the list of rejects appear under their names and the ledger goes. Else what was
 * done is kept for a later run, unless it is nothing.
 *
 * \param[out] report  filled on success; cleared otherwise
 * \return the agreed status */
FURROW_MUST_CHECK furrow_status_t furrow_job_finish(furrow_job_t *job, furrow_status_t status,
                                                    furrow_job_report_t *report, furrow_error_t *err);

/** Local. */
void furrow_job_report_clear(furrow_job_report_t *report);

#endif
