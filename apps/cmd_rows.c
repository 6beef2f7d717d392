/* furrow rows: one computation per row of one or several files, into one file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *output, *dtype_text, *kernel, *timeout_text;
static cli_list_t params;
static int64_t ddof;
static bool resume, isolate;

/* The first name is the operation, unless a kernel stands in its place. */
static int first_file(void)
{
    return kernel == NULL ? 1 : 0;
}

/* ---------------------------------------------------------------- request */

static furrow_status_t read_param(furrow_rows_opts_t *opts, const char *text, furrow_error_t *err)
{
    const char *equals = strchr(text, '=');
    const size_t length = equals == NULL ? 0 : (size_t)(equals - text);
    const bool is_with = length == 4 && strncmp(text, "with", 4) == 0, is_k = length == 1 && text[0] == 'k';
    const char *name = furrow_row_op_name(opts->op);

    if (equals == NULL) return cli_fail(err, FURROW_EARG, "--param: '%.100s' is not NAME=VALUE", text);
    if (!is_with && !is_k)
        return cli_fail(err, FURROW_EARG, "--param: unknown parameter '%.*s'; there are with (of dot) and k (of topk)",
                        (int)(length < 100 ? length : 100), text);
    if (opts->op != (is_with ? FURROW_ROW_DOT : FURROW_ROW_TOPK))
        return cli_fail(err, FURROW_EARG, "--param: %s has no parameter '%s'", name, is_with ? "with" : "k");
    if (is_with)
        opts->with = equals + 1;
    else if (!cli_to_int64(equals + 1, &opts->k) || opts->k < 1)
        return cli_fail(err, FURROW_EARG, "--param: k: '%.100s' is not an integer of at least 1", equals + 1);
    return FURROW_OK;
}

static furrow_status_t read_params(furrow_rows_opts_t *opts, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    for (int i = 0; i < params.count && status == FURROW_OK; i++) status = read_param(opts, params.value[i], err);
    if (status != FURROW_OK) return status;
    if (opts->op == FURROW_ROW_DOT && (opts->with == NULL || opts->with[0] == '\0'))
        return cli_fail(err, FURROW_EARG, "dot needs --param with=VECTOR.npy");
    if (opts->op == FURROW_ROW_TOPK && opts->k == 0) return cli_fail(err, FURROW_EARG, "topk needs --param k=K");
    return FURROW_OK;
}

static furrow_status_t read_dtype(furrow_rows_opts_t *opts, furrow_error_t *err)
{
    if (dtype_text == NULL) return FURROW_OK;
    if (strcmp(dtype_text, "f4") != 0 && strcmp(dtype_text, "f8") != 0)
        return cli_fail(err, FURROW_EARG, "--dtype: '%.100s' is neither f4 nor f8", dtype_text);
    opts->dtype_given = true;
    opts->dtype = strcmp(dtype_text, "f4") == 0 ? FURROW_F4 : FURROW_F8;
    return FURROW_OK;
}

/* "LIBRARY:FUNCTION": where the function's name begins. */
static const char *function_name(void)
{
    const char *colon = strrchr(kernel, ':');
    return colon == NULL ? kernel : colon + 1;
}

/* The output must be none of the files that are read. */
static furrow_status_t check_output(const cli_t *cli, const furrow_rows_opts_t *opts, furrow_error_t *err)
{
    char *with = (char *)(uintptr_t)opts->with, *library = kernel == NULL ? NULL : strdup(kernel);

    furrow_status_t status = cli_check_output(output, cli->names + first_file(), cli->name_count - first_file(), err);
    if (status == FURROW_OK && with != NULL) status = cli_check_output(output, &with, 1, err);
    if (status == FURROW_OK && library != NULL) {
        *strrchr(library, ':') = '\0';
        status = cli_check_output(output, &library, 1, err);
    }
    free(library);
    return status;
}

/* The kernel stands in place of the operation, so all names are files. */
static furrow_status_t read_kernel(const cli_t *cli, furrow_rows_opts_t *opts, furrow_error_t *err)
{
    furrow_row_op_t op;

    if (strchr(kernel, ':') == NULL)
        return cli_fail(err, FURROW_EARG, "--kernel: '%.400s' is not LIBRARY:FUNCTION", kernel);
    if (cli->name_count > 0 && furrow_row_op_find(cli->names[0], &op, NULL))
        return cli_fail(err, FURROW_EARG, "--kernel stands in place of an operation; a file of the name '%s' is ./%s",
                        cli->names[0], cli->names[0]);
    if (dtype_text != NULL)
        return cli_fail(err, FURROW_EARG, "--dtype is for operations; a kernel names the dtype of its results");
    if (ddof != 0) return cli_fail(err, FURROW_EARG, "--ddof is for var and std, not for kernels");
    opts->kernel = kernel;
    opts->isolate = isolate;
    opts->params = params.value;
    opts->param_count = params.count;
    return FURROW_OK;
}

