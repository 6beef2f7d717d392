/* Owns what a build and a machine are: the version, the kernels in use. */
#include "furrow.h"
#include "table.h"

const char *furrow_version(void)
{
    return FURROW_VERSION;
}

const char *furrow_kernels_name(void)
{
    return furrow_kernels()->name;
}
