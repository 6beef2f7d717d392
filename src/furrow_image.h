/** \file furrow_image.h
 * Furrow: one picture from memory into its place in an array.
 *
 * A picture is told by its content, never by its name: JPEG, PNG, GIF (the first frame), BMP, TGA, PSD, PNM. All
 * functions are local; conventions are those of furrow.h. A decoder belongs to one thread at a time.
 *
 * What comes out, for every format and decoder: 8 bits a channel, 3 channels (`rgb`, `bgr`) or 1 (`gray`).
 *
 *     alpha, transparency    dropped, as Pillow's convert("RGB"): the colour that is stored, whatever it covers
 *     16 bits a channel      the high byte
 *     1, 2, 4 bits           scaled to 0..255; palettes are looked up; BMP's 5 and 6 bits within 1 of Pillow
 *     CMYK, YCCK             c k / 255 of Adobe's inverted channels, as Pillow
 *     gray from colour       0.299 R + 0.587 G + 0.114 B (ITU-R 601, as Pillow's convert("L")); of a JPEG its luma, as
 *                            cv2.IMREAD_GRAYSCALE
 *     gamma, ICC profiles    not applied, as in Pillow and OpenCV
 *     EXIF orientation       applied unless told otherwise, also that of PNG (eXIf), as ImageOps.exif_transpose
 *
 * Lossless formats give the same bytes in every build on every machine. JPEGs are as libjpeg-turbo makes them,
 * also where a decoder of Furrow's own is faster; in a build without it within 6 of that when decoded whole, which such
 * a build always does (see `full_decode`). */
#ifndef FURROW_IMAGE_H
#define FURROW_IMAGE_H

#include "furrow.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ info */

/** What the header of a picture says. Plain data. */
typedef struct furrow_image_info {
    const char *format;    /**< "JPEG", "PNG", "GIF", "BMP", "TGA", "PSD" or "PNM": a constant string */
    int64_t height, width; /**< in pixels, as stored: before the orientation is applied */
    int channels;          /**< as stored: 1 gray or palette, 2 gray and alpha, 3 colour, 4 colour and alpha, or CMYK */
    int bits;              /**< of a channel */
    int orientation;       /**< EXIF, 1 to 8; 1 where there is none. 5 to 8 exchange height and width */
    char warning[200];     /**< what the decoder complained of, though it gave a whole picture; "" if of nothing */
} furrow_image_info_t;

/** Read the header of a picture. Takes memory from nobody and reads no pixel.
 *
 * \param[in]  bytes  the file, `count` bytes
 * \param[out] out    unchanged on error
 * \return FURROW_OK, FURROW_EFORMAT (empty, no picture, a header that contradicts itself), FURROW_ETRUNCATED (it ends
 *         within the header), FURROW_EUNSUPPORTED (a format or a kind of it that is not read, by name) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_image_info(const void *bytes, int64_t count,
                                                               furrow_image_info_t *out, furrow_error_t *err);

/* --------------------------------------------------------------- options */

typedef enum furrow_fit {
    FURROW_FIT_STRETCH, /**< to height x width, as Pillow's resize */
    FURROW_FIT_CROP,    /**< cover height x width, cut what is over, evenly: ImageOps.fit */
    FURROW_FIT_PAD      /**< lie within height x width, centred on black: ImageOps.pad */
} furrow_fit_t;

/** Each but the last is Pillow's filter of that name, bit for bit, on the pixels that it is given (see `full_decode`);
 * within 1 where the orientation exchanges the axes, for pixels are turned last. */
typedef enum furrow_filter {
    FURROW_FILTER_AUTO,    /**< box where the picture shrinks along an axis, linear where it grows */
    FURROW_FILTER_NEAREST, /**< Image.NEAREST */
    FURROW_FILTER_BOX,     /**< Image.BOX: the mean of the pixels whose centres a pixel covers */
    FURROW_FILTER_LINEAR,  /**< Image.BILINEAR, which averages when shrinking (antialias) */
    FURROW_FILTER_CUBIC,   /**< Image.BICUBIC */
    FURROW_FILTER_LANCZOS, /**< Image.LANCZOS */
    FURROW_FILTER_AREA     /**< cv2.INTER_AREA when shrinking, within 1: pixels count by how much of them is covered */
} furrow_filter_t;

typedef enum furrow_color { FURROW_RGB, FURROW_BGR, FURROW_GRAY } furrow_color_t;

typedef enum furrow_layout {
    FURROW_NHWC, /**< (height, width, channels) */
    FURROW_NCHW  /**< (channels, height, width) */
} furrow_layout_t;

