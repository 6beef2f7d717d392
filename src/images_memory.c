/* Owns the count of shared memory. Nobody who waits holds any of it, so that all waits end. */
#include "images_memory.h"

#include <pthread.h>
#include <stdlib.h>

#include "mem.h"

struct furrow_images_memory {
    pthread_mutex_t lock;
    pthread_cond_t given; /* some was given back */
    int64_t left;
};

furrow_status_t furrow_images_memory_open(int64_t bytes, furrow_images_memory_t **out, furrow_error_t *err)
{
    void *memory = NULL;
    const furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);

    *out = memory;
    if (status != FURROW_OK) return status;
    pthread_mutex_init(&(*out)->lock, NULL);
    pthread_cond_init(&(*out)->given, NULL);
    (*out)->left = bytes;
    return FURROW_OK;
}

void furrow_images_memory_take(furrow_images_memory_t *m, int64_t bytes)
{
    pthread_mutex_lock(&m->lock);
    while (m->left < bytes) pthread_cond_wait(&m->given, &m->lock);
    m->left -= bytes;
    pthread_mutex_unlock(&m->lock);
}

void furrow_images_memory_give(furrow_images_memory_t *m, int64_t bytes)
{
    pthread_mutex_lock(&m->lock);
    m->left += bytes;
    pthread_cond_broadcast(&m->given);
    pthread_mutex_unlock(&m->lock);
}

void furrow_images_memory_close(furrow_images_memory_t *m)
{
    if (m == NULL) return;
    pthread_cond_destroy(&m->given);
    pthread_mutex_destroy(&m->lock);
    free(m);
}
