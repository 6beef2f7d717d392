/** \file bench_place.h
 * The private folder in which the files of a benchmark stand. It goes when the benchmark ends, also by failure or when
 * it is told to stop.
 */
#ifndef FURROW_BENCH_PLACE_H
#define FURROW_BENCH_PLACE_H

#include <limits.h>

#include "cli.h"

typedef struct bench_place {
    char folder[PATH_MAX]; /* "": there is none */
    char file[PATH_MAX + 16], small_file[PATH_MAX + 16];
    bool is_shared; /* every rank sees the folder */
    bool is_owner;  /* this rank made it */
} bench_place_t;

/** Make a folder in `parent`, which must have room for `bytes`. Collective; rank 0 makes it and tells the others. */
furrow_status_t bench_place_open(furrow_context_t *ctx, const char *parent, int64_t bytes, bench_place_t *place,
                                 furrow_error_t *err);

/** Remove the folder and what it holds. Local. */
void bench_place_close(bench_place_t *place);

#endif
