/** \file furrow_images.h
 * Many images as one array: lists of files, a file of all of them, a loader of batches. Conventions as in furrow.h.
 */
#ifndef FURROW_IMAGES_H
#define FURROW_IMAGES_H

#include "furrow.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------------------------------- listing */

/** Names of image files, in their order, the same on every rank. */
typedef struct furrow_listing furrow_listing_t;

/** List images. Collective over `ctx`; rank 0 alone looks at the sources and sends the names to all.
 *
 * A source is a folder (of its entries those that end as images do, .jpg, .png and so on, in any case; not hidden
 * ones), a file (whatever its name) or "@FILE" (one name per line; between zero bytes where there are any). The names,
 * `source/name`, are sorted bytewise; one that comes twice counts once. Whether a name can be read and is an image
 * shows when it is read.
 *
 * \param[in]  recursive  also the folders in folders; each once, however many symbolic links lead to it
 * \param[out] out        to be freed with furrow_listing_free()
 * \return FURROW_OK, FURROW_EEMPTY (no images), FURROW_EIO (a source that is missing, a folder that cannot be read),
 *         FURROW_EARG, FURROW_EOVERFLOW (a list of names above 1 GiB), FURROW_ENOMEM */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_listing_open(furrow_context_t *ctx, const char *const *sources,
                                                                 int64_t count, bool recursive, furrow_listing_t **out,
                                                                 furrow_error_t *err);

/** Local. */
FURROW_API int64_t furrow_listing_count(const furrow_listing_t *listing);

/** Name `index`, 0 <= index < count; lives as long as the listing. Local. */
FURROW_API const char *furrow_listing_name(const furrow_listing_t *listing, int64_t index);

/** Local. NULL is fine. */
FURROW_API void furrow_listing_free(furrow_listing_t *listing);

#ifdef __cplusplus
}
#endif

#endif
