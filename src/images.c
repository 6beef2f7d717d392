/* Owns the verb on images: images are items, whose pictures go straight into their places of the output. What is known
 * of each goes into the notes; from them rank 0 makes manifest, report and statistics, also of what an earlier run
 * did. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images_report.h"
#include "images_work.h"
#include "items.h"
#include "job.h"
#include "listing.h"
#include "manifest.h"
#include "mem.h"
#include "numbered_name.h"
#include "progress.h"
#include "transfer.h"

typedef struct {
    furrow_context_t *ctx;
    furrow_images_plan_t plan;
    bool is_root, works;
    furrow_images_worker_t *worker; /* [threads] */
    furrow_labels_t *labels;        /* rank 0, or NULL */
    furrow_images_report_t report;
    furrow_pixel_stats_t stats; /* rank 0: of all */
    /* of the file that is being written: */
    const char *path;
    int64_t first, count; /* its images */
    furrow_job_t *job;
    furrow_notes_t *notes; /* rank 0 */
    int64_t finished;      /* without a file: done or rejected */
} run_t;

/* -------------------------------------------------------------------- work */

/* Where the next picture goes: into a slot of which nothing is being written any more. */
static furrow_status_t next_slot(const run_t *run, int64_t index, furrow_images_worker_t *w, furrow_made_t *made,
                                 void **out, furrow_error_t *err)
{
    w->now = run->plan.direct ? 1 - w->now : 0;
    furrow_images_slot_t *slot = &w->slot[w->now];

    *out = slot->data;
    if (run->job == NULL) return FURROW_OK;
    *out = furrow_output_place(furrow_job_output(run->job), index * run->plan.slot_items, slot->data);
    return furrow_put_wait(made, slot->mark, err);
}

static furrow_status_t put(const run_t *run, int64_t index, furrow_images_worker_t *w, const void *picture,
                           const furrow_note_t *note, furrow_made_t *made, furrow_error_t *err)
{
    if (run->job == NULL) return FURROW_OK;
    const furrow_status_t status = furrow_put_from(made, index, 1, picture, &w->slot[w->now].mark, err);
    return status == FURROW_OK ? furrow_keep(made, index, note, err) : status;
}

/* On rank 0: the notes, before the ledger says that their images are done. */
static furrow_status_t keep(void *arg, int64_t first, int64_t count, const void *kept, furrow_error_t *err)
{
    return furrow_notes_write(((run_t *)arg)->notes, first, count, kept, err);
}

static furrow_status_t work(void *arg, int64_t first, int64_t count, int thread, furrow_made_t *made,
                            furrow_error_t *err)
{
    run_t *run = arg;
    furrow_images_worker_t *w = &run->worker[thread];
    furrow_status_t status = FURROW_OK;
    furrow_note_t note;
    void *picture;

    for (int64_t i = first; i < first + count && status == FURROW_OK; i++) {
        furrow_pulse_at(furrow_pulse_mine(), i, 1);
        status = next_slot(run, i, w, made, &picture, err);
        if (status == FURROW_OK)
            status = furrow_images_load(w, furrow_images_at(&run->plan, run->first + i), picture, &note, err);
        if (status == FURROW_OK) status = put(run, i, w, picture, &note, made, err);
        if (status == FURROW_OK && note.state == FURROW_NOTE_REJECTED)
            furrow_reject(made, i, run->job != NULL ? "rejected" : note.text);
        furrow_pulse_done(furrow_pulse_mine());
    }
    return status;
}

static furrow_status_t open_workers(run_t *run, furrow_error_t *err)
{
    const int threads = furrow_context_threads(run->ctx);
    void *memory = NULL;

    furrow_status_t status = furrow_alloc(threads, sizeof *run->worker, &memory, err);
    run->worker = memory;
    for (int t = 0; t < threads && status == FURROW_OK && run->works; t++)
        status = furrow_images_worker_open(&run->plan, run->plan.direct ? 2 : 1, &run->worker[t], err);
    return furrow_agree(run->ctx, status, err);
}

static void close_workers(run_t *run)
{
    for (int t = 0; run->worker != NULL && t < furrow_context_threads(run->ctx); t++)
        furrow_images_worker_close(&run->worker[t]);
    free(run->worker);
}

/* --------------------------------------------------------------------- job */

/* FNV-1a, 64 bits, over the names in their order. */
static uint64_t hash_names(const run_t *run)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (int64_t i = 0; i < run->count; i++) {
        const char *name = furrow_images_name(&run->plan, run->first + i);
        do hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
        while (*name++ != '\0');
    }
    return hash;
}

