/* Owns the corrected launch. All problems are corrected at once: a line that heals one of two is no good launch. */
#include "doctor_plan.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const int64_t mebibyte = INT64_C(1) << 20;

static int lesser(int a, int b)
{
    return a < b ? a : b;
}

static int at_least_one(int count)
{
    return count > 0 ? count : 1;
}

/* ------------------------------------------------------------------- plan */

/* Of the smallest node, for all of its ranks. */
typedef struct {
    int cores, physical;
    int64_t memory; /* free; 0: not known */
    double quota;   /* cores' worth of time, 0: no limit */
} room_t;

static room_t smallest_node(const doctor_facts_t *facts, doctor_plan_t *plan)
{
    room_t room = {.cores = INT_MAX, .physical = INT_MAX, .memory = INT64_MAX};

    for (int i = 0; i < facts->nodes; i++) {
        const doctor_node_t node = doctor_node(facts, i);
        room.cores = lesser(room.cores, at_least_one(node.share));
        room.physical = lesser(room.physical, at_least_one(node.share_physical));
        if (node.memory_free < room.memory) room.memory = node.memory_free;
        if (node.cpu_quota > 0.0 && (room.quota <= 0.0 || node.cpu_quota < room.quota)) room.quota = node.cpu_quota;
        if (node.ranks > plan->per_node) plan->per_node = node.ranks;
    }
    return room;
}

/* Tasks of a Slurm job in which Furrow was started without srun: what the job was made for. */
static void use_job(const doctor_facts_t *facts, doctor_plan_t *plan)
{
    plan->nodes = at_least_one(facts->slurm_nodes);
    plan->ranks = facts->slurm_tasks;
    plan->per_node = (plan->ranks + plan->nodes - 1) / plan->nodes;
    plan->cores = plan->physical = at_least_one(facts->rank[0].slurm_cpus_per_task);
}

/* Cores per task that the job was given and its ranks were not. */
static int cores_lost(const doctor_facts_t *facts)
{
    for (int i = 0; i < facts->ranks; i++)
        if (doctor_has_lost(facts, &facts->rank[i])) return facts->rank[i].slurm_cpus_per_task;
    return 0;
}

static void share_cores(const doctor_facts_t *facts, const room_t *room, doctor_plan_t *plan)
{
    const int lost = cores_lost(facts);

    if (lost > 0) {
        plan->cores = lost;
        plan->physical = lesser(at_least_one(room->physical / plan->per_node), lost);
        return;
    }
    plan->per_node = lesser(plan->per_node, room->physical);
    plan->ranks = lesser(plan->ranks, plan->per_node * plan->nodes);
    plan->physical = room->physical / plan->per_node;
    plan->cores = room->cores / plan->per_node;
}

static int plan_threads(const doctor_facts_t *facts, const room_t *room, const doctor_plan_t *plan)
{
    const bool from_environment = facts->rank[0].threads_from == DOCTOR_FROM_ENVIRONMENT;
    const int in_quota = room->quota > 0.0 ? at_least_one((int)(room->quota / plan->per_node)) : INT_MAX;
    const int most = lesser(plan->cores, in_quota), wanted = facts->threads_asked;

    if (wanted > 0 && wanted <= most) return wanted;
    return in_quota < plan->cores || (from_environment && facts->rank[0].threads > most) ? most : 0;
}

/* A tenth of what is free is left for all else. */
static int64_t plan_memory(const doctor_facts_t *facts, const room_t *room, const doctor_plan_t *plan)
{
    const int64_t cap = facts->rank[0].memory_cap, each = room->memory / 10 * 9 / plan->per_node / mebibyte * mebibyte;

    return room->memory <= 0 || cap <= room->memory / plan->per_node || each == 0 ? facts->memory_asked : each;
}

static bool is_private(const doctor_path_t *path, int ranks)
{
    for (int i = 0; path->view != NULL && i < ranks; i++)
        if (path->view[i].sight != DOCTOR_SEES) return true;
    return false;
}

bool doctor_lacks_shm(const doctor_facts_t *facts, int node)
{
    const doctor_node_t it = doctor_node(facts, node);
    const doctor_rank_t *first = &facts->rank[it.first];

    return it.ranks > 1 && first->shm_bytes > 0 && first->shm_free < DOCTOR_SHM_PER_RANK * it.ranks;
}

int64_t doctor_files_needed(const doctor_facts_t *facts, const doctor_rank_t *rank)
{
    enum { OF_A_PROCESS = 128, OF_A_DAEMON_PER_RANK = 4 };
    int here = 0;

    for (int i = 0; i < facts->ranks; i++) here += facts->rank[i].node == rank->node;
    return OF_A_PROCESS + OF_A_DAEMON_PER_RANK * here + facts->ranks - here;
}

/* The limit that is enough for all ranks, where one of them has less and may have more. */
static int64_t plan_files(const doctor_facts_t *facts)
{
    int64_t files = 0, hard = INT64_MAX;

    for (int i = 0; i < facts->ranks; i++) {
        const doctor_rank_t *rank = &facts->rank[i];
        const int64_t needed = doctor_files_needed(facts, rank);
        if (rank->files_soft >= 0 && rank->files_soft < needed && needed > files) files = needed;
        if (rank->files_hard >= 0 && rank->files_hard < hard) hard = rank->files_hard;
    }
    if (files == 0 || hard < files) return 0;
    return hard < DOCTOR_FILES_USUAL ? hard : files > DOCTOR_FILES_USUAL ? files : DOCTOR_FILES_USUAL;
}

