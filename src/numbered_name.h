/** \file numbered_name.h
 * Names of numbered files. Work layer; local.
 */
#ifndef FURROW_NUMBERED_NAME_H
#define FURROW_NUMBERED_NAME_H

#include "status.h"

/** "part-00007.npy" for "part-%05d.npy" and 7. A pattern has one %d or %0Nd (N up to 18), and %% for a %.
 * \param[out] out  to be freed; NULL on failure
 * \return FURROW_OK, FURROW_EARG (another pattern), FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_numbered_name(const char *pattern, int64_t number, char **out,
                                                       furrow_error_t *err);

#endif
