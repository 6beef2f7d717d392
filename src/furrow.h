/** \file furrow.h
 * Furrow: data-parallel work on big arrays, with OpenMP within a node and MPI across nodes.
 *
 * This is the public interface but for pools (furrow_pool.h) and the one call that needs MPI's types (furrow_mpi.h).
 * Conventions:
 *
 * - **Local** functions concern this process only. **Collective** functions must be called by every rank of the
 *   context, in the same order; unless said otherwise all arguments must match on all ranks.
 * - Every function that can fail returns a furrow_status_t. A collective function returns the same status on every
 *   rank, and fills `err` (which may be NULL) with the same text on every rank. Outputs are unchanged on error, handles
 *   NULL.
 * - Counts are elements or rows, int64_t; names that end in _bytes say otherwise. Nothing is limited to 2^31.
 * - Arrays are in C order, in the byte order of the machine, unless a comment says otherwise.
 * - Results are the same bits for any ranks, threads, memory cap, and vector instructions. This needs the
 *   floating-point environment that C programs start in: rounding to nearest, subnormals kept (a main program linked
 *   with -ffast-math changes it).
 * - Functions that take a context use its OpenMP threads: call them from the thread that opened it, outside parallel
 *   regions. The library never exits, aborts or prints.
 */
#ifndef FURROW_H
#define FURROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FURROW_VERSION "0.1.0"

#if defined(__GNUC__)
#define FURROW_API __attribute__((visibility("default")))
#define FURROW_MUST_CHECK __attribute__((warn_unused_result))
#else
#define FURROW_API
#define FURROW_MUST_CHECK
#endif

/* ---------------------------------------------------------------- status */

/** Every status: name, value, meaning. Where ranks fail differently, the lowest value is the one that all return; being
 * stopped is the weakest reason, for a failure elsewhere may be what stopped a rank. */
#define FURROW_STATUS_LIST(X)                                                                                          \
    X(OK, 0, "success")                                                                                                \
    X(ECANCELED, -1, "stopped on request")                                                                             \
    X(ETIMEDOUT, -2, "not ready in time")                                                                              \
    X(ECLOSED, -3, "closed: nothing more is taken")                                                                    \
    X(EITEM, -4, "an item failed")                                                                                     \
    X(EEMPTY, -5, "no value: the array is empty")                                                                      \
    X(EBUDGET, -6, "the memory cap is too small")                                                                      \
    X(EMISMATCH, -7, "inputs do not fit together")                                                                     \
    X(ETRUNCATED, -8, "data missing")                                                                                  \
    X(EUNSUPPORTED, -9, "not supported")                                                                               \
    X(EFORMAT, -10, "not a valid file")                                                                                \
    X(EOVERFLOW, -11, "a size is out of range")                                                                        \
    X(EIO, -12, "the system refused an operation on a file")                                                           \
    X(ENOMEM, -13, "out of memory")                                                                                    \
    X(EARG, -14, "wrong argument")                                                                                     \
    X(EMPI, -15, "the message layer failed")

typedef enum furrow_status {
#define FURROW_STATUS_ENUM(name, value, text) FURROW_##name = (value),
    FURROW_STATUS_LIST(FURROW_STATUS_ENUM)
#undef FURROW_STATUS_ENUM
} furrow_status_t;

/** What went wrong. Owned by the caller; plain data. */
typedef struct furrow_error {
    furrow_status_t status;
    int rank;        /**< the rank that failed; 0 without MPI */
    int sys_errno;   /**< errno of the failed system call, or 0 */
    char host[64];   /**< that rank's host, where there are several and it is about a file or memory; else "" */
    char text[1024]; /**< one line with path and numbers, "" for success */
} furrow_error_t;

/** The meaning of a status, a constant string. Local. */
FURROW_API const char *furrow_status_text(furrow_status_t status);

/** The version of the library that runs (FURROW_VERSION is the one compiled against). Local. */
FURROW_API const char *furrow_version(void);

/* --------------------------------------------------------------- context */

/** Ranks, threads, memory cap. One per program is usual. */
typedef struct furrow_context furrow_context_t;

typedef struct furrow_context_opts {
    int threads; /**< OpenMP threads per rank; 0: cores this process may use / ranks on this node, at least 1 */
    int64_t memory_bytes; /**< cap on working buffers per rank; 0: 1 GiB */
} furrow_context_opts_t;

