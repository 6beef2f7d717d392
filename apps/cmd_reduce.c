/* furrow reduce: one or several reductions of one or several files, in one pass. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool skip_nan;
static int64_t ddof, sections, bins = 10;
static const char *axis_text, *range_text, *output;

/* What the command line asks for. */
typedef struct {
    furrow_reduce_opts_t opts;
    int op_count;
    furrow_op_t op[FURROW_OP_TOTAL]; /* in the order given */
} request_t;

/* A finished reduction and what is needed to show it. */
typedef struct {
    const cli_t *cli;
    const request_t *request;
    const furrow_npy_t *header;
    const furrow_reduction_t *reduction;
} result_t;

/* ---------------------------------------------------------------- request */

static furrow_status_t add_op(request_t *request, const char *name, furrow_error_t *err)
{
    furrow_op_t op, nearest;

    if (!furrow_op_find(name, &op, &nearest))
        return cli_fail(err, FURROW_EARG, "unknown operation '%.100s'; the nearest is '%s'", name,
                        furrow_op_name(nearest));
    if ((request->opts.ops & UINT32_C(1) << op) == 0) request->op[request->op_count++] = op;
    request->opts.ops |= UINT32_C(1) << op;
    return FURROW_OK;
}

static furrow_status_t read_ops(request_t *request, const char *list, furrow_error_t *err)
{
    char name[128];
    furrow_status_t status = FURROW_OK;

    do {
        const size_t length = strcspn(list, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)(length < 100 ? length : 100), list);
        status = add_op(request, name, err);
        list += length;
    } while (status == FURROW_OK && *list++ == ',');
    return status;
}

static furrow_status_t read_range(request_t *request, furrow_error_t *err)
{
    const char *colon = range_text == NULL ? NULL : strchr(range_text, ':');
    char low[64];

    if ((request->opts.ops & UINT32_C(1) << FURROW_OP_HIST) == 0) return FURROW_OK;
    if (range_text == NULL)
        return cli_fail(err, FURROW_EARG, "hist needs --range LO:HI (furrow reduce min,max FILE tells what there is)");
    if (colon != NULL) (void)snprintf(low, sizeof low, "%.*s", (int)(colon - range_text), range_text);
    if (colon == NULL || !cli_to_double(low, &request->opts.low) || !cli_to_double(colon + 1, &request->opts.high))
        return cli_fail(err, FURROW_EARG, "--range: '%.100s' is not LO:HI", range_text);
    return FURROW_OK;
}

static furrow_status_t read_request(const cli_t *cli, request_t *request, furrow_error_t *err)
{
    const bool axis0 = axis_text != NULL;

    if (cli->name_count < 1) return cli_fail(err, FURROW_EARG, "no operation given");
    furrow_status_t status = read_ops(request, cli->names[0], err);
    if (status != FURROW_OK) return status;
    if (cli->name_count < 2) return cli_fail(err, FURROW_EARG, "no file given");
    if (axis0 && strcmp(axis_text, "0") != 0)
        return cli_fail(err, FURROW_EARG, "--axis: '%.100s' is not 0, the only axis", axis_text);
    if (ddof < 0) return cli_fail(err, FURROW_EARG, "--ddof: %" PRId64 " is negative", ddof);
    if (axis0 && sections > 0) return cli_fail(err, FURROW_EARG, "--axis and --sections cannot be combined");
    if (output != NULL && request->op_count != 1)
        return cli_fail(err, FURROW_EARG, "--output takes one operation, not %d", request->op_count);
    request->opts.axis0 = axis0;
    request->opts.skip_nan = skip_nan;
    request->opts.ddof = ddof;
    request->opts.sections = sections;
    request->opts.bins = bins;
    status = read_range(request, err);
    if (status == FURROW_OK && output != NULL && cli->is_root)
        status = cli_check_output(output, cli->names + 1, cli->name_count - 1, err);
    return status;
}

/* ------------------------------------------------------------------- text */

/* The minimum of nothing is an error, found before anything is printed. A section, or a column without its NaN, may be
 * empty though: that is shown. */
