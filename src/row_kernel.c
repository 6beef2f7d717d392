/* Owns the only place where code that is not Furrow's is loaded and called. */
#include "row_kernel.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "furrow_kernel.h"
#include "mem.h"

#define SAME_DTYPE(id, text, kind, bytes)                                                                              \
    _Static_assert((int)FURROW_KERNEL_##id == (int)FURROW_##id, "dtypes of the two headers");
FURROW_DTYPE_LIST(SAME_DTYPE)
_Static_assert((int)FURROW_KERNEL_TEXT == (int)FURROW_REJECT_TEXT, "texts of rejects are whole");
_Static_assert((int)FURROW_KERNEL_MAX_NDIM + 1 == (int)FURROW_MAX_NDIM, "rows have one axis less");

/* Sizes of one row: far more than fits into memory, so that sums of some of them stay within int64_t. */
static const int64_t most_bytes = INT64_MAX / 16;

struct furrow_row_kernel {
    char *path, *function; /* of the library, as dlopen() wants it */
    void *library;
    furrow_kernel_row_fn *row;
    furrow_kernel_setup_fn *setup;       /* may be NULL */
    furrow_kernel_teardown_fn *teardown; /* NULL also before setup succeeded */
    furrow_kernel_param_t *params;       /* names and values lie in `words` */
    char **words;
    int64_t shape[FURROW_MAX_NDIM];
    furrow_kernel_rows_t rows;
    void *state;
    furrow_row_form_t form;
};

/* --------------------------------------------------------------- arguments */

static furrow_status_t no_memory(furrow_error_t *err)
{
    return furrow_fail(err, FURROW_ENOMEM, "out of memory for a kernel");
}

/* dlopen() would look for a name without a slash in the folders of the system. */
furrow_status_t furrow_row_kernel_names(const char *name, char **library, const char **function, furrow_error_t *err)
{
    const char *colon = strrchr(name, ':');

    if (colon == NULL || colon == name || colon[1] == '\0')
        return furrow_fail(err, FURROW_EARG, "kernel '%.400s' is not LIBRARY:FUNCTION", name);
    const int length = (int)(colon - name);
    const bool has_slash = memchr(name, '/', (size_t)length) != NULL;
    if (asprintf(library, "%s%.*s", has_slash ? "" : "./", length, name) < 0) {
        *library = NULL;
        return no_memory(err);
    }
    *function = colon + 1;
    return FURROW_OK;
}

static furrow_status_t read_name(furrow_row_kernel_t *k, const char *name, furrow_error_t *err)
{
    const char *function;

    const furrow_status_t status = furrow_row_kernel_names(name, &k->path, &function, err);
    if (status != FURROW_OK) return status;
    k->function = strdup(function);
    return k->function != NULL ? FURROW_OK : no_memory(err);
}

static furrow_status_t read_params(furrow_row_kernel_t *k, const char *const *params, int64_t count,
                                   furrow_error_t *err)
{
    void *list = NULL, *words = NULL;

    furrow_status_t status = furrow_alloc(count, sizeof *k->params, &list, err);
    if (status == FURROW_OK) status = furrow_alloc(count + 1, sizeof *k->words, &words, err);
    k->params = list;
    k->words = words;
    for (int64_t i = 0; i < count && status == FURROW_OK; i++) {
        const char *equals = strchr(params[i], '=');
        if (equals == NULL || equals == params[i])
            return furrow_fail(err, FURROW_EARG, "parameter '%.400s' is not NAME=VALUE", params[i]);
        k->words[i] = strdup(params[i]);
        if (k->words[i] == NULL) return no_memory(err);
        char *value = k->words[i] + (equals - params[i]);
        *value = '\0';
        k->params[i] = (furrow_kernel_param_t){k->words[i], value + 1};
    }
    return status;
}

/* --------------------------------------------------------------------- load */

/* What the loader says, without the path, which stands in front of it already. */
static const char *loader_error(const char *path)
{
    const char *text = dlerror();
    const size_t length = strlen(path);

    if (text == NULL) return "unknown reason";
    return strncmp(text, path, length) == 0 && strncmp(text + length, ": ", 2) == 0 ? text + length + 2 : text;
}

/* A function of the library; NULL if there is none. (POSIX has a function's address in a void *.) */
static void find(const furrow_row_kernel_t *k, const char *name, const char *suffix, void *function)
{
    char *symbol = NULL;

    if (asprintf(&symbol, "%s%s", name, suffix) < 0) return;
    void *address = dlsym(k->library, symbol);
    memcpy(function, &address, sizeof address);
    free(symbol);
}

static furrow_status_t check_version(const furrow_row_kernel_t *k, furrow_error_t *err)
{
    int (*version)(void) = NULL;

    find(k, "furrow_kernel_abi", "", &version);
    if (version == NULL)
        return furrow_fail(err, FURROW_EUNSUPPORTED,
                           "%.600s: is no library of kernels: FURROW_KERNEL_LIBRARY of furrow_kernel.h is not in it",
                           k->path);
    const int theirs = version();
    if (theirs == FURROW_KERNEL_ABI) return FURROW_OK;
    return furrow_fail(err, FURROW_EUNSUPPORTED, "%.600s: made for version %d of furrow_kernel.h, this Furrow has %d",
                       k->path, theirs, FURROW_KERNEL_ABI);
}

static furrow_status_t load(furrow_row_kernel_t *k, furrow_error_t *err)
{
    int64_t bytes;
    int fd;

    furrow_status_t status = furrow_file_open(k->path, &fd, &bytes, err); /* its errors are the clearer ones */
    if (status != FURROW_OK) return status;
    close(fd);
    k->library = dlopen(k->path, RTLD_NOW | RTLD_LOCAL);
    if (k->library == NULL)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "%.400s: cannot be loaded: %.400s", k->path,
                           loader_error(k->path));
    status = check_version(k, err);
    if (status != FURROW_OK) return status;
    find(k, k->function, "", &k->row);
    find(k, k->function, "_setup", &k->setup);
    if (k->row != NULL) return FURROW_OK;
    return furrow_fail(err, FURROW_EUNSUPPORTED, "%.600s: has no function '%.200s'", k->path, k->function);
}

