/* Owns the cut of shared files into blocks, and bytes that are for ranks of other hosts. */
#include "edges.h"

#include <string.h>

#include "mem.h"

_Static_assert(FURROW_FILE_BLOCK % 64 == 0, "the data of a file begin at a multiple of 64: elements lie in one block");

furrow_range_t furrow_edges_section(int64_t file_bytes, int64_t ranks, int64_t rank)
{
    const int64_t blocks = file_bytes / FURROW_FILE_BLOCK + (file_bytes % FURROW_FILE_BLOCK > 0 ? 1 : 0);
    const furrow_range_t own = furrow_split(blocks, ranks, rank);

    return (furrow_range_t){own.start == blocks ? file_bytes : own.start * FURROW_FILE_BLOCK,
                            own.stop == blocks ? file_bytes : own.stop * FURROW_FILE_BLOCK};
}

void furrow_edges_of(furrow_range_t part, int64_t file_bytes, furrow_range_t edge[FURROW_EDGES])
{
    const int64_t before = part.start % FURROW_FILE_BLOCK, to_block = before > 0 ? FURROW_FILE_BLOCK - before : 0;
    const int64_t after = part.stop == file_bytes ? 0 : part.stop % FURROW_FILE_BLOCK;
    const int64_t first = furrow_least(to_block, part.stop - part.start);
    const int64_t last = furrow_least(after, part.stop - part.start - first);

    edge[0] = (furrow_range_t){part.start, part.start + first};
    edge[1] = (furrow_range_t){part.stop - last, part.stop};
}

int furrow_edges_owner(int64_t byte, int ranks)
{
    return (int)(byte / FURROW_FILE_BLOCK % ranks);
}

/* ------------------------------------------------------------- of one part */

furrow_status_t furrow_edges_open(const furrow_context_t *ctx, furrow_range_t part, int64_t file_bytes,
                                  furrow_edges_t *edges, furrow_error_t *err)
{
    furrow_range_t range[FURROW_EDGES];
    furrow_status_t status = FURROW_OK;

    *edges = (furrow_edges_t){0};
    furrow_edges_of(part, file_bytes, range);
    for (int i = 0; i < FURROW_EDGES && status == FURROW_OK; i++) {
        furrow_edge_t *e = &edges->edge[i];
        const int64_t bytes = range[i].stop - range[i].start;
        e->rank = furrow_edges_owner(range[i].start, furrow_context_ranks(ctx));
        e->at = range[i].start;
        if (bytes > 0 && !furrow_shares_node(ctx, e->rank)) status = furrow_parcel_new(bytes, &e->data, err);
    }
    if (status != FURROW_OK) furrow_edges_free(edges);
    return status;
}

/* The part of both ranges; empty, but within neither, where there is none. */
static furrow_range_t common(furrow_range_t a, furrow_range_t b)
{
    const int64_t start = a.start > b.start ? a.start : b.start, stop = furrow_least(a.stop, b.stop);

    return (furrow_range_t){start, stop > start ? stop : start};
}

furrow_range_t furrow_edges_take(furrow_edges_t *edges, furrow_range_t piece, const char *data)
{
    furrow_range_t rest = piece;

    for (int i = 0; i < FURROW_EDGES; i++) {
        const furrow_edge_t *e = &edges->edge[i];
        if (e->data == NULL) continue;
        const furrow_range_t taken = common(piece, (furrow_range_t){e->at, e->at + e->data->bytes});
        if (taken.start == taken.stop) continue;
        memcpy(e->data->data + taken.start - e->at, data + taken.start - piece.start,
               (size_t)(taken.stop - taken.start));
        if (i == 0)
            rest.start = taken.stop;
        else
            rest.stop = taken.start;
    }
    return rest;
}

bool furrow_edges_any(const furrow_edges_t *edges)
{
    return edges->edge[0].data != NULL || edges->edge[1].data != NULL;
}

void furrow_edges_free(furrow_edges_t *edges)
{
    for (int i = 0; i < FURROW_EDGES; i++) furrow_parcel_free(edges->edge[i].data);
    *edges = (furrow_edges_t){0};
}

int64_t furrow_edges_bytes(const furrow_context_t *ctx, int64_t file_bytes)
{
    const int64_t of_part = furrow_least(FURROW_EDGES * FURROW_FILE_BLOCK, file_bytes);

    if (furrow_context_node_ranks(ctx) == furrow_context_ranks(ctx)) return 0;
    return 2 * furrow_context_threads(ctx) * of_part + furrow_least(FURROW_FILE_BLOCK, file_bytes);
}