static furrow_status_t check_values(const result_t *r, furrow_error_t *err)
{
    const bool all_columns_have_rows = r->request->opts.axis0 && r->header->shape[0] > 0;
    furrow_status_t status = FURROW_OK;

    if (all_columns_have_rows || furrow_reduction_groups(r->reduction) == 0) return FURROW_OK;
    for (int i = 0; i < r->request->op_count && status == FURROW_OK; i++) {
        furrow_value_t value;
        if (r->request->op[i] != FURROW_OP_HIST)
            status = furrow_reduction_value(r->reduction, 0, r->request->op[i], &value, err);
    }
    return status == FURROW_OK ? status : cli_name_files(err, r->cli->names[1], NULL);
}

static furrow_status_t value_of(const result_t *r, int64_t group, furrow_op_t op, furrow_value_t *value, bool *exists,
                                furrow_error_t *err)
{
    const furrow_status_t status = furrow_reduction_value(r->reduction, group, op, value, err);

    *exists = status == FURROW_OK;
    return status == FURROW_EEMPTY ? FURROW_OK : status;
}

static void print_hist(const result_t *r, int64_t group, const double *edge)
{
    const int64_t *counts = furrow_reduction_hist(r->reduction, group);

    for (int64_t b = 0; b < r->request->opts.bins; b++) {
        char low[32], high[32];
        cli_format_float(edge[b], low);
        cli_format_float(edge[b + 1], high);
        if (r->cli->quiet)
            (void)printf("%" PRId64 "\n", counts[b]);
        else
            (void)printf("hist     [%s, %s%c  %" PRId64 "\n", low, high, b + 1 < r->request->opts.bins ? ')' : ']',
                         counts[b]);
    }
}

static furrow_status_t print_group(const result_t *r, int64_t group, const double *edge, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    for (int i = 0; i < r->request->op_count && status == FURROW_OK; i++) {
        const furrow_op_t op = r->request->op[i];
        furrow_value_t value;
        char text[96] = "(no value)";
        bool exists;
        if (op == FURROW_OP_HIST) {
            print_hist(r, group, edge);
            continue;
        }
        status = value_of(r, group, op, &value, &exists, err);
        if (exists) cli_format_value(&value, text);
        if (status != FURROW_OK) break;
        if (r->cli->quiet)
            (void)printf("%s\n", text);
        else
            (void)printf("%-8s %s\n", furrow_op_name(op), text);
    }
    return status;
}

static furrow_status_t print_text(const result_t *r, const double *edge, furrow_error_t *err)
{
    const int64_t groups = furrow_reduction_groups(r->reduction);
    furrow_status_t status = FURROW_OK;

    for (int64_t g = 0; g < groups && status == FURROW_OK; g++) {
        const furrow_range_t rows =
            sections > 0 && g > 0 ? furrow_split(r->header->shape[0], sections, g - 1) : (furrow_range_t){0, 0};
        if (r->request->opts.axis0 && !r->cli->quiet)
            (void)printf("column %" PRId64 "\n", g);
        else if (g > 0 && !r->cli->quiet)
            (void)printf("rows [%" PRId64 ", %" PRId64 ")\n", rows.start, rows.stop);
        status = print_group(r, g, edge, err);
    }
    return status;
}

/* ------------------------------------------------------------------- JSON */

static cJSON *json_hist(const result_t *r, int64_t group, const double *edge)
{
    const int64_t *counts = furrow_reduction_hist(r->reduction, group);
    cJSON *hist = cJSON_CreateObject(), *edges = cJSON_AddArrayToObject(hist, "edges");
    cJSON *list = cJSON_AddArrayToObject(hist, "counts");

    for (int64_t b = 0; b <= r->request->opts.bins; b++) cJSON_AddItemToArray(edges, cli_json_float(edge[b]));
    for (int64_t b = 0; b < r->request->opts.bins; b++) cJSON_AddItemToArray(list, cli_json_int(counts[b]));
    return hist;
}

