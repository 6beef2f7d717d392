#!/usr/bin/env python3
"""Write random_values.h: what kernels/random must give, by other means.

    python3 make_random.py > random_values.h

Uniform values are NumPy's. Normal quantiles are solved for with 100 decimal digits. The bits of normals come from the
same algorithm (AS 241, fdlibm's log) written again here, in NumPy's unfused operations.
"""
from decimal import Decimal, getcontext

import numpy as np

SEEDS = [0, 1, 42, 0x0123456789ABCDEF, 2**64 - 1]
FIRSTS = [0, 1, 1021, 2**40 - 3]
RUN = 9
TOP = 2**53
CHECKSUM_SEED, CHECKSUM_COUNT = 42, 100000

CENTRAL = (
    [3.3871328727963666080e0, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
     45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727],
    [1.0, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077,
     21213.794301586595867, 39307.895800092710610, 28729.085735721942674, 5226.4952788528545610])
NEAR = (
    [1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
     1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833, 7.74545014278341407640e-4],
    [1.0, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550,
     0.148103976427480074590, 0.0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9])
FAR = (
    [6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230,
     0.0265321895265761230930, 0.00124266094738807843860, 2.71155556874348757815e-5, 2.01033439929228813265e-7],
    [1.0, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15])


def advanced(seed, words):
    """A generator that has `words` words behind it, and how many of its words to drop first."""
    return np.random.Generator(np.random.Philox(key=seed).advance(words // 4)), words % 4


def uniform_f8(seed, first):
    generator, drop = advanced(seed, first)
    return generator.random(drop + RUN)[drop:].view(np.uint64)


def uniform_f4(seed, first):
    generator, drop = advanced(seed, first // 2)
    drop = 2 * drop + first % 2
    return generator.random(drop + RUN, dtype=np.float32)[drop:].view(np.uint32)


def polynomial(coefficients, x):
    value = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        value = value * x + c
    return value


def logarithm(x):
    m, e = np.frexp(x)
    low = m < np.array(0x3FE6A09E00000000, np.uint64).view(np.float64)
    m, e = np.where(low, 2 * m, m), e - low
    f = m - 1
    s = f / (2 + f)
    z, square = s * s, 0.5 * f * f
    r = z * polynomial([6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
                        2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
                        1.479819860511658591e-01], z)
    return s * (square + r) + e * 1.90821492927058770002e-10 - square + f + e * 6.93147180369123816490e-01


def normals(k):
    """AS 241 at (k + 0.5) / 2**53."""
    k = np.asarray(k, np.uint64).astype(np.int64)
    nearer = np.minimum(k, TOP - 1 - k)
    p = (nearer.astype(np.float64) + 0.5) / TOP
    q = 0.5 - p
    r = 0.180625 - q * q
    radius = np.sqrt(-logarithm(p))
    z = np.where(q <= 0.425, q * polynomial(CENTRAL[0], r) / polynomial(CENTRAL[1], r),
                 np.where(radius <= 5, polynomial(NEAR[0], radius - 1.6) / polynomial(NEAR[1], radius - 1.6),
                          polynomial(FAR[0], radius - 5) / polynomial(FAR[1], radius - 5)))
    return np.where(k == nearer, -z, z)


def checksum(values):
    """Sum of bits[i] * (2 i + 1), modulo 2**64."""
    return int(np.sum(values.view(np.uint64) * (2 * np.arange(values.size, dtype=np.uint64) + np.uint64(1))))


def pi():
    """Machin's formula."""
    def arctan_of_inverse(n):
        power, total, i = Decimal(1) / n, Decimal(0), 0
        while abs(power) > Decimal(10) ** -110:
            total += power / (2 * i + 1) * (-1) ** i
            power, i = power / (n * n), i + 1
        return total
    return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))


def quantile(k, root_of_two_pi):
    """The exact z, by Newton's method on the series of the normal distribution function."""
    nearer = min(k, TOP - 1 - k)
    p = (Decimal(nearer) + Decimal("0.5")) / TOP
    z = Decimal(float(abs(normals([nearer])[0])))
    for _ in range(6):
        density = (-z * z / 2).exp() / root_of_two_pi
        term, total, n = z, Decimal(0), 1
        while term > Decimal(10) ** -110:
            total += term
            n += 2
            term = term * z * z / n
        z += (Decimal("0.5") - density * total - p) / density
    return float(z if k > nearer else -z)


def quantile_points():
    low = [0, 1, 2, 3, 10, 1000, 60000]
    for p in ("1.38879438649640205852e-11", "0.075"):  # exp(-25): the far tail; 0.075: the near tail
        edge = int(Decimal(p) * TOP)
        low += [edge - edge // 100, edge - 1, edge, edge + 1, edge + edge // 100]
    for p in ("1e-9", "1e-6", "1e-3", "0.01", "0.025", "0.1", "0.2", "0.3", "0.4", "0.49"):
        low.append(int(Decimal(p) * TOP))
    low += [TOP // 4, TOP // 2 - 2**40, TOP // 2 - 1000, TOP // 2 - 2, TOP // 2 - 1]
    low += [306184670114, 4503548451512644, TOP - 1 - 6140029274211078]  # the least exact of 12000 tried
    high = [TOP - 1 - k for k in low[::3]]
    return sorted(set(low + high))


def table(name, members, rows):
    print(f"static const struct {{\n    {members}\n}} {name}[] = {{")
    for i, row in enumerate(rows):
        print("    " + row + ("," if i + 1 < len(rows) else "};"))
    print()


def run(seed, first, bits, macro, digits):
    values = ", ".join(f"{macro}(0x{int(b):0{digits}x})" for b in bits)
    return f"{{UINT64_C(0x{seed:016x}), INT64_C({first}), {{{values}}}}}"


def main():
    getcontext().prec = 120
    root_of_two_pi = (2 * pi()).sqrt()
    runs = [(seed, first) for seed in SEEDS for first in FIRSTS]
    points = quantile_points()
    words = np.random.Philox(key=CHECKSUM_SEED).random_raw(CHECKSUM_COUNT)

    print("/* Made by make_random.py; do not edit. All values are bits. */")
    print("/* clang-format off */")
    print("#ifndef FURROW_TESTS_RANDOM_VALUES_H\n#define FURROW_TESTS_RANDOM_VALUES_H\n\n#include <stdint.h>\n")
    print(f"enum {{ RANDOM_RUN = {RUN}, CHECKSUM_SEED = {CHECKSUM_SEED}, CHECKSUM_COUNT = {CHECKSUM_COUNT} }};\n")
    print("/* Sum of bits[i] * (2 i + 1), modulo 2^64, of the first CHECKSUM_COUNT normals of CHECKSUM_SEED. */")
    print(f"#define CHECKSUM UINT64_C(0x{checksum(normals(words >> np.uint64(11))):016x})\n")
    table("numpy_f8", "uint64_t seed;\n    int64_t first;\n    uint64_t bits[RANDOM_RUN];",
          [run(seed, first, uniform_f8(seed, first), "UINT64_C", 16) for seed, first in runs])
    table("numpy_f4", "uint64_t seed;\n    int64_t first;\n    uint32_t bits[RANDOM_RUN];",
          [run(seed, first, uniform_f4(seed, first), "UINT32_C", 8) for seed, first in runs])
    print("/* The quantile of (k + 0.5) / 2^53: nearest double, and what AS 241 gives. */")
    exact = np.array([quantile(k, root_of_two_pi) for k in points]).view(np.uint64)
    table("quantiles", "uint64_t k, exact, as241;",
          [f"{{UINT64_C({k}), UINT64_C(0x{e:016x}), UINT64_C(0x{a:016x})}}"
           for k, e, a in zip(points, exact.tolist(), normals(points).view(np.uint64).tolist())])
    print("#endif")


if __name__ == "__main__":
    main()
