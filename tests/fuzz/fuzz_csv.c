/* Any bytes as comma-separated values: no byte outside of them is touched, and what is read, written again, reads back
 * the same. */
#include <stdlib.h>
#include <string.h>

#include "csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) abort();
}

/* One record as text, and its fields read from that. */
static void check_round_trip(const furrow_csv_t *csv)
{
    furrow_grow_t text = {0};
    furrow_csv_t again;
    bool more = false;

    for (int64_t i = 0; i < csv->fields; i++) {
        if (i > 0) require(furrow_grow_add(&text, ",", 1, NULL) == FURROW_OK);
        require(furrow_csv_add(&text, furrow_csv_field(csv, i), NULL) == FURROW_OK);
    }
    require(furrow_grow_add(&text, "\n", 1, NULL) == FURROW_OK);
    furrow_csv_begin(&again, text.data, text.count);
    const bool is_empty_line = csv->fields == 1 && furrow_csv_field(csv, 0)[0] == '\0';
    const bool is_mark = text.count >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0;
    if (!is_mark) {
        require(furrow_csv_next(&again, &more, NULL) == FURROW_OK && more == !is_empty_line);
        require(!more || again.fields == csv->fields);
        for (int64_t i = 0; more && i < csv->fields; i++)
            require(strcmp(furrow_csv_field(&again, i), furrow_csv_field(csv, i)) == 0);
    }
    furrow_csv_end(&again);
    furrow_grow_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    furrow_error_t err = {0};
    furrow_csv_t csv;
    int64_t line = 0;
    bool more = true;

    require(copy != NULL);
    if (size > 0) memcpy(copy, data, size);
    furrow_csv_begin(&csv, copy, (int64_t)size);
    while (furrow_csv_next(&csv, &more, &err) == FURROW_OK && more) {
        require(csv.fields >= 1 && csv.line > line);
        line = csv.line;
        check_round_trip(&csv);
    }
    require(err.text[0] == '\0' || (err.status == FURROW_EFORMAT && strncmp(err.text, "line ", 5) == 0));
    furrow_csv_end(&csv);
    free(copy);
    return 0;
}
