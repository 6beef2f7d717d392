/** \file contact.h
 * The contact sheet: small pictures of all images on one, to be looked at.
 */
#ifndef FURROW_CONTACT_H
#define FURROW_CONTACT_H

#include "images_show.h"

enum { CONTACT_MAX = 1000 /* images on a sheet */ };

/** Write a sheet of the first images, PNG. On rank 0, with its threads; decodes them again, small. Those that were
 * rejected are red, with their names.
 * \return FURROW_OK, FURROW_EIO, FURROW_ENOMEM */
furrow_status_t contact_write(const char *path, const cli_t *cli, const images_shown_t *shown, furrow_error_t *err);

#endif
