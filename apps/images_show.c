/* Owns what `furrow images` prints. Names of files may hold anything; the manifest has them as they are, here control
 * characters become '?'. */
#include "images_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAMED = 10 /* of each kind, in text */ };

const char *images_file_of(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash == NULL ? name : slash + 1;
}

/* ------------------------------------------------------------------- JSON */

static cJSON *json_values(const double *value, int count)
{
    cJSON *list = cJSON_CreateArray();

    for (int i = 0; i < count; i++) cJSON_AddItemToArray(list, cli_json_float(value[i]));
    return list;
}

static cJSON *json_rejects(const images_shown_t *s)
{
    cJSON *list = cJSON_CreateArray();

    for (int64_t i = 0; i < s->report->listed; i++) {
        const furrow_image_reject_t *r = &s->report->list[i];
        cJSON *reject = cJSON_CreateObject();
        cJSON_AddItemToObject(reject, "index", cli_json_int(r->index));
        cJSON_AddItemToObject(reject, "path", cli_json_text(furrow_listing_name(s->listing, r->image)));
        cJSON_AddItemToObject(reject, "error", cli_json_text(r->text));
        cJSON_AddItemToArray(list, reject);
    }
    return list;
}

static cJSON *json_labels(const images_shown_t *s)
{
    const furrow_images_report_t *r = s->report;
    cJSON *labels = cJSON_CreateObject(), *list;

    cJSON_AddItemToObject(labels, "numeric_columns", cli_json_int(r->numeric_columns));
    cJSON_AddItemToObject(labels, "images_without", cli_json_int(r->unlabelled));
    list = cJSON_AddArrayToObject(labels, "images_without_list");
    for (int64_t i = 0; i < r->unlabelled_listed; i++)
        cJSON_AddItemToArray(list, cli_json_text(furrow_listing_name(s->listing, r->unlabelled_list[i])));
    cJSON_AddItemToObject(labels, "without_image", cli_json_int(r->unused_labels));
    list = cJSON_AddArrayToObject(labels, "without_image_list");
    for (int64_t i = 0; i < r->unused_listed; i++) cJSON_AddItemToArray(list, cli_json_text(r->unused_list[i]));
    return labels;
}

static furrow_status_t print_json(const cli_t *cli, const images_shown_t *s, furrow_error_t *err)
{
    const furrow_images_report_t *r = s->report;
    const double rate = s->seconds > 0 ? (double)(r->images - r->resumed) / s->seconds : 0;
    furrow_npy_t shape = {.ndim = 4};
    cJSON *json = cli_json(cli);

    memcpy(shape.shape, r->shape, sizeof r->shape);
    if (s->output != NULL) cJSON_AddItemToObject(json, "output", cli_json_text(s->output));
    cJSON_AddItemToObject(json, "files", cli_json_int(r->files));
    cJSON_AddItemToObject(json, "images", cli_json_int(r->images));
    cJSON_AddItemToObject(json, "resumed", cli_json_int(r->resumed));
    cJSON_AddItemToObject(json, "rejected_count", cli_json_int(r->rejected));
    cJSON_AddItemToObject(json, "rejected", json_rejects(s));
    cJSON_AddStringToObject(json, "dtype", furrow_dtype_name(r->dtype));
    cJSON_AddItemToObject(json, "shape", cli_json_shape(&shape));
    cJSON_AddItemToObject(json, "images_per_s", cli_json_float(rate));
    if (s->opts->stats) cJSON_AddItemToObject(json, "mean", json_values(r->mean, r->channels));
    if (s->opts->stats) cJSON_AddItemToObject(json, "std", json_values(r->std, r->channels));
    if (s->opts->labels != NULL) cJSON_AddItemToObject(json, "labels", json_labels(s));
    return cli_print_json(cli, json, err);
}

/* ------------------------------------------------------------------- text */

static void print_name(const char *name)
{
    for (; *name != '\0'; name++) (void)putchar((unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name);
}

static void print_rejects(const images_shown_t *s)
{
    const furrow_images_report_t *r = s->report;

    for (int64_t i = 0; i < r->listed && i < NAMED; i++) {
        (void)printf("rejected %" PRId64 " ", r->list[i].index);
        print_name(furrow_listing_name(s->listing, r->list[i].image));
        (void)printf(": %s\n", r->list[i].text);
    }
    if (r->rejected > NAMED) (void)printf("rejected %" PRId64 " more\n", r->rejected - NAMED);
}

static void print_labels(const images_shown_t *s)
{
    const furrow_images_report_t *r = s->report;

    if (r->unlabelled > 0) (void)printf("without labels: %" PRId64 " images, such as ", r->unlabelled);
    if (r->unlabelled > 0) print_name(furrow_listing_name(s->listing, r->unlabelled_list[0]));
    if (r->unlabelled > 0) (void)putchar('\n');
    if (r->unused_labels > 0) (void)printf("labels without image: %" PRId64 ", such as ", r->unused_labels);
    if (r->unused_labels > 0) print_name(r->unused_list[0]);
    if (r->unused_labels > 0) (void)putchar('\n');
}

static void print_values(const char *name, const double *value, int count)
{
    char text[32];

    (void)printf("%-9s", name);
    for (int i = 0; i < count; i++) {
        cli_format_float(value[i], text);
        (void)printf("%s%s", i > 0 ? "," : "", text);
    }
    (void)putchar('\n');
}

static void print_summary(const images_shown_t *s)
{
    const furrow_images_report_t *r = s->report;
    furrow_npy_t npy = {.ndim = 4};
    char shape[200];

    memcpy(npy.shape, r->shape, sizeof r->shape);
    cli_print_shape(&npy, shape, sizeof shape);
    if (s->output != NULL) {
        print_name(s->output);
        (void)printf(": %s %s, ", furrow_dtype_name(r->dtype), shape);
    }
    (void)printf("%" PRId64 " image%s", r->images, r->images == 1 ? "" : "s");
    if (r->files > 1) (void)printf(" in %" PRId64 " files", r->files);
    if (r->resumed > 0) (void)printf(", %" PRId64 " of an earlier run", r->resumed);
    if (r->rejected > 0) (void)printf(", %" PRId64 " rejected", r->rejected);
    (void)putchar('\n');
}

furrow_status_t images_show(const cli_t *cli, const images_shown_t *s, furrow_error_t *err)
{
    if (cli->json) return print_json(cli, s, err);
    if (!cli->quiet) {
        print_summary(s);
        print_rejects(s);
        print_labels(s);
    }
    if (s->opts->stats) print_values("mean", s->report->mean, s->report->channels);
    if (s->opts->stats) print_values("std", s->report->std, s->report->channels);
    return FURROW_OK;
}
