/* Owns the loader of batches. Its threads take images in the order of the batches, each of which has a place in a ring
 * of `ahead` + 1; a place is free again when the caller asks for the batch after the one in it. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "images_work.h"
#include "mem.h"
#include "progress.h"

enum { HUGE_PAGE = 1 << 21 };

typedef struct {
    char *data;
    int64_t *image;              /* [part] */
    furrow_image_reject_t *list; /* [part] */
    int64_t rejected;
    int64_t left; /* images that are not decoded */
} place_t;

typedef struct {
    furrow_batches_t *batches;
    furrow_images_worker_t worker;
    pthread_t id;
} thread_t;

struct furrow_batches {
    furrow_context_t *ctx;
    furrow_batches_opts_t opts;
    furrow_images_plan_t plan;
    int64_t per_epoch; /* batches */
    int64_t end;       /* batches of all epochs; batch b is batch b % per_epoch of epoch b / per_epoch */
    int64_t part;      /* most images of this rank in a batch */
    int64_t places;
    place_t *place; /* [places]: batch b is in place b % places */
    thread_t *thread;
    int threads; /* that run */

    pthread_mutex_t lock; /* of all from here */
    pthread_cond_t ready, room;
    int64_t asked;              /* batches that the caller asked for: it has asked - 1 */
    int64_t giving, next_image; /* the batch whose images are being given out, and the next of them */
    int64_t working;            /* images that threads have taken and not reported */
    bool seeking, closing;
    furrow_status_t status; /* the first failure */
    furrow_error_t error;
};

/* This rank's images of batch `b`: places in the order of its epoch. */
static furrow_range_t part_of(const furrow_batches_t *l, int64_t b)
{
    const int64_t first = b % l->per_epoch * l->opts.batch;
    const int64_t count = furrow_least(l->opts.batch, l->plan.count - first);
    const int64_t ranks = l->opts.whole ? 1 : furrow_context_ranks(l->ctx);
    const furrow_range_t mine = furrow_split(count, ranks, l->opts.whole ? 0 : furrow_context_rank(l->ctx));

    return (furrow_range_t){first + mine.start, first + mine.stop};
}

static int64_t image_at(const furrow_batches_t *l, int64_t epoch, int64_t at)
{
    furrow_order_t order;

    if (!l->opts.shuffle) return at;
    furrow_order_make(l->opts.seed, (uint64_t)epoch, l->plan.count, &order);
    return furrow_order_element(&order, at);
}

/* ----------------------------------------------------------------- threads */

/* The lock is held. Is there a place for the batch whose images come next? The caller may still have batch
 * asked - 1. */
static bool has_room(const furrow_batches_t *l)
{
    return l->giving < l->end && l->giving < l->asked + l->opts.ahead;
}

/* The lock is held. Go to the batch that has a next image; those without images of this rank are ready at once. */
static void find_next(furrow_batches_t *l)
{
    while (has_room(l)) {
        const furrow_range_t part = part_of(l, l->giving);
        place_t *p = &l->place[l->giving % l->places];
        if (l->next_image == 0) {
            p->left = part.stop - part.start;
            p->rejected = 0;
        }
        if (l->next_image < part.stop - part.start) return;
        if (l->next_image == 0) pthread_cond_broadcast(&l->ready);
        l->giving++;
        l->next_image = 0;
    }
}

/* The next image to decode: of which batch, and which of its part. False: the loader closes, or has failed. */
static bool take(furrow_batches_t *l, int64_t *batch, int64_t *index)
{
    pthread_mutex_lock(&l->lock);
    for (;;) {
        if (l->closing || l->status != FURROW_OK) break;
        if (!l->seeking) find_next(l);
        if (!l->seeking && has_room(l)) break;
        pthread_cond_wait(&l->room, &l->lock);
    }
    const bool got = !l->closing && l->status == FURROW_OK;
    *batch = l->giving;
    *index = l->next_image;
    if (got) {
        l->working++;
        l->next_image++;
        find_next(l);
    }
    pthread_mutex_unlock(&l->lock);
    return got;
}

