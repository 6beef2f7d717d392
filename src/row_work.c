/* Owns what threads do with rows: read them, compute, write the results to their places. A row is computed by an
 * operation (row_ops.h), by a user's kernel (row_kernel.h), or by that in a process of its own (row_child.h). */
#include "row_work.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "dataset.h"
#include "mem.h"
#include "pulse.h"
#include "transfer.h"

enum { TOGETHER_BYTES = 1 << 19, FORTRAN_BYTES = 1 << 24, DEALT_BYTES = 1 << 22 };

static bool is_fortran(const furrow_row_work_t *w)
{
    return furrow_dataset_header(w->dataset)->fortran_order;
}

/* ------------------------------------------------------------------- kernel */

static bool same_form(const furrow_row_form_t *a, const furrow_row_form_t *b)
{
    bool same = a->dtype == b->dtype && a->ndim == b->ndim && a->scratch_bytes == b->scratch_bytes;

    for (int i = 0; i < a->ndim && same; i++) same = a->shape[i] == b->shape[i];
    return same;
}

/* With isolation no code of the user runs in this process, not even setup. The first thread's child is there to ask. */
static furrow_status_t plan_kernel(furrow_row_work_t *w, furrow_error_t *err)
{
    const furrow_npy_t *h = furrow_dataset_header(w->dataset);
    const furrow_rows_opts_t *o = w->opts;

    if (o->isolate) return furrow_row_child_open(o, h, &w->form, &w->desk[0].child, err);
    const furrow_status_t status = furrow_row_kernel_load(o->kernel, h, o->params, o->param_count, &w->kernel, err);
    if (status == FURROW_OK) w->form = *furrow_row_kernel_form(w->kernel);
    return status;
}

static furrow_status_t fail_form(const furrow_row_work_t *w, furrow_error_t *err)
{
    return furrow_fail(err, FURROW_EMISMATCH, "%.400s: setup gives another dtype or shape than %s", w->opts->kernel,
                       furrow_context_rank(w->ctx) == 0 ? "before" : "on rank 0");
}

/* Setup ran on every rank, and must have come to the same. Collective. */
static furrow_status_t compare_forms(const furrow_row_work_t *w, furrow_error_t *err)
{
    furrow_row_form_t first = w->form;

    furrow_broadcast(w->ctx, &first, sizeof first, 0);
    const furrow_status_t status = same_form(&w->form, &first) ? FURROW_OK : fail_form(w, err);
    return furrow_agree(w->ctx, status, err);
}

/* ---------------------------------------------------------------- operation */

static furrow_status_t plan_operation(furrow_row_work_t *w, furrow_error_t *err)
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

static furrow_status_t check_with(const furrow_row_work_t *w, const furrow_dataset_t *d, furrow_error_t *err)
{
    const furrow_npy_t *h = furrow_dataset_header(d);

    if (furrow_dataset_is_stream(d))
        return furrow_fail(err, FURROW_EUNSUPPORTED, "the vector for dot cannot be standard input");
    if (h->dtype == w->plan.in && h->items == w->plan.items) return FURROW_OK;
    return furrow_fail(err, FURROW_EMISMATCH, "%.400s: %lld elements of %s; the rows have %lld of %s",
                       furrow_dataset_path(d, 0), (long long)h->items, furrow_dtype_name(h->dtype),
                       (long long)w->plan.items, furrow_dtype_name(w->plan.in));
}

/* The operand of dot, as kernels see it. Collective. */
static furrow_status_t load_with(furrow_row_work_t *w, const char *name, furrow_error_t *err)
{
    const bool on_root = furrow_dataset_on_root(w->dataset), reads = furrow_context_rank(w->ctx) == 0 || !on_root;
    furrow_dataset_t *d = NULL;
    void *plain = NULL;

    furrow_status_t status =
        furrow_dataset_open(w->ctx, &name, 1, on_root ? FURROW_SOURCE_ROOT : FURROW_SOURCE_SHARED, &d, err);
    if (status != FURROW_OK) return status;
    status = check_with(w, d, err);
    if (status == FURROW_OK) status = furrow_alloc(w->plan.items, 8, &plain, err);
    if (status == FURROW_OK) status = furrow_alloc(w->plan.items, 8, &w->with, err);
    if (status == FURROW_OK && reads) status = furrow_dataset_read(d, 0, furrow_dataset_row_count(d), plain, err);
    status = furrow_agree(w->ctx, status, err);
    if (status == FURROW_OK && on_root)
        furrow_broadcast(w->ctx, plain, w->plan.items * furrow_dtype_size(w->plan.in), 0);
    if (status == FURROW_OK) w->plan.with = furrow_row_prepare(&w->plan, plain, w->with);
    if (w->plan.with == plain && plain != NULL) { /* nothing to convert: keep that one */
        free(w->with);
        w->with = plain;
        plain = NULL;
    }
    free(plain);
    furrow_dataset_free(d);
    return status;
}

