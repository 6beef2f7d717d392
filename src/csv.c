/* Owns comma-separated values. */
#include "csv.h"

#include <string.h>

void furrow_csv_begin(furrow_csv_t *csv, char *text, int64_t count)
{
    const bool marked = count >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;

    *csv = (furrow_csv_t){.at = text + (marked ? 3 : 0), .end = text + count, .next_line = 1};
}

/* What ends a plain field: a comma, a line end, the end. */
static char *end_of_plain(const furrow_csv_t *csv, char *from)
{
    char *c = from;

    while (c < csv->end && *c != ',' && *c != '\n' && *c != '\0') c++;
    return c;
}

/* Take the quotes away, in place. `*at` is behind the opening one, and is left behind the closing one; NULL: there is
 * none. Returns the new end of the field. */
static char *unquote(furrow_csv_t *csv, char **at)
{
    char *in = *at, *out = *at;

    for (; in < csv->end; in++) {
        if (*in == '"' && in + 1 < csv->end && in[1] == '"')
            in++;
        else if (*in == '"')
            break;
        csv->next_line += *in == '\n';
        *out++ = *in;
    }
    *at = in < csv->end ? in + 1 : NULL;
    return out;
}

static furrow_status_t fail(const furrow_csv_t *csv, const char *what, furrow_error_t *err)
{
    return furrow_fail(err, FURROW_EFORMAT, "line %lld: %s", (long long)csv->line, what);
}

/* One field; what ends it is left in `*stop`, and overwritten with a zero byte. */
static furrow_status_t take_field(furrow_csv_t *csv, char *stop, furrow_error_t *err)
{
    char *start = csv->at, *end;

    if (start < csv->end && *start == '"') {
        csv->at = ++start;
        end = unquote(csv, &csv->at);
        if (csv->at == NULL) return fail(csv, "a quote does not end", err);
        if (memchr(start, '\0', (size_t)(end - start)) != NULL) return fail(csv, "a zero byte", err);
        if (csv->at + 1 < csv->end && csv->at[0] == '\r' && csv->at[1] == '\n') csv->at++;
        if (csv->at < csv->end && *csv->at != ',' && *csv->at != '\n')
            return fail(csv, "text after the quote that ends a field", err);
    } else {
        csv->at = end = end_of_plain(csv, start);
        if (end < csv->end && *end == '\0') return fail(csv, "a zero byte", err);
        if (end > start && end[-1] == '\r' && (end == csv->end || *end == '\n')) end--;
    }
    *stop = csv->at < csv->end ? *csv->at : '\n';
    *end = '\0';
    if (csv->at < csv->end) csv->at++;
    return furrow_grow_add(&csv->field, &start, sizeof start, err);
}

static void pass_empty_lines(furrow_csv_t *csv)
{
    for (; csv->at < csv->end; csv->at++, csv->next_line++) {
        if (*csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n') csv->at++;
        if (*csv->at != '\n') return;
    }
}

furrow_status_t furrow_csv_next(furrow_csv_t *csv, bool *more, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;
    char stop = ',';

    pass_empty_lines(csv);
    csv->field.count = csv->fields = 0;
    csv->line = csv->next_line;
    *more = csv->at < csv->end;
    if (!*more) return FURROW_OK;
    while (stop == ',' && status == FURROW_OK) status = take_field(csv, &stop, err);
    csv->fields = csv->field.count / (int64_t)sizeof(char *);
    csv->next_line++;
    return status;
}

char *furrow_csv_field(const furrow_csv_t *csv, int64_t i)
{
    return ((char **)(void *)csv->field.data)[i];
}

void furrow_csv_end(furrow_csv_t *csv)
{
    furrow_grow_free(&csv->field);
}

furrow_status_t furrow_csv_add(furrow_grow_t *text, const char *field, furrow_error_t *err)
{
    const int64_t length = (int64_t)strlen(field);

    if (strpbrk(field, ",\"\r\n") == NULL && field[0] != ' ' && (length == 0 || field[length - 1] != ' '))
        return furrow_grow_add(text, field, length, err);
    furrow_status_t status = furrow_grow_add(text, "\"", 1, err);
    for (const char *c = field; *c != '\0' && status == FURROW_OK;) {
        const size_t plain = strcspn(c, "\"");
        status = furrow_grow_add(text, c, (int64_t)plain, err);
        c += plain;
        if (*c == '"' && status == FURROW_OK) status = furrow_grow_add(text, "\"\"", 2, err);
        c += *c == '"';
    }
    return status == FURROW_OK ? furrow_grow_add(text, "\"", 1, err) : status;
}
