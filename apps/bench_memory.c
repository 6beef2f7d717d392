/* Owns the entries about an array in memory. One buffer serves all of them, so that figure and limit see the same
 * pages. */
#include "bench.h"

#include <errno.h>
#include <omp.h>
#include <string.h>
#include <sys/mman.h>

#include "bench_limits.h"

typedef struct {
    const bench_t *bench;
    void *data;
    int64_t bytes;
    furrow_dtype_t dtype; /* of the random numbers that it holds */
    furrow_op_t op;       /* what the exact way computes */
    double sink;          /* where the plain loops leave their results */
} memory_t;

/* ------------------------------------------------------------ exact ways */

static furrow_status_t exact_reduction(void *arg, furrow_error_t *err)
{
    const memory_t *m = arg;
    const furrow_array_t part = {m->dtype, 1, {m->bytes / furrow_dtype_size(m->dtype)}, m->data};
    const furrow_reduce_opts_t opts = {.ops = UINT32_C(1) << m->op};
    furrow_reduction_t *reduction;

    const furrow_status_t status = furrow_reduce_array(m->bench->ctx, &part, &opts, &reduction, err);
    furrow_reduction_free(reduction);
    return status;
}

static furrow_status_t exact_dot(void *arg, furrow_error_t *err)
{
    const memory_t *m = arg;
    const int64_t items = m->bytes / 2 / furrow_dtype_size(m->dtype);
    const furrow_array_t a = {m->dtype, 1, {items}, m->data};
    const furrow_array_t b = {m->dtype, 1, {items}, (char *)m->data + m->bytes / 2};
    furrow_value_t value;

    return furrow_dot_arrays(m->bench->ctx, &a, &b, &value, err);
}

/* As furrow_random_file() does it, without the file. */
static furrow_status_t random_numbers(void *arg, furrow_error_t *err)
{
    enum { BLOCK_BYTES = 1 << 20 };
    const memory_t *m = arg;
    const int64_t items = BLOCK_BYTES / furrow_dtype_size(m->dtype), blocks = m->bytes / BLOCK_BYTES;
    int failures = 0;

#pragma omp parallel for num_threads(m->bench->threads) schedule(dynamic, 1) default(none)                             \
    shared(m, items, blocks, failures)
    for (int64_t block = 0; block < blocks; block++) {
        char *out = (char *)m->data + block * BLOCK_BYTES;
        if (furrow_random(1, FURROW_UNIFORM, m->dtype, block * items, items, out, NULL) == FURROW_OK) continue;
#pragma omp atomic
        failures++;
    }
    return failures == 0 ? FURROW_OK : cli_fail(err, FURROW_EARG, "random numbers: %d blocks failed", failures);
}

/* ------------------------------------------------------------ plain ways */

static furrow_status_t plain_sum(void *arg, furrow_error_t *err)
{
    memory_t *m = arg;
    const int threads = m->bench->threads;

    (void)err;
    if (m->dtype == FURROW_F4)
        m->sink = bench_sum_f4(m->data, m->bytes / (int64_t)sizeof(float), threads);
    else
        m->sink = bench_sum_f8(m->data, m->bytes / (int64_t)sizeof(double), threads);
    return FURROW_OK;
}

static furrow_status_t plain_dot(void *arg, furrow_error_t *err)
{
    memory_t *m = arg;
    const int64_t items = m->bytes / 2 / (int64_t)sizeof(double);
    const double *data = m->data;

    (void)err;
    m->sink = bench_dot_f8(data, data + items, items, m->bench->threads);
    return FURROW_OK;
}

static furrow_status_t plain_fill(void *arg, furrow_error_t *err)
{
    const memory_t *m = arg;

    (void)err;
    bench_fill(m->data, m->bytes, m->bench->threads);
    return FURROW_OK;
}

/* ------------------------------------------------------------------ life */

/* Huge pages where the system has them, as NumPy asks for too. */
static furrow_status_t memory_open(memory_t *m, furrow_error_t *err)
{
    char text[32];

    m->data = mmap(NULL, (size_t)m->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m->data == MAP_FAILED) {
        m->data = NULL;
        return cli_fail(err, FURROW_ENOMEM, "out of memory: %s for an array; --memory makes it smaller",
                        cli_human_bytes((double)m->bytes, text));
    }
    (void)madvise(m->data, (size_t)m->bytes, MADV_HUGEPAGE);
    bench_fill(m->data, m->bytes, m->bench->threads);
    return FURROW_OK;
}

/* One comparison of what `m` is set to. */
static furrow_status_t compare(bench_t *bench, memory_t *m, bench_work_t *figure, bench_work_t *limit,
                               bench_entry_t entry, furrow_error_t *err)
{
    const bench_pair_t pair = {figure, limit, m, m->bytes, 0};

    return bench_compare(bench, &pair, entry, err);
}

/* What can be read is what the plain sum has just reached: it does nothing else. */
static void add_read(bench_t *bench)
{
    const bench_entry_t *sum = bench_find(bench, "exact_sum");
    bench_entry_t entry = {.name = "read", .unit = "GB/s", .note = "a limit itself: the plain float sum"};

    if (sum == NULL || bench->count >= BENCH_MAX) return;
    entry.value = sum->limit;
    memmove(bench->entry + 1, bench->entry, (size_t)bench->count * sizeof *bench->entry);
    bench->entry[0] = entry;
    bench->count++;
}

static furrow_status_t measure(bench_t *bench, memory_t *m, furrow_error_t *err)
{
    static const char plain[] = "plain float sum";
    const bench_entry_t dot = {.name = "exact_dot", .limit_name = "plain float dot product"};
    const bench_entry_t random = {.name = "random", .limit_name = "memset"};
    bench_entry_t sum = {.name = "exact_sum", .limit_name = plain, .target = 0.90};
    bench_entry_t squares = {.name = "exact_sumsq", .limit_name = plain, .target = 0.80};
    bench_entry_t sum_f4 = {.name = "exact_sum_f4", .limit_name = plain};

    furrow_status_t status = furrow_agree(bench->ctx, random_numbers(m, err), err);
    if (status == FURROW_OK) status = compare(bench, m, exact_reduction, plain_sum, sum, err);
    m->op = FURROW_OP_SUMSQ;
    if (status == FURROW_OK) status = compare(bench, m, exact_reduction, plain_sum, squares, err);
    if (status == FURROW_OK) status = compare(bench, m, exact_dot, plain_dot, dot, err);
    m->dtype = FURROW_F4;
    m->op = FURROW_OP_SUM;
    if (status == FURROW_OK) status = furrow_agree(bench->ctx, random_numbers(m, err), err);
    if (status == FURROW_OK) status = compare(bench, m, exact_reduction, plain_sum, sum_f4, err);
    m->dtype = FURROW_F8;
    if (status == FURROW_OK) status = compare(bench, m, random_numbers, plain_fill, random, err);
    return status;
}

furrow_status_t bench_memory(bench_t *bench, furrow_error_t *err)
{
    memory_t m = {bench, NULL, bench->memory_bytes, FURROW_F8, FURROW_OP_SUM, 0.0};

    furrow_status_t status = furrow_agree(bench->ctx, memory_open(&m, err), err);
    if (status == FURROW_OK) status = measure(bench, &m, err);
    if (status == FURROW_OK && bench->cli->is_root) add_read(bench);
    if (m.data != NULL) (void)munmap(m.data, (size_t)m.bytes);
    return status;
}
