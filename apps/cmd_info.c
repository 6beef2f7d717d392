/* furrow info: what the headers of files say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int64_t sections;

static void print_sections(const furrow_npy_t *npy)
{
    for (int64_t s = 0; s < sections; s++) {
        const furrow_range_t r = furrow_split(npy->shape[0], sections, s);
        (void)printf("  section %lld: rows [%lld, %lld)\n", (long long)s, (long long)r.start, (long long)r.stop);
    }
}

static void print_text(const char *path, const furrow_npy_t *npy)
{
    char shape[24 * FURROW_MAX_NDIM], bytes[32];

    cli_print_shape(npy, shape, sizeof shape);
    (void)printf("%s: %s %s, %s order%s, %lld items, %s, data at byte %lld, .npy version %d.%d\n", path,
                 furrow_dtype_name(npy->dtype), shape, npy->fortran_order ? "Fortran" : "C",
                 npy->swapped ? ", bytes swapped" : "", (long long)npy->items,
                 cli_human_bytes((double)npy->bytes, bytes), (long long)npy->data_offset, npy->version_major,
                 npy->version_minor);
    print_sections(npy);
}

static cJSON *json_sections(const furrow_npy_t *npy)
{
    cJSON *list = cJSON_CreateArray();

    for (int64_t s = 0; s < sections; s++) {
        const furrow_range_t r = furrow_split(npy->shape[0], sections, s);
        cJSON *pair = cJSON_CreateArray();
        cJSON_AddItemToArray(pair, cli_json_int(r.start));
        cJSON_AddItemToArray(pair, cli_json_int(r.stop));
        cJSON_AddItemToArray(list, pair);
    }
    return list;
}

static cJSON *json_file(const char *path, const furrow_npy_t *npy)
{
    cJSON *file = cJSON_CreateObject();
    char version[32];

    (void)snprintf(version, sizeof version, "%d.%d", npy->version_major, npy->version_minor);
    cJSON_AddStringToObject(file, "path", path);
    cJSON_AddStringToObject(file, "version", version);
    cJSON_AddStringToObject(file, "dtype", furrow_dtype_name(npy->dtype));
    cJSON_AddItemToObject(file, "shape", cli_json_shape(npy));
    cJSON_AddBoolToObject(file, "fortran_order", npy->fortran_order);
    cJSON_AddBoolToObject(file, "swapped", npy->swapped);
    cJSON_AddItemToObject(file, "items", cli_json_int(npy->items));
    cJSON_AddItemToObject(file, "bytes", cli_json_int(npy->bytes));
    cJSON_AddItemToObject(file, "data_offset", cli_json_int(npy->data_offset));
    if (sections > 0) cJSON_AddItemToObject(file, "sections", json_sections(npy));
    return file;
}

static furrow_status_t read_headers(const cli_t *cli, furrow_npy_t *npy, furrow_error_t *err)
{
    for (int i = 0; i < cli->name_count; i++) {
        furrow_status_t status = FURROW_OK;
        if (strcmp(cli->names[i], "-") != 0) status = furrow_npy_read(cli->names[i], &npy[i], err);
        if (status == FURROW_OK && sections > 0 && npy[i].ndim == 0)
            status = cli_fail(err, FURROW_EARG, "%.600s: a 0-d array has no sections", cli->names[i]);
        if (status != FURROW_OK) return status;
    }
    return FURROW_OK;
}

/* Standard input is read as a dataset is, which all ranks open. */
static furrow_status_t read_standard_input(const cli_t *cli, furrow_npy_t *npy, furrow_error_t *err)
{
    furrow_dataset_t *dataset = NULL;
    furrow_status_t status = FURROW_OK;
    bool seen = false;

    for (int i = 0; i < cli->name_count && status == FURROW_OK; i++) {
        if (strcmp(cli->names[i], "-") != 0) continue;
        if (seen) return cli_fail(err, FURROW_EARG, "standard input (-) is given twice");
        seen = true;
        status = furrow_dataset_open(cli->ctx, (const char *const *)&cli->names[i], 1, cli->source, &dataset, err);
        if (status == FURROW_OK) npy[i] = *furrow_dataset_header(dataset);
        furrow_dataset_free(dataset);
    }
    return status;
}

/* All headers are read before anything is printed. */
static furrow_status_t print_all(const cli_t *cli, const furrow_npy_t *npy, furrow_error_t *err)
{
    cJSON *json = cli->json ? cli_json(cli) : NULL, *files = cJSON_AddArrayToObject(json, "files");

    for (int i = 0; i < cli->name_count; i++)
        if (cli->json)
            cJSON_AddItemToArray(files, json_file(cli->names[i], &npy[i]));
        else
            print_text(cli->names[i], &npy[i]);
    return cli->json ? cli_print_json(cli, json, err) : FURROW_OK;
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    if (cli->name_count == 0) return cli_fail(err, FURROW_EARG, "no file given");
    furrow_npy_t *npy = calloc((size_t)cli->name_count, sizeof *npy);
    furrow_status_t status = FURROW_OK;

    if (npy == NULL) status = cli_fail(err, FURROW_ENOMEM, "out of memory for %d headers", cli->name_count);
    status = furrow_agree(cli->ctx, status, err);
    if (status == FURROW_OK) status = read_standard_input(cli, npy, err);
    if (status == FURROW_OK && cli->is_root) {
        status = read_headers(cli, npy, err);
        if (status == FURROW_OK) status = print_all(cli, npy, err);
    }
    free(npy);
    return furrow_agree(cli->ctx, status, err);
}

static const cli_option_t options[] = {
    {"sections", 0, "K", "also the K sections along axis 0, as numpy.array_split cuts", CLI_COUNT, &sections},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_info = {
    "info", "FILE... [--sections K]", "What .npy files hold: dtype, shape, order, sizes.", NULL, options, run};
