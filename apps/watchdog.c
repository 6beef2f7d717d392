/* Owns the thread that watches the pulse of this rank. It touches nothing that could be stuck: no MPI, no file, no lock
 * that others hold for long. */
#include "watchdog.h"

#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 2048, HOST_BYTES = 72 };

/* The one to blame comes first, so that there is one line. Ranks hear of one another with a delay of two or three
 * seconds, and where many are stuck at once the lowest comes first and ends the others. */
static const double least_grace = 10.0, share_of_grace = 0.1, per_rank = 1.5, most_for_rank = 3.0;

static struct {
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* of `ctx` and `stops` */
    pthread_cond_t wake;
    furrow_context_t *ctx; /* NULL: it is being closed */
    bool stops;
    const char *command;
    int rank;
    double limit, look; /* seconds: --stall-timeout, between two looks */
    char host[HOST_BYTES];
    furrow_array_t hosts; /* of all ranks, HOST_BYTES each; on rank 0 only */
} dog = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ------------------------------------------------------------------ the line */

static void append(char text[LINE_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char text[LINE_BYTES], const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text + used, LINE_BYTES - used, format, args);
    va_end(args);
}

/* "row 17", "rows 17 to 20" */
static void append_items(char text[LINE_BYTES], const char *noun, int64_t first, int64_t count)
{
    if (count == 1) append(text, "%s %" PRId64, noun, first);
    if (count > 1) append(text, "%ss %" PRId64 " to %" PRId64, noun, first, first + count - 1);
}

/* "thread 1: row 17: reading part-3.npy" */
static void append_thread(char text[LINE_BYTES], const furrow_pulse_thread_t *t)
{
    if (t->thread >= 0)
        append(text, " thread %d: ", t->thread);
    else
        append(text, " main thread: ");
    append_items(text, t->noun, t->first, t->count);
    append(text, "%s%s%s%s", t->count > 0 ? ": " : "", t->doing, t->path[0] != '\0' ? " " : "", t->path);
}

static void append_wait(char text[LINE_BYTES], const furrow_pulse_t *pulse)
{
    append(text, " waits for other ranks in %s", pulse->waits_in);
    if (pulse->waits_for < 0) return;
    append(text, " (for rank %d", pulse->waits_for);
    if (dog.hosts.data != NULL)
        append(text, " on host %s", (const char *)dog.hosts.data + pulse->waits_for * HOST_BYTES);
    if (pulse->count > 0) append(text, ", which was given ");
    append_items(text, pulse->noun, pulse->first, pulse->count);
    append(text, ")");
}

static void describe(char text[LINE_BYTES], const furrow_pulse_t *pulse, double seconds)
{
    append(text, "furrow: %s: nothing finished for %.*f s: rank %d (host %s)", dog.command, seconds < 10 ? 1 : 0,
           seconds, dog.rank, dog.host);
    if (pulse->busy > 0)
        append_thread(text, &pulse->thread[0]);
    else
        append_wait(text, pulse);
    if (pulse->busy > 1) append(text, " (and %d more at work)", pulse->busy - 1);
    append(text, "; --stall-timeout 0 waits for ever");
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?'; /* names of files hold anything */
    append(text, "\n");
}

