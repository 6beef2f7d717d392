/* furrow info: what the headers of files say. */
#include <stdio.h>
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
    (void)printf("%s: %s %s, %s order, %lld items, %s, data at byte %lld, version %d.%d%s\n", path,
                 furrow_dtype_name(npy->dtype), shape, npy->fortran_order ? "Fortran" : "C", (long long)npy->items,
                 cli_human_bytes((double)npy->bytes, bytes), (long long)npy->data_offset, npy->version_major,
                 npy->version_minor, npy->swapped ? ", other byte order" : "");
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

static furrow_status_t run_root(cli_t *cli, furrow_error_t *err)
{
    cJSON *json = cli->json ? cli_json(cli) : NULL, *files = cJSON_AddArrayToObject(json, "files");
    furrow_status_t status = FURROW_OK;

    for (int i = 0; i < cli->name_count && status == FURROW_OK; i++) {
        furrow_npy_t npy;
        status = furrow_npy_read(cli->names[i], &npy, err);
        if (status == FURROW_OK && sections > 0 && npy.ndim == 0)
            status = cli_fail(err, FURROW_EARG, "%.600s: a 0-d array has no sections", cli->names[i]);
        if (status != FURROW_OK) break;
        if (cli->json) cJSON_AddItemToArray(files, json_file(cli->names[i], &npy));
        else print_text(cli->names[i], &npy);
    }
    if (status == FURROW_OK && cli->json) return cli_print_json(cli, json, err);
    cJSON_Delete(json);
    return status;
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    if (cli->name_count == 0) return cli_fail(err, FURROW_EARG, "no file given");
    return furrow_agree(cli->ctx, cli->is_root ? run_root(cli, err) : FURROW_OK, err);
}

static const cli_option_t options[] = {
    {"sections", 0, "K", "also the K sections along axis 0, as numpy.array_split cuts", CLI_COUNT, &sections},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_info = {"info", "FILE... [--sections K]", "What .npy files hold: dtype, shape, order, sizes.", NULL,
                                options, run};
