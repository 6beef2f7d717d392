/* furrow images: a folder of pictures becomes one array. */
#include <furrow_images.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "contact.h"
#include "images_show.h"

static const char *output, *size_text, *fit_text, *filter_text, *layout_text, *dtype_text, *mean_text, *std_text,
    *color_text, *exif_text, *on_error_text, *shuffle_text, *labels, *label_key, *label_columns, *sheet;
static int64_t epoch, limit, offset, max_pixels, batch;
static bool recursive, stats, resume, full_decode;

/* ---------------------------------------------------------------- request */

/* The index of a word in a list that ends with NULL. No word is the first. */
static furrow_status_t choose(const char *option, const char *word, const char *const *words, int *chosen,
                              furrow_error_t *err)
{
    char all[200] = "";

    for (*chosen = 0; words[*chosen] != NULL; ++*chosen) {
        const size_t used = strlen(all);
        if (word == NULL || strcmp(word, words[*chosen]) == 0) return FURROW_OK;
        (void)snprintf(all + used, sizeof all - used, "%s%s", *chosen > 0 ? ", " : "", words[*chosen]);
    }
    return cli_fail(err, FURROW_EARG, "--%s: '%.100s' is none of %s", option, word, all);
}

static furrow_status_t read_words(furrow_images_opts_t *o, furrow_error_t *err)
{
    static const char *const fits[] = {"stretch", "crop", "pad", NULL}, *const colors[] = {"rgb", "bgr", "gray", NULL};
    static const char *const filters[] = {"auto", "nearest", "box", "linear", "cubic", "lanczos", "area", NULL};
    static const char *const layouts[] = {"NHWC", "NCHW", NULL}, *const dtypes[] = {"u1", "f4", NULL};
    static const char *const exifs[] = {"apply", "ignore", NULL}, *const errors[] = {"reject", "keep", "stop", NULL};
    int fit, color, filter, layout, dtype, exif, on_error;

    furrow_status_t status = choose("fit", fit_text, fits, &fit, err);
    if (status == FURROW_OK) status = choose("color", color_text, colors, &color, err);
    if (status == FURROW_OK) status = choose("filter", filter_text, filters, &filter, err);
    if (status == FURROW_OK) status = choose("layout", layout_text, layouts, &layout, err);
    if (status == FURROW_OK) status = choose("dtype", dtype_text, dtypes, &dtype, err);
    if (status == FURROW_OK) status = choose("exif", exif_text, exifs, &exif, err);
    if (status == FURROW_OK) status = choose("on-error", on_error_text, errors, &on_error, err);
    if (status != FURROW_OK) return status;
    o->image.fit = (furrow_fit_t)fit;
    o->image.color = (furrow_color_t)color;
    o->image.filter = (furrow_filter_t)filter;
    o->image.layout = (furrow_layout_t)layout;
    o->image.dtype = dtype == 0 ? FURROW_U1 : FURROW_F4;
    o->image.ignore_orientation = exif == 1;
    o->on_error = (furrow_on_error_t)on_error;
    return FURROW_OK;
}

/* "350x525": height, then width, as shapes have it. */
static furrow_status_t read_size(furrow_image_opts_t *o, furrow_error_t *err)
{
    const char *x = size_text == NULL ? NULL : strchr(size_text, 'x');
    char height[32];

    if (size_text == NULL) return FURROW_OK;
    (void)snprintf(height, sizeof height, "%.*s", x == NULL ? 0 : (int)(x - size_text), size_text);
    if (x != NULL && cli_to_int64(height, &o->height) && cli_to_int64(x + 1, &o->width) && o->height > 0 &&
        o->width > 0)
        return FURROW_OK;
    return cli_fail(err, FURROW_EARG, "--size: '%.100s' is not HEIGHTxWIDTH, such as 350x525", size_text);
}

/* One number for each channel, or one for all. */
static furrow_status_t read_channels(const char *option, const char *text, int channels, float *out,
                                     furrow_error_t *err)
{
    const char *at = text;
    int count = 0;

    while (at != NULL && count < 3) {
        char *end;
        out[count++] = strtof(at, &end);
        if (end == at || (*end != ',' && *end != '\0')) break;
        at = *end == ',' ? end + 1 : NULL;
    }
    if (at != NULL || (count != 1 && count != channels))
        return cli_fail(err, FURROW_EARG, "--%s: '%.100s' is not %s", option, text,
                        channels == 1 ? "one number" : "three numbers, such as 0.485,0.456,0.406, or one");
    for (; count < channels; count++) out[count] = out[0];
    return FURROW_OK;
}

static furrow_status_t read_scale(furrow_image_opts_t *o, furrow_error_t *err)
{
    const int channels = o->color == FURROW_GRAY ? 1 : 3;
    furrow_status_t status = FURROW_OK;

    if ((mean_text != NULL || std_text != NULL) && o->dtype != FURROW_F4)
        return cli_fail(err, FURROW_EARG, "--mean and --std need --dtype f4");
    if (mean_text != NULL) status = read_channels("mean", mean_text, channels, o->mean, err);
    if (std_text != NULL && status == FURROW_OK) status = read_channels("std", std_text, channels, o->std, err);
    return status;
}

