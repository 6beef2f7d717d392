#!/usr/bin/env python3
"""Write rows_values.h: rows of floats, and what operations on rows make of them.

    python3 make_rows.py > rows_values.h

Results are the correctly rounded true values: fractions and integers, for softmax decimals of 80 digits, decide them. Rows with
NaN, infinities or no spread follow NumPy, evaluating the formulas as they stand; so do the orders of sort and topk. Needs
NumPy 1.24 or later.
"""
import math
import random
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np

from make_exact import LARGEST, TINY, cancelling_sum, round_fraction, round_root

NAN = math.nan
INF = math.inf
OPS = ("normalize", "zscore", "minmax", "softmax", "cumsum")
NAN_BITS = {"f4": 0x7FC00000, "f8": 0x7FF8000000000000}
rng = random.Random(20080312)


# ------------------------------------------------------------------------------------------------------ rounding
def bits_of(x, dtype):
    """The bits of a value that the dtype has."""
    kind = {"f4": (np.float32, np.uint32), "f8": (np.float64, np.uint64)}[dtype]
    return NAN_BITS[dtype] if math.isnan(x) else int(kind[0](x).view(kind[1]))


def f4_bits(q):
    """The bits of the float nearest to q, half to even."""
    sign, q = (1 << 31, -q) if q < 0 else (0, q)
    if q == 0:
        return sign
    exponent = q.numerator.bit_length() - q.denominator.bit_length()
    exponent -= q < Fraction(2) ** exponent
    last = max(exponent - 23, -149)
    scaled = q / Fraction(2) ** last
    m, rest = divmod(scaled.numerator, scaled.denominator)
    half = Fraction(rest, scaled.denominator) - Fraction(1, 2)
    m += half > 0 or (half == 0 and m % 2)
    bits = m if m < 1 << 23 and last == -149 else ((last + 150) << 23) + m - (1 << 23)
    return sign | min(bits, 0x7F800000)


def rounded(q, dtype):
    return f4_bits(q) if dtype == "f4" else round_fraction(q)


