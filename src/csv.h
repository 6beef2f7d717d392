/** \file csv.h
 * Comma-separated values as RFC 4180 has them, in memory. Work layer; local.
 */
#ifndef FURROW_CSV_H
#define FURROW_CSV_H

#include "grow.h"

/** A text that is read record by record. It is taken apart in place. */
typedef struct furrow_csv {
    char *at, *end; /* `end` is writable: what stands there is overwritten */
    int64_t line;   /* of the record read last, from 1 */
    int64_t next_line;
    furrow_grow_t field; /* char *: of the record read last */
    int64_t fields;
} furrow_csv_t;

/** Begin. `text` holds `count` bytes and room for one more; a byte order mark of UTF-8 is passed over. */
void furrow_csv_begin(furrow_csv_t *csv, char *text, int64_t count);

/** Read the next record; empty lines are passed over. The fields end with a zero byte and stay valid as long as the
 * text.
 *
 * \param[out] more  false: there was none
 * \return FURROW_OK, FURROW_EFORMAT (a quote that does not end or does not end its field, a zero byte; with the line),
 *         FURROW_ENOMEM */
FURROW_MUST_CHECK furrow_status_t furrow_csv_next(furrow_csv_t *csv, bool *more, furrow_error_t *err);

/** Field `i`, 0 <= i < fields. */
char *furrow_csv_field(const furrow_csv_t *csv, int64_t i);

void furrow_csv_end(furrow_csv_t *csv);

/** Add a field to a text, in quotes where it needs them. */
FURROW_MUST_CHECK furrow_status_t furrow_csv_add(furrow_grow_t *text, const char *field, furrow_error_t *err);

#endif
