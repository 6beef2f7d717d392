/* Owns drawing: rectangles, the font of stb_easy_font (whose letters are made of rectangles), PNG by
 * stb_image_write. */
#include "contact_draw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_easy_font.h>
#pragma GCC diagnostic pop

#include "stb_write.h"

enum { LINE_HEIGHT = 12, LINE_MAX_CHARS = 64, QUADS_BYTES = 64 * 1024, SCRATCH_NAME = 4096 };

void canvas_fill(canvas_t *canvas, int y, int x, int height, int width, color_t color)
{
    const int bottom = y + height < canvas->height ? y + height : canvas->height;
    const int right = x + width < canvas->width ? x + width : canvas->width;

    for (int row = y < 0 ? 0 : y; row < bottom; row++)
        for (int column = x < 0 ? 0 : x; column < right; column++) {
            uint8_t *p = canvas->pixel + 3 * ((size_t)row * (size_t)canvas->width + (size_t)column);
            p[0] = color.r;
            p[1] = color.g;
            p[2] = color.b;
        }
}

/* One line, of ASCII. */
static void draw_line(canvas_t *canvas, int y, int x, char *line, color_t color)
{
    struct {
        float x, y, z;
        unsigned char color[4];
    } corner[4];
    static char quads[QUADS_BYTES];
    const int count = stb_easy_font_print(0, 0, line, NULL, quads, sizeof quads);

    for (int q = 0; q < count; q++) {
        memcpy(corner, quads + (size_t)q * sizeof corner, sizeof corner);
        canvas_fill(canvas, y + (int)corner[0].y, x + (int)corner[0].x, (int)(corner[2].y - corner[0].y),
                    (int)(corner[2].x - corner[0].x), color);
    }
}

/* Behind a character of UTF-8. */
static const char *next(const char *text)
{
    do text++;
    while ((*text & 0xc0) == 0x80);
    return text;
}

void canvas_text(canvas_t *canvas, int y, int x, int height, int width, const char *text, color_t color)
{
    while (*text != '\0' && height >= LINE_HEIGHT - 2) {
        char line[LINE_MAX_CHARS + 1] = "";
        for (int used = 0; *text != '\0' && used < LINE_MAX_CHARS; used++, text = next(text)) {
            line[used] = *text >= ' ' && *text <= '~' ? *text : '?';
            line[used + 1] = '\0';
            if (stb_easy_font_width(line) <= width || used == 0) continue;
            line[used] = '\0';
            break;
        }
        draw_line(canvas, y, x, line, color);
        y += LINE_HEIGHT;
        height -= LINE_HEIGHT;
    }
}

/* -------------------------------------------------------------------- file */

static void take_bytes(void *file, void *data, int size)
{
    (void)!fwrite(data, 1, (size_t)size, file); /* ferror() is asked at the end */
}

static furrow_status_t fail_file(const char *path, const char *what, furrow_error_t *err)
{
    return cli_fail(err, FURROW_EIO, "%.600s: cannot %s: %s", path, what, strerror(errno));
}

furrow_status_t canvas_write(const canvas_t *canvas, const char *path, furrow_error_t *err)
{
    char name[SCRATCH_NAME];

    const bool fits = snprintf(name, sizeof name, "%s.furrow-part", path) < (int)sizeof name;
    if (!fits) errno = ENAMETOOLONG;
    FILE *file = fits ? fopen(name, "wb") : NULL;
    if (file == NULL) return fail_file(path, "create", err);
    const int made = stbi_write_png_to_func(take_bytes, file, canvas->width, canvas->height, 3, canvas->pixel, 0);
    const bool failed = ferror(file) != 0;
    if (fclose(file) == 0 && !failed && made != 0 && rename(name, path) == 0) return FURROW_OK;
    const furrow_status_t status =
        made == 0 && !failed ? cli_fail(err, FURROW_ENOMEM, "out of memory for a PNG") : fail_file(path, "write", err);
    (void)unlink(name);
    return status;
}
