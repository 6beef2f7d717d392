/** \file name_index.h
 * Images by the ends of their names. Work layer; local.
 */
#ifndef FURROW_NAME_INDEX_H
#define FURROW_NAME_INDEX_H

#include "furrow_images.h"
#include "status.h"

typedef struct furrow_name_index furrow_name_index_t;

/** \param[in] listing  borrowed. \return FURROW_OK or FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_name_index_open(const furrow_listing_t *listing, furrow_name_index_t **out,
                                                         furrow_error_t *err);

/** The images that a key may mean (see labels.h), the closest kind of match only: with the ending before without it,
 * the whole name before the end of one.
 * \param[out] first  up to two of them
 * \return how many there are */
int64_t furrow_name_index_find(const furrow_name_index_t *index, const char *key, int64_t first[2]);

void furrow_name_index_free(furrow_name_index_t *index);

#endif
