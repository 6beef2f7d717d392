/* Names of numbered files: what a pattern may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "numbered_name.h"

static void patterns_give_names(void **state)
{
    static const struct {
        const char *pattern, *name;
        int64_t number;
    } cases[] = {{"a-%05d.npy", "a-00042.npy", 42},   {"%d", "42", 42},
                 {"100%%-%03d%%", "100%-042%", 42},   {"%01d", "42", 42},
                 {"%018d", "000000000000000042", 42}, {"x%d", "x9223372036854775807", INT64_MAX}};
    char *name;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(furrow_numbered_name(cases[i].pattern, cases[i].number, &name, NULL), FURROW_OK);
        assert_string_equal(name, cases[i].name);
        free(name);
    }
}

static void other_patterns_are_refused(void **state)
{
    static const char *const patterns[] = {
        "a.npy", "",     "%",    "%%",   "%s",  "%5d", "%0d", "%019d",
        "%-3d",  "%d%d", "%d%s", "%s%d", "%ld", "%n",  "%0",  "%00000000000000000000000001d x %*d"};

    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        char *name;
        furrow_error_t err = {0};
        assert_int_equal(furrow_numbered_name(patterns[i], 1, &name, &err), FURROW_EARG);
        assert_null(name);
        assert_non_null(strstr(err.text, "must have one %d"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_give_names),
        cmocka_unit_test(other_patterns_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
