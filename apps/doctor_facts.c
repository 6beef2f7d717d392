/* Owns the questions: each rank asks for itself, and rank 0 gathers the answers as rows of bytes. */
#include "doctor_facts.h"

#include <errno.h>
#include <furrow_mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "doctor_cgroup.h"
#include "doctor_paths.h"

/* Bytes of a rank's row: the same in all versions of Furrow, so that ranks of different ones still come to the check.
 */
enum { ROW_BYTES = 2048 };
_Static_assert(sizeof(doctor_rank_t) <= ROW_BYTES, "a rank's facts must fit in a row");

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from == NULL ? "" : from);
}

static int environment_number(const char *name)
{
    const char *text = getenv(name);
    const long value = text == NULL ? 0 : strtol(text, NULL, 10);

    return value > 0 && value < 1 << 30 ? (int)value : 0;
}

static bool has_environment(const char *name)
{
    return getenv(name) != NULL;
}

/* ------------------------------------------------------------------ cores */

static doctor_cpus_t affinity(void)
{
    doctor_cpus_t set = {{0}};
    cpu_set_t mask;

    if (sched_getaffinity(0, sizeof mask, &mask) != 0) return set; /* a machine with more cores than CPU_SETSIZE */
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &mask)) doctor_cpus_add(&set, (int)cpu);
    return set;
}

/* What the process could be bound to: the system cuts a wish for all cores down to that. The binding is put back. */
static doctor_cpus_t available_cores(void)
{
    cpu_set_t before, all;
    doctor_cpus_t set = affinity();

    if (sched_getaffinity(0, sizeof before, &before) != 0) return set;
    memset(&all, 0xff, sizeof all);
    if (sched_setaffinity(0, sizeof all, &all) != 0) return set;
    set = affinity();
    (void)sched_setaffinity(0, sizeof before, &before);
    return set;
}

static void ask_cores(const cli_t *cli, doctor_rank_t *out)
{
    out->threads = furrow_context_threads(cli->ctx);
    out->threads_from = cli->threads > 0                                        ? DOCTOR_FROM_OPTION
                        : environment_number("OMP_NUM_THREADS") == out->threads ? DOCTOR_FROM_ENVIRONMENT
                                                                                : DOCTOR_FROM_CORES;
    out->allowed = affinity();
    out->available = available_cores();
    out->slurm_cpus_per_task = environment_number("SLURM_CPUS_PER_TASK");
    out->slurm_cpus_on_node = environment_number("SLURM_CPUS_ON_NODE");
    if (furrow_context_node_rank(cli->ctx) == 0) doctor_topology(out);
}

/* ------------------------------------------------------- memory and files */

static void ask_memory(const cli_t *cli, doctor_rank_t *out)
{
    const doctor_cgroup_t group = doctor_cgroup_read("");
    char text[8192];

    (void)doctor_read_text("/proc/meminfo", text, sizeof text);
    out->memory_total = doctor_number_after(text, "MemTotal", 0) * 1024;
    out->memory_available = doctor_number_after(text, "MemAvailable", 0) * 1024;
    out->memory_cap = furrow_context_memory(cli->ctx);
    out->memory_left = group.memory_left;
    out->memory_limit = group.memory_limit < out->memory_total ? group.memory_limit : 0;
    out->cpu_quota = group.cpus;
}

static int64_t limit_number(rlim_t limit)
{
    return limit == RLIM_INFINITY ? -1 : (int64_t)limit;
}

static void ask_files(doctor_rank_t *out)
{
    struct rlimit limit;
    struct statvfs shm;

    out->files_soft = out->files_hard = -1;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        out->files_soft = limit_number(limit.rlim_cur);
        out->files_hard = limit_number(limit.rlim_max);
    }
    if (statvfs("/dev/shm", &shm) == 0) {
        out->shm_bytes = (int64_t)(shm.f_blocks * shm.f_frsize);
        out->shm_free = (int64_t)(shm.f_bavail * shm.f_frsize);
    }
}

/* ---------------------------------------------------------------- kernels */

