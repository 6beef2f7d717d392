/** \file listing_walk.h
 * Folders to names of files. Work layer; local.
 */
#ifndef FURROW_LISTING_WALK_H
#define FURROW_LISTING_WALK_H

#include "grow.h"

/** True if a name ends as those of images do, in any case. */
bool furrow_is_image_name(const char *name);

/** Add the names of images in `folder`, each ended by a zero byte, in no order: entries that are not hidden and end as
 * names of images do, whatever they are; `recursive`: also those of all folders in it. A folder that is reached more
 * than once, through symbolic links, is listed once: where it is, or, if that is outside, under the first link to it.
 * \return FURROW_OK, FURROW_EIO (a folder that cannot be read), FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_walk(const char *folder, bool recursive, furrow_grow_t *names,
                                              furrow_error_t *err);

#endif
