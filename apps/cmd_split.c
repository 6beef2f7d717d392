/* furrow split: one array becomes several files, as numpy.array_split cuts it. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *output;
static int64_t parts;

/* ------------------------------------------------------------- names of parts */

/* "head%04dtail": what stands before the number, its width, what stands after it. `%%` stays as it is and becomes %
 * when used. */
typedef struct {
    const char *tail;
    int head, width; /* width 0: as many digits as needed */
} pattern_t;

/* The length of a conversion, %d or %0Nd, at `text`; 0 if it is none. */
static int conversion(const char *text, int *width)
{
    char *end = (char *)(uintptr_t)text + 1;

    *width = 0;
    if (*end == '0') *width = (int)strtol(end, &end, 10);
    if (*end != 'd' || *width < 0 || *width > 18 || (end > text + 1 && *width == 0)) return 0;
    return (int)(end - text) + 1;
}

static furrow_status_t read_pattern(const char *text, pattern_t *pattern, furrow_error_t *err)
{
    int found = 0;

    for (const char *c = text; *c != '\0'; c++) {
        int width;
        if (*c != '%') continue;
        if (c[1] == '%') {
            c++;
            continue;
        }
        const int length = conversion(c, &width);
        if (length == 0 || found++ > 0)
            return cli_fail(err, FURROW_EARG, "--output: '%.200s' must have one %%d or %%04d, and no other %%", text);
        *pattern = (pattern_t){c + length, (int)(c - text), width};
        c += length - 1;
    }
    if (found == 1) return FURROW_OK;
    return cli_fail(err, FURROW_EARG, "--output: '%.200s' has no %%d or %%04d for the number of the part", text);
}

/* Appends `length` bytes; %% becomes %. */
static size_t append(char *out, size_t used, const char *text, size_t length)
{
    for (size_t i = 0; i < length && used < PATH_MAX - 1; i++) {
        out[used++] = text[i];
        if (text[i] == '%') i++;
    }
    out[used] = '\0';
    return used;
}

static void part_name(const pattern_t *pattern, int64_t part, char out[PATH_MAX])
{
    char number[32];

    (void)snprintf(number, sizeof number, "%0*" PRId64, pattern->width, part);
    size_t used = append(out, 0, output, (size_t)pattern->head);
    used = append(out, used, number, strlen(number));
    (void)append(out, used, pattern->tail, strlen(pattern->tail));
}

/* ------------------------------------------------------------------------- run */

static furrow_status_t check(const cli_t *cli, pattern_t *pattern, furrow_error_t *err)
{
    char name[PATH_MAX];

    if (cli->name_count != 1) return cli_fail(err, FURROW_EARG, "one file is needed, not %d", cli->name_count);
    if (parts == 0) return cli_fail(err, FURROW_EARG, "--parts is missing");
    if (output == NULL) return cli_fail(err, FURROW_EARG, "--output is missing");
    furrow_status_t status = read_pattern(output, pattern, err);
    if (status == FURROW_OK && strlen(output) > PATH_MAX - 32)
        status = cli_fail(err, FURROW_EARG, "--output: the name is too long");
    for (int64_t part = 0; cli->is_root && part < parts && status == FURROW_OK; part++) {
        part_name(pattern, part, name);
        status = cli_check_output(name, cli->names, cli->name_count, err);
    }
    return status;
}

static furrow_status_t report(const cli_t *cli, const furrow_npy_t *header, const pattern_t *pattern,
                              furrow_error_t *err)
{
    char name[PATH_MAX], last[PATH_MAX], shape[24 * FURROW_MAX_NDIM];

    if (cli->json) {
        cJSON *json = cli_json(cli);
        cJSON_AddStringToObject(json, "dtype", furrow_dtype_name(header->dtype));
        cJSON_AddItemToObject(json, "shape", cli_json_shape(header));
        cJSON *list = cJSON_AddArrayToObject(json, "parts");
        for (int64_t part = 0; part < parts; part++) {
            const furrow_range_t rows = furrow_split(header->shape[0], parts, part);
            cJSON *item = cJSON_CreateObject();
            part_name(pattern, part, name);
            cJSON_AddStringToObject(item, "path", name);
            cJSON_AddItemToObject(item, "start", cli_json_int(rows.start));
            cJSON_AddItemToObject(item, "stop", cli_json_int(rows.stop));
            cJSON_AddItemToArray(list, item);
        }
        return cli_print_json(cli, json, err);
    }
    part_name(pattern, 0, name);
    part_name(pattern, parts - 1, last);
    cli_print_shape(header, shape, sizeof shape);
    if (!cli->quiet)
        (void)printf("%s to %s: %s %s in %" PRId64 " part%s\n", name, last, furrow_dtype_name(header->dtype), shape,
                     parts, parts == 1 ? "" : "s");
    return FURROW_OK;
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    furrow_dataset_t *dataset = NULL;
    pattern_t pattern = {0};
    char name[PATH_MAX];

    furrow_status_t status = furrow_agree(cli->ctx, check(cli, &pattern, err), err);
    if (status == FURROW_OK)
        status = furrow_dataset_open(cli->ctx, (const char *const *)cli->names, 1, cli->source, &dataset, err);
    if (status == FURROW_OK && furrow_dataset_header(dataset)->ndim == 0)
        status = cli_fail(err, FURROW_EARG, "%.600s: a 0-d array cannot be split", cli->names[0]);
    for (int64_t part = 0; part < parts && status == FURROW_OK; part++) {
        part_name(&pattern, part, name);
        status = furrow_copy(dataset, furrow_split(furrow_dataset_header(dataset)->shape[0], parts, part), name, err);
    }
    if (status == FURROW_OK && cli->is_root) status = report(cli, furrow_dataset_header(dataset), &pattern, err);
    furrow_dataset_free(dataset);
    return status;
}

static const cli_option_t options[] = {
    {"parts", 'n', "K", "how many", CLI_COUNT, &parts},
    {"output", 'o', "PART-%04d.npy", "names of the parts, from 0: one %d or %0Nd (and %% for %)", CLI_TEXT, &output},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_split = {
    "split",
    "FILE -n K -o PART-%04d.npy",
    "One .npy file as K files, cut along axis 0 as numpy.array_split does.",
    "Parts may be empty. They are in C order and in this machine's byte order; furrow join puts them together again.\n"
    "FILE may be - for standard input.\n",
    options,
    run,
};
