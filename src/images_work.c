/* Owns what happens to one image. */
#include "images_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode.h"
#include "direct.h"
#include "file.h"
#include "mem.h"
#include "pixels.h"
#include "pulse.h"

furrow_status_t furrow_images_worker_open(const furrow_images_plan_t *plan, int slots, furrow_images_worker_t *w,
                                          furrow_error_t *err)
{
    void *bytes = NULL;

    *w = (furrow_images_worker_t){.plan = plan};
    furrow_status_t status = furrow_image_decoder_open(plan->own_bytes, &w->decoder, err);
    for (int i = 0; i < slots && status == FURROW_OK; i++)
        status = furrow_alloc_buffer(plan->slot_bytes + FURROW_DIRECT_PAGE, 1, &w->slot[i].data, err);
    if (status == FURROW_OK && plan->opts.stats && plan->image.dtype == FURROW_F4)
        status = furrow_alloc_buffer(plan->slot_items + FURROW_PIXELS_PADDING, 1, &bytes, err);
    w->bytes = bytes;
    return status;
}

void furrow_images_worker_close(furrow_images_worker_t *w)
{
    furrow_image_decoder_close(w->decoder);
    free(w->file);
    for (int i = 0; i < 2; i++) free(w->slot[i].data);
    free(w->bytes);
    *w = (furrow_images_worker_t){0};
}

/* -------------------------------------------------------------------- file */

static void free_file(furrow_images_worker_t *w)
{
    free(w->file);
    w->file = NULL;
    w->file_room = 0;
}

/* Room that is kept is a little more than needed, for the next file. */
static furrow_status_t make_room(furrow_images_worker_t *w, int64_t bytes, furrow_error_t *err)
{
    const int64_t own = w->plan->own_bytes;

    if (bytes <= w->file_room && w->file != NULL) return FURROW_OK;
    free_file(w);
    w->file_room = bytes > own ? bytes : furrow_least(bytes + bytes / 8, own);
    return furrow_alloc_buffer(w->file_room, 1, &w->file, err);
}

static furrow_status_t refuse(furrow_images_worker_t *w, int64_t needed, furrow_error_t *err)
{
    w->needed = needed;
    return furrow_fail(err, FURROW_EBUDGET,
                       "file and decoder need at least %lld bytes of memory and may have %lld: give --memory %lldM",
                       (long long)needed, (long long)w->plan->most_bytes, (long long)(needed >> 18) + 1);
}

static furrow_status_t read_open_file(furrow_images_worker_t *w, int fd, const char *name, int64_t bytes,
                                      furrow_note_t *note, furrow_error_t *err)
{
    struct stat facts;

    if (w->lent > 0 ? bytes >= w->lent : bytes > w->plan->own_bytes) return refuse(w, bytes + 1, err);
    const furrow_status_t status = make_room(w, bytes, err);
    if (status != FURROW_OK) return status;
    note->file_bytes = bytes;
    if (fstat(fd, &facts) == 0) note->file_time = facts.st_mtim.tv_sec * INT64_C(1000000000) + facts.st_mtim.tv_nsec;
    return furrow_file_read(fd, name, 0, w->file, bytes, err);
}

static furrow_status_t read_file(furrow_images_worker_t *w, const char *name, furrow_note_t *note, furrow_error_t *err)
{
    int64_t bytes;
    int fd;

    furrow_status_t status = furrow_file_open(name, &fd, &bytes, err);
    if (status != FURROW_OK) return status;
    status = read_open_file(w, fd, name, bytes, note, err);
    close(fd);
    return status;
}

/* ------------------------------------------------------------------ decode */

/* The slot of f4 from pixels of u1, as the decoder makes it. */
static void convert(const furrow_images_worker_t *w, float *slot)
{
    const furrow_images_plan_t *plan = w->plan;
    const bool interleaved = plan->image.layout == FURROW_NHWC;
    const int channels = (int)plan->shape[interleaved ? 2 : 0];
    const int64_t pixels = plan->slot_items / channels;
    const furrow_place_t place = {channels, interleaved ? channels : 1, interleaved ? 1 : pixels};
    float table[3 * 256];

    furrow_pixels_table_f4(channels, plan->image.mean, plan->image.std, table);
    furrow_pixels_place_f4(&place, table, w->bytes, (size_t)pixels, slot);
}

static furrow_status_t decode_counted(furrow_images_worker_t *w, void *slot, furrow_note_t *note,
                                      furrow_image_info_t *info, furrow_error_t *err)
{
    const furrow_images_plan_t *plan = w->plan;
    furrow_image_opts_t opts = plan->image;
    furrow_layout_t layout = opts.layout;
    void *pixels = slot;
    int64_t shape[3];

    memcpy(shape, plan->shape, sizeof shape);
    if (w->bytes != NULL) {
        opts.dtype = FURROW_U1;
        opts.layout = layout = FURROW_NHWC;
        pixels = w->bytes;
        if (plan->image.layout == FURROW_NCHW)
            shape[0] = plan->shape[1], shape[1] = plan->shape[2], shape[2] = plan->shape[0];
    }
    const furrow_status_t status =
        furrow_image_decode(w->decoder, w->file, note->file_bytes, &opts, pixels, plan->slot_items, info, err);
    if (status != FURROW_OK) return status;
    furrow_pixel_stats_add(&note->stats, layout, shape, pixels);
    furrow_pixel_stats_merge(&w->stats, &note->stats);
    if (w->bytes != NULL) convert(w, slot);
    return status;
}

