/* Comma-separated values: records and fields, quotes, what is refused, and that what is written reads back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

/* All records: fields joined by '|', records by '/'; or "line N: ..." . The text is copied to memory of its size, so
 * that a sanitizer sees what is read beyond it. */
static const char *read_all(const char *text, size_t size)
{
    static char out[1024];
    char *copy = malloc(size + 1);
    furrow_error_t err = {0};
    furrow_csv_t csv;
    size_t used = 0;
    bool more = true;

    assert_non_null(copy);
    memcpy(copy, text, size);
    furrow_csv_begin(&csv, copy, (int64_t)size);
    out[0] = '\0';
    while (furrow_csv_next(&csv, &more, &err) == FURROW_OK && more) {
        for (int64_t i = 0; i < csv.fields; i++)
            used += (size_t)snprintf(out + used, sizeof out - used, "%s%s",
                                     i > 0      ? "|"
                                     : used > 0 ? "/"
                                                : "",
                                     furrow_csv_field(&csv, i));
    }
    furrow_csv_end(&csv);
    free(copy);
    if (err.text[0] != '\0') (void)snprintf(out, sizeof out, "%s", err.text);
    return out;
}

#define READ(text) read_all(text, sizeof(text) - 1)

static void records_are_taken_apart(void **state)
{
    (void)state;
    assert_string_equal(READ("a,b,c\n1,2,3\n"), "a|b|c/1|2|3");
    assert_string_equal(READ("a,b\r\n1,2"), "a|b/1|2");
    assert_string_equal(READ("a,b\r\n1,2\r\n\r\n\n"), "a|b/1|2");
    assert_string_equal(READ("\xef\xbb\xbf"
                             "a\n"),
                        "a");
    assert_string_equal(READ("a,,\n,,\n"), "a||/||");
    assert_string_equal(READ("a,"), "a|");
    assert_string_equal(READ(" a , b "), " a | b ");
    assert_string_equal(READ("a\rb,c"), "a\rb|c");
    assert_string_equal(READ("a,b\r"), "a|b");
    assert_string_equal(READ(""), "");
    assert_string_equal(READ("\n\r\n\n"), "");
}

static void quotes_are_taken_away(void **state)
{
    (void)state;
    assert_string_equal(READ("\"a,b\",\"c\nd\"\n\"\",x\n"), "a,b|c\nd/|x");
    assert_string_equal(READ("\"a\"\"b\"\"\",\"\"\"\""), "a\"b\"|\"");
    assert_string_equal(READ("\"a\"\r\n\"b\""), "a/b");
    assert_string_equal(READ("a\"b,c"), "a\"b|c");
}

static void what_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_string_equal(READ("a\n\"b\nc"), "line 2: a quote does not end");
    assert_string_equal(READ("a\n\"b\nc\"\n\"x\"y\n"), "line 4: text after the quote that ends a field");
    assert_string_equal(READ("a\nb\0c\n"), "line 2: a zero byte");
    assert_string_equal(READ("\"b\0c\"\n"), "line 1: a zero byte");
    assert_string_equal(READ("\""), "line 1: a quote does not end");
    assert_string_equal(READ("\"\"\""), "line 1: a quote does not end");
}

static void what_is_written_reads_back(void **state)
{
    static const char *const fields[] = {"plain", "", " lead", "trail ", "a,b", "\"", "line\nline", "\r", "x\"\"y"};
    furrow_grow_t text = {0};
    furrow_csv_t csv;
    bool more;

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (i > 0) assert_int_equal(furrow_grow_add(&text, ",", 1, NULL), FURROW_OK);
        assert_int_equal(furrow_csv_add(&text, fields[i], NULL), FURROW_OK);
    }
    assert_int_equal(furrow_grow_add(&text, "\n", 1, NULL), FURROW_OK);
    furrow_csv_begin(&csv, text.data, text.count);
    assert_int_equal(furrow_csv_next(&csv, &more, NULL), FURROW_OK);
    assert_int_equal(csv.fields, sizeof fields / sizeof *fields);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        assert_string_equal(furrow_csv_field(&csv, (int64_t)i), fields[i]);
    furrow_csv_end(&csv);
    furrow_grow_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_taken_apart),
        cmocka_unit_test(quotes_are_taken_away),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(what_is_written_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
