/* Owns reductions of elements in one sequence: the whole array, or sections of it.
 *
 * Elements arrive in spans, runs of one group, which are cut into fixed tasks for the threads. A span of a file is read
 * by the thread that feeds it, block by block into its own buffer: the data is still in cache when it is summed. */
#include "exec.h"
#include "mem.h"
#include "progress.h"
#include "reduce_job.h"

typedef struct {
    const furrow_job_t *job;
    int64_t first, count;
    const char *data; /* NULL: still in the files */
    const furrow_dataset_t *fortran;
    furrow_tally_t *tally; /* [threads], or of the group itself where the span is one block */
} span_t;

/* A thread takes several blocks in a row: long runs suit the prefetchers, of memory and of the page cache. */
enum { BLOCKS_PER_TASK = 4 };

static int64_t block_items(const furrow_job_t *job)
{
    return FURROW_BLOCK_BYTES / job->size;
}

static int64_t task_items(const furrow_job_t *job)
{
    return BLOCKS_PER_TASK * block_items(job);
}

/* Elements [start, start + n) of the span, at most a block. */
static furrow_status_t feed_block(const span_t *span, int64_t start, int64_t n, int thread, furrow_error_t *err)
{
    const furrow_job_t *job = span->job;
    const furrow_place_t place = {span->first + start, span->fortran};
    char *own = furrow_job_block(job, thread);

    if (span->data == NULL) {
        const furrow_status_t status = furrow_dataset_read_items(job->dataset, span->first + start, n, own, err);
        if (status != FURROW_OK) return status;
    }
    furrow_tally_feed(job->plan, &span->tally[thread], span->data == NULL ? own : span->data + start * job->size, n,
                      place, furrow_job_scratch(job, thread));
    furrow_progress_add(job->ctx, n * job->size, thread);
    return FURROW_OK;
}

static furrow_status_t feed_task(void *arg, int64_t task, int thread, furrow_error_t *err)
{
    const span_t *span = arg;
    const int64_t step = block_items(span->job), first = task * task_items(span->job);
    const int64_t stop = furrow_least(first + task_items(span->job), span->count);
    furrow_status_t status = FURROW_OK;

    for (int64_t start = first; start < stop && status == FURROW_OK; start += step)
        status = feed_block(span, start, furrow_least(step, stop - start), thread, err);
    return status;
}

/* One group's run of elements, on all threads. A single task runs on thread 0: it needs no tally of its own. */
static furrow_status_t feed_span(furrow_job_t *job, int64_t group, span_t span, furrow_error_t *err)
{
    const int64_t tasks = (span.count + task_items(job) - 1) / task_items(job);
    furrow_tally_t *target = &job->groups->tally[group];

    span.tally = tasks <= 1 ? target : job->workers.tally;
    const furrow_status_t status = furrow_exec(job->ctx, tasks, feed_task, &span, err);
    for (int64_t w = 0; w < job->workers.count && tasks > 1; w++) {
        furrow_tally_merge(job->plan, target, &job->workers.tally[w]);
        furrow_tally_clear(job->plan, &job->workers.tally[w]);
    }
    return status;
}

/* The section that holds a row: the inverse of furrow_split(). */
static int64_t section_of(const furrow_job_t *job, int64_t row)
{
    const int64_t base = job->rows / job->sections, longer = job->rows % job->sections;

    if (row < longer * (base + 1)) return row / (base + 1);
    return longer + (row - longer * (base + 1)) / base;
}

furrow_status_t furrow_job_feed_items(furrow_job_t *job, int64_t first, int64_t count, const char *data,
                                      const furrow_dataset_t *fortran, furrow_error_t *err)
{
    furrow_status_t status = FURROW_OK;

    if (job->sections == 0) return feed_span(job, 0, (span_t){job, first, count, data, fortran, NULL}, err);
    while (count > 0 && status == FURROW_OK) {
        const int64_t section = section_of(job, first / job->row_items);
        const int64_t stop = furrow_split(job->rows, job->sections, section).stop * job->row_items;
        const int64_t now = furrow_least(count, stop - first);
        status = feed_span(job, 1 + section, (span_t){job, first, now, data, NULL, NULL}, err);
        if (data != NULL) data += now * job->size;
        first += now;
        count -= now;
    }
    return status;
}
