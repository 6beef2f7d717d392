/* Owns bells. One is a counter in memory that the ranks of a node share; the system lets a process sleep on it until
 * another one has changed it (a futex). */
#include "items_bell.h"

#include <linux/futex.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "furrow_pool.h"
#include "mem.h"
#include "transfer.h"

typedef struct {
    _Alignas(64) _Atomic uint32_t rings;
    _Atomic uint32_t sleeps; /* who is there to be woken */
} bell_t;

struct furrow_bells {
    bell_t alone; /* of a rank that shares no memory */
    furrow_node_array_t *shared;
    bell_t *own;
    bell_t **bell; /* [ranks]; NULL: does not hear */
    bool reach_all;
};

static furrow_status_t alloc_bells(furrow_context_t *ctx, furrow_bells_t **out, furrow_error_t *err)
{
    void *bells = NULL, *list = NULL;

    furrow_status_t status = furrow_alloc(1, sizeof **out, &bells, err);
    if (status == FURROW_OK) status = furrow_alloc(furrow_context_ranks(ctx), sizeof(bell_t *), &list, err);
    *out = bells;
    if (bells != NULL) (*out)->bell = list;
    return furrow_agree(ctx, status, err);
}

/* Who is on this node has a place in the memory of the node, in the order of ranks. Collective. */
static void share(furrow_context_t *ctx, furrow_bells_t *b)
{
    const furrow_nodes_t nodes = furrow_nodes(ctx);

    if (furrow_node_array_open(ctx, furrow_context_node_ranks(ctx), sizeof(bell_t), &b->shared, NULL) != FURROW_OK)
        return;
    bell_t *bell = furrow_node_array_data(b->shared);
    b->reach_all = true;
    for (int r = 0; r < nodes.ranks; r++) {
        if (furrow_is_on_node(&nodes, r))
            b->bell[r] = bell++;
        else
            b->reach_all = false;
    }
}

furrow_status_t furrow_bells_open(furrow_context_t *ctx, furrow_bells_t **out, furrow_error_t *err)
{
    const int rank = furrow_context_rank(ctx);
    furrow_bells_t *b;

    const furrow_status_t status = alloc_bells(ctx, &b, err);
    if (status == FURROW_OK) {
        b->reach_all = furrow_context_ranks(ctx) == 1;
        if (!b->reach_all) share(ctx, b);
        if (b->bell[rank] == NULL) b->bell[rank] = &b->alone;
        b->own = b->bell[rank];
    } else {
        furrow_bells_close(b);
        b = NULL;
    }
    *out = b;
    return status;
}

void furrow_bells_close(furrow_bells_t *b)
{
    if (b == NULL) return;
    furrow_node_array_free(b->shared);
    free(b->bell);
    free(b);
}

bool furrow_bells_reach_all(const furrow_bells_t *b)
{
    return b->reach_all;
}

uint32_t furrow_bells_rings(const furrow_bells_t *b)
{
    return atomic_load(&b->own->rings);
}

/* Who sleeps says so first and looks at the counter then; who rings does both the other way round: one of them sees the
 * other. */
void furrow_bells_ring(furrow_bells_t *b, int rank)
{
    bell_t *bell = b->bell[rank];

    if (bell == NULL) return;
    atomic_fetch_add(&bell->rings, 1);
    if (atomic_load(&bell->sleeps) != 0) (void)syscall(SYS_futex, &bell->rings, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void furrow_bells_wait(furrow_bells_t *b, uint32_t rings, double longest)
{
    const double whole = floor(longest);
    const struct timespec time = {(time_t)whole, (long)(1e9 * (longest - whole))};

    atomic_store(&b->own->sleeps, 1);
    if (atomic_load(&b->own->rings) == rings)
        (void)syscall(SYS_futex, &b->own->rings, FUTEX_WAIT, rings, &time, NULL, 0);
    atomic_store(&b->own->sleeps, 0);
}
