/* Owns the size of chunks. */
#include "items_guide.h"

static const double chunk_seconds = 0.004;

/* Some milliseconds of work, but no more than leaves enough chunks for all, and growing slowly: the first items may be
 * the light ones. */
int64_t furrow_guide_size(const furrow_guide_t *guide, int64_t left, int64_t workers)
{
    const int64_t fair = left / (4 * workers) + 1;

    if (guide->seconds_per_item <= 0) return 1;
    const double by_time = chunk_seconds / guide->seconds_per_item;
    const int64_t wanted = by_time < 1 ? 1 : by_time < (double)fair ? (int64_t)by_time : fair;
    return wanted / 2 > guide->last_size && guide->last_size > 0 ? 2 * guide->last_size : wanted;
}

/* Slower items count at once, faster ones slowly. */
void furrow_guide_note(furrow_guide_t *guide, int64_t count, double seconds)
{
    if (count <= 0) return;
    const double now = seconds / (double)count;
    guide->seconds_per_item = now > guide->seconds_per_item ? now : 0.7 * guide->seconds_per_item + 0.3 * now;
}
