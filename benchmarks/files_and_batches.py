"""Times of batches and of files of weights as ratios: xpnet in turns with NumPy and with safetensors, minima.

``python benchmarks/files_and_batches.py [ROUNDS]``; 30 rounds by default. 60,000 rows of 784 float32 in shuffled
batches of 100, beside ``x[i], t[i]`` with NumPy's own permutation; 100 MB of weights saved and loaded, beside
``save_file``, once flushed as ours is and once not, and ``load_file``. All files are written over ones that are there.
What xpnet has more are sums of the bits, and on loading the parameters of a network. On a disk the times of reading
depend on how the system has put the file into its cache. A load gets memory that the one before has released; each
``fresh`` one runs in a process that was forked for it. The processor's time, of all threads, follows the wall time.
"""

import os
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

import xpnet as xn
from xpnet.datasets import Batches
from xpnet.layers import Affine
from xpnet.networks import Sequential
from xpnet.random import Generator


def timed(function: Callable[[int], Any], k: int) -> tuple[float, float]:
    """The wall time and the time of the processor of a call."""
    start = time.perf_counter(), time.process_time()
    function(k)
    return time.perf_counter() - start[0], time.process_time() - start[1]


def timed_fresh(function: Callable[[int], Any], k: int) -> tuple[float, float]:
    """The times of a call in a process of its own."""
    reader, writer = os.pipe()
    if not os.fork():
        os.write(writer, struct.pack("2d", *timed(function, k)))
        os._exit(0)
    wall, own = struct.unpack("2d", os.read(reader, 16))
    os.wait()
    os.close(reader)
    os.close(writer)
    return wall, own


def ratio(rounds: int, own: Callable[[int], Any], other: Callable[[int], Any], times: Any = timed) -> str:
    """The minima of two functions that are called in turns."""
    found = [[times(function, k) for function in (own, other)] for k in range(rounds)]
    (wall, own_time), (of_wall, of_time) = (map(min, zip(*turns, strict=True)) for turns in zip(*found, strict=True))
    of_processor = f"processor {own_time / of_time:.2f}, {1e3 * own_time:.1f} ms of {1e3 * of_time:.1f}"
    return f"{wall / of_wall:.2f}, {1e3 * wall:.1f} ms of {1e3 * of_wall:.1f}; {of_processor}"


def main(rounds: int) -> None:
    """Measure and print."""
    rng = Generator(0)
    x, t = rng.uniform((60_000, 784), "x").astype(np.float32), np.arange(60_000) % 10
    batches = Batches(x, t, 100, rng)

    def own(k: int) -> None:
        for _ in batches.epoch(k):
            pass

    def numpys(k: int) -> None:
        order = np.random.default_rng(k).permutation(60_000)
        for start in range(0, 60_000, 100):
            rows = order[start : start + 100]
            x[rows], t[rows]

    print("batches", ratio(rounds, own, numpys))
    net, other = (Sequential(*[Affine.create(2048, 2048, rng=rng) for _ in range(6)]) for _ in range(2))
    arrays = {name: np.ascontiguousarray(array) for name, array in net.params.items()}
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "xpnet.safetensors"), Path(folder, "own.safetensors")

        def flushed(_: int) -> None:
            save_file(arrays, theirs)
            with theirs.open("rb") as file:
                os.fsync(file.fileno())

        print("save, both flushed", ratio(rounds, lambda _: xn.save(ours, net), flushed))
        print("save", ratio(rounds, lambda _: xn.save(ours, net), lambda _: save_file(arrays, theirs)))
        loads = (lambda _: xn.load(ours, other), lambda _: load_file(theirs))
        print("load", ratio(rounds, *loads))
        print("load, fresh", ratio(rounds, *loads, times=timed_fresh))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 30)
