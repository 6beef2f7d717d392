/* Owns status texts and the filling of errors. */
#include "status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *furrow_status_text(furrow_status_t status)
{
    switch (status) {
#define STATUS_TEXT(name, value, text)                                                                                 \
    case FURROW_##name: return text;
        FURROW_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

void furrow_error_clear(furrow_error_t *err)
{
    if (err != NULL) memset(err, 0, sizeof *err);
}

void furrow_keep_on_one_line(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f) *text = '?';
}

furrow_status_t furrow_fail(furrow_error_t *err, furrow_status_t status, const char *format, ...)
{
    va_list args;

    if (err == NULL) return status;
    furrow_error_clear(err);
    err->status = status;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    furrow_keep_on_one_line(err->text);
    return status;
}

furrow_status_t furrow_fail_errno(furrow_error_t *err, const char *path, const char *what)
{
    const int number = errno;
    const furrow_status_t status = furrow_fail(err, FURROW_EIO, "%.600s: cannot %s: %s", path, what, strerror(number));

    if (err != NULL) err->sys_errno = number;
    return status;
}
