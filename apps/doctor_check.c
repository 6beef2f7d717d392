/* Owns what counts as a problem. Each check looks at all nodes and names the first where it fails; one cause is one
 * problem.
 *
 * "Cores" are what the system schedules threads on: hardware threads where a physical core has several. Only a launch
 * line for Open MPI counts physical cores. */
#include <stdio.h>
#include <string.h>

#include "doctor_list.h"

enum { SHORT_LIST = 64 };

/* ----------------------------------------------------------------- ranks */

/* Where versions differ nothing else can be trusted. */
static bool check_versions(doctor_list_t *list)
{
    const doctor_rank_t *first = &list->facts->rank[0];

    for (int i = 1; i < list->facts->ranks; i++) {
        const doctor_rank_t *rank = &list->facts->rank[i];
        const bool same_version = strcmp(rank->version, first->version) == 0;
        if (same_version && rank->bytes == first->bytes) continue;
        doctor_add_problem(list, "rank 0 on %s runs Furrow %s, rank %d on %s runs %s%s", first->host, first->version, i,
                           rank->host, same_version ? "another build of " : "", rank->version);
        doctor_add_fix(list, "install one Furrow on all nodes; PATH and LD_LIBRARY_PATH decide which one a rank finds");
        return false;
    }
    return true;
}

static void check_world(doctor_list_t *list)
{
    const doctor_facts_t *facts = list->facts;
    const doctor_plan_t plan = doctor_plan(facts);

    if (facts->launcher == DOCTOR_ALONE || facts->launched <= 0 || facts->launched == facts->ranks) return;
    doctor_add_problem(list, "the launcher started %d process%s, MPI knows of %d: each group would do all of the work",
                       facts->launched, facts->launched == 1 ? "" : "es", facts->ranks);
    doctor_add_fix(list, "use the mpirun that belongs to %s; with srun name the plugin (srun --mpi=list shows them)",
                   facts->mpi_library[0] != '\0' ? facts->mpi_library : "the MPI library of Furrow");
    doctor_add_launches(list, &plan);
}

static void check_forgotten(doctor_list_t *list)
{
    const doctor_facts_t *facts = list->facts;
    const doctor_plan_t plan = doctor_plan(facts);

    if (facts->launcher != DOCTOR_ALONE || facts->slurm_tasks <= 1) return;
    doctor_add_problem(list, "the Slurm job has %d tasks, but Furrow was started without a launcher and is one rank",
                       facts->slurm_tasks);
    doctor_add_launches(list, &plan);
}

/* ----------------------------------------------------------------- cores */

static bool node_has_lost(const doctor_facts_t *facts, int node)
{
    for (int i = 0; i < facts->ranks; i++)
        if (facts->rank[i].node == node && doctor_has_lost(facts, &facts->rank[i])) return true;
    return false;
}