/* -------------------------------------------------------------------- plan */

static furrow_status_t check_opts(const furrow_rows_opts_t *o, furrow_error_t *err)
{
    if (!(o->item_timeout >= 0)) return furrow_fail(err, FURROW_EARG, "%g s for a row", o->item_timeout);
    if (o->isolate && o->kernel == NULL)
        return furrow_fail(err, FURROW_EARG, "isolation is for kernels, not for operations");
    return FURROW_OK;
}

static furrow_status_t check_dataset(const furrow_row_work_t *w, furrow_error_t *err)
{
    const int64_t items = furrow_dataset_row_items(w->dataset);
    const char *name = furrow_dataset_path(w->dataset, 0);

    if (furrow_dataset_is_stream(w->dataset) && is_fortran(w))
        return furrow_fail(err, FURROW_EUNSUPPORTED,
                           "%s: an array in Fortran order comes column by column, not in rows", name);
    if (furrow_dataset_is_stream(w->dataset) && w->opts->resume)
        return furrow_fail(err, FURROW_EARG, "%s cannot be gone on with: a resume needs files", name);
    if (furrow_dataset_header(w->dataset)->ndim == 0)
        return furrow_fail(err, FURROW_EARG, "%.600s: a 0-d array has no rows", name);
    if (items > INT64_MAX / 256) /* sums of a few sizes of rows stay within int64_t */
        return furrow_fail(err, FURROW_EBUDGET, "rows of %lld elements are too long", (long long)items);
    return FURROW_OK;
}

static furrow_status_t fail_budget(const furrow_row_work_t *w, int64_t needed, furrow_error_t *err)
{
    return furrow_fail(err, FURROW_EBUDGET,
                       "%lld bytes of memory are too few for %d threads: at least %lld (%lldM) are needed",
                       (long long)furrow_context_memory(w->ctx), furrow_context_threads(w->ctx), (long long)needed,
                       (long long)(needed >> 20) + 1);
}

/* How many rows at a time: enough to make a read worth while, few enough to stay in the cache. Fortran order is read
 * column by column: there many rows count more. */
static furrow_status_t plan_memory(furrow_row_work_t *w, furrow_error_t *err)
{
    const int64_t threads = furrow_context_threads(w->ctx), memory = furrow_context_memory(w->ctx);
    const int64_t column = is_fortran(w) ? furrow_dtype_size(furrow_dataset_header(w->dataset)->dtype) : 0;
    const int64_t row = w->row_bytes + w->out_bytes + column;
    const int64_t fixed = w->form.scratch_bytes + 3 * 64;

    if (row + fixed > INT64_MAX / threads - w->common_bytes) return fail_budget(w, INT64_MAX, err);
    const int64_t needed = threads * (row + fixed) + w->common_bytes;
    if (needed > memory) return fail_budget(w, needed, err);
    const int64_t stages = threads * FURROW_STAGE_BYTES;
    w->direct = w->direct && stages < memory - needed;
    if (w->direct) w->common_bytes += stages;
    const int64_t wanted = (is_fortran(w) ? FORTRAN_BYTES : TOGETHER_BYTES) / (row + 1) + 1;
    const int64_t possible = ((memory - w->common_bytes) / threads - fixed) / (row > 0 ? row : 1);
    w->together = furrow_least(furrow_least(wanted, possible), w->rows > 0 ? w->rows : 1);
    return FURROW_OK;
}

