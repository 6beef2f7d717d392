#!/usr/bin/env python3
"""Write reduce_values.h: small arrays and what every reduction of them is, by integers and fractions.

    python3 make_reduce.py > reduce_values.h

NumPy makes the arrays and bins the histograms; sums, means, variances and norms are exact fractions, rounded once.
"""
import math
import random
import struct
from fractions import Fraction

import numpy

rng = random.Random(20240229)
NO_VALUE = object()  # min, max, argmin, argmax of nothing


# ------------------------------------------------------------------------------------------------------ rounding
def root(q):
    """The double nearest to sqrt(q): a last bit that tells whether there was more makes the rounding right."""
    if q == 0:
        return 0.0
    shift = 1200
    square, rest = divmod(q.numerator << 2 * shift, q.denominator)
    m = math.isqrt(square)
    sticky = 1 if rest != 0 or m * m != square else 0
    return rounded(Fraction(2 * m + sticky, 1 << (shift + 1)))


def rounded(q):
    try:
        return q.numerator / q.denominator  # Python's division of integers is correctly rounded
    except OverflowError:
        return math.inf if q > 0 else -math.inf


# ---------------------------------------------------------------------------------------------------- reductions
def total(terms):
    """The sum of floats as IEEE says, rounded once."""
    if any(math.isnan(t) for t in terms) or (math.inf in terms and -math.inf in terms):
        return math.nan
    for infinity in (math.inf, -math.inf):
        if infinity in terms:
            return infinity
    if terms and all(t == 0 and math.copysign(1, t) < 0 for t in terms):
        return -0.0
    return sum(map(Fraction, terms), Fraction(0))


def as_float(x):
    return rounded(x) if isinstance(x, Fraction) else x


def variance(used, ddof):
    n = len(used)
    if n <= ddof or not all(math.isfinite(t) for t in used):
        return None
    s, squares = sum(map(Fraction, used)), sum(Fraction(t) ** 2 for t in used)
    return (n * squares - s * s) / (n * (n - ddof))


def norm2(used):
    if any(math.isnan(t) for t in used):
        return math.nan
    if any(math.isinf(t) for t in used):
        return math.inf
    return root(sum(Fraction(t) ** 2 for t in used))


def extreme(op, terms, skip_nan):
    """min, max, argmin, argmax, norminf."""
    nans = [i for i, t in enumerate(terms) if t != t]
    if nans and not skip_nan:
        return nans[0] if op.startswith("arg") else math.nan
    kept = [(t, i) for i, t in enumerate(terms) if t == t]
    if op == "norminf":
        return max((abs(t) for t, _ in kept), default=0)
    if not kept:
        return NO_VALUE
    best = (min if op.endswith("min") else max)(t for t, _ in kept)
    if op.startswith("arg"):
        return min(i for t, i in kept if t == best)
    if best == 0 and isinstance(best, float):
        signs = [math.copysign(1, t) for t, _ in kept if t == 0]
        return math.copysign(0.0, (min if op == "min" else max)(signs))
    return best


def reduce_reals(op, terms, is_float, skip_nan, ddof):
    used = [t for t in terms if t == t] if skip_nan else terms
    n = len(used)
    if op == "count":
        return n
    if op == "nan":
        return sum(t != t for t in terms)
    if op == "nonzero":
        return sum(t != 0 for t in used)
    if op in ("min", "max", "argmin", "argmax", "norminf"):
        value = extreme(op, terms, skip_nan)
        return float(value) if op == "norminf" and is_float else value
    if op in ("sum", "norm1", "sumsq"):
        if not is_float:
            return sum(t if op == "sum" else abs(t) if op == "norm1" else t * t for t in used)
        if op == "sumsq" and all(math.isfinite(t) for t in used):
            return rounded(sum((Fraction(t) ** 2 for t in used), Fraction(0)))
        return as_float(total([t if op == "sum" else abs(t) if op == "norm1" else t * t for t in used]))
    if op == "norm2":
        return norm2(used)
    if op == "mean":
        s = total([float(t) for t in used]) if is_float else Fraction(sum(used))
        return math.nan if n == 0 else as_float(s / n)
    v = variance(used, ddof)
    return math.nan if v is None else rounded(v) if op == "var" else root(v)


