/* Owns the search for the size of images: their headers are read before the first is decoded, so that two sizes are an
 * error at once and not after an hour. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode_png.h"
#include "file.h"
#include "grow.h"
#include "images_plan.h"
#include "items.h"
#include "mem.h"
#include "transfer.h"

enum { HEAD_BYTES = 1 << 16, SIZE_BITS = 31 };

typedef struct {
    const furrow_images_plan_t *plan;
    int64_t *size; /* [images]: height and width, as shown; 0: not known here */
} probe_t;

/* The header in the first bytes of a file or, where it is longer, in all of it. */
static furrow_status_t read_info(const furrow_images_plan_t *plan, const char *name, furrow_image_info_t *info,
                                 furrow_error_t *err)
{
    const int64_t most = furrow_context_memory(plan->ctx) / 2 / furrow_context_threads(plan->ctx);
    furrow_grow_t file = {0};
    void *head = NULL;
    int64_t bytes;
    int fd;

    furrow_status_t status = furrow_file_open(name, &fd, &bytes, err);
    if (status != FURROW_OK) return status;
    const int64_t first = furrow_least(bytes, HEAD_BYTES);
    status = furrow_alloc_buffer(first, 1, &head, err);
    if (status == FURROW_OK) status = furrow_file_read(fd, name, 0, head, first, err);
    if (status == FURROW_OK) status = furrow_image_info(head, first, info, err);
    if (status == FURROW_OK && first < bytes && strcmp(info->format, "PNG") == 0)
        status = furrow_png_find_orientation(fd, name, bytes, &info->orientation, err);
    close(fd);
    free(head);
    if (status != FURROW_ETRUNCATED || first == bytes) return status;
    status = furrow_grow_read_file(&file, name, most, err);
    if (status == FURROW_OK) status = furrow_image_info(file.data, file.count, info, err);
    furrow_grow_free(&file);
    return status;
}

static furrow_status_t work(void *arg, int64_t first, int64_t count, int thread, furrow_made_t *made,
                            furrow_error_t *err)
{
    const probe_t *probe = arg;
    furrow_image_info_t info;
    int64_t height, width;

    (void)thread, (void)made, (void)err;
    for (int64_t i = first; i < first + count; i++) { /* what is a reject shows when it is decoded */
        if (read_info(probe->plan, furrow_images_name(probe->plan, i), &info, NULL) != FURROW_OK) continue;
        if (info.height > probe->plan->image.max_pixels / info.width) continue;
        furrow_images_size(probe->plan, &info, &height, &width);
        probe->size[i] = height << SIZE_BITS | width;
    }
    return FURROW_OK;
}

static furrow_status_t fail_two_sizes(const furrow_images_plan_t *plan, const int64_t *size, int64_t a, int64_t b,
                                      furrow_error_t *err)
{
    const int64_t mask = (INT64_C(1) << SIZE_BITS) - 1;
    const long long height = (long long)(size[a] >> SIZE_BITS), width = (long long)(size[a] & mask);

    return furrow_fail(err, FURROW_EMISMATCH,
                       "images of different sizes: %.300s is %lldx%lld, %.300s is %lldx%lld; give one size, such as "
                       "--size %lldx%lld",
                       furrow_images_name(plan, a), height, width, furrow_images_name(plan, b),
                       (long long)(size[b] >> SIZE_BITS), (long long)(size[b] & mask), height, width);
}

static furrow_status_t fail_none(const furrow_images_plan_t *plan, furrow_error_t *err)
{
    furrow_error_t reason = {.text = "it could be read now"};
    furrow_image_info_t info;
    const char *name = furrow_images_name(plan, 0);

    (void)!read_info(plan, name, &info, &reason);
    return furrow_fail(err, FURROW_EFORMAT, "none of %lld images can be read; the first, %.300s: %.300s",
                       (long long)plan->count, name, furrow_images_reason(name, reason.text));
}

/* Every rank holds the sizes of all. */
static furrow_status_t choose(furrow_images_plan_t *plan, const int64_t *size, furrow_error_t *err)
{
    int64_t first = 0, other;

    while (first < plan->count && size[first] == 0) first++;
    if (first == plan->count) return fail_none(plan, err);
    for (other = first; other < plan->count; other++)
        if (size[other] != 0 && size[other] != size[first]) return fail_two_sizes(plan, size, first, other, err);
    plan->found_size = true;
    plan->image.height = size[first] >> SIZE_BITS;
    plan->image.width = size[first] & ((INT64_C(1) << SIZE_BITS) - 1);
    return FURROW_OK;
}

furrow_status_t furrow_images_probe(furrow_images_plan_t *plan, furrow_error_t *err)
{
    void *size = NULL;

    furrow_status_t status = furrow_alloc(plan->count, sizeof(int64_t), &size, err);
    status = furrow_agree(plan->ctx, status, err);
    probe_t probe = {plan, size};
    const furrow_items_t items = {
        .count = plan->count, .on_root = plan->on_root, .noun = "image", .work = work, .arg = &probe};
    if (status == FURROW_OK) status = furrow_items_run(plan->ctx, &items, err);
    if (status == FURROW_OK) {
        furrow_sum_int64(plan->ctx, size, plan->count);
        status = furrow_agree(plan->ctx, choose(plan, size, err), err);
    }
    free(size);
    return status;
}
