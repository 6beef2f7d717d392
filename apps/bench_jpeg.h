/** \file bench_jpeg.h
 * The limit of `furrow bench images`: a bare loop of libjpeg-turbo. Not in builds without it.
 */
#ifndef FURROW_BENCH_JPEG_H
#define FURROW_BENCH_JPEG_H

#include <stdbool.h>
#include <stdint.h>

/** Decode `count` files at `eighths` / 8 of their size, image i into slot i % slots of `out` (slot_bytes each, RGB), on
 * `threads` threads, each with one decompressor for all. Files that cannot be decoded leave their slots as they are.
 * \return how many were decoded; -1: this build has no libjpeg-turbo */
int64_t bench_jpeg_loop(const char *const *name, int64_t count, int64_t file_max, char *out, int64_t slots,
                        int64_t slot_bytes, int eighths, int threads);

#endif
