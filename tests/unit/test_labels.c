/* Labels: which row belongs to which image, which columns hold numbers, what cannot be joined. */
#include "files.h"

#include <math.h>

#include "labels.h"

static furrow_context_t *ctx;

static int open_all(void **state)
{
    return furrow_context_open(NULL, &ctx, NULL) != FURROW_OK || make_folder(state) != 0;
}

static int close_all(void **state)
{
    furrow_context_close(ctx);
    return remove_folder(state);
}

/* A listing of names between spaces, none of which needs to be there. */
static furrow_listing_t *listing_of(const char *names)
{
    char list[1024], source[1100];
    const char *sources = source;
    furrow_listing_t *l;

    (void)snprintf(list, sizeof list, "%s", names);
    for (char *c = list; *c != '\0'; c++)
        if (*c == ' ') *c = '\n';
    put_bytes("list", list, strlen(list), NULL, 0);
    (void)snprintf(source, sizeof source, "@%s", path_of("list"));
    assert_int_equal(furrow_listing_open(ctx, &sources, 1, false, &l, NULL), FURROW_OK);
    return l;
}

static furrow_status_t open_labels(const char *names, const char *csv, const char *key, const char *columns,
                                   furrow_labels_t **labels, furrow_error_t *err)
{
    const furrow_labels_opts_t opts = {path_of("labels.csv"), key, columns, 1 << 20};
    furrow_listing_t *listing = listing_of(names);

    put_bytes("labels.csv", csv, strlen(csv), NULL, 0);
    const furrow_status_t status = furrow_labels_open(&opts, listing, labels, err);
    furrow_listing_free(listing);
    return status;
}

static const char *error_of(const char *names, const char *csv, const char *key, const char *columns)
{
    static furrow_error_t err;
    furrow_labels_t *labels;

    assert_int_not_equal(open_labels(names, csv, key, columns, &labels, &err), FURROW_OK);
    assert_null(labels);
    return err.text;
}

/* The first column of the row that each image has, '-' for none, in the order of the listing. */
static const char *joined(const char *names, const char *csv)
{
    static char text[256];
    furrow_labels_t *labels;
    furrow_error_t err = {0};
    int64_t images = 1;

    for (const char *c = names; *c != '\0'; c++) images += *c == ' ';
    if (open_labels(names, csv, NULL, NULL, &labels, &err) != FURROW_OK) return err.text[0] != '\0' ? "failed" : "";
    text[0] = '\0';
    for (int64_t i = 0; i < images; i++)
        strcat(text, furrow_labels_has(labels, i) ? furrow_labels_text(labels, i, 0) : "-");
    (void)sprintf(text + strlen(text), " %lld", (long long)furrow_labels_unused(labels));
    furrow_labels_free(labels);
    return text;
}

static void rows_find_their_images(void **state)
{
    (void)state;
    assert_string_equal(joined("a.jpg b.jpg c.jpg", "file,x\nc.jpg,C\na.jpg,A\n"), "A-C 0");
    assert_string_equal(joined("a.jpg b.jpg", "file,x\na,A\nb,B\n"), "AB 0");
    assert_string_equal(joined("d/a.jpg d/b.jpg", "file,x\nd/a.jpg,A\nb.jpg,B\n"), "AB 0");
    assert_string_equal(joined("t/1/a.jpg t/2/a.jpg", "file,x\n2/a.jpg,2\n1/a,1\n"), "12 0");
    assert_string_equal(joined("a.jpg", "file,x\n./a.jpg,A\nother.jpg,O\n,E\n"), "A 2");
    assert_string_equal(joined("a.jpg a.png", "file,x\na.jpg,J\na.png,P\n"), "JP 0");
    assert_string_equal(joined("a a.jpg", "file,x\na,plain\n"), "plain- 0"); /* the whole name comes first */
    assert_string_equal(joined("d/a.jpg", "file,x\na.jp,1\nxa.jpg,2\n/a.jpg,3\njpg,4\n"), "- 4");
    assert_string_equal(joined("x/.hidden x/v1.2.jpg", "file,x\nv1.2,V\n.hidden,H\n"), "HV 0");
}

