#!/usr/bin/env python3
"""Writes tests/data/reduce: small .npy files, and in cases.tsv what `furrow reduce` and `furrow dot` must print about them;
and random_*.npy, what `furrow random` must write.

Nothing here asks Furrow. Sums, means, variances and norms of floats are computed as fractions and rounded once, integers
as Python integers; extremes, indices, counts and histograms come from NumPy. Columns of cases.tsv, separated by tabs:

  how       ranks: also under mpirun and with --source root; stream: also from standard input; any: neither
  command   what follows `furrow`, without --json
  output    a file that the command must have written as out.npy, or -
  expected  the JSON from the key "dtype" up to the key "elapsed_s", numbers as cli.h has them; = for that of the case above

Needs NumPy 1.24 or later. The output is the same at each run.
"""
import bisect
import math
import pathlib
import shutil
from fractions import Fraction

import numpy as np

FOLDER = pathlib.Path(__file__).parent / "reduce"
INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
FLOATS = ["f2", "f4", "f8"]
COMPLEX = ["c8", "c16"]
EXTREMES = ["min", "max", "argmin", "argmax"]
REAL_OPS = ["count", "sum", "sumsq", "mean", "var", "std", *EXTREMES, "norm1", "norm2", "norminf", "nonzero", "nan"]
EMPTY_OPS = [op for op in REAL_OPS if op not in EXTREMES]
COMPLEX_OPS = ["count", "sum", "sumsq", "mean", "norm2"]
NAN = math.nan
INF = math.inf
random = np.random.Generator(np.random.PCG64(20240229))
files = {}
cases = []


# ------------------------------------------------------------------------------------------------- exact arithmetic
def to_double(fraction):
    """The nearest double, half to even; an int divided by an int is rounded so."""
    try:
        return fraction.numerator / fraction.denominator
    except OverflowError:
        return INF if fraction > 0 else -INF


def root_to_double(fraction):
    """The double nearest to the square root: of at least 64 bits of it, and one more that tells if there are others."""
    if fraction == 0:
        return 0.0
    shift = max(0, 128 - fraction.numerator.bit_length() + fraction.denominator.bit_length() + 1) // 2
    scaled, rest = divmod(fraction.numerator << 2 * shift, fraction.denominator)
    root = math.isqrt(scaled)
    inexact = rest != 0 or root * root != scaled
    return to_double(Fraction(2 * root + inexact, 2 << shift))


def non_finite(values):
    """What a sum with these among its terms is, or None if all are finite."""
    if any(math.isnan(v) for v in values) or (INF in values and -INF in values):
        return NAN
    return next((v for v in values if math.isinf(v)), None)


def total(values):
    """The sum of Python floats."""
    special = non_finite(values)
    if special is not None:
        return special
    exact = sum(map(Fraction, values), Fraction(0))
    if exact == 0:
        return -0.0 if values and all(math.copysign(1, v) < 0 for v in values) else 0.0
    return to_double(exact)


def squares(values):
    """The sum of squares as a fraction, or as the float that it is where it is not finite."""
    special = non_finite([abs(v) for v in values])
    return sum((Fraction(v) ** 2 for v in values), Fraction(0)) if special is None else special


def mean(values):
    """The mean of Python floats or integers."""
    special = non_finite(values)
    if not values or special is not None:
        return special if values else NAN
    exact = sum(map(Fraction, values)) / len(values)
    if exact == 0 and isinstance(values[0], float):
        return total(values)
    return to_double(exact)


def variance(values, ddof, rounding):
    if len(values) <= ddof or non_finite(values) is not None:
        return NAN
    exact = sum((Fraction(v) ** 2 for v in values), Fraction(0)) - sum(map(Fraction, values)) ** 2 / len(values)
    return rounding(exact / (len(values) - ddof))


def root_of_squares(values):
    exact = squares(values)
    return root_to_double(exact) if isinstance(exact, Fraction) else exact


def float_of_squares(values):
    exact = squares(values)
    return to_double(exact) if isinstance(exact, Fraction) else exact


