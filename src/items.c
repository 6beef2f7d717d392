/* Owns the run over one range of items: a client of the engine. What fails in a chunk comes back with it. */
#include "items.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "items_engine.h"
#include "items_failures.h"
#include "items_guide.h"
#include "mem.h"

static const double long_chunk = 0.05; /* no chunks in reserve that take longer: they could hold up the end */

/* Small results of a thread, put together: a call to the system for each would cost more than they do. */
enum { GATHERED_BYTES = 1 << 16 };
typedef struct {
    _Alignas(64) char data[GATHERED_BYTES];
    int64_t first, count; /* items */
} gathered_t;

struct furrow_made {
    const furrow_items_t *items;
    furrow_range_t range;
    furrow_edges_t *edges; /* of what goes into the output */
    furrow_stage_t *stage; /* where that is written directly; else NULL */
    gathered_t *gathered;  /* else */
    char *kept;            /* of each item; NULL: rank 0 puts it away at once, or there is nothing to keep */
    furrow_packed_t rejects;
    bool incomplete; /* they are, for want of memory */
    int64_t left;    /* items from it on are; or the end of the chunk */
};

typedef struct {
    const furrow_items_t *items;
    bool is_root;
    int64_t workers;
    furrow_stage_t **stage; /* [threads], where the output may be written directly; else NULL */
    gathered_t *gathered;   /* [threads], where there is an output */
    /* rank 0: */
    furrow_engine_t *engine;
    int64_t next;         /* all items below it were given out */
    pthread_mutex_t lock; /* of the two below */
    furrow_guide_t guide;
    furrow_grow_t again; /* ranges of them that were left */
    bool dropped;
} run_t;

void furrow_reject(furrow_made_t *made, int64_t index, const char *text)
{
    if (furrow_packed_add(&made->rejects, index, 1, text, NULL) != FURROW_OK) made->incomplete = true;
}

furrow_status_t furrow_keep(furrow_made_t *made, int64_t index, const void *kept, furrow_error_t *err)
{
    const furrow_items_t *items = made->items;
    const int64_t bytes = items->kept_bytes;

    if (made->kept == NULL) return items->keep(items->arg, index, 1, kept, err);
    memcpy(made->kept + (index - made->range.start) * bytes, kept, (size_t)bytes);
    return FURROW_OK;
}

static furrow_status_t write_part(furrow_made_t *made, int64_t first, int64_t count, const void *results, bool stays,
                                  furrow_error_t *err)
{
    const int64_t each = made->items->output_items;

    return furrow_output_write_part(made->items->output, first * each, count * each, results, stays, made->edges,
                                    made->stage, err);
}

static furrow_status_t write_gathered(furrow_made_t *made, furrow_error_t *err)
{
    gathered_t *g = made->gathered;
    const int64_t count = g->count;

    g->count = 0;
    return count == 0 ? FURROW_OK : write_part(made, g->first, count, g->data, false, err);
}

furrow_status_t furrow_put(furrow_made_t *made, int64_t first, int64_t count, const void *results, furrow_error_t *err)
{
    const furrow_npy_t *header = furrow_output_header(made->items->output);
    const int64_t each = made->items->output_items * furrow_dtype_size(header->dtype);
    gathered_t *g = made->gathered;

    if (made->stage != NULL) return write_part(made, first, count, results, false, err);
    if ((g->count + count) * each > GATHERED_BYTES) {
        const furrow_status_t status = write_gathered(made, err);
        if (status != FURROW_OK) return status;
    }
    if (count * each > GATHERED_BYTES) return write_part(made, first, count, results, false, err);
    if (g->count == 0) g->first = first;
    memcpy(g->data + g->count * each, results, (size_t)(count * each));
    g->count += count;
    return FURROW_OK;
}

furrow_status_t furrow_put_from(furrow_made_t *made, int64_t first, int64_t count, const void *results, int64_t *mark,
                                furrow_error_t *err)
{
    *mark = 0;
    if (made->stage == NULL) return furrow_put(made, first, count, results, err);
    const furrow_status_t status = write_part(made, first, count, results, true, err);
    *mark = furrow_stage_mark(made->stage);
    return status;
}

furrow_status_t furrow_put_wait(furrow_made_t *made, int64_t mark, furrow_error_t *err)
{
    bool settled;

    return mark == 0 || made->stage == NULL ? FURROW_OK : furrow_stage_settle(made->stage, mark, true, &settled, err);
}

