/* Owns the order in which threads read from a stream. */
#include "row_stream.h"

#include <pthread.h>
#include <stdlib.h>

#include "dataset.h"
#include "mem.h"
#include "pulse.h"

struct furrow_row_stream {
    furrow_dataset_t *dataset;
    int64_t row_items;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int64_t next; /* the row that comes next */
    furrow_error_t error;
};

furrow_status_t furrow_row_stream_open(furrow_dataset_t *dataset, furrow_row_stream_t **out, furrow_error_t *err)
{
    void *memory;

    *out = NULL;
    const furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status != FURROW_OK) return status;
    *out = memory;
    (*out)->dataset = dataset;
    (*out)->row_items = furrow_dataset_row_items(dataset);
    pthread_mutex_init(&(*out)->lock, NULL);
    pthread_cond_init(&(*out)->moved, NULL);
    return FURROW_OK;
}

/* The lock is held. */
static void fail(furrow_row_stream_t *s, furrow_status_t status, const furrow_error_t *err)
{
    if (s->error.status == FURROW_OK) s->error = *err;
    s->error.status = status;
    pthread_cond_broadcast(&s->moved);
}

furrow_status_t furrow_row_stream_read(furrow_row_stream_t *s, int64_t first, int64_t count, void *out,
                                       furrow_error_t *err)
{
    pthread_mutex_lock(&s->lock);
    while (s->next != first && s->error.status == FURROW_OK) {
        /* Who reads them is at work. */
        FURROW_STEP(furrow_pulse_mine(), "the rows before", NULL, FURROW_WAITS_FOR_SOME);
        pthread_cond_wait(&s->moved, &s->lock);
    }
    furrow_status_t status = s->error.status;
    if (status != FURROW_OK) {
        *err = s->error;
    } else {
        status = furrow_dataset_read_items(s->dataset, first * s->row_items, count * s->row_items, out, err);
        s->next += count;
        if (status != FURROW_OK) fail(s, status, err);
    }
    pthread_cond_broadcast(&s->moved);
    pthread_mutex_unlock(&s->lock);
    return status;
}

void furrow_row_stream_fail(furrow_row_stream_t *s, furrow_status_t status, const furrow_error_t *err)
{
    pthread_mutex_lock(&s->lock);
    fail(s, status, err);
    pthread_mutex_unlock(&s->lock);
}

void furrow_row_stream_free(furrow_row_stream_t *s)
{
    if (s == NULL) return;
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->moved);
    free(s);
}