static void fail(furrow_batches_t *l, furrow_status_t status, const furrow_error_t *error)
{
    if (l->status == FURROW_OK) {
        l->status = status;
        l->error = *error;
    }
    pthread_cond_broadcast(&l->ready);
    pthread_cond_broadcast(&l->room);
}

/* An image is decoded. */
static void report(furrow_batches_t *l, int64_t batch, int64_t index, int64_t image, const furrow_note_t *note,
                   furrow_status_t status, const furrow_error_t *error)
{
    place_t *p = &l->place[batch % l->places];

    pthread_mutex_lock(&l->lock);
    p->image[index] = image;
    if (status == FURROW_OK && note->state == FURROW_NOTE_REJECTED) {
        furrow_image_reject_t *reject = &p->list[p->rejected++];
        *reject = (furrow_image_reject_t){.index = index, .image = image};
        (void)snprintf(reject->text, sizeof reject->text, "%s", note->text);
    }
    if (status != FURROW_OK) fail(l, status, error);
    p->left--;
    l->working--;
    if (p->left == 0 || l->working == 0) pthread_cond_broadcast(&l->ready);
    pthread_mutex_unlock(&l->lock);
}

static void *work(void *arg)
{
    thread_t *t = arg;
    furrow_batches_t *l = t->batches;
    const furrow_progress_t *progress = furrow_context_progress(l->ctx);
    furrow_error_t error;
    furrow_note_t note;
    int64_t batch, index;

    while (take(l, &batch, &index)) {
        char *slot = l->place[batch % l->places].data + index * l->plan.slot_bytes;
        const int64_t image = image_at(l, batch / l->per_epoch, part_of(l, batch).start + index);
        furrow_status_t status = FURROW_OK;
        error.text[0] = '\0';
        if (atomic_load(&progress->cancelled))
            status = furrow_fail(&error, FURROW_ECANCELED, "stopped on request");
        else
            status = furrow_images_load(&t->worker, image, slot, &note, &error);
        report(l, batch, index, image, &note, status, &error);
    }
    return NULL;
}

/* -------------------------------------------------------------------- open */

/* A batch is gigabytes: large pages save most of the time that first touching it takes. */
static furrow_status_t alloc_data(int64_t count, int64_t bytes, char **out, furrow_error_t *err)
{
    int64_t total;

    *out = NULL;
    if (furrow_multiply(count, bytes, &total) && total < INT64_MAX - HUGE_PAGE)
        *out = aligned_alloc(HUGE_PAGE, ((size_t)total + HUGE_PAGE) / HUGE_PAGE * HUGE_PAGE);
    if (*out == NULL)
        return furrow_fail(err, FURROW_ENOMEM, "out of memory: a batch of %lld images of %lld bytes", (long long)count,
                           (long long)bytes);
    (void)madvise(*out, (size_t)total, MADV_HUGEPAGE); /* advice: nothing is lost without */
    return FURROW_OK;
}

static furrow_status_t open_places(furrow_batches_t *l, furrow_error_t *err)
{
    void *places = NULL;

    furrow_status_t status = furrow_alloc(l->places, sizeof *l->place, &places, err);
    l->place = places;
    for (int64_t i = 0; i < l->places && status == FURROW_OK; i++) {
        void *image = NULL, *list = NULL;
        status = alloc_data(l->part, l->plan.slot_bytes, &l->place[i].data, err);
        if (status == FURROW_OK) status = furrow_alloc(l->part, sizeof(int64_t), &image, err);
        if (status == FURROW_OK) status = furrow_alloc(l->part, sizeof(furrow_image_reject_t), &list, err);
        l->place[i].image = image;
        l->place[i].list = list;
    }
    return status;
}