/* The launcher started them, but MPI did not let them find one another. */
static void use_launched(const doctor_facts_t *facts, doctor_plan_t *plan)
{
    plan->ranks = facts->launched;
    if (facts->slurm_nodes > plan->nodes && facts->slurm_nodes <= plan->ranks) plan->nodes = facts->slurm_nodes;
    plan->per_node = (plan->ranks + plan->nodes - 1) / plan->nodes;
}

doctor_plan_t doctor_plan(const doctor_facts_t *facts)
{
    doctor_plan_t plan = {
        .nodes = facts->nodes, .ranks = facts->ranks, .per_node = 1, .source_root = facts->source_root};
    const room_t room = smallest_node(facts, &plan);

    if (facts->launched > facts->ranks) use_launched(facts, &plan);
    for (int i = 0; i < facts->nodes; i++)
        if (doctor_lacks_shm(facts, i)) plan.per_node = 1;
    plan.ranks = lesser(plan.ranks, plan.per_node * plan.nodes);
    if (facts->launcher == DOCTOR_ALONE && facts->slurm_tasks > 1)
        use_job(facts, &plan);
    else
        share_cores(facts, &room, &plan);
    if (facts->launcher != DOCTOR_ALONE) plan.files = plan_files(facts);
    plan.threads = plan_threads(facts, &room, &plan);
    plan.memory = plan_memory(facts, &room, &plan);
    for (int i = 0; i < facts->paths; i++) plan.source_root |= is_private(&facts->path[i], facts->ranks);
    return plan;
}

/* ------------------------------------------------------------------- lines */

__attribute__((format(printf, 2, 3))) static void append(char line[DOCTOR_LINE], const char *format, ...)
{
    const size_t used = strlen(line);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line + used, DOCTOR_LINE - used, format, args);
    va_end(args);
}

static void begin(const doctor_plan_t *plan, char line[DOCTOR_LINE])
{
    line[0] = '\0';
    if (plan->files > 0) append(line, "ulimit -Sn %lld; ", (long long)plan->files);
}

static void memory_text(int64_t bytes, char text[32])
{
    const bool whole = bytes % mebibyte == 0;

    (void)snprintf(text, 32, "%lld%s", (long long)(whole ? bytes / mebibyte : bytes), whole ? "M" : "");
}

static void append_command(const doctor_facts_t *facts, const doctor_plan_t *plan, char line[DOCTOR_LINE])
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+-@:,=";
    const char *quote = strspn(facts->program, plain) == strlen(facts->program) ? "" : "'";
    char memory[32];

    append(line, "%s%s%s doctor", quote, facts->program, quote);
    if (plan->threads > 0) append(line, " -t %d", plan->threads);
    memory_text(plan->memory, memory);
    if (plan->memory > 0) append(line, " --memory %s", memory);
    if (plan->source_root) append(line, " --source root");
}

void doctor_plan_alone(const doctor_facts_t *facts, const doctor_plan_t *plan, char line[DOCTOR_LINE])
{
    line[0] = '\0';
    append_command(facts, plan, line);
}

/* Outside of Slurm's jobs mpirun knows no other hosts than its own; and srun makes a job of its own there, so that a
 * rank cannot tell where its user is. */
static bool needs_hosts(const doctor_facts_t *facts)
{
    if (facts->launcher == DOCTOR_SRUN) return true;
    return facts->launcher == DOCTOR_MPIRUN && facts->slurm_job == 0 && (facts->nodes > 1 || facts->is_remote);
}

/* "--host h1:2,h2:2". A list too long for a line is left to the user's file. */
static void append_hosts(const doctor_facts_t *facts, const doctor_plan_t *plan, char line[DOCTOR_LINE])
{
    char hosts[DOCTOR_LINE / 2] = "";
    size_t used = 0;

    if (!needs_hosts(facts)) return;
    for (int i = 0; i < facts->nodes && used < sizeof hosts; i++)
        used += (size_t)snprintf(hosts + used, sizeof hosts - used, "%s%s:%d", i > 0 ? "," : "",
                                 doctor_node(facts, i).host, plan->per_node);
    if (used < sizeof hosts)
        append(line, " --host %s", hosts);
    else
        append(line, " --hostfile HOSTFILE");
}

/* In a Slurm job the daemons of mpirun start by srun, one on each node, which gives them one core unless it is told;
 * before Slurm 22.05 it reads the first of the two. */
void doctor_plan_mpirun(const doctor_facts_t *facts, const doctor_plan_t *plan, char line[DOCTOR_LINE])
{
    const int cores = plan->cores * plan->per_node;

    begin(plan, line);
    if (facts->slurm_job > 0) append(line, "SLURM_CPUS_PER_TASK=%d SRUN_CPUS_PER_TASK=%d ", cores, cores);
    append(line, "mpirun -n %d", plan->ranks);
    append_hosts(facts, plan, line);
    append(line, " --map-by ppr:%d:node", plan->per_node);
    if (facts->slurm_job > 0)
        append(line, " --bind-to none ");
    else
        append(line, ":PE=%d --bind-to core ", plan->physical);
    append_command(facts, plan, line);
}

void doctor_plan_srun(const doctor_facts_t *facts, const doctor_plan_t *plan, char line[DOCTOR_LINE])
{
    const bool needs_pmix = strncmp(facts->mpi_library, "Open MPI", 8) == 0;

    begin(plan, line);
    append(line, "srun%s --nodes=%d --ntasks=%d --cpus-per-task=%d ", needs_pmix ? " --mpi=pmix" : "", plan->nodes,
           plan->ranks, plan->cores);
    append_command(facts, plan, line);
}
