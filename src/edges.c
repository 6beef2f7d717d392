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

int furrow_edges_owner(int64_t byte, int ranks)
{
    return (int)(byte / FURROW_FILE_BLOCK % ranks);
}

/* ------------------------------------------------------------- of one part */

static bool is_own(const furrow_nodes_t *nodes, int64_t byte)
{
    return furrow_is_on_node(nodes, furrow_edges_owner(byte, nodes->ranks));
}

/* Where the block of this byte ends. */
static int64_t block_stop(int64_t byte, int64_t file_bytes)
{
    const int64_t left = FURROW_FILE_BLOCK - byte % FURROW_FILE_BLOCK;

    return left < file_bytes - byte ? byte + left : file_bytes;
}

/* How far from `at` on all may be written at once: blocks that are whole, or this host's anyway. */
static int64_t free_stop(const furrow_nodes_t *nodes, int64_t file_bytes, int64_t at, int64_t stop)
{
    while (at < stop) {
        const int64_t end = block_stop(at, file_bytes);
        if (!is_own(nodes, at) && (at % FURROW_FILE_BLOCK != 0 || end > stop)) break;
        at = furrow_least(end, stop);
    }
    return at;
}

static void advance(furrow_stretch_t *left, int64_t bytes)
{
    left->at += bytes;
    left->bytes -= bytes;
    left->data += bytes;
}

/* The edge that goes on with byte `at`, with memory up to the end of its block. That of one whole block serves for the
 * next, which is no longer. */
static furrow_status_t find_edge(const furrow_nodes_t *nodes, int64_t file_bytes, furrow_edges_t *edges, int64_t at,
                                 furrow_edge_t **out, furrow_error_t *err)
{
    furrow_edge_t *last = &edges->edge[1];
    const bool goes_on = last->data != NULL && last->data->bytes > 0;
    furrow_edge_t *edge = goes_on || at % FURROW_FILE_BLOCK == 0 ? last : &edges->edge[0];
    furrow_status_t status = FURROW_OK;

    *out = edge;
    if (edge->data != NULL && edge->data->bytes > 0) return FURROW_OK;
    edge->rank = furrow_edges_owner(at, nodes->ranks);
    edge->at = at;
    if (edge->data == NULL) status = furrow_parcel_new(block_stop(at, file_bytes) - at, &edge->data, err);
    if (status == FURROW_OK) edge->data->bytes = 0;
    return status;
}

furrow_status_t furrow_edges_step(const furrow_nodes_t *nodes, int64_t file_bytes, furrow_edges_t *edges,
                                  furrow_stretch_t *left, furrow_stretch_t *now, furrow_error_t *err)
{
    const int64_t at = left->at, stop = at + left->bytes, free_bytes = free_stop(nodes, file_bytes, at, stop) - at;
    furrow_edge_t *edge;

    *now = (furrow_stretch_t){at, free_bytes, left->data};
    if (free_bytes > 0) {
        advance(left, free_bytes);
        return FURROW_OK;
    }
    const furrow_status_t status = find_edge(nodes, file_bytes, edges, at, &edge, err);
    if (status != FURROW_OK) return status;
    const int64_t end = block_stop(at, file_bytes), count = furrow_least(end, stop) - at;
    memcpy(edge->data->data + edge->data->bytes, left->data, (size_t)count);
    edge->data->bytes += count;
    advance(left, count);
    if (edge == &edges->edge[1] && at + count == end) { /* a whole block after all */
        *now = (furrow_stretch_t){edge->at, edge->data->bytes, edge->data->data};
        edge->data->bytes = 0;
    }
    return FURROW_OK;
}

bool furrow_edges_any(const furrow_edges_t *edges)
{
    bool any = false;

    for (int i = 0; i < FURROW_EDGES; i++) any = any || (edges->edge[i].data != NULL && edges->edge[i].data->bytes > 0);
    return any;
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
