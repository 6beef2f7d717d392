/** \file decode_stb.h
 * Decoding by stb_image, of files that were checked: stb does not tell where a file ends early. Work layer; local.
 */
#ifndef FURROW_DECODE_STB_H
#define FURROW_DECODE_STB_H

#include "decode.h"

#define FURROW_STB_VERSION "stb_image"

/** Is a JPEG with arithmetic coding read? (libjpeg-turbo says so itself where it was built without.) */
#ifdef FURROW_HAVE_LIBJPEG
#define FURROW_READS_ARITHMETIC true
#else
#define FURROW_READS_ARITHMETIC false
#endif

/** All rows to the sink. \return FURROW_OK, FURROW_EFORMAT, FURROW_EBUDGET, FURROW_ENOMEM */
furrow_status_t furrow_stb_decode(const furrow_decode_job_t *job, furrow_error_t *err);

#endif
