/** \file simulation_inside.h
 * What the two halves of the simulation share: threads, locks, memory and time (simulation.c), and messages
 * (simulation_mpi.c).
 */
#ifndef SIMULATION_INSIDE_H
#define SIMULATION_INSIDE_H

#include "pulse.h"
#include "shared.h"
#include "simulation.h"

/** Actors share the variables of the one thread that they run in: before another one runs, they are put away. */
typedef struct {
    furrow_pulse_slot_t *slot;
    const char *place;
    furrow_pool_thread_t *shared;
} simulation_own_t;

simulation_own_t simulation_put_away(void);
void simulation_bring_back(simulation_own_t own);

/** The statement may let others run. */
#define WAITING(statement)                                                                                             \
    do {                                                                                                               \
        const simulation_own_t own = simulation_put_away();                                                            \
        statement;                                                                                                     \
        simulation_bring_back(own);                                                                                    \
    } while (0)

/** Of the actor that calls; is it the main thread? */
simulation_rank_t *simulation_own_rank(void);
int simulation_is_main(void);

/** A mail is on its way to it. */
void simulation_show(simulation_rank_t *rank);

enum { SIMULATION_MAIL_TAG = 2 }; /* of transfer.c */

#endif
