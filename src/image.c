/* Owns the public functions for one picture: checks, then decoder, plan and sink together. */
#include "furrow_image.h"

#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "image_sink.h"
#include "mem.h"

enum { DECODERS_MAX = 8 };

struct furrow_image_decoder {
    furrow_scratch_t scratch;
    void *state[DECODERS_MAX]; /* of each row of the table */
    furrow_sink_t sink;
};

/* --------------------------------------------------------------------------------------------------------- info */

static furrow_status_t check_bytes(const void *bytes, int64_t count, furrow_error_t *err)
{
    if (count >= 0 && (bytes != NULL || count == 0)) return FURROW_OK;
    return furrow_fail(err, FURROW_EARG, "no picture given: %lld bytes", (long long)count);
}

static furrow_status_t read_info(furrow_bytes_t file, const furrow_decoder_t **decoder, furrow_image_info_t *out,
                                 furrow_error_t *err)
{
    furrow_status_t status = furrow_decoder_find(file, decoder, err);

    if (status != FURROW_OK) return status;
    memset(out, 0, sizeof *out);
    out->format = (*decoder)->format;
    out->orientation = 1;
    return (*decoder)->info(file, out, err);
}

furrow_status_t furrow_image_info(const void *bytes, int64_t count, furrow_image_info_t *out, furrow_error_t *err)
{
    const furrow_decoder_t *decoder;
    furrow_image_info_t info;

    furrow_error_clear(err);
    furrow_status_t status = check_bytes(bytes, count, err);
    if (status == FURROW_OK && out == NULL) status = furrow_fail(err, FURROW_EARG, "no place for the answer");
    if (status == FURROW_OK) status = read_info((furrow_bytes_t){bytes, count}, &decoder, &info, err);
    if (status == FURROW_OK) *out = info;
    return status;
}

bool furrow_image_decoder_at(int i, const char **format, const char **library)
{
    const furrow_decoder_t *decoder = furrow_decoder_at(i);

    if (decoder == NULL) return false;
    *format = decoder->format;
    *library = decoder->library;
    return true;
}

/* ------------------------------------------------------------------------------------------------------ options */

static bool is_normal(const furrow_image_opts_t *opts)
{
    for (int c = 0; c < furrow_fit_channels(opts); c++)
        if (!(__builtin_isfinite(opts->mean[c]) && __builtin_isfinite(opts->std[c])) || opts->std[c] == 0.0f)
            return false;
    return true;
}

static bool is_among(int value, int last)
{
    return value >= 0 && value <= last;
}

static furrow_status_t check_opts(const furrow_image_opts_t *opts, furrow_error_t *err)
{
    if (opts->height < 0 || opts->width < 0 || (opts->height == 0) != (opts->width == 0) || opts->height > INT32_MAX ||
        opts->width > INT32_MAX)
        return furrow_fail(err, FURROW_EARG, "no size of a picture: %lldx%lld", (long long)opts->height,
                           (long long)opts->width);
    if (opts->dtype != FURROW_U1 && opts->dtype != FURROW_F4)
        return furrow_fail(err, FURROW_EARG, "pictures are of dtype u1 or f4");
    if (!is_among((int)opts->fit, FURROW_FIT_PAD) || !is_among((int)opts->filter, FURROW_FILTER_AREA) ||
        !is_among((int)opts->color, FURROW_GRAY) || !is_among((int)opts->layout, FURROW_NCHW) || opts->max_pixels < 0)
        return furrow_fail(err, FURROW_EARG, "an option of the picture is out of range");
    if (opts->dtype == FURROW_F4 && !is_normal(opts))
        return furrow_fail(err, FURROW_EARG, "mean and std must be finite, std not 0");
    return FURROW_OK;
}

static furrow_status_t shape_of(const furrow_image_info_t *info, const furrow_image_opts_t *opts, int64_t shape[3],
                                int64_t *bytes, furrow_error_t *err)
{
    const int channels = furrow_fit_channels(opts), planes = opts->layout == FURROW_NCHW;
    int64_t height, width, total;

    furrow_fit_size(info, opts, &height, &width);
    if (!furrow_multiply(height, width, &total) ||
        !furrow_multiply(total, channels * furrow_dtype_size(opts->dtype), &total))
        return furrow_fail(err, FURROW_EOVERFLOW, "a picture of %lldx%lld is too large", (long long)height,
                           (long long)width);
    shape[0] = planes ? channels : height;
    shape[1] = planes ? height : width;
    shape[2] = planes ? width : channels;
    *bytes = total;
    return FURROW_OK;
}

furrow_status_t furrow_image_shape(const furrow_image_info_t *info, const furrow_image_opts_t *opts, int64_t shape[3],
                                   int64_t *bytes, furrow_error_t *err)
{
    furrow_error_clear(err);
    if (opts == NULL || (info == NULL && opts->height == 0))
        return furrow_fail(err, FURROW_EARG, "neither a picture nor a size");
    const furrow_status_t status = check_opts(opts, err);
    return status == FURROW_OK ? shape_of(info, opts, shape, bytes, err) : status;
}

/* ------------------------------------------------------------------------------------------------------- decoder */

furrow_status_t furrow_image_decoder_open(int64_t memory_bytes, furrow_image_decoder_t **out, furrow_error_t *err)
{
    void *decoder = NULL;
    furrow_status_t status = FURROW_OK;

    furrow_error_clear(err);
    if (out != NULL) *out = NULL;
    if (memory_bytes < 0 || out == NULL)
        return furrow_fail(err, FURROW_EARG, "no decoder with %lld bytes", (long long)memory_bytes);
    status = furrow_alloc(1, (int64_t)sizeof(furrow_image_decoder_t), &decoder, err);
    if (status != FURROW_OK) return status;
    *out = decoder;
    (*out)->scratch.limit = memory_bytes;
    return FURROW_OK;
}

