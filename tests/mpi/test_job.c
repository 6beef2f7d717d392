/* Jobs without an output of their own: what was done before a run was stopped is not done again, on record and in what
 * a caller is told; another job, and a job that is forgotten; rejects. tests/cli has those of rows, that are killed
 * too. */
#include "support.h"

#include <stdatomic.h>

#include "job.h"

enum { ITEMS = 2000, CHUNK = 7, REJECT_EVERY = 300 };

typedef struct {
    furrow_context_t *ctx;
    furrow_job_opts_t opts;
    const char *color;       /* in the job's text */
    int64_t cancel_at;       /* item that cancels the run; -1: none */
    atomic_int times[ITEMS]; /* each was worked on by this rank */
    furrow_progress_report_t first, last;
    int64_t told;
} task_t;

static task_t task;

static furrow_status_t describe(void *arg, furrow_job_text_t *text, furrow_error_t *err)
{
    const task_t *t = arg;

    (void)err;
    furrow_job_say(text, "color: %s\n", t->color);
    return FURROW_OK;
}

static furrow_status_t work(void *arg, int64_t first, int64_t count, int thread, furrow_made_t *made,
                            furrow_error_t *err)
{
    task_t *t = arg;

    (void)thread, (void)err;
    for (int64_t i = first; i < first + count; i++) {
        atomic_fetch_add(&t->times[i], 1);
        if (i % REJECT_EVERY == 0) furrow_reject(made, i, "every 300th");
        if (i == t->cancel_at) furrow_context_cancel(t->ctx);
        if (t->cancel_at >= 0 && i > t->cancel_at) (void)usleep(10000); /* the main threads see it soon, not at once */
    }
    return FURROW_OK;
}

static void tell(void *arg, const furrow_progress_report_t *now)
{
    task_t *t = arg;

    if (t->told++ == 0) t->first = *now;
    t->last = *now;
}

/* Collective: one run in a context of its own; how it ended. */
static furrow_status_t run(const char *color, int64_t cancel_at, bool resume, bool forget, furrow_job_report_t *report,
                           furrow_error_t *err)
{
    furrow_job_t *job;

    memset(&task, 0, sizeof task);
    task.color = color;
    task.cancel_at = cancel_at;
    task.opts = (furrow_job_opts_t){.command = "paint",
                                    .unit = "fences",
                                    .path = path_of("out"),
                                    .items = ITEMS,
                                    .resume = resume,
                                    .describe = describe,
                                    .arg = &task};
    *report = (furrow_job_report_t){0};
    ASSERT_ALL(furrow_context_open(&(furrow_context_opts_t){.threads = 2}, &task.ctx, NULL) == FURROW_OK);
    furrow_context_on_progress(task.ctx, tell, &task);
    furrow_status_t status = furrow_job_open(task.ctx, &task.opts, &job, err);
    ASSERT_ALL((job != NULL) == (status == FURROW_OK));
    if (status == FURROW_OK) {
        ASSERT_ALL(furrow_job_output(job) == NULL);
        if (forget && world.rank == 0) status = furrow_job_forget(job, err);
        if (status == FURROW_OK)
            status =
                furrow_job_run(job, &(furrow_items_t){.count = ITEMS, .chunk = CHUNK, .work = work, .arg = &task}, err);
        status = furrow_job_finish(job, status, report, err);
    }
    furrow_context_close(task.ctx);
    return status;
}

/* Collective: items that were worked on by any rank in the last run, each of them once. */
static int64_t worked_on(void)
{
    int times[ITEMS];
    int64_t count = 0;

    for (int i = 0; i < ITEMS; i++) times[i] = atomic_load(&task.times[i]);
    MPI_Allreduce(MPI_IN_PLACE, times, ITEMS, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    for (int i = 0; i < ITEMS; i++) count += times[i] > 1 ? ITEMS : times[i];
    return count;
}

static const int64_t rejects = (ITEMS + REJECT_EVERY - 1) / REJECT_EVERY;

/* Stopped in the middle; rank 0 learns how many items are on record. */
static int64_t stop_in_the_middle(void)
{
    furrow_job_report_t report;
    furrow_error_t err;
    long long done = 0, of = 0;

    ASSERT_ALL(run("blue", ITEMS / 2, false, false, &report, &err) == FURROW_ECANCELED);
    ASSERT_ALL(sscanf(err.text, "stopped on request: %lld of %lld fences are done", &done, &of) == 2 && of == ITEMS);
    ASSERT_ALL(report.list == NULL && report.resumed == 0);
    ASSERT_ALL(done > ITEMS / 4 && done < ITEMS); /* chunks are given in order */
    ASSERT_ALL(access(path_of(".out.furrow-ledger"), F_OK) == 0);
    ASSERT_ALL(access(path_of("out.rejects.csv"), F_OK) != 0);
    return done;
}

static void test_job__goes_on(void **state)
{
    furrow_job_report_t report;

    (void)state;
    const int64_t done = stop_in_the_middle();
    ASSERT_ALL(run("blue", -1, true, false, &report, NULL) == FURROW_OK);
    ASSERT_ALL(worked_on() == ITEMS - done); /* rejects of the first run, too, once more */
    ASSERT_ALL(report.resumed == done && report.rejected == rejects &&
               report.listed == (world.rank == 0 ? rejects : 0));
    if (world.rank == 0) {
        bool good = task.first.resumed == done && task.first.done >= done && task.last.resumed == done;
        good = good && task.last.done == ITEMS && task.last.total == ITEMS && task.last.rejected == rejects;
        for (int64_t i = 0; i < report.listed; i++) good = good && report.list[i].index == i * REJECT_EVERY;
        ASSERT_ALL(good && strcmp(task.last.unit, "fences") == 0);
    } else {
        ASSERT_ALL(task.told == 0);
    }
    furrow_job_report_clear(&report);
    ASSERT_ALL(count_entries(world.folder) == 1 && access(path_of("out.rejects.csv"), F_OK) == 0);
    clear_folder();
}

static void test_job__another(void **state)
{
    furrow_job_report_t report;
    furrow_error_t err;

    (void)state;
    (void)stop_in_the_middle();
    const furrow_status_t status = run("red", -1, true, false, &report, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EMISMATCH, -1, "'color: blue' there, 'color: red' now"));
    ASSERT_ALL(worked_on() == 0);
    ASSERT_ALL(run("red", -1, false, false, &report, &err) == FURROW_OK && worked_on() == ITEMS);
    furrow_job_report_clear(&report);
    clear_folder();
}

static void test_job__forgotten(void **state)
{
    furrow_job_report_t report;

    (void)state;
    (void)stop_in_the_middle();
    ASSERT_ALL(run("blue", -1, true, true, &report, NULL) == FURROW_OK);
    ASSERT_ALL(worked_on() == ITEMS && report.resumed == 0);
    furrow_job_report_clear(&report);
    clear_folder();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_job__goes_on), cmocka_unit_test(test_job__another),
                                       cmocka_unit_test(test_job__forgotten)};
    int failed;

    RUN_TESTS(tests, failed);
    return failed;
}
