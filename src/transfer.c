/* Owns data movement between ranks. */
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "context.h"
#include "mem.h"

#ifndef FURROW_MESSAGE_MAX
#define FURROW_MESSAGE_MAX (INT64_C(1) << 30)
#endif

enum { DATA_TAG = 1, MAIL_TAG = 2, PARCEL_TAG = 3, PULSE_TAG = 4 };

/* A message with a mail is [head][mail], and [parcel] where all fits into this. More could make MPI wait for the
 * receiver. */
typedef struct {
    int64_t run;          /* of mails */
    int64_t parcel_bytes; /* -1: none */
} mail_head_t;

enum { MAIL_ROOM = FURROW_MESSAGE_MAX < 1024 ? FURROW_MESSAGE_MAX : 1024, MAIL_HEAD = sizeof(mail_head_t) };
enum { PARCEL_PIECE = FURROW_MESSAGE_MAX < 1 << 20 ? FURROW_MESSAGE_MAX : 1 << 20 };

static int64_t piece(int64_t left)
{
    return left < FURROW_MESSAGE_MAX ? left : FURROW_MESSAGE_MAX;
}

void furrow_broadcast(furrow_context_t *ctx, void *data, int64_t bytes, int root)
{
    char *at = data;

    FURROW_WAITING(ctx, "a broadcast", FURROW_WAITS_FOR_SOME);
    for (; ctx->uses_mpi && bytes > 0; at += piece(bytes), bytes -= piece(bytes))
        MPI_Bcast(at, (int)piece(bytes), MPI_BYTE, root, ctx->comm);
}

void furrow_send(furrow_context_t *ctx, const void *data, int64_t bytes, int to)
{
    const char *at = data;

    FURROW_WAITING(ctx, "sending data", to);
    for (; bytes > 0; at += piece(bytes), bytes -= piece(bytes))
        MPI_Send(at, (int)piece(bytes), MPI_BYTE, to, DATA_TAG, ctx->comm);
}

void furrow_receive(furrow_context_t *ctx, void *data, int64_t bytes, int from)
{
    char *at = data;
    int there = !ctx->shares_pulse;

    FURROW_WAITING(ctx, "receiving data", from);
    for (; there == 0; (void)furrow_share_pulse(ctx)) MPI_Iprobe(from, DATA_TAG, ctx->comm, &there, MPI_STATUS_IGNORE);
    for (; bytes > 0; at += piece(bytes), bytes -= piece(bytes))
        MPI_Recv(at, (int)piece(bytes), MPI_BYTE, from, DATA_TAG, ctx->comm, MPI_STATUS_IGNORE);
}

static void reduce_int64(furrow_context_t *ctx, int64_t *values, int64_t count, MPI_Op op)
{
    const int64_t step = FURROW_MESSAGE_MAX / (int64_t)sizeof *values;

    if (!ctx->uses_mpi) return;
    FURROW_WAITING(ctx, "a sum over ranks", FURROW_WAITS_FOR_SOME);
    for (int64_t done = 0; done < count; done += step) {
        const int64_t now = count - done < step ? count - done : step;
        MPI_Allreduce(MPI_IN_PLACE, values + done, (int)now, MPI_INT64_T, op, ctx->comm);
    }
}

void furrow_sum_int64(furrow_context_t *ctx, int64_t *values, int64_t count)
{
    reduce_int64(ctx, values, count, MPI_SUM);
}

void furrow_min_int64(furrow_context_t *ctx, int64_t *values, int64_t count)
{
    reduce_int64(ctx, values, count, MPI_MIN);
}

int64_t furrow_sum_of_lower_ranks(furrow_context_t *ctx, int64_t value)
{
    int64_t sum = 0;

    FURROW_WAITING(ctx, "a sum over ranks", FURROW_WAITS_FOR_SOME);
    if (ctx->uses_mpi) MPI_Exscan(&value, &sum, 1, MPI_INT64_T, MPI_SUM, ctx->comm);
    return ctx->rank == 0 ? 0 : sum; /* MPI leaves rank 0's result undefined */
}

