/* Owns the entries about rows of a file. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench_child.h"
#include "bench_limits.h"

enum { ROW_ITEMS = 4096, ROW_BYTES = 4 * ROW_ITEMS, WRITING_ROUNDS = 8, QUICK_WRITING_ROUNDS = 2 };

typedef struct {
    const bench_t *bench;
    furrow_dataset_t *dataset;
    furrow_row_op_t op;
    bench_part_t part;
    char out[PATH_MAX + 32], plain_out[PATH_MAX + 32];
} rows_t;

static furrow_status_t rows_way(void *arg, furrow_error_t *err)
{
    const rows_t *rows = arg;
    const furrow_rows_opts_t opts = {.op = rows->op};
    furrow_rows_report_t report;

    const furrow_status_t status = furrow_rows(rows->dataset, &opts, rows->out, &report, err);
    furrow_rows_report_free(&report);
    return status;
}

/* A new file that takes the old one's place when it is whole and on the disk, as every output of Furrow: as many of the
 * bytes that are read as the operation gives results. */
static int copy_to_new_file(const rows_t *rows, const char *temporary)
{
    const bench_part_t *part = &rows->part;
    const bool gives_rows = rows->op == FURROW_ROW_SOFTMAX;
    const int64_t bytes = gives_rows ? part->bytes : part->bytes / ROW_BYTES * (int64_t)sizeof(double);
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int failure = fd < 0 || fallocate(fd, 0, 0, (off_t)bytes) != 0 ? errno : 0;

    if (failure == 0 && !gives_rows)
        failure = bench_read(part->fd, part->offset, part->bytes, part->buffers, rows->bench->threads);
    if (failure == 0) failure = bench_copy(part->fd, part->offset, bytes, part->buffers, rows->bench->threads, fd);
    if (failure == 0 && fsync(fd) != 0) failure = errno;
    if (fd >= 0) (void)close(fd);
    return failure == 0 && rename(temporary, rows->plain_out) != 0 ? errno : failure;
}

static furrow_status_t copy_way(void *arg, furrow_error_t *err)
{
    const rows_t *rows = arg;
    char temporary[PATH_MAX + 40];

    (void)snprintf(temporary, sizeof temporary, "%s.part", rows->plain_out);
    const int failure = copy_to_new_file(rows, temporary);
    if (failure == 0) return FURROW_OK;
    return cli_fail(err, FURROW_EIO, "%.600s: cannot write: %s", temporary, strerror(failure));
}

static furrow_status_t compare(bench_t *bench, rows_t *rows, furrow_error_t *err)
{
    const bench_entry_t norm2 = {.name = "rows_norm2", .limit_name = "plain pread and pwrite", .target = 0.70};
    const bench_entry_t softmax = {.name = "rows_softmax", .limit_name = "plain pread and pwrite", .target = 0.70};
    bench_pair_t pair = {rows_way, copy_way, rows, rows->part.bytes, 0};

    rows->op = FURROW_ROW_NORM2;
    const furrow_status_t status = bench_compare(bench, &pair, norm2, err);
    if (status != FURROW_OK) return status;
    rows->op = FURROW_ROW_SOFTMAX;
    pair.rounds = bench->quick ? QUICK_WRITING_ROUNDS : WRITING_ROUNDS;
    return bench_compare(bench, &pair, softmax, err);
}

/* ----------------------------------------------------------------- resume */

typedef struct {
    char command[PATH_MAX];
    bench_child_t child; /* the last process */
} again_t;

/* How many rows the last process took over from the one before; -1: it does not say. */
static double resumed_rows(const again_t *again)
{
    cJSON *json = cJSON_Parse(again->child.out);
    const cJSON *resumed = cJSON_GetObjectItemCaseSensitive(json, "resumed");
    const double value = cJSON_IsNumber(resumed) ? resumed->valuedouble : -1.0;

    cJSON_Delete(json);
    return value;
}

/* No run pays for what another left: to remove an older output takes the disk some time. */
static void settle_disk(const rows_t *rows)
{
    (void)unlink(rows->out);
    sync();
}