int doctor_kernels(const char **names, int max)
{
    static const char *const known[] = {"avx512ifma", "avx512", "avx2", "portable", "reference"};
    const char *before = getenv("FURROW_KERNELS");
    int count = 0;

    before = before == NULL ? NULL : strdup(before);
    for (size_t i = 0; i < sizeof known / sizeof known[0] && count < max; i++) {
        (void)setenv("FURROW_KERNELS", known[i], 1); /* names kernels, and is ignored where they cannot run */
        if (strcmp(furrow_kernels_name(), known[i]) == 0) names[count++] = known[i];
    }
    if (before != NULL)
        (void)setenv("FURROW_KERNELS", before, 1);
    else
        (void)unsetenv("FURROW_KERNELS");
    free((char *)before);
    return count;
}

/* ------------------------------------------------------------ the launch */

/* mpirun inside a Slurm job leaves the signs of both: its own count first. SLURM_PROCID alone is in every batch script.
 */
static doctor_launcher_t find_launcher(bool mpi_runs)
{
    if (!mpi_runs) return DOCTOR_ALONE;
    if (has_environment("OMPI_COMMAND") || has_environment("PRTE_LAUNCHED")) return DOCTOR_MPIRUN;
    if (has_environment("SLURM_STEP_NUM_TASKS") && has_environment("SLURM_PROCID")) return DOCTOR_SRUN;
    return has_environment("OMPI_COMM_WORLD_SIZE") ? DOCTOR_MPIRUN : DOCTOR_OTHER;
}

const char *doctor_launcher_name(doctor_launcher_t launcher)
{
    switch (launcher) {
    case DOCTOR_ALONE: return "none";
    case DOCTOR_MPIRUN: return "mpirun (Open MPI)";
    case DOCTOR_SRUN: return "srun (Slurm)";
    case DOCTOR_OTHER: break;
    }
    return has_environment("PMIX_RANK") ? "another (PMIx)" : "another (PMI)";
}

static int count_launched(doctor_launcher_t launcher)
{
    if (launcher == DOCTOR_MPIRUN) return environment_number("OMPI_COMM_WORLD_SIZE");
    if (launcher == DOCTOR_SRUN) return environment_number("SLURM_STEP_NUM_TASKS");
    return launcher == DOCTOR_OTHER ? environment_number("PMI_SIZE") : 0;
}

/* "Open MPI v4.1.4" of "Open MPI v4.1.4, package: ..."; "MPICH Version: 4.0" of several lines. */
static void ask_mpi_library(char *out, size_t size)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    size_t used = 0;

    (void)MPI_Get_library_version(text, &length);
    for (const char *c = text; *c != '\0' && *c != ',' && *c != '\n' && used + 1 < size; c++) {
        const char plain = *c == '\t' ? ' ' : *c;
        if (plain != ' ' || (used > 0 && out[used - 1] != ' ')) out[used++] = plain;
    }
    out[used] = '\0';
}

static doctor_mpi_level_t mpi_level(void)
{
    int provided = MPI_THREAD_SINGLE;

    (void)MPI_Query_thread(&provided);
    switch (provided) {
    case MPI_THREAD_SINGLE: return DOCTOR_MPI_SINGLE;
    case MPI_THREAD_FUNNELED: return DOCTOR_MPI_FUNNELED;
    case MPI_THREAD_SERIALIZED: return DOCTOR_MPI_SERIALIZED;
    default: return DOCTOR_MPI_MULTIPLE;
    }
}

/* Open MPI 4 tells a rank where its daemon is, and where mpirun is, which is the daemon of its own node. */
static bool mpirun_is_remote(void)
{
    const char *own = getenv("OMPI_MCA_orte_local_daemon_uri"), *first = getenv("OMPI_MCA_orte_hnp_uri");

    return own != NULL && first != NULL && strcmp(own, first) != 0;
}

/* What rank 0 knows for all. Without a launcher MPI has not been started, and only calls that are legal then are
 * made. */
static void ask_launch(const cli_t *cli, doctor_facts_t *out)
{
    int mpi_runs = 0;

    copy_text(out->program, sizeof out->program, program_invocation_name);
    out->threads_asked = (int)cli->threads;
    out->memory_asked = cli->memory;
    out->source_root = cli->source == FURROW_SOURCE_ROOT;
    (void)MPI_Initialized(&mpi_runs);
    out->mpi_level = mpi_runs ? mpi_level() : DOCTOR_MPI_OFF;
    out->launcher = find_launcher(mpi_runs != 0);
    out->launched = count_launched(out->launcher);
    out->is_remote = mpirun_is_remote();
    out->slurm_job = environment_number("SLURM_JOB_ID");
    out->slurm_tasks = environment_number("SLURM_NTASKS");
    out->slurm_nodes = environment_number("SLURM_JOB_NUM_NODES");
    ask_mpi_library(out->mpi_library, sizeof out->mpi_library);
}

