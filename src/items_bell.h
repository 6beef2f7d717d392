/** \file items_bell.h
 * Bells: how the main threads of a run of items are woken, by the threads of their own rank and by ranks on the same
 * node. A message of MPI wakes nobody; who sends one to a rank on the same node rings there as well. Work layer; for
 * the engine only.
 */
#ifndef FURROW_ITEMS_BELL_H
#define FURROW_ITEMS_BELL_H

#include "status.h"

typedef struct furrow_bells furrow_bells_t;

/** Collective. Ranks that cannot share memory do not hear one another, which is no failure. \return FURROW_OK,
 * FURROW_ENOMEM: on all ranks */
FURROW_MUST_CHECK furrow_status_t furrow_bells_open(furrow_context_t *ctx, furrow_bells_t **out, furrow_error_t *err);

/** Local; nobody rings or waits any more. NULL is fine. */
void furrow_bells_close(furrow_bells_t *bells);

/** This rank hears all others, and they hear it. Local. */
bool furrow_bells_reach_all(const furrow_bells_t *bells);

/** How often this rank was rung for, modulo 2^32. Local. */
uint32_t furrow_bells_rings(const furrow_bells_t *bells);

/** Ring for a rank, perhaps this one. Local, from any thread; nothing happens where it does not hear. */
void furrow_bells_ring(furrow_bells_t *bells, int rank);

/** Sleep until there were other than `rings` rings, at most so many seconds; perhaps less. Local. */
void furrow_bells_wait(furrow_bells_t *bells, uint32_t rings, double longest);

#endif
