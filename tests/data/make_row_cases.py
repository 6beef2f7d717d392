#!/usr/bin/env python3
"""Writes tests/data/rows: NAME.npy, inputs of `furrow rows`, and NAME.expected, what it must make of them: the .npy outputs of the
operations that tests/cli/test_rows.sh lists, in that order, one after the other. And NAME.maps, the correctly rounded values of
normalize, zscore, minmax and softmax, without headers, for tests/unit/test_rows_maps.c.

Extremes, indices, counts, sorted rows and the .npy format are NumPy's. Sums and their kin are computed in rationals and rounded
once, half to even; infinities and NaN as NumPy has them. Needs NumPy 1.23 or later: its header is what Furrow writes.
"""
import io
import os
from fractions import Fraction
from math import isqrt

import numpy as np

from make_rows import OPS, results as true_maps

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rows")
K = 2


def rounded(x, dtype):
    """A rational as the nearest float of a dtype."""
    info = np.finfo(dtype)
    bits, least = info.nmant + 1, int(info.minexp) - info.nmant
    if x == 0:
        return dtype(0)
    size = abs(x)
    exponent = size.numerator.bit_length() - size.denominator.bit_length() - bits
    while size >= Fraction(2) ** (exponent + bits):
        exponent += 1
    while size < Fraction(2) ** (exponent + bits - 1):
        exponent -= 1
    exponent = max(exponent, least)
    units = round(size / Fraction(2) ** exponent)  # half to even
    value = np.ldexp(np.float64(units), exponent)
    return dtype(-value if x < 0 else value)


