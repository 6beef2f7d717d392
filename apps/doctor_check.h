/** \file doctor_check.h
 * What `furrow doctor` knows of a launch, and what is wrong with it. Pure functions of plain data: no files, no system
 * calls.
 */
#ifndef FURROW_DOCTOR_CHECK_H
#define FURROW_DOCTOR_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "doctor_cpus.h"

/** Where a rank's number of threads comes from. */
typedef enum doctor_threads_from {
    DOCTOR_FROM_CORES,
    DOCTOR_FROM_OPTION,
    DOCTOR_FROM_ENVIRONMENT
} doctor_threads_from_t;

/** The facts of one rank. The first four members stand in this place in every version of Furrow, so that ranks of
 * different versions can tell each other so. */
typedef struct doctor_rank {
    uint32_t bytes; /**< of this struct, where it was filled */
    char version[28];
    char host[64];
    char boot_id[40]; /**< tells apart two nodes of one name */

    int32_t node; /**< set by doctor_group() */
    int64_t pid;
    int32_t threads;
    int32_t threads_from; /**< doctor_threads_from_t */
    char kernels[16];
    char kernels_wanted[16]; /**< FURROW_KERNELS, or "" */

    doctor_cpus_t allowed;   /**< cores that this process may use (its affinity mask); empty: not known */
    doctor_cpus_t available; /**< cores that it could be bound to; larger where a launcher has bound it */
    double cpu_quota;        /**< cores' worth of time that its control group grants; 0: no limit */

    doctor_cpus_t
        first_of_core;        /**< one hardware thread of each physical core of the node; on a node's first rank only */
    int32_t hardware_threads; /**< of the node, likewise; 0: not known */
    int32_t numa_nodes;

    int64_t memory_cap; /**< --memory */
    int64_t memory_total, memory_available;
    int64_t memory_limit, memory_left; /**< of its control group, and what is left of it; limit 0: none */
    int64_t files_soft, files_hard;    /**< open files; -1: no limit */
    int64_t shm_bytes, shm_free;       /**< of /dev/shm */

    int32_t slurm_cpus_per_task; /**< SLURM_CPUS_PER_TASK, or 0 */
    int32_t slurm_cpus_on_node;  /**< SLURM_CPUS_ON_NODE, or 0 */
} doctor_rank_t;

typedef enum doctor_launcher { DOCTOR_ALONE, DOCTOR_MPIRUN, DOCTOR_SRUN, DOCTOR_OTHER } doctor_launcher_t;

/** What MPI_Query_thread() says, in order. */
typedef enum doctor_mpi_level {
    DOCTOR_MPI_OFF = -1,
    DOCTOR_MPI_SINGLE,
    DOCTOR_MPI_FUNNELED,
    DOCTOR_MPI_SERIALIZED,
    DOCTOR_MPI_MULTIPLE
} doctor_mpi_level_t;

/** What a rank finds under a path that rank 0 sees. */
typedef enum doctor_sight {
    DOCTOR_SEES,
    DOCTOR_SEES_NOTHING,
    DOCTOR_SEES_ANOTHER, /**< a file with other bytes */
    DOCTOR_CANNOT_WRITE
} doctor_sight_t;

typedef struct doctor_view {
    int32_t sight;    /**< doctor_sight_t */
    int32_t error;    /**< errno, or 0 */
    char folder[248]; /**< the rank's current folder, cut */
} doctor_view_t;

/** A folder or file that all ranks are to see. */
typedef struct doctor_path {
    char path[512]; /**< as given; of the current folder: its name on rank 0 */
    bool is_folder;
    bool is_relative;    /**< to the current folder */
    int32_t error;       /**< errno of rank 0, which then has nothing to show to the others; or 0 */
    doctor_view_t *view; /**< of each rank; NULL where there was nothing to see, or nobody who was to see it */
} doctor_path_t;

/** The current folder and what --path names. */
enum { DOCTOR_PATHS_MAX = 33 };

/** The facts of the launch. */
typedef struct doctor_facts {
    doctor_launcher_t launcher;
    doctor_mpi_level_t mpi_level;
    char mpi_library[80]; /**< "Open MPI v4.1.4" */
    char program[256];    /**< the command, as it was started */
    bool is_remote;       /**< mpirun runs on another node than rank 0 */
    int launched;         /**< processes that the launcher says it started, 0: not known */
    int slurm_tasks;      /**< SLURM_NTASKS, or 0; outside of a Slurm job all of these are 0 */
    int slurm_nodes;      /**< SLURM_JOB_NUM_NODES */
    int slurm_job;        /**< SLURM_JOB_ID */
    int threads_asked;    /**< -t, or 0 */
    int64_t memory_asked; /**< --memory, or 0 */
    bool source_root;     /**< --source root: only rank 0 opens files */
    int ranks, nodes;
    doctor_rank_t *rank;
    int paths;
    doctor_path_t path[DOCTOR_PATHS_MAX];
} doctor_facts_t;

/** One node, added up over its ranks. */
typedef struct doctor_node {
    const char *host;
    int first; /**< its first rank */
    int ranks, threads;
    doctor_cpus_t allowed;   /**< cores that one of its ranks may use */
    doctor_cpus_t available; /**< cores that they could be bound to */
    int share;           /**< how many cores the launch can have here: those available, or what Slurm has allotted */
    int share_physical;  /**< physical cores among them */
    double cpu_quota;    /**< the least, 0: none */
    int64_t memory_cap;  /**< of all ranks */
    int64_t memory_free; /**< the least that one of them sees */
} doctor_node_t;

/** A problem, one line, and how to launch instead: one or several lines, joined by '\n'. */
typedef struct doctor_problem {
    char problem[1024];
    char fix[4096];
} doctor_problem_t;

enum { DOCTOR_PROBLEMS_MAX = 64 };

/** Set `node` of every rank, in the order in which nodes appear. \return the number of nodes */
int doctor_group(doctor_rank_t *rank, int ranks);

doctor_node_t doctor_node(const doctor_facts_t *facts, int node);

/** Whether rank 0 may not write in a folder, and so cannot tell what others see of it. No problem in itself. */
bool doctor_is_closed(const doctor_path_t *path);

/** Whether a rank has fewer cores than its Slurm job has for each task: srun does not take --cpus-per-task over from
 * sbatch (since Slurm 22.05), mpirun never did. */
bool doctor_has_lost(const doctor_facts_t *facts, const doctor_rank_t *rank);

/** Physical cores in a set, as the first rank of a node knows them. */
int doctor_physical(const doctor_rank_t *first, const doctor_cpus_t *set);

/** Find problems. \return how many; a healthy launch has none */
int doctor_check(const doctor_facts_t *facts, doctor_problem_t problems[DOCTOR_PROBLEMS_MAX]);

#endif
