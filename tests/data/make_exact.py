#!/usr/bin/env python3
"""Write exact_values.h: vectors of doubles, and what their reductions are, by exact rational arithmetic.

    python3 make_exact.py > exact_values.h

Only integers and fractions decide a result. Rounding is written out here, half to even, and every result is checked a second
way: a quotient against Python's own division, which rounds correctly, a square root against the squares of the midpoints
between doubles.
"""
import math
import random
import struct
from fractions import Fraction

LARGEST = 1.7976931348623157e308
TINY = 5e-324
NAN_BITS = 0x7FF8000000000000
INFINITY_BITS = 0x7FF0000000000000
SIGN_BIT = 1 << 63

rng = random.Random(20130505)


# ------------------------------------------------------------------------------------------------------ rounding
def bits_of(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def double_of(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def bits_of_scaled(m, exponent, more):
    """The bits of m * 2^exponent, plus less than 2^exponent if `more`: half to even. m has 55 bits or more, or is zero."""
    drop = max(m.bit_length() - 53, -1074 - exponent)
    kept, lost, half = m >> drop, m & ((1 << drop) - 1), 1 << (drop - 1)
    if lost > half or (lost == half and (more or kept % 2 == 1)):
        kept += 1
    if kept < 1 << 52:
        return kept  # subnormal or zero: the exponent is -1074
    return min(((exponent + drop + 1075) << 52) + (kept - (1 << 52)), INFINITY_BITS)  # a carry moves to the exponent


def round_fraction(q):
    """The bits of the double nearest to q."""
    if q == 0:
        return 0
    sign = SIGN_BIT if q < 0 else 0
    shift = max(0, 80 - abs(q.numerator).bit_length() + q.denominator.bit_length())
    m, rest = divmod(abs(q.numerator) << shift, q.denominator)
    bits = bits_of_scaled(m, -shift, rest != 0) | sign
    try:
        assert bits == bits_of(q.numerator / q.denominator)
    except OverflowError:
        assert bits == INFINITY_BITS | sign
    return bits


def round_root(q):
    """The bits of the double nearest to sqrt(q)."""
    if q == 0:
        return 0
    shift = max(0, 90 - q.numerator.bit_length() // 2 + q.denominator.bit_length() // 2)
    square, rest = divmod(q.numerator << 2 * shift, q.denominator)
    m = math.isqrt(square)
    bits = bits_of_scaled(m, -shift, rest != 0 or m * m != square)
    check_root(q, bits)
    return bits


def magnitude_of(bits):
    """The number that positive bits stand for; infinity counts as the double that would come after the largest."""
    exponent, fraction = bits >> 52, bits & ((1 << 52) - 1)
    return Fraction(fraction if exponent == 0 else fraction | 1 << 52) * Fraction(2) ** (max(exponent, 1) - 1075)


def check_root(q, bits):
    value = magnitude_of(bits)
    below = (magnitude_of(bits - 1) + value) / 2 if bits > 0 else Fraction(0)
    assert below ** 2 < q or (below ** 2 == q and bits % 2 == 0)
    if bits < INFINITY_BITS:
        above = (magnitude_of(bits + 1) + value) / 2
        assert q < above ** 2 or (q == above ** 2 and bits % 2 == 0)


# ------------------------------------------------------------------------------------------------------- results
def is_negative_zero(x):
    return bits_of(x) == SIGN_BIT


def sum_bits(values, zeros_negative):
    total = sum(values, Fraction(0))
    return SIGN_BIT if total == 0 and zeros_negative else round_fraction(total)


def product_is_negative_zero(x, y):
    return (x == 0 or y == 0) and math.copysign(1, x) * math.copysign(1, y) < 0


def variance(values, ddof):
    mean = sum(values, Fraction(0)) / len(values)
    return sum((v - mean) ** 2 for v in values) / (len(values) - ddof)


def results(x, y):
    v, w = [Fraction(a) for a in x], [Fraction(b) for b in y]
    squares = sum(a * a for a in v)
    total = sum(v, Fraction(0))
    negative_zeros = all(map(is_negative_zero, x))
    out = [sum_bits(v, negative_zeros),
           sum_bits([abs(a) for a in v], False),
           round_fraction(squares),
           sum_bits([a * b for a, b in zip(v, w)], all(map(product_is_negative_zero, x, y))),
           round_root(squares),
           SIGN_BIT if total == 0 and negative_zeros else round_fraction(total / len(v))]
    for ddof in (0, 1):
        if len(v) <= ddof:
            out += [NAN_BITS, NAN_BITS]
        else:
            out += [round_fraction(variance(v, ddof)), round_root(variance(v, ddof))]
    return out


# ------------------------------------------------------------------------------------------------------- vectors
def signed(low, high):
    """A double of random mantissa and sign, and a random binary exponent in [low, high]."""
    return math.ldexp(rng.choice((-1, 1)) * (1 + rng.getrandbits(52) / 2 ** 52), rng.randint(low, high))


def nearest(q):
    return double_of(round_fraction(q))


def cancelling_sum(n, low, high, steps):
    """Terms whose sum is about 2^(-53 steps) of the largest of them."""
    x = [signed(low, high) for _ in range(n)]
    for _ in range(steps):
        x.append(-nearest(sum(map(Fraction, x))))
    rng.shuffle(x)
    return x


def cancelling_dot(n, low, high, steps):
    """Two vectors whose dot product is about 2^(-53 steps) of the largest of its terms."""
    pairs = [(signed(low, high), signed(low, high)) for _ in range(n)]
    for _ in range(steps):
        total = sum(Fraction(a) * Fraction(b) for a, b in pairs)
        a = signed(low, high)
        pairs.append((a, -nearest(total / Fraction(a))))
    rng.shuffle(pairs)
    return [a for a, _ in pairs], [b for _, b in pairs]


def condition(values):
    total = sum(values)
    return sum(map(abs, values)) / abs(total) if total != 0 else math.inf


def plain_cases():
    half = 2.0 ** 970
    yield "one", [0.1]
    yield "zero", [0.0]
    yield "negative zero", [-0.0]
    yield "negative zeros", [-0.0] * 5
    yield "zeros of both signs", [-0.0, 0.0, -0.0]
    yield "cancel to zero", [0.1, -0.1, -0.0]
    yield "least subnormal", [TINY]
    yield "largest", [LARGEST]
    yield "largest, negative", [-LARGEST, -LARGEST]
    yield "largest, three times", [LARGEST] * 3
    yield "intermediate overflow", [LARGEST, LARGEST, -LARGEST]
    yield "intermediate overflow, total zero", [LARGEST, LARGEST, -LARGEST, -LARGEST]
    yield "half above the largest", [LARGEST, half]
    yield "less than half above the largest", [LARGEST, half, -TINY]
    yield "more than half below minus the largest", [-LARGEST, -half, -TINY]
    yield "half above one", [1.0, 2.0 ** -53]
    yield "half above one, and a bit", [1.0, 2.0 ** -53, TINY]
    yield "half below one, and less", [1.0, -(2.0 ** -54), TINY]
    yield "half above odd", [1.0 + 2.0 ** -52, 2.0 ** -53]
    yield "half above odd, less a bit", [1.0 + 2.0 ** -52, 2.0 ** -53, -TINY]
    yield "to the next binade", [2.0 - 2.0 ** -52, 2.0 ** -53]
    yield "subnormal to normal", [2.0 ** -1022, -TINY]
    yield "ones beside 1e100", [1.0, 1e100, 1.0, -1e100]
    yield "sixteen digits", [1e16, 1.0, -1e16]
    yield "large offset", [1e16, 1e16 + 2, 1e16 + 4]
    yield "large offset, many", [1e9 + rng.randint(0, 4) for _ in range(40)]
    yield "tenths", [0.1] * 10
    yield "thirds", [1 / 3] * 7
    yield "deviation two", [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]
    yield "deviation of halves", [1.5, 2.5, 1.5, 2.5]
    yield "equal, no deviation", [0.1] * 13
    yield "harmonic", [1.0 / k for k in range(1, 61)]
    yield "alternating harmonic", [(-1.0) ** k / k for k in range(1, 60)]
    yield "powers of two", [2.0 ** k for k in range(-1074, 1024, 35)]
    yield "powers of both signs", [(-1.0) ** k * 2.0 ** (k - 1074) for k in range(0, 2098, 41)]
    yield "uniform", [rng.random() for _ in range(100)]
    yield "normal", [rng.gauss(0, 1) for _ in range(99)]
    yield "normal, large mean", [rng.gauss(1e8, 1e-3) for _ in range(33)]
    yield "integers", [float(rng.randint(-1000, 1000)) for _ in range(50)]


def extreme_cases():
    yield "norm of large", [1e200, 1e200]
    yield "norm of small", [1e-200, 1e-200]
    yield "norm of largest", [LARGEST, LARGEST]
    yield "norm below largest", [LARGEST / 2, LARGEST / 2, LARGEST / 4]
    yield "norm of subnormals", [3 * TINY, 4 * TINY]
    yield "norm of subnormals, rounded", [TINY, TINY]
    yield "norm of subnormals, rounded up", [TINY, TINY, TINY]
    yield "subnormals", [math.ldexp(rng.randint(-2 ** 52, 2 ** 52), -1074) for _ in range(30)]
    yield "subnormal differences", [signed(-1022, -1020) for _ in range(31)]
    yield "squares that underflow", [signed(-560, -520) for _ in range(30)]
    yield "squares near the least", [signed(-540, -537) for _ in range(17)]
    yield "squares near the largest", [signed(508, 511) for _ in range(6)]
    yield "squares that overflow", [signed(505, 530) for _ in range(30)]
    yield "everything", [signed(-1022, 1023) for _ in range(64)]
    yield "everything, positive", [abs(signed(-1022, 1020)) for _ in range(64)]


def cancelling_cases():
    for n, low, high, steps in ((4, 0, 0, 2), (20, -10, 10, 2), (40, -50, 50, 3), (60, -300, 300, 3), (50, 900, 1020, 4),
                                (30, -900, -700, 2), (12, 0, 60, 6)):
        x = cancelling_sum(n, low, high, steps)
        assert condition([Fraction(a) for a in x]) > 10 ** 30
        yield f"cancelling sum of 2^{low}..2^{high}", x


def dot_cases():
    for n, low, high, steps in ((4, 0, 0, 2), (20, -10, 10, 2), (40, -100, 100, 3), (30, -450, -400, 2), (30, 520, 560, 3)):
        x, y = cancelling_dot(n, low, high, steps)
        assert condition([Fraction(a) * Fraction(b) for a, b in zip(x, y)]) > 10 ** 30
        yield f"cancelling dot of 2^{low}..2^{high}", x, y
    yield "products that overflow and cancel", [1e200, 1e200, 3.0], [1e200, -1e200, 7.0]
    yield "products that underflow", [1e-200, TINY, -TINY], [1e-200, 1e-300, TINY]
    yield "negative product that underflows", [-TINY], [TINY]
    yield "products of negative zero", [-0.0, 0.0, -2.0], [3.0, -1.0, 0.0]
    yield "half above one by products", [1.0, 2.0 ** -27, TINY], [1.0, 2.0 ** -26, TINY]
    yield "half above one by products, less", [1.0, 2.0 ** -27, TINY], [1.0, 2.0 ** -26, -TINY]


def all_cases():
    for name, x in (*plain_cases(), *extreme_cases(), *cancelling_cases()):
        yield name, x, list(reversed(x))
    yield from dot_cases()


# -------------------------------------------------------------------------------------------------------- output
def hexadecimal(words):
    return ", ".join(f"0x{word:x}" for word in words)


def print_header(cases):
    print("/* Made by make_exact.py; do not edit. All values are the bits of doubles. */")
    print("/* clang-format off */")
    print("#ifndef FURROW_TESTS_EXACT_VALUES_H\n#define FURROW_TESTS_EXACT_VALUES_H\n")
    print("#include <stddef.h>\n#include <stdint.h>\n")
    print("/* Vectors one after the other: for each case n terms x, then n terms y. */")
    print("static const uint64_t exact_terms[] = {")
    for _, x, y in cases:
        print(f"    {hexadecimal(map(bits_of, x))},\n    {hexadecimal(map(bits_of, y))},")
    print("};\n")
    print("/* var and std are those of x: [ddof]. A NaN stands for: not defined. */")
    print("static const struct exact_case {")
    print("    const char *name;\n    size_t first, n;")
    print("    uint64_t sum, sum_abs, sum_squares, dot, norm2, mean;")
    print("    struct { uint64_t var, std; } ddof[2];")
    print("} exact_cases[] = {")
    first = 0
    for name, x, y in cases:
        r = results(x, y)
        print(f'    {{"{name}", {first}, {len(x)}, {hexadecimal(r[:6])}, {{{{{hexadecimal(r[6:8])}}}, {{{hexadecimal(r[8:])}}}}}}},')
        first += 2 * len(x)
    print("};\n")
    print(f"enum {{ EXACT_CASES = {len(cases)} }};\n\n#endif")


if __name__ == "__main__":
    print_header(list(all_cases()))