/** Make it possible that items run in processes of their own, where one that crashes, exits or overruns costs itself
 * alone: fork a server that will fork those processes. Local. Linux only.
 *
 * Call it before furrow_context_open(), before MPI_Init() and before any thread starts: processes that are made later
 * have the program's functions and the memory of this moment, and none of what MPI and threads hold. Streams of stdio
 * are flushed. Descriptors stay open in the server only for standard output and error. It ends with this process,
 * however that ends, and ignores SIGINT and SIGTERM. It is a child of this process: do not wait() for just any child.
 *
 * \return FURROW_OK, FURROW_EARG (started already, or threads run), FURROW_EIO (the system refuses a process) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_isolation_start(furrow_error_t *err);

/** End the server and all processes that it made; they must not be in use any more. Local. Nothing happens if there is
 * none. Needs not be called: furrow_context_close() leaves the server to the next context, the end of the process ends
 * it too. */
FURROW_API void furrow_isolation_stop(void);

/** Find out where the program runs. Collective over all processes of the launch.
 *
 * Under a launcher (mpirun, srun with an MPI plugin) this starts MPI, if the program has not, with MPI_THREAD_FUNNELED,
 * and duplicates MPI_COMM_WORLD. Without one MPI is never touched: one rank, no cost.
 *
 * \param[in]  opts  NULL for defaults. May differ between ranks.
 * \param[out] out   to be closed with furrow_context_close().
 * \return FURROW_OK, FURROW_EARG (threads or memory_bytes negative), FURROW_ENOMEM, FURROW_EMPI */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_context_open(const furrow_context_opts_t *opts,
                                                                 furrow_context_t **out, furrow_error_t *err);

/** Collective. Ends MPI if furrow_context_open() started it. NULL is fine. */
FURROW_API void furrow_context_close(furrow_context_t *ctx);

/** The facts of a context; those of `node` concern the ranks that share memory with this one. Local. */
FURROW_API int furrow_context_rank(const furrow_context_t *ctx);
FURROW_API int furrow_context_ranks(const furrow_context_t *ctx);
FURROW_API int furrow_context_node_rank(const furrow_context_t *ctx);
FURROW_API int furrow_context_node_ranks(const furrow_context_t *ctx);
FURROW_API int furrow_context_threads(const furrow_context_t *ctx);
FURROW_API int64_t furrow_context_memory(const furrow_context_t *ctx);

/** Ask the call that runs on `ctx` to stop: it returns FURROW_ECANCELED on all ranks once the blocks in flight are
 * done, and leaves no output (furrow_rows() also what a later run needs to go on). Stays in force for later calls.
 * Local; may be called from a signal handler or another thread, on any rank. */
FURROW_API void furrow_context_cancel(furrow_context_t *ctx);

/** How far a call is, on all ranks together. */
typedef struct furrow_progress_report {
    const char *unit; /**< what is counted: "rows"; NULL: bytes, guessed from rank 0, whose share is like any */
    int64_t done, total;
    int64_t resumed;  /**< of `done`: by an earlier run */
    int64_t rejected; /**< of `done`: items that failed */
} furrow_progress_report_t;

/** Told now and then, on rank 0, and of items a last time when all are done. */
typedef void furrow_progress_fn(void *arg, const furrow_progress_report_t *report);

/** Who is told of the progress of calls on `ctx`; NULL: nobody. Local. It is called often, also when nothing has
 * changed: it should look at a clock first. */
FURROW_API void furrow_context_on_progress(furrow_context_t *ctx, furrow_progress_fn *tell, void *arg);

enum { FURROW_PULSE_LISTED = 8, FURROW_PULSE_PATH = 512 };

/** What a thread of this rank works on. */
typedef struct furrow_pulse_thread {
    int thread;                   /**< -1: the main thread, outside of items */
    const char *noun;             /**< what an item is called: "row", "block" */
    int64_t first, count;         /**< it is at items [first, first + count); count 0: at none */
    const char *doing;            /**< "reading", "computing" */
    char path[FURROW_PULSE_PATH]; /**< the file that this concerns, cut; "" for none */
    double seconds;               /**< since it began with these items, or with the group of items that they are of */
} furrow_pulse_thread_t;

/** Signs of life of a rank. Strings are constants. */
typedef struct furrow_pulse {
    int64_t beats; /**< grows whenever an item, block, message or stage is finished */
    int busy;      /**< threads at work */
    furrow_pulse_thread_t thread[FURROW_PULSE_LISTED]; /**< of them the first, which have been at it longest */
    const char *waits_in; /**< in what the main thread waits for other ranks, "the run of items"; NULL: it does not */
    int waits_for;        /**< for which rank, -1: not known */
    const char *noun;     /**< what that rank was given last: items [first, first + count) of this name; count 0: not */
    int64_t first, count; /**< known */
} furrow_pulse_t;

