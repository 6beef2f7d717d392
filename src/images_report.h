/** \file images_report.h
 * What a run over images has to tell. Work layer.
 */
#ifndef FURROW_IMAGES_REPORT_H
#define FURROW_IMAGES_REPORT_H

#include "images_plan.h"
#include "labels.h"
#include "notes.h"

/** Name one more reject. Local. \return FURROW_OK or FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_images_report_reject(furrow_images_report_t *report, int64_t index,
                                                              int64_t image, const char *text, furrow_error_t *err);

/** What the notes of `count` images, from `first` on, say: rejects and statistics. Local, on rank 0.
 * \return FURROW_OK, FURROW_EIO, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_images_report_notes(furrow_images_report_t *report,
                                                             const furrow_images_plan_t *plan, int64_t first,
                                                             int64_t count, const furrow_notes_t *notes,
                                                             furrow_pixel_stats_t *stats, furrow_error_t *err);

/** Which images have no labels, which labels no image. Local, on rank 0. \return FURROW_OK or FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_images_report_labels(furrow_images_report_t *report,
                                                              const furrow_images_plan_t *plan,
                                                              const furrow_labels_t *labels, furrow_error_t *err);

/** All that rank 0 knows, but for the lists, to all. Collective. */
void furrow_images_report_share(furrow_context_t *ctx, furrow_images_report_t *report);

#endif