# -------------------------------------------------------------------------------------------------------- reductions
def extreme(op, array, skip_nan):
    """NumPy's, but that -0.0 is less than 0.0; None where there is no element."""
    if array.dtype.kind == "f" and skip_nan:
        kept = array[~np.isnan(array)]
        if kept.size == 0:
            return None
        index = {"argmin": np.nanargmin, "argmax": np.nanargmax}
    else:
        kept = array
        index = {"argmin": np.argmin, "argmax": np.argmax}
    if kept.size == 0:
        return None
    if op in index:
        return int(index[op](array))
    value = (np.min if op == "min" else np.max)(kept).item()
    if value == 0 and array.dtype.kind == "f":
        negative = np.signbit(kept[kept == 0])
        return -0.0 if (negative.any() if op == "min" else negative.all()) else 0.0
    return int(value) if array.dtype.kind in "biu" else value


def reduce_complex(op, array):
    re, im = array.real.ravel().tolist(), array.imag.ravel().tolist()
    return {"count": lambda: len(re), "sum": lambda: complex(total(re), total(im)),
            "mean": lambda: complex(mean(re), mean(im)), "sumsq": lambda: float_of_squares(re + im),
            "norm2": lambda: root_of_squares(re + im)}[op]()


def reduce_real(op, array, skip_nan=False, ddof=0):
    """One operation over a flat array."""
    is_float = array.dtype.kind == "f"
    kept = array[~np.isnan(array)] if is_float and skip_nan else array
    values = kept.tolist() if is_float else [int(v) for v in kept.tolist()]
    if op in EXTREMES:
        return extreme(op, array, skip_nan)
    if op == "norminf":
        largest = [abs(v) for v in values] or [0.0 if is_float else 0]
        return NAN if any(v != v for v in largest) else max(largest)
    return {"count": lambda: len(values),
            "sum": lambda: total(values) if is_float else sum(values),
            "sumsq": lambda: float_of_squares(values) if is_float else sum(v * v for v in values),
            "norm1": lambda: total([abs(v) for v in values]) if is_float else sum(map(abs, values)),
            "norm2": lambda: root_of_squares(values),
            "mean": lambda: mean(values),
            "var": lambda: variance(values, ddof, to_double),
            "std": lambda: variance(values, ddof, root_to_double),
            "nonzero": lambda: int(np.count_nonzero(kept)),
            "nan": lambda: int(np.isnan(array).sum()) if is_float else 0}[op]()


def of_section(op, array, start, stop, options):
    """Indices are those of the whole array."""
    result = reduction(op, array[start:stop], options)
    return result + start * math.prod(array.shape[1:]) if op.startswith("arg") and result is not None else result


def histogram(array, bins, low, high):
    """NumPy's counts and edges, checked against a search in the edges."""
    edges = np.linspace(low, high, bins + 1)
    counts, numpy_edges = np.histogram(array.astype("f8"), bins, (low, high))
    assert numpy_edges.tolist() == edges.tolist()
    searched = [0] * bins
    for value in array.astype("f8").ravel().tolist():
        if low <= value <= high:
            searched[min(bisect.bisect_right(edges.tolist(), value), bins) - 1] += 1
    assert searched == counts.tolist()
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def reduction(op, array, options):
    flat = np.ascontiguousarray(array).ravel()
    if op == "hist":
        return histogram(flat, options["bins"], options["low"], options["high"])
    if array.dtype.kind == "c":
        return reduce_complex(op, flat)
    return reduce_real(op, flat, options.get("skip_nan", False), options.get("ddof", 0))


# -------------------------------------------------------------------------------------------------------------- JSON
def json_float(value):
    if math.isnan(value) or math.isinf(value):
        return '"nan"' if math.isnan(value) else '"inf"' if value > 0 else '"-inf"'
    least = 1 if 0 < abs(value) < 2.0**-1022 else 15
    text = next(t for t in ("%.*g" % (digits, value) for digits in range(least, 18)) if float(t) == value)
    return text if "." in text or "e" in text else text + ".0"


def to_json(value):
    if value is None:
        return "null"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{" + ",".join(f'"{key}":{to_json(item)}' for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(to_json, value)) + "]"
    if isinstance(value, complex):
        return to_json([value.real, value.imag])
    return json_float(value) if isinstance(value, float) else str(value)


# ------------------------------------------------------------------------------------------------------------- cases
def save(name, array):
    """Returns the name, to be used in cases."""
    assert name not in files
    np.save(FOLDER / f"{name}.npy", array)
    files[name] = array
    return name


def dtype_name(array):
    return "bool" if array.dtype.kind == "b" else array.dtype.str[1:]


