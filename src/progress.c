/* Owns progress and cancellation. */
#include "progress.h"

void furrow_context_on_progress(furrow_context_t *ctx, furrow_progress_fn *tell, void *arg)
{
    furrow_progress_t *p = furrow_context_progress(ctx);

    p->tell = tell;
    p->arg = arg;
}

void furrow_context_cancel(furrow_context_t *ctx)
{
    atomic_store(&furrow_context_progress(ctx)->cancelled, true);
}

void furrow_context_pulse(const furrow_context_t *ctx, furrow_pulse_t *out)
{
    furrow_board_read(&furrow_context_progress(ctx)->board, out);
}

furrow_pulse_slot_t *furrow_context_slot(const furrow_context_t *ctx, int thread)
{
    const furrow_progress_t *p = furrow_context_progress(ctx);

    return p == NULL || p->board.slot == NULL ? NULL : &p->board.slot[thread];
}

furrow_pulse_slot_t *furrow_context_main_slot(const furrow_context_t *ctx)
{
    return furrow_context_slot(ctx, furrow_context_threads(ctx));
}

void furrow_progress_begin(furrow_context_t *ctx, int64_t total)
{
    furrow_progress_t *p = furrow_context_progress(ctx);

    atomic_store(&p->done, 0);
    p->total = total;
}

void furrow_progress_add(const furrow_context_t *ctx, int64_t bytes, int thread)
{
    furrow_progress_t *p = furrow_context_progress(ctx);
    const int64_t done = atomic_fetch_add(&p->done, bytes) + bytes;

    furrow_pulse_done(furrow_pulse_mine());
    if (thread != 0 || p->tell == NULL || furrow_context_rank(ctx) != 0) return;
    const int64_t ranks = furrow_context_ranks(ctx);
    p->tell(p->arg, &(furrow_progress_report_t){.done = ranks * done, .total = ranks * p->total});
}

void furrow_progress_tell(const furrow_context_t *ctx, const furrow_progress_report_t *report)
{
    const furrow_progress_t *p = furrow_context_progress(ctx);

    if (p->tell != NULL) p->tell(p->arg, report);
}
