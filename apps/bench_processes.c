/* Owns the entries about whole processes: this command, started again. */
#include "bench.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_child.h"

typedef struct {
    bench_t *bench;
    char command[PATH_MAX]; /* this program */
    bench_child_t child;    /* the last process */
} host_t;

/* The first line of the last process's complaints that says something: mpirun frames its own with dashes. */
static void first_complaint(const host_t *host, char reason[160])
{
    const char *line = host->child.complaint + strspn(host->child.complaint, "- \n");
    const size_t length = strcspn(line, "\n");

    if (host->child.exit_code == BENCH_CHILD_ABSENT)
        (void)snprintf(reason, 160, "it cannot be started");
    else if (length == 0)
        (void)snprintf(reason, 160, "exit code %d", host->child.exit_code);
    else
        (void)snprintf(reason, 160, "%.*s", (int)(length < 120 ? length : 120), line);
}

/* Run a process that must succeed. */
static furrow_status_t run_child(host_t *host, char *const argv[], furrow_error_t *err)
{
    const bool done = bench_child_run(argv, &host->child);
    char reason[160];

    const furrow_status_t status = bench_go_on(host->bench, err);
    if (status != FURROW_OK || done) return status;
    first_complaint(host, reason);
    return cli_fail(err, FURROW_EIO, "%.300s %.100s, run as another process: %s", argv[0],
                    argv[1] != NULL ? argv[1] : "", reason);
}

/* ---------------------------------------------------------------- start-up */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

enum { STARTS = 20 };

/* Start the command and the bare process in turn. */
static furrow_status_t time_starts(host_t *host, char *const bare[], double command_ms[STARTS], double bare_ms[STARTS],
                                   furrow_error_t *err)
{
    char *const info[] = {host->command, (char[]){"info"}, host->bench->place.small_file, NULL};

    for (int i = 0; i < STARTS; i++) {
        furrow_status_t status = run_child(host, bare, err);
        bare_ms[i] = 1e3 * host->child.seconds;
        if (status == FURROW_OK) status = run_child(host, info, err);
        command_ms[i] = 1e3 * host->child.seconds;
        if (status != FURROW_OK) return status;
    }
    qsort(command_ms, STARTS, sizeof *command_ms, by_size);
    qsort(bare_ms, STARTS, sizeof *bare_ms, by_size);
    return FURROW_OK;
}

static furrow_status_t add_startup(host_t *host, bench_entry_t entry, furrow_error_t *err)
{
    const bool has_true = access("/bin/true", X_OK) == 0;
    char *const bare_true[] = {(char[]){"/bin/true"}, NULL};
    char *const version[] = {host->command, (char[]){"--version"}, NULL};
    const int64_t shape[] = {10};
    double command_ms[STARTS], bare_ms[STARTS];

    furrow_status_t status = furrow_random_file(host->bench->ctx, host->bench->place.small_file, FURROW_SOURCE_SHARED,
                                                1, FURROW_UNIFORM, FURROW_F8, 1, shape, err);
    if (status == FURROW_OK) status = time_starts(host, has_true ? bare_true : version, command_ms, bare_ms, err);
    if (status != FURROW_OK) return status;
    entry.limit_name = has_true ? "start of /bin/true" : "start of furrow --version";
    entry.value = command_ms[0];
    entry.limit = bare_ms[0];
    (void)snprintf(entry.note, sizeof entry.note, "furrow info, best of %d; median %.1f ms", STARTS,
                   0.5 * (command_ms[STARTS / 2 - 1] + command_ms[STARTS / 2]));
    bench_add(host->bench, entry);
    return FURROW_OK;
}

/* ------------------------------------------------------------------ memory */

/* The ways that buffers are used: straight from the files, rows through a shared buffer, from rank 0 to all. */
static furrow_status_t add_memory(host_t *host, bench_entry_t entry, furrow_error_t *err)
{
    static char reduce[] = "reduce", ops[] = "sumsq,min,hist", few[] = "sumsq,min", memory[] = "--memory=64M";
    static char range[] = "--range=0:1", axis[] = "--axis=0", source[] = "--source=root";
    char *const file = host->bench->place.file;
    char *const way[][8] = {{host->command, reduce, ops, file, memory, range, NULL},
                            {host->command, reduce, few, file, memory, axis, NULL},
                            {host->command, reduce, few, file, memory, source, NULL}};

    for (size_t i = 0; i < sizeof way / sizeof way[0]; i++) {
        const furrow_status_t status = run_child(host, way[i], err);
        if (status != FURROW_OK) return status;
        const double megabytes = 1e-6 * (double)host->child.peak_bytes;
        if (megabytes > entry.value) entry.value = megabytes;
    }
    entry.limit = 1e-6 * (double)(64 << 20);
    bench_add(host->bench, entry);
    return FURROW_OK;
}

/* ------------------------------------------------------- ranks and threads */