/** Look at the pulse of this rank. Local; from any thread, at any time until furrow_context_close() is called: for a
 * watchdog, which finds that `beats` stands still while `busy` or `waits_in` says that there is something to wait for.
 * A pool that nobody gives work looks as if it waited. The parts are read one after the other while the threads go
 * on. */
FURROW_API void furrow_context_pulse(const furrow_context_t *ctx, furrow_pulse_t *out);

/** From now on ranks tell one another, once a second, that something was finished on them, which counts as a beat: so
 * that one that waits for the others while they work can tell this from a standstill. Collective; costs a barrier in
 * every agreement, which is what allows to hear while waiting. In force if all ranks pass true. Nothing happens in an
 * item, a callback or the body of a pool. */
FURROW_API void furrow_context_share_pulse(furrow_context_t *ctx, bool share);

/** Share a verdict. Collective over `ctx`; `status` and `err` are this rank's own.
 *
 * The lowest status wins, then the lowest rank; afterwards every rank holds that status, rank and text. One small
 * reduction on success. The way to branch on a local outcome without leaving a rank behind.
 *
 * \param[in,out] err  must hold this rank's text where `status` is not FURROW_OK; NULL only if it is NULL everywhere
 * \return the agreed status */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_agree(furrow_context_t *ctx, furrow_status_t status,
                                                          furrow_error_t *err);

/* ----------------------------------------------------------------- dtype */

/** Every dtype: name, NumPy kind, bytes of one element. */
#define FURROW_DTYPE_LIST(X)                                                                                           \
    X(BOOL, "bool", 'b', 1)                                                                                            \
    X(I1, "i1", 'i', 1)                                                                                                \
    X(I2, "i2", 'i', 2)                                                                                                \
    X(I4, "i4", 'i', 4)                                                                                                \
    X(I8, "i8", 'i', 8)                                                                                                \
    X(U1, "u1", 'u', 1)                                                                                                \
    X(U2, "u2", 'u', 2)                                                                                                \
    X(U4, "u4", 'u', 4)                                                                                                \
    X(U8, "u8", 'u', 8)                                                                                                \
    X(F2, "f2", 'f', 2)                                                                                                \
    X(F4, "f4", 'f', 4)                                                                                                \
    X(F8, "f8", 'f', 8)                                                                                                \
    X(C8, "c8", 'c', 8)                                                                                                \
    X(C16, "c16", 'c', 16)

typedef enum furrow_dtype {
#define FURROW_DTYPE_ENUM(name, text, kind, bytes) FURROW_##name,
    FURROW_DTYPE_LIST(FURROW_DTYPE_ENUM)
#undef FURROW_DTYPE_ENUM
} furrow_dtype_t;

/** Bytes of one element; "f8"; 'f'. Local. */
FURROW_API int64_t furrow_dtype_size(furrow_dtype_t dtype);
FURROW_API const char *furrow_dtype_name(furrow_dtype_t dtype);
FURROW_API char furrow_dtype_kind(furrow_dtype_t dtype);

/* ----------------------------------------------------------------- split */

/** Half open: start <= i < stop. */
typedef struct furrow_range {
    int64_t start, stop;
} furrow_range_t;

/** Section `index` of `sections` over `count` rows, as numpy.array_split cuts. Local; needs count >= 0, sections >= 1,
 * 0 <= index < sections. The first count % sections sections have one row more:
 *
 *     count 10, sections 4:  [0,3) [3,6) [6,8) [8,10)          count 2, sections 4:  [0,1) [1,2) [2,2) [2,2) */
FURROW_API furrow_range_t furrow_split(int64_t count, int64_t sections, int64_t index);

/* ------------------------------------------------------------ .npy files */

enum { FURROW_MAX_NDIM = 64 };

/** What the header of an .npy file says. Plain data. */
typedef struct furrow_npy {
    int version_major, version_minor; /**< 1.0, 2.0 or 3.0 */
    furrow_dtype_t dtype;
    bool swapped; /**< the file's byte order is not the machine's */
    bool fortran_order;
    int ndim; /**< 0 for a single value */
    int64_t shape[FURROW_MAX_NDIM];
    int64_t items;       /**< product of shape */
    int64_t bytes;       /**< items * size of dtype */
    int64_t data_offset; /**< of the first element, in bytes from the start of the file */
} furrow_npy_t;

/** Read and check a header. Local. Accepts every header that NumPy does.
 *
 * \return FURROW_OK, FURROW_EIO (missing, a folder, no permission), FURROW_EFORMAT, FURROW_EUNSUPPORTED (object,
 *          string,
 *         structured, long double, dates), FURROW_EOVERFLOW (the shape's product), FURROW_ETRUNCATED (file shorter than
 *         its header says) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_npy_read(const char *path, furrow_npy_t *out, furrow_error_t *err);

/* ----------------------------------------------------------------- array */