static furrow_status_t read_shuffle(furrow_images_opts_t *o, furrow_error_t *err)
{
    o->shuffle = shuffle_text != NULL;
    if (epoch < 0) return cli_fail(err, FURROW_EARG, "--epoch: %" PRId64 " is negative", epoch);
    if (epoch > 0 && !o->shuffle) return cli_fail(err, FURROW_EARG, "--epoch needs --shuffle SEED");
    o->epoch = (uint64_t)epoch;
    if (o->shuffle && !cli_to_uint64(shuffle_text, &o->seed))
        return cli_fail(err, FURROW_EARG, "--shuffle: '%.100s' is not an integer of at least 0", shuffle_text);
    return FURROW_OK;
}

static furrow_status_t check_files(const cli_t *cli, furrow_error_t *err)
{
    if (cli->name_count < 1) return cli_fail(err, FURROW_EARG, "no folder or file given");
    if (output == NULL && !stats) return cli_fail(err, FURROW_EARG, "--output is missing");
    if (output == NULL && (resume || sheet != NULL || batch > 0 || labels != NULL))
        return cli_fail(err, FURROW_EARG, "%s needs --output",
                        resume          ? "--resume"
                        : sheet != NULL ? "--contact-sheet"
                        : batch > 0     ? "--batch"
                                        : "--labels");
    if (sheet != NULL && strcmp(sheet, output) == 0)
        return cli_fail(err, FURROW_EARG, "%.600s is both output and contact sheet", sheet);
    if (labels == NULL && (label_key != NULL || label_columns != NULL))
        return cli_fail(err, FURROW_EARG, "--label-%s needs --labels", label_key != NULL ? "key" : "columns");
    if (!cli->is_root || output == NULL) return FURROW_OK;
    furrow_status_t status = cli_check_output(output, cli->names, cli->name_count, err);
    if (status == FURROW_OK && sheet != NULL) status = cli_check_output(sheet, cli->names, cli->name_count, err);
    return status;
}

static furrow_status_t read_request(const cli_t *cli, furrow_images_opts_t *o, furrow_error_t *err)
{
    furrow_status_t status = read_words(o, err);

    o->image.full_decode = full_decode;
    o->image.max_pixels = max_pixels;
    o->limit = limit;
    o->offset = offset;
    o->batch = batch;
    o->stats = stats;
    o->resume = resume;
    o->source = cli->source;
    o->labels = labels;
    o->label_key = label_key;
    o->label_columns = label_columns;
    if (offset < 0) return cli_fail(err, FURROW_EARG, "--offset: %" PRId64 " is negative", offset);
    if (status == FURROW_OK) status = read_size(&o->image, err);
    if (status == FURROW_OK) status = read_scale(&o->image, err);
    if (status == FURROW_OK) status = read_shuffle(o, err);
    return status == FURROW_OK ? check_files(cli, err) : status;
}

/* -------------------------------------------------------------------- run */

/* No file that is written may be one of those that are read: sources that are folders show it only now. */
static furrow_status_t check_written(const furrow_listing_t *listing, const char *path, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;
    char name[PATH_MAX], *names[] = {name};

    for (int64_t i = 0; path != NULL && i < furrow_listing_count(listing) && status == FURROW_OK; i++) {
        (void)snprintf(name, sizeof name, "%s", furrow_listing_name(listing, i));
        if (strcmp(images_file_of(name), images_file_of(path)) == 0) status = cli_check_output(path, names, 1, err);
    }
    return status;
}

static furrow_status_t open_listing(const cli_t *cli, furrow_listing_t **out, furrow_error_t *err)
{
    furrow_status_t status =
        furrow_listing_open(cli->ctx, (const char *const *)cli->names, cli->name_count, recursive, out, err);

    if (status != FURROW_OK) return status;
    if (cli->is_root) status = check_written(*out, output, err);
    if (cli->is_root && status == FURROW_OK) status = check_written(*out, sheet, err);
    return furrow_agree(cli->ctx, status, err);
}

/* How to go on. */
static furrow_status_t explain(furrow_status_t status, furrow_error_t *err)
{
    const furrow_error_t plain = *err;

    if (status != FURROW_ECANCELED || output == NULL) return status;
    return cli_fail(err, status, "%.400s; the same command with --resume does the rest", plain.text);
}