static furrow_status_t start_threads(furrow_batches_t *l, furrow_error_t *err)
{
    const int threads = furrow_context_threads(l->ctx);
    void *memory = NULL;

    furrow_status_t status = furrow_alloc(threads, sizeof *l->thread, &memory, err);
    l->thread = memory;
    for (; l->threads < threads && status == FURROW_OK; l->threads++) {
        thread_t *t = &l->thread[l->threads];
        t->batches = l;
        status = furrow_images_worker_open(&l->plan, 0, &t->worker, err);
        if (status == FURROW_OK && pthread_create(&t->id, NULL, work, t) != 0)
            status = furrow_fail(err, FURROW_ENOMEM, "the system refused thread %d of %d", l->threads, threads);
        if (status == FURROW_OK) continue;
        furrow_images_worker_close(&t->worker);
        break;
    }
    return status;
}

static furrow_status_t check(const furrow_batches_opts_t *o, furrow_error_t *err)
{
    if (o->batch < 1 || o->ahead < 0 || o->epochs < 0)
        return furrow_fail(err, FURROW_EARG, "batch %lld, ahead %lld, epochs %lld: out of range", (long long)o->batch,
                           (long long)o->ahead, (long long)o->epochs);
    return FURROW_OK;
}

/* The number of the batch at a position. */
static furrow_status_t number_of(const furrow_batches_t *l, furrow_position_t at, int64_t *number, furrow_error_t *err)
{
    if (at.epoch < 0 || at.batch < 0 || at.epoch > l->opts.epochs || at.batch > l->per_epoch ||
        at.epoch * l->per_epoch + at.batch > l->end)
        return furrow_fail(err, FURROW_EARG, "batch %lld of epoch %lld: there are %lld epochs of %lld batches",
                           (long long)at.batch, (long long)at.epoch, (long long)l->opts.epochs,
                           (long long)l->per_epoch);
    *number = at.epoch * l->per_epoch + at.batch;
    return FURROW_OK;
}

static furrow_status_t choose_batches(furrow_batches_t *l, furrow_error_t *err)
{
    furrow_batches_opts_t *o = &l->opts;

    if (o->ahead == 0) o->ahead = 1;
    if (o->epochs == 0) o->epochs = 1;
    l->per_epoch = o->drop_last ? l->plan.count / o->batch : (l->plan.count - 1) / o->batch + 1;
    if (l->per_epoch == 0)
        return furrow_fail(err, FURROW_EEMPTY, "no batch: there are %lld images, fewer than one of %lld",
                           (long long)l->plan.count, (long long)o->batch);
    if (o->ahead > 1 << 20 || !furrow_multiply(l->per_epoch, o->epochs, &l->end))
        return furrow_fail(err, FURROW_EARG, "%lld epochs, %lld batches ahead: out of range", (long long)o->epochs,
                           (long long)o->ahead);
    const furrow_status_t status = number_of(l, o->start, &l->asked, err);
    if (status != FURROW_OK) return status;
    l->giving = l->asked;
    l->places = o->ahead + 1;
    const int64_t ranks = o->whole ? 1 : furrow_context_ranks(l->ctx);
    l->part = (furrow_least(o->batch, l->plan.count) - 1) / ranks + 1;
    return FURROW_OK;
}

static furrow_status_t open_rest(furrow_batches_t *l, furrow_error_t *err)
{
    furrow_status_t status = choose_batches(l, err);

    if (status == FURROW_OK) status = open_places(l, err);
    return status == FURROW_OK ? start_threads(l, err) : status;
}

furrow_status_t furrow_batches_open(furrow_context_t *ctx, const furrow_listing_t *listing,
                                    const furrow_batches_opts_t *opts, furrow_batches_t **out, furrow_error_t *err)
{
    const furrow_images_opts_t images = {.image = opts->image, .on_error = opts->on_error};
    void *memory = NULL;

    *out = NULL;
    furrow_error_clear(err);
    furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    furrow_batches_t *l = memory;
    if (status == FURROW_OK) {
        *l = (furrow_batches_t){.ctx = ctx, .opts = *opts};
        pthread_mutex_init(&l->lock, NULL);
        pthread_cond_init(&l->ready, NULL);
        pthread_cond_init(&l->room, NULL);
        status = check(opts, err);
    }
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK) status = furrow_images_plan_make(ctx, listing, &images, NULL, 0, &l->plan, err);
    if (status == FURROW_OK) status = furrow_agree(ctx, open_rest(l, err), err);
    if (status == FURROW_OK)
        *out = l;
    else
        furrow_batches_free(l);
    return status;
}

