/* Owns the arithmetic of numpy.array_split. */
#include "furrow.h"

furrow_range_t furrow_split(int64_t count, int64_t sections, int64_t index)
{
    const int64_t base = count / sections, longer = count % sections;
    const int64_t start = index * base + (index < longer ? index : longer);

    return (furrow_range_t){start, start + base + (index < longer ? 1 : 0)};
}