/* -------------------------------------------------------------------- setup */

static furrow_status_t fail_setup(const furrow_row_kernel_t *k, furrow_error_t *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static furrow_status_t fail_setup(const furrow_row_kernel_t *k, furrow_error_t *err, const char *format, ...)
{
    char text[FURROW_KERNEL_TEXT + 100];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return furrow_fail(err, FURROW_EUNSUPPORTED, "%.400s:%.200s: setup: %s", k->path, k->function, text);
}

/* Nothing that a library says is trusted. */
static furrow_status_t read_result(furrow_row_kernel_t *k, const furrow_kernel_result_t *r, furrow_error_t *err)
{
    furrow_row_form_t *form = &k->form;
    int64_t bytes;

    if ((unsigned)r->dtype > FURROW_KERNEL_C16) return fail_setup(k, err, "%u is no dtype", (unsigned)r->dtype);
    if (r->ndim < 0 || r->ndim > FURROW_KERNEL_MAX_NDIM)
        return fail_setup(k, err, "%d dimensions of a result, at most %d", r->ndim, FURROW_KERNEL_MAX_NDIM);
    form->dtype = (furrow_dtype_t)r->dtype;
    form->ndim = r->ndim;
    form->items = 1;
    form->scratch_bytes = r->scratch_bytes;
    for (int i = 0; i < r->ndim; i++) {
        form->shape[i] = r->shape[i];
        if (r->shape[i] < 0) return fail_setup(k, err, "a length of %lld in a shape", (long long)r->shape[i]);
        if (!furrow_multiply(form->items, r->shape[i], &form->items))
            return fail_setup(k, err, "a result with more than 2^63 elements");
    }
    if (!furrow_multiply(form->items, furrow_dtype_size(form->dtype), &bytes) || bytes > most_bytes)
        return fail_setup(k, err, "a result of %lld elements is too long", (long long)form->items);
    if (r->scratch_bytes < 0 || r->scratch_bytes > most_bytes)
        return fail_setup(k, err, "%lld bytes of scratch", (long long)r->scratch_bytes);
    return FURROW_OK;
}

static void describe_rows(furrow_row_kernel_t *k, const furrow_npy_t *array, int64_t param_count)
{
    for (int i = 1; i < array->ndim; i++) k->shape[i - 1] = array->shape[i];
    k->rows = (furrow_kernel_rows_t){.dtype = (furrow_kernel_dtype_t)array->dtype,
                                     .ndim = array->ndim - 1,
                                     .shape = k->shape,
                                     .items = 1,
                                     .count = array->shape[0],
                                     .param_count = (int)param_count,
                                     .params = k->params};
    for (int i = 0; i < k->rows.ndim; i++) k->rows.items *= k->shape[i];
}

static furrow_status_t set_up(furrow_row_kernel_t *k, furrow_error_t *err)
{
    furrow_kernel_result_t result = {.dtype = FURROW_KERNEL_F8};
    char text[FURROW_KERNEL_TEXT] = "";

    const int code = k->setup == NULL ? 0 : k->setup(&k->rows, &result, text);
    text[sizeof text - 1] = '\0';
    if (code != 0 && text[0] != '\0') return fail_setup(k, err, "%s", text);
    if (code != 0) return fail_setup(k, err, "returned %d", code);
    if (k->setup != NULL) find(k, k->function, "_teardown", &k->teardown);
    k->state = result.state;
    return read_result(k, &result, err);
}

furrow_status_t furrow_row_kernel_load(const char *name, const furrow_npy_t *array, const char *const *params,
                                       int64_t param_count, furrow_row_kernel_t **out, furrow_error_t *err)
{
    void *memory;

    *out = NULL;
    if (array->ndim < 1 || param_count < 0 || param_count > INT32_MAX)
        return furrow_fail(err, FURROW_EARG, "%lld parameters for rows of a %d-d array", (long long)param_count,
                           array->ndim);
    furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status != FURROW_OK) return status;
    furrow_row_kernel_t *k = memory;
    status = read_name(k, name, err);
    if (status == FURROW_OK) status = read_params(k, params, param_count, err);
    if (status == FURROW_OK) status = load(k, err);
    if (status == FURROW_OK) {
        describe_rows(k, array, param_count);
        status = set_up(k, err);
    }
    if (status == FURROW_OK)
        *out = k;
    else
        furrow_row_kernel_free(k);
    return status;
}

