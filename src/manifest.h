/** \file manifest.h
 * What stands beside an output of images: the manifest, and the labels that are numbers. Work layer; local, on rank 0.
 */
#ifndef FURROW_MANIFEST_H
#define FURROW_MANIFEST_H

#include "images_plan.h"
#include "labels.h"
#include "notes.h"

/** "OUT" and `suffix` for "OUT.npy", to be freed; NULL if memory ran out. */
char *furrow_name_for(const char *path, const char *suffix);

/** Write the manifest of `count` images of the plan from `first` on, whole or not at all.
 * \param[in] labels  or NULL
 * \return FURROW_OK, FURROW_EIO, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_manifest_write(const furrow_images_plan_t *plan, const char *path,
                                                        int64_t first, int64_t count, const furrow_notes_t *notes,
                                                        const furrow_labels_t *labels, furrow_error_t *err);

/** Write the columns of numbers as f8 (count, columns). Labels without any leave no such file, not even an older one;
 * without labels nothing happens. */
FURROW_MUST_CHECK furrow_status_t furrow_labels_write(const furrow_images_plan_t *plan, const char *path, int64_t first,
                                                      int64_t count, const furrow_labels_t *labels,
                                                      furrow_error_t *err);

#endif
