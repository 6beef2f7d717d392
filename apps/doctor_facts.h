/** \file doctor_facts.h
 * What `furrow doctor` asks the system, the launcher's environment and the MPI library.
 */
#ifndef FURROW_DOCTOR_FACTS_H
#define FURROW_DOCTOR_FACTS_H

#include "cli.h"
#include "doctor_check.h"

/** The facts of all ranks, on rank 0; elsewhere `rank` stays NULL. Collective. To be freed with doctor_facts_free().
 *
 * \param[in] paths  folders and files that all ranks are to see, besides the current folder */
furrow_status_t doctor_facts(const cli_t *cli, const cli_list_t *paths, doctor_facts_t *out, furrow_error_t *err);

void doctor_facts_free(doctor_facts_t *facts);

/** The kernels that this CPU could run, best first. \return how many, at most `max` */
int doctor_kernels(const char **names, int max);

/** "mpirun (Open MPI)" and so on. */
const char *doctor_launcher_name(doctor_launcher_t launcher);

/** Physical cores, hardware threads and NUMA nodes of this machine, into the members of `out` for a node's first rank.
 * From hwloc where it is built in. */
void doctor_topology(doctor_rank_t *out);

#endif
