/* Owns the entries about images: pictures of clouds that it makes itself. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <furrow_images.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench_child.h"
#include "bench_jpeg.h"
#include "bench_limits.h"
#include "clouds.h"

enum {
    HEIGHT = 1400,
    WIDTH = 2100,
    SLOT = HEIGHT * WIDTH * 3,
    PICTURES = 30, /* different ones; the others are links to them */
    QUICK_PICTURES = 8,
    IMAGES = 300,
    QUICK_IMAGES = 24,
    BATCH = 12, /* for each rank */
    ROUNDS = 4,
    QUICK_ROUNDS = 2,
    FILE_MAX_BYTES = 1 << 22,
    FILES = 100000 /* to be listed */
};

typedef struct {
    bench_t *bench;
    furrow_listing_t *listing;
    char folder[PATH_MAX + 16], out[PATH_MAX + 32];
    const char **name; /* of this rank's images */
    int64_t images, mine;
    bool has_bare; /* this build has libjpeg-turbo */
    char *slots;   /* of the bare loop: as many as the loader has */
    furrow_batches_t *whole, *quarter;
    int way; /* of bare writing, the faster one: 0, or O_DIRECT */
} images_t;

static int rounds_of(const bench_t *bench)
{
    return bench->quick ? QUICK_ROUNDS : ROUNDS;
}

/* ---------------------------------------------------------------- pictures */

static int64_t make_pictures(const char *folder, int64_t count)
{
    int64_t made = 0;

#pragma omp parallel reduction(+ : made)
    {
        clouds_t clouds;
        const bool ready = clouds_open(HEIGHT, WIDTH, &clouds);
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < count; i++) {
            const char *kind;
            double cover;
            made += ready && clouds_write(&clouds, 1, i, folder, &cover, &kind);
        }
        clouds_close(&clouds);
    }
    return made;
}

static bool link_pictures(const char *folder, int64_t pictures, int64_t count)
{
    char from[PATH_MAX + 64], to[PATH_MAX + 64];
    bool linked = true;

    for (int64_t i = pictures; i < count && linked; i++) {
        (void)snprintf(from, sizeof from, "%s/cloud-%05d.jpg", folder, (int)(i % pictures));
        (void)snprintf(to, sizeof to, "%s/cloud-%05d.jpg", folder, (int)i);
        linked = link(from, to) == 0;
    }
    return linked;
}

static furrow_status_t make(const images_t *im, furrow_error_t *err)
{
    const int64_t pictures = im->bench->quick ? QUICK_PICTURES : PICTURES;

    if (im->bench->cli->is_root && (mkdir(im->folder, 0700) != 0 || make_pictures(im->folder, pictures) < pictures ||
                                    !link_pictures(im->folder, pictures, im->images)))
        return cli_fail(err, FURROW_EIO, "%.600s: cannot write: %s", im->folder, strerror(errno));
    return FURROW_OK;
}

static void remove_pictures(const images_t *im)
{
    char name[PATH_MAX + 64];

    for (int64_t i = 0; i < im->images; i++) {
        (void)snprintf(name, sizeof name, "%s/cloud-%05d.jpg", im->folder, (int)i);
        (void)unlink(name);
    }
    (void)rmdir(im->folder);
}

/* -------------------------------------------------------------------- ways */

/* A loader of all images, in batches whose memory is reused from round to round, as that of the bare loop is. */
static furrow_status_t open_loader(const images_t *im, int scale, furrow_batches_t **out, furrow_error_t *err)
{
    furrow_batches_opts_t opts = {.image = FURROW_IMAGE_OPTS_INIT};

    opts.batch = (int64_t)BATCH * furrow_context_ranks(im->bench->ctx);
    opts.image.height = HEIGHT / scale;
    opts.image.width = WIDTH / scale;
    opts.on_error = FURROW_ON_ERROR_STOP;
    return furrow_batches_open(im->bench->ctx, im->listing, &opts, out, err);
}

/* All of the images once. Nothing is decoded before it begins, or after. */
static furrow_status_t load(furrow_batches_t *batches, furrow_error_t *err)
{
    furrow_batch_t batch;

    furrow_status_t status = furrow_batches_seek(batches, (furrow_position_t){0, 0}, err);
    while (status == FURROW_OK) status = furrow_batches_next(batches, &batch, err);
    return status == FURROW_EEMPTY ? FURROW_OK : status;
}

static furrow_status_t load_way(void *arg, furrow_error_t *err)
{
    return load(((const images_t *)arg)->whole, err);
}

static furrow_status_t quarter_way(void *arg, furrow_error_t *err)
{
    return load(((const images_t *)arg)->quarter, err);
}