static void check_lost(doctor_list_t *list)
{
    const doctor_facts_t *facts = list->facts;
    int lost = 0, first = 0;
    char many[64] = "";

    for (int i = facts->ranks - 1; i >= 0; i--) {
        if (!doctor_has_lost(facts, &facts->rank[i])) continue;
        first = i;
        lost++;
    }
    if (lost == 0) return;
    const doctor_rank_t *rank = &facts->rank[first];
    const int cores = doctor_cpus_count(&rank->allowed);
    const doctor_plan_t plan = doctor_plan(facts);
    if (lost > 1) (void)snprintf(many, sizeof many, ", and so %d more", lost - 1);
    doctor_add_problem(list, "--cpus-per-task=%d of the job was lost: rank %d on %s may use %d core%s%s",
                       rank->slurm_cpus_per_task, first, rank->host, cores, doctor_plural(cores), many);
    doctor_add_fix(list, "give it to the launcher too: mpirun never takes it from the job, srun not since Slurm 22.05");
    doctor_add_launches(list, &plan);
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

static void describe_confined(doctor_list_t *list, const doctor_node_t *node, int nodes)
{
    const bool one_core = doctor_physical(&list->facts->rank[node->first], &node->allowed) == 1;
    char who[64] = "the only rank to one core", cores[SHORT_LIST], more[40];

    if (node->ranks > 1 && one_core)
        (void)snprintf(who, sizeof who, "all %d ranks to the same core", node->ranks);
    else if (node->ranks > 1)
        (void)snprintf(who, sizeof who, "each of %d ranks to one core", node->ranks);
    doctor_add_problem(list, "the launcher has bound %s: node %s uses %d of %d cores (%s)%s", who, node->host,
                       doctor_cpus_count(&node->allowed), node->share,
                       doctor_cpus_text(&node->allowed, cores, sizeof cores), doctor_more_nodes(nodes, more));
}

static void check_confined(doctor_list_t *list)
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
    const doctor_plan_t plan = doctor_plan(list->facts);
    describe_confined(list, &found, nodes);
    doctor_add_fix(list, "give each rank its share of the cores, or bind to none (mpirun --bind-to none)");
    doctor_add_launches(list, &plan);
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

static void fix_crowd(doctor_list_t *list, const doctor_rank_t *rank)
{
    const doctor_plan_t plan = doctor_plan(list->facts);

    if (rank->threads_from == DOCTOR_FROM_ENVIRONMENT)
        doctor_add_fix(list, "unset OMP_NUM_THREADS, or override it with -t");
    else if (rank->threads_from == DOCTOR_FROM_OPTION && plan.threads != rank->threads)
        doctor_add_fix(list, "leave -t out: Furrow then starts one thread for each core that a rank may use");
    else
        doctor_add_fix(list,
                       "each rank needs a core of its own: start fewer ranks on a node, or bind each to other cores");
    doctor_add_launches(list, &plan);
}

static const char *threads_source(const doctor_rank_t *rank)
{
    static const char *const texts[] = {"", ", from -t", ", from OMP_NUM_THREADS"};

    return texts[rank->threads_from];
}

static void describe_crowd(doctor_list_t *list, const crowd_t *crowd, int nodes)
{
    const doctor_rank_t *rank = &list->facts->rank[crowd->first];
    char each[64] = "", text[SHORT_LIST], more[40];

    if (crowd->threads == crowd->ranks * rank->threads)
        (void)snprintf(each, sizeof each, ", %d thread%s%s", rank->threads, doctor_plural(rank->threads),
                       crowd->ranks > 1 ? " each" : "");
    doctor_add_problem(list, "%d threads share %d core%s (%s) on node %s: %d rank%s%s%s%s", crowd->threads,
                       crowd->cores, doctor_plural(crowd->cores), doctor_cpus_text(&crowd->set, text, sizeof text),
                       rank->host, crowd->ranks, doctor_plural(crowd->ranks), each, threads_source(rank),
                       doctor_more_nodes(nodes, more));
}

static void check_crowded(doctor_list_t *list)
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

static void check_quota(doctor_list_t *list)
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
    const doctor_plan_t plan = doctor_plan(list->facts);
    doctor_add_problem(
        list,
        "%d thread%s on node %s, where the container grants the time of %.3g core%s: they will be stopped "
        "again and again%s",
        found.threads, doctor_plural(found.threads), found.host, found.cpu_quota, found.cpu_quota > 1.0 ? "s" : "",
        doctor_more_nodes(nodes, more));
    doctor_add_fix(list, "start fewer threads%s", found.cpu_quota < found.ranks ? ", and fewer ranks" : "");
    doctor_add_launches(list, &plan);
}

int doctor_check(const doctor_facts_t *facts, doctor_problem_t problems[DOCTOR_PROBLEMS_MAX])
{
    doctor_list_t list = {.facts = facts, .problem = problems};

    if (!check_versions(&list)) return list.count;
    check_world(&list);
    check_forgotten(&list);
    check_lost(&list);
    check_confined(&list);
    check_crowded(&list);
    check_quota(&list);
    doctor_check_paths(&list);
    doctor_check_system(&list);
    return list.count;
}
