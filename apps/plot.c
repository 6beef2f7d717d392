/* Owns SVG: the little of it that bars and labels need. */
#include "plot.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ shapes */

/* Characters that XML reserves, and control characters, which it cannot hold at all. */
static void put_escaped(FILE *stream, const char *text)
{
    static const char reserved[] = "&<>\"";
    static const char *const entity[] = {"&amp;", "&lt;", "&gt;", "&quot;"};

    for (; *text != '\0'; text++) {
        const char *found = strchr(reserved, *text);
        if (found != NULL)
            (void)fputs(entity[found - reserved], stream);
        else
            (void)fputc((unsigned char)*text < ' ' ? ' ' : *text, stream);
    }
}

void plot_start(plot_t *plot, double width, double height, const char *background, const char *title)
{
    *plot = (plot_t){0};
    plot->stream = open_memstream(&plot->text, &plot->size);
    if (plot->stream == NULL) return;
    (void)fprintf(
        plot->stream,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" viewBox=\"0 0 %g %g\" role=\"img\""
        " font-family=\"system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif\">\n<title>",
        width, height, width, height);
    put_escaped(plot->stream, title);
    (void)fputs("</title>\n", plot->stream);
    plot_rect(plot, 0.0, 0.0, width, height, background);
}

void plot_rect(plot_t *plot, double x, double y, double width, double height, const char *color)
{
    if (plot->stream == NULL) return;
    (void)fprintf(plot->stream, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y,
                  width, height, color);
}

void plot_line(plot_t *plot, double x1, double y1, double x2, double y2, double width, const char *color)
{
    if (plot->stream == NULL) return;
    (void)fprintf(plot->stream,
                  "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"%g\"/>\n", x1, y1,
                  x2, y2, color, width);
}

void plot_text(plot_t *plot, double x, double y, const plot_font_t *font, const char *text)
{
    static const char *const anchors[] = {"start", "middle", "end"};

    if (plot->stream == NULL) return;
    (void)fprintf(plot->stream, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%g\" text-anchor=\"%s\" fill=\"%s\"%s>", x, y,
                  font->size, anchors[font->anchor], font->color, font->is_bold ? " font-weight=\"600\"" : "");
    put_escaped(plot->stream, text);
    (void)fputs("</text>\n", plot->stream);
}

/* -------------------------------------------------------------------- file */

static bool is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* The folder of a file. */
static void folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        (void)snprintf(folder, PATH_MAX, ".");
    else
        (void)snprintf(folder, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static furrow_status_t refuse(const char *path, int reason, furrow_error_t *err)
{
    return cli_fail(err, FURROW_EIO, "%.600s: cannot write: %s", path, strerror(reason));
}

furrow_status_t plot_check(const char *path, furrow_error_t *err)
{
    char folder[PATH_MAX];
    struct stat there;

    if (is_stdout(path)) return FURROW_OK;
    if (strlen(path) >= PATH_MAX - 16) return refuse(path, ENAMETOOLONG, err);
    if (stat(path, &there) == 0 && S_ISDIR(there.st_mode)) return refuse(path, EISDIR, err);
    folder_of(path, folder);
    return access(folder, W_OK | X_OK) == 0 ? FURROW_OK : refuse(path, errno, err);
}

static mode_t permissions_of_new_file(void)
{
    const mode_t mask = umask(0);

    (void)umask(mask);
    return 0666 & ~mask;
}

/* A temporary beside `path`, renamed when it is complete. \return 0 or errno */
static int write_beside(const char *path, const char *text, size_t size)
{
    char temporary[PATH_MAX];

    (void)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    const int fd = mkstemp(temporary);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) return errno;
    const bool failed = fchmod(fd, permissions_of_new_file()) != 0 || fwrite(text, 1, size, file) != size;
    if (fclose(file) == 0 && !failed && rename(temporary, path) == 0) return 0;
    const int reason = errno;
    (void)unlink(temporary);
    return reason;
}

furrow_status_t plot_finish(plot_t *plot, const char *path, furrow_error_t *err)
{
    bool failed = plot->stream == NULL;
    furrow_status_t status = FURROW_OK;

    if (!failed) {
        (void)fputs("</svg>\n", plot->stream);
        failed = ferror(plot->stream) != 0;
        failed = fclose(plot->stream) != 0 || failed;
    }
    if (failed)
        status = cli_fail(err, FURROW_ENOMEM, "out of memory for a drawing");
    else if (is_stdout(path))
        (void)fwrite(plot->text, 1, plot->size, stdout); /* main() looks for errors */
    else {
        const int reason = write_beside(path, plot->text, plot->size);
        if (reason != 0) status = refuse(path, reason, err);
    }
    free(plot->text);
    *plot = (plot_t){0};
    return status;
}
