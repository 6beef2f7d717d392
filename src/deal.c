/* Owns the rounds in which data reaches ranks. */
#include "deal.h"

#include <stdlib.h>

#include "mem.h"
#include "transfer.h"

furrow_status_t furrow_deal_own(furrow_context_t *ctx, const furrow_deal_t *deal, furrow_error_t *err)
{
    const furrow_range_t own = furrow_split(deal->units, furrow_context_ranks(ctx), furrow_context_rank(ctx));
    void *buffer = NULL;

    furrow_status_t status =
        furrow_alloc_buffer(furrow_least(deal->piece, own.stop - own.start), deal->unit_bytes, &buffer, err);
    for (int64_t first = own.start; first < own.stop && status == FURROW_OK; first += deal->piece) {
        const int64_t count = furrow_least(deal->piece, own.stop - first);
        status = deal->read(deal->arg, first, count, buffer, err);
        if (status == FURROW_OK) status = deal->work(deal->arg, first, count, buffer, err);
    }
    free(buffer);
    return status;
}

/* The first number of a message about a piece is where it starts, or this. */
enum { END_OF_PIECES = -1 };

static void send_piece(furrow_context_t *ctx, const furrow_deal_t *deal, int64_t first, int64_t count,
                       const void *buffer, int to)
{
    const int64_t place[2] = {first, count};

    furrow_send(ctx, place, sizeof place, to);
    furrow_send(ctx, buffer, count * deal->unit_bytes, to);
}

/* Piece after piece to ranks 1, 2, ..., 0, 1, ...: rank 0 works while the others wait for nothing. */
static furrow_status_t root_deals(furrow_context_t *ctx, const furrow_deal_t *deal, void *buffer, furrow_error_t *err)
{
    const int ranks = furrow_context_ranks(ctx);
    furrow_status_t status = FURROW_OK;
    int to = 1 % ranks;

    for (int64_t first = 0; first < deal->units && status == FURROW_OK; first += deal->piece) {
        const int64_t count = furrow_least(deal->piece, deal->units - first);
        status = deal->read(deal->arg, first, count, buffer, err);
        if (status != FURROW_OK) break;
        if (to == 0)
            status = deal->work(deal->arg, first, count, buffer, err);
        else
            send_piece(ctx, deal, first, count, buffer, to);
        (void)furrow_share_pulse(ctx);
        to = (to + 1) % ranks;
    }
    for (int r = 1; r < ranks; r++) furrow_send(ctx, (int64_t[2]){END_OF_PIECES}, 2 * sizeof(int64_t), r);
    return status;
}

static furrow_status_t other_takes(furrow_context_t *ctx, const furrow_deal_t *deal, void *buffer, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;
    int64_t place[2];

    for (;;) {
        furrow_receive(ctx, place, sizeof place, 0);
        if (place[0] == END_OF_PIECES) return status;
        furrow_receive(ctx, buffer, place[1] * deal->unit_bytes, 0);
        if (status == FURROW_OK) status = deal->work(deal->arg, place[0], place[1], buffer, err);
    }
}

furrow_status_t furrow_deal_from_root(furrow_context_t *ctx, const furrow_deal_t *deal, furrow_error_t *err)
{
    void *buffer = NULL;

    furrow_status_t status =
        furrow_alloc_buffer(furrow_least(deal->piece, deal->units), deal->unit_bytes, &buffer, err);
    status = furrow_agree(ctx, status, err);
    if (status == FURROW_OK)
        status =
            furrow_context_rank(ctx) == 0 ? root_deals(ctx, deal, buffer, err) : other_takes(ctx, deal, buffer, err);
    free(buffer);
    return status;
}
