/** \file images_plan.h
 * What a run over images is, settled before it begins: which image stands where, the shape of a slot, the share of the
 * memory. Work layer.
 */
#ifndef FURROW_IMAGES_PLAN_H
#define FURROW_IMAGES_PLAN_H

#include "furrow_images.h"
#include "images_memory.h"
#include "order.h"

typedef struct furrow_images_plan {
    furrow_context_t *ctx;
    const furrow_listing_t *listing;
    furrow_images_opts_t opts;
    furrow_image_opts_t image; /* with the size that was found */
    bool found_size;           /* it was; a picture of another size is then a reject */
    furrow_order_t order;
    int64_t count; /* images in all */
    bool on_root;
    int64_t shape[3], slot_bytes, slot_items;
    bool direct;                    /* there is memory to write the output directly, and it is worth it */
    int64_t own_bytes;              /* for each thread: for files, and as much for decoding */
    int64_t most_bytes;             /* for one picture, both together; if it needs more it is a reject */
    furrow_images_memory_t *memory; /* of this rank: `most_bytes` for whoever has too few of its own */
} furrow_images_plan_t;

/** Settle it. Collective; reads the headers of all images where they give the size. `path` is that of the output, NULL:
 * there is none. `reserved` bytes of the memory are taken on this rank. To be closed in any case.
 * \return as furrow_images() */
FURROW_MUST_CHECK furrow_status_t furrow_images_plan_make(furrow_context_t *ctx, const furrow_listing_t *listing,
                                                          const furrow_images_opts_t *opts, const char *path,
                                                          int64_t reserved, furrow_images_plan_t *plan,
                                                          furrow_error_t *err);

void furrow_images_plan_close(furrow_images_plan_t *plan);

/** Which image of the listing stands at `index`, 0 <= index < count. Local. */
int64_t furrow_images_at(const furrow_images_plan_t *plan, int64_t index);

/** Its name. Local. */
const char *furrow_images_name(const furrow_images_plan_t *plan, int64_t index);

/** Find the one size that all images have, and put it into plan->image; see images_probe.c. Collective. */
FURROW_MUST_CHECK furrow_status_t furrow_images_probe(furrow_images_plan_t *plan, furrow_error_t *err);

/** What an error says of image `name` after that name, which stands beside it anyway. Local. */
const char *furrow_images_reason(const char *name, const char *text);

/** Height and width of a picture as it is shown. Local. */
void furrow_images_size(const furrow_images_plan_t *plan, const furrow_image_info_t *info, int64_t *height,
                        int64_t *width);

#endif
