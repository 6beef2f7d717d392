/* Owns the fault points of test builds. */
#include "fault.h"

#ifdef FURROW_FAULTS

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[FURROW_FAULT_KINDS] = {"alloc", "open", "read",  "create",
                                                           "write", "sync", "rename"};

static atomic_long seen[FURROW_FAULT_KINDS];
static atomic_int this_rank;
static atomic_bool has_hit;

void furrow_fault_set_rank(int rank)
{
    atomic_store(&this_rank, rank);
}

bool furrow_fault_parts_nodes(void)
{
    return getenv("FURROW_FAULT_NODES") != NULL;
}

bool furrow_fault_reset(void)
{
    for (int kind = 0; kind < FURROW_FAULT_KINDS; kind++) atomic_store(&seen[kind], 0);
    return atomic_exchange(&has_hit, false);
}

bool furrow_fault_hits(furrow_fault_t kind)
{
    const char *wanted = getenv("FURROW_FAULT");
    char name[16];
    long nth;
    int rank;

    if (wanted == NULL || sscanf(wanted, "%15[a-z]:%ld:%d", name, &nth, &rank) != 3) return false;
    if (strcmp(name, kind_names[kind]) != 0 || rank != atomic_load(&this_rank)) return false;
    if (atomic_fetch_add(&seen[kind], 1) + 1 != nth) return false;
    atomic_store(&has_hit, true);
    errno = EIO;
    return true;
}

#else
typedef int furrow_fault_is_off_in_this_build;
#endif
