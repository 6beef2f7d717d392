/* Owns what counts as a problem. Each check looks at all nodes and names the first where it fails; one cause is one
 * problem.
 *
 * "Cores" are what the system schedules threads on: hardware threads where a physical core has several. Only a launch
 * line for Open MPI counts physical cores. */
#include "doctor_check.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FILES_LEAST = 1024, SHORT_LIST = 64 };

/* The problems found so far. */
typedef struct {
    const doctor_facts_t *facts;
    doctor_problem_t *problem;
    int count;
} list_t;

/* --------------------------------------------------------------- messages */

__attribute__((format(printf, 2, 3))) static void add_problem(list_t *list, const char *format, ...)
{
    va_list args;

    if (list->count == DOCTOR_PROBLEMS_MAX) list->count--; /* cannot be: there are fewer checks */
    doctor_problem_t *problem = &list->problem[list->count++];
    problem->fix[0] = '\0';
    va_start(args, format);
    (void)vsnprintf(problem->problem, sizeof problem->problem, format, args);
    va_end(args);
}

/* One more line of what to do about the latest problem. */
__attribute__((format(printf, 2, 3))) static void add_fix(list_t *list, const char *format, ...)
{
    char *fix = list->problem[list->count - 1].fix;
    size_t used = strlen(fix);
    const size_t size = sizeof list->problem->fix;
    va_list args;

    if (used > 0 && used + 1 < size) fix[used++] = '\n';
    va_start(args, format);
    (void)vsnprintf(fix + used, size - used, format, args);
    va_end(args);
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

/* ", and on 3 more nodes" */
static const char *more_nodes(int nodes, char text[40])
{
    text[0] = '\0';
    if (nodes > 1) (void)snprintf(text, 40, ", and on %d more node%s", nodes - 1, plural(nodes - 1));
    return text;
}

/* ------------------------------------------------------------ launch lines */

/* The launch that uses the nodes well: as many ranks on each as now, if there are cores for them, and all cores. */
typedef struct {
    int ranks, per_node;
    int physical; /* cores per rank, as Open MPI counts */
    int cores;    /* as Slurm and Furrow count */
} plan_t;

static int least(int a, int b)
{
    return a < b ? a : b;
}

static plan_t make_plan(const doctor_facts_t *facts)
{
    plan_t plan = {.ranks = facts->ranks, .per_node = 1};
    int cores = INT_MAX, physical = INT_MAX;

    for (int i = 0; i < facts->nodes; i++) {
        const doctor_node_t node = doctor_node(facts, i);
        cores = least(cores, node.share > 0 ? node.share : 1);
        physical = least(physical, node.share_physical > 0 ? node.share_physical : 1);
        if (node.ranks > plan.per_node) plan.per_node = node.ranks;
    }
    plan.per_node = least(plan.per_node, physical);
    plan.ranks = least(plan.ranks, plan.per_node * facts->nodes);
    plan.physical = physical / plan.per_node;
    plan.cores = cores / plan.per_node;
    return plan;
}

static void add_mpirun(list_t *list, const plan_t *plan, const char *options)
{
    add_fix(list, "Open MPI: mpirun -n %d --map-by ppr:%d:node:PE=%d --bind-to core furrow doctor%s", plan->ranks,
            plan->per_node, plan->physical, options);
}

static void add_srun(list_t *list, const plan_t *plan, const char *options)
{
    const bool needs_pmix = strncmp(list->facts->mpi_library, "Open MPI", 8) == 0;
    char nodes[32] = "";

    if (list->facts->nodes > 1) (void)snprintf(nodes, sizeof nodes, " --nodes=%d", list->facts->nodes);
    add_fix(list, "Slurm:    srun%s%s --ntasks=%d --cpus-per-task=%d furrow doctor%s", needs_pmix ? " --mpi=pmix" : "",
            nodes, plan->ranks, plan->cores, options);
}

/* The corrected line for both launchers, the one in use first. */
static void add_launches(list_t *list, const plan_t *plan, const char *options)
{
    const bool srun_first = list->facts->launcher == DOCTOR_SRUN;

    if (srun_first) add_srun(list, plan, options);
    add_mpirun(list, plan, options);
    if (!srun_first) add_srun(list, plan, options);
}

/* ----------------------------------------------------------------- ranks */

/* Where versions differ nothing else can be trusted. */
static bool check_versions(list_t *list)
{
    const doctor_rank_t *first = &list->facts->rank[0];

    for (int i = 1; i < list->facts->ranks; i++) {
        const doctor_rank_t *rank = &list->facts->rank[i];
        const bool same_version = strcmp(rank->version, first->version) == 0;
        if (same_version && rank->bytes == first->bytes) continue;
        add_problem(list, "rank 0 on %s runs Furrow %s, rank %d on %s runs %s%s", first->host, first->version, i,
                    rank->host, same_version ? "another build of " : "", rank->version);
        add_fix(list, "install one Furrow on all nodes; PATH and LD_LIBRARY_PATH decide which one a rank finds");
        return false;
    }
    return true;
}

static void check_world(list_t *list)
{
    const doctor_facts_t *facts = list->facts;

    if (facts->launcher == DOCTOR_ALONE || facts->launched <= 0 || facts->launched == facts->ranks) return;
    add_problem(list, "the launcher started %d process%s, MPI knows of %d: each group would do all of the work",
                facts->launched, facts->launched == 1 ? "" : "es", facts->ranks);
    add_fix(list, "use the mpirun that belongs to %s; with srun name the plugin (srun --mpi=list shows them)",
            facts->mpi_library[0] != '\0' ? facts->mpi_library : "the MPI library of Furrow");
    add_fix(list, "Slurm:    srun --mpi=pmix --ntasks=%d furrow doctor", facts->launched);
}

static void check_forgotten(list_t *list)
{
    const doctor_facts_t *facts = list->facts;

    if (facts->launcher != DOCTOR_ALONE || facts->slurm_tasks <= 1) return;
    add_problem(list, "the Slurm job has %d tasks, but Furrow was started without a launcher and is one rank",
                facts->slurm_tasks);
    add_fix(list, "Slurm:    srun --mpi=pmix furrow doctor");
    add_fix(list, "Open MPI: mpirun furrow doctor");
}

/* ----------------------------------------------------------------- cores */

/* srun does not take --cpus-per-task over from sbatch (since Slurm 22.05), mpirun never did. */
static bool is_lost(const doctor_facts_t *facts, const doctor_rank_t *rank)
{
    const int cores = doctor_cpus_count(&rank->allowed);

    return facts->launcher != DOCTOR_ALONE && cores > 0 && cores < rank->slurm_cpus_per_task;
}

static bool node_has_lost(const doctor_facts_t *facts, int node)
{
    for (int i = 0; i < facts->ranks; i++)
        if (facts->rank[i].node == node && is_lost(facts, &facts->rank[i])) return true;
    return false;
}

static void check_lost(list_t *list)
{
    const doctor_facts_t *facts = list->facts;
    int lost = 0, first = 0;
    char many[64] = "";

    for (int i = facts->ranks - 1; i >= 0; i--) {
        if (!is_lost(facts, &facts->rank[i])) continue;
        first = i;
        lost++;
    }
    if (lost == 0) return;
    const doctor_rank_t *rank = &facts->rank[first];
    const int cores = doctor_cpus_count(&rank->allowed);
    plan_t plan = make_plan(facts);
    plan.ranks = facts->ranks;
    plan.cores = rank->slurm_cpus_per_task;
    if (lost > 1) (void)snprintf(many, sizeof many, ", and so %d more", lost - 1);
    add_problem(list, "--cpus-per-task=%d of the job was lost: rank %d on %s may use %d core%s%s",
                rank->slurm_cpus_per_task, first, rank->host, cores, plural(cores), many);
    add_fix(list, "give it to the launcher too: mpirun never takes it from the job, srun not since Slurm 22.05");
    add_launches(list, &plan, "");
}

/* The launcher has bound every rank to one core, as Open MPI does for one or two ranks, and leaves others unused. */
static bool is_confined(const doctor_facts_t *facts, const doctor_node_t *node, int index)
{
    if (facts->launcher == DOCTOR_ALONE || doctor_cpus_count(&node->allowed) >= node->share) return false;
    for (int i = 0; i < facts->ranks; i++)
        if (facts->rank[i].node == index && doctor_physical(&facts->rank[node->first], &facts->rank[i].allowed) != 1)
            return false;
    return true;
}

static void describe_confined(list_t *list, const doctor_node_t *node, int nodes)
{
    const bool one_core = doctor_physical(&list->facts->rank[node->first], &node->allowed) == 1;
    char who[64] = "the only rank to one core", cores[SHORT_LIST], more[40];

    if (node->ranks > 1 && one_core)
        (void)snprintf(who, sizeof who, "all %d ranks to the same core", node->ranks);
    else if (node->ranks > 1)
        (void)snprintf(who, sizeof who, "each of %d ranks to one core", node->ranks);
    add_problem(list, "the launcher has bound %s: node %s uses %d of %d cores (%s)%s", who, node->host,
                doctor_cpus_count(&node->allowed), node->share, doctor_cpus_text(&node->allowed, cores, sizeof cores),
                more_nodes(nodes, more));
}

static void check_confined(list_t *list)
{
    doctor_node_t found = {0};
    int nodes = 0;

    for (int i = list->facts->nodes - 1; i >= 0; i--) {
        const doctor_node_t node = doctor_node(list->facts, i);
        if (node_has_lost(list->facts, i) || !is_confined(list->facts, &node, i)) continue;
        found = node;
        nodes++;
    }
    if (nodes == 0) return;
    const plan_t plan = make_plan(list->facts);
    describe_confined(list, &found, nodes);
    add_fix(list, "give each rank its share of the cores, or bind to none (mpirun --bind-to none)");
    add_launches(list, &plan, "");
}

/* The ranks of a node that may use no other cores than these. */
typedef struct {
    doctor_cpus_t set;
    int cores, ranks, threads;
    int first; /* of the ranks */
} crowd_t;

static crowd_t crowd_of(const doctor_facts_t *facts, const doctor_cpus_t *set, int node)
{
    crowd_t crowd = {.set = *set, .cores = doctor_cpus_count(set)};

    for (int i = facts->ranks - 1; i >= 0; i--) {
        const doctor_rank_t *rank = &facts->rank[i];
        if (rank->node != node || !doctor_cpus_within(&rank->allowed, set)) continue;
        crowd.first = i;
        crowd.ranks++;
        crowd.threads += rank->threads;
    }
    return crowd;
}

static bool is_crowded(const crowd_t *crowd)
{
    return crowd->cores > 0 && crowd->threads > crowd->cores;
}

/* Too many threads for the cores: of the whole node, or of a set that some rank is bound to. */
static bool find_crowd(const doctor_facts_t *facts, int index, crowd_t *crowd)
{
    const doctor_node_t node = doctor_node(facts, index);

    *crowd = crowd_of(facts, &node.allowed, index);
    for (int i = 0; i < facts->ranks && !is_crowded(crowd); i++)
        if (facts->rank[i].node == index && !doctor_cpus_equal(&facts->rank[i].allowed, &node.allowed))
            *crowd = crowd_of(facts, &facts->rank[i].allowed, index);
    return is_crowded(crowd);
}

/* Whether another problem explains the crowd: bound to one core, with the threads that Furrow chose itself. */
static bool is_explained(const doctor_facts_t *facts, int index)
{
    const doctor_node_t node = doctor_node(facts, index);

    return facts->rank[node.first].threads_from == DOCTOR_FROM_CORES &&
           (is_confined(facts, &node, index) || node_has_lost(facts, index));
}

static void fix_crowd(list_t *list, const doctor_rank_t *rank)
{
    const plan_t plan = make_plan(list->facts);
    char option[32] = "";

    if (rank->threads_from == DOCTOR_FROM_OPTION)
        add_fix(list, "leave -t out: Furrow then starts one thread for each core that a rank may use");
    if (rank->threads_from == DOCTOR_FROM_CORES)
        add_fix(list, "each rank needs a core of its own: start fewer ranks on a node, or bind each to other cores");
    if (rank->threads_from == DOCTOR_FROM_ENVIRONMENT) {
        add_fix(list, "unset OMP_NUM_THREADS, or override it with -t");
        (void)snprintf(option, sizeof option, " -t %d", plan.cores);
    }
    if (list->facts->launcher == DOCTOR_ALONE)
        add_fix(list, "furrow doctor%s", option);
    else
        add_launches(list, &plan, option);
}

static const char *threads_source(const doctor_rank_t *rank)
{
    static const char *const texts[] = {"", ", from -t", ", from OMP_NUM_THREADS"};

    return texts[rank->threads_from];
}

static void describe_crowd(list_t *list, const crowd_t *crowd, int nodes)
{
    const doctor_rank_t *rank = &list->facts->rank[crowd->first];
    char each[64] = "", text[SHORT_LIST], more[40];

    if (crowd->threads == crowd->ranks * rank->threads)
        (void)snprintf(each, sizeof each, ", %d thread%s%s", rank->threads, plural(rank->threads),
                       crowd->ranks > 1 ? " each" : "");
    add_problem(list, "%d threads share %d core%s (%s) on node %s: %d rank%s%s%s%s", crowd->threads, crowd->cores,
                plural(crowd->cores), doctor_cpus_text(&crowd->set, text, sizeof text), rank->host, crowd->ranks,
                plural(crowd->ranks), each, threads_source(rank), more_nodes(nodes, more));
}

static void check_crowded(list_t *list)
{
    const doctor_facts_t *facts = list->facts;
    crowd_t crowd, found = {.ranks = 0};
    int nodes = 0;

    for (int i = facts->nodes - 1; i >= 0; i--) {
        if (!find_crowd(facts, i, &crowd) || is_explained(facts, i)) continue;
        found = crowd;
        nodes++;
    }
    if (nodes == 0) return;
    describe_crowd(list, &found, nodes);
    fix_crowd(list, &facts->rank[found.first]);
}

static void check_quota(list_t *list)
{
    doctor_node_t found = {0};
    int nodes = 0;
    char more[40];

    for (int i = list->facts->nodes - 1; i >= 0; i--) {
        const doctor_node_t node = doctor_node(list->facts, i);
        if (node.cpu_quota <= 0.0 || node.threads <= (int)(node.cpu_quota + 0.999)) continue;
        found = node;
        nodes++;
    }
    if (nodes == 0) return;
    const int threads = (int)(found.cpu_quota / found.ranks);
    add_problem(list,
                "%d thread%s on node %s, where the container grants the time of %.3g core%s: they will be stopped "
                "again and again%s",
                found.threads, plural(found.threads), found.host, found.cpu_quota, found.cpu_quota > 1.0 ? "s" : "",
                more_nodes(nodes, more));
    add_fix(list, "start fewer threads: -t %d%s", threads > 0 ? threads : 1, threads > 0 ? "" : ", and fewer ranks");
}

/* --------------------------------------------------------- everything else */

static void check_kernels(list_t *list)
{
    const doctor_rank_t *first = &list->facts->rank[0];

    if (first->kernels_wanted[0] != '\0' && strcmp(first->kernels_wanted, first->kernels) != 0) {
        add_problem(list, "FURROW_KERNELS asks for %s, which this CPU cannot run or Furrow does not know; %s is in use",
                    first->kernels_wanted, first->kernels);
        add_fix(list, "unset FURROW_KERNELS");
    }
    for (int i = 1; i < list->facts->ranks; i++) {
        const doctor_rank_t *rank = &list->facts->rank[i];
        if (strcmp(rank->kernels, first->kernels) == 0) continue;
        add_problem(list,
                    "rank 0 on %s uses the %s kernels, rank %d on %s uses %s: results are the same, but the slowest "
                    "rank sets the pace",
                    first->host, first->kernels, i, rank->host, rank->kernels);
        add_fix(list, "take nodes of one kind (Slurm: --constraint), and the same FURROW_KERNELS, or none, on all");
        return;
    }
}

static void check_files(list_t *list)
{
    const doctor_facts_t *facts = list->facts;

    for (int i = 0; i < facts->ranks; i++) {
        const doctor_rank_t *rank = &facts->rank[i];
        if (rank->files_hard < 0 || rank->files_hard >= FILES_LEAST) continue;
        add_problem(list, "rank %d on %s may open %lld files at most, %d are usual: a dataset of many files will fail",
                    i, rank->host, (long long)rank->files_hard, FILES_LEAST);
        add_fix(list,
                "remove the `ulimit -n` from the job script or shell profile, or have the administrator raise the "
                "hard limit (nofile in /etc/security/limits.conf; docker run --ulimit nofile=65536)");
        return;
    }
}

static const char *in_mebibytes(int64_t bytes, char text[32])
{
    (void)snprintf(text, 32, "%lldM", (long long)(bytes >> 20));
    return text;
}

static void check_memory(list_t *list)
{
    doctor_node_t found = {0};
    int nodes = 0;
    char more[40], cap[32], unused[32], advice[32];

    for (int i = list->facts->nodes - 1; i >= 0; i--) {
        const doctor_node_t node = doctor_node(list->facts, i);
        if (node.memory_free <= 0 || node.memory_cap <= node.memory_free) continue;
        found = node;
        nodes++;
    }
    if (nodes == 0) return;
    const int64_t each = found.memory_free / 10 * 9 / found.ranks;
    add_problem(list, "%d rank%s on node %s may take %s together (--memory), but only %s are free%s", found.ranks,
                plural(found.ranks), found.host, in_mebibytes(found.memory_cap, cap),
                in_mebibytes(found.memory_free, unused), more_nodes(nodes, more));
    if (each >= INT64_C(1) << 20)
        add_fix(list, "furrow doctor --memory %s", in_mebibytes(each, advice));
    else
        add_fix(list, "run fewer ranks on a node, or ask for more memory (Slurm: --mem)");
}

static void check_mpi_level(list_t *list)
{
    if (list->facts->mpi_level != DOCTOR_MPI_SINGLE || list->facts->rank[0].threads <= 1) return;
    add_problem(list, "%s runs as MPI_THREAD_SINGLE, which allows no threads, and each rank has %d",
                list->facts->mpi_library, list->facts->rank[0].threads);
    add_fix(list, "use an MPI library that was built with threads, or -t 1 and one rank per core");
}

int doctor_check(const doctor_facts_t *facts, doctor_problem_t problems[DOCTOR_PROBLEMS_MAX])
{
    list_t list = {.facts = facts, .problem = problems};

    if (!check_versions(&list)) return list.count;
    check_world(&list);
    check_forgotten(&list);
    check_lost(&list);
    check_confined(&list);
    check_crowded(&list);
    check_quota(&list);
    check_kernels(&list);
    check_files(&list);
    check_memory(&list);
    check_mpi_level(&list);
    return list.count;
}