/* The rate that the last process has measured itself, without the start of MPI; 0 if it has not. */
static double own_rate(const host_t *host)
{
    cJSON *json = cJSON_Parse(host->child.out);
    const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(json, "elapsed_s");
    const double value = cJSON_IsNumber(seconds) ? seconds->valuedouble : 0.0;
    const double gigabytes = 1e-9 * (double)host->bench->file_bytes;

    cJSON_Delete(json);
    return value > 0.0 ? gigabytes / value : 0.0;
}

/* One round of both ways. A launcher that does not work is a reason to skip, not a failure: then `reason` is filled. */
static furrow_status_t time_ranks(host_t *host, bench_entry_t *entry, char reason[160], furrow_error_t *err)
{
    static char mpirun[] = "mpirun", n[] = "-n", two[] = "2", one[] = "1", bind[] = "--bind-to", core[] = "core";
    static char reduce[] = "reduce", op[] = "sumsq", threads[] = "-t", json[] = "--json";
    char *const file = host->bench->place.file, *const command = host->command;
    char *const ranks_way[] = {mpirun, n, two, bind, core, command, reduce, op, file, threads, one, json, NULL};
    char *const threads_way[] = {command, reduce, op, file, threads, two, json, NULL};

    furrow_status_t status = run_child(host, threads_way, err);
    if (status != FURROW_OK) return status;
    entry->limit = fmax(entry->limit, own_rate(host));
    if (!bench_child_run(ranks_way, &host->child))
        first_complaint(host, reason);
    else
        entry->value = fmax(entry->value, own_rate(host));
    return bench_go_on(host->bench, err);
}

static furrow_status_t add_ranks(host_t *host, bench_entry_t entry, furrow_error_t *err)
{
    const int rounds = host->bench->quick ? 4 : 10;
    furrow_status_t status = FURROW_OK;
    char reason[160] = "", why[200];

    for (int i = 0; i < rounds && status == FURROW_OK && reason[0] == '\0'; i++)
        status = time_ranks(host, &entry, reason, err);
    if (status != FURROW_OK) return status;
    (void)snprintf(why, sizeof why, "mpirun: %s", reason);
    if (reason[0] == '\0')
        bench_add(host->bench, entry);
    else
        bench_skip(host->bench, entry, why);
    return FURROW_OK;
}

/* --------------------------------------------------------------------- all */

const char *bench_reason_to_stay(const bench_t *bench, char command[PATH_MAX])
{
    static const char *const signs[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"};
    const ssize_t length = readlink("/proc/self/exe", command, PATH_MAX - 1);

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (getenv(signs[i]) != NULL) return "under a launcher: run furrow bench without one";
    if (furrow_context_ranks(bench->ctx) > 1) return "under a launcher: run furrow bench without one";
    if (length <= 0) return "/proc does not tell where this program is";
    command[length] = '\0';
    return NULL;
}

static bool has_two_cores(void)
{
    cpu_set_t mask;

    return sched_getaffinity(0, sizeof mask, &mask) != 0 || CPU_COUNT(&mask) >= 2;
}

static furrow_status_t add_all(host_t *host, const char *reason, furrow_error_t *err)
{
    const bench_entry_t ranks = {.name = "ranks_vs_threads",
                                 .unit = "GB/s",
                                 .limit_name = "1 rank of 2 threads",
                                 .target = 0.95,
                                 .note = "2 ranks of 1 thread, reduce sumsq"};
    const bench_entry_t startup = {.name = "startup", .unit = "ms", .target = 10.0, .is_cost = true};
    const bench_entry_t memory = {.name = "memory",
                                  .unit = "MB",
                                  .limit_name = "--memory 64M",
                                  .target = 110.0,
                                  .is_cost = true,
                                  .note = "peak of furrow reduce, the worst of three ways"};
    furrow_status_t status = FURROW_OK;

    if (reason != NULL) {
        bench_skip(host->bench, ranks, reason);
        bench_skip(host->bench, startup, reason);
        bench_skip(host->bench, memory, reason);
        return FURROW_OK;
    }
    status = bench_make_file(host->bench, FURROW_F8, BENCH_ROW_ITEMS, err);
    if (status != FURROW_OK) return status;
    if (has_two_cores())
        status = add_ranks(host, ranks, err);
    else
        bench_skip(host->bench, ranks, "there is one core only");
    if (status == FURROW_OK) status = add_startup(host, startup, err);
    return status == FURROW_OK ? add_memory(host, memory, err) : status;
}

furrow_status_t bench_processes(bench_t *bench, furrow_error_t *err)
{
    host_t *host = calloc(1, sizeof *host);

    furrow_status_t status = host != NULL ? FURROW_OK : cli_fail(err, FURROW_ENOMEM, "out of memory");
    status = furrow_agree(bench->ctx, status, err);
    if (status == FURROW_OK) {
        host->bench = bench;
        status = add_all(host, bench_reason_to_stay(bench, host->command), err);
    }
    free(host);
    return status;
}
