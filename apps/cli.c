/* Owns options and messages. getopt_long does the parsing, from one table per command and one for all. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OPTIONS_MAX = 48, FIRST_ID = 256 };

furrow_status_t cli_fail(furrow_error_t *err, furrow_status_t status, const char *format, ...)
{
    va_list args;

    memset(err, 0, sizeof *err);
    err->status = status;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    for (char *c = err->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?'; /* one line stays one line */
    return status;
}

double cli_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---------------------------------------------------------------- numbers */

bool cli_to_int64(const char *text, int64_t *out)
{
    char *end;

    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') return false;
    *out = value;
    return true;
}

bool cli_to_uint64(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || strchr(text, '-') != NULL) return false;
    *out = value;
    return true;
}

bool cli_to_double(const char *text, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return end != text && *end == '\0';
}

static bool to_size(const char *text, int64_t *out)
{
    static const char units[] = "KMGT";
    char *end;

    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || value < 1) return false;
    const char *unit = *end == '\0' ? NULL : strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
    if (*end != '\0' && (unit == NULL || end[1] != '\0')) return false;
    const int shift = unit == NULL ? 0 : 10 * (int)(unit - units + 1);
    if (value > INT64_MAX >> shift) return false;
    *out = (int64_t)value << shift;
    return true;
}

bool cli_to_shape(const char *text, int *ndim, int64_t *shape)
{
    char *end;

    for (*ndim = 0; *ndim < FURROW_MAX_NDIM; text = end + 1) {
        errno = 0;
        shape[*ndim] = strtoll(text, &end, 10);
        if (errno != 0 || end == text || shape[*ndim] < 0) return false;
        ++*ndim;
        if (*end == '\0') return true;
        if (*end != ',') return false;
    }
    return false;
}

/* ---------------------------------------------------------------- options */

/* The table of one run: the command's own options, then those of every command. */
typedef struct {
    cli_option_t option[OPTIONS_MAX];
    struct option long_option[OPTIONS_MAX];
    char letters[2 * OPTIONS_MAX + 2];
    int count;
} table_t;