/* All that the bytes of the output depend on, and what the notes must hold. */
static furrow_status_t describe(void *arg, furrow_job_text_t *text, furrow_error_t *err)
{
    const run_t *run = arg;
    const furrow_image_opts_t *o = &run->plan.image;

    furrow_job_say(text, "images: %" PRId64 ", names hash %016" PRIx64 "\n", run->count, hash_names(run));
    furrow_job_say(text, "dtype: %s\nshape: %" PRId64 " %" PRId64 " %" PRId64 "\nsize: %" PRId64 " %" PRId64 "\n",
                   furrow_dtype_name(o->dtype), run->plan.shape[0], run->plan.shape[1], run->plan.shape[2], o->height,
                   o->width);
    furrow_job_say(text, "fit: %d\nfilter: %d\ncolor: %d\nlayout: %d\norientation: %d\nfull decode: %d\n", (int)o->fit,
                   (int)o->filter, (int)o->color, (int)o->layout, (int)!o->ignore_orientation, (int)o->full_decode);
    furrow_job_say(text, "mean: %a %a %a\nstd: %a %a %a\n", (double)o->mean[0], (double)o->mean[1], (double)o->mean[2],
                   (double)o->std[0], (double)o->std[1], (double)o->std[2]);
    furrow_job_say(text, "batch: %" PRId64 "\n", run->plan.opts.batch);
    furrow_job_say(text, "keep damaged: %d\nmax pixels: %" PRId64 "\nstatistics: %d\n", (int)o->keep_damaged,
                   o->max_pixels, (int)run->plan.opts.stats);
    return run->plan.opts.labels == NULL ? FURROW_OK : furrow_job_say_file(text, "labels", run->plan.opts.labels, err);
}

/* An image that was changed after it was read would make the output a mixture. */
static furrow_status_t check_unchanged(const run_t *run, furrow_error_t *err)
{
    furrow_note_t note;
    struct stat facts;
    furrow_status_t status = FURROW_OK;

    for (int64_t i = 0; i < run->count && status == FURROW_OK; i++) {
        const char *name = furrow_images_name(&run->plan, run->first + i);
        status = furrow_notes_read(run->notes, i, 1, &note, err);
        furrow_pulse_done(furrow_pulse_mine());
        (void)furrow_share_pulse(run->ctx); /* the other ranks wait */
        if (status != FURROW_OK || note.state != FURROW_NOTE_DONE || stat(name, &facts) != 0) continue;
        if (note.file_bytes != facts.st_size ||
            note.file_time != facts.st_mtim.tv_sec * INT64_C(1000000000) + facts.st_mtim.tv_nsec)
            return furrow_fail(err, FURROW_EMISMATCH,
                               "%.600s: has changed since an earlier run read it; begin afresh, without resume", name);
    }
    return status;
}

static furrow_status_t open_notes(run_t *run, furrow_error_t *err)
{
    bool found;

    if (!run->is_root) return FURROW_OK;
    const furrow_status_t status =
        furrow_notes_open(run->path, run->count, run->plan.opts.resume, &found, &run->notes, err);
    if (status != FURROW_OK) return status;
    return found ? check_unchanged(run, err) : furrow_job_forget(run->job, err);
}

static furrow_status_t run_job(run_t *run, furrow_error_t *err)
{
    const int64_t shape[] = {run->count, run->plan.shape[0], run->plan.shape[1], run->plan.shape[2]};
    const furrow_items_t items = {.count = run->count,
                                  .on_root = run->plan.on_root,
                                  .noun = "image",
                                  .work = work,
                                  .arg = run,
                                  .output_items = run->plan.slot_items,
                                  .direct = run->plan.direct,
                                  .kept_bytes = sizeof(furrow_note_t),
                                  .keep = keep};

    furrow_status_t status = furrow_job_create_output(run->job, run->plan.image.dtype, 4, shape, err);
    if (status == FURROW_OK) status = furrow_agree(run->ctx, open_notes(run, err), err);
    if (status == FURROW_OK) status = furrow_job_run(run->job, &items, err);
    return status;
}

/* Rank 0, when all images are done: what stands beside the output. */
static furrow_status_t write_beside(run_t *run, furrow_error_t *err)
{
    furrow_status_t status =
        furrow_images_report_notes(&run->report, &run->plan, run->first, run->count, run->notes, &run->stats, err);
    if (status == FURROW_OK)
        status = furrow_manifest_write(&run->plan, run->path, run->first, run->count, run->notes, run->labels, err);
    if (status == FURROW_OK)
        status = furrow_labels_write(&run->plan, run->path, run->first, run->count, run->labels, err);
    return status;
}

