/** \file edges.h
 * Which rank writes which bytes of a file that ranks of several hosts write. Work layer; local.
 *
 * On NFS a host that writes some bytes of a page may send the whole page, as it last saw it, and so take back what
 * another host wrote there. So a file is cut into blocks, from its first byte, and each block is written from one host.
 * Where any rank could write anything, each gets a section of whole blocks. Where a rank has a part that chance gave
 * it, and may be cut short, it writes the blocks that lie in it whole; its edges belong to ranks that the number of the
 * block alone tells, the same in every run of so many ranks. An edge whose rank is on this host is no different from
 * the rest. An element never lies in two blocks.
 */
#ifndef FURROW_EDGES_H
#define FURROW_EDGES_H

#include "status.h"
#include "transfer.h"

/* A multiple of the pages of any machine, and what NFS and Lustre move at a time; tests make it small. */
#ifndef FURROW_FILE_BLOCK
#define FURROW_FILE_BLOCK (INT64_C(1) << 20)
#endif

/** Bytes of the file that rank `rank` of `ranks` writes, where all is free to choose: a section of whole blocks. */
furrow_range_t furrow_edges_section(int64_t file_bytes, int64_t ranks, int64_t rank);

/** Whose host writes the edges that lie in the block of this byte. */
int furrow_edges_owner(int64_t byte, int ranks);

/** Bytes, and where in the file they go. */
typedef struct furrow_stretch {
    int64_t at, bytes;
    const char *data;
} furrow_stretch_t;

/** Bytes for a rank on another host. */
typedef struct furrow_edge {
    int rank;
    int64_t at;
    furrow_parcel_t *data; /* NULL, or of 0 bytes: there are none */
} furrow_edge_t;

enum { FURROW_EDGES = 2 };

/** Of one part, as it is written from its first byte on: its beginning, if that is within a block, and the block that
 * it has come to, which is an edge until it is whole. Zero bytes: nothing yet. */
typedef struct furrow_edges {
    furrow_edge_t edge[FURROW_EDGES];
} furrow_edges_t;

/** A step with what is `left` of the next piece of a part: some of it is taken away, and kept in `edges`, or is to be
 * written by this rank, `now` (perhaps with what was kept before; perhaps nothing), before the next step.
 * \return FURROW_OK, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_edges_step(const furrow_nodes_t *nodes, int64_t file_bytes,
                                                    furrow_edges_t *edges, furrow_stretch_t *left,
                                                    furrow_stretch_t *now, furrow_error_t *err);

/** Is there anything for others? */
bool furrow_edges_any(const furrow_edges_t *edges);

void furrow_edges_free(furrow_edges_t *edges);

/** Memory that edges of a file may take on this rank: of two parts for each thread, one that it works on and one on its
 * way, and of a block that came from another rank. 0 on one host. */
int64_t furrow_edges_bytes(const furrow_context_t *ctx, int64_t file_bytes);

#endif
