/* Owns what happens to one image. */
#include "images_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "pixels.h"
#include "pulse.h"

furrow_status_t furrow_images_worker_open(const furrow_images_plan_t *plan, bool with_slot, furrow_images_worker_t *w,
                                          furrow_error_t *err)
{
    void *bytes = NULL;

    *w = (furrow_images_worker_t){.plan = plan};
    furrow_status_t status = furrow_image_decoder_open(plan->decoder_bytes, &w->decoder, err);
    if (status == FURROW_OK && with_slot) status = furrow_alloc_buffer(plan->slot_bytes, 1, &w->slot, err);
    if (status == FURROW_OK && plan->opts.stats && plan->image.dtype == FURROW_F4)
        status = furrow_alloc_buffer(plan->slot_items + FURROW_PIXELS_PADDING, 1, &bytes, err);
    w->bytes = bytes;
    return status;
}

void furrow_images_worker_close(furrow_images_worker_t *w)
{
    furrow_image_decoder_close(w->decoder);
    free(w->file);
    free(w->slot);
    free(w->bytes);
    *w = (furrow_images_worker_t){0};
}

/* -------------------------------------------------------------------- file */

static furrow_status_t make_room(furrow_images_worker_t *w, int64_t bytes, furrow_error_t *err)
{
    if (bytes <= w->file_room && w->file != NULL) return FURROW_OK;
    free(w->file);
    w->file = NULL;
    w->file_room = furrow_least(bytes + bytes / 8, w->plan->file_max);
    return furrow_alloc_buffer(w->file_room, 1, &w->file, err);
}

static furrow_status_t read_open_file(furrow_images_worker_t *w, int fd, const char *name, int64_t bytes,
                                      furrow_note_t *note, furrow_error_t *err)
{
    struct stat facts;

    if (bytes > w->plan->file_max)
        return furrow_fail(err, FURROW_EBUDGET, "%.600s: a file of %lld bytes; the memory cap leaves %lld", name,
                           (long long)bytes, (long long)w->plan->file_max);
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
    if (status != FURROW_OK) {
        memset(slot, 0, (size_t)plan->slot_bytes);
        return status;
    }
    furrow_pixel_stats_add(&note->stats, layout, shape, pixels);
    furrow_pixel_stats_merge(&w->stats, &note->stats);
    if (w->bytes != NULL) convert(w, slot);
    return status;
}

static furrow_status_t decode(furrow_images_worker_t *w, void *slot, furrow_note_t *note, furrow_error_t *err)
{
    const furrow_images_plan_t *plan = w->plan;
    furrow_image_info_t info = {0};

    const furrow_status_t status = plan->opts.stats
                                       ? decode_counted(w, slot, note, &info, err)
                                       : furrow_image_decode(w->decoder, w->file, note->file_bytes, &plan->image, slot,
                                                             plan->slot_bytes, &info, err);
    if (status != FURROW_OK) return status;
    furrow_images_size(plan, &info, &note->height, &note->width);
    note->channels = info.channels;
    (void)snprintf(note->text, sizeof note->text, "%.*s", (int)sizeof note->text - 1, info.warning);
    return FURROW_OK;
}

/* The reason without the name, which stands beside it. */
static void put_reason(furrow_note_t *note, const char *name, const char *text)
{
    const size_t length = strnlen(name, 600);
    const bool has_name = strncmp(text, name, length) == 0 && strncmp(text + length, ": ", 2) == 0;

    note->state = FURROW_NOTE_REJECTED;
    (void)snprintf(note->text, sizeof note->text, "%.*s", (int)sizeof note->text - 1,
                   has_name ? text + length + 2 : text);
}

/* The size is known of a picture of the wrong one, too. */
static void put_size(furrow_images_worker_t *w, furrow_note_t *note)
{
    furrow_image_info_t info;

    if (furrow_image_info(w->file, note->file_bytes, &info, NULL) != FURROW_OK) return;
    furrow_images_size(w->plan, &info, &note->height, &note->width);
    note->channels = info.channels;
}

furrow_status_t furrow_images_load(furrow_images_worker_t *w, int64_t image, void *slot, furrow_note_t *note,
                                   furrow_error_t *err)
{
    const char *name = furrow_listing_name(w->plan->listing, image);
    furrow_error_t reason = {0};

    *note = (furrow_note_t){.state = FURROW_NOTE_DONE};
    furrow_status_t status = read_file(w, name, note, &reason);
    if (status == FURROW_OK) {
        FURROW_DOING("decoding", name);
        status = decode(w, slot, note, &reason);
        if (status != FURROW_OK) put_size(w, note);
    } else {
        memset(slot, 0, (size_t)w->plan->slot_bytes);
    }
    if (status == FURROW_OK) return status;
    if (status == FURROW_ENOMEM) return furrow_fail(err, status, "%s", reason.text);
    put_reason(note, name, reason.text);
    if (w->plan->opts.on_error != FURROW_ON_ERROR_STOP) return FURROW_OK;
    return furrow_fail(err, status, "%.600s: %s", name, note->text);
}