static furrow_status_t read_operation(const cli_t *cli, furrow_rows_opts_t *opts, furrow_error_t *err)
{
    furrow_row_op_t nearest;

    if (cli->name_count < 1) return cli_fail(err, FURROW_EARG, "no operation given, and no --kernel");
    if (!furrow_row_op_find(cli->names[0], &opts->op, &nearest))
        return cli_fail(err, FURROW_EARG, "unknown operation '%.100s'; the nearest is '%s'", cli->names[0],
                        furrow_row_op_name(nearest));
    if (ddof < 0) return cli_fail(err, FURROW_EARG, "--ddof: %" PRId64 " is negative", ddof);
    opts->ddof = ddof;
    if (isolate) return cli_fail(err, FURROW_EARG, "--isolate is for kernels; operations do not crash");
    const furrow_status_t status = read_params(opts, err);
    return status == FURROW_OK ? read_dtype(opts, err) : status;
}

static furrow_status_t read_timeout(furrow_rows_opts_t *opts, furrow_error_t *err)
{
    if (timeout_text == NULL) return FURROW_OK;
    if (!cli_to_double(timeout_text, &opts->item_timeout) || !(opts->item_timeout > 0))
        return cli_fail(err, FURROW_EARG, "--item-timeout: '%.100s' is not a number of seconds above 0", timeout_text);
    return FURROW_OK;
}

static furrow_status_t read_request(const cli_t *cli, furrow_rows_opts_t *opts, furrow_error_t *err)
{
    furrow_status_t status = kernel != NULL ? read_kernel(cli, opts, err) : read_operation(cli, opts, err);

    if (status == FURROW_OK) status = read_timeout(opts, err);
    if (status != FURROW_OK) return status;
    if (cli->name_count <= first_file()) return cli_fail(err, FURROW_EARG, "no file given");
    if (output == NULL) return cli_fail(err, FURROW_EARG, "--output is missing");
    opts->resume = resume;
    return cli->is_root ? check_output(cli, opts, err) : FURROW_OK;
}

/* ----------------------------------------------------------------- report */

static furrow_status_t print_json(const cli_t *cli, const furrow_rows_opts_t *opts, const furrow_rows_report_t *report,
                                  const furrow_npy_t *shape, furrow_error_t *err)
{
    cJSON *json = cli_json(cli), *list;

    if (kernel != NULL)
        cJSON_AddStringToObject(json, "kernel", kernel);
    else
        cJSON_AddStringToObject(json, "op", furrow_row_op_name(opts->op));
    cJSON_AddStringToObject(json, "dtype", furrow_dtype_name(report->dtype));
    cJSON_AddItemToObject(json, "shape", cli_json_shape(shape));
    cJSON_AddStringToObject(json, "output", output);
    cJSON_AddItemToObject(json, "rows", cli_json_int(report->rows));
    cJSON_AddItemToObject(json, "resumed", cli_json_int(report->resumed));
    list = cJSON_AddArrayToObject(json, "rejected");
    for (int64_t i = 0; i < report->listed; i++) {
        cJSON *reject = cJSON_CreateObject();
        cJSON_AddItemToObject(reject, "index", cli_json_int(report->list[i].index));
        cJSON_AddStringToObject(reject, "error", report->list[i].text);
        cJSON_AddItemToArray(list, reject);
    }
    return cli_print_json(cli, json, err);
}

static furrow_status_t show(const cli_t *cli, const furrow_rows_opts_t *opts, const furrow_rows_report_t *report,
                            furrow_error_t *err)
{
    furrow_npy_t npy = {.ndim = report->ndim};
    char shape[24 * FURROW_MAX_NDIM];

    memcpy(npy.shape, report->shape, sizeof npy.shape);
    if (cli->json) return print_json(cli, opts, report, &npy, err);
    if (cli->quiet) return FURROW_OK;
    cli_print_shape(&npy, shape, sizeof shape);
    (void)printf("%s: %s %s, %s of %" PRId64 " rows", output, furrow_dtype_name(report->dtype), shape,
                 kernel != NULL ? function_name() : furrow_row_op_name(opts->op), report->rows);
    if (report->resumed > 0) (void)printf(", %" PRId64 " of an earlier run", report->resumed);
    if (report->rejected > 0) (void)printf(", %" PRId64 " rejected: %s.rejects.csv", report->rejected, output);
    (void)putchar('\n');
    return FURROW_OK;
}