def columns(array):
    rows, rest = len(array), math.prod(array.shape[1:])
    return np.ascontiguousarray(array).reshape(rows, rest).T if rows * rest > 0 else np.zeros((rest, 0), array.dtype)


def add(ops, names, options="", how="any", output="-", **settings):
    """A case of `furrow reduce`; the settings are those of the options, in the words of this script."""
    names = [names] if isinstance(names, str) else names
    arrays = [files[name] for name in names]
    array = np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
    settings = {"bins": 10, **settings}
    if settings.get("axis0"):
        results = {op: [reduction(op, column, settings) for column in columns(array)] for op in ops}
    else:
        results = {op: reduction(op, array, settings) for op in ops}
    expected = {"dtype": dtype_name(array), "shape": list(array.shape)}
    if output != "-":
        expected["output"] = "out.npy"
        options += " -o out.npy"
    if output == "-" or not settings.get("axis0"):
        expected["results"] = results
    if settings.get("sections"):
        stops = np.cumsum([len(part) for part in np.array_split(np.arange(len(array)), settings["sections"])]).tolist()
        parts = zip([0, *stops], stops)
        expected["sections"] = [{"start": a, "stop": b, "results": {op: of_section(op, array, a, b, settings) for op in ops}}
                                for a, b in parts]
    command = f"reduce {','.join(ops)} {' '.join(name + '.npy' for name in names)} {options}"
    cases.append((how, command.strip(), output, to_json(expected)[1:-1]))


def add_ops(*names):
    """All operations, over all, by columns, by sections, of files that differ in how they store one array."""
    array = files[names[0]]
    ops = COMPLEX_OPS if array.dtype.kind == "c" else REAL_OPS if array.size > 0 else EMPTY_OPS
    for options, settings in [("", {}), ("--axis 0", {"axis0": True}), ("--sections 3", {"sections": 3})]:
        few = ["sum", "std", "argmax"] if "sections" in settings and set(EXTREMES) <= set(ops) else ops
        for name in names if array.ndim > 0 or not settings else []:
            by_rows = files[name].flags.c_contiguous or not settings
            many = name in ("i8_be_f", "f8_be_c", "u8_le_c", "c16_be_f")
            add(few, name, options, "ranks" if many else "stream" if by_rows else "any", **settings)


def values_of(text, count):
    """Numbers that try the dtype: its limits, zero, and many bits."""
    dtype = np.dtype(text)
    if dtype.kind == "b":
        return random.integers(0, 2, count).astype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = random.integers(limits.min, limits.max, count, dtype, endpoint=True)
        values[:4] = [limits.max, limits.min, 0, limits.max][:count]
        return values
    if dtype.kind == "c":
        part = f"f{dtype.itemsize // 2}"
        return values_of(part, count) + values_of(part, count)[::-1] * np.array(1j, dtype)
    values = random.standard_normal(count) * 10.0 ** random.integers(-3, 4, count)
    return values.astype(dtype)


def every_dtype():
    for text in ["b1"] + INTEGERS + FLOATS + COMPLEX:
        values = values_of(text, 21).reshape(7, 3)
        names = []
        for order in "<>" if np.dtype(text).itemsize > 1 else "|":
            word = {"<": "le", ">": "be", "|": "1b"}[order]
            for layout in "CF":
                array = np.array(values, np.dtype(text).newbyteorder(order), order=layout)
                names.append(save(f"{text}_{word}_{layout.lower()}", array))
        add_ops(*names)


def shapes():
    for text in ["b1", "i2", "u8", "f4", "f8", "c16"]:
        for word, shape in [("0d", ()), ("1d", (13,)), ("3d", (5, 2, 3)), ("no_rows", (0, 4)), ("no_columns", (4, 0)),
                            ("nothing", (0,)), ("one_column", (11, 1)), ("one_row", (1, 5))]:
            values = values_of(text, 40)[4:4 + math.prod(shape)].reshape(shape)
            names = [save(f"{text}_{word}", values)]
            if len(shape) > 1:
                names.append(save(f"{text}_{word}_f", np.asfortranarray(values)))
            add_ops(*names)
    for text, rows in [("u1", 6), ("i2", 5), ("f2", 5), ("f4", 3), ("c8", 1), ("i8", 1)]:
        values = values_of(text, 300 * rows).reshape(rows, 300)
        for layout in "CF":
            name = save(f"{text}_300_columns_{layout.lower()}", np.array(values, order=layout))
            ops = ["count", "sum", "std", "argmin", "max"] if text in ("i2", "f4") else ["sum"]
            add(ops, name, "--axis 0", "ranks" if text == "i2" else "any", axis0=True)
    add(REAL_OPS, save("f8_400", values_of("f8", 400).reshape(200, 2)), how="ranks")