# -------------------------------------------------------------------------------------------------- true results
def root(q):
    """sqrt(q) to 400 bits and more; exact where that is rational and short."""
    shift = 400 + max(0, q.denominator.bit_length() - q.numerator.bit_length())
    return Fraction(math.isqrt((q.numerator << 2 * shift) // q.denominator), 1 << shift)


def moments(x):
    n = len(x)
    mean = Fraction(sum(x), n)
    spread = sum((a - mean) ** 2 for a in x)
    squares = sum(a * a for a in x)
    return [sum(x), sum(map(abs, x)), squares, mean, spread / n] + ([spread / (n - 1)] if n > 1 else []), squares


def decimal(q):
    return Decimal(q.numerator) / Decimal(q.denominator)


def softmax(x):
    with localcontext() as context:
        context.prec = 80
        e = [decimal(a - max(x)).exp() if a - max(x) > -3000 else Decimal(0) for a in x]
        total = sum(e)
        return [Fraction(a / total) for a in e]


def true_rows(x, dtype):
    """Bits of the results that are defined, for finite x; None for those that are not."""
    mean, least, largest = Fraction(sum(x), len(x)), min(x), max(x)
    norm, std = root(sum(a * a for a in x)), root(sum((a - mean) ** 2 for a in x) / len(x))
    formulas = {
        "normalize": norm and [a / norm for a in x],
        "zscore": std and [(a - mean) / std for a in x],
        "minmax": largest - least and [(a - least) / (largest - least) for a in x],
        "softmax": softmax(x),
        "cumsum": [sum(x[:i + 1]) for i in range(len(x))],
    }
    return {op: [rounded(a, dtype) for a in row] if row else None for op, row in formulas.items()}


# ------------------------------------------------------------------------------------------------------- NumPy's
def numpy_rows(x, dtype):
    x = np.array(x, {"f4": np.float32, "f8": np.float64}[dtype])
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max())
        rows = {
            "normalize": x / np.sqrt((x * x).sum()),
            "zscore": (x - x.mean()) / x.std(),
            "minmax": (x - x.min()) / (x.max() - x.min()),
            "softmax": e / e.sum(),
            "cumsum": x.cumsum(),
        }
    return {op: [bits_of(a, dtype) for a in row] for op, row in rows.items()}


def with_zero_signs(x, dtype, rows):
    """Zeros of normalize have the sign of the element; sums of nothing but -0.0 are -0.0."""
    sign = {"f4": 1 << 31, "f8": 1 << 63}[dtype]
    is_negative = [math.copysign(1, a) < 0 for a in x]
    if rows["normalize"]:
        rows["normalize"] = [b | sign if b == 0 and negative else b for b, negative in zip(rows["normalize"], is_negative)]
    for i, a in enumerate(x):
        if a != 0 or not is_negative[i]:
            break
        rows["cumsum"][i] = sign
    return rows


def results(x, dtype):
    """Bits of each operation."""
    if not all(map(math.isfinite, x)):
        rows = numpy_rows(x, dtype)
        if math.isfinite(max(x)) and not any(map(math.isnan, x)):  # NumPy's exponential is not the truth
            finite = iter(softmax([Fraction(a) for a in x if a != -INF]))
            rows["softmax"] = [0 if a == -INF else rounded(next(finite), dtype) for a in x]
        return rows
    rows = with_zero_signs(x, dtype, true_rows([Fraction(a) for a in x], dtype))
    return {op: row or [NAN_BITS[dtype]] * len(x) for op, row in rows.items()}


def moment_bits(x):
    """sum, norm1, sumsq, mean, var of ddof 0 and 1, norm2, std of ddof 0 and 1."""
    if not all(map(math.isfinite, x)):
        return None
    values, squares = moments([Fraction(a) for a in x])
    bits = [round_fraction(q) for q in values] + [NAN_BITS["f8"]] * (len(x) == 1)
    if all(a == 0 and math.copysign(1, a) < 0 for a in x):
        bits[0] = bits[3] = 1 << 63
    return bits + [round_root(squares), round_root(values[4]), round_root(values[5]) if len(x) > 1 else NAN_BITS["f8"]]


# ---------------------------------------------------------------------------------------------------------- rows
def uniform(n, low=-1.0, high=1.0):
    return [rng.uniform(low, high) for _ in range(n)]


def spread(n, low, high):
    """Of either sign, exponents from low to high."""
    return [rng.choice((-1, 1)) * math.ldexp(rng.uniform(0.5, 1), rng.randint(low, high)) for _ in range(n)]


def both_types():
    yield "one", [3.5]
    yield "zero", [0.0]
    yield "negative zeros", [-0.0, -0.0]
    yield "zeros", [0.0, -0.0, 0.0]
    yield "equal", [0.1] * 5
    yield "two", [3.0, 4.0]
    yield "zeros among others", [-0.0, 0.0, 2.0, -0.0, -1.0, 0.0]
    for n in (3, 8, 17, 40):
        yield f"uniform {n}", uniform(n)
    yield "positive", uniform(33, 10.0, 11.0)
    yield "softmax of middle size", uniform(24, -30.0, 10.0)
    yield "softmax of every size", [rng.uniform(-1, 1) * 2.0 ** rng.randint(-30, 7) for _ in range(24)]
    yield "softmax to nothing", [-i * 17.3 for i in range(48)]
    yield "mean of 2 + 2^-102", [2.0, 4.0, 2.0 ** -100, 2.0]
    yield "mean of 2^-100 / 3", [1.0, -1.0, 2.0 ** -100]
    yield "NaN", [1.0, NAN, 2.0]
    yield "NaN and infinity", [INF, 1.0, NAN, -INF]
    yield "+inf", [1.0, INF, -2.0, -0.0, INF]
    yield "-inf", [1.0, -INF, -2.0]
    yield "both infinities", [1.0, -INF, INF, 5.0]
    yield "all +inf", [INF, INF]
    yield "all -inf", [-INF, -INF]
    yield "one -inf", [-INF]


def f8_rows():
    yield from both_types()
    yield "1e300", [1e300, -1e300, 3e300, 1e299, 1.0]
    yield "largest", [LARGEST, LARGEST, -LARGEST, LARGEST / 3, 1.0, TINY]
    yield "equal largest", [LARGEST] * 4
    yield "almost equal largest", [LARGEST, LARGEST, math.nextafter(LARGEST, 0)]
    yield "subnormal", [TINY, -3 * TINY, 7 * TINY, 1e-310, -2e-309]
    yield "smallest", [TINY, 0.0, TINY, TINY]
    yield "squares underflow", [1e-200, 3e-200, -2e-200]
    yield "all exponents", spread(30, -1073, 1020)
    yield "wide", spread(30, -100, 100)
    yield "almost equal", [1.0 + rng.randint(-3, 3) * 2.0 ** -52 for _ in range(20)]
    yield "almost equal, and 2^-300", [1.0, 1.0, 1.0 + 2.0 ** -52, 1.0 + 2.0 ** -52, 2.0 ** -300]
    yield "far from zero", [1e15 + rng.randint(0, 40) / 8 for _ in range(20)]
    yield "differences lose bits", [1e10 + a for a in uniform(8)] + uniform(8, 1e10 - 700, 1e10)
    yield "max far below zero", [-1e5, -1e5 - 1e-5, -1e5 - 3.3, -1e5 - 50.1]
    yield "max is tiny", [1e-20, -1.5, -20.25, -700.125]
    yield "softmax to subnormals", [0.0] + uniform(30, -748.0, -700.0)
    yield "softmax of differences of 1e-17", [1e-17 * i for i in range(6)]
    yield "cancelling", cancelling_sum(24, -30, 30, 3)
    yield "cancelling widely", cancelling_sum(24, -300, 300, 3)
    yield "mean far below the elements", [2.0 ** 900, -(2.0 ** 900), TINY]
    yield "overflow and back", [LARGEST, LARGEST, -LARGEST, -LARGEST, 1.0]
    yield "half of the last place", [1.0, 2.0 ** -53, 2.0 ** -300, -(2.0 ** -300), -(2.0 ** -1000), 2.0 ** -1000]
    yield "lost to two doubles", [2.0 ** 200, 2.0 ** 100, 1.0, 2.0 ** -100, -(2.0 ** 200), -(2.0 ** 100), -1.0]


def f4_rows():
    largest = float(np.finfo(np.float32).max)
    for name, x in both_types():
        yield name, [float(np.float32(a)) for a in x]
    narrow = lambda x: [float(np.float32(a)) for a in x]
    yield "largest", [largest, largest, -largest, largest / 4, 1.0, 2.0 ** -149]
    yield "equal largest", [largest] * 3
    yield "subnormal", [2.0 ** -149, -3 * 2.0 ** -149, 2.0 ** -140, 0.0]
    yield "all exponents", narrow(spread(40, -148, 127))
    yield "wide", narrow(spread(40, -20, 20))
    yield "almost equal", [1.0 + rng.randint(-3, 3) * 2.0 ** -23 for _ in range(20)]
    yield "far from zero", narrow(uniform(24, 1e7, 1e7 + 50))
    yield "softmax to subnormals", narrow([0.0] + uniform(40, -104.5, -85.0))
    yield "half of the last place", [1.0, 2.0 ** -24, 2.0 ** -54, -(2.0 ** -54), -(2.0 ** -148), 2.0 ** -24]
    yield "half of the last place of a double", [1.0, 2.0 ** -24, 2.0 ** -78, -(2.0 ** -77)]
    yield "half of the last place, lost to two doubles", [1.0, 2.0 ** -24, 2.0 ** -60, 2.0 ** -149, -(2.0 ** -59)]
    yield "lost to two doubles", [2.0 ** 120, 2.0 ** 60, 1.0, 2.0 ** -60, 2.0 ** -149, -(2.0 ** 120), -(2.0 ** 60), -1.0]


# --------------------------------------------------------------------------------------------------------- order
def order_row(dtype):
    special = [NAN, 0.0, -0.0, INF, -INF, TINY if dtype == "f8" else 2.0 ** -149, -1.0, 1.0, NAN, -0.0, 0.0, 1.0, -INF]
    return special + [float(np.float32(a)) for a in uniform(12)]


def sorted_bits(x, dtype):
    """NumPy's order; among zeros, which it leaves as they come, -0.0 first."""
    row = np.sort(np.array(x, {"f4": np.float32, "f8": np.float64}[dtype]))
    zeros = np.flatnonzero(row == 0)
    row[zeros] = sorted(row[zeros], key=lambda a: math.copysign(1, a))
    return [bits_of(a, dtype) for a in row]


# -------------------------------------------------------------------------------------------------------- output
def print_words(ctype, name, words):
    print(f"static const {ctype} {name}[] = {{")
    for i in range(0, len(words), 6):
        print("    " + " ".join(f"0x{w:x}," for w in words[i:i + 6]))
    print("};\n")


def print_type(dtype, rows):
    ctype = {"f4": "uint32_t", "f8": "uint64_t"}[dtype]
    words, cases = [], []
    for name, x in rows:
        bits = moment_bits(x)
        cases.append(f'    {{"{name}", {len(words)}, {len(x)}, {"true" if bits else "false"}, '
                     f'{{{", ".join(f"0x{b:x}" for b in bits or [0])}}}}},')
        words += [bits_of(a, dtype) for a in x]
        result = results(x, dtype)
        for op in OPS:
            words += result[op]
    print_words(ctype, f"rows_{dtype}", words)
    print(f"static const struct row_case rows_{dtype}_cases[] = {{")
    print("\n".join(cases))
    print("};\n")
    x = order_row(dtype)
    print_words(ctype, f"unsorted_{dtype}", [bits_of(a, dtype) for a in x])
    print_words(ctype, f"sorted_{dtype}", sorted_bits(x, dtype))


def main():
    print("/* Made by make_rows.py; do not edit. All values are bits of floats and doubles. */")
    print("/* clang-format off */")
    print("#ifndef FURROW_TESTS_ROWS_VALUES_H\n#define FURROW_TESTS_ROWS_VALUES_H\n")
    print("#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n")
    print(f"/* A row is n elements, followed by n results of each of {', '.join(OPS)}. Of finite rows also, as doubles: sum,")
    print(" * norm1, sumsq, mean, var of ddof 0 and 1, norm2, std of ddof 0 and 1. */")
    print("struct row_case {\n    const char *name;\n    size_t first, n;\n    bool is_finite;\n    uint64_t moments[9];\n};\n")
    print_type("f4", f4_rows())
    print_type("f8", f8_rows())
    print("#endif")


if __name__ == "__main__":
    main()
