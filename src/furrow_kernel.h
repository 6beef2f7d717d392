/** \file furrow_kernel.h
 * The contract between `furrow rows --kernel LIBRARY:FUNCTION` (furrow_rows() in the C API) and a function of yours
 * that computes something for every row of an array. This header stands alone, in C11 and C++; a library of kernels
 * needs nothing else of Furrow, and is not linked with it.
 *
 *     #include <furrow_kernel.h>                          cc -O2 -fPIC -shared spread.c -o spread.so
 *                                                         furrow rows --kernel spread.so:spread data.npy -o out.npy
 *     FURROW_KERNEL_LIBRARY;
 *
 *     FURROW_KERNEL_EXPORT int spread(const furrow_kernel_row_t *row, void *out, char *error)
 *     {
 *         const double *x = (const double *)row->data;
 *         ...
 *         *(double *)out = high - low;
 *         return 0;
 *     }
 *
 * A library says once, outside of functions, FURROW_KERNEL_LIBRARY; and has one or more kernels. Kernel NAME is
 *
 *     int  NAME(const furrow_kernel_row_t *row, void *out, char *error)                           the row function
 *     int  NAME_setup(const furrow_kernel_rows_t *rows, furrow_kernel_result_t *result, char *error)      optional
 *     void NAME_teardown(void *state)                                                                     optional
 *
 * **Order.** In every process that computes rows: setup, once; then the row function, for rows in any order; then
 * teardown, once, if setup was there and did not fail. After a run that was killed the last part is missing.
 *
 * **Threads.** Setup and teardown are called from one thread. The row function is called from several at once: it may
 * read `rows` and `state`, and must write only to `out`, `error` and its `scratch`, or guard what it shares.
 *
 * **The same result.** What a row gives must depend on the row, its index, and the parameters alone: then the output is
 * the same for any ranks and threads, and a run that was killed can go on (`--resume`; it does so only with the same
 * library file, function and parameters). All processes of a run must come to the same dtype and shape in setup.
 *
 * **Failing.** A function that cannot do its work returns anything but 0, and may say why: `error` has room for
 * FURROW_KERNEL_TEXT bytes with the 0 at the end, holds "" at the call, and is to hold one line (snprintf). A row that
 * fails costs that row alone: its result is zero, and it is listed with its text. A setup that fails ends the run
 * before it begins. No function may end the process, or let a C++ exception out.
 *
 * **Isolation.** With `--isolate` every thread has a process of its own, in which all three functions run: setup and
 * teardown once in each, and the row function there from one thread. A row that crashes its process, ends it, or runs
 * over `--item-timeout` fails, as above, and a new process, with a setup of its own, takes the next row. Without
 * isolation a crash ends the run, and a row over the timeout fails when it returns.
 *
 * **Versions.** Furrow refuses a library made with another FURROW_KERNEL_ABI than its own. Within one, structures may
 * grow at their end.
 */
#ifndef FURROW_KERNEL_H
#define FURROW_KERNEL_H

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FURROW_KERNEL_ABI 1

enum { FURROW_KERNEL_TEXT = 200, FURROW_KERNEL_MAX_NDIM = 63 };

#ifdef __cplusplus
#define FURROW_KERNEL_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define FURROW_KERNEL_EXPORT __attribute__((visibility("default")))
#endif

/** Once in a library, outside of functions: which version of this contract it was made for. */
#define FURROW_KERNEL_LIBRARY                                                                                          \
    FURROW_KERNEL_EXPORT int furrow_kernel_abi(void);                                                                  \
    FURROW_KERNEL_EXPORT int furrow_kernel_abi(void)                                                                   \
    {                                                                                                                  \
        return FURROW_KERNEL_ABI;                                                                                      \
    }                                                                                                                  \
    struct furrow_kernel_rows /* takes the semicolon */

/** The type of an element, in the byte order of the machine. BOOL is a byte, 0 or 1; F2 is IEEE half precision; C8 and
 * C16 are two floats and two doubles. */
typedef enum furrow_kernel_dtype {
    FURROW_KERNEL_BOOL,
    FURROW_KERNEL_I1,
    FURROW_KERNEL_I2,
    FURROW_KERNEL_I4,
    FURROW_KERNEL_I8,
    FURROW_KERNEL_U1,
    FURROW_KERNEL_U2,
    FURROW_KERNEL_U4,
    FURROW_KERNEL_U8,
    FURROW_KERNEL_F2,
    FURROW_KERNEL_F4,
    FURROW_KERNEL_F8,
    FURROW_KERNEL_C8,
    FURROW_KERNEL_C16
} furrow_kernel_dtype_t;

/** A parameter of the command line, --param NAME=VALUE. */
typedef struct furrow_kernel_param {
    const char *name, *value;
} furrow_kernel_param_t;

/** What all rows have in common. Lives until teardown; read-only. */
typedef struct furrow_kernel_rows {
    furrow_kernel_dtype_t dtype;         /**< of their elements */
    int ndim;                            /**< of one row: that of the array less one, so 0 for a 1-d array */
    const int64_t *shape;                /**< [ndim] */
    int64_t items;                       /**< elements of one row, the product of shape; 1 where ndim is 0, may be 0 */
    int64_t count;                       /**< rows of the array */
    int param_count;                     /**< in the order given; a name may come twice */
    const furrow_kernel_param_t *params; /**< [param_count] */
} furrow_kernel_rows_t;

/** What setup decides. It holds the defaults at the call; without setup they stand. */
typedef struct furrow_kernel_result {
    furrow_kernel_dtype_t dtype;           /**< of a row's result; default F8 */
    int ndim;                              /**< of a row's result: 0, the default, is one number */
    int64_t shape[FURROW_KERNEL_MAX_NDIM]; /**< [ndim]. The output has shape (count, shape[0], shape[1], ...). */
    int64_t scratch_bytes; /**< memory for each thread, within the cap of --memory; default 0. Better than malloc. */
    void *state;           /**< for the row function and teardown; default NULL */
} furrow_kernel_result_t;

/** One row. */
typedef struct furrow_kernel_row {
    const furrow_kernel_rows_t *rows;
    int64_t index;    /**< of the row, 0 <= index < rows->count */
    const void *data; /**< rows->items elements in C order, aligned for their type */
    void *state;      /**< as setup left it: shared by all threads */
    void *scratch;    /**< scratch_bytes, aligned to 64 bytes; this thread's own; holds anything */
} furrow_kernel_row_t;

/** The row function.
 *
 * \param[out] out    the result, in C order, aligned for its type; holds zeros at the call
 * \param[out] error  FURROW_KERNEL_TEXT bytes
 * \return 0, or anything else: the row failed */
typedef int furrow_kernel_row_fn(const furrow_kernel_row_t *row, void *out, char *error);

/** Setup. \return 0, or anything else: these rows, or these parameters, cannot be computed */
typedef int furrow_kernel_setup_fn(const furrow_kernel_rows_t *rows, furrow_kernel_result_t *result, char *error);

typedef void furrow_kernel_teardown_fn(void *state);

/** The value of a parameter, the last one of that name; NULL if it was not given. */
static inline const char *furrow_kernel_param(const furrow_kernel_rows_t *rows, const char *name)
{
    for (int i = rows->param_count - 1; i >= 0; i--)
        if (strcmp(rows->params[i].name, name) == 0) return rows->params[i].value;
    return NULL;
}

#ifdef __cplusplus
}
#endif

#endif
