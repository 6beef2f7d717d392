/** \file simulation.h
 * Ranks, and their threads, as actors of one simulated cluster (SimGrid), in one thread of this process.
 *
 * The library is linked as it is; what it calls of pthread.h, of clocks, of malloc() and of MPI is caught at link time
 * (--wrap, see CMakeLists.txt). So locks and sleeping cost simulated time only, and nothing depends on this machine.
 */
#ifndef SIMULATION_H
#define SIMULATION_H

#include <stdint.h>

/** What was seen of one rank. */
typedef struct {
    int64_t messages, bytes; /* that it sent; of a collective call, those of a binary tree */
    double talking;          /* seconds of its main thread with these, and with those that it received */
    int64_t memory, peak;    /* bytes of the library */
    void *sleeper;           /* its main thread, while it sleeps */
    int looks;               /* which looks for news now and then */
    double due;              /* when its reports are */
    int64_t on_the_way[8];   /* messages to it, by tag, that were sent and not received */
} simulation_rank_t;

/** On every rank, before anything else. */
void simulation_begin(int rank, int ranks);

/** At the end. */
void simulation_end(void);

/** What was counted so far. The memory that is in use stays. */
void simulation_reset(void);

simulation_rank_t *simulation_rank(int rank);

/** The thread that calls computes for so long. */
void simulation_compute(double seconds);

/** This rank's main thread was told of a chunk. */
void simulation_told(void);

/** Seconds that a main thread spends on a message, at either end; and that of rank 0 on a chunk that is reported. */
void simulation_set_costs(double message, double report);

/** What a call of furrow_exec() takes; the work itself is done too, at no cost. */
void simulation_set_exec(double seconds);

/** Memory of all ranks, zeroed, that is not counted, until the end of the process. */
void *simulation_memory(int64_t bytes);

/** Simulated seconds since the start. */
double simulation_now(void);

#endif
