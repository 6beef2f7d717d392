#!/usr/bin/env python3
"""Write same_bits.npy, numbers whose sum is 10^-30 of the sum of their absolute values, and same_bits.txt: what the command must
print as "results" of this array, and, on the second line, of REPEATS of it one after the other. By exact fractions.

    python3 make_same_bits.py
"""
import math
import pathlib
import random
from fractions import Fraction

import numpy

from make_reduce import root, rounded

REPEATS = 61
BINS, LOW, HIGH = 9, -0.5, 0.5
folder = pathlib.Path(__file__).parent


def text_of(x):
    """As the command writes floats: the fewest digits, 15 or more, that read back the same."""
    if isinstance(x, int):
        return str(x)
    for digits in range(15, 18):
        text = "%.*g" % (digits, x)
        if float(text) == x:
            break
    return text if "." in text or "e" in text else text + ".0"


def results_of(base, repeats):
    exact = [Fraction(x) for x in base]
    n = repeats * len(base)
    total, absolute, squares = repeats * sum(exact), repeats * sum(map(abs, exact)), repeats * sum(x * x for x in exact)
    assert abs(total) < absolute / 10**30 and total != 0
    variance = (n * squares - total**2) / (n * n)
    least, largest = min(base), max(base)
    counts = numpy.histogram(base, bins=BINS, range=(LOW, HIGH))[0]
    edges = numpy.linspace(LOW, HIGH, BINS + 1)
    values = {"count": n, "sum": rounded(total), "sumsq": rounded(squares), "mean": rounded(total / n),
              "var": rounded(variance), "std": root(variance), "min": least, "max": largest,
              "argmin": base.index(least), "argmax": base.index(largest), "norm1": rounded(absolute),
              "norm2": root(squares), "norminf": max(-least, largest), "nonzero": n, "nan": 0}
    fields = [f'"{name}":{text_of(value)}' for name, value in values.items()]
    fields.append('"hist":{"edges":[%s],"counts":[%s]}' % (",".join(text_of(float(e)) for e in edges),
                                                           ",".join(str(repeats * int(c)) for c in counts)))
    return "{" + ",".join(fields) + "}"


def main():
    rng = random.Random(20081001)
    large = [math.ldexp(rng.uniform(0.5, 1), rng.randint(0, 105)) for _ in range(3900)]
    small = [math.ldexp(rng.uniform(-1, 1), rng.randint(-80, -1)) for _ in range(311)]
    base = large + [-x for x in large] + small
    rng.shuffle(base)
    numpy.save(folder / "same_bits.npy", numpy.array(base, dtype="<f8"))
    (folder / "same_bits.txt").write_text(results_of(base, 1) + "\n" + results_of(base, REPEATS) + "\n")


main()