void furrow_gather_int64(furrow_context_t *ctx, int64_t value, int64_t *values)
{
    FURROW_WAITING(ctx, "a message from all ranks", FURROW_WAITS_FOR_SOME);
    if (ctx->uses_mpi)
        MPI_Allgather(&value, 1, MPI_INT64_T, values, 1, MPI_INT64_T, ctx->comm);
    else
        values[0] = value;
}

furrow_nodes_t furrow_nodes(const furrow_context_t *ctx)
{
    return (furrow_nodes_t){ctx->ranks, ctx->node_leader, ctx->leader_of};
}

/* ------------------------------------------------------------------- pulse */

/* Other ranks tell rank 0 of what they finished, not of what they heard, or it would go round for ever; rank 0 tells
 * all of both. */
static const double seconds_between_pulses = 1.0;

static void take_pulses(furrow_context_t *ctx)
{
    MPI_Status facts;
    char pulse;

    for (int there = 1;; ctx->pulses_taken++) {
        MPI_Iprobe(MPI_ANY_SOURCE, PULSE_TAG, ctx->comm, &there, &facts);
        if (there == 0) return;
        MPI_Recv(&pulse, 1, MPI_BYTE, facts.MPI_SOURCE, PULSE_TAG, ctx->comm, MPI_STATUS_IGNORE);
        atomic_fetch_add(&ctx->progress->board.heard, 1);
    }
}

static void send_pulses(furrow_context_t *ctx)
{
    const int first = ctx->rank == 0 ? 1 : 0, stop = ctx->rank == 0 ? ctx->ranks : 1;

    FURROW_WAITING(ctx, "sending a sign of life", FURROW_WAITS_FOR_SOME);
    for (int to = first; to < stop; to++) MPI_Send("", 1, MPI_BYTE, to, PULSE_TAG, ctx->comm);
    ctx->pulses_sent++;
}

bool furrow_share_pulse(furrow_context_t *ctx)
{
    if (!ctx->shares_pulse) return false;
    const double now = furrow_seconds();
    if (now < ctx->next_share) return false;
    ctx->next_share = now + seconds_between_pulses;
    take_pulses(ctx);
    const int64_t own = furrow_board_beats(&ctx->progress->board);
    const int64_t heard = ctx->rank == 0 ? atomic_load(&ctx->progress->board.heard) : 0;
    if (own + heard == ctx->shared_beats) return true;
    ctx->shared_beats = own + heard;
    send_pulses(ctx);
    return true;
}

void furrow_meet(furrow_context_t *ctx)
{
    MPI_Request all;
    int there = 0;

    if (!ctx->shares_pulse) return;
    MPI_Ibarrier(ctx->comm, &all);
    for (;; (void)furrow_share_pulse(ctx)) {
        MPI_Test(&all, &there, MPI_STATUS_IGNORE);
        if (there != 0) return;
    }
}

void furrow_settle_pulses(furrow_context_t *ctx)
{
    int64_t sent[2] = {0, 0}; /* to rank 0; by it, to each */
    char pulse;

    if (!ctx->shares_pulse) return;
    sent[ctx->rank == 0] = ctx->pulses_sent;
    furrow_sum_int64(ctx, sent, 2);
    for (; ctx->pulses_taken < sent[ctx->rank != 0]; ctx->pulses_taken++)
        MPI_Recv(&pulse, 1, MPI_BYTE, MPI_ANY_SOURCE, PULSE_TAG, ctx->comm, MPI_STATUS_IGNORE);
    ctx->shares_pulse = false;
}

