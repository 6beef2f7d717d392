/* furrow bench: what this machine or allocation can do, and what Furrow gets from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "plot.h"

static bool quick;
static const char *plot_path, *parent;

static const char *default_parent(void)
{
    const char *folder = getenv("TMPDIR");

    return folder != NULL && folder[0] != '\0' ? folder : "/tmp";
}

/* The array in memory: 1 GiB (256 MiB) for each node, as --memory allows; no less than 64 MiB for each rank, so that
 * caches do not hold it; no more than a quarter of what the node has. */
static int64_t memory_for_rank(const bench_t *bench)
{
    const int64_t sharing = furrow_context_node_ranks(bench->ctx), floor_bytes = INT64_C(64) << 20;
    const int64_t physical = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 4 / sharing;
    int64_t bytes = (INT64_C(1) << (bench->quick ? 28 : 30)) / sharing;

    if (bytes < floor_bytes) bytes = floor_bytes;
    if (bytes > furrow_context_memory(bench->ctx)) bytes = furrow_context_memory(bench->ctx);
    if (bytes > physical) bytes = physical;
    bytes &= ~((INT64_C(1) << 20) - 1);
    return bytes > 0 ? bytes : INT64_C(1) << 20;
}

static furrow_status_t check(const cli_t *cli, furrow_error_t *err)
{
    if (cli->name_count > 0) return cli_fail(err, FURROW_EARG, "'%.100s' is not expected", cli->names[0]);
    if (plot_path == NULL || !cli->is_root) return FURROW_OK;
    if (cli->json && strcmp(plot_path, "-") == 0)
        return cli_fail(err, FURROW_EARG, "--json and --plot - cannot both print to standard output");
    return plot_check(plot_path, err);
}

static furrow_status_t measure(bench_t *bench, furrow_error_t *err)
{
    const int64_t file_bytes = bench->quick ? INT64_C(1) << 29 : INT64_C(1) << 31, spare_bytes = 16 << 20;

    bench->file_rows = file_bytes / (BENCH_ROW_ITEMS * (int64_t)sizeof(double));
    furrow_status_t status = bench_place_open(bench->ctx, parent != NULL ? parent : default_parent(),
                                              file_bytes + spare_bytes, &bench->place, err);
    if (status == FURROW_OK) status = bench_memory(bench, err);
    if (status == FURROW_OK) status = bench_file(bench, err);
    if (status == FURROW_OK) status = bench_processes(bench, err);
    bench_place_close(&bench->place);
    return status;
}

static furrow_status_t show(const bench_t *bench, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    if (bench->cli->json)
        status = bench_print_json(bench, err);
    else if (plot_path == NULL || strcmp(plot_path, "-") != 0)
        bench_print(bench);
    return status == FURROW_OK && plot_path != NULL ? bench_draw(bench, plot_path, err) : status;
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    static bench_t bench;

    bench.cli = cli;
    bench.ctx = cli->ctx;
    bench.threads = furrow_context_threads(cli->ctx);
    bench.quick = quick;
    bench.memory_bytes = memory_for_rank(&bench);
    furrow_context_on_progress(cli->ctx, NULL, NULL); /* a line about every single call would only disturb them */
    furrow_status_t status = furrow_agree(cli->ctx, check(cli, err), err);
    if (status == FURROW_OK) status = measure(&bench, err);
    return status == FURROW_OK && cli->is_root ? show(&bench, err) : status;
}

static const cli_option_t options[] = {
    {"quick", 0, NULL, "a quarter of the data and fewer rounds: some five seconds instead of half a minute", CLI_FLAG,
     &quick},
    {"plot", 0, "FILE.svg", "also draw a chart; - for standard output", CLI_TEXT, &plot_path},
    {"dir", 0, "FOLDER", "where the file that is read stands meanwhile; default $TMPDIR or /tmp", CLI_TEXT, &parent},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_bench = {
    "bench",
    "[--quick] [--plot FILE.svg] [--dir FOLDER]",
    "What this machine or allocation can do, and what Furrow gets from it.",
    "Each figure stands beside a limit measured in the same run, in turn with it; of both the best round counts.\n"
    "The fraction is figure / limit. Under mpirun or srun all ranks work at once.\n"
    "\n"
    "  read              read memory: a plain, rounded, vectorised sum of f8\n"
    "  exact_...         exact sums of an array in memory, against plain, rounded ones of the same array\n"
    "  random            make random numbers in memory, against memset\n"
    "  file_reduce       reduce sumsq of a file in the page cache, against bare pread calls\n"
    "  ranks_vs_threads  the same by mpirun -n 2 with one thread each, against one rank of two threads\n"
    "  startup           furrow info, the whole process; must stay under 10 ms\n"
    "  memory            peak memory of furrow reduce --memory 64M; must stay under 110 MB\n"
    "\n"
    "Two GB of space are needed for the file, half a GB with --quick. A missed target is no failure: the exit code is "
    "0.\n",
    options,
    run,
};