static furrow_status_t write_way(void *arg, furrow_error_t *err)
{
    const images_t *im = arg;
    furrow_images_opts_t opts = {.image = FURROW_IMAGE_OPTS_INIT, .on_error = FURROW_ON_ERROR_STOP};
    furrow_images_report_t report;

    opts.image.height = HEIGHT;
    opts.image.width = WIDTH;
    const furrow_status_t status = furrow_images(im->bench->ctx, im->listing, &opts, im->out, &report, err);
    furrow_images_report_free(&report);
    return status;
}

static int64_t bare_loop(const images_t *im, int eighths, int threads)
{
    return bench_jpeg_loop(im->name, im->mine, FILE_MAX_BYTES, im->slots, 2 * BATCH, SLOT, eighths, threads);
}

static furrow_status_t bare_way(void *arg, furrow_error_t *err)
{
    const images_t *im = arg;

    return bare_loop(im, 8, im->bench->threads) == im->mine
               ? FURROW_OK
               : cli_fail(err, FURROW_EIO, "%.600s: cannot decode", im->folder);
}

/* ----------------------------------------------------------------- entries */

/* How much faster the bare loop is one way than another, each at its best. Local. */
static double bare_gain(const images_t *im, int eighths, int threads)
{
    double best[2] = {1e9, 1e9};

    for (int round = 0; round < rounds_of(im->bench); round++)
        for (int way = 0; way < 2; way++) {
            const double start = cli_seconds();
            (void)(way == 0 ? bare_loop(im, 8, im->bench->threads) : bare_loop(im, eighths, threads));
            best[way] = fmin(best[way], cli_seconds() - start);
        }
    return best[0] / best[1];
}

/* Bare pwrite calls for as much as this rank's images, into a file that is then removed; through the page cache, or
 * past it with O_DIRECT in `flags`. False: it cannot be written. Local. */
static bool write_bare(const images_t *im, int flags)
{
    char name[PATH_MAX + 64];

    (void)snprintf(name, sizeof name, "%s.%d", im->out, furrow_context_rank(im->bench->ctx));
    const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0600);
    if (fd < 0) return false;
    const int64_t bytes = im->mine * SLOT;
    const bool written = fallocate(fd, 0, 0, (off_t)bytes) == 0 &&
                         bench_write(fd, im->slots, (int64_t)2 * BATCH * SLOT, bytes, im->bench->threads) == 0 &&
                         fsync(fd) == 0;
    (void)close(fd);
    (void)unlink(name);
    return written;
}

static furrow_status_t write_bare_way(void *arg, furrow_error_t *err)
{
    const images_t *im = arg;

    return write_bare(im, im->way) ? FURROW_OK : cli_fail(err, FURROW_EIO, "%.600s: cannot write", im->out);
}

/* The time that this takes in the faster of both ways, as part of that of loading. Local. */
static double bare_writing(images_t *im)
{
    static const int ways[] = {0, O_DIRECT};
    double writing = 1e9, loading = 1e9;
    furrow_error_t err;

    for (int round = 0; round < rounds_of(im->bench); round++) {
        double start = cli_seconds();
        if (load(im->whole, &err) == FURROW_OK) loading = fmin(loading, cli_seconds() - start);
        for (int way = 0; way < 2; way++) {
            start = cli_seconds();
            if (!write_bare(im, ways[way]) || cli_seconds() - start > writing) continue;
            writing = cli_seconds() - start;
            im->way = ways[way];
        }
    }
    return writing / loading;
}

/* Written beside the slower of the two, loading or the disk. */
static furrow_status_t compare_writing(bench_t *bench, images_t *im, furrow_error_t *err)
{
    bench_entry_t written = {.name = "images_write", .limit_name = "loading alone", .target = 0.75};
    bench_pair_t pair = {write_way, load_way, im, im->mine * SLOT, rounds_of(bench)};
    const double part = bare_writing(im);
    furrow_error_t slower = {.text = "the disk is slower"}; /* on any rank */

    (void)snprintf(written.note, sizeof written.note, "bare writing takes %.2f of the time of loading", part);
    if (furrow_agree(bench->ctx, part > 1 ? FURROW_EBUDGET : FURROW_OK, &slower) != FURROW_OK) {
        written.limit_name = "bare pwrite and fsync";
        pair.limit = write_bare_way;
    }
    return bench_compare(bench, &pair, written, err);
}

