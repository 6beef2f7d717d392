/* Owns the contact sheet. */
#include "contact.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contact_draw.h"

enum { TILE_HEIGHT = 96, TILE_WIDTH = 144, GAP = 6, CAPTION = 13, THREADS_MAX = 2 };

static const color_t paper = {24, 26, 30}, ink = {205, 210, 216}, red = {168, 28, 32}, white = {255, 255, 255};

typedef struct {
    const images_shown_t *shown;
    int64_t most_bytes; /* for a file, and as much for its decoder */
    canvas_t canvas;
    int64_t count;
    int columns;
} sheet_t;

/* About as wide as high on the screen: three pixels to two. */
static void lay_out(sheet_t *sheet)
{
    const int64_t count = sheet->count;

    sheet->columns = 1;
    while ((int64_t)sheet->columns *
               (sheet->columns * (TILE_WIDTH + GAP) * 2 / (3 * (TILE_HEIGHT + CAPTION + GAP)) + 1) <
           count)
        sheet->columns++;
    const int rows = (int)((count - 1) / sheet->columns) + 1;
    sheet->canvas.width = GAP + sheet->columns * (TILE_WIDTH + GAP);
    sheet->canvas.height = GAP + rows * (TILE_HEIGHT + CAPTION + GAP);
}

/* The whole file, to be freed; NULL: it cannot be read. A pipe that nobody writes to must not hold us. */
static void *read_file(const char *name, int64_t most_bytes, int64_t *bytes)
{
    const int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat facts;
    void *data = NULL;

    if (fd >= 0 && fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0 && facts.st_size <= most_bytes)
        data = malloc((size_t)facts.st_size);
    *bytes = data == NULL ? 0 : (int64_t)facts.st_size;
    if (data != NULL && read(fd, data, (size_t)*bytes) != *bytes) {
        free(data);
        data = NULL;
    }
    if (fd >= 0) close(fd);
    return data;
}

/* False: it cannot be shown. */
static bool decode(const sheet_t *sheet, furrow_image_decoder_t *decoder, const char *name, uint8_t *tile)
{
    const furrow_images_opts_t *o = sheet->shown->opts;
    furrow_image_opts_t opts = FURROW_IMAGE_OPTS_INIT;
    int64_t bytes;

    opts.height = TILE_HEIGHT;
    opts.width = TILE_WIDTH;
    opts.fit = FURROW_FIT_PAD;
    opts.ignore_orientation = o->image.ignore_orientation;
    opts.max_pixels = o->image.max_pixels;
    opts.keep_damaged = o->on_error == FURROW_ON_ERROR_KEEP;
    void *data = read_file(name, sheet->most_bytes, &bytes);
    if (data == NULL) return false;
    const furrow_status_t status =
        furrow_image_decode(decoder, data, bytes, &opts, tile, 3 * TILE_HEIGHT * TILE_WIDTH, NULL, NULL);
    free(data);
    return status == FURROW_OK;
}

static void place_of(const sheet_t *sheet, int64_t i, int *y, int *x)
{
    *y = GAP + (int)(i / sheet->columns) * (TILE_HEIGHT + CAPTION + GAP);
    *x = GAP + (int)(i % sheet->columns) * (TILE_WIDTH + GAP);
}

static void paste(sheet_t *sheet, int64_t i, const uint8_t *tile)
{
    int y, x;

    place_of(sheet, i, &y, &x);
    for (int row = 0; row < TILE_HEIGHT; row++)
        memcpy(sheet->canvas.pixel + 3 * ((size_t)(y + row) * (size_t)sheet->canvas.width + (size_t)x),
               tile + 3 * TILE_WIDTH * row, 3 * TILE_WIDTH);
}

static int64_t image_at(const sheet_t *sheet, int64_t i)
{
    return furrow_images_place(sheet->shown->listing, sheet->shown->opts, i);
}

/* Without memory for a decoder, pictures stay dark. */
static void paste_all(sheet_t *sheet, int threads)
{
#pragma omp parallel num_threads(threads)
    {
        furrow_image_decoder_t *decoder = NULL;
        uint8_t *tile = malloc(3 * TILE_HEIGHT * TILE_WIDTH);
        const bool ready = tile != NULL && furrow_image_decoder_open(sheet->most_bytes, &decoder, NULL) == FURROW_OK;
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < sheet->count; i++)
            if (ready && decode(sheet, decoder, furrow_listing_name(sheet->shown->listing, image_at(sheet, i)), tile))
                paste(sheet, i, tile);
        furrow_image_decoder_close(decoder);
        free(tile);
    }
}

/* The number of each; of a reject the name and why. */
static void write_captions(sheet_t *sheet)
{
    const furrow_images_report_t *r = sheet->shown->report;
    char text[32];
    int y, x;

    for (int64_t i = 0; i < sheet->count; i++) {
        place_of(sheet, i, &y, &x);
        (void)snprintf(text, sizeof text, "%" PRId64, i);
        canvas_text(&sheet->canvas, y + TILE_HEIGHT + 3, x, CAPTION, TILE_WIDTH, text, ink);
    }
    for (int64_t k = 0; k < r->listed && r->list[k].index < sheet->count; k++) {
        place_of(sheet, r->list[k].index, &y, &x);
        canvas_fill(&sheet->canvas, y, x, TILE_HEIGHT, TILE_WIDTH, red);
        canvas_text(&sheet->canvas, y + 5, x + 5, 36, TILE_WIDTH - 10,
                    images_file_of(furrow_listing_name(sheet->shown->listing, r->list[k].image)), white);
        canvas_text(&sheet->canvas, y + 46, x + 5, TILE_HEIGHT - 48, TILE_WIDTH - 10, r->list[k].text, white);
    }
}

furrow_status_t contact_write(const char *path, const cli_t *cli, const images_shown_t *shown, furrow_error_t *err)
{
    const int64_t images = shown->report->images;
    const int threads = furrow_context_threads(cli->ctx);
    sheet_t sheet = {.shown = shown, .count = images < CONTACT_MAX ? images : CONTACT_MAX};

    /* So much the images had themselves: see furrow_images(). All together keep to the cap. */
    sheet.most_bytes = furrow_context_memory(cli->ctx) / (2 * THREADS_MAX);

    lay_out(&sheet);
    sheet.canvas.pixel = malloc(3 * (size_t)sheet.canvas.height * (size_t)sheet.canvas.width);
    if (sheet.canvas.pixel == NULL) return cli_fail(err, FURROW_ENOMEM, "out of memory for the contact sheet");
    canvas_fill(&sheet.canvas, 0, 0, sheet.canvas.height, sheet.canvas.width, paper);
    paste_all(&sheet, threads < THREADS_MAX ? threads : THREADS_MAX);
    write_captions(&sheet);
    const furrow_status_t status = canvas_write(&sheet.canvas, path, err);
    free(sheet.canvas.pixel);
    return status;
}