void furrow_context_share_pulse(furrow_context_t *ctx, bool share)
{
    int64_t all = share ? 1 : 0;

    if (furrow_agree(ctx, FURROW_OK, NULL) != FURROW_OK) return;
    furrow_min_int64(ctx, &all, 1);
    if (all == 0) furrow_settle_pulses(ctx);
    ctx->shares_pulse = all != 0 && ctx->ranks > 1;
}

/* ------------------------------------------------------------------- mails */

/* Parcels go in pieces of a size for which there is always room, even if only to drop them. */
static int64_t parcel_piece(int64_t left)
{
    return left < PARCEL_PIECE ? left : PARCEL_PIECE;
}

static bool fits_beside(int64_t parcel_bytes, int64_t mail_bytes)
{
    return parcel_bytes <= MAIL_ROOM - MAIL_HEAD - mail_bytes;
}

static MPI_Request *requests_of(furrow_parcel_t *parcel)
{
    return (MPI_Request *)(void *)((char *)parcel + furrow_whole_lines((int64_t)sizeof *parcel));
}

/* One piece of memory: the struct, room for the requests of its pieces, the data. */
furrow_status_t furrow_parcel_new(int64_t bytes, furrow_parcel_t **out, furrow_error_t *err)
{
    const int64_t pieces = bytes / PARCEL_PIECE + 1;
    const int64_t head =
        furrow_whole_lines((int64_t)sizeof **out) + furrow_whole_lines(pieces * (int64_t)sizeof(MPI_Request));
    void *memory = NULL;

    *out = NULL;
    if (bytes < 0 || bytes > INT64_MAX - head)
        return furrow_fail(err, FURROW_ENOMEM, "out of memory: %lld bytes", (long long)bytes);
    const furrow_status_t status = furrow_alloc_buffer(head + bytes, 1, &memory, err);
    if (status != FURROW_OK) return status;
    *out = memory;
    **out = (furrow_parcel_t){.data = (char *)memory + head, .bytes = bytes};
    return FURROW_OK;
}

void furrow_parcel_free(furrow_parcel_t *parcel)
{
    if (parcel == NULL || atomic_fetch_sub(&parcel->sharers, 1) > 0) return;
    free(parcel);
}

void furrow_parcel_share(furrow_parcel_t *parcel)
{
    (void)atomic_fetch_add(&parcel->sharers, 1);
}

/* The pieces start to leave; the parcel stays in a list until they have. */
static void post_parcel(furrow_context_t *ctx, furrow_parcel_t *parcel, int to)
{
    const char *at = parcel->data;

    for (int64_t left = parcel->bytes; left > 0; at += parcel_piece(left), left -= parcel_piece(left))
        MPI_Isend(at, (int)parcel_piece(left), MPI_BYTE, to, PARCEL_TAG, ctx->comm,
                  &requests_of(parcel)[parcel->requests++]);
    parcel->next = ctx->sending;
    ctx->sending = parcel;
}

void furrow_begin_mails(furrow_context_t *ctx)
{
    ctx->mail_run++;
}

void furrow_send_mail(furrow_context_t *ctx, const void *mail, int64_t bytes, furrow_parcel_t *parcel, int to)
{
    char message[MAIL_ROOM];
    const int64_t extra = parcel != NULL ? parcel->bytes : -1;
    const mail_head_t head = {ctx->mail_run, extra};
    const bool fits = fits_beside(extra, bytes);
    int64_t size = MAIL_HEAD + bytes;

    memcpy(message, &head, MAIL_HEAD);
    memcpy(message + MAIL_HEAD, mail, (size_t)bytes);
    if (extra > 0 && fits) {
        memcpy(message + size, parcel->data, (size_t)extra);
        size += extra;
    }
    MPI_Send(message, (int)size, MPI_BYTE, to, MAIL_TAG, ctx->comm);
    if (fits)
        furrow_parcel_free(parcel);
    else
        post_parcel(ctx, parcel, to);
}

