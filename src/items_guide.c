/* Owns the size of chunks. */
#include "items_guide.h"

#include <math.h>

/* No more than leaves enough chunks for all, but not so few that to deal them out costs more than waiting for them; and
 * growing slowly: the first items may be the light ones. */
int64_t furrow_guide_size(const furrow_guide_t *guide, int64_t left, int64_t workers, double seconds)
{
    if (guide->seconds_per_item <= 0) return 1;
    const double by_time = seconds / guide->seconds_per_item;
    const double fair = fmax((double)(left / (4 * workers) + 1), by_time / 16);
    const int64_t wanted = (int64_t)fmin(fmax(fmin(by_time, fair), 1), 1e15);
    return wanted / 2 > guide->last_size && guide->last_size > 0 ? 2 * guide->last_size : wanted;
}

/* Slower items count at once, faster ones slowly. */
void furrow_guide_note(furrow_guide_t *guide, int64_t count, double seconds)
{
    if (count <= 0) return;
    const double now = seconds / (double)count;
    guide->seconds_per_item = now > guide->seconds_per_item ? now : 0.7 * guide->seconds_per_item + 0.3 * now;
}
