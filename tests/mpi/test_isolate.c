/* Isolation on every rank, under the item engine: items that crash, exit and overrun are rejects by number, all others
 * are done. The servers were forked before MPI started. */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "isolate.h"
#include "items.h"

enum { ITEMS = 400, THREADS = 2 };

typedef struct {
    furrow_child_t *child[THREADS];
    bool done[ITEMS];           /* on this rank */
    char *why[ITEMS];           /* rank 0: of rejects */
    int64_t answered, rejected; /* rank 0 */
} job_t;

static const char *expected_text(int64_t index)
{
    switch (index % 20) {
    case 3: return "killed by signal 11 (Segmentation fault)";
    case 7: return "ended with exit code 3";
    case 11: return "over 0.2 s";
    case 13: return "item 13 of 20 is bad";
    default: return NULL;
    }
}

static int work_in_child(void *state, int64_t index, const void *arg, int64_t arg_bytes, void *result,
                         int64_t result_bytes, char *text, size_t text_bytes)
{
    const struct timespec second = {1, 0};

    (void)state, (void)arg_bytes, (void)result_bytes;
    switch (index % 20) {
    case 3: return *(volatile int *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    case 7: exit(3);
    case 11:
        for (;;) (void)nanosleep(&second, NULL);
    case 13: return snprintf(text, text_bytes, "item 13 of 20 is bad");
    default: *(int64_t *)result = *(const int64_t *)arg * *(const int64_t *)arg; return 0;
    }
}

static furrow_status_t work(void *arg, int64_t first, int64_t count, int thread, furrow_made_t *made,
                            furrow_error_t *err)
{
    job_t *job = arg;
    furrow_child_outcome_t out;

    for (int64_t i = first; i < first + count; i++) {
        int64_t result = -1;
        const furrow_child_item_t item = {work_in_child,         i, &i, sizeof i, &result, sizeof result,
                                          i % 20 == 11 ? 0.2 : 0};
        const furrow_status_t status = furrow_child_call(job->child[thread], &item, &out, err);
        if (status != FURROW_OK) return status;
        if (out.end != FURROW_CHILD_DONE) furrow_reject(made, i, out.text);
        job->done[i] = out.end == FURROW_CHILD_DONE && result == i * i;
    }
    return FURROW_OK;
}

static furrow_status_t on_reject(void *arg, int64_t index, const char *text, furrow_error_t *err)
{
    job_t *job = arg;

    (void)err;
    job->why[index] = strdup(text);
    job->rejected++;
    return FURROW_OK;
}

static furrow_status_t open_children(job_t *job)
{
    const furrow_child_opts_t opts = {0};
    furrow_status_t status = FURROW_OK;

    for (int t = 0; t < THREADS && status == FURROW_OK; t++) status = furrow_child_open(&opts, &job->child[t], NULL);
    return status;
}

static void test_items_end_alone(void **state)
{
    static job_t job;
    const furrow_items_t items = {
        .count = ITEMS, .work = work, .arg = &job, .listener = {.rejected = on_reject, .arg = &job}};
    furrow_error_t err;
    bool good = true;

    (void)state;
    ASSERT_ALL(open_children(&job) == FURROW_OK);
    ASSERT_ALL(furrow_items_run(world.ctx, &items, &err) == FURROW_OK);
    MPI_Allreduce(MPI_IN_PLACE, job.done, ITEMS, MPI_C_BOOL, MPI_LOR, MPI_COMM_WORLD);
    for (int64_t i = 0; i < ITEMS; i++) {
        const char *text = expected_text(i);
        good = good && job.done[i] == (text == NULL);
        if (world.rank == 0)
            good = good && (text == NULL ? job.why[i] == NULL : job.why[i] != NULL && strcmp(job.why[i], text) == 0);
        free(job.why[i]);
    }
    for (int t = 0; t < THREADS; t++) good = good && furrow_child_close(job.child[t], NULL) == FURROW_OK;
    ASSERT_ALL(good);
}

static int kill_process(void *state, int64_t index, const void *arg, int64_t arg_bytes, void *result,
                        int64_t result_bytes, char *text, size_t text_bytes)
{
    (void)state, (void)arg, (void)arg_bytes, (void)result, (void)result_bytes, (void)text, (void)text_bytes;
    return index == 0 ? 0 : kill((pid_t)index, SIGKILL);
}

/* Item 0 kills the server of its rank; others run there, and on other ranks, until that shows. */
static furrow_status_t lose_server(void *arg, int64_t first, int64_t count, int thread, furrow_made_t *made,
                                   furrow_error_t *err)
{
    const struct timespec pause = {0, 1000000};
    furrow_child_item_t item = {.function = kill_process, .index = first == 0 ? furrow_isolation_server() : 0};
    job_t *job = arg;
    furrow_child_outcome_t out;
    furrow_status_t status;

    (void)count, (void)made;
    do {
        status = furrow_child_call(job->child[thread], &item, &out, err);
        item.index = 0;
        (void)nanosleep(&pause, NULL);
    } while (first == 0 && status == FURROW_OK);
    return status;
}

static void test_a_lost_server_ends_the_run(void **state)
{
    static job_t job;
    const furrow_items_t items = {.count = ITEMS, .chunk = 1, .work = lose_server, .arg = &job};
    furrow_error_t err;

    (void)state;
    ASSERT_ALL(open_children(&job) == FURROW_OK);
    const furrow_status_t status = furrow_items_run(world.ctx, &items, &err);
    ASSERT_ALL(failed_alike(status, &err, FURROW_EIO, -1, "isolation: the server process "));
    for (int t = 0; t < THREADS; t++) (void)furrow_child_close(job.child[t], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_end_alone),
        cmocka_unit_test(test_a_lost_server_ends_the_run), /* the last: one rank has no isolation afterwards */
    };
    int failures;

    if (furrow_isolation_start(NULL) != FURROW_OK) return 1;
    RUN_TESTS(tests, failures);
    furrow_isolation_stop();
    return failures + (waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 1);
}