void furrow_leave(furrow_made_t *made, int64_t index)
{
    made->left = index;
}

/* -------------------------------------------------------------------- work */

/* A parcel that comes back: how many bytes to keep, at KEPT these, then the rejects. */
enum { KEPT = 64 };

static furrow_status_t wrap(const furrow_made_t *made, furrow_parcel_t **out, furrow_error_t *err)
{
    const furrow_packed_t *rejects = &made->rejects;
    const int64_t bytes = made->kept == NULL ? 0 : (made->left - made->range.start) * made->items->kept_bytes;

    if (rejects->bytes + bytes == 0) return FURROW_OK;
    const furrow_status_t status = furrow_parcel_new(KEPT + bytes + rejects->bytes, out, err);
    if (status != FURROW_OK) return status;
    char *data = (*out)->data;
    memcpy(data, &bytes, sizeof bytes);
    if (bytes > 0) memcpy(data + KEPT, made->kept, (size_t)bytes);
    if (rejects->bytes > 0) memcpy(data + KEPT + bytes, rejects->data, (size_t)rejects->bytes);
    return FURROW_OK;
}

/* On another rank than 0: memory for what goes back there. */
static furrow_status_t make_room(const run_t *run, furrow_made_t *made, furrow_error_t *err)
{
    const int64_t count = made->range.stop - made->range.start;
    void *kept;

    if (run->is_root || made->items->keep == NULL) return FURROW_OK;
    const furrow_status_t status = furrow_alloc_buffer(count, made->items->kept_bytes, &kept, err);
    if (status == FURROW_OK) made->kept = kept;
    return status;
}

static furrow_status_t work_on(furrow_made_t *made, int thread, const furrow_parcel_t *packed, furrow_error_t *err)
{
    const furrow_items_t *items = made->items;
    const int64_t first = made->range.start, count = made->range.stop - first;

    furrow_status_t status =
        packed == NULL ? items->work(items->arg, first, count, thread, made, err)
                       : items->dealt->work(items->arg, first, count, thread, packed->data, made->kept, made, err);
    if (status == FURROW_OK && made->incomplete)
        status = furrow_fail(err, FURROW_ENOMEM, "out of memory for a list of rejects");
    return status;
}

static furrow_status_t work(void *arg, int thread, const furrow_chunk_t *chunk, const furrow_parcel_t *packed,
                            furrow_done_t *done, furrow_error_t *err)
{
    const run_t *run = arg;
    furrow_made_t made = {.items = run->items,
                          .range = chunk->range,
                          .edges = &done->edges,
                          .stage = run->stage == NULL ? NULL : run->stage[thread],
                          .gathered = run->gathered == NULL ? NULL : &run->gathered[thread],
                          .left = chunk->range.stop};

    furrow_status_t status = make_room(run, &made, err);
    if (status == FURROW_OK) status = work_on(&made, thread, packed, err);
    if (status == FURROW_OK && made.gathered != NULL) status = write_gathered(&made, err);
    if (status == FURROW_OK && made.stage != NULL) status = furrow_stage_flush(made.stage, err);
    if (status == FURROW_OK && made.stage != NULL) done->mark = furrow_stage_mark(made.stage);
    if (status == FURROW_OK) status = wrap(&made, &done->parcel, err);
    done->ran = made.left - chunk->range.start;
    furrow_packed_free(&made.rejects);
    free(made.kept);
    return status;
}

static furrow_status_t begin(void *arg, int thread, furrow_error_t *err)
{
    const run_t *run = arg;

    return run->stage == NULL ? FURROW_OK : furrow_output_open_stage(run->items->output, &run->stage[thread], err);
}

static furrow_status_t settled(void *arg, int thread, int64_t mark, bool wait, bool *out, furrow_error_t *err)
{
    return furrow_stage_settle(((run_t *)arg)->stage[thread], mark, wait, out, err);
}

static furrow_status_t end(void *arg, int thread, furrow_error_t *err)
{
    const run_t *run = arg;

    (void)err;
    if (run->stage != NULL) furrow_stage_close(run->stage[thread]);
    return FURROW_OK;
}

/* ------------------------------------------------------------------ rank 0 */

/* The last range that was left, or NULL. The lock is held. */
static furrow_range_t *left_again(const run_t *run)
{
    return run->again.count == 0 ? NULL : (furrow_range_t *)(void *)(run->again.data + run->again.count) - 1;
}

