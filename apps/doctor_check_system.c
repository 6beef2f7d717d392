/* Owns what is wrong with the system that ranks run on. */
#include <stdio.h>
#include <string.h>

#include "doctor_list.h"

static void check_names(doctor_list_t *list)
{
    const doctor_facts_t *facts = list->facts;

    for (int i = 1; i < facts->ranks; i++)
        for (int j = 0; j < i; j++) {
            const doctor_rank_t *a = &facts->rank[j], *b = &facts->rank[i];
            if (a->node == b->node || strcmp(a->host, b->host) != 0) continue;
            doctor_add_problem(list,
                               "ranks %d and %d run on two nodes of one name, %s: messages would not tell which, and "
                               "MPI may take them for one node",
                               j, i, a->host);
            doctor_add_fix(
                list, "give each node a name of its own (hostnamectl set-hostname NAME; docker run --hostname NAME)");
            return;
        }
}

static void check_kernels(doctor_list_t *list)
{
    const doctor_rank_t *first = &list->facts->rank[0];

    if (first->kernels_wanted[0] != '\0' && strcmp(first->kernels_wanted, first->kernels) != 0) {
        doctor_add_problem(
            list, "FURROW_KERNELS asks for %s, which this CPU cannot run or Furrow does not know; %s is in use",
            first->kernels_wanted, first->kernels);
        doctor_add_fix(list, "unset FURROW_KERNELS");
    }
    for (int i = 1; i < list->facts->ranks; i++) {
        const doctor_rank_t *rank = &list->facts->rank[i];
        if (strcmp(rank->kernels, first->kernels) == 0) continue;
        doctor_add_problem(
            list,
            "rank 0 on %s uses the %s kernels, rank %d on %s uses %s: results are the same, but the slowest "
            "rank sets the pace",
            first->host, first->kernels, i, rank->host, rank->kernels);
        doctor_add_fix(list,
                       "take nodes of one kind (Slurm: --constraint), and the same FURROW_KERNELS, or none, on all");
        return;
    }
}

static bool check_hard_limit(doctor_list_t *list, int index)
{
    const doctor_rank_t *rank = &list->facts->rank[index];

    if (rank->files_hard < 0 || rank->files_hard >= DOCTOR_FILES_USUAL) return false;
    doctor_add_problem(list,
                       "rank %d on %s may open %lld files at most, %d are usual: a dataset of as many files will be "
                       "slow, for each read opens its file",
                       index, rank->host, (long long)rank->files_hard, DOCTOR_FILES_USUAL);
    doctor_add_fix(list,
                   "remove the `ulimit -n` from the job script or shell profile, or have the administrator raise the "
                   "hard limit (nofile in /etc/security/limits.conf; docker run --ulimit nofile=65536)");
    return true;
}

/* Furrow raises its own soft limit for the files of a dataset; mpirun's and Slurm's daemons do not. */
static bool check_soft_limit(doctor_list_t *list, int index)
{
    const doctor_facts_t *facts = list->facts;
    const doctor_rank_t *rank = &facts->rank[index];
    const int64_t needed = doctor_files_needed(facts, rank);

    if (facts->launcher == DOCTOR_ALONE || rank->files_soft < 0 || rank->files_soft >= needed) return false;
    const doctor_plan_t plan = doctor_plan(facts);
    doctor_add_problem(list, "rank %d on %s may open %lld files (ulimit -n): with %d ranks MPI may need %lld", index,
                       rank->host, (long long)rank->files_soft, facts->ranks, (long long)needed);
    doctor_add_fix(list,
                   "raise the limit where you launch, or, where mpirun uses ssh, in the shell profile of each node");
    if (plan.files > 0) doctor_add_launches(list, &plan);
    return true;
}

/* One rank is enough to know. */
static void check_files(doctor_list_t *list)
{
    bool hard = false, soft = false;

    for (int i = 0; i < list->facts->ranks; i++) {
        hard = hard || check_hard_limit(list, i);
        soft = soft || check_soft_limit(list, i);
    }
}

static const char *in_mebibytes(int64_t bytes, char text[32])
{
    (void)snprintf(text, 32, "%lldM", (long long)(bytes >> 20));
    return text;
}

static void check_memory(doctor_list_t *list)
{
    doctor_node_t found = {0};
    int nodes = 0;
    char more[40], cap[32], unused[32];

    for (int i = list->facts->nodes - 1; i >= 0; i--) {
        const doctor_node_t node = doctor_node(list->facts, i);
        if (node.memory_free <= 0 || node.memory_cap <= node.memory_free) continue;
        found = node;
        nodes++;
    }
    if (nodes == 0) return;
    const doctor_plan_t plan = doctor_plan(list->facts);
    doctor_add_problem(list, "%d rank%s on node %s may take %s together (--memory), but only %s are free%s",
                       found.ranks, doctor_plural(found.ranks), found.host, in_mebibytes(found.memory_cap, cap),
                       in_mebibytes(found.memory_free, unused), doctor_more_nodes(nodes, more));
    if (plan.memory == list->facts->memory_asked)
        doctor_add_fix(list, "run fewer ranks on a node, or ask for more memory (Slurm: --mem)");
    else
        doctor_add_launches(list, &plan);
}

/* What the node array needs it says itself; Open MPI may end with a bus error. */
static void check_shm(doctor_list_t *list)
{
    const doctor_facts_t *facts = list->facts;
    char more[40], unused[32], needed[32], each[32];
    int nodes = 0, found = 0;

    for (int i = facts->nodes - 1; i >= 0; i--) {
        if (!doctor_lacks_shm(facts, i)) continue;
        found = i;
        nodes++;
    }
    if (nodes == 0) return;
    const doctor_node_t node = doctor_node(facts, found);
    const doctor_plan_t plan = doctor_plan(facts);
    doctor_add_problem(
        list,
        "/dev/shm on node %s has %s free, %d ranks need %s (%s each): Open MPI keeps messages there, Furrow "
        "arrays that ranks share%s",
        node.host, in_mebibytes(facts->rank[node.first].shm_free, unused), node.ranks,
        in_mebibytes(DOCTOR_SHM_PER_RANK * node.ranks, needed), in_mebibytes(DOCTOR_SHM_PER_RANK, each),
        doctor_more_nodes(nodes, more));
    doctor_add_fix(list, "remove what others left there, or enlarge it (mount -o remount,size=8G /dev/shm; docker run "
                         "--shm-size=8g); one rank per node needs none");
    doctor_add_launches(list, &plan);
}

static void check_mpi_level(doctor_list_t *list)
{
    if (list->facts->mpi_level != DOCTOR_MPI_SINGLE || list->facts->rank[0].threads <= 1) return;
    doctor_add_problem(list, "%s runs as MPI_THREAD_SINGLE, which allows no threads, and each rank has %d",
                       list->facts->mpi_library, list->facts->rank[0].threads);
    doctor_add_fix(list, "use an MPI library that was built with threads, or -t 1 and one rank per core");
}

void doctor_check_system(doctor_list_t *list)
{
    check_names(list);
    check_kernels(list);
    check_files(list);
    check_memory(list);
    check_shm(list);
    check_mpi_level(list);
}
