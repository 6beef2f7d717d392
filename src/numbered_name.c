/* Owns names of numbered files. The pattern is the user's: it is never given to printf. */
#include "numbered_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 18 };

/* The length of a conversion at `text`, "%d" or "%05d"; 0 if there is none. */
static int conversion(const char *text, int *width)
{
    int used = 1;

    *width = 0;
    if (text[used] == '0') {
        for (; text[used] >= '0' && text[used] <= '9' && *width <= DIGITS_MAX; used++)
            *width = 10 * *width + (text[used] - '0');
        if (*width < 1 || *width > DIGITS_MAX) return 0;
    }
    return text[used] == 'd' ? used + 1 : 0;
}

furrow_status_t furrow_numbered_name(const char *pattern, int64_t number, char **out, furrow_error_t *err)
{
    int found = 0, width;

    char *name = *out = malloc(strlen(pattern) + DIGITS_MAX + 3);
    if (name == NULL) return furrow_fail(err, FURROW_ENOMEM, "out of memory for the name of a file");
    for (const char *c = pattern; *c != '\0' && found >= 0;) {
        const int length = *c == '%' ? conversion(c, &width) : 0;
        if (length > 0) {
            name += sprintf(name, "%0*" PRId64, width, number);
            found++;
            c += length;
        } else if (*c == '%' && c[1] != '%') {
            found = -1;
        } else {
            *name++ = *c;
            c += *c == '%' ? 2 : 1;
        }
        if (found > 1) found = -1;
    }
    *name = '\0';
    if (found == 1) return FURROW_OK;
    free(*out);
    *out = NULL;
    return furrow_fail(err, FURROW_EARG,
                       "%.400s: must have one %%d or %%05d for the number of the file, and no other %%", pattern);
}
