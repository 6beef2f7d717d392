/* Owns data movement between ranks. */
#include "transfer.h"

#include "context.h"

#ifndef FURROW_MESSAGE_MAX
#define FURROW_MESSAGE_MAX (INT64_C(1) << 30)
#endif

enum { DATA_TAG = 1, MAIL_TAG = 2 };

static int64_t piece(int64_t left)
{
    return left < FURROW_MESSAGE_MAX ? left : FURROW_MESSAGE_MAX;
}

void furrow_broadcast(furrow_context_t *ctx, void *data, int64_t bytes, int root)
{
    char *at = data;

    for (; ctx->uses_mpi && bytes > 0; at += piece(bytes), bytes -= piece(bytes))
        MPI_Bcast(at, (int)piece(bytes), MPI_BYTE, root, ctx->comm);
}

void furrow_send(furrow_context_t *ctx, const void *data, int64_t bytes, int to)
{
    const char *at = data;

    for (; bytes > 0; at += piece(bytes), bytes -= piece(bytes))
        MPI_Send(at, (int)piece(bytes), MPI_BYTE, to, DATA_TAG, ctx->comm);
}

void furrow_receive(furrow_context_t *ctx, void *data, int64_t bytes, int from)
{
    char *at = data;

    for (; bytes > 0; at += piece(bytes), bytes -= piece(bytes))
        MPI_Recv(at, (int)piece(bytes), MPI_BYTE, from, DATA_TAG, ctx->comm, MPI_STATUS_IGNORE);
}

static void reduce_int64(furrow_context_t *ctx, int64_t *values, int64_t count, MPI_Op op)
{
    const int64_t step = FURROW_MESSAGE_MAX / (int64_t)sizeof *values;

    if (!ctx->uses_mpi) return;
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

    if (ctx->uses_mpi) MPI_Exscan(&value, &sum, 1, MPI_INT64_T, MPI_SUM, ctx->comm);
    return ctx->rank == 0 ? 0 : sum; /* MPI leaves rank 0's result undefined */
}

void furrow_gather_int64(furrow_context_t *ctx, int64_t value, int64_t *values)
{
    if (ctx->uses_mpi)
        MPI_Allgather(&value, 1, MPI_INT64_T, values, 1, MPI_INT64_T, ctx->comm);
    else
        values[0] = value;
}

void furrow_send_mail(furrow_context_t *ctx, const void *mail, int64_t bytes, int to)
{
    MPI_Send(mail, (int)bytes, MPI_BYTE, to, MAIL_TAG, ctx->comm);
}

bool furrow_take_mail(furrow_context_t *ctx, void *mail, int64_t bytes, int *from)
{
    MPI_Status facts;
    int there = 0;

    if (ctx->ranks == 1) return false;
    MPI_Iprobe(MPI_ANY_SOURCE, MAIL_TAG, ctx->comm, &there, &facts);
    if (!there) return false;
    *from = facts.MPI_SOURCE;
    MPI_Recv(mail, (int)bytes, MPI_BYTE, *from, MAIL_TAG, ctx->comm, MPI_STATUS_IGNORE);
    return true;
}