def single_operations():
    """Each alone, because what is not asked for is not computed."""
    for name in ["i4_le_c", "f8_le_f", "f2_be_c", "b1_1b_c"]:
        for op in REAL_OPS:
            add([op], name, how="stream" if op in ("sum", "var") else "any")
    for op in COMPLEX_OPS:
        add([op], "c8_le_c", how="stream")
    add(["argmax", "sum", "count", "std"], "f8_be_f", how="ranks")  # the order asked for


def special_floats():
    tiny = {"f2": 2.0**-24, "f4": 2.0**-149, "f8": 2.0**-1074}
    for text in FLOATS:
        largest, least = float(np.finfo(text).max), tiny[text]
        for word, values in [
            ("zeros", [0.0, -0.0, 0.0]), ("minus_zeros", [-0.0, -0.0]), ("minus_first", [-0.0, 0.0]),
            ("infinite", [1.0, INF, 2.0]), ("minus_infinite", [1.0, -INF]), ("both_infinite", [INF, 1.0, -INF]),
            ("nan", [3.0, NAN, -2.0, NAN, 5.0]), ("nan_first", [NAN, 1.0]), ("nan_and_infinite", [NAN, INF, 1.0]),
            ("only_nan", [NAN, NAN]), ("nan_and_zero", [NAN, -0.0]), ("largest", [largest, largest, -1.0]),
            ("least", [least, least, -3 * least]), ("cancels", [largest, 1.0, least, -largest, -1.0]),
            ("one_least", [least]),
        ]:
            name = save(f"{text}_{word}", np.array(values, text))
            how = "ranks" if (text, word) in (("f8", "nan"), ("f8", "cancels")) else "stream"
            add(REAL_OPS, name, how=how)
            add([op for op in REAL_OPS if op not in EXTREMES] if word == "only_nan" else REAL_OPS, name, "--skip-nan",
                skip_nan=True)
            if text == "f4" and word != "only_nan":
                add(["count", "min", "argmax", "std"], name, "--skip-nan --sections 2", skip_nan=True, sections=2)
    columns_of_nan = np.array([[NAN, 1, NAN, -0.0], [NAN, NAN, 2, 0.0], [NAN, 3, NAN, NAN]])
    for text in FLOATS:
        names = [save(f"{text}_nan_columns_{layout.lower()}", np.array(columns_of_nan, text, order=layout)) for layout in "CF"]
        add_ops(*names)
        for name in names:
            add(REAL_OPS, name, "--axis 0 --skip-nan", axis0=True, skip_nan=True)
            add(["count", "min", "argmax", "std"], name, "--sections 5 --skip-nan", sections=5, skip_nan=True)
    for word, values in [("huge_squares", [1e200, 1e200]), ("tiny_squares", [1e-200, 1e-200]),
                         ("half_up", [1.0, 2.0**-53, 2.0**-200]), ("half_down", [1.0, 2.0**-53, -(2.0**-200)]),
                         ("half_even", [1.0, 2.0**-53]), ("alternating", [1e308, 1.5, -1e308, 1e-308] * 60),
                         ("squares_to_half", [1.0, 2.0**-27, 2.0**-27]), ("pythagoras", [3e-310, 4e-310]),
                         ("thirds", [1 / 3] * 100)]:
        name = save(f"f8_{word}", np.array(values))
        add(REAL_OPS, name, how="ranks" if word == "alternating" else "any")
    for word, values in [("nan", [1 + 2j, complex(NAN, 1)]), ("infinite", [complex(INF, -INF), 1j]),
                         ("minus_zeros", [complex(-0.0, -0.0), complex(-0.0, 0.0)]), ("huge", [1e200 + 1e200j]),
                         ("tiny", [3e-200 + 4e-200j])]:
        add(COMPLEX_OPS, save(f"c16_{word}", np.array(values)), how="stream")