/* One operation over the groups [first, stop): a value, or a list where `many`. */
static furrow_status_t json_op(const result_t *r, furrow_op_t op, int64_t first, int64_t stop, bool many,
                               const double *edge, cJSON **out, furrow_error_t *err)
{
    *out = many ? cJSON_CreateArray() : NULL;
    for (int64_t g = first; g < stop; g++) {
        furrow_value_t value;
        bool exists = true;
        furrow_status_t status = FURROW_OK;
        if (op != FURROW_OP_HIST) status = value_of(r, g, op, &value, &exists, err);
        if (status != FURROW_OK) {
            cJSON_Delete(*out);
            return status;
        }
        cJSON *item = op == FURROW_OP_HIST ? json_hist(r, g, edge)
                      : exists             ? cli_json_value(&value)
                                           : cJSON_CreateNull();
        if (many)
            cJSON_AddItemToArray(*out, item);
        else
            *out = item;
    }
    return FURROW_OK;
}

static furrow_status_t json_results(const result_t *r, cJSON *object, int64_t first, int64_t stop, bool many,
                                    const double *edge, furrow_error_t *err)
{
    cJSON *results = cJSON_AddObjectToObject(object, "results"), *item;

    for (int i = 0; i < r->request->op_count; i++) {
        const furrow_op_t op = r->request->op[i];
        const furrow_status_t status = json_op(r, op, first, stop, many, edge, &item, err);
        if (status != FURROW_OK) return status;
        cJSON_AddItemToObject(results, furrow_op_name(op), item);
    }
    return FURROW_OK;
}

static furrow_status_t json_sections(const result_t *r, cJSON *json, const double *edge, furrow_error_t *err)
{
    cJSON *list = cJSON_AddArrayToObject(json, "sections");
    furrow_status_t status = FURROW_OK;

    for (int64_t s = 0; s < sections && status == FURROW_OK; s++) {
        const furrow_range_t rows = furrow_split(r->header->shape[0], sections, s);
        cJSON *section = cJSON_CreateObject();
        cJSON_AddItemToObject(section, "start", cli_json_int(rows.start));
        cJSON_AddItemToObject(section, "stop", cli_json_int(rows.stop));
        cJSON_AddItemToArray(list, section);
        status = json_results(r, section, 1 + s, 2 + s, false, edge, err);
    }
    return status;
}

static furrow_status_t print_json(const result_t *r, const double *edge, furrow_error_t *err)
{
    const bool axis0 = r->request->opts.axis0;
    cJSON *json = cli_json(r->cli);
    furrow_status_t status = FURROW_OK;

    cJSON_AddStringToObject(json, "dtype", furrow_dtype_name(r->header->dtype));
    cJSON_AddItemToObject(json, "shape", cli_json_shape(r->header));
    if (output != NULL) cJSON_AddStringToObject(json, "output", output);
    if (output == NULL || !axis0)
        status = json_results(r, json, 0, axis0 ? furrow_reduction_groups(r->reduction) : 1, axis0, edge, err);
    if (status == FURROW_OK && sections > 0) status = json_sections(r, json, edge, err);
    if (status == FURROW_OK) return cli_print_json(r->cli, json, err);
    cJSON_Delete(json);
    return status;
}

/* ----------------------------------------------------------------- output */

/* The shape of the result: the columns, the sections, or a single value; bins behind it for a histogram. */
static void result_shape(const result_t *r, int *ndim, int64_t *shape)
{
    *ndim = 0;
    for (int i = 1; r->request->opts.axis0 && i < r->header->ndim; i++) shape[(*ndim)++] = r->header->shape[i];
    if (sections > 0) shape[(*ndim)++] = sections;
    if (r->request->op[0] == FURROW_OP_HIST) shape[(*ndim)++] = r->request->opts.bins;
}

/* What kind of value an operation gives, whether there is one or none. */
static furrow_value_kind_t kind_of(const result_t *r)
{
    const char kind = furrow_dtype_kind(r->header->dtype);

    switch (r->request->op[0]) {
    case FURROW_OP_COUNT:
    case FURROW_OP_ARGMIN:
    case FURROW_OP_ARGMAX:
    case FURROW_OP_NONZERO:
    case FURROW_OP_NAN: return FURROW_VALUE_INT;
    case FURROW_OP_VAR:
    case FURROW_OP_STD:
    case FURROW_OP_NORM2: return FURROW_VALUE_FLOAT;
    case FURROW_OP_MEAN: return kind == 'c' ? FURROW_VALUE_COMPLEX : FURROW_VALUE_FLOAT;
    case FURROW_OP_SUM:
        if (kind == 'c') return FURROW_VALUE_COMPLEX;
        break;
    default: break;
    }
    return kind == 'f' || kind == 'c' ? FURROW_VALUE_FLOAT : FURROW_VALUE_INT;
}