/* --------------------------------------------------------------------- rows */

const furrow_row_form_t *furrow_row_kernel_form(const furrow_row_kernel_t *k)
{
    return &k->form;
}

const char *furrow_row_kernel_compute(const furrow_row_kernel_t *k, int64_t index, const void *data, void *out,
                                      void *scratch, char *text)
{
    const furrow_kernel_row_t row = {&k->rows, index, data, k->state, scratch};

    memset(out, 0, (size_t)(k->form.items * furrow_dtype_size(k->form.dtype)));
    text[0] = '\0';
    const int code = k->row(&row, out, text);
    if (code == 0) return NULL;
    text[FURROW_REJECT_TEXT - 1] = '\0';
    if (text[0] == '\0') (void)snprintf(text, FURROW_REJECT_TEXT, "the kernel returned %d", code);
    return text;
}

bool furrow_row_is_late(double limit, double seconds, char *text)
{
    if (limit <= 0 || seconds <= limit) return false;
    (void)snprintf(text, FURROW_REJECT_TEXT, "took %.*f s, over %g s", seconds < 1 ? 4 : 2, seconds, limit);
    return true;
}

void furrow_row_kernel_free(furrow_row_kernel_t *k)
{
    if (k == NULL) return;
    if (k->teardown != NULL) k->teardown(k->state);
    if (k->library != NULL) (void)dlclose(k->library);
    for (int64_t i = 0; k->words != NULL && k->words[i] != NULL; i++) free(k->words[i]);
    free(k->words);
    free(k->params);
    free(k->path);
    free(k->function);
    free(k);
}
