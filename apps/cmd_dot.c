/* furrow dot: exact dot product of two arrays. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static furrow_status_t report(const cli_t *cli, const furrow_npy_t *header, const furrow_value_t *value,
                              furrow_error_t *err)
{
    char text[96];

    if (cli->json) {
        cJSON *json = cli_json(cli), *results;
        cJSON_AddStringToObject(json, "dtype", furrow_dtype_name(header->dtype));
        cJSON_AddItemToObject(json, "shape", cli_json_shape(header));
        results = cJSON_AddObjectToObject(json, "results");
        cJSON_AddItemToObject(results, "dot", cli_json_value(value));
        return cli_print_json(cli, json, err);
    }
    cli_format_value(value, text);
    (void)printf(cli->quiet ? "%.0s%s\n" : "%-9s%s\n", "dot", text);
    return FURROW_OK;
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    furrow_dataset_t *a = NULL, *b = NULL;
    furrow_value_t value;

    if (cli->name_count != 2) return cli_fail(err, FURROW_EARG, "two files are needed, not %d", cli->name_count);
    if (strcmp(cli->names[0], "-") == 0 && strcmp(cli->names[1], "-") == 0)
        return cli_fail(err, FURROW_EARG, "standard input (-) cannot be both files");
    furrow_status_t status =
        furrow_dataset_open(cli->ctx, (const char *const *)&cli->names[0], 1, cli->source, &a, err);
    if (status == FURROW_OK)
        status = furrow_dataset_open(cli->ctx, (const char *const *)&cli->names[1], 1, cli->source, &b, err);
    if (status == FURROW_OK) {
        status = furrow_dot(a, b, &value, err);
        if (status == FURROW_EMISMATCH || status == FURROW_EUNSUPPORTED)
            status = cli_name_files(err, cli->names[0], cli->names[1]);
    }
    if (status == FURROW_OK && cli->is_root) status = report(cli, furrow_dataset_header(a), &value, err);
    furrow_dataset_free(a);
    furrow_dataset_free(b);
    return status;
}

static const cli_option_t options[] = {{NULL, 0, NULL, NULL, CLI_FLAG, NULL}};

const cli_command_t cmd_dot = {"dot",
                               "A.npy B.npy",
                               "The exact dot product of two arrays of one dtype and shape.",
                               "Floats give the correctly rounded value, integers the exact one.\n",
                               options,
                               run};
