/* Owns how a call went, as the program is told. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "pool.h"

/* How many failed, and the first of them. */
static int64_t first_failure(const furrow_future_t *call, furrow_packed_failure_t *first)
{
    furrow_packed_failure_t failure;
    int64_t at = 0, count = 0;

    while (furrow_packed_next(call->failures.data, call->failures.bytes, &at, &failure))
        if (count++ == 0 || failure.index < first->index) *first = failure;
    return count;
}

static int by_index(const void *a, const void *b)
{
    const int64_t left = ((const furrow_failure_t *)a)->index, right = ((const furrow_failure_t *)b)->index;

    return (left > right) - (left < right);
}

furrow_status_t furrow_call_failures(const furrow_future_t *call, furrow_failures_t *out, furrow_error_t *err)
{
    furrow_packed_failure_t failure;
    void *list = NULL, *dropped = NULL;
    int64_t at = 0, count = 0;

    *out = (furrow_failures_t){0};
    const int64_t total = first_failure(call, &failure);
    furrow_status_t status = furrow_alloc(total, sizeof *out->list, &list, err);
    if (status == FURROW_OK) status = furrow_alloc(call->dropped.count, sizeof *out->dropped, &dropped, err);
    if (status != FURROW_OK) {
        free(list);
        return status;
    }
    *out = (furrow_failures_t){total, list, call->dropped.count, dropped};
    while (furrow_packed_next(call->failures.data, call->failures.bytes, &at, &failure)) {
        out->list[count].index = failure.index;
        out->list[count].code = failure.code;
        memcpy(out->list[count++].text, failure.text, strlen(failure.text) + 1);
    }
    qsort(out->list, (size_t)total, sizeof *out->list, by_index);
    for (int64_t i = 0; i < call->dropped.count; i++) out->dropped[i] = call->dropped.range[i];
    return FURROW_OK;
}

void furrow_failures_free(furrow_failures_t *failures)
{
    free(failures->list);
    free(failures->dropped);
    *failures = (furrow_failures_t){0};
}

static furrow_status_t fail_items(const furrow_future_t *call, furrow_error_t *err)
{
    furrow_packed_failure_t first = {0};
    const int64_t count = first_failure(call, &first);

    if (call->status != FURROW_OK) return furrow_fail(err, call->status, "out of memory for a call");
    if (call->dropped.count > 0 && !call->stopped)
        return furrow_fail(err, FURROW_ECANCELED, "%lld of %lld items were dropped on request",
                           (long long)furrow_ranges_total(&call->dropped), (long long)call->call.count);
    if (count == 0) return FURROW_OK;
    if (count == 1)
        return furrow_fail(err, FURROW_EITEM, "item %lld of %lld failed: %s", (long long)first.index,
                           (long long)call->call.count, first.text);
    return furrow_fail(err, FURROW_EITEM, "%lld of %lld items failed, the first is item %lld: %s", (long long)count,
                       (long long)call->call.count, (long long)first.index, first.text);
}

furrow_status_t furrow_call_verdict(const furrow_future_t *call, furrow_failures_t *failures, furrow_error_t *err)
{
    const furrow_status_t listed = failures == NULL ? FURROW_OK : furrow_call_failures(call, failures, err);

    return listed == FURROW_OK ? fail_items(call, err) : listed;
}