def reduce_complex(op, terms):
    re, im = [t.real for t in terms], [t.imag for t in terms]
    if op == "count":
        return len(terms)
    if op in ("sum", "mean"):
        return complex(reduce_reals(op, re, True, False, 0), reduce_reals(op, im, True, False, 0))
    return reduce_reals(op, re + im, True, False, 0)


# -------------------------------------------------------------------------------------------------------- C text
def bits(x):
    return "0x%xu" % struct.unpack("<Q", struct.pack("<d", x))[0]


def value_text(group, op, value):
    if value is NO_VALUE:
        return f'{{{group}, FURROW_OP_{op.upper()}, \'-\', "", 0, 0}}'
    if isinstance(value, complex):
        return f'{{{group}, FURROW_OP_{op.upper()}, \'c\', "", {bits(value.real)}, {bits(value.imag)}}}'
    if isinstance(value, int):
        return f'{{{group}, FURROW_OP_{op.upper()}, \'i\', "{value}", {bits(float(value))}, 0}}'
    return f'{{{group}, FURROW_OP_{op.upper()}, \'f\', "", {bits(value)}, 0}}'


def print_list(kind, name, items, width=118):
    print(f"static const {kind} {name}[] = {{")
    line = "   "
    for item in items or ["0"]:
        if len(line) + len(item) + 2 > width:
            print(line)
            line = "   "
        line += f" {item},"
    print(line + "\n};")


REAL_OPS = "count sum sumsq mean var std min max argmin argmax norm1 norm2 norminf nonzero nan".split()
COMPLEX_OPS = "count sum mean sumsq norm2".split()
cases = []


def sections_of(rows, sections):
    edges = numpy.cumsum([0] + [len(s) for s in numpy.array_split(numpy.arange(rows), sections)])
    return [(int(a), int(b)) for a, b in zip(edges, edges[1:])]


def case(name, array, axis0=False, skip_nan=False, ddof=0, sections=0, hist=None):
    is_complex, is_float = array.dtype.kind == "c", array.dtype.kind == "f"
    ops = COMPLEX_OPS if is_complex else REAL_OPS
    columns = array.reshape(array.shape[0], -1) if array.size else array
    if axis0:
        parts = [columns[:, j] for j in range(columns.shape[1])]
    else:
        parts = [array] + [array[a:b] for a, b in sections_of(array.shape[0], sections)] if sections else [array]
    values, counts = [], []
    for g, part in enumerate(parts):
        terms = [x.item() for x in part.ravel()]
        terms = [int(t) for t in terms] if array.dtype.kind == "b" else terms
        offset = 0 if axis0 or g == 0 else sections_of(array.shape[0], sections)[g - 1][0] * (columns[0].size if array.size else 0)
        for op in ops:
            value = reduce_complex(op, terms) if is_complex else reduce_reals(op, terms, is_float, skip_nan, ddof)
            if op.startswith("arg") and value is not NO_VALUE:
                value += offset  # indices count from the start of the whole array
            values.append(value_text(g, op, value))
        if hist:
            kept = numpy.array([t for t in terms if t == t], dtype=array.dtype if not is_complex else None)
            counts += [str(c) for c in numpy.histogram(kept.astype("f8"), bins=hist[0], range=hist[1:])[0]]
    dtype = array.dtype.str[1:] if array.dtype.kind != "b" else "bool"
    print_list("unsigned char", f"{name}_data", ["%d" % b for b in array.tobytes()])
    print_list("reduced_t", f"{name}_value", values)
    if hist:
        print_list("int64_t", f"{name}_hist", counts)
    bins, low, high = hist or (0, 0, 0)
    mask = " | ".join(f"1u << FURROW_OP_{op.upper()}" for op in ops + (["hist"] if hist else []))
    shape = ", ".join(map(str, array.shape))
    cases.append(f'    {{"{name}", FURROW_{dtype.upper()}, {array.ndim}, {{{shape}}}, {name}_data, {len(values)}, {name}_value, '
                 f'{name + "_hist" if hist else "NULL"},\n     {{.ops = {mask},\n'
                 f'      .axis0 = {str(axis0).lower()}, .skip_nan = {str(skip_nan).lower()}, .ddof = {ddof}, '
                 f'.sections = {sections}, .bins = {bins}, .low = {low}, .high = {high}}}}},')


