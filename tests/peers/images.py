#!/usr/bin/env python3
"""Furrow beside what Python programs do to load a folder of pictures: JPEGs of 1400x2100, all into one array.

    python3 tests/peers/images.py [--build build/release] [--dir FOLDER] [--images 300] [--rounds 3]

Peers, each with its defaults, on the same files in the page cache:

    cv2 loop        cv2.imread and cv2.cvtColor, one picture after the other, into an array
    shared array    multiprocessing.Pool, a process for each core, cv2 as above, into one array in shared memory
    DataLoader      torch.utils.data.DataLoader, a worker for each core, cv2 as above; --batch pictures at a time

Furrow is furrow_batches, a batch of all pictures (apps/examples/load_batches.c); `furrow images` shows what the whole
command takes, with its start and an output on disk. Arrays, pools and workers are there before the clock starts, and
have been used once. Of each the best round counts, all taken in turn. Pixels are compared, too.

Needs Debian's python3-opencv, for the DataLoader python3-torch: a peer that is not installed is skipped, with the
reason. --dir needs room for the pictures (0.5 MB each) and for an output of 9 MB a picture; memory for four such
arrays.
"""
import argparse
import glob
import importlib.util
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from multiprocessing import shared_memory

import numpy as np

CORES = len(os.sched_getaffinity(0))
TARGETS = {"cv2 loop": 5.0, "shared array": 2.0, "DataLoader": 1.4}


def read(name):
    import cv2
    return cv2.cvtColor(cv2.imread(name), cv2.COLOR_BGR2RGB)


# ------------------------------------------------------------------------------------------------------------- peers
# Each is a generator in a process of its own: what stands before the first `yield` is preparation, then one round of all
# pictures from `yield` to `yield`.
def cv2_loop(names, args):
    out = np.zeros((len(names), *read(names[0]).shape), np.uint8)
    while True:
        yield
        for i, name in enumerate(names):
            out[i] = read(name)


def attach(memory_name, shape, names):
    global shared, out_array, all_names
    shared = shared_memory.SharedMemory(memory_name)
    out_array, all_names = np.ndarray(shape, np.uint8, shared.buf), names


def fill(i):
    out_array[i] = read(all_names[i])


def shared_array(names, args):
    shape = (len(names), *read(names[0]).shape)
    memory = shared_memory.SharedMemory(create=True, size=int(np.prod(shape)))
    try:
        with multiprocessing.Pool(CORES, attach, (memory.name, shape, names)) as pool:
            while True:
                yield
                pool.map(fill, range(len(names)))
    finally:
        memory.close()
        memory.unlink()


class Pictures:
    def __init__(self, names):
        self.names = names

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        return read(self.names[i])


def data_loader(names, args):
    from torch.utils.data import DataLoader
    loader = DataLoader(Pictures(names), batch_size=args.batch, num_workers=CORES, persistent_workers=True)
    while True:
        yield
        assert sum(len(batch) for batch in loader) == len(names)


PEERS = {"cv2 loop": (cv2_loop, ["cv2"]), "shared array": (shared_array, ["cv2"]),
         "DataLoader": (data_loader, ["cv2", "torch"])}


def serve(name, args):
    """A round for each line of standard input; its seconds to standard output."""
    rounds = PEERS[name][0](pictures(args), args)
    next(rounds)
    for line in sys.stdin:
        start = time.perf_counter()
        next(rounds)
        print(time.perf_counter() - start, flush=True)
    rounds.close()


class Peer:
    """Such a process."""

    def __init__(self, name, args):
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--serve", name, *args.words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.round()  # the first touches memory

    def round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[3]} ended without a word")
        return float(line)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


# ------------------------------------------------------------------------------------------------------------ Furrow
def pictures(args):
    return sorted(glob.glob(os.path.join(args.place, "clouds", "*.jpg")))


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed: {done.stderr}")
    return done.stdout


def furrow_batches(args):
    """Two epochs for the two places of the loader, one more to be timed."""
    text = run(os.path.join(args.build, "apps/examples/load_batches"), os.path.join(args.place, "clouds"), str(args.images),
               "3")
    return max(float(re.search(r"epoch 2: .*, (\S+) s", text).group(1)), 1e-6)


def furrow_images(args):
    start = time.perf_counter()
    run(os.path.join(args.build, "apps/furrow"), "images", os.path.join(args.place, "clouds"), "-o",
        os.path.join(args.place, "out.npy"))
    return time.perf_counter() - start


def compare_pixels(args):
    """libjpeg-turbo gives both the same pixels; a build of either with another decoder is within 6."""
    ours, largest, pixels = np.load(os.path.join(args.place, "out.npy"), mmap_mode="r"), 0, 0
    for image, name in zip(ours, pictures(args)):
        difference = np.abs(image.astype(np.int16) - read(name))
        largest, pixels = max(largest, int(difference.max())), pixels + np.count_nonzero(difference)
    print(f"pixels: {pixels} of {ours.size} bytes differ from cv2's, by at most {largest}")
    if largest > 6:
        sys.exit("pixels differ by more than 6")


def measure(args, peers):
    times = {name: [] for name in ["Furrow", "furrow images", *peers]}
    for _ in range(args.rounds):
        times["Furrow"].append(furrow_batches(args))
        times["furrow images"].append(furrow_images(args))
        for name, peer in peers.items():
            times[name].append(peer.round())
    return {name: min(column) for name, column in times.items()}


def show(args, best):
    print(f"{'':14} {'seconds':>8} {'images/s':>9} {'Furrow is faster':>17} {'target':>7}")
    for name, seconds in best.items():
        faster = f"{seconds / best['Furrow']:.2f} x" if name in PEERS else ""
        target = f"{TARGETS[name]:.1f} x" if name in TARGETS else ""
        print(f"{name:14} {seconds:8.3f} {args.images / seconds:9.1f} {faster:>17} {target:>7}")


def versions():
    found = []
    for module in ("numpy", "cv2", "torch"):
        if importlib.util.find_spec(module) is not None:
            found.append(f"{module} {__import__(module).__version__}")
    return ", ".join(found)


def can_run(name, args):
    for module in PEERS[name][1]:
        if importlib.util.find_spec(module) is None:
            package = {"cv2": "opencv"}.get(module, module)
            print(f"{name}: skipped, for Python has no {module} (Debian: apt-get install python3-{package})")
            return False
    wanted = 1.1 * 3 * args.images * args.size[0] * args.size[1]
    if name == "shared array" and shutil.disk_usage("/dev/shm").free < wanted:
        print(f"{name}: skipped, for /dev/shm has no room for {wanted / 1e9:.1f} GB")
        return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--dir")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--size", type=int, nargs=2, default=(1400, 2100), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--place", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        serve(args.serve, args)
        return
    args.place = tempfile.mkdtemp(prefix="furrow-peers.", dir=args.dir)
    args.words = ["--place", args.place, "--batch", str(args.batch)]
    peers = {}
    try:
        print(f"{args.images} JPEGs of {args.size[0]}x{args.size[1]}, {CORES} cores, {versions()}", flush=True)
        run(os.path.join(args.build, "apps/make_clouds"), os.path.join(args.place, "clouds"), str(args.images),
            *map(str, args.size))
        for name in PEERS:
            if can_run(name, args):
                peers[name] = Peer(name, args)
        show(args, measure(args, peers))
        if importlib.util.find_spec("cv2") is not None:
            compare_pixels(args)
    finally:
        for peer in peers.values():
            peer.end()
        shutil.rmtree(args.place)


if __name__ == "__main__":
    main()
