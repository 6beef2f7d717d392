/* Owns OpenMP. */
#include "exec.h"

#include <omp.h>
#include <stdatomic.h>

#include "clock.h"
#include "progress.h"
#include "transfer.h"

/* Thread 0 is the main thread: between two blocks it may send messages, for a moment. */
static furrow_status_t run_block(furrow_context_t *ctx, furrow_block_fn *work, void *arg, int64_t block,
                                 furrow_error_t *err)
{
    const int thread = omp_get_thread_num();

    if (atomic_load(&furrow_context_progress(ctx)->cancelled))
        return furrow_fail(err, FURROW_ECANCELED, "stopped on request, nothing was written");
    furrow_pulse_slot_t *slot = furrow_context_slot(ctx, thread), *before = furrow_pulse_use(slot);
    furrow_pulse_begin(slot, "block", block, 1, furrow_seconds());
    const furrow_status_t status = work(arg, block, thread, err);
    furrow_pulse_end(slot);
    (void)furrow_pulse_use(before);
    if (thread == 0) (void)furrow_share_pulse(ctx);
    return status;
}

furrow_status_t furrow_exec(furrow_context_t *ctx, int64_t blocks, furrow_block_fn *work, void *arg,
                            furrow_error_t *err)
{
    const int threads = furrow_context_threads(ctx);
    furrow_status_t status = FURROW_OK;
    furrow_error_t failure = {0};
    _Atomic int64_t first_failed = INT64_MAX;

    if (blocks <= 0) return FURROW_OK;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (blocks > 1) default(none)                       \
    shared(ctx, blocks, work, arg, status, failure, first_failed)
    for (int64_t block = 0; block < blocks; block++) {
        furrow_error_t mine = {0};
        if (block > atomic_load(&first_failed)) continue;
        const furrow_status_t outcome = run_block(ctx, work, arg, block, &mine);
        if (outcome == FURROW_OK) continue;
#pragma omp critical(furrow_exec_failure)
        if (block < atomic_load(&first_failed)) {
            atomic_store(&first_failed, block);
            status = outcome;
            failure = mine;
        }
    }
    if (status != FURROW_OK && err != NULL) *err = failure;
    return status;
}
