/* Owns the progress line and the signals. */
#include "terminal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    bool on_terminal, shown;
    const char *command;
    int ranks;
    double started, last; /* cli_seconds() */
} line;

/* A terminal sees the line move; a log gets one every few seconds. Short runs show nothing. */
static bool is_due(double now)
{
    return now - line.last >= (line.on_terminal ? 0.2 : 3.0);
}

static void show(void *arg, int64_t done, int64_t total)
{
    const double now = cli_seconds(), spent = now - line.started;
    char size[32], rate[32];

    (void)arg;
    if (!is_due(now) || total <= 0) return;
    line.last = now;
    const double all = (double)total * line.ranks, so_far = (double)done * line.ranks;
    const double left = done > 0 ? spent * (double)(total - done) / (double)done : 0;
    (void)fprintf(stderr, "%sfurrow: %s: %3.0f %% of %s, %s/s, %.0f s left%s", line.on_terminal ? "\r\033[K" : "",
                  line.command, 100.0 * so_far / all, cli_human_bytes(all, size), cli_human_bytes(so_far / spent, rate),
                  left > 0 ? left : 0.0, line.on_terminal ? "" : "\n");
    line.shown = line.on_terminal;
}

void terminal_show_progress(cli_t *cli, const char *mode)
{
    line.on_terminal = isatty(STDERR_FILENO) == 1;
    if (!cli->is_root || strcmp(mode, "never") == 0 || (strcmp(mode, "auto") == 0 && !line.on_terminal)) return;
    line.command = cli->command->name;
    line.ranks = furrow_context_ranks(cli->ctx);
    line.started = line.last = cli_seconds();
    furrow_context_on_progress(cli->ctx, show, NULL);
}

void terminal_end_progress(void)
{
    if (line.shown) (void)fputs("\r\033[K", stderr);
    line.shown = false;
}

static furrow_context_t *volatile context_to_cancel;

static void on_signal(int number)
{
    static const char text[] = "\nfurrow: stopping; a second signal ends at once\n";

    (void)number;
    furrow_context_cancel(context_to_cancel);
    if (furrow_context_rank(context_to_cancel) == 0) {
        const ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
        (void)ignored;
    }
}

void terminal_release_signals(void)
{
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
}

void terminal_catch_signals(furrow_context_t *ctx)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};

    context_to_cancel = ctx;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}
