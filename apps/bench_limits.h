/** \file bench_limits.h
 * The plain loops that Furrow is compared with: what anyone would write who wants speed and does not mind rounding.
 * Local, on `threads` OpenMP threads, in the widest vectors of this machine.
 */
#ifndef FURROW_BENCH_LIMITS_H
#define FURROW_BENCH_LIMITS_H

#include <stdint.h>

/** Rounded sums of `n` elements; memory is aligned to 64 bytes. */
double bench_sum_f8(const double *x, int64_t n, int threads);
double bench_sum_f4(const float *x, int64_t n, int threads);
double bench_dot_f8(const double *x, const double *y, int64_t n, int threads);

/** Write memory; every thread its own part, so that on a machine with several memories each part lies near its thread.
 */
void bench_fill(void *x, int64_t bytes, int threads);

/** Read part of a file by bare pread calls into one buffer of BENCH_BUFFER_BYTES per thread. \return 0 or errno */
enum { BENCH_BUFFER_BYTES = 256 << 10 };
int bench_read(int fd, int64_t offset, int64_t bytes, char *buffers, int threads);

/** The same, and write each block to the start of another file, by bare pwrite calls. */
int bench_copy(int fd, int64_t offset, int64_t bytes, char *buffers, int threads, int to);

/** Write `bytes`, rounded up to whole pieces, to a file by bare pwrite calls, from `room` bytes of memory again and
 * again; memory that lies at a page may be written past the cache. \return 0 or errno */
enum { BENCH_PIECE_BYTES = 1 << 20 };
int bench_write(int to, const char *from, int64_t room, int64_t bytes, int threads);

#endif
