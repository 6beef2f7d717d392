/** \file plot.h
 * A drawing as SVG: shapes and text into memory, then to a file that appears whole or not at all.
 */
#ifndef FURROW_PLOT_H
#define FURROW_PLOT_H

#include <stdio.h>

#include "cli.h"

typedef struct plot {
    FILE *stream; /* into `text`; NULL if memory ran out, which plot_finish() tells */
    char *text;
    size_t size;
} plot_t;

typedef enum plot_anchor { PLOT_START, PLOT_MIDDLE, PLOT_END } plot_anchor_t;

/** How text looks. */
typedef struct plot_font {
    double size;
    plot_anchor_t anchor;
    bool is_bold;
    const char *color;
} plot_font_t;

/** Start a drawing of that size, in pixels, with a title for those who cannot see it. */
void plot_start(plot_t *plot, double width, double height, const char *background, const char *title);

void plot_rect(plot_t *plot, double x, double y, double width, double height, const char *color);
void plot_line(plot_t *plot, double x1, double y1, double x2, double y2, double width, const char *color);

/** `y` is the base line. Any text: it is escaped. */
void plot_text(plot_t *plot, double x, double y, const plot_font_t *font, const char *text);

/** FURROW_EIO if `path` cannot be written, as far as can be told before. "-" is standard output. Local. */
furrow_status_t plot_check(const char *path, furrow_error_t *err);

/** Write the drawing to `path` and free it in every case. Local. */
furrow_status_t plot_finish(plot_t *plot, const char *path, furrow_error_t *err);

#endif