/** An array in memory, C order. Who allocated `data` frees it; those that the library returns: furrow_array_free(). */
typedef struct furrow_array {
    furrow_dtype_t dtype;
    int ndim;
    int64_t shape[FURROW_MAX_NDIM];
    void *data;
} furrow_array_t;

/** Frees `data` of an array that the library returned and clears it. Local. NULL is fine. */
FURROW_API void furrow_array_free(furrow_array_t *array);

/** Cut an array that one rank holds along axis 0 and give every rank its part. Collective over `ctx`.
 *
 * \param[in]  root    the rank that holds `whole`, any
 * \param[in]  whole   on `root`: ndim >= 1, borrowed; ignored elsewhere, may be NULL
 * \param[in]  counts  rows for each rank, their sum the rows of `whole`, on `root`; NULL there: as furrow_split()
 * \param[out] part    this rank's rows, to be freed with furrow_array_free(); may have no rows
 * Memory      root: nothing beyond `whole` and its own part. No message is longer than 1 GiB; the array may be.
 * \return FURROW_OK, FURROW_EARG, FURROW_ENOMEM (on some rank) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_scatter(furrow_context_t *ctx, int root,
                                                            const furrow_array_t *whole, const int64_t *counts,
                                                            furrow_array_t *part, furrow_error_t *err);

/** Join the parts of all ranks, in rank order, along axis 0, on one rank. Collective over `ctx`.
 *
 * \param[in]  part   dtype, ndim and trailing shape match on all ranks; rows may differ and may be none. Borrowed.
 * \param[out] whole  on `root`: the array, to be freed with furrow_array_free(); elsewhere unchanged, may be NULL
 * \return FURROW_OK, FURROW_EARG, FURROW_EMISMATCH (parts differ in dtype or trailing shape), FURROW_ENOMEM */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_gather(furrow_context_t *ctx, int root, const furrow_array_t *part,
                                                           furrow_array_t *whole, furrow_error_t *err);

/* --------------------------------------------------------------- dataset */

/** One or several .npy files, joined along axis 0, open for reading. */
typedef struct furrow_dataset furrow_dataset_t;

typedef enum furrow_source {
    FURROW_SOURCE_SHARED, /**< every rank opens the files and reads its own part */
    FURROW_SOURCE_ROOT    /**< only rank 0 can see the files; it sends blocks to the others */
} furrow_source_t;

/** Open files as one array. Collective over `ctx`.
 *
 * The files must agree in dtype (byte order may differ), order and trailing shape; a 0-d file can only stand alone.
 *
 * \param[in]  paths   `count` >= 1 names; "-" alone is standard input, which implies FURROW_SOURCE_ROOT. Copied.
 * \param[out] out     to be freed with furrow_dataset_free()
 * \return FURROW_OK or what furrow_npy_read() returns, FURROW_EMISMATCH, FURROW_EARG */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_dataset_open(furrow_context_t *ctx, const char *const *paths,
                                                                 int64_t count, furrow_source_t source,
                                                                 furrow_dataset_t **out, furrow_error_t *err);

/** Local; closes this rank's files. NULL is fine. */
FURROW_API void furrow_dataset_free(furrow_dataset_t *dataset);

/** dtype, ndim, shape and items of the joined array; `fortran_order` is that of the files. Local; lives as long as the
 * dataset. A 0-d array has one row of one element. */
FURROW_API const furrow_npy_t *furrow_dataset_header(const furrow_dataset_t *dataset);

/** The rows that fall to this rank: furrow_split(rows, ranks, rank). Local. */
FURROW_API furrow_range_t furrow_dataset_rows(const furrow_dataset_t *dataset);

/** Read rows, in C order and the machine's byte order whatever the file has. Local; any rows, from any thread.
 *
 * \param[out] out  `count` rows. Where the files are not visible to this rank (FURROW_SOURCE_ROOT):
 *          FURROW_EUNSUPPORTED.
 * \return FURROW_OK, FURROW_EARG, FURROW_EIO, FURROW_ETRUNCATED (a file shrank), FURROW_ENOMEM */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_dataset_read(const furrow_dataset_t *dataset, int64_t first,
                                                                 int64_t count, void *out, furrow_error_t *err);

/* ---------------------------------------------------------------- output */

/** One .npy file being written by all ranks. It appears under its name whole, or not at all. */
typedef struct furrow_output furrow_output_t;

