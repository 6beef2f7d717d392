/** \file doctor_report.h
 * What `furrow doctor` prints. On rank 0 only.
 */
#ifndef FURROW_DOCTOR_REPORT_H
#define FURROW_DOCTOR_REPORT_H

#include "cli.h"
#include "doctor_check.h"

/** The facts and what is wrong. */
typedef struct doctor_report {
    const doctor_facts_t *facts;
    const doctor_problem_t *problem;
    int problems;
} doctor_report_t;

/** Print it for people. With --quiet the problems only; long launches are cut unless --verbose. */
void doctor_print_text(const cli_t *cli, const doctor_report_t *report);

/** Print it as one JSON object. */
furrow_status_t doctor_print_json(const cli_t *cli, const doctor_report_t *report, furrow_error_t *err);

/** "single", "funneled", "serialized", "multiple"; NULL where MPI does not run. */
const char *doctor_level_name(doctor_mpi_level_t level);

/** Whether a library was built in. */
bool doctor_has_hwloc(void);

/** The variables of Slurm that are worth a look, ended by NULL. Which are set, getenv() tells. */
extern const char *const doctor_slurm_variables[];

#endif