/* Forget the parcels that have left. */
static void look_at_sending(furrow_context_t *ctx)
{
    furrow_parcel_t **at = &ctx->sending;

    while (*at != NULL) {
        furrow_parcel_t *parcel = *at;
        MPI_Request *request = requests_of(parcel);
        for (int there = 1; parcel->requests > 0 && there != 0; parcel->requests -= there != 0)
            MPI_Test(&request[parcel->requests - 1], &there, MPI_STATUS_IGNORE);
        if (parcel->requests > 0) {
            at = &parcel->next;
            continue;
        }
        *at = parcel->next;
        furrow_parcel_free(parcel);
    }
}

void furrow_finish_mails(furrow_context_t *ctx)
{
    FURROW_WAITING(ctx, "sending data", FURROW_WAITS_FOR_SOME);
    for (furrow_parcel_t *parcel = ctx->sending; parcel != NULL; parcel = parcel->next)
        for (; parcel->requests > 0; parcel->requests--)
            MPI_Wait(&requests_of(parcel)[parcel->requests - 1], MPI_STATUS_IGNORE);
    look_at_sending(ctx);
}

/* What there is no memory for must be received all the same. */
static void discard(furrow_context_t *ctx, int64_t bytes, int from)
{
    static char unwanted[PARCEL_PIECE];

    for (; bytes > 0; bytes -= parcel_piece(bytes))
        MPI_Recv(unwanted, (int)parcel_piece(bytes), MPI_BYTE, from, PARCEL_TAG, ctx->comm, MPI_STATUS_IGNORE);
}

/* A mail of this run, from `*from`; what was left of one before is dropped. */
static bool take_message(furrow_context_t *ctx, char *message, int64_t mail_bytes, mail_head_t *head, int *from)
{
    MPI_Status facts;

    for (int looks = 0, there; looks < 2;) {
        /* Open MPI answers first, and then looks at what has come. */
        MPI_Iprobe(MPI_ANY_SOURCE, MAIL_TAG, ctx->comm, &there, &facts);
        looks++;
        if (!there) continue;
        looks = 0;
        *from = facts.MPI_SOURCE;
        MPI_Recv(message, MAIL_ROOM, MPI_BYTE, *from, MAIL_TAG, ctx->comm, MPI_STATUS_IGNORE);
        memcpy(head, message, MAIL_HEAD);
        if (head->run == ctx->mail_run) return true;
        if (!fits_beside(head->parcel_bytes, mail_bytes)) discard(ctx, head->parcel_bytes, *from);
    }
    return false;
}

bool furrow_take_mail(furrow_context_t *ctx, void *mail, int64_t bytes, furrow_parcel_t *spare,
                      furrow_parcel_t **parcel, bool *lost, int *from)
{
    char message[MAIL_ROOM];
    mail_head_t head;

    *parcel = NULL;
    *lost = false;
    if (ctx->ranks == 1) return false;
    if (ctx->sending != NULL) look_at_sending(ctx);
    if (!take_message(ctx, message, bytes, &head, from)) return false;
    const int64_t extra = head.parcel_bytes;
    memcpy(mail, message + MAIL_HEAD, (size_t)bytes);
    if (extra < 0) return true;
    *lost = furrow_parcel_new(extra, parcel, NULL) != FURROW_OK;
    if (*lost && spare != NULL && extra <= spare->bytes) {
        *parcel = spare;
        *lost = false;
    }
    const bool fits = fits_beside(extra, bytes);
    if (!fits && *lost) discard(ctx, extra, *from);
    if (*lost) return true;
    if (fits && extra > 0) memcpy((*parcel)->data, message + MAIL_HEAD + bytes, (size_t)extra);
    for (int64_t at = 0; !fits && at < extra; at += parcel_piece(extra - at))
        MPI_Recv((*parcel)->data + at, (int)parcel_piece(extra - at), MPI_BYTE, *from, PARCEL_TAG, ctx->comm,
                 MPI_STATUS_IGNORE);
    return true;
}