/* One file. Collective. */
static furrow_status_t run_file(run_t *run, const char *path, int64_t first, int64_t count, furrow_error_t *err)
{
    furrow_job_report_t report;

    run->path = path;
    run->first = first;
    run->count = count;
    const furrow_job_opts_t opts = {.command = "images",
                                    .unit = "images",
                                    .path = path,
                                    .items = count,
                                    .on_root = run->plan.on_root,
                                    .resume = run->plan.opts.resume,
                                    .names_rejects = true,
                                    .describe = describe,
                                    .arg = run};
    furrow_status_t status = furrow_job_open(run->ctx, &opts, &run->job, err);
    if (status != FURROW_OK) return status;
    status = run_job(run, err);
    if (status == FURROW_OK && run->is_root) status = write_beside(run, err);
    status = furrow_job_finish(run->job, status, &report, err);
    run->report.resumed += report.resumed;
    run->report.files++;
    run->job = NULL;
    furrow_notes_close(run->notes, status != FURROW_OK);
    run->notes = NULL;
    furrow_job_report_clear(&report);
    return status;
}

/* ----------------------------------------------------------------- batches */

/* True on all ranks if an earlier run has finished that file. */
static bool is_there(run_t *run, const furrow_job_t *files, const char *path, int64_t file)
{
    bool there = run->is_root && furrow_job_has(files, file) && access(path, F_OK) == 0;

    furrow_broadcast(run->ctx, &there, sizeof there, 0);
    return there;
}

/* A file with rejects is done again by a later run, and so are all where their statistics are wanted. */
static furrow_status_t run_batch(run_t *run, furrow_job_t *files, const char *pattern, int64_t file,
                                 furrow_error_t *err)
{
    const int64_t first = file * run->plan.opts.batch, rejected = run->report.rejected;
    const int64_t count = furrow_least(run->plan.opts.batch, run->plan.count - first);
    char *path;

    furrow_status_t status = furrow_agree(run->ctx, furrow_numbered_name(pattern, file, &path, err), err);
    if (status == FURROW_OK && is_there(run, files, path, file)) {
        run->report.resumed += count;
        run->report.files++;
    } else if (status == FURROW_OK) {
        status = run_file(run, path, first, count, err);
        if (status == FURROW_OK && run->is_root && run->report.rejected == rejected && !run->plan.opts.stats)
            status = furrow_job_record(files, file, err);
        status = furrow_agree(run->ctx, status, err);
    }
    free(path);
    return status;
}

/* One file after the other, each a job; which of them are done is a job too. Collective. */
static furrow_status_t run_batches(run_t *run, const char *pattern, furrow_error_t *err)
{
    const int64_t count = (run->plan.count - 1) / run->plan.opts.batch + 1;
    const furrow_job_opts_t opts = {.command = "images",
                                    .unit = "files",
                                    .path = pattern,
                                    .items = count,
                                    .on_root = run->plan.on_root,
                                    .resume = run->plan.opts.resume,
                                    .names_rejects = true,
                                    .describe = describe,
                                    .arg = run};
    furrow_job_report_t report;
    furrow_job_t *files;

    run->first = 0;
    run->count = run->plan.count;
    furrow_status_t status = furrow_job_open(run->ctx, &opts, &files, err);
    if (status != FURROW_OK) return status;
    for (int64_t file = 0; file < count && status == FURROW_OK; file++)
        status = run_batch(run, files, pattern, file, err);
    status = furrow_job_finish(files, status, &report, err);
    furrow_job_report_clear(&report);
    return status;
}

/* ------------------------------------------------------------ without a file */

static furrow_status_t on_done(void *arg, int64_t first, int64_t count, furrow_error_t *err)
{
    (void)first, (void)err;
    ((run_t *)arg)->finished += count;
    return FURROW_OK;
}

static furrow_status_t on_reject(void *arg, int64_t index, const char *text, furrow_error_t *err)
{
    run_t *run = arg;

    run->finished++;
    return furrow_images_report_reject(&run->report, index, furrow_images_at(&run->plan, index), text, err);
}

static furrow_status_t on_tick(void *arg, furrow_error_t *err)
{
    const run_t *run = arg;
    const furrow_progress_report_t report = {
        .unit = "images", .done = run->finished, .total = run->count, .rejected = run->report.rejected};

    (void)err;
    furrow_progress_tell(run->ctx, &report);
    return FURROW_OK;
}

static int by_index(const void *a, const void *b)
{
    const int64_t x = ((const furrow_image_reject_t *)a)->index, y = ((const furrow_image_reject_t *)b)->index;

    return (x > y) - (x < y);
}