/** Create a file of known shape. Collective over `ctx`.
 *
 * Rank 0 makes a temporary file beside `path` and reserves its space, so that a full disk shows here. Whatever stands
 * under `path` stays untouched until furrow_output_commit().
 *
 * \return FURROW_OK, FURROW_EARG, FURROW_EOVERFLOW, FURROW_EIO (no folder, no permission, no space), FURROW_ENOMEM */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_output_create(furrow_context_t *ctx, const char *path,
                                                                  furrow_dtype_t dtype, int ndim, const int64_t *shape,
                                                                  furrow_output_t **out, furrow_error_t *err);

/** The same where only rank 0 sees the folder: other ranks take part in the calls but must not write. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_output_create_on_root(furrow_context_t *ctx, const char *path,
                                                                          furrow_dtype_t dtype, int ndim,
                                                                          const int64_t *shape, furrow_output_t **out,
                                                                          furrow_error_t *err);

/** The elements that this rank should write where any rank could write any: a section of whole MiB of the file, which
 * begins with its header, so that no two hosts write into one page. Every element is in the section of one rank; a
 * section may be empty. Of an output on root, rank 0 has all. Local. */
FURROW_API furrow_range_t furrow_output_section(const furrow_output_t *output);

/** Write elements [first, first + count) in C order. Local; from any thread; ranks must not overlap.
 *
 * Where the caches of hosts agree (a local disk, Lustre, GPFS) a rank may write what it likes. On NFS two hosts must
 * not write into one page of the file, or the later may take back what the earlier wrote. Ranks that keep to
 * furrow_output_section() do not, nor do the functions that write outputs themselves: furrow_copy(), furrow_rows(),
 * furrow_random_file(), furrow_images(), furrow_map(). */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_output_write(furrow_output_t *output, int64_t first, int64_t count,
                                                                 const void *data, furrow_error_t *err);

/** Finish: flush to disk, then rename over `path`. Collective. `status` is how this rank's own work went: if it failed
 * on any rank, the temporary is removed and that failure returned everywhere. Frees the output in every case. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_output_commit(furrow_output_t *output, furrow_status_t status,
                                                                  furrow_error_t *err);

/** Copy rows of a dataset, of any dtype, into one file, in C order and the machine's byte order. Collective over its
 * context.
 *
 * With furrow_split() this cuts an array into files, and for all rows it joins the files of a dataset. Every rank
 * copies its share.
 *
 * \param[in]  rows  within the dataset; [0, 1) for a 0-d array. Of standard input rows are taken once, in order.
 * \param[in]  path  not one of the files of `dataset`
 * \return FURROW_OK, FURROW_EARG, FURROW_EIO, FURROW_ENOMEM, FURROW_ETRUNCATED, FURROW_EBUDGET (a row in Fortran
 *          order),
 *         FURROW_ECANCELED */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_copy(furrow_dataset_t *dataset, furrow_range_t rows,
                                                         const char *path, furrow_error_t *err);

/* ---------------------------------------------------------------- reduce */

/** Every reduction: name as the command line has it. */
#define FURROW_OP_LIST(X)                                                                                              \
    X(COUNT, "count")                                                                                                  \
    X(SUM, "sum")                                                                                                      \
    X(SUMSQ, "sumsq")                                                                                                  \
    X(MEAN, "mean")                                                                                                    \
    X(VAR, "var")                                                                                                      \
    X(STD, "std")                                                                                                      \
    X(MIN, "min")                                                                                                      \
    X(MAX, "max")                                                                                                      \
    X(ARGMIN, "argmin")                                                                                                \
    X(ARGMAX, "argmax")                                                                                                \
    X(NORM1, "norm1")                                                                                                  \
    X(NORM2, "norm2")                                                                                                  \
    X(NORMINF, "norminf")                                                                                              \
    X(NONZERO, "nonzero")                                                                                              \
    X(NAN, "nan")                                                                                                      \
    X(HIST, "hist")

typedef enum furrow_op {
#define FURROW_OP_ENUM(name, text) FURROW_OP_##name,
    FURROW_OP_LIST(FURROW_OP_ENUM)
#undef FURROW_OP_ENUM
        FURROW_OP_TOTAL
} furrow_op_t;

/** The name of an operation, a constant string. Local. */
FURROW_API const char *furrow_op_name(furrow_op_t op);

/** The operation of that name. Local. \return false if there is none; `nearest` (may be NULL) is then the likeliest. */
FURROW_API bool furrow_op_find(const char *name, furrow_op_t *op, furrow_op_t *nearest);

typedef enum furrow_value_kind {
    FURROW_VALUE_INT,    /**< exact integer: `digits`, and `i` where it fits */
    FURROW_VALUE_FLOAT,  /**< `re` */
    FURROW_VALUE_COMPLEX /**< `re`, `im` */
} furrow_value_kind_t;