static const cli_option_t *common_options(cli_t *cli, bool *help)
{
    static cli_option_t common[10];
    const cli_option_t filled[] = {
        {"threads", 't', "N", "OpenMP threads per rank; default: the cores this rank may use", CLI_COUNT,
         &cli->threads},
        {"memory", 'm', "SIZE", "cap on working buffers per rank: 256M, 2G; default 1G", CLI_SIZE, &cli->memory},
        {"json", 0, NULL, "one JSON object on standard output", CLI_FLAG, &cli->json},
        {"progress", 0, "auto|always|never", "a line on standard error; auto: on a terminal only", CLI_TEXT,
         &cli->progress},
        {"source", 0, "shared|root", "who sees the input files: every rank, or rank 0 only", CLI_TEXT,
         &cli->source_name},
        {"stall-timeout", 0, "SEC", "nothing finished for so long: say what is stuck, exit 1; default 600, 0 = off",
         CLI_TEXT, &cli->stall_text},
        {"quiet", 'q', NULL, "print results only", CLI_FLAG, &cli->quiet},
        {"verbose", 'v', NULL, "also ranks, threads, kernels and time, on standard error", CLI_FLAG, &cli->verbose},
        {"help", 'h', NULL, "this text", CLI_FLAG, help},
        {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
    };

    memcpy(common, filled, sizeof filled);
    return common;
}

static void add_options(table_t *table, const cli_option_t *options)
{
    for (; options != NULL && options->name != NULL && table->count < OPTIONS_MAX - 1; options++) {
        const size_t used = strlen(table->letters);
        table->option[table->count] = *options;
        table->long_option[table->count] = (struct option){
            options->name, options->argument == NULL ? no_argument : required_argument, NULL, FIRST_ID + table->count};
        if (options->letter != 0)
            (void)snprintf(table->letters + used, sizeof table->letters - used, "%c%s", options->letter,
                           options->argument == NULL ? "" : ":");
        table->count++;
    }
}

static furrow_status_t take_value(const cli_option_t *option, const char *value, furrow_error_t *err)
{
    const char *wanted = NULL;

    switch (option->kind) {
    case CLI_FLAG: *(bool *)option->target = true; break;
    case CLI_TEXT: *(const char **)option->target = value; break;
    case CLI_LIST: {
        cli_list_t *list = option->target;
        if (list->count == CLI_LIST_MAX)
            return cli_fail(err, FURROW_EARG, "--%s: given more than %d times", option->name, CLI_LIST_MAX);
        list->value[list->count++] = value;
        break;
    }
    case CLI_INT64:
        if (!cli_to_int64(value, option->target)) wanted = "an integer";
        break;
    case CLI_COUNT:
        if (!cli_to_int64(value, option->target) || *(int64_t *)option->target < 1) wanted = "an integer of at least 1";
        break;
    case CLI_SIZE:
        if (!to_size(value, option->target)) wanted = "a size such as 64M or 2G";
        break;
    }
    if (wanted == NULL) return FURROW_OK;
    return cli_fail(err, FURROW_EARG, "--%s: '%.100s' is not %s", option->name, value, wanted);
}

static const cli_option_t *option_of(const table_t *table, int id)
{
    if (id >= FIRST_ID) return &table->option[id - FIRST_ID];
    for (int i = 0; i < table->count; i++)
        if (table->option[i].letter == id) return &table->option[i];
    return NULL;
}

static bool to_seconds(const char *text, double *out)
{
    return cli_to_double(text, out) && isfinite(*out) && *out >= 0;
}

static furrow_status_t check_common(cli_t *cli, furrow_error_t *err)
{
    const char *name = cli->source_name, *progress = cli->progress;

    if (cli->threads > 4096)
        return cli_fail(err, FURROW_EARG, "--threads: %lld are more than 4096", (long long)cli->threads);
    if (name != NULL && strcmp(name, "shared") != 0 && strcmp(name, "root") != 0)
        return cli_fail(err, FURROW_EARG, "--source: '%.100s' is neither shared nor root", name);
    if (progress != NULL && strcmp(progress, "auto") != 0 && strcmp(progress, "always") != 0 &&
        strcmp(progress, "never") != 0)
        return cli_fail(err, FURROW_EARG, "--progress: '%.100s' is none of auto, always, never", progress);
    if (cli->stall_text != NULL && !to_seconds(cli->stall_text, &cli->stall_timeout))
        return cli_fail(err, FURROW_EARG, "--stall-timeout: '%.100s' is not a number of seconds, 0 or more",
                        cli->stall_text);
    cli->source = name != NULL && strcmp(name, "root") == 0 ? FURROW_SOURCE_ROOT : FURROW_SOURCE_SHARED;
    return FURROW_OK;
}

/* What getopt_long does not take. It sets optopt to a letter, to the id of a known long option, or, for a long one that
 * it does not know, to 0; `word` is the one before the next. */
static furrow_status_t refuse_option(const cli_t *cli, const table_t *table, int id, const char *word,
                                     furrow_error_t *err)
{
    const cli_option_t *known = optopt == 0 ? NULL : option_of(table, optopt);
    const char letter[] = {'-', (char)optopt, '\0'};

    if (id == ':') return cli_fail(err, FURROW_EARG, "--%s: an argument is missing", known->name);
    if (known != NULL) return cli_fail(err, FURROW_EARG, "--%s takes no argument", known->name);
    return cli_fail(err, FURROW_EARG, "%.100s: no such option; furrow %s --help lists them",
                    optopt == 0 ? word : letter, cli->command->name);
}

furrow_status_t cli_parse(cli_t *cli, int argc, char **argv, bool *help, furrow_error_t *err)
{
    table_t table = {.letters = ":"};
    furrow_status_t status = FURROW_OK;
    int id;

    add_options(&table, cli->command->options);
    add_options(&table, common_options(cli, help));
    opterr = 0;
    while (status == FURROW_OK && (id = getopt_long(argc, argv, table.letters, table.long_option, NULL)) != -1) {
        const cli_option_t *option = option_of(&table, id);
        if (option == NULL)
            status = refuse_option(cli, &table, id, argv[optind - 1], err);
        else
            status = take_value(option, optarg, err);
    }
    if (status == FURROW_OK) status = check_common(cli, err);
    cli->names = argv + optind;
    cli->name_count = argc - optind;
    return status;
}

static void print_options(const cli_option_t *option)
{
    for (; option != NULL && option->name != NULL; option++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%c%c%c --%s%s%s", option->letter != 0 ? '-' : ' ',
                       option->letter != 0 ? option->letter : ' ', option->letter != 0 ? ',' : ' ', option->name,
                       option->argument == NULL ? "" : " ", option->argument == NULL ? "" : option->argument);
        (void)printf("  %-34s %s\n", left, option->help);
    }
}

