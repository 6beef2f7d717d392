/* Owns how results become text: numbers and the JSON object of a command. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void cli_format_float(double value, char text[32])
{
    if (isnan(value)) {
        (void)snprintf(text, 32, "nan");
        return;
    }
    if (isinf(value)) {
        (void)snprintf(text, 32, value > 0 ? "inf" : "-inf");
        return;
    }
    /* 15 digits of a normal number always read back; a subnormal one has fewer. */
    for (int digits = value != 0.0 && fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        const int length = snprintf(text, 30, "%.*g", digits, value); /* 24 at most */
        if (length < 30 && strtod(text, NULL) == value) break;
    }
    if (strpbrk(text, ".e") == NULL) strcat(text, ".0");
}

void cli_format_value(const furrow_value_t *value, char text[96])
{
    char re[32], im[32];

    cli_format_float(value->re, re);
    cli_format_float(value->im, im);
    switch (value->kind) {
    case FURROW_VALUE_INT: (void)snprintf(text, 96, "%s", value->digits); break;
    case FURROW_VALUE_FLOAT: (void)snprintf(text, 96, "%s", re); break;
    case FURROW_VALUE_COMPLEX: (void)snprintf(text, 96, "%s%s%sj", re, im[0] == '-' ? "" : "+", im); break;
    }
}

cJSON *cli_json_int(int64_t value)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return cJSON_CreateRaw(text);
}

cJSON *cli_json_float(double value)
{
    char text[32];

    cli_format_float(value, text);
    return isfinite(value) ? cJSON_CreateRaw(text) : cJSON_CreateString(text);
}

cJSON *cli_json_value(const furrow_value_t *value)
{
    if (value->kind == FURROW_VALUE_INT) return cJSON_CreateRaw(value->digits);
    if (value->kind == FURROW_VALUE_FLOAT) return cli_json_float(value->re);
    cJSON *pair = cJSON_CreateArray();
    cJSON_AddItemToArray(pair, cli_json_float(value->re));
    cJSON_AddItemToArray(pair, cli_json_float(value->im));
    return pair;
}

/* The bytes of the character of UTF-8 at `text`; 0 if there is none: Unicode 15, table 3-7. */
static int utf8_length(const unsigned char *text)
{
    const unsigned char first = text[0], second = first == 0 ? 0 : text[1];
    const int length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;

    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second > 0x8f))
        return 0;
    for (int i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    return length;
}

cJSON *cli_json_text(const char *text)
{
    char *valid = malloc(3 * strlen(text) + 1), *out = valid;

    if (valid == NULL) return NULL;
    for (const char *in = text; *in != '\0';) {
        const int length = utf8_length((const unsigned char *)in);
        memcpy(out, length > 0 ? in : "\xef\xbf\xbd", length > 0 ? (size_t)length : 3);
        out += length > 0 ? length : 3;
        in += length > 0 ? length : 1;
    }
    *out = '\0';
    cJSON *json = cJSON_CreateString(valid);
    free(valid);
    return json;
}

cJSON *cli_json_shape(const furrow_npy_t *header)
{
    cJSON *shape = cJSON_CreateArray();

    for (int i = 0; i < header->ndim; i++) cJSON_AddItemToArray(shape, cli_json_int(header->shape[i]));
    return shape;
}

cJSON *cli_json(const cli_t *cli)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "furrow", furrow_version());
    cJSON_AddStringToObject(json, "command", cli->command->name);
    cJSON_AddItemToObject(json, "ranks", cli_json_int(furrow_context_ranks(cli->ctx)));
    cJSON_AddItemToObject(json, "threads", cli_json_int(furrow_context_threads(cli->ctx)));
    return json;
}

furrow_status_t cli_print_json(const cli_t *cli, cJSON *json, furrow_error_t *err)
{
    char seconds[32];

    (void)snprintf(seconds, sizeof seconds, "%.6f", cli_seconds() - cli->started);
    cJSON_AddItemToObject(json, "elapsed_s", cJSON_CreateRaw(seconds));
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    if (text == NULL) return cli_fail(err, FURROW_ENOMEM, "out of memory for JSON");
    (void)puts(text);
    free(text);
    return FURROW_OK;
}
