/* Owns ranks, threads and their placement: the one place that starts MPI and that names MPI_COMM_WORLD. */
#include "context.h"

#include <sched.h>
#include <stdlib.h>

#include "fault.h"
#include "furrow_mpi.h"
#include "status.h"
#include "transfer.h"

static const int64_t default_memory = INT64_C(1) << 30;

/* What launchers leave in the environment of each process. SLURM_PROCID is no sign: every batch script has it. */
static bool under_launcher(void)
{
    static const char *const signs[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"};

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (getenv(signs[i]) != NULL) return true;
    return false;
}

/* srun without an MPI plugin starts tasks that each believe to be alone and would write the same output. */
static furrow_status_t refuse_lonely_tasks(furrow_error_t *err)
{
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");

    if (tasks == NULL || atoi(tasks) <= 1) return FURROW_OK;
    return furrow_fail(err, FURROW_EMPI,
                       "srun started %s tasks without an MPI plugin, each would do all of the work: "
                       "use srun --mpi=pmix, or mpirun",
                       tasks);
}

/* Threads from the user's OMP_NUM_THREADS (first number of a list), or 0. */
static int threads_from_environment(void)
{
    const char *text = getenv("OMP_NUM_THREADS");
    const long value = text == NULL ? 0 : strtol(text, NULL, 10);

    return value > 0 && value <= 4096 ? (int)value : 0;
}

/* This process's share of the cores it may use: a core that k ranks of the node may use counts 1/k for each. */
static int threads_from_affinity(const furrow_context_t *ctx, MPI_Comm node)
{
    int users[CPU_SETSIZE] = {0};
    bool mine[CPU_SETSIZE] = {false};
    cpu_set_t mask;
    double share = 0.0;

    if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 1; /* more than CPU_SETSIZE cores */
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        mine[cpu] = CPU_ISSET(cpu, &mask);
        users[cpu] = mine[cpu] ? 1 : 0;
    }
    if (ctx->uses_mpi) MPI_Allreduce(MPI_IN_PLACE, users, CPU_SETSIZE, MPI_INT, MPI_SUM, node);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (mine[cpu]) share += 1.0 / users[cpu];
    return share < 1.0 ? 1 : (int)(share + 1e-6);
}

/* Collective: which ranks share this node, and how many threads each rank runs. */
static void place(furrow_context_t *ctx, const furrow_context_opts_t *opts)
{
    MPI_Comm node = MPI_COMM_NULL;

    ctx->node_ranks = 1;
    ctx->node_leader = ctx->rank;
    if (ctx->uses_mpi) {
        if (furrow_fault_parts_nodes())
            MPI_Comm_split(ctx->comm, ctx->rank, 0, &node);
        else
            MPI_Comm_split_type(ctx->comm, MPI_COMM_TYPE_SHARED, ctx->rank, MPI_INFO_NULL, &node);
        MPI_Comm_rank(node, &ctx->node_rank);
        MPI_Comm_size(node, &ctx->node_ranks);
        MPI_Bcast(&ctx->node_leader, 1, MPI_INT, 0, node);
    }
    const int from_affinity = threads_from_affinity(ctx, node);
    const int from_environment = threads_from_environment();
    ctx->threads = from_environment > 0 ? from_environment : from_affinity;
    if (opts != NULL && opts->threads > 0) ctx->threads = opts->threads;
    ctx->memory_bytes = opts != NULL && opts->memory_bytes > 0 ? opts->memory_bytes : default_memory;
    if (node != MPI_COMM_NULL) MPI_Comm_free(&node);
}

static void progress_free(furrow_progress_t *progress)
{
    if (progress != NULL) furrow_board_close(&progress->board);
    free(progress);
}

static furrow_status_t alloc_leaders(furrow_context_t *ctx, furrow_error_t *err)
{
    if (ctx->node_ranks == ctx->ranks) return FURROW_OK;
    ctx->leader_of = malloc((size_t)ctx->ranks * sizeof *ctx->leader_of);
    return ctx->leader_of != NULL ? FURROW_OK : furrow_fail(err, FURROW_ENOMEM, "out of memory for a context");
}