static furrow_status_t compare(bench_t *bench, images_t *im, furrow_error_t *err)
{
    bench_entry_t bare = {.name = "images_load", .limit_name = "bare libjpeg-turbo loop", .target = 0.95};
    bench_entry_t quarter = {.name = "images_quarter", .limit_name = "its own full decode", .target = 2.5};
    bench_pair_t pair = {load_way, bare_way, im, im->mine * SLOT, rounds_of(bench)};

    furrow_status_t status = furrow_agree(bench->ctx, load(im->whole, err), err); /* touches its memory */
    (void)snprintf(bare.note, sizeof bare.note, "of pixels; %d JPEGs of %dx%d", (int)im->images, HEIGHT, WIDTH);
    if (status == FURROW_OK && im->has_bare) {
        status = bench_compare(bench, &pair, bare, err);
        (void)snprintf(quarter.note, sizeof quarter.note,
                       "the bare loop, by libjpeg-turbo, is at 2/8 %.2f times as fast as at 8/8",
                       bare_gain(im, 2, bench->threads));
    } else if (bench->cli->is_root) {
        bench_skip(bench, bare, "this build has no libjpeg-turbo");
    }
    pair.figure = quarter_way;
    pair.limit = load_way;
    if (status == FURROW_OK) status = bench_compare(bench, &pair, quarter, err);
    return status == FURROW_OK ? compare_writing(bench, im, err) : status;
}

/* What a process says of the time that it took; 0: nothing. */
static double elapsed_of(const bench_child_t *child)
{
    cJSON *json = cJSON_Parse(child->out);
    const cJSON *elapsed = cJSON_GetObjectItemCaseSensitive(json, "elapsed_s");
    const double value = cJSON_IsNumber(elapsed) ? elapsed->valuedouble : 0.0;

    cJSON_Delete(json);
    return value;
}

/* The command on one thread and on all, in turn with the bare loop. */
static void add_threads(bench_t *bench, const images_t *im, char *command, bench_child_t *child)
{
    static char verb[] = "images", stats[] = "--stats", json[] = "--json", t[] = "-t", one[] = "1";
    char all[16];
    char *const alone[] = {command, verb, (char *)im->folder, stats, json, t, one, NULL};
    char *const threads[] = {command, verb, (char *)im->folder, stats, json, t, all, NULL};
    bench_entry_t entry = {.name = "images_threads", .unit = "x", .limit_name = "the bare loop", .target = 0.95};
    double best_alone = 1e9, best_threads = 1e9;

    (void)snprintf(all, sizeof all, "%d", bench->threads);
    for (int i = 0; i < rounds_of(bench); i++) {
        if (bench_child_run(alone, child)) best_alone = fmin(best_alone, elapsed_of(child));
        if (bench_child_run(threads, child)) best_threads = fmin(best_threads, elapsed_of(child));
    }
    entry.value = best_threads > 0 ? best_alone / best_threads : 0;
    entry.limit = bench->threads;
    (void)snprintf(entry.note, sizeof entry.note, "%d threads against one", bench->threads);
    if (im->has_bare)
        entry.limit = 1 / bare_gain(im, 8, 1);
    else
        entry.limit_name = "threads";
    bench_add(bench, entry);
}

/* Its memory, of few images and of all. */
static void add_memory(bench_t *bench, const images_t *im, char *command, bench_child_t *child)
{
    static char verb[] = "images", to[] = "-o", m[] = "-m", cap[] = "256M", limit[] = "--limit", few[] = "20";
    char *const some[] = {command, verb, (char *)im->folder, to, (char *)im->out, m, cap, limit, few, NULL};
    char *const all[] = {command, verb, (char *)im->folder, to, (char *)im->out, m, cap, NULL};
    bench_entry_t entry = {.name = "images_memory", .unit = "MB", .target = 320, .is_cost = true};

    bool wrote = bench_child_run(some, child);
    const double least = 1e-6 * (double)child->peak_bytes;
    wrote = wrote && bench_child_run(all, child);
    entry.value = 1e-6 * (double)child->peak_bytes;
    (void)snprintf(entry.note, sizeof entry.note, "furrow images -m 256M, %d images; of %s %.1f MB", (int)im->images,
                   few, least);
    if (wrote)
        bench_add(bench, entry);
    else
        bench_skip(bench, entry, "furrow images failed as another process");
}

/* ----------------------------------------------------------------- listing */

/* Make or remove the files that are listed. False: a file could not be made. */
static bool change_files(const char *folder, bool make_them)
{
    char name[PATH_MAX + 64];
    bool done = true;

    for (int i = 0; i < FILES && done; i++) {
        (void)snprintf(name, sizeof name, "%s/%06d.jpg", folder, i);
        const int fd = make_them ? open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
        if (fd >= 0) (void)close(fd);
        if (!make_them) (void)unlink(name);
        done = fd >= 0 || !make_them;
    }
    return done;
}

