/* Owns labels: the table, whose cells stay where they were read, and the rows that images have in it. */
#include "labels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "csv.h"
#include "mem.h"
#include "name_index.h"

struct furrow_labels {
    const char *path; /* borrowed while it is opened */
    furrow_grow_t text;
    furrow_csv_t csv;
    int64_t key;            /* the column of the keys */
    int64_t all_columns;    /* of the file */
    int64_t columns;        /* taken */
    furrow_grow_t column;   /* int64_t [columns]: which */
    furrow_grow_t name;     /* char *[columns] */
    furrow_grow_t cell;     /* char *[rows][columns] */
    furrow_grow_t keys;     /* char *[rows] */
    furrow_grow_t line;     /* int64_t [rows] */
    bool *numeric, *number; /* [columns]: no cell is another text; some cell is a number */
    int64_t rows, images;
    int64_t *row_of; /* [images]; -1: none */
    int64_t unused;
    furrow_grow_t unused_key; /* char *: the first of them */
};

static int64_t get_int(const furrow_grow_t *list, int64_t i)
{
    return ((int64_t *)(void *)list->data)[i];
}

static char *get_text(const furrow_grow_t *list, int64_t i)
{
    return ((char **)(void *)list->data)[i];
}

/* ----------------------------------------------------------------- columns */

/* The column named by the `length` bytes of `name`; -1: there is none. */
static int64_t find_column(const furrow_csv_t *csv, const char *name, size_t length)
{
    for (int64_t i = 0; i < csv->fields; i++) {
        const char *field = furrow_csv_field(csv, i);
        if (strlen(field) == length && memcmp(field, name, length) == 0) return i;
    }
    return -1;
}

static furrow_status_t add_column(furrow_labels_t *l, int64_t column, furrow_error_t *err)
{
    char *name = furrow_csv_field(&l->csv, column);

    const furrow_status_t status = furrow_grow_add(&l->column, &column, sizeof column, err);
    if (status == FURROW_OK) l->columns++;
    return status == FURROW_OK ? furrow_grow_add(&l->name, &name, sizeof name, err) : status;
}

static furrow_status_t no_column(const furrow_labels_t *l, const char *name, size_t length, furrow_error_t *err)
{
    char there[400] = "";

    for (int64_t i = 0; i < l->csv.fields; i++) {
        const size_t used = strlen(there);
        (void)snprintf(there + used, sizeof there - used, "%s%s", i > 0 ? ", " : "", furrow_csv_field(&l->csv, i));
    }
    return furrow_fail(err, FURROW_EARG, "%.300s: no column '%.*s'; there are %s", l->path,
                       (int)(length < 100 ? length : 100), name, there);
}

static furrow_status_t choose_columns(furrow_labels_t *l, const furrow_labels_opts_t *opts, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    l->all_columns = l->csv.fields;
    l->key = opts->key == NULL ? 0 : find_column(&l->csv, opts->key, strlen(opts->key));
    if (l->key < 0) return no_column(l, opts->key, strlen(opts->key), err);
    for (int64_t i = 0; opts->columns == NULL && i < l->csv.fields && status == FURROW_OK; i++)
        if (i != l->key) status = add_column(l, i, err);
    for (const char *name = opts->columns; name != NULL && status == FURROW_OK;) {
        const size_t length = strcspn(name, ",");
        const int64_t column = find_column(&l->csv, name, length);
        status = column < 0 ? no_column(l, name, length, err) : add_column(l, column, err);
        name = name[length] == ',' ? name + length + 1 : NULL;
    }
    return status;
}

/* -------------------------------------------------------------------- rows */

static bool is_number(const char *text)
{
    char *end;

    if (strcasecmp(text, "nan") == 0) return true;
    if (text[0] == '\0' || strspn(text, "0123456789+-.eE") != strlen(text)) return false;
    (void)strtod(text, &end);
    return *end == '\0';
}

static furrow_status_t add_row(furrow_labels_t *l, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;
    char *key;

    if (l->csv.fields != l->all_columns)
        return furrow_fail(err, FURROW_EFORMAT, "%.600s: line %lld: %lld fields, the first line has %lld", l->path,
                           (long long)l->csv.line, (long long)l->csv.fields, (long long)l->all_columns);
    for (int64_t c = 0; c < l->columns && status == FURROW_OK; c++) {
        char *cell = furrow_csv_field(&l->csv, get_int(&l->column, c));
        const bool number = is_number(cell);
        if (!number && cell[0] != '\0') l->numeric[c] = false;
        if (number) l->number[c] = true;
        status = furrow_grow_add(&l->cell, &cell, sizeof cell, err);
    }
    key = furrow_csv_field(&l->csv, l->key);
    if (status == FURROW_OK) status = furrow_grow_add(&l->keys, &key, sizeof key, err);
    if (status == FURROW_OK) status = furrow_grow_add(&l->line, &l->csv.line, sizeof l->csv.line, err);
    l->rows++;
    return status;
}

/* Errors of the text know their line, not their file. */
static furrow_status_t next_record(furrow_labels_t *l, bool *more, furrow_error_t *err)
{
    furrow_error_t plain = {0};
    const furrow_status_t status = furrow_csv_next(&l->csv, more, &plain);

    return status == FURROW_OK ? status : furrow_fail(err, status, "%.600s: %.300s", l->path, plain.text);
}