def divisors():
    moments = ["count", "mean", "var", "std"]
    for name in ["f8_1d", "i2_1d", "f4_3d", "b1_1d", "f8_nan", "f8_0d", "f8_nothing", "f8_thirds"]:
        count = files[name].size
        for ddof in sorted({0, 1, 2, max(count - 1, 0), count, count + 1}):
            add(moments, name, f"--ddof {ddof}", ddof=ddof)
            if name == "f8_nan":
                add(moments, name, f"--ddof {ddof} --skip-nan", ddof=ddof, skip_nan=True)
    add(moments, "f8_be_f", "--ddof 1 --axis 0", ddof=1, axis0=True)
    add(moments, "i8_le_c", "--ddof 2 --sections 4", ddof=2, sections=4)


def sections():
    for name in ["f8_be_c", "f8_be_f", "i4_le_c", "u8_be_f", "b1_1b_f", "f4_3d", "f4_3d_f"]:
        for count in [1, 3, 7, 20]:
            add(["count", "sum", "norm2", "argmax", "min"], name, f"--sections {count}",
                "ranks" if count == 7 and name[0] == "f" else "any", sections=count)
    add(["count", "sum", "mean", "var", "norminf"], "f8_no_rows", "--sections 3", sections=3)
    add(["count", "sum", "mean", "var", "norminf"], "i2_no_columns", "--sections 3", sections=3)
    add(["count", "sum", "max"], "f8_400", "--sections 200", "stream", sections=200)


def joined():
    some = ["sum", "var", "max", "argmin"]
    parts = [values_of("i4", 3 * n).reshape(n, 3) for n in (4, 0, 2, 5, 0)]
    for word, make in [("c", np.ascontiguousarray), ("f", np.asfortranarray), ("be", lambda a: a.astype(">i4"))]:
        names = [save(f"part_{word}_{i}", make(part)) for i, part in enumerate(parts)]
        add(REAL_OPS, names, how="ranks")
        add(REAL_OPS, names, "--axis 0", "ranks", axis0=True)
        add(some, names, "--sections 4", "ranks", sections=4)
        add(some, names[1:3], "--sections 3", sections=3)
        add(EMPTY_OPS, [names[1], names[4]])
        add(REAL_OPS, [names[0]] * 5)
    add(REAL_OPS, ["part_c_0", "part_be_2", "part_c_3"], "--axis 0", axis0=True)
    add(REAL_OPS, ["part_be_0", "part_c_1", "part_be_3", "part_c_2"], "--sections 2", sections=2)
    # One row, one column and no row stand in Fortran order too, though the header says C.
    row, column = save("one_row", values_of("i4", 3).reshape(1, 3)), save("one_column", values_of("i4", 4).reshape(4, 1))
    for names in [[row, "part_f_0"], ["part_f_2", row, row, "part_f_3"], [row, row], [row, "part_c_0"]]:
        add(some, names)
        add(some, names, "--axis 0", axis0=True)
        add(some, names, "--sections 3", sections=3)
    add(some, [column, column], "--sections 3", sections=3)
    lines = [save(f"line_{i}", values_of("f8", n)) for i, n in enumerate((5, 0, 1, 7))]
    add(REAL_OPS, lines)
    add(REAL_OPS, lines[::-1], "--sections 6", sections=6)
    cubes = [save(f"cube_{i}", np.asfortranarray(values_of("f4", n * 6).reshape(n, 2, 3))) for i, n in enumerate((3, 1, 4))]
    add(REAL_OPS, cubes)
    add(REAL_OPS, cubes, "--axis 0", axis0=True)
    add(REAL_OPS, cubes, "--sections 3", sections=3)
    ties = [save(f"ties_{i}", np.array([[2, 1, 2], [1, 1, 2]], "i2", order="F")) for i in range(2)]
    add(["argmin", "argmax"], ties, "--sections 3", sections=3)
    add(["argmin", "argmax"], ties)


