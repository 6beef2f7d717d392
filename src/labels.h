/** \file labels.h
 * Labels of images, from a table with one row per image. Work layer; local, for rank 0.
 *
 * A row belongs to the image whose name, or the end of whose name from some '/' on, is its key; or is so without the
 * part after the last '.'. So "train/cats/7.jpg" is found as itself, "cats/7.jpg", "7.jpg", "cats/7" or "7".
 */
#ifndef FURROW_LABELS_H
#define FURROW_LABELS_H

#include "furrow_images.h"
#include "grow.h"

typedef struct furrow_labels furrow_labels_t;

typedef struct furrow_labels_opts {
    const char *path;
    const char *key;     /* name of the column with the keys; NULL: the first */
    const char *columns; /* names between commas; NULL: all but the key */
    int64_t most_bytes;  /* a larger file is refused */
} furrow_labels_opts_t;

/** Read a table and join it to the images of a listing.
 * \param[in]  listing  borrowed
 * \return FURROW_OK, FURROW_EARG (no such column), FURROW_EFORMAT (with the line), FURROW_EMISMATCH (a key that fits
 *         two images, an image that two rows are for: says which), FURROW_EOVERFLOW, FURROW_EIO, FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_labels_open(const furrow_labels_opts_t *opts, const furrow_listing_t *listing,
                                                     furrow_labels_t **out, furrow_error_t *err);

/** The columns taken. One is numeric if at least one cell is a number and all others are, or are empty. */
int64_t furrow_labels_columns(const furrow_labels_t *labels);
const char *furrow_labels_name(const furrow_labels_t *labels, int64_t column);
bool furrow_labels_is_numeric(const furrow_labels_t *labels, int64_t column);

/** Whether an image of the listing has a row; its cell as it stands in the file, "" without one; its number, NaN
 * without one. */
bool furrow_labels_has(const furrow_labels_t *labels, int64_t image);
const char *furrow_labels_text(const furrow_labels_t *labels, int64_t image, int64_t column);
double furrow_labels_number(const furrow_labels_t *labels, int64_t image, int64_t column);

/** Rows without an image: how many, and the keys of the first, at most FURROW_NAMES_LISTED. */
int64_t furrow_labels_unused(const furrow_labels_t *labels);
const char *furrow_labels_unused_key(const furrow_labels_t *labels, int64_t i);

/** What they take in memory. */
int64_t furrow_labels_bytes(const furrow_labels_t *labels);

void furrow_labels_free(furrow_labels_t *labels);

#endif
