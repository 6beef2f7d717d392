#!/usr/bin/env python3
"""Write histogram_values.h: what numpy.histogram counts, above all of values on and beside the edges of bins.

    python3 make_histograms.py > histogram_values.h
"""
import numpy as np

RANGES = [(10, 0.0, 1.0), (7, -1.0, 3.0), (1, 0.0, 1.0), (3, 0.1, 0.7), (49, 0.0, 49.0), (100, -1e300, 1e300), (64, 1e16, 1e16 + 200)]


def values_for(bins, low, high, rng):
    """Every edge with its neighbours, the ends and beyond them, what is not finite, and random values."""
    edges = np.linspace(low, high, bins + 1)[:: max(1, bins // 12)]
    width = high - low
    beside = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    special = [low, high, np.nextafter(high, np.inf), np.nextafter(low, -np.inf), 0.0, -0.0, 5e-324, np.nan, np.inf, -np.inf]
    return np.concatenate([beside, special, rng.uniform(low - width / 8, high + width / 8, 40)])


def words(x):
    return ", ".join(f"0x{w:x}" for w in np.asarray(x, dtype=np.float64).view(np.uint64))


def main():
    rng = np.random.default_rng(2)
    cases, x_all, edge_all, count_all = [], [], [], []
    for bins, low, high in RANGES:
        x = values_for(bins, low, high, rng)
        counts, edge = np.histogram(x, bins=bins, range=(low, high))
        assert counts.sum() == np.count_nonzero((x >= low) & (x <= high))
        cases.append(f"{{{bins}, {len(x)}, {len(x_all)}, {len(edge_all)}, {len(count_all)}}}")
        x_all.extend(x)
        edge_all.extend(edge)
        count_all.extend(counts)
    print("/* Made by make_histograms.py; do not edit. Values and edges are the bits of doubles. */")
    print("/* clang-format off */")
    print("#ifndef FURROW_TESTS_HISTOGRAM_VALUES_H\n#define FURROW_TESTS_HISTOGRAM_VALUES_H\n")
    print("#include <stddef.h>\n#include <stdint.h>\n")
    print(f"static const uint64_t histogram_x[] = {{{words(x_all)}}};\n")
    print(f"static const uint64_t histogram_edge[] = {{{words(edge_all)}}};\n")
    print(f"static const int64_t histogram_count[] = {{{', '.join(map(str, count_all))}}};\n")
    print("/* Where the values, edges and counts of each begin. */")
    print("static const struct histogram_case {\n    int64_t bins;\n    size_t n, x, edge, count;\n} histogram_cases[] = {")
    print("    " + ",\n    ".join(cases) + ",\n};\n\n#endif")


if __name__ == "__main__":
    main()
