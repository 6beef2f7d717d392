#!/usr/bin/env python3
"""Furrow beside NumPy and multiprocessing.Pool, on the same files in the page cache.

    python3 tests/peers/arrays.py [--furrow COMMAND] [--dir FOLDER] [--gib 2] [--rounds 3]

Needs python3-numpy, and room for three files of --gib GiB. Furrow's time is that of its whole process; Python's leaves
out the start of the interpreter and its imports. Of each the best round counts, in turn. Outputs are compared too.
"""
import argparse
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time

import numpy as np

COLUMNS = 4096


def sum_of_squares(part):
    return float(np.sum(part.astype(np.float64) ** 2))


def numpy_sumsq(data):
    x = np.load(data)
    return float(np.sum(x**2))


def pool_sumsq(data):
    x = np.load(data)
    with multiprocessing.Pool() as pool:
        return sum(pool.map(sum_of_squares, np.array_split(x, os.cpu_count() * 4)))


def numpy_norm2(data, out):
    np.save(out, np.linalg.norm(np.load(data), axis=1))


def numpy_softmax(data, out):
    x = np.load(data)
    e = np.exp(x - x.max(axis=1, keepdims=True))
    np.save(out, e / e.sum(axis=1, keepdims=True))


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def best_of(rounds, *calls):
    """The best time of each call, all taken in turn."""
    times = [[seconds(call) for call in calls] for _ in range(rounds)]
    return [min(column) for column in zip(*times)]


def show(name, peer, furrow_s, peer_s):
    print(f"{name:12} {furrow_s:10.3f} s {peer_s:10.3f} s  {peer:22} {peer_s / furrow_s:6.1f} x", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--furrow", default="furrow")
    parser.add_argument("--dir")
    parser.add_argument("--gib", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="furrow-peers.", dir=args.dir)

    def furrow(*words):
        return subprocess.run([args.furrow, *words], check=True, capture_output=True, text=True).stdout

    try:
        data, ours, theirs = (os.path.join(folder, name + ".npy") for name in ("data", "ours", "theirs"))
        rows = int(args.gib * 2**30) // (4 * COLUMNS)
        furrow("random", "--shape", f"{rows},{COLUMNS}", "--dtype", "f4", "--dist", "normal", "--seed", "1", "-o", data)
        print(f"f4 ({rows}, {COLUMNS}), {os.cpu_count()} cores, NumPy {np.__version__}")
        print(f"{'':12} {'Furrow':>12} {'peer':>12}  {'which is':22} {'faster':>8}")
        ours_s, numpy_s, pool_s = best_of(
            args.rounds, lambda: furrow("reduce", "sumsq", data), lambda: numpy_sumsq(data), lambda: pool_sumsq(data))
        show("sumsq", "np.sum(x**2)", ours_s, numpy_s)
        show("sumsq", "Pool.map(array_split)", ours_s, pool_s)
        for name, peer, call, tolerance in (
                ("norm2", "np.linalg.norm", numpy_norm2, 1e-5), ("softmax", "np.exp, sum, divide", numpy_softmax, 1e-4)):
            ours_s, theirs_s = best_of(
                args.rounds, lambda: furrow("rows", name, data, "-o", ours), lambda: call(data, theirs))
            show(name, peer, ours_s, theirs_s)
            np.testing.assert_allclose(
                np.load(ours, mmap_mode="r"), np.load(theirs, mmap_mode="r"), rtol=tolerance, atol=0)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