/** One result. Plain data. `re` is always the nearest double. */
typedef struct furrow_value {
    furrow_value_kind_t kind;
    bool fits_i8; /**< INT: the value lies in int64_t, `i` holds it */
    int64_t i;
    double re, im;
    char digits[80]; /**< INT: decimal, "-" in front if negative */
} furrow_value_t;

typedef struct furrow_reduce_opts {
    uint32_t ops;     /**< 1u << FURROW_OP_SUM | ...: all are computed in one pass */
    bool axis0;       /**< one value per column instead of one in all */
    bool skip_nan;    /**< leave NaN out; `count` and the divisors of mean and var follow */
    int64_t ddof;     /**< var and std divide by count - ddof */
    int64_t sections; /**< > 0: also a result for each section along axis 0 (not with axis0) */
    int64_t bins;     /**< HIST: number of equal bins over [low, high], the last one closed, as numpy.histogram */
    double low, high;
} furrow_reduce_opts_t;

/** The results of one call: `furrow_reduction_groups()` groups. Group 0 is the whole array, groups 1..sections its
 * sections; with axis0 group j is column j, in C order. The same on every rank. */
typedef struct furrow_reduction furrow_reduction_t;

/** Reduce a dataset, exactly. Collective over the context of `dataset`.
 *
 * Numerics  Sums of floats are the correctly rounded (half to even) value of the exact sum, in f8; so are mean, var,
 *           std, norm1, norm2. Sums of integers and bools are exact integers. f2 and f4 give f8. NaN propagates. +inf
 *           and -inf give NaN. The sum of nothing is +0, of nothing but -0.0 it is -0.0. min and max treat -0.0 as
 *           below +0.0; argmin and argmax, as NumPy, return the first of equals in C order and the first NaN if there
 *           is one. var with count <= ddof is NaN. A mean of nothing is NaN, min, max, argmin, argmax of nothing
 *           FURROW_EEMPTY. Complex: count, sum, mean, sumsq (sum of |z|^2) and norm2 only, without skip_nan.
 * Cost      Every element is read once. Buffers stay within the context's memory cap.
 * \return   FURROW_OK, FURROW_EARG, FURROW_EUNSUPPORTED (operation and dtype), FURROW_EBUDGET (with the least that
 *          would
 *           do), FURROW_EEMPTY, FURROW_EIO, FURROW_ETRUNCATED, FURROW_ENOMEM */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_reduce(furrow_dataset_t *dataset, const furrow_reduce_opts_t *opts,
                                                           furrow_reduction_t **out, furrow_error_t *err);

/** The same for an array in memory, of which each rank holds rows (those of rank r + 1 follow those of rank r; a rank
 * may have none). dtype, ndim and trailing shape must match, else FURROW_EMISMATCH. `sections` must be 0. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_reduce_array(furrow_context_t *ctx, const furrow_array_t *part,
                                                                 const furrow_reduce_opts_t *opts,
                                                                 furrow_reduction_t **out, furrow_error_t *err);

FURROW_API int64_t furrow_reduction_groups(const furrow_reduction_t *reduction);

/** One result. Local. `op` must be one of those asked for, other than HIST. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_reduction_value(const furrow_reduction_t *reduction, int64_t group,
                                                                    furrow_op_t op, furrow_value_t *out,
                                                                    furrow_error_t *err);

/** HIST: `bins` counts, owned by the reduction; NULL if it was not asked for. Local. */
FURROW_API const int64_t *furrow_reduction_hist(const furrow_reduction_t *reduction, int64_t group);

/** Local. NULL is fine. */
FURROW_API void furrow_reduction_free(furrow_reduction_t *reduction);

/** The edges of a histogram, bins + 1 doubles, as numpy.linspace(low, high, bins + 1). Local. */
FURROW_API void furrow_hist_edges(double low, double high, int64_t bins, double *edges);

/** Exact dot product, sum of a[i] * b[i], of two datasets of one dtype, shape and order. Collective over their context,
 * which is the same.
 * Numerics as furrow_reduce(); integers exact; complex is not supported (FURROW_EUNSUPPORTED). */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_dot(furrow_dataset_t *a, furrow_dataset_t *b, furrow_value_t *out,
                                                        furrow_error_t *err);

/** The same for two arrays in memory, of which each rank holds the same part. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_dot_arrays(furrow_context_t *ctx, const furrow_array_t *a,
                                                               const furrow_array_t *b, furrow_value_t *out,
                                                               furrow_error_t *err);

/* ------------------------------------------------------------------ rows */

