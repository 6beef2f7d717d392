/** \file context.h
 * Inside of a context. Only context.c, agree.c and transfer.c include this: they are the only callers of MPI.
 */
#ifndef FURROW_CONTEXT_H
#define FURROW_CONTEXT_H

#include <mpi.h>

#include "progress.h"

struct furrow_context {
    bool uses_mpi;    /* false: one process, `comm` is not set and MPI is not touched */
    bool started_mpi; /* this context called MPI_Init_thread and will call MPI_Finalize */
    MPI_Comm comm;    /* ours: a duplicate */
    int rank, ranks;
    int node_rank, node_ranks;
    int node_leader; /* the rank whose node_rank is 0 */
    int *leader_of;  /* [ranks]: the same of every rank; NULL: all share one node */
    int threads;
    int64_t memory_bytes;
    furrow_progress_t *progress;
    bool shares_pulse;    /* and what concerns that, of transfer.c */
    double next_share;    /* in furrow_seconds() */
    int64_t shared_beats; /* that the others were told of */
    int64_t pulses_sent, pulses_taken;
    int64_t mail_run;              /* of transfer.c: how often mails began */
    struct furrow_parcel *sending; /* what has not left yet */
};

#endif
