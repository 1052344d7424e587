"""Train on a file that is larger than memory, and print the largest memory that the process had.

``python benchmarks/larger_than_memory.py FILE [GIGABYTES]`` makes a sparse .npy file of rows of 1,000 float32, 20 GB
without a number, which takes no room on a disk that knows holes; trains one epoch on it, shuffled, in batches of 500,
in a process of its own; and takes the file away. What it prints includes Python, NumPy and xpnet.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

WIDTH = 1000
PEAK = 1024.0 if sys.platform == "linux" else 1024.0**2  # of kilobytes, elsewhere of bytes


def train(path: Path) -> None:
    """One epoch, and the peak."""
    from xpnet.datasets import load_array
    from xpnet.layers import Affine, Relu, SoftmaxWithLoss
    from xpnet.networks import Sequential
    from xpnet.optimizers import SGD
    from xpnet.random import Generator
    from xpnet.training import Trainer

    x = load_array(path)
    t = (np.arange(len(x)) % 10).astype(np.int32)
    net = Sequential(Affine.create(WIDTH, 32), Relu(), Affine.create(32, 10), loss=SoftmaxWithLoss())
    start = time.perf_counter()
    trainer = Trainer(net, SGD(0.1), (x, t), batch_size=500, rng=Generator(0))
    trainer.fit(1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / PEAK
    print(f"{len(x):,} rows, {path.stat().st_size / 1e9:.1f} GB, in {time.perf_counter() - start:.0f} s: {peak:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="file to write and to take away")
    parser.add_argument("gigabytes", nargs="?", type=float, default=20.0)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        train(given.file)
    else:
        rows = round(given.gigabytes * 1e9 / (4 * WIDTH))
        np.lib.format.open_memmap(given.file, "w+", np.float32, (rows, WIDTH))
        try:
            subprocess.run([sys.executable, __file__, given.file, "--child"], check=True)  # noqa: S603 (itself)
        finally:
            given.file.unlink()
