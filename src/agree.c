/* Owns agreement: the only place where the statuses of ranks meet. */
#include "context.h"
#include "status.h"

furrow_status_t furrow_agree(furrow_context_t *ctx, furrow_status_t status, furrow_error_t *err)
{
    struct {
        int status, rank;
    } mine = {status, ctx->rank}, worst = mine;
    furrow_error_t shared = {.status = status};

    if (status != FURROW_OK) {
        if (err != NULL) shared = *err;
        if (err == NULL || err->text[0] == '\0') furrow_fail(&shared, status, "%s", furrow_status_text(status));
        shared.status = status;
        if (shared.rank == 0) shared.rank = ctx->rank; /* else it was agreed on before: keep the rank that failed */
    }
    if (ctx->uses_mpi) {
        MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MINLOC, ctx->comm);
        if (worst.status != FURROW_OK) MPI_Bcast(&shared, (int)sizeof shared, MPI_BYTE, worst.rank, ctx->comm);
    }
    if (err != NULL && worst.status != FURROW_OK) *err = shared;
    return (furrow_status_t)worst.status;
}
