/* Owns the report for people: the launch, then each node with its ranks, then the problems. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_facts.h"
#include "doctor_report.h"
#include "furrow_image.h"

/* Lines of one kind, after which a long launch is cut. */
enum { NODES_SHOWN = 8, RANKS_SHOWN = 32, WIDTH = 14 };

const char *const doctor_slurm_variables[] = {"SLURM_JOB_ID",          "SLURM_STEP_ID",
                                              "SLURM_JOB_PARTITION",   "SLURM_JOB_NUM_NODES",
                                              "SLURM_JOB_NODELIST",    "SLURM_NTASKS",
                                              "SLURM_NTASKS_PER_NODE", "SLURM_STEP_NUM_TASKS",
                                              "SLURM_CPUS_PER_TASK",   "SLURM_CPUS_ON_NODE",
                                              "SLURM_CPU_BIND",        "SLURM_MEM_PER_NODE",
                                              "SLURM_MEM_PER_CPU",     NULL};

const char *doctor_level_name(doctor_mpi_level_t level)
{
    static const char *const names[] = {"single", "funneled", "serialized", "multiple"};

    return level == DOCTOR_MPI_OFF ? NULL : names[level];
}

bool doctor_has_hwloc(void)
{
#ifdef FURROW_HAVE_HWLOC
    return true;
#else
    return false;
#endif
}

static void name_line(const char *name)
{
    (void)printf("  %-*s", WIDTH, name);
}

/* ---------------------------------------------------------------- launch */

static void print_ranks(const doctor_facts_t *facts)
{
    name_line("ranks");
    (void)printf("%d on %d node%s\n", facts->ranks, facts->nodes, facts->nodes == 1 ? "" : "s");
    name_line("launcher");
    (void)printf("%s\n", doctor_launcher_name(facts->launcher));
}

static void print_mpi(const doctor_facts_t *facts)
{
    const char *level = doctor_level_name(facts->mpi_level);

    name_line("MPI");
    (void)printf("%s, ", facts->mpi_library[0] != '\0' ? facts->mpi_library : "library of unknown name");
    if (level != NULL)
        (void)printf("thread level %s\n", level);
    else
        (void)printf("not started: there is no launcher\n");
}

static void print_kernels(const doctor_facts_t *facts)
{
    const char *names[8], *used = facts->rank[0].kernels;
    const int count = doctor_kernels(names, 8);
    const char *before = "; this CPU could also run ";

    name_line("kernels");
    (void)printf("%s", used);
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], used) == 0) continue;
        (void)printf("%s%s", before, names[i]);
        before = ", ";
    }
    (void)printf("\n");
}

static void print_decoders(void)
{
    const char *format, *library;

    name_line("decoders");
    for (int i = 0; furrow_image_decoder_at(i, &format, &library); i++)
        (void)printf("%s%s by %s", i == 0 ? "" : ", ", format, library);
    (void)printf("\n");
}

static void print_slurm(void)
{
    bool any = false;

    for (int i = 0; doctor_slurm_variables[i] != NULL; i++) {
        const char *name = doctor_slurm_variables[i], *value = getenv(name);
        if (value == NULL) continue;
        name_line(any ? "" : "Slurm");
        (void)printf("%s=%s\n", name, value);
        any = true;
    }
    if (any) return;
    name_line("Slurm");
    (void)printf("not in a job\n");
}

/* Whether all ranks see a folder or file; with one rank there is nothing to tell. */
static void print_paths(const doctor_facts_t *facts)
{
    for (int i = 0; i < facts->paths; i++) {
        const doctor_path_t *path = &facts->path[i];
        int blind = 0;
        for (int r = 0; path->view != NULL && r < facts->ranks; r++) blind += path->view[r].sight != DOCTOR_SEES;
        name_line(path->is_folder ? "folder" : "file");
        (void)printf("%s: ", path->path);
        if (path->error != 0)
            (void)printf("not tried, %s\n", strerror(path->error));
        else if (path->view == NULL)
            (void)printf("rank 0 alone uses it\n");
        else if (blind == 0)
            (void)printf("all ranks see the same\n");
        else
            (void)printf("%d of %d ranks see it otherwise than rank 0\n", blind, facts->ranks);
    }
}

static void print_launch(const doctor_facts_t *facts)
{
    (void)printf("Furrow %s%s\n\nLaunch\n", furrow_version(), doctor_has_hwloc() ? ", with hwloc" : ", without hwloc");
    print_ranks(facts);
    print_mpi(facts);
    print_slurm();
    print_kernels(facts);
    print_decoders();
    print_paths(facts);
}

/* ------------------------------------------------------------------ nodes */

static void print_topology(const doctor_rank_t *rank)
{
    const int cores = doctor_cpus_count(&rank->first_of_core), threads = rank->hardware_threads;

    name_line("machine");
    (void)printf("%d physical core%s, %d hardware thread%s, %d NUMA node%s\n", cores, cores == 1 ? "" : "s", threads,
                 threads == 1 ? "" : "s", rank->numa_nodes, rank->numa_nodes == 1 ? "" : "s");
}

