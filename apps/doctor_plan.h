/** \file doctor_plan.h
 * The launch that `furrow doctor` would make of the one that it sees. Pure functions of plain data.
 */
#ifndef FURROW_DOCTOR_PLAN_H
#define FURROW_DOCTOR_PLAN_H

#include "doctor_check.h"

/** A launch that uses the nodes well: as many ranks on each as now, if there are cores for them, and all cores; with
 * the options that the user gave, where they do no harm. */
typedef struct doctor_plan {
    int nodes, ranks, per_node;
    int physical;     /**< cores per rank, as Open MPI counts */
    int cores;        /**< as Slurm and Furrow count */
    int64_t files;    /**< ulimit -n; 0: as it is */
    int threads;      /**< -t; 0: left out */
    int64_t memory;   /**< --memory; 0: left out */
    bool source_root; /**< --source root */
} doctor_plan_t;

doctor_plan_t doctor_plan(const doctor_facts_t *facts);

/** Of /dev/shm, for each rank that is not alone on its node: Open MPI takes half of it, the rest is for arrays that
 * ranks share. */
static const int64_t DOCTOR_SHM_PER_RANK = INT64_C(8) << 20;

/** Whether /dev/shm is too small for the ranks of a node. */
bool doctor_lacks_shm(const doctor_facts_t *facts, int node);

/** Open files that most systems allow. */
enum { DOCTOR_FILES_USUAL = 1024 };

/** Open files that a launch needs where this rank runs: of a process before it opens any of ours, of a daemon for each
 * rank of its node, of a rank for each other one that it talks to by TCP. */
int64_t doctor_files_needed(const doctor_facts_t *facts, const doctor_rank_t *rank);

enum { DOCTOR_LINE = 2048 };

/** The plan as a line for a shell: without a launcher, by Open MPI's mpirun, by srun. */
void doctor_plan_alone(const doctor_facts_t *facts, const doctor_plan_t *plan, char line[DOCTOR_LINE]);
void doctor_plan_mpirun(const doctor_facts_t *facts, const doctor_plan_t *plan, char line[DOCTOR_LINE]);
void doctor_plan_srun(const doctor_facts_t *facts, const doctor_plan_t *plan, char line[DOCTOR_LINE]);

#endif
