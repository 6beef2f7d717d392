/** \file furrow_images.h
 * Many images as one array: lists of files, a file of all of them, a loader of batches. Conventions as in furrow.h.
 */
#ifndef FURROW_IMAGES_H
#define FURROW_IMAGES_H

#include "furrow_image.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FURROW_NAMES_LISTED = 1000 }; /* of names of one kind, in reports */

/* --------------------------------------------------------------- listing */

/** Names of image files, in their order, the same on every rank. */
typedef struct furrow_listing furrow_listing_t;

/** List images. Collective over `ctx`; rank 0 alone looks at the sources and sends the names to all.
 *
 * A source is a folder (of its entries those that end as images do, .jpg, .png and so on, in any case; not hidden
 * ones), a file (whatever its name) or "@FILE" (one name per line; between zero bytes where there are any). The names,
 * `source/name`, are sorted bytewise; one that comes twice counts once. Whether a name can be read and is an image
 * shows when it is read.
 *
 * \param[in]  recursive  also the folders in folders; each once, however many symbolic links lead to it
 * \param[out] out        to be freed with furrow_listing_free()
 * \return FURROW_OK, FURROW_EEMPTY (no images), FURROW_EIO (a source that is missing, a folder that cannot be read),
 *         FURROW_EARG, FURROW_EOVERFLOW (a list of names above 1 GiB), FURROW_ENOMEM */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_listing_open(furrow_context_t *ctx, const char *const *sources,
                                                                 int64_t count, bool recursive, furrow_listing_t **out,
                                                                 furrow_error_t *err);

/** Local. */
FURROW_API int64_t furrow_listing_count(const furrow_listing_t *listing);

/** Name `index`, 0 <= index < count; lives as long as the listing. Local. */
FURROW_API const char *furrow_listing_name(const furrow_listing_t *listing, int64_t index);

/** Local. NULL is fine. */
FURROW_API void furrow_listing_free(furrow_listing_t *listing);

/* ---------------------------------------------------------------- images */

typedef enum furrow_on_error {
    FURROW_ON_ERROR_REJECT, /**< an image that cannot be read is named, its slot is zero, and the rest goes on */
    FURROW_ON_ERROR_KEEP,   /**< the same, but what can be decoded of a damaged JPEG counts, with a warning */
    FURROW_ON_ERROR_STOP    /**< the first ends the call */
} furrow_on_error_t;

/** Zero bytes, but for `image`, are the defaults. */
typedef struct furrow_images_opts {
    furrow_image_opts_t image; /**< FURROW_IMAGE_OPTS_INIT; without a size all images must have the same */
    bool shuffle;              /**< in the order of epoch `epoch` of `seed`, instead of that of the names */
    uint64_t seed, epoch;
    int64_t offset, limit; /**< only so many, 0: all, from place `offset` of that order on */
    furrow_on_error_t on_error;
    bool stats;                /**< also mean and standard deviation of the pixels */
    int64_t batch;             /**< > 0: one file for so many images; the path then has one %d or %05d for its number */
    bool resume;               /**< go on with an earlier run of the same job, if there is one */
    furrow_source_t source;    /**< ROOT: rank 0 alone reads, decodes and writes */
    const char *labels;        /**< a CSV file whose first line names its columns, or NULL */
    const char *label_key;     /**< the column that names images; NULL: the first */
    const char *label_columns; /**< names of columns, between commas; NULL: all but the key */
} furrow_images_opts_t;

/** An image that failed. */
typedef struct furrow_image_reject {
    int64_t index; /**< in the output; over all files of batches */
    int64_t image; /**< in the listing */
    char text[200];
} furrow_image_reject_t;

/** How it went; the same on all ranks but for what is on rank 0 alone, which is none elsewhere. To be freed with
 * furrow_images_report_free(). */
typedef struct furrow_images_report {
    int64_t images;   /**< in all */
    int64_t rejected; /**< of them */
    int64_t resumed;  /**< done by an earlier run */
    furrow_dtype_t dtype;
    int64_t shape[4]; /**< (images, height, width, channels) or (images, channels, height, width) */
    int64_t files;    /**< written: 1, or one for each batch */
    int64_t listed;   /**< on rank 0: the first rejects, at most FURROW_NAMES_LISTED */
    furrow_image_reject_t *list;
    int channels;            /**< with `stats` */
    double mean[3], std[3];  /**< of the pixels of all images that were not rejected, correctly rounded; of u1 from 0 to
                                 255, for f4 from 0 to 1, before opts.image.mean and std are applied; NaN without any */
    int64_t numeric_columns; /**< of the labels: those of `path`.labels.npy */
    int64_t unlabelled;      /**< images without a row of labels */
    int64_t unlabelled_listed;
    int64_t *unlabelled_list; /**< on rank 0: the first of them, as in the listing */
    int64_t unused_labels;    /**< rows of labels without an image in the listing */
    int64_t unused_listed;
    char **unused_list; /**< on rank 0: the keys of the first of them */
} furrow_images_report_t;

/** Which image of the listing stands at `index` of the output. Local; 0 <= index < images of the report. */
FURROW_API int64_t furrow_images_place(const furrow_listing_t *listing, const furrow_images_opts_t *opts,
                                       int64_t index);

FURROW_API void furrow_images_report_free(furrow_images_report_t *report);

