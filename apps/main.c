/* furrow: the table of commands, the start and the end of a run. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "terminal.h"
#include "watchdog.h"

extern const cli_command_t cmd_info, cmd_reduce, cmd_dot, cmd_random, cmd_doctor, cmd_bench, cmd_rows, cmd_split,
    cmd_join, cmd_images;

const cli_command_t *const cli_commands[] = {&cmd_info,   &cmd_reduce, &cmd_dot,   &cmd_rows,   &cmd_split, &cmd_join,
                                             &cmd_images, &cmd_random, &cmd_bench, &cmd_doctor, NULL};

static const double default_stall_timeout = 600;

static const cli_command_t *find_command(const char *name)
{
    for (int i = 0; cli_commands[i] != NULL; i++)
        if (strcmp(cli_commands[i]->name, name) == 0) return cli_commands[i];
    return NULL;
}

static int exit_code(const cli_t *cli, furrow_status_t status)
{
    if (status == FURROW_OK) return cli->rejected ? CLI_REJECTED : CLI_DONE;
    if (status == FURROW_ECANCELED && cli->resumable) return CLI_STOPPED;
    return status == FURROW_EARG ? CLI_WRONG_USAGE : CLI_FAILED;
}

/* The one line of a failure; the rank stands there where it is not the first, or where there are several hosts. */
static void print_error(const cli_t *cli, const furrow_error_t *error)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "furrow: %s%s%s", cli->command != NULL ? cli->command->name : "",
                  cli->command != NULL ? ": " : "", error->text);
    if (error->host[0] != '\0')
        (void)fprintf(stderr, " (rank %d on %s)", error->rank, error->host);
    else if (error->rank != 0)
        (void)fprintf(stderr, " (rank %d)", error->rank);
    (void)fputc('\n', stderr);
}

/* A file must not come to stand where the caller closed a standard stream: what is printed would go into it. */
static void occupy_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* What the words after "furrow" ask for: a command to run, or a text, which is printed by rank 0 alone. */
typedef struct {
    bool wants_help, wants_version;
} wish_t;

static furrow_status_t read_arguments(cli_t *cli, int argc, char **argv, wish_t *wish, furrow_error_t *err)
{
    const char *word = argc > 1 ? argv[1] : NULL;

    if (word == NULL) return cli_fail(err, FURROW_EARG, "no command given; furrow --help lists them");
    wish->wants_version = strcmp(word, "--version") == 0;
    wish->wants_help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
    if (wish->wants_version || wish->wants_help) return FURROW_OK;
    cli->command = find_command(word);
    if (cli->command == NULL)
        return cli_fail(err, FURROW_EARG, "'%.100s' is no command; furrow --help lists them", word);
    return cli_parse(cli, argc - 1, argv + 1, &wish->wants_help, err);
}

/* Commands whose items may run in processes of their own have the option --isolate. It forks, before MPI and
 * threads. */
static furrow_status_t start_isolation(const cli_t *cli, const wish_t *wish, furrow_error_t *err)
{
    const cli_option_t *o = cli->command == NULL || wish->wants_help ? NULL : cli->command->options;

    for (; o != NULL && o->name != NULL; o++)
        if (strcmp(o->name, "isolate") == 0 && *(const bool *)o->target) return furrow_isolation_start(err);
    return FURROW_OK;
}

static furrow_status_t print_wish(const cli_t *cli, const wish_t *wish)
{
    if (!cli->is_root) return FURROW_OK;
    if (wish->wants_version)
        (void)printf("furrow %s\n", furrow_version());
    else if (cli->command != NULL)
        cli_print_help(cli->command);
    else
        cli_print_commands();
    return FURROW_OK;
}

/* A full disk or a closed pipe shows when the last byte is flushed. */
static furrow_status_t finish_output(furrow_status_t status, furrow_error_t *err)
{
    const bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;

    if (status != FURROW_OK || !failed) return status;
    return cli_fail(err, FURROW_EIO, "standard output: cannot write");
}

static furrow_status_t run_command(cli_t *cli, furrow_error_t *err)
{
    const furrow_status_t watched = furrow_agree(cli->ctx, watchdog_start(cli, err), err);

    if (watched != FURROW_OK) return watched;
    terminal_catch_signals(cli->ctx);
    terminal_show_progress(cli, cli->progress == NULL ? "auto" : cli->progress);
    const furrow_status_t status = cli->command->run(cli, err);
    terminal_end_progress();
    terminal_release_signals();
    if (cli->verbose && cli->is_root)
        (void)fprintf(stderr, "furrow: %s: %d rank%s, %d thread%s each, %s kernels, %.3f s\n", cli->command->name,
                      furrow_context_ranks(cli->ctx), furrow_context_ranks(cli->ctx) == 1 ? "" : "s",
                      furrow_context_threads(cli->ctx), furrow_context_threads(cli->ctx) == 1 ? "" : "s",
                      furrow_kernels_name(), cli_seconds() - cli->started);
    return status;
}

int main(int argc, char **argv)
{
    cli_t cli = {.stall_timeout = default_stall_timeout};
    furrow_error_t error = {0}, opening = {0};
    wish_t wish = {0};

    occupy_standard_streams();
    furrow_status_t status = read_arguments(&cli, argc, argv, &wish, &error);
    if (status == FURROW_OK) status = start_isolation(&cli, &wish, &error);
    const furrow_context_opts_t opts = {.threads = (int)cli.threads, .memory_bytes = cli.memory};
    const furrow_status_t opened = furrow_context_open(status == FURROW_OK ? &opts : NULL, &cli.ctx, &opening);
    if (opened != FURROW_OK) {
        print_error(&cli, &opening);
        return exit_code(&cli, opened);
    }
    cli.is_root = furrow_context_rank(cli.ctx) == 0;
    cli.started = cli_seconds();
    status = furrow_agree(cli.ctx, status, &error);
    if (status == FURROW_OK)
        status = wish.wants_help || wish.wants_version ? print_wish(&cli, &wish) : run_command(&cli, &error);
    status = furrow_agree(cli.ctx, finish_output(status, &error), &error);
    terminal_ignore_signals();
    if (status != FURROW_OK && cli.is_root) print_error(&cli, &error);
    watchdog_expect_end();
    furrow_context_close(cli.ctx);
    watchdog_stop();
    return exit_code(&cli, status);
}