static furrow_status_t prepare_sizes(furrow_row_work_t *w, furrow_error_t *err)
{
    const furrow_npy_t *h = furrow_dataset_header(w->dataset);
    const int64_t items = furrow_dataset_row_items(w->dataset);
    int64_t file_bytes;

    w->rows = h->shape[0];
    w->row_bytes = items * furrow_dtype_size(h->dtype);
    w->out_bytes = w->form.items * furrow_dtype_size(w->form.dtype);
    if (!furrow_multiply(w->rows, w->out_bytes, &file_bytes)) file_bytes = INT64_MAX;
    w->common_bytes = w->plan.opts.op == FURROW_ROW_DOT ? 2 * items * furrow_dtype_size(FURROW_F8) : 0;
    if (!furrow_dataset_on_root(w->dataset)) w->common_bytes += furrow_edges_bytes(w->ctx, file_bytes);
    w->direct = !furrow_dataset_on_root(w->dataset) && furrow_direct_suits(w->path, file_bytes);
    return plan_memory(w, err);
}

static int64_t desk_bytes(const furrow_row_work_t *w)
{
    return furrow_whole_lines(w->together * w->row_bytes) + furrow_whole_lines(w->together * w->out_bytes) +
           furrow_whole_lines(w->form.scratch_bytes);
}

/* Memory of this process for all threads. (Children bring their own.) */
static furrow_status_t make_desks(furrow_row_work_t *w, furrow_error_t *err)
{
    const int64_t in = furrow_whole_lines(w->together * w->row_bytes),
                  out = furrow_whole_lines(w->together * w->out_bytes);
    const int64_t bytes = desk_bytes(w);
    const int threads = furrow_context_threads(w->ctx);
    void *buffers;

    const furrow_status_t status = furrow_alloc_buffer(threads, bytes, &buffers, err);
    if (status != FURROW_OK) return status;
    w->buffers = buffers;
    for (int t = 0; t < threads; t++) {
        char *own = w->buffers + t * bytes;
        w->desk[t] = (furrow_row_desk_t){own, own + in, own + in + out, NULL};
    }
    return FURROW_OK;
}

/* How many rows may travel together. Rank 0 may have two chunks under way for each thread of the others, and another
 * rank two for each of its own, waiting, worked on, or on their way back. 0: there is no room for that, rank 0 works
 * alone. Collective. */
static int64_t most_dealt(const furrow_row_work_t *w)
{
    const int64_t threads = furrow_context_threads(w->ctx), row = w->row_bytes + 2 * w->out_bytes + 1;
    const int64_t left = furrow_context_memory(w->ctx) - w->common_bytes - threads * desk_bytes(w);
    int64_t workers = threads;

    furrow_sum_int64(w->ctx, &workers, 1);
    const int64_t chunks = 2 * (furrow_context_rank(w->ctx) == 0 ? workers - threads : threads) + 2;
    int64_t most = left < 0 ? 0 : furrow_least(left / chunks / row, DEALT_BYTES / row + 1);
    furrow_min_int64(w->ctx, &most, 1);
    return most;
}

furrow_status_t furrow_row_work_open(furrow_row_work_t *w, furrow_error_t *err)
{
    const bool is_kernel = w->opts->kernel != NULL;
    void *desks = NULL;

    furrow_status_t status = check_opts(w->opts, err);
    if (status == FURROW_OK) status = check_dataset(w, err);
    if (status == FURROW_OK) status = furrow_alloc(furrow_context_threads(w->ctx), sizeof *w->desk, &desks, err);
    w->desk = desks;
    if (status == FURROW_OK) status = is_kernel ? plan_kernel(w, err) : plan_operation(w, err);
    status = furrow_agree(w->ctx, status, err);
    if (status == FURROW_OK && is_kernel) status = compare_forms(w, err);
    if (status != FURROW_OK) return status;
    status = prepare_sizes(w, err);
    if (status == FURROW_OK && !w->opts->isolate) status = make_desks(w, err);
    if (status == FURROW_OK && furrow_dataset_is_stream(w->dataset))
        status = furrow_row_stream_open(w->dataset, &w->stream, err);
    status = furrow_agree(w->ctx, status, err);
    if (status == FURROW_OK && furrow_dataset_on_root(w->dataset)) w->dealt.most = most_dealt(w);
    if (status == FURROW_OK && w->plan.opts.op == FURROW_ROW_DOT) status = load_with(w, w->opts->with, err);
    return status;
}