static furrow_status_t add_listing(bench_t *bench, furrow_error_t *err)
{
    bench_entry_t entry = {.name = "images_list", .unit = "ms", .target = 1000, .is_cost = true, .value = 1e9};
    char folder[PATH_MAX + 16];
    const char *const source = folder;
    furrow_status_t status = FURROW_OK;

    (void)snprintf(folder, sizeof folder, "%s/files", bench->place.folder);
    (void)snprintf(entry.note, sizeof entry.note, "%d files in a folder", FILES);
    if (bench->cli->is_root && (mkdir(folder, 0700) != 0 || !change_files(folder, true)))
        status = cli_fail(err, FURROW_EIO, "%.600s: cannot write: %s", folder, strerror(errno));
    status = furrow_agree(bench->ctx, status, err);
    for (int i = 0; i < rounds_of(bench) && status == FURROW_OK; i++) {
        furrow_listing_t *listing;
        const double start = cli_seconds();
        status = furrow_listing_open(bench->ctx, &source, 1, false, &listing, err);
        entry.value = fmin(entry.value, 1e3 * (cli_seconds() - start));
        furrow_listing_free(listing);
    }
    if (bench->cli->is_root) {
        (void)change_files(folder, false);
        (void)rmdir(folder);
        if (status == FURROW_OK) bench_add(bench, entry);
    }
    return status;
}

/* -------------------------------------------------------------------- all */

/* Names and slots of the bare loop. */
static furrow_status_t prepare(images_t *im, furrow_error_t *err)
{
    const int64_t ranks = furrow_context_ranks(im->bench->ctx), rank = furrow_context_rank(im->bench->ctx);
    const furrow_range_t mine = furrow_split(im->images, ranks, rank);

    im->mine = mine.stop - mine.start;
    im->has_bare = bench_jpeg_loop(NULL, 0, 1, NULL, 1, 1, 8, 1) >= 0;
    im->name = calloc((size_t)im->mine + 1, sizeof *im->name);
    im->slots = aligned_alloc(4096, (size_t)2 * BATCH * SLOT / 4096 * 4096 + 4096);
    if (im->name == NULL || im->slots == NULL) return cli_fail(err, FURROW_ENOMEM, "out of memory");
    memset(im->slots, 1, (size_t)2 * BATCH * SLOT);
    for (int64_t i = 0; i < im->mine; i++) im->name[i] = furrow_listing_name(im->listing, mine.start + i);
    return FURROW_OK;
}

static void free_memory(images_t *im)
{
    furrow_batches_free(im->whole);
    furrow_batches_free(im->quarter);
    free(im->slots);
    im->whole = im->quarter = NULL;
    im->slots = NULL;
}

static furrow_status_t measure(bench_t *bench, images_t *im, furrow_error_t *err)
{
    static char command[PATH_MAX];
    static bench_child_t child;
    const char *const source = im->folder;

    furrow_status_t status = furrow_agree(bench->ctx, make(im, err), err);
    if (status == FURROW_OK) status = furrow_listing_open(bench->ctx, &source, 1, false, &im->listing, err);
    if (status == FURROW_OK) status = furrow_agree(bench->ctx, prepare(im, err), err);
    if (status == FURROW_OK) status = open_loader(im, 1, &im->whole, err);
    if (status == FURROW_OK) status = open_loader(im, 4, &im->quarter, err);
    if (status == FURROW_OK) status = compare(bench, im, err);
    if (status != FURROW_OK) return status;
    const char *reason = bench_reason_to_stay(bench, command);
    if (reason == NULL) {
        add_threads(bench, im, command, &child);
        free_memory(im); /* a child's peak counts from what this process holds */
        add_memory(bench, im, command, &child);
    } else if (bench->cli->is_root) {
        bench_skip(bench, (bench_entry_t){.name = "images_threads"}, reason);
        bench_skip(bench, (bench_entry_t){.name = "images_memory"}, reason);
    }
    free_memory(im);
    return add_listing(bench, err);
}

furrow_status_t bench_images(bench_t *bench, furrow_error_t *err)
{
    static const char *const names[] = {"images_load",    "images_quarter", "images_write",
                                        "images_threads", "images_memory",  "images_list"};
    images_t im = {.bench = bench, .images = bench->quick ? QUICK_IMAGES : IMAGES};

    for (size_t i = 0; i < sizeof names / sizeof names[0] && !bench->place.is_shared; i++)
        if (bench->cli->is_root) bench_skip(bench, (bench_entry_t){.name = names[i]}, BENCH_NOT_SHARED);
    if (!bench->place.is_shared) return FURROW_OK;
    (void)snprintf(im.folder, sizeof im.folder, "%s/images", bench->place.folder);
    (void)snprintf(im.out, sizeof im.out, "%s/images.npy", bench->place.folder);
    const furrow_status_t status = measure(bench, &im, err);
    if (bench->cli->is_root) remove_pictures(&im);
    free_memory(&im);
    furrow_listing_free(im.listing);
    free(im.name);
    return status;
}
