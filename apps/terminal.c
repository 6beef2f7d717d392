/* Owns the progress line and the signals. */
#include "terminal.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_BYTES = 1 << 20 };

static struct {
    bool on_terminal, shown;
    const char *command;
    double started, last; /* cli_seconds() */
} line;

/* A terminal sees the line move; a log gets one every few seconds. Short runs show nothing. */
static bool is_due(double now)
{
    return now - line.last >= (line.on_terminal ? 0.2 : 3.0);
}

/* "4 s", "12 min", "3.4 h" */
static const char *human_time(double seconds, char text[32])
{
    if (seconds < 99)
        (void)snprintf(text, 32, "%.0f s", seconds);
    else if (seconds < 99 * 60)
        (void)snprintf(text, 32, "%.0f min", seconds / 60);
    else
        (void)snprintf(text, 32, "%.1f h", seconds / 3600);
    return text;
}

/* "12 of 40 rows", "1.1 GB of 2.0 GB" */
static void print_amount(const furrow_progress_report_t *r)
{
    char done[32], total[32];

    if (r->unit != NULL)
        (void)fprintf(stderr, "%" PRId64 " of %" PRId64 " %s", r->done, r->total, r->unit);
    else
        (void)fprintf(stderr, "%s of %s", cli_human_bytes((double)r->done, done),
                      cli_human_bytes((double)r->total, total));
}

static void print_rate(const furrow_progress_report_t *r, double rate)
{
    char text[32];

    if (r->unit != NULL)
        (void)fprintf(stderr, ", %.*f %s/s", rate < 10 ? 2 : 0, rate, r->unit);
    else
        (void)fprintf(stderr, ", %s/s", cli_human_bytes(rate, text));
    (void)fprintf(stderr, ", %s left", human_time((double)(r->total - r->done) / rate, text));
}

static void show(void *arg, const furrow_progress_report_t *r)
{
    const double now = cli_seconds(), rate = (double)(r->done - r->resumed) / (now - line.started);

    (void)arg;
    if (!is_due(now) || r->total <= 0) return;
    line.last = now;
    (void)fprintf(stderr, "%sfurrow: %s: ", line.on_terminal ? "\r\033[K" : "", line.command);
    print_amount(r);
    (void)fprintf(stderr, " (%d %%)", (int)(100.0 * (double)r->done / (double)r->total));
    if (rate > 0) print_rate(r, rate);
    if (r->rejected > 0) (void)fprintf(stderr, ", %" PRId64 " rejected", r->rejected);
    if (!line.on_terminal) (void)fputc('\n', stderr);
    line.shown = line.on_terminal;
}

void terminal_show_progress(cli_t *cli, const char *mode)
{
    line.on_terminal = isatty(STDERR_FILENO) == 1;
    if (!cli->is_root || strcmp(mode, "never") == 0 || (strcmp(mode, "auto") == 0 && !line.on_terminal)) return;
    line.command = cli->command->name;
    line.started = line.last = cli_seconds();
    furrow_context_on_progress(cli->ctx, show, NULL);
    if (line.on_terminal) (void)setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES); /* results come after the line is gone */
}

void terminal_end_progress(void)
{
    if (line.shown) (void)fputs("\r\033[K", stderr);
    line.shown = false;
}

static furrow_context_t *volatile context_to_cancel;

static void on_each_signal(const struct sigaction *action)
{
    (void)sigaction(SIGINT, action, NULL);
    (void)sigaction(SIGTERM, action, NULL);
    (void)sigaction(SIGUSR1, action, NULL);
}

void terminal_release_signals(void)
{
    on_each_signal(&(struct sigaction){.sa_handler = SIG_DFL});
}

/* The next one ends the process. But launchers and schedulers may pass one wish to stop on as SIGTERM and as SIGUSR1:
 * these two count apart. */
static void on_signal(int number)
{
    static const char text[] = "\nfurrow: stopping; a second signal ends at once\n";

    if (number == SIGINT)
        terminal_release_signals();
    else
        (void)sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    furrow_context_cancel(context_to_cancel);
    if (furrow_context_rank(context_to_cancel) == 0) {
        const ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
        (void)ignored;
    }
}

void terminal_ignore_signals(void)
{
    on_each_signal(&(struct sigaction){.sa_handler = SIG_IGN});
}

void terminal_catch_signals(furrow_context_t *ctx)
{
    context_to_cancel = ctx;
    on_each_signal(&(struct sigaction){.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART});
}
