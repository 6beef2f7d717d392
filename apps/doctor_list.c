/* Owns the text of a list of problems. */
#include "doctor_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void doctor_add_problem(doctor_list_t *list, const char *format, ...)
{
    va_list args;

    if (list->count == DOCTOR_PROBLEMS_MAX) list->count--;
    doctor_problem_t *problem = &list->problem[list->count++];
    problem->fix[0] = '\0';
    va_start(args, format);
    (void)vsnprintf(problem->problem, sizeof problem->problem, format, args);
    va_end(args);
    for (char *c = problem->problem; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?'; /* names of files hold anything */
}

void doctor_add_fix(doctor_list_t *list, const char *format, ...)
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

const char *doctor_plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

const char *doctor_more_nodes(int nodes, char text[40])
{
    text[0] = '\0';
    if (nodes > 1) (void)snprintf(text, 40, ", and on %d more node%s", nodes - 1, doctor_plural(nodes - 1));
    return text;
}

/* Without a launcher the command alone, but for a Slurm job that was made for several tasks. */
void doctor_add_launches(doctor_list_t *list, const doctor_plan_t *plan)
{
    const doctor_facts_t *facts = list->facts;
    const bool is_launched = facts->launcher != DOCTOR_ALONE || facts->slurm_tasks > 1;
    const bool srun_first = facts->launcher == DOCTOR_SRUN || facts->launcher == DOCTOR_ALONE;
    char line[DOCTOR_LINE];

    if (!is_launched) {
        doctor_plan_alone(facts, plan, line);
        doctor_add_fix(list, "%s", line);
        return;
    }
    for (int i = 0; i < 2; i++) {
        const bool is_srun = srun_first == (i == 0);
        (is_srun ? doctor_plan_srun : doctor_plan_mpirun)(facts, plan, line);
        doctor_add_fix(list, "%s%s", is_srun ? "Slurm:    " : "Open MPI: ", line);
    }
}