/** Many images as one array in a file, or as batches in several. Collective over `ctx`.
 *
 * Images go to the threads of all ranks as those come free; each is read and decoded once. Beside OUT.npy stand
 *
 *     OUT.manifest.csv  index,path,status,height,width,channels,error and the columns of the labels. index is the
 *                       place in that file (with batches, each has its own manifest and labels). status is ok or
 *                       rejected, error why, or, of an image that is ok, what its decoder complained of; height, width
 *                       and channels are those of the picture, not of its slot
 *     OUT.labels.npy    f8 (images, columns): those columns of the labels that hold numbers, NaN where there is none
 *
 * A run that was stopped by furrow_context_cancel(), killed, or is out of disk leaves what is done in hidden files
 * beside the output; the same call with `resume`, on any ranks and threads, does the rest. Images that were rejected
 * are tried again.
 *
 * \param[in]  listing  the same on all ranks
 * \param[in]  path     of the output, not one of the images; NULL with `stats`: nothing is written
 * \param[out] report   filled on success; cleared otherwise
 * Memory  a quarter of the cap is for pictures that need much: one whose file and decoder need more is a reject, on any
 *         ranks and threads; the rest is, for each thread, a slot, a file and what the decoder needs
 * \return FURROW_OK (also with rejects); FURROW_EARG (opts, path); FURROW_EEMPTY (nothing selected);
 *         FURROW_EMISMATCH (images of different sizes, without a size; a label key that fits two images, two rows for
 *         one; `resume` of another job, or of images that have changed); FURROW_EBUDGET (the cap); FURROW_EFORMAT
 *         (labels, a ledger; without a size: no image can be read); FURROW_EIO, FURROW_ENOMEM, FURROW_ECANCELED; with
 *         FURROW_ON_ERROR_STOP also what furrow_image_decode() returns */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_images(furrow_context_t *ctx, const furrow_listing_t *listing,
                                                           const furrow_images_opts_t *opts, const char *path,
                                                           furrow_images_report_t *report, furrow_error_t *err);

/* --------------------------------------------------------------- batches */

/** A loader of batches: while the caller works on one, the next are decoded, by threads of its own. */
typedef struct furrow_batches furrow_batches_t;

/** A place in the sequence of batches; zero bytes are its beginning. Plain data, to be kept as one likes. */
typedef struct furrow_position {
    int64_t epoch, batch;
} furrow_position_t;

/** Zero bytes, but for `image` and `batch`, are the defaults. */
typedef struct furrow_batches_opts {
    furrow_image_opts_t image; /**< FURROW_IMAGE_OPTS_INIT; without a size all images must have the same */
    int64_t batch;             /**< images in a batch, over all ranks, at least 1 */
    bool drop_last;            /**< leave out a last batch that is smaller */
    bool whole;                /**< every rank gets all of each batch; else its section of it, as furrow_split() */
    bool shuffle;              /**< each epoch in its own order, of `seed`; else always in that of the names */
    uint64_t seed;
    int64_t epochs;          /**< how many there are; 0: 1 */
    furrow_position_t start; /**< where to begin, on any ranks: what furrow_batches_position() said */
    int64_t ahead;           /**< batches that are decoded before they are asked for; 0: 1 */
    furrow_on_error_t on_error;
} furrow_batches_opts_t;

/** Open a loader. Collective over `ctx`; afterwards the loader is local, and ranks may be at different batches.
 *
 * The order of epoch e is a function of (seed, e) alone: a keyed permutation, the same on any ranks.
 *
 * \param[in]  listing  must stay as long as the loader; every rank must see its files
 * Memory  ahead + 1 batches, or this rank's parts of them, beyond the cap of the context; within it as furrow_images()
 * \return as furrow_images() without an output; FURROW_EARG (a start that is beyond the end) */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_batches_open(furrow_context_t *ctx, const furrow_listing_t *listing,
                                                                 const furrow_batches_opts_t *opts,
                                                                 furrow_batches_t **out, furrow_error_t *err);

/** One batch, or this rank's part of it. Owned by the loader, and valid until the next call. */
typedef struct furrow_batch {
    furrow_position_t position; /**< of this batch */
    int64_t count;              /**< images here; may be 0 on some ranks */
    furrow_dtype_t dtype;
    int64_t shape[4];                  /**< (count, ...) */
    void *data;                        /**< aligned for vectors; may be changed by the caller */
    const int64_t *image;              /**< [count]: which of the listing */
    int64_t rejected;                  /**< of them: their slots are zero */
    const furrow_image_reject_t *list; /**< [rejected]: `index` counts within this part */
} furrow_batch_t;

/** The next batch: wait until it is decoded. Local; one thread at a time.
 *
 * \param[out] batch  unchanged on failure
 * \return FURROW_OK; FURROW_EEMPTY after the last; FURROW_ECANCELED; FURROW_ENOMEM; with FURROW_ON_ERROR_STOP what the
 *         first bad image deserves. After a failure every call fails so. */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_batches_next(furrow_batches_t *batches, furrow_batch_t *batch,
                                                                 furrow_error_t *err);

/** Where the next call of furrow_batches_next() stands: to be given as `start` to a loader of the same listing and
 * options, on any ranks. Local. */
FURROW_API furrow_position_t furrow_batches_position(const furrow_batches_t *batches);

/** Go to `position`, back or on, as if the loader had just been opened there: its memory stays, what it has decoded
 * ahead is given up, and the batch in hand is no longer valid. So the same pictures can be gone through again. Local;
 * one thread at a time.
 *
 * \return FURROW_OK; FURROW_EARG (beyond the end); after a failure of furrow_batches_next(), that failure */
FURROW_API FURROW_MUST_CHECK furrow_status_t furrow_batches_seek(furrow_batches_t *batches, furrow_position_t position,
                                                                 furrow_error_t *err);

/** Batches of an epoch. Local. */
FURROW_API int64_t furrow_batches_count(const furrow_batches_t *batches);

/** Local; waits for the images in work. NULL is fine. */
FURROW_API void furrow_batches_free(furrow_batches_t *batches);

#ifdef __cplusplus
}
#endif

#endif
