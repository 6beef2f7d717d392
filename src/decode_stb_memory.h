/** \file decode_stb_memory.h
 * What stb_image allocates by: see decode_stb.c. Work layer; local.
 */
#ifndef FURROW_DECODE_STB_MEMORY_H
#define FURROW_DECODE_STB_MEMORY_H

#include <stddef.h>

/** NULL beyond the limit of the decoder that this thread runs. */
void *furrow_stb_malloc(size_t bytes);
void *furrow_stb_realloc(void *block, size_t old_bytes, size_t bytes);
void furrow_stb_free(void *block);

#endif
