/* Owns what a run over images is. */
#include "images_plan.h"

#include <string.h>

#include "direct.h"
#include "listing.h"
#include "mem.h"

enum { LEAST_BYTES = 1 << 20 }; /* for a file, and for its decoder */

int64_t furrow_images_at(const furrow_images_plan_t *plan, int64_t index)
{
    const int64_t place = plan->opts.offset + index;

    return plan->opts.shuffle ? furrow_order_element(&plan->order, place) : place;
}

int64_t furrow_images_place(const furrow_listing_t *listing, const furrow_images_opts_t *opts, int64_t index)
{
    furrow_order_t order;

    if (!opts->shuffle) return opts->offset + index;
    furrow_order_make(opts->seed, opts->epoch, furrow_listing_count(listing), &order);
    return furrow_order_element(&order, opts->offset + index);
}

const char *furrow_images_name(const furrow_images_plan_t *plan, int64_t index)
{
    return furrow_listing_name(plan->listing, furrow_images_at(plan, index));
}

/* Errors have no control characters, and of long names the beginning: see furrow_fail_errno(). */
const char *furrow_images_reason(const char *name, const char *text)
{
    furrow_error_t named;

    (void)furrow_fail(&named, FURROW_EIO, "%.600s: ", name);
    const size_t length = strlen(named.text);
    return strncmp(text, named.text, length) == 0 ? text + length : text;
}

void furrow_images_size(const furrow_images_plan_t *plan, const furrow_image_info_t *info, int64_t *height,
                        int64_t *width)
{
    const bool turned = info->orientation >= 5 && !plan->opts.image.ignore_orientation;

    *height = turned ? info->width : info->height;
    *width = turned ? info->height : info->width;
}

static furrow_status_t check(const furrow_images_plan_t *plan, furrow_error_t *err)
{
    const furrow_images_opts_t *o = &plan->opts;
    const int64_t there = furrow_listing_count(plan->listing);

    if (o->offset < 0 || o->limit < 0 || o->batch < 0)
        return furrow_fail(err, FURROW_EARG, "offset %lld, limit %lld, batch %lld: none may be negative",
                           (long long)o->offset, (long long)o->limit, (long long)o->batch);
    if (o->offset >= there)
        return furrow_fail(err, FURROW_EEMPTY, "no images: there are %lld, none from place %lld on", (long long)there,
                           (long long)o->offset);
    return FURROW_OK;
}

/* Is the output worth to be written directly? */
static bool suits(const furrow_images_plan_t *plan, const char *path)
{
    const int64_t images = plan->opts.batch > 0 ? furrow_least(plan->opts.batch, plan->count) : plan->count;
    int64_t bytes;

    if (path == NULL || plan->on_root) return false;
    return furrow_direct_suits(path, furrow_multiply(images, plan->slot_bytes, &bytes) ? bytes : INT64_MAX);
}

/* Which pictures are rejects must not depend on the number of threads: so a quarter is for pictures that need more than
 * the share of a thread. Edges for other hosts are not counted, or they would decide it; nor do all threads ever need
 * the whole of their shares at once. */
static furrow_status_t share_memory(furrow_images_plan_t *plan, const char *path, int64_t reserved, furrow_error_t *err)
{
    const int64_t threads = furrow_context_threads(plan->ctx), memory = furrow_context_memory(plan->ctx);
    const bool twice = plan->opts.stats && plan->image.dtype == FURROW_F4; /* statistics are of bytes */
    const int64_t slots = plan->slot_bytes + (twice ? plan->slot_items : 0), left = memory - memory / 4;

    if (slots > INT64_MAX / threads / 4 - reserved)
        return furrow_fail(err, FURROW_EBUDGET, "images of %lld bytes are too large", (long long)plan->slot_bytes);
    const int64_t needed = reserved + threads * (slots + 2 * LEAST_BYTES);
    if (left < needed)
        return furrow_fail(err, FURROW_EBUDGET,
                           "%lld bytes of memory are too few for %lld threads: at least %lld (%lldM) are needed",
                           (long long)memory, (long long)threads, (long long)(needed + needed / 3 + 1),
                           (long long)((needed + needed / 3) >> 20) + 1);
    const int64_t more = plan->slot_bytes + FURROW_STAGE_BYTES; /* a slot is written while the next is filled */
    plan->direct = more <= (left - needed) / threads && suits(plan, path);
    const int64_t own = (left - reserved) / threads - slots - (plan->direct ? more : 0);
    plan->most_bytes = memory / 4;
    plan->own_bytes = furrow_least(own, plan->most_bytes) / 2;
    return furrow_images_memory_open(plan->most_bytes, &plan->memory, err);
}

furrow_status_t furrow_images_plan_make(furrow_context_t *ctx, const furrow_listing_t *listing,
                                        const furrow_images_opts_t *opts, const char *path, int64_t reserved,
                                        furrow_images_plan_t *plan, furrow_error_t *err)
{
    const int64_t there = furrow_listing_count(listing);

    *plan = (furrow_images_plan_t){.ctx = ctx, .listing = listing, .opts = *opts, .image = opts->image};
    plan->on_root = opts->source == FURROW_SOURCE_ROOT;
    plan->image.keep_damaged = plan->image.keep_damaged || opts->on_error == FURROW_ON_ERROR_KEEP;
    if (plan->image.max_pixels == 0) plan->image.max_pixels = FURROW_IMAGE_MAX_PIXELS;
    furrow_status_t status = furrow_agree(ctx, check(plan, err), err);
    if (status != FURROW_OK) return status;
    plan->count = opts->limit == 0 ? there - opts->offset : furrow_least(opts->limit, there - opts->offset);
    if (opts->shuffle) furrow_order_make(opts->seed, opts->epoch, there, &plan->order);
    if (plan->image.height == 0 && plan->image.width == 0) status = furrow_images_probe(plan, err);
    if (status != FURROW_OK) return status;
    status = furrow_image_shape(NULL, &plan->image, plan->shape, &plan->slot_bytes, err);
    plan->slot_items = plan->shape[0] * plan->shape[1] * plan->shape[2];
    if (status == FURROW_OK) status = share_memory(plan, path, reserved + furrow_listing_bytes(listing), err);
    return furrow_agree(ctx, status, err);
}

void furrow_images_plan_close(furrow_images_plan_t *plan)
{
    furrow_images_memory_close(plan->memory);
    plan->memory = NULL;
}
