/** \file fault.h
 * Fault points: places where a test makes the nth operation of a kind fail on one rank. Only in builds with the CMake
 * option FURROW_FAULTS; in others every point is the constant false. Base layer.
 *
 * FURROW_FAULT=KIND:NTH:RANK in the environment, e.g. "read:3:1": the third read on rank 1 fails, once.
 * FURROW_FAULT_NODES=1: every rank takes itself to be alone on its node.
 */
#ifndef FURROW_FAULT_H
#define FURROW_FAULT_H

#include <stdbool.h>

typedef enum furrow_fault {
    FURROW_FAULT_ALLOC,
    FURROW_FAULT_OPEN,
    FURROW_FAULT_READ,
    FURROW_FAULT_CREATE,
    FURROW_FAULT_WRITE,
    FURROW_FAULT_SYNC,
    FURROW_FAULT_RENAME,
    FURROW_FAULT_KINDS
} furrow_fault_t;

#ifdef FURROW_FAULTS
/** True if this operation must fail. Local, thread safe. Sets errno to EIO when true. */
bool furrow_fault_hits(furrow_fault_t kind);

/** Counting starts again. True if an operation failed by this since it last did. Local; for tests in one process. */
bool furrow_fault_reset(void);

/** Tells which rank this process is; before that it counts as 0. */
void furrow_fault_set_rank(int rank);

/** Should every rank take itself to be alone on its node? */
bool furrow_fault_parts_nodes(void);
#else
#define furrow_fault_hits(kind) false
#define furrow_fault_set_rank(rank) ((void)(rank))
#define furrow_fault_parts_nodes() false
#endif

#endif