/* i8 for integers if all fit, else u8; f8; c16. */
static furrow_status_t pack(furrow_value_kind_t kind, const furrow_value_t *value, int64_t count, furrow_dtype_t *dtype,
                            void *out, furrow_error_t *err)
{
    bool fits_i8 = true;

    *dtype = kind == FURROW_VALUE_FLOAT ? FURROW_F8 : kind == FURROW_VALUE_COMPLEX ? FURROW_C16 : FURROW_I8;
    for (int64_t i = 0; i < count; i++) fits_i8 = fits_i8 && (value[i].kind != FURROW_VALUE_INT || value[i].fits_i8);
    if (!fits_i8) *dtype = FURROW_U8;
    for (int64_t i = 0; i < count; i++) {
        if (*dtype == FURROW_F8)
            ((double *)out)[i] = value[i].re;
        else if (*dtype == FURROW_C16)
            memcpy((double *)out + 2 * i, &value[i].re, 2 * sizeof(double));
        else if (*dtype == FURROW_I8)
            ((int64_t *)out)[i] = value[i].i;
        else if (!cli_to_uint64(value[i].digits, (uint64_t *)out + i))
            return cli_fail(err, FURROW_EOVERFLOW, "%s does not fit an integer of 64 bits; --json prints it",
                            value[i].digits);
    }
    return FURROW_OK;
}

/* All values of one operation in memory, as they will stand in the file. Every rank does this: they all hold the
 * results. */
static furrow_status_t collect(const result_t *r, int64_t first, int64_t count, furrow_dtype_t *dtype, void *out,
                               furrow_error_t *err)
{
    furrow_value_t *value = calloc((size_t)count + 1, sizeof *value);
    char where[128];
    furrow_status_t status = FURROW_OK;

    if (value == NULL) return cli_fail(err, FURROW_ENOMEM, "out of memory for %lld results", (long long)count);
    for (int64_t i = 0; i < count && status == FURROW_OK; i++) {
        status = furrow_reduction_value(r->reduction, first + i, r->request->op[0], &value[i], err);
        if (status != FURROW_OK) {
            (void)snprintf(where, sizeof where, "%.80s, %s %lld", output, sections > 0 ? "section" : "column",
                           (long long)i);
            status = cli_name_files(err, where, NULL);
        }
    }
    if (status == FURROW_OK) status = pack(kind_of(r), value, count, dtype, out, err);
    free(value);
    return status;
}

static furrow_status_t write_file(const result_t *r, furrow_error_t *err)
{
    const bool hist = r->request->op[0] == FURROW_OP_HIST;
    const int64_t bins_each = hist ? r->request->opts.bins : 1;
    const int64_t first = sections > 0 ? 1 : 0, groups = furrow_reduction_groups(r->reduction) - first;
    int64_t shape[FURROW_MAX_NDIM + 2];
    furrow_dtype_t dtype = FURROW_I8;
    furrow_output_t *file;
    int ndim;

    double *data = calloc((size_t)(groups * bins_each) + 1, 2 * sizeof *data);
    furrow_status_t status = data != NULL ? FURROW_OK : cli_fail(err, FURROW_ENOMEM, "out of memory for the output");
    for (int64_t g = 0; status == FURROW_OK && hist && g < groups; g++)
        memcpy(data + g * bins_each, furrow_reduction_hist(r->reduction, first + g), (size_t)bins_each * sizeof *data);
    if (status == FURROW_OK && !hist) status = collect(r, first, groups, &dtype, data, err);
    status = furrow_agree(r->cli->ctx, status, err);
    if (status == FURROW_OK) {
        result_shape(r, &ndim, shape);
        status = furrow_output_create_on_root(r->cli->ctx, output, dtype, ndim, shape, &file, err);
    }
    if (status == FURROW_OK) {
        if (r->cli->is_root) status = furrow_output_write(file, 0, groups * bins_each, data, err);
        status = furrow_output_commit(file, status, err);
    }
    free(data);
    return status;
}

