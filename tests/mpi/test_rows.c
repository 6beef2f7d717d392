/* Rows: what a caller is told while they are computed, and what the report says. Values are in cli/test_rows.sh. */
#include "support.h"

enum { ROWS = 5000, REJECT_EVERY = 7 };

/* What rank 0 was told. */
typedef struct {
    int64_t calls;
    furrow_progress_report_t last;
    bool in_order;
} told_t;

static void tell(void *arg, const furrow_progress_report_t *now)
{
    told_t *t = arg;

    t->in_order = t->in_order && now->done >= t->last.done && now->rejected >= t->last.rejected &&
                  now->rejected <= now->done && now->total == ROWS && now->resumed == 0 &&
                  strcmp(now->unit, "rows") == 0;
    t->last = *now;
    t->calls++;
}

/* Sums of (most, i): every 7th does not fit. */
static int put_inputs(void **state)
{
    static int64_t a[ROWS][2];

    (void)state;
    for (int i = 0; i < ROWS; i++) a[i][0] = INT64_MAX - 1, a[i][1] = i % REJECT_EVERY == 0 ? 2 : -i;
    put_npy("in", "<i8", false, "(5000, 2)", a, sizeof a);
    return 0;
}

static bool is_right(void)
{
    static int64_t expected[ROWS];

    for (int i = 0; i < ROWS; i++) expected[i] = i % REJECT_EVERY == 0 ? 0 : INT64_MAX - 1 - i;
    return npy_holds("out", expected, sizeof expected);
}

static void test_rows__progress_and_report(void **state)
{
    const int64_t rejects = (ROWS + REJECT_EVERY - 1) / REJECT_EVERY;
    const char *path = path_of("in");
    furrow_rows_report_t report;
    furrow_dataset_t *d;
    told_t told = {.in_order = true};

    (void)state;
    furrow_context_on_progress(world.ctx, tell, &told);
    ASSERT_ALL(furrow_dataset_open(world.ctx, &path, 1, FURROW_SOURCE_SHARED, &d, NULL) == FURROW_OK);
    ASSERT_ALL(furrow_rows(d, &(furrow_rows_opts_t){.op = FURROW_ROW_SUM}, path_of("out"), &report, NULL) == FURROW_OK);
    furrow_context_on_progress(world.ctx, NULL, NULL);
    ASSERT_ALL(is_right());
    ASSERT_ALL((told.calls > 0) == (world.rank == 0) && told.in_order);
    ASSERT_ALL(world.rank != 0 || (told.last.done == ROWS && told.last.rejected == rejects));
    ASSERT_ALL(report.rows == ROWS && report.rejected == rejects && report.resumed == 0);
    ASSERT_ALL(report.listed == (world.rank == 0 ? rejects : 0));
    bool listed = true;
    for (int64_t i = 0; i < report.listed; i++)
        listed = listed && report.list[i].index == i * REJECT_EVERY && strstr(report.list[i].text, "does not fit");
    ASSERT_ALL(listed);
    furrow_rows_report_free(&report);
    furrow_dataset_free(d);
}

static void test_rows__of_hosts(void **state)
{
    part_nodes();
    test_rows__progress_and_report(state);
    join_nodes();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows__progress_and_report),
                                       cmocka_unit_test(test_rows__of_hosts)};
    int failed;

    open_world();
    failed = cmocka_run_group_tests(tests, put_inputs, NULL);
    close_world();
    return failed;
}
