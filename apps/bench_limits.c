/* Owns the plain loops. They are written with vectors, not left to the compiler, so that they are as wide as can be
 * whatever this program is compiled with. */
#include "bench_limits.h"

#include <errno.h>
#include <furrow.h>
#include <omp.h>
#include <string.h>
#include <unistd.h>

enum { ACCUMULATORS = 8 }; /* enough to hide the latency of an addition */

/* ------------------------------------------------- one copy of the loops for each instruction set */

#define VECTORS(bytes)                                                                                                 \
    typedef double NAME(vec_f8_t) __attribute__((vector_size(bytes), aligned(8), may_alias));                          \
    typedef float NAME(vec_f4_t) __attribute__((vector_size(bytes), aligned(4), may_alias));                           \
    enum { NAME(lanes_f8) = (bytes) / 8, NAME(lanes_f4) = (bytes) / 4 };
#define vec_f8_t NAME(vec_f8_t)
#define vec_f4_t NAME(vec_f4_t)
#define LANES_F8 NAME(lanes_f8)
#define LANES_F4 NAME(lanes_f4)

#define NAME(x) portable_##x
#define TARGET
VECTORS(16)
#include "bench_loops.inc"
#undef NAME
#undef TARGET

#if defined(__x86_64__)
#define NAME(x) avx2_##x
#define TARGET __attribute__((target("avx2,fma")))
VECTORS(32)
#include "bench_loops.inc"
#undef NAME
#undef TARGET

#define NAME(x) avx512_##x
#define TARGET __attribute__((target("avx512f")))
VECTORS(64)
#include "bench_loops.inc"
#undef NAME
#undef TARGET
#endif

typedef struct {
    double (*sum_f8)(const double *x, int64_t n);
    double (*sum_f4)(const float *x, int64_t n);
    double (*dot_f8)(const double *x, const double *y, int64_t n);
} loops_t;

static loops_t widest_loops(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return (loops_t){avx512_sum_f8, avx512_sum_f4, avx512_dot_f8};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (loops_t){avx2_sum_f8, avx2_sum_f4, avx2_dot_f8};
#endif
    return (loops_t){portable_sum_f8, portable_sum_f4, portable_dot_f8};
}

/* ---------------------------------------------------------------- threads */

/* The part of the calling thread, cut between cache lines. */
static furrow_range_t own_part(int64_t count)
{
    enum { LINE = 64 };
    const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
    const furrow_range_t lines = furrow_split(count / LINE, threads, thread);

    return (furrow_range_t){lines.start * LINE, thread + 1 == threads ? count : lines.stop * LINE};
}

double bench_sum_f8(const double *x, int64_t n, int threads)
{
    const loops_t loops = widest_loops();
    double total = 0.0;

#pragma omp parallel num_threads(threads) default(none) shared(x, n, loops, total)
    {
        const furrow_range_t own = own_part(n);
        const double part = loops.sum_f8(x + own.start, own.stop - own.start);
#pragma omp atomic
        total += part;
    }
    return total;
}

double bench_sum_f4(const float *x, int64_t n, int threads)
{
    const loops_t loops = widest_loops();
    double total = 0.0;

#pragma omp parallel num_threads(threads) default(none) shared(x, n, loops, total)
    {
        const furrow_range_t own = own_part(n);
        const double part = loops.sum_f4(x + own.start, own.stop - own.start);
#pragma omp atomic
        total += part;
    }
    return total;
}

double bench_dot_f8(const double *x, const double *y, int64_t n, int threads)
{
    const loops_t loops = widest_loops();
    double total = 0.0;

#pragma omp parallel num_threads(threads) default(none) shared(x, y, n, loops, total)
    {
        const furrow_range_t own = own_part(n);
        const double part = loops.dot_f8(x + own.start, y + own.start, own.stop - own.start);
#pragma omp atomic
        total += part;
    }
    return total;
}

void bench_fill(void *x, int64_t bytes, int threads)
{
#pragma omp parallel num_threads(threads) default(none) shared(x, bytes)
    {
        const furrow_range_t own = own_part(bytes);
        memset((char *)x + own.start, 1, (size_t)(own.stop - own.start));
    }
}

/* One block into `buffer`. \return 0 or errno */
static int read_block(int fd, int64_t offset, int64_t bytes, char *buffer)
{
    while (bytes > 0) {
        const ssize_t got = pread(fd, buffer, (size_t)bytes, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got < 0 ? errno : EIO;
        offset += got;
        bytes -= got;
    }
    return 0;
}

static int write_block(int fd, int64_t offset, int64_t bytes, const char *buffer)
{
    while (bytes > 0) {
        const ssize_t put = pwrite(fd, buffer, (size_t)bytes, (off_t)offset);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return put < 0 ? errno : EIO;
        buffer += put;
        offset += put;
        bytes -= put;
    }
    return 0;
}

int bench_copy(int fd, int64_t offset, int64_t bytes, char *buffers, int threads, int to)
{
    const int64_t blocks = (bytes + BENCH_BUFFER_BYTES - 1) / BENCH_BUFFER_BYTES;
    int failure = 0;

    /* Four blocks in a row for each thread: reading is faster so than in turn with the other threads. */
#pragma omp parallel for num_threads(threads) schedule(dynamic, 4) default(none)                                       \
    shared(fd, offset, bytes, buffers, blocks, to, failure)
    for (int64_t block = 0; block < blocks; block++) {
        char *buffer = buffers + (int64_t)omp_get_thread_num() * BENCH_BUFFER_BYTES;
        const int64_t start = block * BENCH_BUFFER_BYTES, left = bytes - start;
        const int64_t now = left < BENCH_BUFFER_BYTES ? left : BENCH_BUFFER_BYTES;
        int outcome = read_block(fd, offset + start, now, buffer);
        if (outcome == 0 && to >= 0) outcome = write_block(to, start, now, buffer);
        if (outcome == 0) continue;
#pragma omp atomic write
        failure = outcome;
    }
    return failure;
}

int bench_write(int to, const char *from, int64_t room, int64_t bytes, int threads)
{
    const int64_t pieces = (bytes + BENCH_PIECE_BYTES - 1) / BENCH_PIECE_BYTES, places = room / BENCH_PIECE_BYTES;
    int failure = 0;

#pragma omp parallel for num_threads(threads) schedule(dynamic) default(none) shared(to, from, places, pieces, failure)
    for (int64_t i = 0; i < pieces; i++) {
        const int64_t at = i * BENCH_PIECE_BYTES;
        const int outcome = write_block(to, at, BENCH_PIECE_BYTES, from + i % places * BENCH_PIECE_BYTES);
        if (outcome == 0) continue;
#pragma omp atomic write
        failure = outcome;
    }
    return failure;
}

int bench_read(int fd, int64_t offset, int64_t bytes, char *buffers, int threads)
{
    return bench_copy(fd, offset, bytes, buffers, threads, -1);
}