/* A run of items that nobody has; empty if there is none. The lock is held. */
static furrow_range_t items_left(const run_t *run)
{
    static const furrow_ranges_t nothing;
    const furrow_range_t *again = left_again(run);

    if (again != NULL) return *again;
    return furrow_ranges_gap(run->items->skip != NULL ? run->items->skip : &nothing, run->next, run->items->count);
}

/* The lock is held. */
static void note_given(run_t *run, int64_t stop)
{
    furrow_range_t *again = left_again(run);

    if (again == NULL)
        run->next = stop;
    else if (stop < again->stop)
        again->start = stop;
    else
        run->again.count -= (int64_t)sizeof *again;
}

/* How many of `left` for one thread. The lock is held. */
static int64_t next_part(const run_t *run, furrow_range_t left)
{
    const int64_t in_all = left_again(run) != NULL ? left.stop - left.start : run->items->count - left.start;
    int64_t size = run->items->chunk;

    if (size == 0)
        size = furrow_guide_size(&run->guide, in_all, run->workers, furrow_engine_chunk_seconds(run->engine));
    if (run->items->dealt != NULL) size = furrow_least(size, run->items->dealt->most);
    return furrow_least(size, left.stop - left.start);
}

/* What is dealt is for one thread: it may be large. */
static bool take(void *arg, int64_t threads, bool reserve, furrow_chunk_t *chunk)
{
    run_t *run = arg;

    pthread_mutex_lock(&run->lock);
    const furrow_range_t left = items_left(run);
    const int64_t part = next_part(run, left);
    const double expected = run->guide.seconds_per_item * (double)part;
    const bool give = left.start < left.stop && (!reserve || (expected > 0 && expected < long_chunk));
    if (give) {
        *chunk = furrow_chunk_for(left, run->items->dealt != NULL ? 1 : threads, part, run->items->chunk == 0);
        chunk->expected = expected;
        run->guide.last_size = part;
        note_given(run, chunk->range.stop);
    }
    pthread_mutex_unlock(&run->lock);
    return give;
}

static furrow_status_t tell_rejects(const furrow_items_listener_t *l, const void *data, int64_t bytes,
                                    furrow_ranges_t *rejected, furrow_error_t *err)
{
    furrow_packed_failure_t failure;
    furrow_status_t status = FURROW_OK;
    int64_t at = 0;

    while (status == FURROW_OK && furrow_packed_next(data, bytes, &at, &failure)) {
        status = furrow_ranges_add(rejected, failure.index, 1, err);
        if (status == FURROW_OK && l->rejected != NULL) status = l->rejected(l->arg, failure.index, failure.text, err);
    }
    return status;
}

static furrow_status_t pack(void *arg, const furrow_chunk_t *chunk, furrow_parcel_t **out, furrow_error_t *err)
{
    const furrow_items_t *items = ((run_t *)arg)->items;
    const int64_t first = chunk->range.start, count = chunk->range.stop - first;

    if (items->dealt == NULL) return FURROW_OK;
    furrow_status_t status = furrow_parcel_new(count * items->dealt->in_bytes, out, err);
    if (status == FURROW_OK)
        status = items->dealt->fetch(items->arg, first, count, (*out)->data, err);
    else if (items->dealt->lose != NULL)
        items->dealt->lose(items->arg, status, err);
    if (status == FURROW_OK) return FURROW_OK;
    furrow_parcel_free(*out);
    *out = NULL;
    return status;
}

/* What came back: what is to be kept, from another rank, and rejects. */
static furrow_status_t unwrap(const furrow_items_t *items, furrow_range_t ran, const furrow_parcel_t *parcel,
                              furrow_ranges_t *rejected, furrow_error_t *err)
{
    const int64_t first = ran.start, count = ran.stop - first;
    furrow_status_t status = FURROW_OK;
    int64_t bytes;

    memcpy(&bytes, parcel->data, sizeof bytes);
    if (bytes > 0) status = items->keep(items->arg, first, count, parcel->data + KEPT, err);
    if (status != FURROW_OK) return status;
    return tell_rejects(&items->listener, parcel->data + KEPT + bytes, parcel->bytes - KEPT - bytes, rejected, err);
}

/* A part of a chunk was left; a chunk that waited for threads that end came back whole. */
static furrow_status_t give_again(run_t *run, furrow_range_t left, furrow_error_t *err)
{
    if (left.start == left.stop) return FURROW_OK;
    pthread_mutex_lock(&run->lock);
    const furrow_status_t status = furrow_grow_add(&run->again, &left, sizeof left, err);
    pthread_mutex_unlock(&run->lock);
    if (status == FURROW_OK) furrow_engine_wake(run->engine, left.stop - left.start);
    return status;
}