void furrow_batches_free(furrow_batches_t *l)
{
    if (l == NULL) return;
    pthread_mutex_lock(&l->lock);
    l->closing = true;
    pthread_cond_broadcast(&l->room);
    pthread_mutex_unlock(&l->lock);
    for (int t = 0; t < l->threads; t++) {
        (void)pthread_join(l->thread[t].id, NULL);
        furrow_images_worker_close(&l->thread[t].worker);
    }
    for (int64_t i = 0; l->place != NULL && i < l->places; i++) {
        free(l->place[i].data);
        free(l->place[i].image);
        free(l->place[i].list);
    }
    furrow_images_plan_close(&l->plan);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->ready);
    pthread_cond_destroy(&l->room);
    free(l->place);
    free(l->thread);
    free(l);
}

/* -------------------------------------------------------------------- next */

static int by_index(const void *a, const void *b)
{
    const int64_t x = ((const furrow_image_reject_t *)a)->index, y = ((const furrow_image_reject_t *)b)->index;

    return (x > y) - (x < y);
}

static void fill(const furrow_batches_t *l, int64_t b, furrow_batch_t *batch)
{
    const place_t *p = &l->place[b % l->places];
    const furrow_range_t part = part_of(l, b);

    *batch = (furrow_batch_t){.position = {b / l->per_epoch, b % l->per_epoch},
                              .count = part.stop - part.start,
                              .dtype = l->plan.image.dtype,
                              .shape = {part.stop - part.start, l->plan.shape[0], l->plan.shape[1], l->plan.shape[2]},
                              .data = p->data,
                              .image = p->image,
                              .rejected = p->rejected,
                              .list = p->list};
    if (p->rejected > 1) qsort(p->list, (size_t)p->rejected, sizeof *p->list, by_index);
}

furrow_status_t furrow_batches_next(furrow_batches_t *l, furrow_batch_t *batch, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    furrow_error_clear(err);
    pthread_mutex_lock(&l->lock);
    const int64_t b = l->asked;
    if (b < l->end) {
        l->asked++; /* the place of the batch that the caller had is free */
        find_next(l);
        pthread_cond_broadcast(&l->room);
        while (l->status == FURROW_OK && (b >= l->giving || l->place[b % l->places].left > 0))
            pthread_cond_wait(&l->ready, &l->lock);
    }
    status = l->status;
    if (status != FURROW_OK && err != NULL) *err = l->error;
    pthread_mutex_unlock(&l->lock);
    if (status != FURROW_OK) return status;
    if (b >= l->end) return furrow_fail(err, FURROW_EEMPTY, "no more batches");
    fill(l, b, batch);
    return FURROW_OK;
}

furrow_status_t furrow_batches_seek(furrow_batches_t *l, furrow_position_t position, furrow_error_t *err)
{
    int64_t number = 0;

    furrow_error_clear(err);
    furrow_status_t status = number_of(l, position, &number, err);
    if (status != FURROW_OK) return status;
    pthread_mutex_lock(&l->lock);
    l->seeking = true;
    while (l->working > 0) pthread_cond_wait(&l->ready, &l->lock);
    l->seeking = false;
    l->asked = l->giving = number;
    l->next_image = 0;
    pthread_cond_broadcast(&l->room);
    status = l->status;
    if (status != FURROW_OK && err != NULL) *err = l->error;
    pthread_mutex_unlock(&l->lock);
    return status;
}

furrow_position_t furrow_batches_position(const furrow_batches_t *l)
{
    return (furrow_position_t){l->asked / l->per_epoch, l->asked % l->per_epoch};
}

int64_t furrow_batches_count(const furrow_batches_t *l)
{
    return l->per_epoch;
}