static furrow_status_t read_table(furrow_labels_t *l, const furrow_labels_opts_t *opts, furrow_error_t *err)
{
    void *numeric = NULL, *number = NULL;
    bool more;

    furrow_status_t status = furrow_grow_read_file(&l->text, l->path, opts->most_bytes, err);
    if (status == FURROW_OK) status = furrow_grow_add(&l->text, "", 1, err);
    if (status != FURROW_OK) return status;
    furrow_csv_begin(&l->csv, l->text.data, l->text.count - 1);
    status = next_record(l, &more, err);
    if (status == FURROW_OK && !more) status = furrow_fail(err, FURROW_EFORMAT, "%.600s: no column names", l->path);
    if (status == FURROW_OK) status = choose_columns(l, opts, err);
    if (status == FURROW_OK) status = furrow_alloc(l->columns, sizeof(bool), &numeric, err);
    if (status == FURROW_OK) status = furrow_alloc(l->columns, sizeof(bool), &number, err);
    l->numeric = numeric;
    l->number = number;
    if (status == FURROW_OK) memset(l->numeric, true, (size_t)l->columns);
    while (status == FURROW_OK && (status = next_record(l, &more, err)) == FURROW_OK && more) status = add_row(l, err);
    return status;
}

/* -------------------------------------------------------------------- join */

static furrow_status_t fail_two_images(const furrow_labels_t *l, const furrow_listing_t *listing, int64_t row,
                                       const int64_t *image, furrow_error_t *err)
{
    return furrow_fail(err, FURROW_EMISMATCH, "%.200s: line %lld: '%.200s' may be %.200s or %.200s", l->path,
                       (long long)get_int(&l->line, row), get_text(&l->keys, row),
                       furrow_listing_name(listing, image[0]), furrow_listing_name(listing, image[1]));
}

static furrow_status_t join_row(furrow_labels_t *l, const furrow_listing_t *listing, const furrow_name_index_t *index,
                                int64_t row, furrow_error_t *err)
{
    char *key = get_text(&l->keys, row);
    int64_t image[2];

    const int64_t found = furrow_name_index_find(index, key, image);
    if (found > 1) return fail_two_images(l, listing, row, image, err);
    if (found == 0) {
        if (l->unused++ >= FURROW_NAMES_LISTED) return FURROW_OK;
        return furrow_grow_add(&l->unused_key, &key, sizeof key, err);
    }
    const int64_t other = l->row_of[image[0]];
    if (other >= 0)
        return furrow_fail(err, FURROW_EMISMATCH, "%.300s: lines %lld and %lld are both for %.300s", l->path,
                           (long long)get_int(&l->line, other), (long long)get_int(&l->line, row),
                           furrow_listing_name(listing, image[0]));
    l->row_of[image[0]] = row;
    return FURROW_OK;
}

static furrow_status_t join(furrow_labels_t *l, const furrow_listing_t *listing, furrow_error_t *err)
{
    furrow_name_index_t *index = NULL;
    void *row_of = NULL;

    l->images = furrow_listing_count(listing);
    furrow_status_t status = furrow_alloc_buffer(l->images, sizeof(int64_t), &row_of, err);
    if (status != FURROW_OK) return status;
    l->row_of = row_of;
    for (int64_t i = 0; i < l->images; i++) l->row_of[i] = -1;
    status = furrow_name_index_open(listing, &index, err);
    for (int64_t row = 0; row < l->rows && status == FURROW_OK; row++) status = join_row(l, listing, index, row, err);
    furrow_name_index_free(index);
    return status;
}

furrow_status_t furrow_labels_open(const furrow_labels_opts_t *opts, const furrow_listing_t *listing,
                                   furrow_labels_t **out, furrow_error_t *err)
{
    void *memory;

    *out = NULL;
    furrow_status_t status = furrow_alloc(1, sizeof **out, &memory, err);
    if (status != FURROW_OK) return status;
    furrow_labels_t *l = memory;
    l->path = opts->path;
    status = read_table(l, opts, err);
    if (status == FURROW_OK) status = join(l, listing, err);
    l->path = NULL;
    if (status == FURROW_OK)
        *out = l;
    else
        furrow_labels_free(l);
    return status;
}

/* ------------------------------------------------------------------- facts */

int64_t furrow_labels_columns(const furrow_labels_t *l)
{
    return l->columns;
}

const char *furrow_labels_name(const furrow_labels_t *l, int64_t column)
{
    return get_text(&l->name, column);
}

bool furrow_labels_is_numeric(const furrow_labels_t *l, int64_t column)
{
    return l->numeric[column] && l->number[column];
}

bool furrow_labels_has(const furrow_labels_t *l, int64_t image)
{
    return l->row_of[image] >= 0;
}

const char *furrow_labels_text(const furrow_labels_t *l, int64_t image, int64_t column)
{
    return l->row_of[image] < 0 ? "" : get_text(&l->cell, l->row_of[image] * l->columns + column);
}

double furrow_labels_number(const furrow_labels_t *l, int64_t image, int64_t column)
{
    const char *text = furrow_labels_text(l, image, column);

    return is_number(text) && strcasecmp(text, "nan") != 0 ? strtod(text, NULL) : NAN;
}

int64_t furrow_labels_unused(const furrow_labels_t *l)
{
    return l->unused;
}

const char *furrow_labels_unused_key(const furrow_labels_t *l, int64_t i)
{
    return get_text(&l->unused_key, i);
}

int64_t furrow_labels_bytes(const furrow_labels_t *l)
{
    return l->text.room + l->cell.room + l->keys.room + l->line.room + l->images * (int64_t)sizeof *l->row_of;
}

void furrow_labels_free(furrow_labels_t *l)
{
    if (l == NULL) return;
    furrow_csv_end(&l->csv);
    furrow_grow_free(&l->text);
    furrow_grow_free(&l->column);
    furrow_grow_free(&l->name);
    furrow_grow_free(&l->cell);
    furrow_grow_free(&l->keys);
    furrow_grow_free(&l->line);
    furrow_grow_free(&l->unused_key);
    free(l->numeric);
    free(l->number);
    free(l->row_of);
    free(l);
}