/* -------------------------------------------------------------------- run */

static furrow_status_t show(const result_t *r, furrow_error_t *err)
{
    const bool hist = (r->request->opts.ops & UINT32_C(1) << FURROW_OP_HIST) != 0;
    const int64_t edges = hist ? r->request->opts.bins + 1 : 1;
    furrow_status_t status = check_values(r, err);

    if (status == FURROW_OK && output != NULL) status = write_file(r, err);
    if (status != FURROW_OK || !r->cli->is_root) return status;
    if (output != NULL && r->request->opts.axis0 && !r->cli->json) return FURROW_OK;
    double *edge = calloc((size_t)edges, sizeof *edge);
    if (edge == NULL) return cli_fail(err, FURROW_ENOMEM, "out of memory for %lld bins", (long long)edges);
    if (hist) furrow_hist_edges(r->request->opts.low, r->request->opts.high, r->request->opts.bins, edge);
    status = r->cli->json ? print_json(r, edge, err) : print_text(r, edge, err);
    free(edge);
    return status;
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    request_t request = {0};
    furrow_dataset_t *dataset = NULL;
    furrow_reduction_t *reduction = NULL;

    furrow_status_t status = furrow_agree(cli->ctx, read_request(cli, &request, err), err);
    if (status == FURROW_OK)
        status = furrow_dataset_open(cli->ctx, (const char *const *)cli->names + 1, cli->name_count - 1, cli->source,
                                     &dataset, err);
    if (status == FURROW_OK && furrow_dataset_header(dataset)->ndim == 0 && (sections > 0 || request.opts.axis0))
        status = cli_fail(err, FURROW_EARG, "%.600s: a 0-d array has no %s", cli->names[1],
                          sections > 0 ? "sections" : "axis 0");
    if (status == FURROW_OK) {
        status = furrow_reduce(dataset, &request.opts, &reduction, err);
        if (status == FURROW_EUNSUPPORTED && furrow_dtype_kind(furrow_dataset_header(dataset)->dtype) == 'c')
            status = cli_name_files(err, cli->names[1], NULL);
    }
    if (status == FURROW_OK) status = show(&(result_t){cli, &request, furrow_dataset_header(dataset), reduction}, err);
    furrow_reduction_free(reduction);
    furrow_dataset_free(dataset);
    return status;
}

static const cli_option_t options[] = {
    {"axis", 0, "0", "one value per column instead of one in all", CLI_TEXT, &axis_text},
    {"skip-nan", 0, NULL, "leave NaN out", CLI_FLAG, &skip_nan},
    {"ddof", 0, "N", "var and std divide by count - N; default 0", CLI_INT64, &ddof},
    {"sections", 0, "K", "also a result for each of K sections along axis 0", CLI_COUNT, &sections},
    {"bins", 0, "N", "hist: number of equal bins; default 10", CLI_COUNT, &bins},
    {"range", 0, "LO:HI", "hist: from the first edge to the last, both included", CLI_TEXT, &range_text},
    {"output", 'o', "OUT.npy", "write the values of one operation", CLI_TEXT, &output},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_reduce = {
    "reduce",
    "OP[,OP...] FILE... [OPTION...]",
    "Exact sums, means, norms, extremes, histograms of .npy arrays.",
    "OP: count sum mean var std min max argmin argmax, as NumPy has them\n"
    "    sumsq    sum of squares                nonzero  how many are not 0\n"
    "    norm1    sum of absolute values        nan      how many are NaN\n"
    "    norm2    square root of sumsq          hist     a histogram; needs --range\n"
    "    norminf  largest absolute value\n"
    "\n"
    "Several files are one array, joined along axis 0. FILE may be - for standard input.\n"
    "All operations are computed in one pass. Sums, means and norms of floats are the exact value, rounded\n"
    "once; sums of integers are exact, however long. argmin and argmax are indices into the whole array in\n"
    "C order, in sections too; with --axis 0 they are rows.\n"
    "\n"
    "    furrow reduce sum,mean,std data.npy\n"
    "    furrow reduce max --axis 0 part-*.npy -o columns.npy\n"
    "    mpirun -n 4 furrow reduce sumsq data.npy --json\n",
    options,
    run,
};
