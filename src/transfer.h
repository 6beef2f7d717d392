/** \file transfer.h
 * Moving data between ranks: the only callers of MPI's data movement. Messages are cut at FURROW_MESSAGE_MAX bytes (1
 * GiB; tests make it small), so no count of MPI's ever passes 2^31. With one rank nothing happens. None can fail: an
 * error inside MPI ends the program (MPI_ERRORS_ARE_FATAL). Parallel layer.
 */
#ifndef FURROW_TRANSFER_H
#define FURROW_TRANSFER_H

#include "furrow.h"

/** Collective: `bytes` bytes of `root` to all. */
void furrow_broadcast(furrow_context_t *ctx, void *data, int64_t bytes, int root);

/** Blocking, between two ranks. The receiver must expect exactly the bytes that are sent. */
void furrow_send(furrow_context_t *ctx, const void *data, int64_t bytes, int to);
void furrow_receive(furrow_context_t *ctx, void *data, int64_t bytes, int from);

/** Collective, in place: every rank gets the sum, or the least, of each of `count` values. */
void furrow_sum_int64(furrow_context_t *ctx, int64_t *values, int64_t count);
void furrow_min_int64(furrow_context_t *ctx, int64_t *values, int64_t count);

/** Collective: the sum of `value` over all lower ranks; 0 on rank 0. */
int64_t furrow_sum_of_lower_ranks(furrow_context_t *ctx, int64_t value);

/** Collective: `value` of every rank, in `values[ranks]`, on all. */
void furrow_gather_int64(furrow_context_t *ctx, int64_t value, int64_t *values);

/** Small messages of one size between main threads, apart from all others. Blocking; of at most a few hundred bytes, so
 * that MPI takes them without waiting for the receiver. */
void furrow_send_mail(furrow_context_t *ctx, const void *mail, int64_t bytes, int to);

/** Take the next mail that has come, from any rank. False: there is none now. With one rank there never is. */
bool furrow_take_mail(furrow_context_t *ctx, void *mail, int64_t bytes, int *from);

#endif