/* -------------------------------------------------------------------- work */

/* \return NULL, or why the row is rejected. Code that runs in this process cannot be stopped: a row that takes too long
 * is known when it ends, and counts as one that was stopped would. */
static const char *compute_row(const furrow_row_work_t *w, int64_t index, const char *row, char *out, char *scratch,
                               char *text)
{
    const double limit = w->opts->item_timeout, began = limit > 0 ? furrow_seconds() : 0;
    const char *reason = w->kernel != NULL ? furrow_row_kernel_compute(w->kernel, index, row, out, scratch, text)
                                           : furrow_row_compute(&w->plan, row, out, scratch);

    return limit > 0 && furrow_row_is_late(limit, furrow_seconds() - began, text) ? text : reason;
}

/* What was read from a stream cannot be read again. */
static bool may_leave(const furrow_row_work_t *w)
{
    return !furrow_dataset_is_stream(w->dataset);
}

/* The results of the rows on a desk; a rejected one is zero. \return how many were computed: the rows of a kernel may
 * take any time */
static int64_t compute(const furrow_row_work_t *w, int64_t first, int64_t count, const furrow_row_desk_t *desk,
                       furrow_made_t *made)
{
    const bool looks = w->kernel != NULL && may_leave(w);
    const double began = furrow_seconds();
    char text[FURROW_REJECT_TEXT];
    furrow_pulse_slot_t *slot = furrow_pulse_mine();

    FURROW_DOING(w->kernel != NULL ? "in the kernel" : "computing", NULL);
    for (int64_t i = 0; i < count; i++) {
        if (looks && i > 0 && furrow_is_time_to_leave(furrow_seconds() - began)) return i;
        furrow_pulse_at(slot, first + i, 1);
        char *out = desk->out + i * w->out_bytes;
        const char *reason = compute_row(w, first + i, desk->in + i * w->row_bytes, out, desk->scratch, text);
        furrow_pulse_done(slot);
        if (reason == NULL) continue;
        memset(out, 0, (size_t)w->out_bytes);
        furrow_reject(made, first + i, reason);
    }
    return count;
}

/* A thread gets its child when it gets rows. */
static furrow_status_t prepare_child(const furrow_row_work_t *w, furrow_row_desk_t *desk, furrow_error_t *err)
{
    furrow_row_form_t form = w->form;
    furrow_status_t status = FURROW_OK;

    if (desk->child == NULL)
        status = furrow_row_child_open(w->opts, furrow_dataset_header(w->dataset), &form, &desk->child, err);
    if (status == FURROW_OK && !same_form(&form, &w->form)) status = fail_form(w, err);
    return status == FURROW_OK ? furrow_row_child_room(desk->child, w->together, &desk->in, &desk->out, err) : status;
}

static furrow_status_t read_rows(const furrow_row_work_t *w, int64_t first, int64_t count, void *in,
                                 furrow_error_t *err)
{
    return w->stream != NULL ? furrow_row_stream_read(w->stream, first, count, in, err)
                             : furrow_dataset_read(w->dataset, first, count, in, err);
}

/* The first `*ran` rows of a desk, at least 1. */
static furrow_status_t compute_desk(const furrow_row_work_t *w, int64_t first, int64_t count, furrow_row_desk_t *desk,
                                    furrow_made_t *made, int64_t *ran, furrow_error_t *err)
{
    if (desk->child != NULL) return furrow_row_child_compute(desk->child, first, count, may_leave(w), made, ran, err);
    *ran = compute(w, first, count, desk, made);
    return FURROW_OK;
}

/* True if the rows from `next` on are left to others: after a desk that was not done, or enough time. */
static bool leaves(const furrow_row_work_t *w, int64_t next, int64_t stop, bool done, double began, furrow_made_t *made)
{
    if (next == stop || !may_leave(w) || (done && !furrow_is_time_to_leave(furrow_seconds() - began))) return false;
    furrow_leave(made, next);
    return true;
}

