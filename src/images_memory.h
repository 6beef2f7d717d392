/** \file images_memory.h
 * Memory that the threads of a rank share: whoever works on a picture that needs much takes of it, and gives it back.
 * Work layer; local, from any thread.
 */
#ifndef FURROW_IMAGES_MEMORY_H
#define FURROW_IMAGES_MEMORY_H

#include "status.h"

typedef struct furrow_images_memory furrow_images_memory_t;

/** `bytes` in all, counted, not allocated. \return FURROW_OK or FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_images_memory_open(int64_t bytes, furrow_images_memory_t **out,
                                                            furrow_error_t *err);

/** Take `bytes`, at most all; waits until others have given back what they took. Who has taken must not take more. */
void furrow_images_memory_take(furrow_images_memory_t *memory, int64_t bytes);

void furrow_images_memory_give(furrow_images_memory_t *memory, int64_t bytes);

/** NULL is fine. */
void furrow_images_memory_close(furrow_images_memory_t *memory);

#endif
