/* Pillow's resize, ImageOps.fit (crop) and ImageOps.pad, in this order: turn the picture as EXIF says, choose the part
 * that is wanted, resize. Pixels are resized as they are stored and turned when they are placed, so the part is turned
 * back here. */
#include "image_fit.h"

#include <math.h>

/* Of the picture after it is turned. */
typedef struct part {
    double left, top, width, height; /* what is wanted of it */
    int64_t out_width, out_height;   /* what that becomes */
    int64_t out_left, out_top;       /* where that lies in the slot */
} part_t;

static int orientation_of(const furrow_image_info_t *info, const furrow_image_opts_t *opts)
{
    return opts->ignore_orientation ? 1 : info->orientation;
}

static bool exchanges_axes(int orientation)
{
    return orientation >= 5;
}

int furrow_fit_channels(const furrow_image_opts_t *opts)
{
    return opts->color == FURROW_GRAY ? 1 : 3;
}

static void turned_size(const furrow_image_info_t *info, const furrow_image_opts_t *opts, int64_t *height,
                        int64_t *width)
{
    const bool exchanged = exchanges_axes(orientation_of(info, opts));

    *height = exchanged ? info->width : info->height;
    *width = exchanged ? info->height : info->width;
}

void furrow_fit_size(const furrow_image_info_t *info, const furrow_image_opts_t *opts, int64_t *height, int64_t *width)
{
    if (opts->height > 0) {
        *height = opts->height;
        *width = opts->width;
    } else
        turned_size(info, opts, height, width);
}

/* ------------------------------------------------------------------------------------------------------ the part */

/* The largest centred part with the proportions of the slot. */
static void crop(part_t *part)
{
    const double wanted = (double)part->out_width / (double)part->out_height, is = part->width / part->height;
    const double width = is > wanted ? wanted * part->height : part->width;
    const double height = is < wanted ? part->width / wanted : part->height;

    part->left = (part->width - width) * 0.5;
    part->top = (part->height - height) * 0.5;
    part->width = width;
    part->height = height;
}

static int64_t at_least_one(double count)
{
    return count < 1.0 ? 1 : (int64_t)count;
}

/* The largest size with the proportions of the picture; halves go to even numbers, as Python rounds. */
static void pad(part_t *part)
{
    const double wanted = (double)part->out_width / (double)part->out_height, is = part->width / part->height;
    const int64_t slot_width = part->out_width, slot_height = part->out_height;

    if (is > wanted) part->out_height = at_least_one(rint(part->height / part->width * (double)slot_width));
    if (is < wanted) part->out_width = at_least_one(rint(part->width / part->height * (double)slot_height));
    part->out_left = (int64_t)rint((double)(slot_width - part->out_width) * 0.5);
    part->out_top = (int64_t)rint((double)(slot_height - part->out_height) * 0.5);
}

static part_t part_of(const furrow_image_info_t *info, const furrow_image_opts_t *opts)
{
    part_t part = {0};
    int64_t height, width;

    turned_size(info, opts, &height, &width);
    part.width = (double)width;
    part.height = (double)height;
    furrow_fit_size(info, opts, &part.out_height, &part.out_width);
    if (opts->fit == FURROW_FIT_CROP) crop(&part);
    if (opts->fit == FURROW_FIT_PAD) pad(&part);
    return part;
}

/* ------------------------------------------------------------------------------------------------------- the slot */

/* Steps along the axes of the picture as stored, from those of the slot. */
static void place(const furrow_image_info_t *info, const furrow_image_opts_t *opts, const part_t *part,
                  furrow_fit_plan_t *plan)
{
    const int orientation = orientation_of(info, opts), channels = furrow_fit_channels(opts);
    const bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const bool planes = opts->layout == FURROW_NCHW;
    int64_t height, width;

    furrow_fit_size(info, opts, &height, &width);
    const int64_t column = planes ? 1 : channels, row = width * column;
    plan->channel_step = planes ? height * width : 1;
    plan->x_step = exchanges_axes(orientation) ? row : column;
    plan->y_step = exchanges_axes(orientation) ? column : row;
    plan->origin = part->out_top * row + part->out_left * column;
    if (mirror_x) {
        plan->origin += (plan->x.out - 1) * plan->x_step;
        plan->x_step = -plan->x_step;
    }
    if (mirror_y) {
        plan->origin += (plan->y.out - 1) * plan->y_step;
        plan->y_step = -plan->y_step;
    }
    plan->covers = part->out_height == height && part->out_width == width;
}

/* ------------------------------------------------------------------------------------------------------ the scale */

static bool is_large_enough(const furrow_fit_axis_t *axis, int eighths)
{
    return (axis->to - axis->from) * eighths / 8 >= (double)axis->out;
}

static int scale_of(const furrow_fit_plan_t *plan, const furrow_image_opts_t *opts, const int *eighths)
{
    if (eighths == NULL || opts->full_decode || opts->filter == FURROW_FILTER_NEAREST) return 8;
    for (; *eighths != 0; eighths++)
        if (is_large_enough(&plan->x, *eighths) && is_large_enough(&plan->y, *eighths)) return *eighths;
    return 8;
}

static void scale(furrow_fit_axis_t *axis, int eighths)
{
    axis->in = (axis->in * eighths + 7) / 8;
    axis->from = axis->from * eighths / 8;
    axis->to = axis->to * eighths / 8;
}

furrow_fit_plan_t furrow_fit_plan(const furrow_image_info_t *info, const furrow_image_opts_t *opts, const int *eighths)
{
    const part_t part = part_of(info, opts);
    const furrow_fit_axis_t across = {0, part.left, part.left + part.width, part.out_width};
    const furrow_fit_axis_t down = {0, part.top, part.top + part.height, part.out_height};
    const bool exchanged = exchanges_axes(orientation_of(info, opts));
    furrow_fit_plan_t plan = {.x = exchanged ? down : across, .y = exchanged ? across : down};

    plan.x.in = info->width;
    plan.y.in = info->height;
    plan.eighths = scale_of(&plan, opts, eighths);
    scale(&plan.x, plan.eighths);
    scale(&plan.y, plan.eighths);
    place(info, opts, &part, &plan);
    return plan;
}