/* The progress line, if there is one, gives way. A reader that does not read must not hold us. */
static void print(const char *text)
{
    struct pollfd standard_error = {.fd = STDERR_FILENO, .events = POLLOUT};
    ssize_t ignored = 0;

    if (poll(&standard_error, 1, 1000) != 1) return;
    if (isatty(STDERR_FILENO) == 1) ignored += write(STDERR_FILENO, "\r\033[K", 4);
    ignored += write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

/* ------------------------------------------------------------------- looking */

/* A context that is being closed is a wait for the other ranks. */
static void look(furrow_pulse_t *pulse)
{
    if (dog.ctx != NULL)
        furrow_context_pulse(dog.ctx, pulse);
    else
        *pulse = (furrow_pulse_t){.beats = -1, .waits_in = "the end of MPI", .waits_for = -1};
}

/* How long nothing may be finished in this state. */
static double patience(const furrow_pulse_t *pulse)
{
    const double rank = fmin(per_rank * dog.rank, most_for_rank);

    return dog.limit + rank + (pulse->busy > 0 ? 0 : fmax(least_grace, share_of_grace * dog.limit));
}

/* Sleep between two looks; false: stop. The lock is held. */
static bool doze(void)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t ns = until.tv_nsec + (int64_t)(1e9 * dog.look);
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    if (!dog.stops) (void)pthread_cond_timedwait(&dog.wake, &dog.lock, &until);
    return !dog.stops;
}

static void *watch(void *unused)
{
    double stalled = 0, last = cli_seconds();
    int64_t beats = -1;
    furrow_pulse_t pulse;
    char text[LINE_BYTES] = "";

    (void)unused;
    pthread_mutex_lock(&dog.lock);
    while (doze()) {
        const double now = cli_seconds();
        look(&pulse);
        /* Looks far apart: the process was stopped for a while, or got no core. */
        stalled += fmin(now - last, 2 * dog.look);
        last = now;
        /* Where nobody works or waits the command itself is at work. */
        if (pulse.beats != beats || (pulse.busy == 0 && pulse.waits_in == NULL)) stalled = 0;
        beats = pulse.beats;
        if (stalled < patience(&pulse)) continue;
        describe(text, &pulse, stalled);
        print(text);
        _exit(CLI_FAILED);
    }
    pthread_mutex_unlock(&dog.lock);
    return NULL;
}

/* ---------------------------------------------------------------- start, end */

/* Signals are for the other threads. */
static bool start_thread(void)
{
    pthread_condattr_t steady;
    sigset_t all, before;

    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&dog.wake, &steady);
    pthread_condattr_destroy(&steady);
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&dog.thread, NULL, watch, NULL) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* Rank 0 may know for which rank it waits, and then tells where that one is. Collective. */
static furrow_status_t gather_hosts(const cli_t *cli, furrow_error_t *err)
{
    const furrow_array_t mine = {.dtype = FURROW_U1, .ndim = 2, .shape = {1, HOST_BYTES}, .data = dog.host};

    return furrow_gather(cli->ctx, 0, &mine, &dog.hosts, err);
}

furrow_status_t watchdog_start(const cli_t *cli, furrow_error_t *err)
{
    furrow_context_share_pulse(cli->ctx, cli->stall_timeout > 0);
    if (cli->stall_timeout <= 0) return FURROW_OK;
    dog.ctx = cli->ctx;
    dog.command = cli->command->name;
    dog.rank = furrow_context_rank(cli->ctx);
    dog.limit = cli->stall_timeout;
    dog.look = fmin(1.0, fmax(0.05, dog.limit / 20));
    if (gethostname(dog.host, sizeof dog.host - 1) != 0) (void)snprintf(dog.host, sizeof dog.host, "unknown");
    const furrow_status_t status = gather_hosts(cli, err);
    if (status != FURROW_OK) return status;
    dog.runs = start_thread();
    return dog.runs ? FURROW_OK : cli_fail(err, FURROW_ENOMEM, "the system refused a thread for --stall-timeout");
}

void watchdog_expect_end(void)
{
    pthread_mutex_lock(&dog.lock);
    dog.ctx = NULL;
    pthread_mutex_unlock(&dog.lock);
}

void watchdog_stop(void)
{
    if (dog.runs) {
        pthread_mutex_lock(&dog.lock);
        dog.stops = true;
        pthread_cond_signal(&dog.wake);
        pthread_mutex_unlock(&dog.lock);
        (void)pthread_join(dog.thread, NULL);
    }
    dog.runs = false;
    furrow_array_free(&dog.hosts);
}