static void what_is_ambiguous_is_an_error(void **state)
{
    (void)state;
    const char *text = error_of("t/1/a.jpg t/2/a.jpg", "file,x\na.jpg,1\n", NULL, NULL);
    assert_non_null(strstr(text, "line 2: 'a.jpg' may be t/1/a.jpg or t/2/a.jpg"));
    text = error_of("a.jpg a.png", "file,x\n\na,1\n", NULL, NULL);
    assert_non_null(strstr(text, "line 3: 'a' may be a.jpg or a.png"));
    text = error_of("a.jpg", "file,x\na.jpg,1\na,2\n", NULL, NULL);
    assert_non_null(strstr(text, "lines 2 and 3 are both for a.jpg"));
}

static void columns_are_chosen_by_name(void **state)
{
    furrow_labels_t *l;

    (void)state;
    assert_int_equal(open_labels("a.jpg b.jpg", "u,name,v,w\n1,a,x,2.5\n,b,,-1e3\n", "name", NULL, &l, NULL),
                     FURROW_OK);
    assert_int_equal(furrow_labels_columns(l), 3);
    assert_string_equal(furrow_labels_name(l, 2), "w");
    assert_true(furrow_labels_is_numeric(l, 0));
    assert_false(furrow_labels_is_numeric(l, 1));
    assert_true(furrow_labels_is_numeric(l, 2));
    assert_true(furrow_labels_number(l, 0, 0) == 1 && isnan(furrow_labels_number(l, 1, 0)));
    assert_true(furrow_labels_number(l, 0, 2) == 2.5 && furrow_labels_number(l, 1, 2) == -1000);
    furrow_labels_free(l);
    assert_int_equal(open_labels("a.jpg", "u,name,v,w\n1,a,x,2.5\n", "name", "w,u", &l, NULL), FURROW_OK);
    assert_int_equal(furrow_labels_columns(l), 2);
    assert_string_equal(furrow_labels_name(l, 0), "w");
    assert_string_equal(furrow_labels_text(l, 0, 1), "1");
    furrow_labels_free(l);
    assert_non_null(strstr(error_of("a.jpg", "u,v\n1,2\n", "name", NULL), "no column 'name'; there are u, v"));
    assert_non_null(strstr(error_of("a.jpg", "u,v\n1,2\n", NULL, "v,x"), "no column 'x'; there are u, v"));
}

static void only_numbers_are_numbers(void **state)
{
    static const char *const cells[] = {"1", "-2.5", "+1e-3", "nan", "NaN", "0x10", "inf", "1 ", "1,5", "", "1e", "."};
    static const bool number[] = {true, true, true, true, true, false, false, false, false, false, false, false};

    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        char csv[64];
        furrow_labels_t *l;
        (void)snprintf(csv, sizeof csv, "file,x\na.jpg,\"%s\"\n", cells[i]);
        assert_int_equal(open_labels("a.jpg", csv, NULL, NULL, &l, NULL), FURROW_OK);
        assert_int_equal(furrow_labels_is_numeric(l, 0), number[i]);
        furrow_labels_free(l);
    }
}

static void a_bad_table_is_an_error(void **state)
{
    (void)state;
    assert_non_null(strstr(error_of("a.jpg", "", NULL, NULL), "labels.csv: no column names"));
    assert_non_null(
        strstr(error_of("a.jpg", "f,x\na,1,2\n", NULL, NULL), "labels.csv: line 2: 3 fields, the first line has 2"));
    assert_non_null(strstr(error_of("a.jpg", "f,x\n\"a,1\n", NULL, NULL), "labels.csv: line 2: a quote does not end"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_find_their_images),     cmocka_unit_test(what_is_ambiguous_is_an_error),
        cmocka_unit_test(columns_are_chosen_by_name), cmocka_unit_test(only_numbers_are_numbers),
        cmocka_unit_test(a_bad_table_is_an_error),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
