/** \file clock.h
 * Time that only goes forward. Base layer.
 */
#ifndef FURROW_CLOCK_H
#define FURROW_CLOCK_H

#include <time.h>

/** Seconds since some moment in the past. Local. */
static inline double furrow_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