/* -------------------------------------------------------------------- run */

/* What the library does not say: names, and how to go on. */
static furrow_status_t explain(const cli_t *cli, furrow_status_t status, furrow_error_t *err)
{
    const furrow_error_t plain = *err;

    if (kernel == NULL && (status == FURROW_EUNSUPPORTED || status == FURROW_EEMPTY))
        return strcmp(cli->names[1], "-") == 0 ? status : cli_name_files(err, cli->names[1], NULL);
    if (status != FURROW_ECANCELED || !cli->resumable) return status;
    return cli_fail(err, status, "%.400s; the same command with --resume does the rest", plain.text);
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    furrow_rows_opts_t opts = {0};
    furrow_rows_report_t report = {0};
    furrow_dataset_t *dataset = NULL;

    furrow_status_t status = furrow_agree(cli->ctx, read_request(cli, &opts, err), err);
    if (status == FURROW_OK) cli->resumable = strcmp(cli->names[first_file()], "-") != 0;
    if (status == FURROW_OK)
        status = furrow_dataset_open(cli->ctx, (const char *const *)cli->names + first_file(),
                                     cli->name_count - first_file(), cli->source, &dataset, err);
    if (status == FURROW_OK) status = explain(cli, furrow_rows(dataset, &opts, output, &report, err), err);
    cli->rejected = report.rejected > 0;
    if (status == FURROW_OK && cli->is_root) status = show(cli, &opts, &report, err);
    furrow_rows_report_free(&report);
    furrow_dataset_free(dataset);
    return status;
}

static const cli_option_t options[] = {
    {"output", 'o', "OUT.npy", "the file to write", CLI_TEXT, &output},
    {"kernel", 0, "LIB.so:FUNC", "a function of yours instead of OP", CLI_TEXT, &kernel},
    {"param", 0, "NAME=VALUE", "dot: with=VECTOR.npy; topk: k=K; kernels: any", CLI_LIST, &params},
    {"ddof", 0, "N", "var and std divide by elements - N; default 0", CLI_INT64, &ddof},
    {"dtype", 0, "f4|f8", "of results that are floats", CLI_TEXT, &dtype_text},
    {"isolate", 0, NULL, "run the kernel in processes of its own", CLI_FLAG, &isolate},
    {"item-timeout", 0, "SEC", "reject a row that takes longer", CLI_TEXT, &timeout_text},
    {"resume", 0, NULL, "go on where a run that was stopped or killed left off", CLI_FLAG, &resume},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_rows = {
    "rows",
    "(OP | --kernel LIB.so:FUNC) FILE... -o OUT.npy [OPTION...]",
    "One computation per row (index of axis 0), into one .npy file.",
    "OP to one number:  sum sumsq mean var std min max argmin argmax norm1 norm2 nonzero\n"
    "                   dot --param with=VECTOR.npy\n"
    "   to a row:       normalize zscore minmax softmax cumsum sort\n"
    "                   topk --param k=K (the K largest, descending)\n"
    "\n"
    "Several files are one array, joined along axis 0. To one number: exact, floats rounded once to f8, integers\n"
    "i8 or u8; a row whose sum does not fit is rejected: its result is 0, OUT.npy.rejects.csv names it, and\n"
    "the exit code is 3. To a row: f4 from f2 and f4, else f8; sort, topk, min and max keep the dtype.\n"
    "\n"
    "--kernel runs a C function of yours on every row, as the header furrow_kernel.h says; every --param goes to\n"
    "it. LIB.so without a slash is a file of this folder. A row that it fails on is rejected. With --isolate it\n"
    "runs in processes of its own: a row that crashes it, exits, or takes longer than --item-timeout costs that\n"
    "row alone. Without, a row that takes longer is rejected when it ends.\n"
    "\n"
    "The output appears when it is whole. A run that is stopped (Ctrl-C, SIGTERM: exit code 75), killed, or\n"
    "out of disk leaves what is done beside it: --resume, with any ranks and threads, does the rest.\n"
    "\n"
    "    furrow rows norm2 data.npy -o norms.npy\n"
    "    furrow rows topk data.npy --param k=5 -o largest.npy\n"
    "    mpirun -n 4 furrow rows softmax part-*.npy -o softmax.npy --resume\n"
    "    furrow rows --kernel robust.so:trimmed_mean data.npy --param trim=0.1 -o means.npy\n",
    options,
    run,
};
