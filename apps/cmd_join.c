/* furrow join: several files become one. */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

static const char *output;

static furrow_status_t check(const cli_t *cli, furrow_error_t *err)
{
    if (cli->name_count < 1) return cli_fail(err, FURROW_EARG, "no file given");
    if (output == NULL) return cli_fail(err, FURROW_EARG, "--output is missing");
    return cli->is_root ? cli_check_output(output, cli->names, cli->name_count, err) : FURROW_OK;
}

static furrow_status_t report(const cli_t *cli, const furrow_npy_t *header, furrow_error_t *err)
{
    char shape[24 * FURROW_MAX_NDIM];

    if (cli->json) {
        cJSON *json = cli_json(cli);
        cJSON_AddStringToObject(json, "dtype", furrow_dtype_name(header->dtype));
        cJSON_AddItemToObject(json, "shape", cli_json_shape(header));
        cJSON_AddStringToObject(json, "output", output);
        cJSON_AddItemToObject(json, "files", cli_json_int(cli->name_count));
        return cli_print_json(cli, json, err);
    }
    cli_print_shape(header, shape, sizeof shape);
    if (!cli->quiet)
        (void)printf("%s: %s %s, from %d file%s\n", output, furrow_dtype_name(header->dtype), shape, cli->name_count,
                     cli->name_count == 1 ? "" : "s");
    return FURROW_OK;
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    furrow_dataset_t *dataset = NULL;

    furrow_status_t status = furrow_agree(cli->ctx, check(cli, err), err);
    if (status == FURROW_OK)
        status =
            furrow_dataset_open(cli->ctx, (const char *const *)cli->names, cli->name_count, cli->source, &dataset, err);
    if (status == FURROW_OK) {
        const furrow_npy_t *header = furrow_dataset_header(dataset);
        status = furrow_copy(dataset, (furrow_range_t){0, header->ndim == 0 ? 1 : header->shape[0]}, output, err);
    }
    if (status == FURROW_OK && cli->is_root) status = report(cli, furrow_dataset_header(dataset), err);
    furrow_dataset_free(dataset);
    return status;
}

static const cli_option_t options[] = {
    {"output", 'o', "OUT.npy", "the file to write", CLI_TEXT, &output},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_join = {
    "join",
    "FILE... -o OUT.npy",
    "Several .npy files, joined along axis 0, as one file.",
    "As numpy.concatenate, for any dtype; the files must agree in it, in order and in the other axes. The result is\n"
    "in C order and in this machine's byte order. A single file may be - for standard input.\n",
    options,
    run,
};