static furrow_status_t told(void *arg, const furrow_chunk_t *chunk, const furrow_done_t *done, furrow_error_t *err)
{
    run_t *run = arg;
    const furrow_items_listener_t *l = &run->items->listener;
    const furrow_range_t all = {chunk->range.start, chunk->range.start + done->ran};
    furrow_ranges_t rejected = {0};

    if (done->failed) {
        run->dropped = true;
        return FURROW_OK;
    }
    pthread_mutex_lock(&run->lock);
    furrow_guide_note(&run->guide, done->ran, done->seconds);
    pthread_mutex_unlock(&run->lock);
    furrow_status_t status = give_again(run, (furrow_range_t){all.stop, chunk->range.stop}, err);
    if (status == FURROW_OK && done->parcel != NULL) status = unwrap(run->items, all, done->parcel, &rejected, err);
    furrow_range_t good = furrow_ranges_gap(&rejected, all.start, all.stop);
    for (; l->done != NULL && good.start < good.stop && status == FURROW_OK;
         good = furrow_ranges_gap(&rejected, good.stop, all.stop))
        status = l->done(l->arg, good.start, good.stop - good.start, err);
    furrow_ranges_free(&rejected);
    return status;
}

static bool is_over(void *arg, bool stopping)
{
    run_t *run = arg;

    pthread_mutex_lock(&run->lock);
    const furrow_range_t left = items_left(run);
    pthread_mutex_unlock(&run->lock);
    return stopping || left.start == left.stop;
}

static furrow_status_t write_edge(void *arg, int64_t at, const furrow_parcel_t *data, furrow_error_t *err)
{
    return furrow_output_write_edge(((run_t *)arg)->items->output, at, data, err);
}

static furrow_status_t tick(void *arg, double *next, furrow_error_t *err)
{
    const furrow_items_listener_t *l = &((run_t *)arg)->items->listener;

    *next = INFINITY;
    return l->tick == NULL ? FURROW_OK : l->tick(l->arg, err);
}

/* ---------------------------------------------------------------- the run */

/* What threads need for the output. */
static furrow_status_t alloc_threads(const furrow_context_t *ctx, run_t *run, furrow_error_t *err)
{
    const int threads = furrow_context_threads(ctx);
    void *stage = NULL, *gathered = NULL;
    furrow_status_t status = FURROW_OK;

    if (run->items->output == NULL) return FURROW_OK;
    if (run->items->direct) status = furrow_alloc(threads, sizeof *run->stage, &stage, err);
    if (status == FURROW_OK) status = furrow_alloc_buffer(threads, sizeof *run->gathered, &gathered, err);
    run->stage = stage;
    run->gathered = gathered;
    for (int t = 0; t < threads && status == FURROW_OK; t++) run->gathered[t].count = 0;
    return status;
}

furrow_status_t furrow_items_run(furrow_context_t *ctx, const furrow_items_t *items, furrow_error_t *err)
{
    run_t run = {.items = items, .is_root = furrow_context_rank(ctx) == 0};
    const furrow_engine_client_t client = {.arg = &run,
                                           .on_root = items->on_root,
                                           .noun = items->noun,
                                           .begin = begin,
                                           .work = work,
                                           .settled = settled,
                                           .end = end,
                                           .write_edge = write_edge,
                                           .take = take,
                                           .pack = pack,
                                           .told = told,
                                           .is_over = is_over,
                                           .tick = tick};
    furrow_engine_t *engine;

    furrow_error_clear(err);
    pthread_mutex_init(&run.lock, NULL);
    furrow_status_t status = furrow_engine_open(ctx, &client, &engine, err);
    if (status == FURROW_OK) status = alloc_threads(ctx, &run, err);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) {
        run.engine = engine;
        run.workers = furrow_engine_workers(engine);
        status = furrow_engine_run(engine, err);
        /* Rank 0 alone knows whether a signal came before the end. A failure elsewhere leaves items too, but outranks
         * that. */
        if (status == FURROW_OK && run.is_root && (run.dropped || !is_over(&run, false)))
            status = furrow_fail(err, FURROW_ECANCELED, "stopped on request");
        status = furrow_agree(ctx, status, err);
    }
    furrow_engine_close(engine);
    free(run.stage);
    free(run.gathered);
    furrow_grow_free(&run.again);
    pthread_mutex_destroy(&run.lock);
    return status;
}