/* The pixels are counted, no more. Collective. */
static furrow_status_t run_stats(run_t *run, furrow_error_t *err)
{
    const furrow_items_t items = {.count = run->plan.count,
                                  .on_root = run->plan.on_root,
                                  .noun = "image",
                                  .work = work,
                                  .arg = run,
                                  .listener = {on_done, on_reject, on_tick, run}};

    run->count = run->plan.count;
    const furrow_status_t status = furrow_items_run(run->ctx, &items, err);
    if (status != FURROW_OK) return status;
    for (int t = 0; t < furrow_context_threads(run->ctx); t++)
        furrow_pixel_stats_merge(&run->stats, &run->worker[t].stats);
    furrow_sum_int64(run->ctx, (int64_t *)(void *)&run->stats, sizeof run->stats / sizeof(int64_t));
    if (run->report.list != NULL)
        qsort(run->report.list, (size_t)run->report.listed, sizeof *run->report.list, by_index);
    return status;
}

/* --------------------------------------------------------------------- run */

static furrow_status_t open_labels(run_t *run, const furrow_images_opts_t *opts, const furrow_listing_t *listing,
                                   furrow_error_t *err)
{
    const furrow_labels_opts_t labels = {opts->labels, opts->label_key, opts->label_columns,
                                         furrow_context_memory(run->ctx) / 4};
    furrow_status_t status = FURROW_OK;

    if (run->is_root && opts->labels != NULL) status = furrow_labels_open(&labels, listing, &run->labels, err);
    return furrow_agree(run->ctx, status, err);
}

static furrow_status_t check(const furrow_images_opts_t *opts, const char *path, furrow_error_t *err)
{
    if (path == NULL && !opts->stats) return furrow_fail(err, FURROW_EARG, "neither an output nor statistics wanted");
    if (path != NULL && path[0] == '\0') return furrow_fail(err, FURROW_EARG, "no name for the output");
    if (path == NULL || opts->batch <= 0) return FURROW_OK;
    char *name;
    const furrow_status_t status = furrow_numbered_name(path, 0, &name, err);
    free(name);
    return status;
}

/* When all is written nothing may fail any more. Collective. */
static void fill_report(run_t *run)
{
    furrow_images_report_t *r = &run->report;
    const bool interleaved = run->plan.image.layout == FURROW_NHWC;

    r->images = r->shape[0] = run->plan.count;
    r->dtype = run->plan.image.dtype;
    memcpy(r->shape + 1, run->plan.shape, sizeof run->plan.shape);
    r->channels = run->plan.opts.stats ? (int)run->plan.shape[interleaved ? 2 : 0] : 0;
    for (int c = 0; c < r->channels; c++)
        furrow_pixel_stats_value(&run->stats, c, r->dtype == FURROW_F4, &r->mean[c], &r->std[c]);
    furrow_images_report_share(run->ctx, r);
}

static furrow_status_t run_all(run_t *run, const char *path, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    if (run->labels != NULL) status = furrow_images_report_labels(&run->report, &run->plan, run->labels, err);
    status = furrow_agree(run->ctx, status, err);
    if (status == FURROW_OK) status = open_workers(run, err);
    if (status != FURROW_OK) return status;
    if (path == NULL)
        status = run_stats(run, err);
    else if (run->plan.opts.batch > 0)
        status = run_batches(run, path, err);
    else
        status = run_file(run, path, 0, run->plan.count, err);
    if (status == FURROW_OK) fill_report(run);
    return status;
}

furrow_status_t furrow_images(furrow_context_t *ctx, const furrow_listing_t *listing, const furrow_images_opts_t *opts,
                              const char *path, furrow_images_report_t *report, furrow_error_t *err)
{
    run_t run = {.ctx = ctx, .is_root = furrow_context_rank(ctx) == 0};

    *report = (furrow_images_report_t){0};
    furrow_error_clear(err);
    furrow_status_t status = furrow_agree(ctx, check(opts, path, err), err);
    run.works = run.is_root || opts->source != FURROW_SOURCE_ROOT;
    if (status == FURROW_OK) status = open_labels(&run, opts, listing, err);
    const int64_t reserved = run.labels == NULL ? 0 : furrow_labels_bytes(run.labels);
    if (status == FURROW_OK) status = furrow_images_plan_make(ctx, listing, opts, path, reserved, &run.plan, err);
    if (status == FURROW_OK) status = run_all(&run, path, err);
    close_workers(&run);
    furrow_images_plan_close(&run.plan);
    furrow_labels_free(run.labels);
    if (status == FURROW_OK)
        *report = run.report;
    else
        furrow_images_report_free(&run.report);
    return status;
}
