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
    int64_t bytes = (INT64_C(1) << (bench->quick ? 27 : 30)) / sharing;

    if (bytes < floor_bytes) bytes = floor_bytes;
    if (bytes > furrow_context_memory(bench->ctx)) bytes = furrow_context_memory(bench->ctx);
    if (bytes > physical) bytes = physical;
    bytes &= ~((INT64_C(1) << 20) - 1);
    return bytes > 0 ? bytes : INT64_C(1) << 20;
}

/* What can be asked for by name. Those that share a file stand together. */
static const struct {
    const char *name;
    furrow_status_t (*measure)(bench_t *bench, furrow_error_t *err);
    int files; /* that stand in the folder at a time */
} groups[] = {{"memory", bench_memory, 0}, {"file", bench_file, 1},   {"processes", bench_processes, 1},
              {"rows", bench_rows, 3},     {"items", bench_items, 0}, {"images", bench_images, 2}};
enum { GROUPS = sizeof groups / sizeof groups[0] };

/* No names: all. */
static bool is_wanted(const cli_t *cli, int group)
{
    for (int i = 0; i < cli->name_count; i++)
        if (strcmp(cli->names[i], groups[group].name) == 0) return true;
    return cli->name_count == 0;
}

static bool is_group(const char *name)
{
    for (int g = 0; g < GROUPS; g++)
        if (strcmp(name, groups[g].name) == 0) return true;
    return false;
}

static furrow_status_t check(const cli_t *cli, furrow_error_t *err)
{
    for (int i = 0; i < cli->name_count; i++)
        if (!is_group(cli->names[i]))
            return cli_fail(err, FURROW_EARG,
                            "no group '%.100s'; there are memory, file, processes, rows, items, images", cli->names[i]);
    if (plot_path == NULL || !cli->is_root) return FURROW_OK;
    if (cli->json && strcmp(plot_path, "-") == 0)
        return cli_fail(err, FURROW_EARG, "--json and --plot - cannot both print to standard output");
    return plot_check(plot_path, err);
}

static furrow_status_t measure(bench_t *bench, furrow_error_t *err)
{
    const int64_t spare_bytes = 16 << 20;
    int files = 0;

    bench->file_bytes = bench->quick ? INT64_C(1) << 28 : INT64_C(1) << 31;
    for (int g = 0; g < GROUPS; g++)
        if (is_wanted(bench->cli, g) && groups[g].files > files) files = groups[g].files;
    furrow_status_t status = bench_place_open(bench->ctx, parent != NULL ? parent : default_parent(),
                                              files * bench->file_bytes + spare_bytes, &bench->place, err);
    for (int g = 0; g < GROUPS && status == FURROW_OK; g++)
        if (is_wanted(bench->cli, g)) status = groups[g].measure(bench, err);
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
    {"quick", 0, NULL, "an eighth of the data, fewer rounds: to see that all works, not for figures", CLI_FLAG, &quick},
    {"plot", 0, "FILE.svg", "also draw a chart; - for standard output", CLI_TEXT, &plot_path},
    {"dir", 0, "FOLDER", "where the file that is read stands meanwhile; default $TMPDIR or /tmp", CLI_TEXT, &parent},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_bench = {
    "bench",
    "[GROUP...] [--quick] [--plot FILE.svg] [--dir FOLDER]",
    "What this machine or allocation can do, and what Furrow gets from it.",
    "Each figure stands beside a limit measured in the same run, in turn with it; of both the best round counts.\n"
    "The fraction is figure / limit. Under mpirun or srun all ranks work at once. GROUP is one of memory file\n"
    "processes rows items images; without any, all are measured.\n"
    "\n"
    "  read              read memory: a plain, rounded, vectorised sum of f8\n"
    "  exact_...         exact sums of an array in memory, against plain, rounded ones of the same array\n"
    "  random            make random numbers in memory, against memset\n"
    "  file_reduce       reduce sumsq of a file in the page cache, against bare pread calls\n"
    "  ranks_vs_threads  the same by mpirun -n 2 with one thread each, against one rank of two threads\n"
    "  startup           furrow info, the whole process; must stay under 10 ms\n"
    "  memory            peak memory of furrow reduce --memory 64M; must stay under 110 MB\n"
    "\n"
    "  rows_norm2        rows norm2 of a file of f4 in the page cache, rows of 4096, against bare pread calls\n"
    "  rows_softmax      rows softmax of it into another file, against bare pread and pwrite calls\n"
    "  rows_resume       rows softmax with --resume after 90 % were done; must stay under 0.15 of a whole run\n"
    "  item_...          what the pool adds to an item: one by one, guided, one by one between two ranks\n"
    "\n"
    "  images_load       JPEGs of 1400x2100 into reused batches, against a bare libjpeg-turbo loop\n"
    "  images_quarter    the same at a quarter of the size, against the whole\n"
    "  images_write      furrow images into a file, against loading alone\n"
    "  images_threads    furrow images --stats: how much faster on all threads than on one\n"
    "  images_memory     peak memory of furrow images --memory 256M; must stay under 320 MB\n"
    "  images_list       list 100000 files; must stay under 1 s\n"
    "\n"
    "Seven GB of space are needed for files, one GB with --quick. A missed target is no failure: the exit code is "
    "0.\n",
    options,
    run,
};