def histograms():
    values = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0, 1.0, -0.0, -1e-300, 1.0000000000000002, 0.30000000000000004, NAN, INF, -INF]
    save("hist_f8", np.array(values))
    save("hist_f4", np.array(values, ">f4"))
    save("hist_f2", np.array(values, "f2").reshape(4, 4, order="F"))
    for name in ["hist_f8", "hist_f4", "hist_f2"]:
        for bins, low, high in [(10, 0, 1), (3, 0.1, 0.7), (1, 0, 1), (7, -1, 1), (100, 0.25, 0.75)]:
            add(["hist"], name, f"--bins {bins} --range {low}:{high}", "stream", bins=bins, low=float(low), high=float(high))
    add(["hist"], "hist_f8", "--range 0:1", bins=10, low=0.0, high=1.0)
    add(["hist", "count", "nan"], "hist_f8", "--range -2:3 --skip-nan", "ranks", low=-2.0, high=3.0, skip_nan=True)
    add(["count", "hist", "sum"], "hist_f2", "--bins 4 --range 0:1 --sections 3", "ranks", bins=4, low=0.0, high=1.0, sections=3)
    for text in ["b1"] + INTEGERS:
        name = f"{text}_{'1b' if text in ('b1', 'i1', 'u1') else 'be'}_c"
        limit = np.iinfo(text if text != "b1" else "i1")
        add(["hist"], name, "--bins 5 --range -50:50", bins=5, low=-50.0, high=50.0)
        add(["hist"], name, f"--bins 3 --range {limit.min}:{limit.max}", bins=3, low=float(limit.min), high=float(limit.max))
    add(["hist"], "f8_nothing", "--bins 2 --range 0:1", bins=2, low=0.0, high=1.0)
    add(["hist"], ["part_f_0", "part_f_2"], "--bins 4 --range -2e9:2e9", bins=4, low=-2e9, high=2e9)


def outputs():
    """What -o writes: i8 where all integers fit, else u8; f8; c16."""
    def check(word, op, name, options, result, **settings):
        np.save(FOLDER / f"out_{word}.npy", result)
        add([op], name, options, "ranks" if word in ("columns", "sections") else "any", f"out_{word}.npy", **settings)

    def by_columns(op, name, dtype):
        array = files[name]
        return np.array([reduction(op, c, {}) for c in columns(array)], dtype).reshape(array.shape[1:])

    def by_sections(op, name, count, dtype):
        return np.array([reduction(op, part, {}) for part in np.array_split(files[name], count)], dtype)

    check("columns", "sum", "f8_be_f", "--axis 0", by_columns("sum", "f8_be_f", "f8"), axis0=True)
    check("columns_3d", "mean", "f4_3d", "--axis 0", by_columns("mean", "f4_3d", "f8"), axis0=True)
    check("columns_argmax", "argmax", "f4_3d_f", "--axis 0", by_columns("argmax", "f4_3d_f", "i8"), axis0=True)
    check("columns_u8", "max", "u8_le_c", "--axis 0", by_columns("max", "u8_le_c", "u8"), axis0=True)
    check("columns_c16", "sum", "c8_le_f", "--axis 0", by_columns("sum", "c8_le_f", "c16"), axis0=True)
    check("columns_1d", "sum", "i2_1d", "--axis 0", np.array(reduction("sum", files["i2_1d"], {}), "i8"), axis0=True)
    for word, op, name, dtype in [("", "sum", "f8", "f8"), ("_int", "sum", "i2", "i8"), ("_complex", "sum", "c16", "c16"),
                                  ("_mean", "mean", "i2", "f8"), ("_count", "count", "f8", "i8"), ("_max", "max", "f4", "f8"),
                                  ("_argmax", "argmax", "f4", "i8"), ("_norm2", "norm2", "c16", "f8"),
                                  ("_complex_mean", "mean", "c16", "c16"), ("_sumsq", "sumsq", "c16", "f8")]:
        check(f"no_columns{word}", op, f"{name}_no_columns", "--axis 0", np.zeros(0, dtype), axis0=True)
    check("sections", "norm2", "i4_le_c", "--sections 4", by_sections("norm2", "i4_le_c", 4, "f8"), sections=4)
    check("sections_count", "count", "f8_1d", "--sections 20", by_sections("count", "f8_1d", 20, "i8"), sections=20)
    check("value", "sum", "f8_thirds", "", np.array(reduction("sum", files["f8_thirds"], {})))
    settings = {"bins": 4, "low": 0.0, "high": 1.0}
    check("hist", "hist", "hist_f8", "--bins 4 --range 0:1", np.array(histogram(files["hist_f8"], **settings)["counts"]), **settings)
    parts = [histogram(part, **settings)["counts"] for part in np.array_split(files["hist_f8"], 3)]
    check("hist_sections", "hist", "hist_f8", "--bins 4 --range 0:1 --sections 3", np.array(parts), sections=3, **settings)


