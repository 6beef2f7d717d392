/* Owns the queue of another rank than 0: chunks that came, of which its threads take parts, and what goes back
 * undone. */
#include <string.h>

#include "items_run.h"
#include "mem.h"

bool furrow_engine_take_part(furrow_engine_t *e, furrow_chunk_t *part, furrow_parcel_t **packed)
{
    if (e->queued == 0) return false;
    furrow_range_t *left = &e->queue[0].mail.chunk.range;
    *part = e->queue[0].mail.chunk;
    *packed = e->queue[0].parcel;
    e->parts--;
    if (furrow_parts(part) > 1) {
        left->start += part->part;
        part->range.stop = left->start;
        if (*packed != NULL) furrow_parcel_share(*packed);
    } else {
        memmove(e->queue, e->queue + 1, (size_t)--e->queued * sizeof *e->queue);
    }
    return true;
}

/* ------------------------------------------------------------- main thread */

static void drop_chunk(furrow_engine_t *e, const furrow_report_t *r, furrow_mail_kind_t kind)
{
    const furrow_mail_t mail = {.kind = kind, .chunk = r->mail.chunk};

    furrow_parcel_free(r->parcel);
    furrow_engine_send(e, &mail, NULL, 0);
}

/* Chunks that wait here, or what is left of them, of one group or all, go back. */
static void return_queue(furrow_engine_t *e, int64_t group, furrow_mail_kind_t kind)
{
    int64_t count = 0, kept = 0;

    pthread_mutex_lock(&e->lock);
    for (int64_t i = 0; i < e->queued; i++) {
        if (group != FURROW_ALL_GROUPS && e->queue[i].mail.chunk.group != group) {
            e->queue[kept++] = e->queue[i];
            continue;
        }
        e->parts -= furrow_parts(&e->queue[i].mail.chunk);
        e->going[count++] = e->queue[i];
    }
    e->queued = kept;
    pthread_mutex_unlock(&e->lock);
    for (int64_t i = 0; i < count; i++) drop_chunk(e, &e->going[i], kind);
}

/* After a failure or a signal the threads take nothing more: what waits for them goes back, and rank 0 hears of it,
 * once, even if nothing waits. */
void furrow_engine_go_back(furrow_engine_t *e)
{
    const furrow_mail_t stopping = {.kind = FURROW_MAIL_STOPPING};

    pthread_mutex_lock(&e->lock);
    const bool stops = e->status != FURROW_OK || furrow_engine_context_cancelled(e);
    pthread_mutex_unlock(&e->lock);
    if (stops) return_queue(e, FURROW_ALL_GROUPS, FURROW_MAIL_DROPPED);
    if (stops && !e->stopping) furrow_engine_send(e, &stopping, NULL, 0);
    e->stopping = stops;
}

void furrow_engine_queue_chunk(furrow_engine_t *e, const furrow_report_t *r, bool lost)
{
    furrow_error_t error;

    if (lost) {
        furrow_engine_fail(e, furrow_fail(&error, FURROW_ENOMEM, "out of memory for items"), &error);
        drop_chunk(e, r, FURROW_MAIL_DROPPED);
        return;
    }
    pthread_mutex_lock(&e->lock);
    e->queue[e->queued++] = *r;
    e->parts += furrow_parts(&r->mail.chunk);
    for (int64_t i = furrow_least(e->idle, furrow_parts(&r->mail.chunk)); i > 0; i--)
        pthread_cond_signal(&e->work_there);
    pthread_mutex_unlock(&e->lock);
}

void furrow_engine_cancel_here(furrow_engine_t *e, int64_t group)
{
    pthread_mutex_lock(&e->lock);
    furrow_engine_mark_cancelled(e, group);
    pthread_mutex_unlock(&e->lock);
    return_queue(e, group, FURROW_MAIL_DONE);
}

/* A thread that asks may wait long: what no other thread can take must not wait with it. It may also have been on its
 * way when the question left. */
void furrow_engine_return_what_waits(furrow_engine_t *e)
{
    pthread_mutex_lock(&e->lock);
    const bool waits = e->asking != NULL && e->parts > e->idle;
    pthread_mutex_unlock(&e->lock);
    if (waits) return_queue(e, FURROW_ALL_GROUPS, FURROW_MAIL_DONE);
}