/** Every operation on rows: name as the command line has it. */
#define FURROW_ROW_OP_LIST(X)                                                                                          \
    X(SUM, "sum")                                                                                                      \
    X(SUMSQ, "sumsq")                                                                                                  \
    X(MEAN, "mean")                                                                                                    \
    X(VAR, "var")                                                                                                      \
    X(STD, "std")                                                                                                      \
    X(MIN, "min")                                                                                                      \
    X(MAX, "max")                                                                                                      \
    X(ARGMIN, "argmin")                                                                                                \
    X(ARGMAX, "argmax")                                                                                                \
    X(NORM1, "norm1")                                                                                                  \
    X(NORM2, "norm2")                                                                                                  \
    X(NONZERO, "nonzero")                                                                                              \
    X(DOT, "dot")                                                                                                      \
    X(NORMALIZE, "normalize")                                                                                          \
    X(ZSCORE, "zscore")                                                                                                \
    X(MINMAX, "minmax")                                                                                                \
    X(SOFTMAX, "softmax")                                                                                              \
    X(CUMSUM, "cumsum")                                                                                                \
    X(SORT, "sort")                                                                                                    \
    X(TOPK, "topk")

typedef enum furrow_row_op {
#define FURROW_ROW_OP_ENUM(name, text) FURROW_ROW_##name,
    FURROW_ROW_OP_LIST(FURROW_ROW_OP_ENUM)
#undef FURROW_ROW_OP_ENUM
        FURROW_ROW_OP_TOTAL
} furrow_row_op_t;

/** The name of an operation; the operation of a name, as furrow_op_name() and furrow_op_find(). Local. */
FURROW_API const char *furrow_row_op_name(furrow_row_op_t op);
FURROW_API bool furrow_row_op_find(const char *name, furrow_row_op_t *op, furrow_row_op_t *nearest);

typedef struct furrow_rows_opts {
    const char *kernel; /**< "LIBRARY:FUNCTION", a function of yours as furrow_kernel.h has it; NULL: `op`. A library
                           without a slash is a file of the current folder. */
    const char *const *params; /**< of `kernel`: "NAME=VALUE" */
    int64_t param_count;
    furrow_row_op_t op; /**< and what concerns it up to `dtype`, where there is no kernel */
    int64_t ddof;       /**< VAR, STD: divide by elements - ddof */
    int64_t k;          /**< TOPK: how many, 1 <= k <= elements of a row */
    const char *with;   /**< DOT: an .npy file with as many elements as a row, of the dtype of the rows */
    bool dtype_given;   /**< results are `dtype`, F4 or F8, instead of what the rows suggest (floats only) */
    furrow_dtype_t dtype;
    bool resume;         /**< go on with an earlier run of the same job that was stopped or killed, if there is one */
    double item_timeout; /**< seconds: a row that takes longer is rejected, when it ends or is killed; 0: no limit */
    bool isolate;        /**< `kernel` runs in processes of its own; furrow_isolation_start() came before the context */
} furrow_rows_opts_t;

enum { FURROW_REJECTS_LISTED = 1000, FURROW_REJECT_TEXT = 200 };

/** An item that failed. */
typedef struct furrow_reject {
    int64_t index;
    char text[FURROW_REJECT_TEXT]; /**< why */
} furrow_reject_t;

/** How it went; the same on all ranks but for the list. To be freed with furrow_rows_report_free(). */
typedef struct furrow_rows_report {
    furrow_dtype_t dtype; /**< of the output, as are ndim and shape */
    int ndim;
    int64_t shape[FURROW_MAX_NDIM];
    int64_t rows;     /**< in all */
    int64_t resumed;  /**< done by an earlier run */
    int64_t rejected; /**< rows that failed: their place in the output is zero */
    int64_t listed;   /**< on rank 0: the first of them, at most FURROW_REJECTS_LISTED; elsewhere 0 */
    furrow_reject_t *list;
} furrow_rows_report_t;

FURROW_API void furrow_rows_report_free(furrow_rows_report_t *report);