static furrow_status_t run(cli_t *cli, furrow_error_t *err)
{
    furrow_images_opts_t opts = {.image = FURROW_IMAGE_OPTS_INIT};
    furrow_images_report_t report = {0};
    furrow_listing_t *listing = NULL;

    cli->resumable = output != NULL;
    furrow_status_t status = furrow_agree(cli->ctx, read_request(cli, &opts, err), err);
    if (status == FURROW_OK) status = open_listing(cli, &listing, err);
    const double started = cli_seconds();
    if (status == FURROW_OK) status = explain(furrow_images(cli->ctx, listing, &opts, output, &report, err), err);
    cli->rejected = report.rejected > 0;
    const images_shown_t shown = {
        .output = output, .opts = &opts, .listing = listing, .report = &report, .seconds = cli_seconds() - started};
    if (status == FURROW_OK && cli->is_root && sheet != NULL) status = contact_write(sheet, cli, &shown, err);
    if (status == FURROW_OK && cli->is_root) status = images_show(cli, &shown, err);
    furrow_images_report_free(&report);
    furrow_listing_free(listing);
    return status;
}

static const cli_option_t options[] = {
    {"output", 'o', "OUT.npy", "the file to write; with --batch one %05d in its name", CLI_TEXT, &output},
    {"recursive", 'r', NULL, "also the folders in folders", CLI_FLAG, &recursive},
    {"size", 0, "HxW", "height and width of all; needed where they differ", CLI_TEXT, &size_text},
    {"fit", 0, "stretch|crop|pad", "to that size: as a whole, cut, or with black borders", CLI_TEXT, &fit_text},
    {"filter", 0, "NAME", "auto nearest box linear cubic lanczos area; auto: box to shrink, linear to grow", CLI_TEXT,
     &filter_text},
    {"full-decode", 0, NULL, "decode JPEGs whole, also for a small --size: slower, as Pillow's resize", CLI_FLAG,
     &full_decode},
    {"layout", 0, "NHWC|NCHW", "order of the axes", CLI_TEXT, &layout_text},
    {"dtype", 0, "u1|f4", "u1: 0 to 255; f4: (u1 / 255 - mean) / std", CLI_TEXT, &dtype_text},
    {"mean", 0, "A,B,C", "for f4; default 0", CLI_TEXT, &mean_text},
    {"std", 0, "A,B,C", "for f4; default 1", CLI_TEXT, &std_text},
    {"color", 0, "rgb|bgr|gray", "channels", CLI_TEXT, &color_text},
    {"exif", 0, "apply|ignore", "the orientation that a camera noted", CLI_TEXT, &exif_text},
    {"shuffle", 0, "SEED", "in the order of an epoch, not of the names", CLI_TEXT, &shuffle_text},
    {"epoch", 0, "E", "of --shuffle; default 0", CLI_INT64, &epoch},
    {"offset", 0, "N", "leave out the first N of that order", CLI_INT64, &offset},
    {"limit", 0, "N", "take no more than N", CLI_COUNT, &limit},
    {"max-pixels", 0, "N", "reject larger pictures; default 178956970", CLI_COUNT, &max_pixels},
    {"labels", 0, "FILE.csv", "labels of images, joined by name", CLI_TEXT, &labels},
    {"label-key", 0, "COLUMN", "the column with the names; default: the first", CLI_TEXT, &label_key},
    {"label-columns", 0, "A,B", "the columns to take; default: all others", CLI_TEXT, &label_columns},
    {"on-error", 0, "reject|keep|stop", "a bad image: name it and go on, use what is left of it, or end", CLI_TEXT,
     &on_error_text},
    {"stats", 0, NULL, "also mean and std of each channel, exactly; -o is not needed", CLI_FLAG, &stats},
    {"batch", 0, "N", "one file for every N images", CLI_COUNT, &batch},
    {"contact-sheet", 0, "FILE.png", "also small pictures of the first 1000, in one, to look at", CLI_TEXT, &sheet},
    {"resume", 0, NULL, "go on where a run that was stopped or killed left off", CLI_FLAG, &resume},
    {NULL, 0, NULL, NULL, CLI_FLAG, NULL},
};

const cli_command_t cmd_images = {
    "images",
    "SOURCE... -o OUT.npy [OPTION...]",
    "Many pictures as one array in an .npy file.",
    "SOURCE is a folder, a file, or @LIST (a file with one name per line). Names are sorted bytewise. Formats are "
    "told\n"
    "by content: JPEG, PNG, GIF, BMP, TGA, PSD, PNM. 8 bits per channel; alpha is dropped. Of several words below the\n"
    "first is the default.\n"
    "\n"
    "A picture that cannot be read is rejected: its slot is zero, OUT.manifest.csv (index, path, status, height,\n"
    "width, channels, error, labels) says why, and the exit code is 3. Labels that are numbers go to OUT.labels.npy.\n"
    "\n"
    "The output appears when it is whole. A run that is stopped (Ctrl-C, SIGTERM: exit code 75), killed, or\n"
    "out of disk leaves what is done beside it: --resume, with any ranks and threads, does the rest.\n"
    "\n"
    "    furrow images train_images/ --limit 300 -o batch.npy\n"
    "    furrow images train_images/ --size 350x525 --dtype f4 --stats\n"
    "    furrow images photos -r --size 224x224 --fit crop --shuffle 1 --batch 256 -o batch-%05d.npy\n",
    options,
    run,
};