/* ----------------------------------------------------------------- gather */

static void ask_rank(const cli_t *cli, doctor_rank_t *out)
{
    out->bytes = sizeof *out;
    copy_text(out->version, sizeof out->version, furrow_version());
    (void)gethostname(out->host, sizeof out->host - 1);
    (void)doctor_read_text("/proc/sys/kernel/random/boot_id", out->boot_id, sizeof out->boot_id);
    out->pid = getpid();
    copy_text(out->kernels, sizeof out->kernels, furrow_kernels_name());
    copy_text(out->kernels_wanted, sizeof out->kernels_wanted, getenv("FURROW_KERNELS"));
    ask_cores(cli, out);
    ask_memory(cli, out);
    ask_files(out);
}

/* A rank of another version arranges its facts in another way: only the first few can be read. */
static void take_row(const char *row, doctor_rank_t *out)
{
    doctor_rank_t rank;

    memcpy(&rank, row, sizeof rank);
    if (rank.bytes != sizeof rank || strcmp(rank.version, furrow_version()) != 0)
        memset((char *)&rank + offsetof(doctor_rank_t, node), 0, sizeof rank - offsetof(doctor_rank_t, node));
    *out = rank;
}

static furrow_status_t take_rows(const cli_t *cli, furrow_array_t *rows, doctor_facts_t *out, furrow_error_t *err)
{
    out->ranks = (int)rows->shape[0];
    out->rank = calloc((size_t)out->ranks, sizeof *out->rank);
    if (out->rank == NULL) return cli_fail(err, FURROW_ENOMEM, "out of memory for the facts of %d ranks", out->ranks);
    for (int i = 0; i < out->ranks; i++) take_row((const char *)rows->data + (size_t)i * ROW_BYTES, &out->rank[i]);
    out->nodes = doctor_group(out->rank, out->ranks);
    ask_launch(cli, out);
    return FURROW_OK;
}

static bool versions_differ(const doctor_facts_t *facts)
{
    for (int i = 1; i < facts->ranks; i++)
        if (strcmp(facts->rank[i].version, facts->rank[0].version) != 0 || facts->rank[i].bytes != facts->rank[0].bytes)
            return true;
    return false;
}

/* Up to here ranks of all versions do the same; what comes next they do only if they are of one version. */
static furrow_status_t agree_to_go_on(const cli_t *cli, const doctor_facts_t *facts, bool *goes_on, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    if (cli->is_root && versions_differ(facts)) status = cli_fail(err, FURROW_EMISMATCH, "versions differ");
    status = furrow_agree(cli->ctx, status, err);
    *goes_on = status == FURROW_OK;
    return status == FURROW_EMISMATCH ? FURROW_OK : status;
}

void doctor_facts_free(doctor_facts_t *facts)
{
    for (int i = 0; i < facts->paths; i++) free(facts->path[i].view);
    free(facts->rank);
}

furrow_status_t doctor_facts(const cli_t *cli, const cli_list_t *paths, doctor_facts_t *out, furrow_error_t *err)
{
    bool goes_on = false;

    union {
        doctor_rank_t rank;
        char row[ROW_BYTES];
    } mine = {.row = {0}};
    const furrow_array_t part = {.dtype = FURROW_U1, .ndim = 2, .shape = {1, ROW_BYTES}, .data = &mine};
    furrow_array_t rows = {.data = NULL};

    *out = (doctor_facts_t){.rank = NULL};
    ask_rank(cli, &mine.rank);
    furrow_status_t status = furrow_gather(cli->ctx, 0, &part, &rows, err);
    if (status == FURROW_OK && cli->is_root) status = take_rows(cli, &rows, out, err);
    furrow_array_free(&rows);
    status = furrow_agree(cli->ctx, status, err);
    if (status == FURROW_OK) status = agree_to_go_on(cli, out, &goes_on, err);
    if (goes_on) status = doctor_look(cli, paths, out->path, &out->paths, err);
    return status;
}
