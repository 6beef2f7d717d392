/** \file transfer.h
 * Moving data between ranks: the only callers of MPI's data movement. Messages are cut at FURROW_MESSAGE_MAX bytes (1
 * GiB; tests make it small), so no count of MPI's ever passes 2^31. With one rank nothing happens. None can fail: an
 * error inside MPI ends the program (MPI_ERRORS_ARE_FATAL). Parallel layer.
 */
#ifndef FURROW_TRANSFER_H
#define FURROW_TRANSFER_H

#include <stdatomic.h>

#include "furrow.h"

/** What lets ranks hear of one another while they wait; nothing unless furrow_context_share_pulse() is in force.
 *
 * Main thread, now and then while it works and all the while it waits: tell others what was finished, hear of them.
 * At most once a second anything happens; true then. */
bool furrow_share_pulse(furrow_context_t *ctx);

/** Collective: wait for all ranks, hearing of them. */
void furrow_meet(furrow_context_t *ctx);

/** Collective, at the end: what was sent is received. */
void furrow_settle_pulses(furrow_context_t *ctx);

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

/** Which ranks share a node, and so memory and the cache of files: those with the same leader, the one whose
 * furrow_context_node_rank() is 0. */
typedef struct furrow_nodes {
    int ranks;
    int leader;           /* of this rank's */
    const int *leader_of; /* [ranks]; NULL: all share one. Of the context */
} furrow_nodes_t;

/** Local. */
furrow_nodes_t furrow_nodes(const furrow_context_t *ctx);

/** `rank` is on this rank's node. Local. */
static inline bool furrow_is_on_node(const furrow_nodes_t *nodes, int rank)
{
    return nodes->leader_of == NULL || nodes->leader_of[rank] == nodes->leader;
}

/** Bytes that travel with a mail: `data` is aligned to 64 bytes. */
typedef struct furrow_parcel {
    char *data;
    int64_t bytes;
    struct furrow_parcel *next; /* the rest is of the transfer layer */
    int64_t requests;
    _Atomic int64_t sharers; /* who must free it, beside one */
} furrow_parcel_t;

/** Local; any thread. The data is not zeroed. \return FURROW_OK, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_parcel_new(int64_t bytes, furrow_parcel_t **out, furrow_error_t *err);
void furrow_parcel_free(furrow_parcel_t *parcel);

/** It must be freed once more. Local; any thread. */
void furrow_parcel_share(furrow_parcel_t *parcel);

/** Small messages of one size between main threads, apart from all others, each with a parcel or NULL, which is taken
 * over. A mail is at most a few hundred bytes, so that MPI takes it without waiting for the receiver; large parcels
 * follow on their own, while this rank goes on: it never waits for a receiver. */
void furrow_send_mail(furrow_context_t *ctx, const void *mail, int64_t bytes, furrow_parcel_t *parcel, int to);

/** All ranks, and then a collective call in which they wait for one another, before the first mail: a run begins. What
 * was sent in the one before, and nobody took, is dropped when it comes. */
void furrow_begin_mails(furrow_context_t *ctx);

/** Take the next mail that has come, from any rank. False: there is none now. With one rank there never is.
 * \param[in]  spare   NULL, or what is used for a parcel that fits into it where there is no memory
 * \param[out] parcel  the receiver's, or NULL, or `spare` (whose `bytes` stay)
 * \param[out] lost    it had one, for which there was no memory */
bool furrow_take_mail(furrow_context_t *ctx, void *mail, int64_t bytes, furrow_parcel_t *spare,
                      furrow_parcel_t **parcel, bool *lost, int *from);

/** Wait until all parcels have left this rank. */
void furrow_finish_mails(furrow_context_t *ctx);

#endif