/* Collective once MPI runs: settles ranks before anything local may fail, so that failures can be agreed on. */
static furrow_status_t finish_open(furrow_context_t *ctx, const furrow_context_opts_t *opts, furrow_context_t **out,
                                   furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    furrow_fault_set_rank(ctx->rank);
    if (opts != NULL && (opts->threads < 0 || opts->memory_bytes < 0))
        status = furrow_fail(err, FURROW_EARG, "threads %d, memory %lld bytes: must not be negative", opts->threads,
                             (long long)opts->memory_bytes);
    place(ctx, opts);
    furrow_context_t *kept = malloc(sizeof *kept);
    ctx->progress = calloc(1, sizeof *ctx->progress);
    if ((kept == NULL || ctx->progress == NULL) && status == FURROW_OK)
        status = furrow_fail(err, FURROW_ENOMEM, "out of memory for a context");
    if (status == FURROW_OK) status = furrow_board_open(&ctx->progress->board, ctx->threads, err);
    if (status == FURROW_OK) status = alloc_leaders(ctx, err);
    status = furrow_agree(ctx, status, err);
    if (status != FURROW_OK) {
        progress_free(ctx->progress);
        free(ctx->leader_of);
        free(kept);
        return status;
    }
    if (ctx->leader_of != NULL) MPI_Allgather(&ctx->node_leader, 1, MPI_INT, ctx->leader_of, 1, MPI_INT, ctx->comm);
    *kept = *ctx;
    *out = kept;
    return FURROW_OK;
}

static void use_comm(furrow_context_t *ctx, MPI_Comm comm)
{
    ctx->uses_mpi = true;
    MPI_Comm_dup(comm, &ctx->comm);
    MPI_Comm_rank(ctx->comm, &ctx->rank);
    MPI_Comm_size(ctx->comm, &ctx->ranks);
}

static void stop_using_mpi(furrow_context_t *ctx)
{
    if (ctx->uses_mpi) MPI_Comm_free(&ctx->comm);
    if (ctx->started_mpi) MPI_Finalize();
}

furrow_status_t furrow_context_open(const furrow_context_opts_t *opts, furrow_context_t **out, furrow_error_t *err)
{
    furrow_context_t ctx = {.ranks = 1};
    int provided, initialized = 0;

    *out = NULL;
    furrow_error_clear(err);
    MPI_Initialized(&initialized);
    if (!initialized && under_launcher()) {
        if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
            return furrow_fail(err, FURROW_EMPI, "MPI did not start");
        ctx.started_mpi = true;
        initialized = 1;
    }
    if (initialized) {
        use_comm(&ctx, MPI_COMM_WORLD);
    } else {
        const furrow_status_t lonely = refuse_lonely_tasks(err);
        if (lonely != FURROW_OK) return lonely;
    }
    const furrow_status_t status = finish_open(&ctx, opts, out, err);
    if (status != FURROW_OK) stop_using_mpi(&ctx);
    return status;
}

furrow_status_t furrow_context_open_comm(MPI_Comm comm, const furrow_context_opts_t *opts, furrow_context_t **out,
                                         furrow_error_t *err)
{
    furrow_context_t ctx = {.ranks = 1};

    *out = NULL;
    furrow_error_clear(err);
    use_comm(&ctx, comm);
    const furrow_status_t status = finish_open(&ctx, opts, out, err);
    if (status != FURROW_OK) stop_using_mpi(&ctx);
    return status;
}

void furrow_context_close(furrow_context_t *ctx)
{
    if (ctx == NULL) return;
    furrow_settle_pulses(ctx);
    stop_using_mpi(ctx);
    progress_free(ctx->progress);
    free(ctx->leader_of);
    free(ctx);
}

furrow_progress_t *furrow_context_progress(const furrow_context_t *ctx)
{
    return ctx->progress;
}

int furrow_context_rank(const furrow_context_t *ctx)
{
    return ctx->rank;
}

int furrow_context_ranks(const furrow_context_t *ctx)
{
    return ctx->ranks;
}

int furrow_context_node_rank(const furrow_context_t *ctx)
{
    return ctx->node_rank;
}

int furrow_context_node_ranks(const furrow_context_t *ctx)
{
    return ctx->node_ranks;
}

int furrow_context_threads(const furrow_context_t *ctx)
{
    return ctx->threads;
}

int64_t furrow_context_memory(const furrow_context_t *ctx)
{
    return ctx->memory_bytes;
}