void cli_print_help(const cli_command_t *command)
{
    cli_t unused = {0};
    bool help;

    (void)printf("Usage: furrow %s %s\n\n%s\n", command->name, command->arguments, command->summary);
    if (command->details != NULL) (void)printf("\n%s", command->details);
    if (command->options != NULL && command->options->name != NULL) {
        (void)printf("\nOptions:\n");
        print_options(command->options);
    }
    (void)printf("\nOptions of every command:\n");
    print_options(common_options(&unused, &help));
}

void cli_print_commands(void)
{
    (void)printf("Usage: furrow COMMAND ...\n\n"
                 "Exact data-parallel work on big arrays: on all cores of this machine, and, under mpirun or srun,\n"
                 "on all ranks, with the same bits in every case.\n\nCommands:\n");
    for (int i = 0; cli_commands[i] != NULL; i++)
        (void)printf("  %-10s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    (void)printf("\nfurrow COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 wrong usage,\n"
                 "3 done but some items were rejected, 75 stopped, and can go on with --resume.\n");
}

/* ------------------------------------------------------------------- misc */

furrow_status_t cli_check_output(const char *output, char **names, int name_count, furrow_error_t *err)
{
    struct stat there, input;
    char folder[PATH_MAX];

    if (output[0] == '\0') return cli_fail(err, FURROW_EARG, "--output: the name of a file is needed");
    if (strcmp(output, "-") == 0)
        return cli_fail(err, FURROW_EARG, "--output: an .npy file cannot be written to standard output (-)");
    (void)snprintf(folder, sizeof folder, "%s", output);
    if (access(dirname(folder), W_OK | X_OK) != 0 && errno != ENAMETOOLONG)
        return cli_fail(err, FURROW_EIO, "%.600s: cannot create: %s", output, strerror(errno));
    if (stat(output, &there) != 0) return FURROW_OK;
    if (!S_ISREG(there.st_mode)) /* the finished file would take its place, even that of /dev/null */
        return cli_fail(err, FURROW_EIO, "%.600s: cannot create: %s", output,
                        S_ISDIR(there.st_mode) ? strerror(EISDIR) : "not a regular file");
    for (int i = 0; i < name_count; i++)
        if (stat(names[i], &input) == 0 && input.st_dev == there.st_dev && input.st_ino == there.st_ino)
            return cli_fail(err, FURROW_EARG, "%.600s: is both input and output", output);
    return FURROW_OK;
}

furrow_status_t cli_name_files(furrow_error_t *err, const char *first, const char *second)
{
    const furrow_error_t plain = *err;

    if (strcmp(first, "-") == 0) first = "standard input";
    if (second != NULL && strcmp(second, "-") == 0) second = "standard input";
    (void)cli_fail(err, plain.status, "%.400s%s%.400s: %.200s", first, second != NULL ? ", " : "",
                   second != NULL ? second : "", plain.text);
    err->rank = plain.rank;
    memcpy(err->host, plain.host, sizeof err->host);
    return plain.status;
}

void cli_print_shape(const furrow_npy_t *header, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "(");

    for (int i = 0; i < header->ndim && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i > 0 ? ", " : "", (long long)header->shape[i]);
    if (used < size) (void)snprintf(text + used, size - used, "%s", header->ndim == 1 ? ",)" : ")");
}

const char *cli_human_bytes(double bytes, char text[32])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;

    for (; bytes >= 1000 && unit + 1 < sizeof units / sizeof units[0]; unit++) bytes /= 1000;
    (void)snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.3g %s", bytes, units[unit]);
    return text;
}