static void print_cores(const doctor_node_t *node)
{
    const int allowed = doctor_cpus_count(&node->allowed), available = doctor_cpus_count(&node->available);
    char text[64];

    name_line("cores");
    if (allowed == 0)
        (void)printf("not known");
    else
        (void)printf("%d of %d may be used (%s)", allowed, available,
                     doctor_cpus_text(&node->allowed, text, sizeof text));
    if (node->cpu_quota > 0.0) (void)printf(", time for %.3g", node->cpu_quota);
    (void)printf("\n");
    name_line("threads");
    (void)printf("%d in %d rank%s\n", node->threads, node->ranks, node->ranks == 1 ? "" : "s");
}

static void print_memory(const doctor_node_t *node, const doctor_rank_t *rank)
{
    char total[32], available[32], limit[32], left[32], cap[32], all[32];

    name_line("memory");
    (void)printf("%s, %s available", cli_human_bytes((double)rank->memory_total, total),
                 cli_human_bytes((double)rank->memory_available, available));
    if (rank->memory_limit > 0)
        (void)printf("; limit of the job or container %s, %s left", cli_human_bytes((double)rank->memory_limit, limit),
                     cli_human_bytes((double)rank->memory_left, left));
    (void)printf("\n");
    name_line("memory cap");
    (void)printf("%s per rank (--memory), %s together\n", cli_human_bytes((double)rank->memory_cap, cap),
                 cli_human_bytes((double)node->memory_cap, all));
}

static const char *limit_text(int64_t limit, char text[32])
{
    (void)snprintf(text, 32, limit < 0 ? "unlimited" : "%lld", (long long)limit);
    return text;
}

static void print_files(const doctor_rank_t *rank)
{
    char soft[32], hard[32], bytes[32], unused[32];

    name_line("open files");
    (void)printf("%s, may be raised to %s\n", limit_text(rank->files_soft, soft), limit_text(rank->files_hard, hard));
    name_line("/dev/shm");
    (void)printf("%s, %s free\n", cli_human_bytes((double)rank->shm_bytes, bytes),
                 cli_human_bytes((double)rank->shm_free, unused));
}

static void print_rank(const doctor_facts_t *facts, int index)
{
    static const char *const sources[] = {"", " (-t)", " (OMP_NUM_THREADS)"};
    const doctor_rank_t *rank = &facts->rank[index];
    const bool bound = !doctor_cpus_equal(&rank->allowed, &rank->available);
    char cores[24];

    (void)printf("  %-6d%-10lld%-24s%-7s%d%s\n", index, (long long)rank->pid,
                 doctor_cpus_text(&rank->allowed, cores, sizeof cores), bound ? "yes" : "no", rank->threads,
                 sources[rank->threads_from]);
}

static void print_rank_table(const cli_t *cli, const doctor_facts_t *facts, int node)
{
    int shown = 0, hidden = 0;

    (void)printf("\n  %-6s%-10s%-24s%-7s%s\n", "rank", "process", "cores", "bound", "threads");
    for (int i = 0; i < facts->ranks; i++) {
        if (facts->rank[i].node != node) continue;
        if (shown == RANKS_SHOWN && !cli->verbose)
            hidden++;
        else
            shown++, print_rank(facts, i);
    }
    if (hidden > 0) (void)printf("  and %d more; -v shows them\n", hidden);
}

static void print_node(const cli_t *cli, const doctor_facts_t *facts, int index)
{
    const doctor_node_t node = doctor_node(facts, index);
    const doctor_rank_t *first = &facts->rank[node.first];

    (void)printf("\nNode %s\n", node.host);
    print_topology(first);
    print_cores(&node);
    print_memory(&node, first);
    print_files(first);
    print_rank_table(cli, facts, index);
}

/* --------------------------------------------------------------- problems */

/* Lines joined by '\n', each indented. */
static void print_lines(const char *text)
{
    for (;;) {
        const int length = (int)strcspn(text, "\n");
        (void)printf("     %.*s\n", length, text);
        if (text[length] == '\0') return;
        text += length + 1;
    }
}

static void print_problems(const doctor_report_t *report)
{
    (void)printf("%s\n", report->problems == 0
                             ? "No problem found."
                             : "Problems (launch as shown, your command in place of `furrow doctor`)");
    for (int i = 0; i < report->problems; i++) {
        (void)printf("\n  %d. %s\n", i + 1, report->problem[i].problem);
        print_lines(report->problem[i].fix);
    }
}

void doctor_print_text(const cli_t *cli, const doctor_report_t *report)
{
    const int nodes = report->facts->nodes, shown = cli->verbose || nodes <= NODES_SHOWN ? nodes : NODES_SHOWN;

    if (!cli->quiet) {
        print_launch(report->facts);
        for (int i = 0; i < shown; i++) print_node(cli, report->facts, i);
        if (shown < nodes) (void)printf("\nand %d more nodes; -v shows them\n", nodes - shown);
        (void)printf("\n");
    }
    print_problems(report);
}