/* Where the size is that of all images, one that has changed since must not be made to fit. */
static furrow_status_t check_size(const furrow_images_worker_t *w, const furrow_note_t *note, furrow_error_t *err)
{
    const furrow_images_plan_t *plan = w->plan;
    furrow_image_info_t info;
    int64_t height, width;

    if (!plan->found_size) return FURROW_OK;
    const furrow_status_t status = furrow_image_info(w->file, note->file_bytes, &info, err);
    if (status != FURROW_OK) return status;
    furrow_images_size(plan, &info, &height, &width);
    if (info.height > plan->image.max_pixels / info.width) return FURROW_OK; /* it has a better reason to be refused */
    if (height == plan->image.height && width == plan->image.width) return FURROW_OK;
    return furrow_fail(err, FURROW_EMISMATCH, "it is %lldx%lld, the others are %lldx%lld", (long long)height,
                       (long long)width, (long long)plan->image.height, (long long)plan->image.width);
}

static furrow_status_t decode(furrow_images_worker_t *w, void *slot, furrow_note_t *note, furrow_error_t *err)
{
    const furrow_images_plan_t *plan = w->plan;
    furrow_image_info_t info = {0};

    furrow_status_t status = check_size(w, note, err);
    if (status == FURROW_OK && plan->opts.stats) status = decode_counted(w, slot, note, &info, err);
    if (status == FURROW_OK && !plan->opts.stats)
        status = furrow_image_decode(w->decoder, w->file, note->file_bytes, &plan->image, slot, plan->slot_bytes, &info,
                                     err);
    if (status != FURROW_OK) return status;
    furrow_images_size(plan, &info, &note->height, &note->width);
    note->channels = info.channels;
    (void)snprintf(note->text, sizeof note->text, "%.*s", (int)sizeof note->text - 1, info.warning);
    return FURROW_OK;
}

static void put_reason(furrow_note_t *note, const char *name, const char *text)
{
    note->state = FURROW_NOTE_REJECTED;
    (void)snprintf(note->text, sizeof note->text, "%.*s", (int)sizeof note->text - 1, furrow_images_reason(name, text));
}

/* The size is known of a picture of the wrong one, too. */
static void put_size(furrow_images_worker_t *w, furrow_note_t *note)
{
    furrow_image_info_t info;

    if (furrow_image_info(w->file, note->file_bytes, &info, NULL) != FURROW_OK) return;
    furrow_images_size(w->plan, &info, &note->height, &note->width);
    note->channels = info.channels;
}

/* Within `lent` bytes of the memory that threads share, or, for 0, in what this one has of its own. */
static furrow_status_t load(furrow_images_worker_t *w, const char *name, int64_t lent, void *slot, furrow_note_t *note,
                            furrow_error_t *err)
{
    furrow_scratch_t *scratch = furrow_image_decoder_scratch(w->decoder);

    w->lent = lent;
    *note = (furrow_note_t){.state = FURROW_NOTE_DONE};
    furrow_status_t status = read_file(w, name, note, err);
    if (status == FURROW_OK) {
        FURROW_DOING("decoding", name);
        scratch->limit = lent == 0 ? w->plan->own_bytes : lent - note->file_bytes;
        status = decode(w, slot, note, err);
        if (status != FURROW_OK) put_size(w, note);
        if (status == FURROW_EBUDGET) status = refuse(w, note->file_bytes + scratch->needed, err);
    }
    if (status != FURROW_OK) memset(slot, 0, (size_t)w->plan->slot_bytes);
    return status;
}

/* The decoder begins with nothing, so that what it needs does not depend on the pictures before. */
static furrow_status_t load_lent(furrow_images_worker_t *w, const char *name, int64_t lent, void *slot,
                                 furrow_note_t *note, furrow_error_t *err)
{
    furrow_scratch_t *scratch = furrow_image_decoder_scratch(w->decoder);

    FURROW_DOING("waiting for memory for", name);
    furrow_images_memory_take(w->plan->memory, lent);
    furrow_scratch_clear(scratch);
    const furrow_status_t status = load(w, name, lent, slot, note, err);
    furrow_scratch_clear(scratch);
    if (w->file_room > w->plan->own_bytes) free_file(w);
    furrow_images_memory_give(w->plan->memory, lent);
    return status;
}

furrow_status_t furrow_images_load(furrow_images_worker_t *w, int64_t image, void *slot, furrow_note_t *note,
                                   furrow_error_t *err)
{
    const char *name = furrow_listing_name(w->plan->listing, image);
    const int64_t most = w->plan->most_bytes;
    furrow_error_t reason = {0};
    int64_t lent = 0;

    furrow_status_t status = load(w, name, 0, slot, note, &reason);
    while (status == FURROW_EBUDGET && lent < most) {
        lent = furrow_least(w->needed, most);
        status = load_lent(w, name, lent, slot, note, &reason);
    }
    if (status == FURROW_OK) return status;
    if (status == FURROW_ENOMEM) return furrow_fail(err, status, "%s", reason.text);
    put_reason(note, name, reason.text);
    if (w->plan->opts.on_error != FURROW_ON_ERROR_STOP) return FURROW_OK;
    return furrow_fail(err, status, "%.600s: %s", name, note->text);
}
