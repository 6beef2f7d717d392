/* Names of the reductions, and the nearest one to a name that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "furrow.h"

static void test_op__names(void **state)
{
    static const char *const names[] = {"count",  "sum",    "sumsq", "mean",  "var",     "std",     "min", "max",
                                        "argmin", "argmax", "norm1", "norm2", "norminf", "nonzero", "nan", "hist"};
    furrow_op_t op;

    (void)state;
    assert_int_equal(sizeof names / sizeof names[0], FURROW_OP_TOTAL);
    for (furrow_op_t i = 0; i < FURROW_OP_TOTAL; i++) {
        assert_string_equal(furrow_op_name(i), names[i]);
        assert_true(furrow_op_find(names[i], &op, NULL));
        assert_int_equal(op, i);
    }
    assert_string_equal(furrow_op_name(FURROW_OP_TOTAL), "?");
    assert_string_equal(furrow_op_name((furrow_op_t)-1), "?");
}

static void test_op__nearest(void **state)
{
    static const struct {
        const char *name;
        furrow_op_t nearest;
    } wrong[] = {{"summ", FURROW_OP_SUM},         {"sumsqr", FURROW_OP_SUMSQ},   {"sum_sq", FURROW_OP_SUMSQ},
                 {"maen", FURROW_OP_MEAN},        {"average", FURROW_OP_MEAN},   {"argmn", FURROW_OP_ARGMIN},
                 {"arg_max", FURROW_OP_ARGMAX},   {"norm", FURROW_OP_NORM1},     {"norm-inf", FURROW_OP_NORMINF},
                 {"nonezero", FURROW_OP_NONZERO}, {"histogram", FURROW_OP_HIST}, {"cuont", FURROW_OP_COUNT},
                 {"SUM", FURROW_OP_SUM},          {"stdev", FURROW_OP_STD},      {"NaN", FURROW_OP_NAN},
                 {"MEAN", FURROW_OP_MEAN},        {"ArgMax", FURROW_OP_ARGMAX}};
    furrow_op_t op = FURROW_OP_HIST, nearest;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        nearest = FURROW_OP_TOTAL;
        assert_false(furrow_op_find(wrong[i].name, &op, &nearest));
        assert_string_equal(furrow_op_name(nearest), furrow_op_name(wrong[i].nearest));
        assert_int_equal(op, FURROW_OP_HIST); /* unchanged */
    }
}

/* However long the name. */
static void test_op__strange_names(void **state)
{
    char endless[10000];
    furrow_op_t op, nearest = FURROW_OP_TOTAL;

    (void)state;
    memset(endless, 's', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    assert_false(furrow_op_find(endless, &op, &nearest));
    assert_true(nearest < FURROW_OP_TOTAL);
    assert_false(furrow_op_find("", &op, &nearest));
    assert_true(nearest < FURROW_OP_TOTAL);
    assert_false(furrow_op_find("sum ", &op, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_op__names),
        cmocka_unit_test(test_op__nearest),
        cmocka_unit_test(test_op__strange_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
