/** \file op.h
 * Finding an operation by its name. Work layer.
 */
#ifndef FURROW_OP_H
#define FURROW_OP_H

#include "furrow.h"

/** The index of `name` among `count` >= 1 names, or -1: then `nearest` is that of the likeliest. Local. */
int furrow_find_name(const char *name, const char *const *names, int count, int *nearest);

#endif
