/* Owns how the entries are shown as text and as JSON. */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void bench_machine(const bench_t *bench, char *text, size_t size)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int ranks = furrow_context_ranks(bench->ctx);

    (void)snprintf(text, size, "%ld core%s%s, %d rank%s of %d thread%s, %s kernels", cores, cores == 1 ? "" : "s",
                   furrow_context_node_ranks(bench->ctx) < ranks ? " on this node" : "", ranks, ranks == 1 ? "" : "s",
                   bench->threads, bench->threads == 1 ? "" : "s", furrow_kernels_name());
}

/* ------------------------------------------------------------------- text */

/* Three digits that mean something, and a unit. */
static void format_amount(double value, const char *unit, char text[32])
{
    (void)snprintf(text, 32, value < 10.0 ? "%.2f %s" : "%.1f %s", value, unit);
}

static void format_target(const bench_entry_t *entry, char text[32])
{
    if (entry->target <= 0.0)
        (void)snprintf(text, 32, "%s", "");
    else if (entry->is_cost)
        (void)snprintf(text, 32, "< %g %s", entry->target, entry->unit);
    else
        (void)snprintf(text, 32, ">= %.2f", entry->target);
}

static void print_entry(const bench_entry_t *entry)
{
    char value[32] = "", limit[32] = "", fraction[32] = "", target[32];

    format_target(entry, target);
    if (!entry->is_skipped) format_amount(entry->value, entry->unit, value);
    if (!entry->is_skipped && entry->limit > 0.0) {
        format_amount(entry->limit, entry->unit, limit);
        (void)snprintf(fraction, sizeof fraction, "%.2f", bench_fraction(entry));
    }
    (void)printf("%-17s %10s %10s  %-24s %8s  %-8s  %-8s %s\n", entry->name, value, limit,
                 entry->limit_name == NULL ? "" : entry->limit_name, fraction, target, bench_verdict(entry),
                 entry->note);
}

/* Best rounds make up for a little noise, not for a machine that is shared. */
static void print_warning(const bench_t *bench)
{
    const double lost = 1.0 - bench_share_of_cores(bench);

    if (lost < BENCH_LOST_CORES || bench->cli->quiet) return;
    (void)printf("\nOther programs, or more threads than cores, took %.0f %% of these cores' time meanwhile:\n"
                 "the figures are too low, and their fractions uncertain.\n",
                 100.0 * lost);
}

void bench_print(const bench_t *bench)
{
    char machine[160];

    bench_machine(bench, machine, sizeof machine);
    if (!bench->cli->quiet)
        (void)printf("%s\n\n%-17s %10s %10s  %-24s %8s  %-8s\n", machine, "name", "figure", "limit", "which is",
                     "fraction", "target");
    for (int i = 0; i < bench->count; i++) print_entry(&bench->entry[i]);
    print_warning(bench);
}

/* ------------------------------------------------------------------- JSON */

/* Six digits; measured numbers have no more. */
static void add_number(cJSON *object, const char *key, double value, bool exists)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%.6g", value);
    cJSON_AddItemToObject(object, key, exists ? cJSON_CreateRaw(text) : cJSON_CreateNull());
}

static void add_text(cJSON *object, const char *key, const char *text)
{
    cJSON_AddItemToObject(object, key, text != NULL && text[0] != '\0' ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static cJSON *json_of_entry(const bench_entry_t *entry)
{
    const bool has_limit = !entry->is_skipped && entry->limit > 0.0, has_target = entry->target > 0.0;
    cJSON *object = cJSON_CreateObject();

    add_text(object, "name", entry->name);
    add_number(object, "value", entry->value, !entry->is_skipped);
    add_text(object, "unit", entry->unit);
    add_number(object, "limit", entry->limit, has_limit);
    add_text(object, "limit_name", entry->limit_name);
    add_number(object, "fraction", bench_fraction(entry), has_limit);
    add_number(object, "target", entry->target, has_target);
    add_text(object, "target_of", !has_target ? NULL : entry->is_cost ? "value" : "fraction");
    add_text(object, "status", bench_verdict(entry));
    add_text(object, "note", entry->note);
    return object;
}

furrow_status_t bench_print_json(const bench_t *bench, furrow_error_t *err)
{
    cJSON *json = cli_json(bench->cli), *results;

    cJSON_AddStringToObject(json, "kernels", furrow_kernels_name());
    cJSON_AddItemToObject(json, "cores", cli_json_int(sysconf(_SC_NPROCESSORS_ONLN)));
    add_number(json, "share_of_cores", bench_share_of_cores(bench), true);
    results = cJSON_AddArrayToObject(json, "results");
    for (int i = 0; i < bench->count; i++) cJSON_AddItemToArray(results, json_of_entry(&bench->entry[i]));
    return cli_print_json(bench->cli, json, err);
}
