/* Owns both sides of rows in a child process: what the thread does that has the child, and what runs in the child. */
#include "row_child.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "isolate.h"
#include "mem.h"

static const double call_seconds = 0.005; /* after which a call takes no other row */

/* What the child needs to load the kernel: `text` is the name and the parameters, each with its 0. The child has the
 * current folder of the time when isolation started. */
typedef struct {
    furrow_npy_t array;
    char folder[PATH_MAX];
    int64_t param_count;
    char text[];
} recipe_t;

/* At the start of the shared memory, before rows, results, scratch. The child may spoil it: nothing but `done` is read
 * back, and that is checked. */
typedef struct {
    int64_t first, count;
    int64_t row_bytes, out_bytes, scratch_bytes;
    int64_t in, out, scratch; /* offsets from here */
    double limit;             /* seconds for a row; 0: none */
    _Atomic int64_t done;     /* rows, from the first on */
} head_t;

struct furrow_row_child {
    furrow_child_t *process;
    head_t plan; /* this side's copy */
    head_t *head;
    int64_t bytes; /* of the shared memory */
};

/* ------------------------------------------------------------ in the child */

static furrow_status_t load(const void *arg, int64_t arg_bytes, void **state, furrow_error_t *err)
{
    const recipe_t *recipe = arg;
    const char *name = recipe->text, *next = name + strlen(name) + 1;
    furrow_row_kernel_t *kernel = NULL;
    void *list;

    (void)arg_bytes;
    if (chdir(recipe->folder) != 0) return furrow_fail_errno(err, recipe->folder, "enter");
    furrow_status_t status = furrow_alloc(recipe->param_count, sizeof(char *), &list, err);
    if (status != FURROW_OK) return status;
    const char **params = list;
    for (int64_t i = 0; i < recipe->param_count; i++, next += strlen(next) + 1) params[i] = next;
    status = furrow_row_kernel_load(name, &recipe->array, params, recipe->param_count, &kernel, err);
    free(list);
    *state = kernel;
    return status;
}

static void unload(void *state)
{
    furrow_row_kernel_free(state);
}

static int tell_form(void *state, int64_t index, const void *arg, int64_t arg_bytes, void *result, int64_t result_bytes,
                     char *text, size_t text_bytes)
{
    (void)index, (void)arg, (void)arg_bytes, (void)text, (void)text_bytes;
    memcpy(result, furrow_row_kernel_form(state), (size_t)result_bytes);
    return 0;
}

/* Says why the row at `done` failed, and returns 1. A process that was made anew called setup anew. */
static int compute_rows(void *state, int64_t index, const void *arg, int64_t arg_bytes, void *result,
                        int64_t result_bytes, char *text, size_t text_bytes)
{
    char *base = (char *)(uintptr_t)arg;
    head_t *head = (head_t *)(void *)base;
    const furrow_row_form_t *form = furrow_row_kernel_form(state);
    const double started = furrow_seconds();

    (void)index, (void)arg_bytes, (void)result, (void)result_bytes;
    if (form->items * furrow_dtype_size(form->dtype) != head->out_bytes || form->scratch_bytes != head->scratch_bytes)
        return snprintf(text, text_bytes, "setup gives another dtype or shape than before");
    for (double began = started; atomic_load(&head->done) < head->count && began < started + call_seconds;) {
        const int64_t i = atomic_load(&head->done);
        const char *reason =
            furrow_row_kernel_compute(state, head->first + i, base + head->in + i * head->row_bytes,
                                      base + head->out + i * head->out_bytes, base + head->scratch, text);
        const double now = furrow_seconds();
        if (furrow_row_is_late(head->limit, now - began, text) || reason != NULL) return 1;
        atomic_store(&head->done, i + 1);
        began = now;
    }
    return 0;
}

/* ------------------------------------------------------------ in the parent */

static furrow_status_t write_recipe(const furrow_rows_opts_t *opts, const furrow_npy_t *array, recipe_t **out,
                                    int64_t *bytes, furrow_error_t *err)
{
    void *memory;

    *out = NULL;
    *bytes = (int64_t)(sizeof(recipe_t) + strlen(opts->kernel) + 1);
    for (int64_t i = 0; i < opts->param_count; i++) *bytes += (int64_t)strlen(opts->params[i]) + 1;
    const furrow_status_t status = furrow_alloc(*bytes, 1, &memory, err);
    if (status != FURROW_OK) return status;
    recipe_t *recipe = *out = memory;
    recipe->array = *array;
    recipe->param_count = opts->param_count;
    if (getcwd(recipe->folder, sizeof recipe->folder) == NULL) return furrow_fail_errno(err, ".", "find the folder");
    char *next = stpcpy(recipe->text, opts->kernel) + 1;
    for (int64_t i = 0; i < opts->param_count; i++) next = stpcpy(next, opts->params[i]) + 1;
    return FURROW_OK;
}

static furrow_status_t open_process(furrow_row_child_t *c, const furrow_rows_opts_t *opts, const furrow_npy_t *array,
                                    furrow_error_t *err)
{
    recipe_t *recipe;
    int64_t bytes;

    furrow_status_t status = write_recipe(opts, array, &recipe, &bytes, err);
    if (status == FURROW_OK)
        status = furrow_child_open(
            &(furrow_child_opts_t){.init = load, .init_arg = recipe, .init_bytes = bytes, .finish = unload},
            &c->process, err);
    free(recipe);
    return status;
}

