/** \file npy.h
 * The .npy header, in memory: parse and format. Knows nothing of files. Base layer.
 * Format: NumPy enhancement proposal 1 and numpy.lib.format (versions 1.0, 2.0, 3.0).
 */
#ifndef FURROW_NPY_H
#define FURROW_NPY_H

#include "status.h"

enum {
    FURROW_NPY_PREAMBLE = 12,       /* bytes that tell how long a header is, in the longest version */
    FURROW_NPY_HEADER_MAX = 1 << 20 /* longer headers are refused */
};

/** The number of bytes from the start of the file to the data, from the first bytes of the file. Local.
 *
 * \param[in]  bytes, size  the first bytes of the file, FURROW_NPY_PREAMBLE of them or all that the file has
 * \param[in]  path         for the text of errors
 * \return FURROW_OK, FURROW_EFORMAT (magic, version, cut short, longer than FURROW_NPY_HEADER_MAX) */
FURROW_MUST_CHECK furrow_status_t furrow_npy_header_size(const void *bytes, int64_t size, const char *path,
                                                         int64_t *header_size, furrow_error_t *err);

/** Parse a whole header: magic, version, dictionary. Local.
 *
 * Accepts the ways to write the dictionary that NumPy, under Python 2 and 3, and other writers use and NumPy reads:
 * keys in any order, any spaces, either quote, a trailing comma or none, Python 2's `L` after integers and `u` before
 * strings, padding to any multiple; of a key given twice the last value counts. The rest of Python's grammar (comments,
 * escapes, hexadecimal numbers, added parentheses) is FURROW_EFORMAT. The dictionary is parsed, never evaluated.
 *
 * A dtype may be an order and a code ("<f8", "|b1"), a code ("f8", "d", "?") or a name ("float64").
 *
 * \param[in]  size  what furrow_npy_header_size() gave; bytes beyond that are not looked at
 * \param[out] out   Unchanged on error. Beyond ndim the shape is 0. Even beside an axis of length 0 the product of the
 * other lengths and of the size of an element fits int64_t, as in NumPy: so does the size of any row; data_offset +
 * bytes fits as well. \return FURROW_OK, FURROW_EFORMAT, FURROW_EUNSUPPORTED (dtype, named), FURROW_ETRUNCATED (`size`
 * is less than the header promises), FURROW_EOVERFLOW (a negative length, too large a shape, more than FURROW_MAX_NDIM
 * axes) */
FURROW_MUST_CHECK furrow_status_t furrow_npy_parse(const void *bytes, int64_t size, const char *path, furrow_npy_t *out,
                                                   furrow_error_t *err);

enum { FURROW_NPY_FORMAT_MAX = 4096 };

/** Write the header that NumPy (1.23 and later) writes for a C-order array in this machine's byte order. Local.
 *
 * \param[in,out] npy     dtype, ndim and shape are read, all else is filled in. The version is 1.0: 64 axes fit.
 * \param[out]    buffer  FURROW_NPY_FORMAT_MAX bytes; the first npy->data_offset are the header
 * \return FURROW_OK, FURROW_EOVERFLOW (as furrow_npy_parse()), FURROW_EARG (ndim); `npy` is then unchanged */
FURROW_MUST_CHECK furrow_status_t furrow_npy_format(furrow_npy_t *npy, char *buffer, furrow_error_t *err);

#endif
