/** \file furrow_mpi.h
 * For programs that use MPI themselves: a context over a communicator of theirs. Needs <mpi.h>.
 */
#ifndef FURROW_MPI_H
#define FURROW_MPI_H

#include <mpi.h>

#include "furrow.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A context over the ranks of `comm`. Collective over `comm`, which is duplicated, not kept. MPI must be initialized,
 * and stays so after furrow_context_close(). Otherwise as furrow_context_open(). */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_context_open_comm(MPI_Comm comm, const furrow_context_opts_t *opts,
                                                                      furrow_context_t **out, furrow_error_t *err);

#ifdef __cplusplus
}
#endif

#endif
