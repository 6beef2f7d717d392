/** \file images_work.h
 * One image: read, decoded, counted, on one thread. Work layer; local.
 */
#ifndef FURROW_IMAGES_WORK_H
#define FURROW_IMAGES_WORK_H

#include "images_plan.h"
#include "notes.h"

/** Where a picture goes, and then stays until it is written. */
typedef struct furrow_images_slot {
    void *data;   /* of plan->slot_bytes and FURROW_DIRECT_PAGE */
    int64_t mark; /* of furrow_put_from() */
} furrow_images_slot_t;

/** What one thread keeps from image to image. */
typedef struct furrow_images_worker {
    const furrow_images_plan_t *plan;
    furrow_image_decoder_t *decoder;
    void *file;
    int64_t file_room;
    int64_t lent;                 /* of the memory that threads share; 0: it has what is its own */
    int64_t needed;               /* what the last picture would have needed that was refused, file and decoder */
    furrow_images_slot_t slot[2]; /* as many as were asked for */
    int now;                      /* the one in use */
    uint8_t *bytes;               /* the same picture in u1, where the slot is f4 and statistics are wanted */
    furrow_pixel_stats_t stats;   /* of all images that it loaded */
} furrow_images_worker_t;

/** With so many slots of its own. \return FURROW_OK, FURROW_ENOMEM; to be closed in any case */
FURROW_MUST_CHECK furrow_status_t furrow_images_worker_open(const furrow_images_plan_t *plan, int slots,
                                                            furrow_images_worker_t *worker, furrow_error_t *err);

void furrow_images_worker_close(furrow_images_worker_t *worker);

/** Load image `image` of the listing into a slot. A failed one leaves it zero.
 *
 * \param[out] note  what is known; its state is REJECTED where the image is, with the reason
 * \return FURROW_OK, also of a reject; FURROW_ENOMEM; what the image deserves, with its name, where the plan says
 *         stop */
FURROW_MUST_CHECK furrow_status_t furrow_images_load(furrow_images_worker_t *worker, int64_t image, void *slot,
                                                     furrow_note_t *note, furrow_error_t *err);

#endif