/** One computation per row (one index of axis 0), into one file. Collective over the context of `dataset`.
 *
 * Rows go to the threads of all ranks as those come free. To one number per row: shape (N,), exact as furrow_reduce()
 * (sums of integers: i8 or u8, a sum that does not fit rejects its row; sums and means of floats f8; min and max the
 * dtype of the rows, f4 for f2). To a row: shape of the dataset, f4 for f2 and f4, else f8, within 1 ulp (f4) or 4 ulp
 * (f8), of integers beyond 2^53 as they are in f8; cumsum of integers i8 or u8; sort keeps the dtype; topk has shape
 * (N, k). NaN sorts last, as in NumPy.
 *
 * Where a row-to-row formula has no value, the result is what IEEE arithmetic, and NumPy, make of it: a NaN in a row
 * makes all of it NaN; a constant row is NaN in zscore and minmax, 1 / n in softmax; a zero row is NaN in normalize. An
 * infinity is NaN in normalize, beside zeros, and makes all of a row NaN in zscore; -inf is 0 in softmax, +inf makes
 * all NaN; minmax of a row with +inf is 0 beside NaN, with -inf all NaN.
 *
 * With FURROW_SOURCE_ROOT rank 0 sends rows to the other ranks, and writes what comes back, as far as the memory caps
 * have room for that; else it works alone. Rows of standard input (C order) are taken as they come; no run can go on
 * with them.
 *
 * A kernel takes rows of any dtype, complex too, and says itself what it gives. Every rank loads its library. A row
 * that it fails on is rejected, with its text. With `isolate` it runs, from setup to teardown, in one process for each
 * thread: a row that crashes it, calls exit(), or overruns is rejected ("killed by signal 11 ...", "over 2 s"), and the
 * next row gets a new process. Without, a row that overruns is rejected when it ends ("took 3.20 s, over 2 s"), and one
 * that does not end holds up the run.
 *
 * The file appears under `path` when all is done; rows that were rejected are then named in `path`.rejects.csv
 * (index,error). A run that is stopped by furrow_context_cancel(), killed, or out of disk leaves beside it what it has
 * done (.NAME.furrow-part and .NAME.furrow-ledger): the same call with `resume`, on any ranks and threads, does the
 * rest and gives the same file. Without `resume`, or where nothing was left, all rows are computed.
 *
 * \param[in]  path    not one of the files of `dataset`
 * \param[out] report  filled on success; cleared otherwise
 * Memory  per thread some rows, at least one, their results, and scratch of up to 3 rows in f8; the same for `with`
 *           once. Of a kernel what it asks for.
 * \return FURROW_OK (also with rejects), FURROW_EARG (0-d too; `resume` of standard input), FURROW_EUNSUPPORTED
 *         (complex; a library that has no such kernel, a kernel's setup that failed), FURROW_EEMPTY (extremes of rows
 *         without elements), FURROW_EBUDGET, FURROW_EIO (also a kernel that crashed in setup or teardown, with
 *         `isolate`), FURROW_ENOMEM, FURROW_EMISMATCH (`with`; `resume` of another job; setup that differs between
 *         ranks), FURROW_EFORMAT (`resume`: a damaged ledger), FURROW_ECANCELED */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_rows(furrow_dataset_t *dataset, const furrow_rows_opts_t *opts,
                                                         const char *path, furrow_rows_report_t *report,
                                                         furrow_error_t *err);

/* ---------------------------------------------------------------- random */

typedef enum furrow_dist {
    FURROW_UNIFORM, /**< [0, 1) */
    FURROW_NORMAL   /**< mean 0, standard deviation 1 */
} furrow_dist_t;

/** Elements [first, first + count) of the random sequence of `seed`. Local; a pure function of its arguments.
 *
 * Philox4x64-10 (Salmon, Moraes, Dror, Shaw 2011), keyed by `seed`, counted by element. Uniform equals
 * numpy.random.Generator(numpy.random.Philox(key=seed)).random(N, dtype) bit for bit, for f8 and f4. Normal is the
 * inverse of the normal distribution function (Wichura 1988, AS 241) at the same uniforms: it does not equal NumPy's.
 *
 * \param[in] dtype  FURROW_F4 or FURROW_F8
 * \return FURROW_OK, FURROW_EARG (another dtype or dist; first or count negative or beyond 2^63; no `out`) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_random(uint64_t seed, furrow_dist_t dist, furrow_dtype_t dtype,
                                                           int64_t first, int64_t count, void *out,
                                                           furrow_error_t *err);

/** A file of random elements, written by all ranks and threads, or, where only rank 0 sees the folder, by rank 0.
 * Collective over `ctx`. Errors as furrow_output_create(), FURROW_EBUDGET. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_random_file(furrow_context_t *ctx, const char *path,
                                                                furrow_source_t source, uint64_t seed,
                                                                furrow_dist_t dist, furrow_dtype_t dtype, int ndim,
                                                                const int64_t *shape, furrow_error_t *err);

/* --------------------------------------------------------------- kernels */

/** The kernels in use: "avx512ifma", "avx512", "avx2", "portable" or "reference"; the environment variable
 * FURROW_KERNELS names another that this machine can run. Local. */
FURROW_API const char *furrow_kernels_name(void);

#ifdef __cplusplus
}
#endif

#endif