void furrow_image_decoder_close(furrow_image_decoder_t *decoder)
{
    if (decoder == NULL) return;
    for (int i = 0; furrow_decoder_at(i) != NULL; i++)
        if (furrow_decoder_at(i)->free_state != NULL) furrow_decoder_at(i)->free_state(decoder->state[i]);
    furrow_scratch_clear(&decoder->scratch);
    free(decoder);
}

furrow_scratch_t *furrow_image_decoder_scratch(furrow_image_decoder_t *decoder)
{
    return &decoder->scratch;
}

static void **state_of(furrow_image_decoder_t *decoder, const furrow_decoder_t *which)
{
    int i = 0;

    while (furrow_decoder_at(i) != which) i++;
    return &decoder->state[i];
}

/* -------------------------------------------------------------------------------------------------------- decode */

static furrow_status_t check_pixels(const furrow_image_info_t *info, const furrow_image_opts_t *opts,
                                    furrow_error_t *err)
{
    const int64_t most = opts->max_pixels > 0 ? opts->max_pixels : FURROW_IMAGE_MAX_PIXELS;

    if (info->height <= most / info->width) return FURROW_OK;
    return furrow_fail(err, FURROW_EOVERFLOW, "%s: %lldx%lld is more than %lld pixels", info->format,
                       (long long)info->height, (long long)info->width, (long long)most);
}

static furrow_status_t check_slot(const furrow_image_info_t *info, const furrow_image_opts_t *opts, int64_t slot_bytes,
                                  furrow_error_t *err)
{
    int64_t shape[3], bytes;
    const furrow_status_t status = shape_of(info, opts, shape, &bytes, err);

    if (status != FURROW_OK || bytes == slot_bytes) return status;
    return furrow_fail(err, FURROW_EMISMATCH, "a picture of %lldx%lld needs a slot of %lld bytes; this one has %lld",
                       (long long)info->height, (long long)info->width, (long long)bytes, (long long)slot_bytes);
}

static furrow_status_t run_once(furrow_image_decoder_t *decoder, const furrow_decoder_t *which, furrow_bytes_t file,
                                const furrow_image_opts_t *opts, void *slot, int64_t slot_bytes,
                                furrow_image_info_t *info, furrow_error_t *err)
{
    static const furrow_pixels_order_t orders[] = {FURROW_PIXELS_TO_RGB, FURROW_PIXELS_TO_BGR, FURROW_PIXELS_TO_GRAY};
    const furrow_fit_plan_t plan = furrow_fit_plan(info, opts, which->eighths);
    const furrow_decode_job_t job = {.file = file,
                                     .info = info,
                                     .order = orders[opts->color],
                                     .eighths = plan.eighths,
                                     .keep_damaged = opts->keep_damaged,
                                     .scratch = &decoder->scratch,
                                     .state = state_of(decoder, which),
                                     .sink = &decoder->sink,
                                     .warning = info->warning};

    furrow_status_t status =
        furrow_sink_open(&decoder->sink, &plan, opts, which->rows_at_once, slot, slot_bytes, &decoder->scratch, err);
    if (status == FURROW_OK) status = which->decode(&job, err);
    if (status == FURROW_OK && !furrow_sink_is_full(&decoder->sink))
        status = furrow_fail(err, FURROW_EFORMAT, "%s: the decoder gave %lld rows of %lld", info->format,
                             (long long)decoder->sink.rows, (long long)plan.y.in);
    return status;
}

/* Memory that is kept from the pictures before must not be what this one lacks. */
static furrow_status_t run(furrow_image_decoder_t *decoder, const furrow_decoder_t *which, furrow_bytes_t file,
                           const furrow_image_opts_t *opts, void *slot, int64_t slot_bytes, furrow_image_info_t *info,
                           furrow_error_t *err)
{
    const bool keeps_memory = decoder->scratch.used > 0;
    const furrow_status_t status = run_once(decoder, which, file, opts, slot, slot_bytes, info, err);

    if (status != FURROW_EBUDGET || !keeps_memory) return status;
    furrow_scratch_clear(&decoder->scratch);
    furrow_error_clear(err);
    info->warning[0] = '\0';
    return run_once(decoder, which, file, opts, slot, slot_bytes, info, err);
}

furrow_status_t furrow_image_decode(furrow_image_decoder_t *decoder, const void *bytes, int64_t count,
                                    const furrow_image_opts_t *opts, void *slot, int64_t slot_bytes,
                                    furrow_image_info_t *info, furrow_error_t *err)
{
    static const furrow_image_opts_t defaults = FURROW_IMAGE_OPTS_INIT;
    const furrow_bytes_t file = {bytes, count};
    const furrow_decoder_t *which = NULL;
    furrow_image_info_t found;

    furrow_error_clear(err);
    if (opts == NULL) opts = &defaults;
    if (decoder == NULL || slot == NULL || slot_bytes < 0)
        return furrow_fail(err, FURROW_EARG, "no decoder, or no slot for the picture");
    furrow_status_t status = check_bytes(bytes, count, err);
    if (status == FURROW_OK) status = check_opts(opts, err);
    if (status == FURROW_OK) status = read_info(file, &which, &found, err);
    if (status == FURROW_OK) status = check_pixels(&found, opts, err);
    if (status == FURROW_OK) status = check_slot(&found, opts, slot_bytes, err);
    if (status == FURROW_OK) status = run(decoder, which, file, opts, slot, slot_bytes, &found, err);
    if (status == FURROW_OK && info != NULL) *info = found;
    if (status != FURROW_OK) memset(slot, 0, (size_t)slot_bytes);
    return status;
}
