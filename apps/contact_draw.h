/** \file contact_draw.h
 * Drawing on a picture in memory, and writing it as PNG.
 */
#ifndef FURROW_CONTACT_DRAW_H
#define FURROW_CONTACT_DRAW_H

#include "cli.h"

/** RGB, rows from the top. */
typedef struct canvas {
    int height, width;
    uint8_t *pixel;
} canvas_t;

typedef struct color {
    uint8_t r, g, b;
} color_t;

/** What lies outside is not drawn. */
void canvas_fill(canvas_t *canvas, int y, int x, int height, int width, color_t color);

/** ASCII, in a font about 12 high; other characters are '?'. Lines are cut at `width`, as many as fit `height`. */
void canvas_text(canvas_t *canvas, int y, int x, int height, int width, const char *text, color_t color);

/** `path` becomes the picture, whole or not at all. \return FURROW_OK, FURROW_EIO, FURROW_ENOMEM */
furrow_status_t canvas_write(const canvas_t *canvas, const char *path, furrow_error_t *err);

#endif