/* On ranks that see the dataset. */
static furrow_status_t work(void *arg, int64_t first, int64_t count, int thread, furrow_made_t *made,
                            furrow_error_t *err)
{
    const furrow_row_work_t *w = arg;
    furrow_row_desk_t *desk = &w->desk[thread];
    furrow_pulse_slot_t *slot = furrow_pulse_mine();
    furrow_status_t status = desk->in == NULL ? prepare_child(w, desk, err) : FURROW_OK;
    const double began = furrow_seconds();

    for (int64_t at = 0, ran; at < count && status == FURROW_OK; at += ran) {
        const int64_t now = ran = furrow_least(w->together, count - at);
        furrow_pulse_at(slot, first + at, now);
        status = read_rows(w, first + at, now, desk->in, err);
        if (status == FURROW_OK) status = compute_desk(w, first + at, now, desk, made, &ran, err);
        furrow_pulse_at(slot, first + at, now);
        if (status == FURROW_OK) status = furrow_put(made, first + at, ran, desk->out, err);
        if (leaves(w, first + at + ran, first + count, ran == now, began, made)) break;
    }
    if (status != FURROW_OK && w->stream != NULL) furrow_row_stream_fail(w->stream, status, err);
    return status;
}

/* On ranks that do not. */
static furrow_status_t work_dealt(void *arg, int64_t first, int64_t count, int thread, const void *in, void *out,
                                  furrow_made_t *made, furrow_error_t *err)
{
    const furrow_row_work_t *w = arg;
    furrow_row_desk_t *desk = &w->desk[thread];
    furrow_status_t status = desk->in == NULL ? prepare_child(w, desk, err) : FURROW_OK;
    const double began = furrow_seconds();

    for (int64_t at = 0, ran; at < count && status == FURROW_OK; at += ran) {
        const int64_t now = ran = furrow_least(w->together, count - at);
        memcpy(desk->in, (const char *)in + at * w->row_bytes, (size_t)(now * w->row_bytes));
        status = compute_desk(w, first + at, now, desk, made, &ran, err);
        memcpy((char *)out + at * w->out_bytes, desk->out, (size_t)(ran * w->out_bytes));
        if (leaves(w, first + at + ran, first + count, ran == now, began, made)) break;
    }
    return status;
}

static furrow_status_t fetch(void *arg, int64_t first, int64_t count, void *in, furrow_error_t *err)
{
    return read_rows(arg, first, count, in, err);
}

static void lose(void *arg, furrow_status_t status, const furrow_error_t *err)
{
    const furrow_row_work_t *w = arg;

    if (w->stream != NULL) furrow_row_stream_fail(w->stream, status, err);
}

static furrow_status_t keep(void *arg, int64_t first, int64_t count, const void *out, furrow_error_t *err)
{
    const furrow_row_work_t *w = arg;

    return furrow_output_write(w->output, first * w->form.items, count * w->form.items, out, err);
}

furrow_items_t furrow_row_work_items(furrow_row_work_t *w)
{
    const int64_t workers = (int64_t)furrow_context_ranks(w->ctx) * furrow_context_threads(w->ctx);
    const bool on_root = furrow_dataset_on_root(w->dataset), alone = on_root && w->dealt.most < 1;
    int64_t most = alone ? INT64_MAX : w->dealt.most;

    if (furrow_dataset_is_stream(w->dataset)) most = furrow_least(most, w->together); /* read at once: none must wait */
    w->dealt = (furrow_items_dealt_t){w->row_bytes, most, fetch, lose, work_dealt};
    return (furrow_items_t){.count = w->rows,
                            .chunk = is_fortran(w) ? furrow_least(w->together, w->rows / (4 * workers) + 1) : 0,
                            .on_root = alone,
                            .dealt = on_root ? &w->dealt : NULL,
                            .noun = "row",
                            .work = work,
                            .arg = w,
                            .output_items = w->form.items,
                            .direct = w->direct,
                            .kept_bytes = w->out_bytes,
                            .keep = on_root ? keep : NULL};
}

furrow_status_t furrow_row_work_close(furrow_row_work_t *w, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    for (int t = 0; w->desk != NULL && t < furrow_context_threads(w->ctx); t++) {
        furrow_error_t *first = status == FURROW_OK ? err : NULL;
        const furrow_status_t closed = furrow_row_child_close(w->desk[t].child, first);
        if (status == FURROW_OK) status = closed;
    }
    furrow_row_kernel_free(w->kernel);
    furrow_row_stream_free(w->stream);
    free(w->desk);
    free(w->buffers);
    free(w->with);
    return status;
}
