/* The list of rejects: every item with its own text, however many, in order, as a file that a CSV reader takes. */
#include "files.h"
#include "reject_list.h"

static const char *text_of(int64_t index, char text[200])
{
    if (index % 3 == 0)
        (void)snprintf(text, 200, "one of few, %d", (int)(index % 7));
    else
        (void)snprintf(text, 200, "value %lld is not \"good\"", (long long)index);
    return text;
}

/* Descending, so that order is the list's doing. */
static void fill(furrow_reject_list_t *list, int64_t count)
{
    char text[200];

    for (int64_t i = count - 1; i >= 0; i--)
        assert_int_equal(furrow_reject_list_add(list, i, text_of(i, text), NULL), FURROW_OK);
    furrow_reject_list_sort(list);
}

static void test_every_text(void **state)
{
    enum { COUNT = 100000 };
    furrow_reject_list_t list = {0};
    char text[200];

    (void)state;
    fill(&list, COUNT);
    assert_int_equal(list.count, COUNT);
    for (int64_t i = 0; i < COUNT; i++) {
        assert_int_equal(list.entry[i].index, i);
        assert_string_equal(list.entry[i].text, text_of(i, text));
    }
    assert_int_equal(list.texts, COUNT - (COUNT + 2) / 3 + 7);
    furrow_reject_list_free(&list);
}

static void test_bounded(void **state)
{
    furrow_reject_list_t list = {0};
    char text[200];
    int64_t kept = 0;

    (void)state;
    for (int64_t i = 0; i < 400000; i++) {
        (void)snprintf(text, sizeof text, "%0198lld", (long long)i);
        assert_int_equal(furrow_reject_list_add(&list, i, text, NULL), FURROW_OK);
        const bool is_it = strcmp(list.entry[i].text, text) == 0;
        assert_true(is_it || strstr(list.entry[i].text, "too many") != NULL);
        kept += is_it;
    }
    assert_int_equal(kept, (1 << 26) / 199);
    furrow_reject_list_free(&list);
}

static void test_file(void **state)
{
    static const char expected[] = "index,error\n0,\"one of few, 0\"\n1,\"value 1 is not \"\"good\"\"\"\n"
                                   "2,\"value 2 is not \"\"good\"\"\"\n3,\"one of few, 3\"\n4,two? lines\n";
    furrow_reject_list_t list = {0};
    char path[300], seen[500] = "";
    const char *output = path_of("out.npy");

    (void)state;
    (void)snprintf(path, sizeof path, "%s.rejects.csv", output);
    assert_int_equal(furrow_reject_list_add(&list, 4, "two\n lines", NULL), FURROW_OK);
    fill(&list, 4);
    assert_int_equal(furrow_reject_list_write(&list, output, NULL), FURROW_OK);
    furrow_reject_list_free(&list);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(seen, 1, sizeof seen - 1, file), sizeof expected - 1);
    (void)fclose(file);
    assert_string_equal(seen, expected);
    assert_int_equal(furrow_reject_list_write(&list, output, NULL), FURROW_OK); /* of none there is no file */
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_text), cmocka_unit_test(test_bounded),
                                       cmocka_unit_test(test_file)};

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
