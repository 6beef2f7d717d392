/* Owns what ranks of one node add up to. */
#include <string.h>

#include "doctor_check.h"

static bool same_node(const doctor_rank_t *a, const doctor_rank_t *b)
{
    return strcmp(a->host, b->host) == 0 && strcmp(a->boot_id, b->boot_id) == 0;
}

int doctor_group(doctor_rank_t *rank, int ranks)
{
    int nodes = 0;

    for (int i = 0; i < ranks; i++) {
        rank[i].node = -1;
        if (i > 0 && same_node(&rank[i], &rank[i - 1])) rank[i].node = rank[i - 1].node; /* most often */
        for (int j = 0; j < i && rank[i].node < 0; j++)
            if (same_node(&rank[i], &rank[j])) rank[i].node = rank[j].node;
        if (rank[i].node < 0) rank[i].node = nodes++;
    }
    return nodes;
}

int doctor_physical(const doctor_rank_t *first, const doctor_cpus_t *set)
{
    const int all = doctor_cpus_count(&first->first_of_core), cpus = doctor_cpus_count(set);
    const doctor_cpus_t common = doctor_cpus_common(set, &first->first_of_core);

    if (all == 0 || first->hardware_threads == 0) return cpus;
    const int per_core = (first->hardware_threads + all - 1) / all;
    const int at_least = (cpus + per_core - 1) / per_core; /* the set may hold the second thread of a core alone */
    const int firsts = doctor_cpus_count(&common);
    return firsts > at_least ? firsts : at_least;
}

static int64_t memory_free(const doctor_rank_t *rank)
{
    const bool limited = rank->memory_limit > 0 && rank->memory_left < rank->memory_available;

    return limited ? rank->memory_left : rank->memory_available;
}

static void add_rank(doctor_node_t *node, const doctor_rank_t *rank)
{
    const int64_t unused = memory_free(rank);

    if (node->ranks == 0 || unused < node->memory_free) node->memory_free = unused;
    if (rank->cpu_quota > 0.0 && (node->cpu_quota <= 0.0 || rank->cpu_quota < node->cpu_quota))
        node->cpu_quota = rank->cpu_quota;
    node->ranks++;
    node->threads += rank->threads;
    node->memory_cap += rank->memory_cap;
    doctor_cpus_join(&node->allowed, &rank->allowed);
    doctor_cpus_join(&node->available, &rank->available);
}

bool doctor_has_lost(const doctor_facts_t *facts, const doctor_rank_t *rank)
{
    const int cores = doctor_cpus_count(&rank->allowed);

    return facts->launcher != DOCTOR_ALONE && cores > 0 && cores < rank->slurm_cpus_per_task;
}

/* Slurm may allot less than what the process could be bound to, where it does not confine jobs. */
static void set_share(doctor_node_t *node, const doctor_rank_t *first, doctor_launcher_t launcher)
{
    const int allowed = doctor_cpus_count(&node->allowed), available = doctor_cpus_count(&node->available);
    const int physical = doctor_physical(first, &node->available), allotted = first->slurm_cpus_on_node;

    if (launcher == DOCTOR_ALONE) { /* the user's own choice, if any, and not to be questioned */
        node->share = allowed;
        node->share_physical = doctor_physical(first, &node->allowed);
        return;
    }
    node->share = allotted > 0 && allotted < available ? allotted : available;
    if (node->share < allowed) node->share = allowed;
    node->share_physical = available > 0 ? (physical * node->share + available - 1) / available : 0;
}

doctor_node_t doctor_node(const doctor_facts_t *facts, int node)
{
    doctor_node_t out = {.first = -1};

    for (int i = 0; i < facts->ranks; i++) {
        if (facts->rank[i].node != node) continue;
        if (out.first < 0) out.first = i;
        add_rank(&out, &facts->rank[i]);
    }
    out.host = facts->rank[out.first].host;
    set_share(&out, &facts->rank[out.first], facts->launcher);
    return out;
}
