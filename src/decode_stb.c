/* Owns decoding by stb_image. Its memory counts against the limit of the decoder, by a count that is the thread's own
 * while it runs, for stb hands no context to the functions that allocate. */
#include "decode_stb.h"

#include <stdlib.h>
#include <string.h>

#include <stb/stb_image.h>

#include "decode_stb_memory.h"
#include "fault.h"

static _Thread_local int64_t stb_used, stb_limit; /* bytes; no limit below 0 */
static _Thread_local int64_t stb_needed; /* what the first refusal would have made of stb_used; 0: there was none */

/* Before each block stands its size, in a space that keeps the alignment. */
enum { HEAD = 64 };

void furrow_stb_free(void *block)
{
    if (block == NULL) return;
    char *head = (char *)block - HEAD;
    int64_t size;
    memcpy(&size, head, sizeof size);
    stb_used -= size;
    free(head);
}

void *furrow_stb_malloc(size_t bytes)
{
    const int64_t size = (int64_t)bytes;

    if (size < 0) return NULL;
    if (stb_limit >= 0 && size > stb_limit - stb_used) {
        if (stb_needed == 0) stb_needed = stb_used + size;
        return NULL;
    }
    if (furrow_fault_hits(FURROW_FAULT_ALLOC)) return NULL;
    char *head = calloc(1, bytes + HEAD); /* stb reads tables that a file has left out */
    if (head == NULL) return NULL;
    memcpy(head, &size, sizeof size);
    stb_used += size;
    return head + HEAD;
}

void *furrow_stb_realloc(void *block, size_t old_bytes, size_t bytes)
{
    void *larger = furrow_stb_malloc(bytes);

    if (larger == NULL) return NULL;
    if (block != NULL) memcpy(larger, block, old_bytes < bytes ? old_bytes : bytes);
    furrow_stb_free(block);
    return larger;
}

static furrow_status_t fail(const furrow_decode_job_t *job, furrow_error_t *err)
{
    const char *reason = stbi_failure_reason();

    if (reason == NULL) reason = "it cannot be decoded";
    if (strcmp(reason, "outofmem") != 0) return furrow_fail(err, FURROW_EFORMAT, "%s: %s", job->info->format, reason);
    if (stb_needed == 0) return furrow_fail(err, FURROW_ENOMEM, "%s: out of memory", job->info->format);
    return furrow_scratch_refuse(job->scratch, job->scratch->used + stb_needed, err);
}

static void give_rows(const furrow_decode_job_t *job, const uint8_t *pixels, furrow_pixels_t kind)
{
    const size_t width = (size_t)job->info->width, bytes = width * (size_t)furrow_pixels_channels(kind);

    for (int64_t y = 0; y < job->info->height; y++) {
        furrow_pixels_convert(kind, job->order, pixels + (size_t)y * bytes, width, furrow_sink_row(job->sink, y));
        furrow_sink_done(job->sink, y);
    }
}

furrow_status_t furrow_stb_decode(const furrow_decode_job_t *job, furrow_error_t *err)
{
    static const furrow_pixels_t kinds[] = {FURROW_PIXELS_GRAY, FURROW_PIXELS_GRAY_ALPHA, FURROW_PIXELS_RGB,
                                            FURROW_PIXELS_RGBA};
    const bool wants_luma = strcmp(job->info->format, "JPEG") == 0 && job->order == FURROW_PIXELS_TO_GRAY;
    int width, height, channels;

    if (job->file.count > INT32_MAX)
        return furrow_fail(err, FURROW_EUNSUPPORTED, "%s: files of more than 2 GiB are not read", job->info->format);
    stb_used = stb_needed = 0;
    stb_limit = job->scratch->limit == 0 ? -1 : job->scratch->limit - job->scratch->used;
    stbi_uc *pixels =
        stbi_load_from_memory(job->file.data, (int)job->file.count, &width, &height, &channels, wants_luma ? 1 : 0);
    furrow_status_t status = FURROW_OK;
    if (pixels == NULL)
        status = fail(job, err);
    else if (width != job->info->width || height != job->info->height)
        status = furrow_fail(err, FURROW_EFORMAT, "%s: two headers that contradict each other", job->info->format);
    else
        give_rows(job, pixels, wants_luma ? FURROW_PIXELS_GRAY : kinds[channels - 1]);
    stbi_image_free(pixels);
    return status;
}
