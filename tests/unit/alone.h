/* A context of one process, without MPI, and a folder: what tests of files begin and end with. */
#ifndef ALONE_H
#define ALONE_H

#include "files.h"
#include "furrow.h"

static furrow_context_t *ctx;

static int open_context(void **state)
{
    return furrow_context_open(NULL, &ctx, NULL) != FURROW_OK || make_folder(state);
}

static int close_context(void **state)
{
    furrow_context_close(ctx);
    return remove_folder(state);
}

#endif