/** What to make of a picture. FURROW_IMAGE_OPTS_INIT is RGB of u1 as stored, (height, width, 3). */
typedef struct furrow_image_opts {
    int64_t height, width; /**< wanted, after the orientation is applied; both 0: as the picture is */
    furrow_fit_t fit;
    furrow_filter_t filter;
    furrow_color_t color;
    furrow_layout_t layout;
    furrow_dtype_t dtype;    /**< FURROW_U1, or FURROW_F4: (u1 / 255 - mean) / std, as torchvision */
    float mean[3], std[3];   /**< per channel of the output, in its order; for f4; std not 0 */
    bool ignore_orientation; /**< pixels as stored */
    bool full_decode;   /**< also decode a JPEG whole when a smaller picture is wanted. Else it is decoded at M/8 of its
                          size, the least M that is no smaller than what is wanted and fast: less time, and other pixels
                          than the filter makes of the whole picture, as Image.draft */
    bool keep_damaged;  /**< a JPEG that ends early or is corrupt counts as a picture with a warning; what is missing is
                          what libjpeg-turbo makes up (without it, such a file is refused all the same) */
    int64_t max_pixels; /**< larger pictures are refused; 0: FURROW_IMAGE_MAX_PIXELS */
} furrow_image_opts_t;

#define FURROW_IMAGE_MAX_PIXELS INT64_C(178956970) /**< Pillow's limit: 512 MiB of RGB */

#define FURROW_IMAGE_OPTS_INIT                                                                                         \
    {                                                                                                                  \
        0, 0, FURROW_FIT_STRETCH, FURROW_FILTER_AUTO, FURROW_RGB, FURROW_NHWC, FURROW_U1, {0.0f, 0.0f, 0.0f},          \
            {1.0f, 1.0f, 1.0f}, false, false, false, 0                                                                 \
    }

/** The shape of the slot: `shape` is (height, width, channels) or (channels, height, width), `bytes` its size.
 *
 * \param[in] info  may be NULL where `opts` has a size
 * \return FURROW_OK, FURROW_EARG (as furrow_image_decode()), FURROW_EOVERFLOW (the product) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_image_shape(const furrow_image_info_t *info,
                                                                const furrow_image_opts_t *opts, int64_t shape[3],
                                                                int64_t *bytes, furrow_error_t *err);

/* --------------------------------------------------------------- decode */

/** Memory that decoding needs, kept from one picture to the next so that none is asked for, and no page touched for the
 * first time, once it has seen the largest. */
typedef struct furrow_image_decoder furrow_image_decoder_t;

/** \param[in]  memory_bytes  what the decoder may use beside the slot; 0: no limit. Most pictures need some rows only;
 *                           progressive JPEGs and interlaced or BMP, TGA and PSD files need all their pixels.
 *  \param[out] out  to be closed with furrow_image_decoder_close()
 *  \return FURROW_OK, FURROW_EARG, FURROW_ENOMEM */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_image_decoder_open(int64_t memory_bytes,
                                                                       furrow_image_decoder_t **out,
                                                                       furrow_error_t *err);

/** NULL is fine. */
FURROW_API void furrow_image_decoder_close(furrow_image_decoder_t *decoder);

/** Decode one picture into its slot. Limits are checked before any memory is taken. JPEG pixels of the wanted size go
 * straight from the decoder to the slot.
 *
 * \param[in]  opts        NULL: FURROW_IMAGE_OPTS_INIT
 * \param[out] slot        slot_bytes bytes, exactly those of furrow_image_shape(); aligned for its dtype. All zero on
 *                         error, if it was not NULL.
 * \param[out] info        may be NULL; also has the warnings of the decoder. Unchanged on error.
 * \return FURROW_OK, FURROW_EARG (opts, slot), FURROW_EMISMATCH (slot_bytes), FURROW_EOVERFLOW (max_pixels), and what
 *         the picture deserves: FURROW_EFORMAT (no picture, corrupt), FURROW_ETRUNCATED (ends early),
 *         FURROW_EUNSUPPORTED, FURROW_EBUDGET (memory_bytes), FURROW_ENOMEM */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_image_decode(furrow_image_decoder_t *decoder, const void *bytes,
                                                                 int64_t count, const furrow_image_opts_t *opts,
                                                                 void *slot, int64_t slot_bytes,
                                                                 furrow_image_info_t *info, furrow_error_t *err);

/** Row i of the table of decoders, in the order in which they are tried: the format and what reads it, e.g. "JPEG",
 * "libjpeg-turbo 2.1.5". False after the last. The strings are constant. */
FURROW_API bool furrow_image_decoder_at(int i, const char **format, const char **library);

#ifdef __cplusplus
}
#endif

#endif