# --------------------------------------------------------------------------------------------------------------- dot
def add_dot(a, b, how="any"):
    x, y = (np.ascontiguousarray(files[name]).ravel() for name in (a, b))
    if x.dtype.kind == "f":
        pairs = list(zip(x.tolist(), y.tolist()))
        special = non_finite([u * v for u, v in pairs if not (math.isfinite(u) and math.isfinite(v))])
        exact = None if special is not None else sum((Fraction(u) * Fraction(v) for u, v in pairs), Fraction(0))
        minus_zero = pairs and exact == 0 and all((u == 0 or v == 0) and
                                                  math.copysign(1, u) * math.copysign(1, v) < 0 for u, v in pairs)
        result = special if special is not None else -0.0 if minus_zero else to_double(exact)
    else:
        result = sum(int(u) * int(v) for u, v in zip(x.tolist(), y.tolist()))
    expected = {"dtype": dtype_name(x), "shape": list(files[a].shape), "results": {"dot": result}}
    cases.append((how, f"dot {a}.npy {b}.npy", "-", to_json(expected)[1:-1]))


def dots():
    for text in ["b1"] + INTEGERS + FLOATS:
        word = "1b" if text in ("b1", "i1", "u1") else "le"
        other = np.dtype(text).newbyteorder(">")
        first = f"{text}_{word}_c"
        add_dot(first, first, "stream")
        add_dot(f"{text}_{word}_f", f"{text}_{word}_f")
        add_dot(first, save(f"dot_{text}", values_of(text, 21)[::-1].reshape(7, 3).astype(other)), "ranks" if text == "f8" else "any")
    for text in FLOATS:
        for word, y in [("zeros", [-1.0, 1.0, -5.0]), ("minus_zeros", [1.0, 1.0]), ("infinite", [1.0, 1.0, 0.0]),
                        ("both_infinite", [1.0, 0.0, -1.0]), ("largest", [2.0, -2.0, 1.0]), ("least", [0.5, 0.5, 1.0]),
                        ("nan", [0.0] * 5), ("cancels", [1.0] * 5), ("one_least", [0.5])]:
            add_dot(f"{text}_{word}", save(f"dot_{text}_{word}", np.array(y, text)))
    add_dot("f8_huge_squares", save("dot_opposite", np.array([1e200, -1e200])))
    add_dot("f8_tiny_squares", "f8_tiny_squares")
    add_dot("f8_alternating", "f8_alternating", "ranks")
    add_dot("f8_0d", "f8_0d")
    add_dot("f8_nothing", "f8_nothing", "ranks")
    add_dot("i2_nothing", "i2_nothing")
    add_dot("f8_no_columns", "f8_no_columns")
    add_dot("f4_3d_f", "f4_3d_f")
    add_dot("f8_400", "f8_400", "ranks")


# ------------------------------------------------------------------------------------------------------------ random
def randoms():
    """For test_random.sh: NumPy's uniform numbers. Normal ones differ from NumPy's; the test looks at their moments."""
    def uniform(seed, shape, dtype="f8"):
        return np.random.Generator(np.random.Philox(key=seed)).random(shape, dtype)

    np.save(FOLDER / "random_f8_0.npy", uniform(0, 450))
    np.save(FOLDER / "random_f8_max.npy", uniform(2**64 - 1, 33))
    np.save(FOLDER / "random_f8_3d.npy", uniform(12345678901234567890, (3, 5, 7)))
    np.save(FOLDER / "random_f8_no_columns.npy", uniform(1, (4, 0)))
    np.save(FOLDER / "random_f4_7.npy", uniform(7, 901, "f4"))
    np.save(FOLDER / "random_f4_2d.npy", uniform(8, (9, 11), "f4"))


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for part in [every_dtype, shapes, single_operations, special_floats, divisors, sections, joined, histograms, outputs, dots,
                 randoms]:
        part()
    with open(FOLDER / "cases.tsv", "w") as table:
        above = ""
        for how, command, output, expected in cases:
            print(how, command, output, "=" if expected == above else expected, sep="\t", file=table)
            above = expected


if __name__ == "__main__":
    main()
