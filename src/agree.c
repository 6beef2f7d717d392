/* Owns agreement: the only place where the statuses of ranks meet. */
#include <unistd.h>

#include "context.h"
#include "status.h"
#include "transfer.h"

/* Files and memory are those of a host; what else fails would fail anywhere. */
static bool depends_on_host(furrow_status_t status)
{
    return status == FURROW_EIO || status == FURROW_EFORMAT || status == FURROW_ETRUNCATED || status == FURROW_ENOMEM;
}

static void name_host(const furrow_context_t *ctx, furrow_error_t *err)
{
    const bool several = ctx->node_ranks > 0 && ctx->node_ranks < ctx->ranks;

    if (several && depends_on_host(err->status) && err->host[0] == '\0')
        (void)gethostname(err->host, sizeof err->host - 1);
}

static _Thread_local bool is_beside;

void furrow_work_beside(void)
{
    is_beside = true;
}

furrow_status_t furrow_agree(furrow_context_t *ctx, furrow_status_t status, furrow_error_t *err)
{
    struct {
        int status, rank;
    } mine = {status, ctx->rank}, worst = mine;
    furrow_error_t shared = {.status = status};

    if (is_beside)
        return furrow_fail(err, FURROW_EARG,
                           "collective functions are not for items, callbacks and the body of a pool");
    if (status != FURROW_OK) {
        if (err != NULL) shared = *err;
        if (err == NULL || err->text[0] == '\0') furrow_fail(&shared, status, "%s", furrow_status_text(status));
        shared.status = status;
        if (shared.rank == 0) { /* else it was agreed on before: keep the rank that failed */
            shared.rank = ctx->rank;
            name_host(ctx, &shared);
        }
    }
    (void)furrow_pulse_use(furrow_context_main_slot(ctx)); /* with several contexts: it is now about this one */
    FURROW_WAITING(ctx, "an agreement", FURROW_WAITS_FOR_SOME);
    if (ctx->uses_mpi) {
        furrow_meet(ctx);
        MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MINLOC, ctx->comm);
        if (worst.status != FURROW_OK) MPI_Bcast(&shared, (int)sizeof shared, MPI_BYTE, worst.rank, ctx->comm);
    }
    if (err != NULL && worst.status != FURROW_OK) *err = shared;
    return (furrow_status_t)worst.status;
}
