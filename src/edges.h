/** \file edges.h
 * Which rank writes which bytes of a file that ranks of several hosts write. Work layer; local.
 *
 * On NFS a host that writes some bytes of a page may send the whole page, as it last saw it, and so take back what another
 * host wrote there. So a file is cut into blocks, from its first byte, and each block is written from one host. Where any
 * rank could write anything, each gets a section of whole blocks. Where a rank has a part that chance gave it, it writes
 * the blocks that lie in it whole; its edges belong to ranks that the number of the block alone tells, the same in every
 * run of so many ranks. An edge whose rank is on this host is no different from the rest. An element never lies in two
 * blocks.
 */
#ifndef FURROW_EDGES_H
#define FURROW_EDGES_H

#include "status.h"
#include "transfer.h"

/* A multiple of the pages of any machine, and what NFS and Lustre move at a time; tests make it small. */
#ifndef FURROW_FILE_BLOCK
#define FURROW_FILE_BLOCK (INT64_C(1) << 20)
#endif

enum { FURROW_EDGES = 2 };

/** Bytes of the file that rank `rank` of `ranks` writes, where all is free to choose: a section of whole blocks. */
furrow_range_t furrow_edges_section(int64_t file_bytes, int64_t ranks, int64_t rank);

/** The bytes of `part` before its first and after its last whole block, either of which may be none. A block that the file
 * ends in is whole without the rest. */
void furrow_edges_of(furrow_range_t part, int64_t file_bytes, furrow_range_t edge[FURROW_EDGES]);

/** Whose host writes the edges that lie in the block of this byte. */
int furrow_edges_owner(int64_t byte, int ranks);

/** Bytes for a rank on another host. */
typedef struct furrow_edge {
    int rank;
    int64_t at;            /* where in the file they go */
    furrow_parcel_t *data; /* NULL: there are none */
} furrow_edge_t;

/** Of one part. Zero bytes: none. */
typedef struct furrow_edges {
    furrow_edge_t edge[FURROW_EDGES];
} furrow_edges_t;

/** Which bytes of `part` are for other hosts, and memory for them. \return FURROW_OK, FURROW_ENOMEM (none are left) */
FURROW_MUST_CHECK furrow_status_t furrow_edges_open(const furrow_context_t *ctx, furrow_range_t part,
                                                    int64_t file_bytes, furrow_edges_t *edges, furrow_error_t *err);

/** Bytes `piece` of the part are there: what is for others is copied. \return the rest, for this rank */
furrow_range_t furrow_edges_take(furrow_edges_t *edges, furrow_range_t piece, const char *data);

/** Is there anything for others? */
bool furrow_edges_any(const furrow_edges_t *edges);

void furrow_edges_free(furrow_edges_t *edges);

/** Memory that edges of a file may take on this rank: of two parts for each thread, one that it works on and one on its
 * way, and of a block that came from another rank. 0 on one host. */
int64_t furrow_edges_bytes(const furrow_context_t *ctx, int64_t file_bytes);

#endif