/* Whole runs, runs that are killed when about nine tenths of the rows are done, and the rest of those. Sorting takes
 * long enough for that. When to kill follows from how much the run before had done. */
static furrow_status_t add_resume(bench_t *bench, again_t *again, const rows_t *rows, furrow_error_t *err)
{
    const int attempts = bench->quick ? 2 : 8;
    static char verb[] = "rows", op[] = "sort", to[] = "-o", json[] = "--json", resume[] = "--resume";
    char *const file = bench->place.file, *const out = (char *)(uintptr_t)rows->out;
    char *const whole[] = {again->command, verb, op, file, to, out, json, NULL};
    char *const rest[] = {again->command, verb, op, file, to, out, json, resume, NULL};
    const double count = (double)bench->file_bytes / ROW_BYTES;
    bench_entry_t entry = {.name = "rows_resume", .unit = "of a whole run", .target = 0.15, .is_cost = true};
    double whole_seconds = 1e9, fraction = 0.85;

    for (int i = 0; i < attempts; i++) {
        settle_disk(rows);
        if (!bench_child_run(whole, &again->child)) break;
        const double seconds = again->child.seconds;
        settle_disk(rows);
        whole_seconds = fmin(whole_seconds, seconds);
        (void)bench_child_run_for(whole, fraction * whole_seconds, &again->child);
        if (!bench_child_run(rest, &again->child)) break;
        const double done = resumed_rows(again) / count, part = again->child.seconds / whole_seconds;
        if (done > 0.87 && done < 0.93 && (entry.value == 0.0 || part < entry.value)) {
            entry.value = part;
            (void)snprintf(entry.note, sizeof entry.note, "rows sort, killed when %.0f %% were done", 100.0 * done);
        }
        fraction *= done < 0.5 ? 1.2 : done > 0.99 ? 0.8 : 0.9 / done;
        const furrow_status_t status = bench_go_on(bench, err);
        if (status != FURROW_OK) return status;
    }
    if (entry.value > 0.0)
        bench_add(bench, entry);
    else
        bench_skip(bench, entry, "no run was killed between 87 and 93 %");
    return FURROW_OK;
}

/* -------------------------------------------------------------------- all */

static furrow_status_t measure(bench_t *bench, furrow_error_t *err)
{
    static again_t again;
    const bench_entry_t resume = {.name = "rows_resume"};
    rows_t rows = {.bench = bench, .part.fd = -1};
    const char *const path = bench->place.file;

    (void)snprintf(rows.out, sizeof rows.out, "%s/rows.npy", bench->place.folder);
    (void)snprintf(rows.plain_out, sizeof rows.plain_out, "%s/plain.%d", bench->place.folder,
                   furrow_context_rank(bench->ctx));
    furrow_status_t status = furrow_dataset_open(bench->ctx, &path, 1, FURROW_SOURCE_SHARED, &rows.dataset, err);
    if (status == FURROW_OK) status = furrow_agree(bench->ctx, bench_part_open(bench, &rows.part, err), err);
    if (status == FURROW_OK) status = compare(bench, &rows, err);
    bench_part_close(&rows.part);
    furrow_dataset_free(rows.dataset);
    (void)unlink(rows.plain_out);
    if (status != FURROW_OK) return status;
    const char *reason = bench_reason_to_stay(bench, again.command);
    if (reason == NULL) return add_resume(bench, &again, &rows, err);
    bench_skip(bench, resume, reason);
    return FURROW_OK;
}

furrow_status_t bench_rows(bench_t *bench, furrow_error_t *err)
{
    static const char *const names[] = {"rows_norm2", "rows_softmax", "rows_resume"};

    for (size_t i = 0; i < sizeof names / sizeof names[0] && !bench->place.is_shared; i++)
        if (bench->cli->is_root) bench_skip(bench, (bench_entry_t){.name = names[i]}, BENCH_NOT_SHARED);
    if (!bench->place.is_shared) return FURROW_OK;
    const furrow_status_t status = bench_make_file(bench, FURROW_F4, ROW_ITEMS, err);
    return status == FURROW_OK ? measure(bench, err) : status;
}