static furrow_status_t ask_form(furrow_row_child_t *c, furrow_row_form_t *form, furrow_error_t *err)
{
    const furrow_child_item_t item = {.function = tell_form, .result = form, .result_bytes = sizeof *form};
    furrow_child_outcome_t outcome;

    const furrow_status_t status = furrow_child_call(c->process, &item, &outcome, err);
    if (status != FURROW_OK || outcome.end == FURROW_CHILD_DONE) return status;
    return furrow_fail(err, FURROW_EIO, "a kernel's process: %.900s", outcome.text);
}

furrow_status_t furrow_row_child_open(const furrow_rows_opts_t *opts, const furrow_npy_t *array,
                                      furrow_row_form_t *form, furrow_row_child_t **out, furrow_error_t *err)
{
    void *memory;

    *out = NULL;
    furrow_status_t status = furrow_alloc(1, sizeof(furrow_row_child_t), &memory, err);
    if (status != FURROW_OK) return status;
    furrow_row_child_t *c = memory;
    status = open_process(c, opts, array, err);
    if (status == FURROW_OK) status = ask_form(c, form, err);
    if (status != FURROW_OK) {
        (void)furrow_row_child_close(c, NULL);
        return status;
    }
    const int64_t items = array->shape[0] > 0 ? array->items / array->shape[0] : 0;
    c->plan = (head_t){.row_bytes = items * furrow_dtype_size(array->dtype),
                       .out_bytes = form->items * furrow_dtype_size(form->dtype),
                       .scratch_bytes = form->scratch_bytes,
                       .limit = opts->item_timeout};
    *out = c;
    return FURROW_OK;
}

furrow_status_t furrow_row_child_room(furrow_row_child_t *c, int64_t rows, char **in, char **out, furrow_error_t *err)
{
    head_t *plan = &c->plan;
    void *memory;

    plan->in = furrow_whole_lines(sizeof *plan);
    plan->out = plan->in + furrow_whole_lines(rows * plan->row_bytes);
    plan->scratch = plan->out + furrow_whole_lines(rows * plan->out_bytes);
    c->bytes = plan->scratch + plan->scratch_bytes;
    const furrow_status_t status = furrow_child_memory(c->process, c->bytes, &memory, err);
    if (status != FURROW_OK) return status;
    c->head = memory;
    *in = (char *)memory + plan->in;
    *out = (char *)memory + plan->out;
    return FURROW_OK;
}

/* How far the child is. One that wrote where it should not may say anything. */
static bool read_done(const furrow_row_child_t *c, int64_t before, int64_t *done)
{
    *done = atomic_load(&c->head->done);
    return *done >= before && *done <= c->plan.count;
}

/* Row `*done` did not end well: name it, and go on after it. */
static void reject_row(furrow_row_child_t *c, const char *reason, int64_t *done, furrow_made_t *made)
{
    memset((char *)c->head + c->plan.out + *done * c->plan.out_bytes, 0, (size_t)c->plan.out_bytes);
    furrow_reject(made, c->plan.first + *done, reason);
    ++*done;
}

static const char *reason_of(const furrow_row_child_t *c, const furrow_child_outcome_t *outcome, char *text)
{
    if (outcome->end == FURROW_CHILD_LATE)
        (void)snprintf(text, FURROW_REJECT_TEXT, "over %g s", c->plan.limit);
    else
        (void)snprintf(text, FURROW_REJECT_TEXT, "%.*s", FURROW_REJECT_TEXT - 1, outcome->text);
    return text;
}

furrow_status_t furrow_row_child_compute(furrow_row_child_t *c, int64_t first, int64_t count, bool may_leave,
                                         furrow_made_t *made, int64_t *ran, furrow_error_t *err)
{
    const double began = furrow_seconds();
    const furrow_child_item_t item = {.function = compute_rows,
                                      .arg = c->head,
                                      .arg_bytes = c->bytes,
                                      .timeout_s = c->plan.limit > 0 ? c->plan.limit + call_seconds : 0};
    char text[FURROW_REJECT_TEXT];
    furrow_child_outcome_t outcome;
    int64_t done = 0;

    c->plan.first = first;
    c->plan.count = count;
    while (done < count && !(may_leave && done > 0 && furrow_is_time_to_leave(furrow_seconds() - began))) {
        const int64_t before = done;
        memcpy(c->head, &c->plan, sizeof c->plan);
        atomic_store(&c->head->done, done);
        const furrow_status_t status = furrow_child_call(c->process, &item, &outcome, err);
        if (status != FURROW_OK) return status;
        const bool sound = read_done(c, before, &done);
        if (!sound) done = before;
        if (!sound || (outcome.end == FURROW_CHILD_DONE && done == before))
            reject_row(c, "the kernel wrote where it should not", &done, made);
        else if (outcome.end != FURROW_CHILD_DONE && done < count)
            reject_row(c, reason_of(c, &outcome, text), &done, made);
    }
    *ran = done;
    return FURROW_OK;
}

furrow_status_t furrow_row_child_close(furrow_row_child_t *c, furrow_error_t *err)
{
    if (c == NULL) return FURROW_OK;
    const furrow_status_t status = furrow_child_close(c->process, err);
    free(c);
    return status;
}
