/** \file cli.h
 * What all commands share: the table of commands, options, messages, exit codes, JSON and sizes.
 */
#ifndef FURROW_CLI_H
#define FURROW_CLI_H

#include <cjson/cJSON.h>
#include <furrow.h>

/** Exit codes (a contract). */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_WRONG_USAGE = 2, CLI_REJECTED = 3, CLI_STOPPED = 75 };

typedef enum cli_kind {
    CLI_FLAG,  /* bool: set to true */
    CLI_COUNT, /* int64_t >= 1 */
    CLI_INT64, /* int64_t */
    CLI_SIZE,  /* int64_t bytes >= 1: 4096, 64K, 256M, 2G, 1T */
    CLI_TEXT,  /* const char *: points into argv */
    CLI_LIST   /* cli_list_t: may be given several times */
} cli_kind_t;

/** What a CLI_LIST option was given, in order. */
enum { CLI_LIST_MAX = 32 };
typedef struct cli_list {
    const char *value[CLI_LIST_MAX];
    int count;
} cli_list_t;

/** One option. A table of them ends with name NULL. */
typedef struct cli_option {
    const char *name;     /* long name, without dashes */
    char letter;          /* short name or 0 */
    const char *argument; /* what stands for the argument in --help, NULL for CLI_FLAG */
    const char *help;
    cli_kind_t kind;
    void *target;
} cli_option_t;

typedef struct cli_command cli_command_t;

/** One run of the command. */
typedef struct cli {
    const cli_command_t *command;
    furrow_context_t *ctx;
    bool is_root;            /* rank 0: the only one that prints */
    int64_t threads, memory; /* 0: default */
    bool json, quiet, verbose;
    const char *source_name, *progress, *stall_text; /* as given, or NULL */
    double stall_timeout;                            /* seconds, 0: none */
    furrow_source_t source;
    char **names; /* arguments that are no options */
    int name_count;
    bool rejected;  /* set by `run`: done, but some items were rejected */
    bool resumable; /* set by `run`: if it is stopped it can go on later */
    double started; /* when ranks and threads were ready, in cli_seconds() */
} cli_t;

/** A command. `options` points to static targets that `run` reads. `run` prints nothing on failure: main does. */
struct cli_command {
    const char *name;
    const char *arguments;       /* usage after the name */
    const char *summary;         /* one line */
    const char *details;         /* more lines for --help, or NULL */
    const cli_option_t *options; /* its own, besides the common ones */
    furrow_status_t (*run)(cli_t *cli, furrow_error_t *err);
};

/** All commands, ended by NULL. */
extern const cli_command_t *const cli_commands[];

/** Parse options and names after the command's name. Local. `help` is set if --help was given. */
furrow_status_t cli_parse(cli_t *cli, int argc, char **argv, bool *help, furrow_error_t *err);

/** --help of a command, of all. */
void cli_print_help(const cli_command_t *command);
void cli_print_commands(void);

/** An error: fills `err`, returns the status. Wrong usage is FURROW_EARG (exit 2). */
furrow_status_t cli_fail(furrow_error_t *err, furrow_status_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Seconds of a clock that only goes forward. */
double cli_seconds(void);

/** Parse a number, all of it. */
bool cli_to_int64(const char *text, int64_t *out);
bool cli_to_uint64(const char *text, uint64_t *out);
bool cli_to_double(const char *text, double *out);

/** "3,4,5" into at most FURROW_MAX_NDIM lengths. */
bool cli_to_shape(const char *text, int *ndim, int64_t *shape);

/** Whether `output` can be written: FURROW_EARG if it is one of `names` or no name, FURROW_EIO if its folder does not
 * let it. Local; looks at the files, so it is for the rank that sees them: rank 0. */
furrow_status_t cli_check_output(const char *output, char **names, int name_count, furrow_error_t *err);

/** Put the names of files before a text that concerns them and does not say so; `second` may be NULL. Returns the
 * status. */
furrow_status_t cli_name_files(furrow_error_t *err, const char *first, const char *second);

/** "(3, 4)" as NumPy prints a shape; `text` has `size` bytes. */
void cli_print_shape(const furrow_npy_t *header, char *text, size_t size);

/** "1.5 GB". */
const char *cli_human_bytes(double bytes, char text[32]);

/* ------------------------------------------------------------------- JSON */

/** An object with the keys that every command has. NULL if memory ran out, as all cJSON calls. */
cJSON *cli_json(const cli_t *cli);

/** Numbers as they must stand: integers exactly, floats in the fewest digits that read back the same, with ".0" if
 * integral; non-finite ones as strings. */
cJSON *cli_json_int(int64_t value);
cJSON *cli_json_float(double value);
cJSON *cli_json_value(const furrow_value_t *value);
/** Text that may hold any bytes, such as the name of a file: those that are no UTF-8 become U+FFFD. */
cJSON *cli_json_text(const char *text);
cJSON *cli_json_shape(const furrow_npy_t *header);

/** The same numbers as text. */
void cli_format_float(double value, char text[32]);
void cli_format_value(const furrow_value_t *value, char text[96]);

/** Adds "elapsed_s", prints the object and frees it. FURROW_ENOMEM where `json` or an item in it is missing. */
furrow_status_t cli_print_json(const cli_t *cli, cJSON *json, furrow_error_t *err);

#endif
