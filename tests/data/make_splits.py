#!/usr/bin/env python3
"""Write split_values.h: where numpy.array_split cuts.

    python3 make_splits.py > split_values.h
"""
import numpy

print("""/* Made by make_splits.py; do not edit. */
/* clang-format off */
#ifndef FURROW_TESTS_SPLIT_VALUES_H
#define FURROW_TESTS_SPLIT_VALUES_H

#include <stdint.h>

/* numpy.array_split of `count` rows: section i is rows edge[i] to edge[i + 1]. */
static const struct {
    int64_t count, sections, edge[14];
} numpy_splits[] = {""")
counts = list(range(24)) + [10**6 + 1, 2**31 - 1, 2**31 + 3, 2**33 - 5, 10**12 + 7, 2**62 + 5, 2**63 - 1]
for count in counts:
    for sections in (1, 2, 3, 4, 5, 7, 12, 13):
        rows = numpy.broadcast_to(numpy.zeros(1, dtype="u1"), (count,))
        edges = [0]
        for part in numpy.array_split(rows, sections):
            edges.append(edges[-1] + len(part))
        assert edges[-1] == count
        print(f"    {{{count}, {sections}, {{{', '.join(map(str, edges))}}}}},")
print("};\n\n#endif")