def root(x):
    """The square root of a rational, as the nearest double."""
    if x == 0:
        return np.float64(0)
    shift = max(0, 400 - x.numerator.bit_length() + x.denominator.bit_length()) // 2 * 2 + 400
    scaled = x.numerator * 2**shift
    low = isqrt(scaled // x.denominator)
    exact = low * low * x.denominator == scaled
    return rounded(Fraction(2 * low + (0 if exact else 1), 2 * 2 ** (shift // 2)), np.float64)


def total(row):
    """The sum of a row of numbers, which may be infinite: a rational, or a float."""
    if all(np.isfinite(row)):
        return sum((Fraction(v.item()) for v in row), Fraction(0))
    with np.errstate(invalid="ignore"):
        special = float(np.sum([v.item() for v in row if not np.isfinite(v)]))
    return float("nan") if special != special else special


def float_of(x):
    return np.float64(x) if isinstance(x, float) else rounded(x, np.float64)


def squares(row):
    if all(np.isfinite(row)):
        return sum((Fraction(v.item()) ** 2 for v in row), Fraction(0))
    return float("nan") if any(np.isnan(row)) else float("inf")


def moments(row, ddof):
    """mean, var, std"""
    s, q, n = total(row), squares(row), len(row)
    if isinstance(s, float):
        return np.float64(s), np.float64("nan"), np.float64("nan")
    if n <= ddof:
        nan = np.float64("nan")
        return float_of(s / n) if n else nan, nan, nan
    var = (q - s * s / n) / (n - ddof)
    return float_of(s / n), float_of(var), root(var)


def sum_dtype(a):
    return np.float64 if a.dtype.kind == "f" else np.uint64 if a.dtype.kind == "u" else np.int64


def cumsum(row, dtype):
    out, dead, s = [], None, Fraction(0)
    for v in row:
        if not np.isfinite(v):
            with np.errstate(invalid="ignore"):
                dead = v if dead is None else dead + v
        else:
            s += Fraction(v.item())
        x = rounded(s, dtype) if dead is None and np.issubdtype(dtype, np.floating) else s if dead is None else dead
        out.append(dtype(int(x)) if not np.issubdtype(dtype, np.floating) else dtype("nan") if x != x else dtype(x))
    return out


def largest(row, k):
    numbers = [v for v in row if v == v]
    return (sorted(numbers, reverse=True) + [v for v in row if v != v])[:k]


def results(a, vector):
    """The outputs, in the order of test_rows.sh."""
    shape, n = a.shape, a.shape[0]
    rows = a.reshape(n, int(np.prod(shape[1:], dtype=int)))
    if a.dtype == np.float16:
        rows, vector = rows.astype(np.float32), vector.astype(np.float32)
    wide, same = sum_dtype(a), rows.dtype
    plain = np.float32 if same == np.float32 else np.float64
    exact = (lambda x: float_of(x)) if wide == np.float64 else (lambda x: wide(int(x)))

    def column(f, dtype):
        return np.array([f(r) for r in rows], dtype=dtype).reshape(n)

    def table(f, dtype, tail):
        return np.array([f(r) for r in rows], dtype=dtype).reshape((n,) + tail)

    yield column(lambda r: exact(total(r)), wide)
    yield column(lambda r: exact(squares(r)), wide)
    yield column(lambda r: exact(total(np.abs(r))), wide)
    yield column(lambda r: moments(r, 0)[0], np.float64)
    with np.errstate(over="ignore"):
        yield column(lambda r: np.float32(moments(r, 0)[0]), np.float32)
    yield column(lambda r: moments(r, 0)[1], np.float64)
    yield column(lambda r: moments(r, 1)[2], np.float64)
    yield column(lambda r: np.float64(squares(r)) if isinstance(squares(r), float) else root(squares(r)), np.float64)
    for extreme in (rows.min, rows.max):
        yield extreme(axis=1) if rows.shape[1] else None
    for place in (rows.argmin, rows.argmax):
        yield place(axis=1).astype(np.int64) if rows.shape[1] else None
    yield np.count_nonzero(rows, axis=1).astype(np.int64).reshape(n)
    yield column(lambda r: exact(dot(r, vector)), wide)
    cum = wide if wide != np.float64 else plain
    yield table(lambda r: cumsum(r, cum), cum, shape[1:])
    yield np.sort(rows, axis=1).reshape(shape)
    yield table(lambda r: largest(r, K), same, (K,)) if rows.shape[1] >= K else None


def maps(a):
    """Bits of normalize, zscore, minmax and softmax."""
    is_f4 = a.dtype.kind == "f" and a.dtype.itemsize < 8
    of_rows = [true_maps([float(x) for x in row], "f4" if is_f4 else "f8") for row in a.reshape(a.shape[0], -1)]
    return np.array([[row[op] for row in of_rows] for op in OPS[:4]], dtype=np.uint32 if is_f4 else np.uint64)


def dot(row, vector):
    if all(np.isfinite(row)):
        return sum((Fraction(x.item()) * Fraction(y.item()) for x, y in zip(row, vector)), Fraction(0))
    with np.errstate(invalid="ignore"):
        s = float(sum(float(x) * float(y) for x, y in zip(row, vector)))
    return float("nan") if s != s else s


def integers(dtype, shape, rng):
    info = np.iinfo(dtype)
    most = min(int(info.max), 2**26)
    return rng.integers(max(int(info.min), -most), most, size=shape, endpoint=True).astype(dtype)


def floats(dtype, shape, rng):
    """Numbers of all sizes, that cancel."""
    scale = {2: 3, 4: 30, 8: 200}[np.dtype(dtype).itemsize]
    a = rng.standard_normal(shape) * 2.0 ** rng.integers(-scale, scale, size=shape)
    flat = a.reshape(shape[0], -1) if shape[0] else a
    for i in range(0, shape[0] if flat.shape[1:] != (1,) else 0, 3):
        flat[i, -1] = 0.0 - flat[i, :-1].sum()
    return flat.reshape(shape).astype(dtype)


def special(a):
    """NaN, infinities, ties and zeros in some rows."""
    rows = a.reshape(a.shape[0], -1)
    rows[1, 2] = np.nan
    rows[2, 3] = np.inf
    rows[3, 1], rows[3, 4] = np.inf, -np.inf
    rows[4, :] = 0
    rows[5, :] = 1.5
    rows[6, 0], rows[6, 5] = -np.inf, np.nan
    rows[7, :] = np.nan
    rows[8, :] *= {2: 1e3, 4: 1e37, 8: 1e300}[a.dtype.itemsize] / np.abs(rows[8, :]).max()
    rows[9, :5] = 0.5, -np.inf, -0.25, -np.inf, 0
    return a


def inputs():
    rng = np.random.default_rng(20)
    yield "bool", rng.integers(0, 2, size=(11, 9)).astype(bool)
    for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        yield name, integers(name, (11, 9), rng)
    for name in ("f2", "f4", "f8"):
        yield name, special(floats(name, (11, 9), rng))
    yield "f4_long", floats("f4", (5, 700), rng)
    yield "f8_long", floats("f8", (5, 700), rng)
    yield "i4_3d", integers("i4", (6, 2, 5), rng)
    yield "f8_4d", floats("f8", (5, 2, 1, 3), rng)
    yield "f8_fortran", np.asfortranarray(floats("f8", (7, 3, 4), rng))
    yield "u2_fortran", np.asfortranarray(integers("u2", (9, 5), rng))
    yield "f8_swapped", floats(">f8", (6, 5), rng)
    yield "i2_swapped", integers("i2", (6, 5), rng).astype(">i2")
    yield "f4_no_rows", np.zeros((0, 4), "f4")
    yield "i8_no_rows", np.zeros((0, 3, 2), "i8")
    yield "f8_column", floats("f8", (8, 1), rng)
    yield "u1_1d", integers("u1", (8,), rng)
    yield "f4_no_columns", np.zeros((3, 2, 0), "f4")


def main():
    rng = np.random.default_rng(21)
    os.makedirs(FOLDER, exist_ok=True)
    for name, a in inputs():
        items = int(np.prod(a.shape[1:], dtype=int))
        native = a.dtype.newbyteorder("=")
        if native.kind == "f":
            vector = floats(native, (1, max(items, 2)), rng).reshape(-1)[:items]
        else:
            vector = rng.integers(0, 2 if native.kind == "b" else 9, size=items).astype(native)
        np.save(os.path.join(FOLDER, name + ".npy"), a)
        np.save(os.path.join(FOLDER, name + ".vector.npy"), vector)
        with open(os.path.join(FOLDER, name + ".expected"), "wb") as file:
            for result in results(a.astype(native), vector):
                if result is not None:
                    np.save(file, np.ascontiguousarray(result))
        if a.size and not name.endswith("_long"):
            maps(a.astype(native)).tofile(os.path.join(FOLDER, name + ".maps"))


if __name__ == "__main__":
    main()
