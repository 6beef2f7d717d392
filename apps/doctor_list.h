/** \file doctor_list.h
 * The list of problems while it grows, for the checks. Pure functions of plain data.
 */
#ifndef FURROW_DOCTOR_LIST_H
#define FURROW_DOCTOR_LIST_H

#include "doctor_plan.h"

/** The problems found so far. */
typedef struct doctor_list {
    const doctor_facts_t *facts;
    doctor_problem_t *problem;
    int count;
} doctor_list_t;

/** Add a problem; beyond DOCTOR_PROBLEMS_MAX the latest gives way. */
void doctor_add_problem(doctor_list_t *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** One more line of what to do about the latest problem. */
void doctor_add_fix(doctor_list_t *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The lines of a launch that is right, the launcher in use first. */
void doctor_add_launches(doctor_list_t *list, const doctor_plan_t *plan);

/** "", "s" */
const char *doctor_plural(int64_t count);

/** ", and on 3 more nodes", where `nodes` are concerned, of which one was named */
const char *doctor_more_nodes(int nodes, char text[40]);

/** What is wrong with the system that ranks see: names, kernels, memory, limits, MPI. */
void doctor_check_system(doctor_list_t *list);

/** What is wrong with folders and files. */
void doctor_check_paths(doctor_list_t *list);

#endif
