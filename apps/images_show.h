/** \file images_show.h
 * What `furrow images` prints.
 */
#ifndef FURROW_IMAGES_SHOW_H
#define FURROW_IMAGES_SHOW_H

#include <furrow_images.h>

#include "cli.h"

typedef struct images_shown {
    const char *output; /* NULL: statistics only */
    const furrow_images_opts_t *opts;
    const furrow_listing_t *listing;
    const furrow_images_report_t *report;
    double seconds; /* of the call */
} images_shown_t;

/** On rank 0: as JSON, or as text. */
furrow_status_t images_show(const cli_t *cli, const images_shown_t *shown, furrow_error_t *err);

/** A name without its folder. */
const char *images_file_of(const char *name);

#endif