# ---------------------------------------------------------------------------------------------------------- main
def wild(n):
    """Doubles that nearly cancel: large ones come with their negatives."""
    large = [rng.uniform(-1, 1) * 2.0 ** rng.randint(0, 120) for _ in range(n // 2 - 2)]
    all_ = large + [-x for x in large] + [rng.uniform(-1, 1) for _ in range(n - 2 * len(large))]
    rng.shuffle(all_)
    return all_


HEAD = """/* Made by make_reduce.py; do not edit. Small arrays in C order, and their reductions by exact arithmetic. */
/* clang-format off */
#ifndef FURROW_TESTS_REDUCE_VALUES_H
#define FURROW_TESTS_REDUCE_VALUES_H

#include "furrow.h"

/* kind: 'i' an integer (digits), 'f' a float, 'c' complex, '-' no value. re and im are the bits of doubles. */
typedef struct {
    int64_t group;
    furrow_op_t op;
    char kind;
    const char *digits;
    uint64_t re, im;
} reduced_t;

typedef struct {
    const char *name;
    furrow_dtype_t dtype;
    int ndim;
    int64_t shape[3];
    const unsigned char *data;
    int values;
    const reduced_t *value;
    const int64_t *hist; /* of all groups */
    furrow_reduce_opts_t opts;
} reduce_case_t;

typedef struct {
    const char *name;
    furrow_dtype_t dtype;
    int64_t items;
    const unsigned char *a, *b;
    reduced_t value;
} dot_case_t;
"""


def main():
    print(HEAD)
    wild_f8 = numpy.array(wild(23 * 4)).reshape(23, 4)
    case("wild_f8", wild_f8, sections=7, hist=(5, -1.0, 1.5))
    case("columns_f8", wild_f8.reshape(23, 2, 2), axis0=True, ddof=1)
    f4 = numpy.array([rng.choice([rng.gauss(0, 1), rng.gauss(0, 1e10)]) for _ in range(66)], dtype="f4").reshape(22, 3)
    case("plain_f4", f4, sections=3, hist=(4, -2.0, 2.0))
    f4 = f4.copy()
    f4[12, 1] = f4[5, 2] = f4[21, 0] = math.nan
    case("nan_f4", f4, sections=5, hist=(4, -2.0, 2.0))
    case("skip_nan_f4", f4, skip_nan=True, sections=30, ddof=1, hist=(4, -2.0, 2.0))
    case("skip_nan_columns_f4", f4, skip_nan=True, axis0=True)
    case("nan_columns_f4", f4, axis0=True)
    case("all_nan_f8", numpy.full((3, 2), math.nan), skip_nan=True)
    case("halves_f2", numpy.array([rng.gauss(0, 100) for _ in range(40)] + [6e-8, 65504.0], dtype="f2").reshape(14, 3), sections=4)
    case("infinite_f8", numpy.array([[1.0, math.inf], [-2.0, 3.0], [5e-324, -1.5]]), sections=2)
    case("both_infinite_f8", numpy.array([math.inf, 1.0, -math.inf, 2.0]))
    case("huge_f8", numpy.array([1e200, -1e200, 1e308, 1e308, -1e-200, 1e200]), sections=3)
    case("tiny_f8", numpy.array([1e-200, -3e-170, 5e-324, 1e-310]), sections=2)
    case("zeros_f8", numpy.array([0.0, -0.0, 0.0, -0.0, -0.0, 0.0, -0.0]), sections=3)
    case("minus_zeros_f8", numpy.full((5, 2), -0.0))
    case("ties_i4", numpy.array([7, 3, 9, 3, 9, 7, 3, 9, 3, 9, 9, 3, 3], dtype="i4"), sections=2)
    case("ties_columns_i2", numpy.array([[5, 1], [5, 1], [2, 8], [2, 8], [5, 8], [2, 1], [5, 1]], dtype="i2"), axis0=True)
    limits = numpy.iinfo("i8")
    case("limits_i8", numpy.array([limits.min, limits.max, -1, 0, limits.min, 5, limits.max, 17], dtype="i8").reshape(4, 2),
         sections=3, hist=(3, -1e19, 1e19))
    case("limits_u8", numpy.array([2**64 - 1, 0, 2**63, 2**64 - 1, 3, 2**53 + 1], dtype="u8"), sections=4, ddof=1)
    case("small_i1", numpy.array([rng.randint(-128, 127) for _ in range(60)], dtype="i1").reshape(12, 5), sections=5,
         hist=(6, -100, 100))
    case("small_u2", numpy.array([rng.randint(0, 65535) for _ in range(31)], dtype="u2"), sections=2)
    case("flags", numpy.array([True, False, True, True, False, False, False, True, True]).reshape(9, 1), sections=2)
    case("complex_c16", numpy.array(wild(44)).view("c16").reshape(11, 2), sections=3)
    case("complex_c8", numpy.array([rng.gauss(0, 10) for _ in range(26)], dtype="f4").view("c8"), axis0=True)
    case("one_row_f8", numpy.array([[3.0, -4.0, 0.25]]), sections=2, ddof=3)
    case("no_rows_f8", numpy.zeros((0, 3)), sections=2)
    case("no_columns_u1", numpy.zeros((4, 0), dtype="u1"), sections=2)
    case("no_rows_columns_i4", numpy.zeros((0, 2), dtype="i4").reshape(0, 2), axis0=True)
    print("static const reduce_case_t reduce_cases[] = {")
    print("\n".join(cases))
    print("};")
    dots()


def dots():
    """Pairs of arrays and their dot products."""
    a = wild(50)
    pairs = [("dot_f8", numpy.array(a), numpy.array([rng.choice([1.0, -1.0, 2.0**60, 2.0**-60]) * x for x in reversed(a)])),
             ("dot_f4", numpy.array(a[:30], dtype="f4"), numpy.array(a[20:], dtype="f4")),
             ("dot_f2", numpy.array([rng.gauss(0, 50) for _ in range(9)], dtype="f2"), numpy.array([rng.gauss(0, 50) for _ in range(9)], dtype="f2")),
             ("dot_i8", numpy.array([limit for limit in (-2**63, 2**63 - 1, -1, 7)] * 5, dtype="i8"), numpy.array([-2**63, 2**63 - 1, 2**62, 3] * 5, dtype="i8")),
             ("dot_u8", numpy.array([2**64 - 1] * 7, dtype="u8"), numpy.array([2**64 - 1] * 6 + [1], dtype="u8")),
             ("dot_i1", numpy.array([-128] * 11, dtype="i1"), numpy.array([127, -128] * 5 + [1], dtype="i1")),
             ("dot_bool", numpy.array([True, True, False, True]), numpy.array([True, False, True, True])),
             ("dot_overflows_f8", numpy.array([1e200, 1e200, 1e-200]), numpy.array([1e200, -1e200, 1e-100])),
             ("dot_nan_f8", numpy.array([math.inf, 1.0]), numpy.array([0.0, 1.0])),
             ("dot_nothing_f8", numpy.zeros(0), numpy.zeros(0))]
    rows = []
    for name, x, y in pairs:
        terms = [(p.item(), q.item()) for p, q in zip(x, y)]
        if name == "dot_nan_f8":
            value = math.nan
        elif x.dtype.kind == "f":
            value = rounded(sum((Fraction(p) * Fraction(q) for p, q in terms), Fraction(0)))
        else:
            value = sum(int(p) * int(q) for p, q in terms)
        print_list("unsigned char", f"{name}_a", ["%d" % b for b in x.tobytes()])
        print_list("unsigned char", f"{name}_b", ["%d" % b for b in y.tobytes()])
        dtype = x.dtype.str[1:] if x.dtype.kind != "b" else "bool"
        rows.append(f'    {{"{name}", FURROW_{dtype.upper()}, {len(x)}, {name}_a, {name}_b, {value_text(0, "sum", value)}}},')
    print("static const dot_case_t dot_cases[] = {")
    print("\n".join(rows))
    print("};\n\n#endif")


if __name__ == "__main__":
    main()
