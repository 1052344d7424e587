"""What ranks do together, compared with NumPy on every rank; rank 0 prints what is not as it must be, as JSON."""

import json
import sys

import numpy as np

from xpnet.backend import make_backend, to_numpy
from xpnet.distributed import agree, connect
from xpnet.errors import StateError

N = 1003
TOLERANCE = {None: 1e-6, "float16": 2e-3, "bfloat16": 2e-2}

backend = sys.argv[1] if len(sys.argv) > 1 else "numpy"
group = connect(lambda: make_backend(backend), timeout=20.0)
xp = group.backend.xp
wrong = []


def data(dtype, rank, n=N):
    rng = np.random.default_rng(rank)
    return rng.standard_normal(n).astype(dtype) if np.dtype(dtype).kind == "f" else rng.integers(0, 99, n, dtype)


def host(array):
    return to_numpy(array)


def same(what, found, expected, tolerance=0.0):
    """Note what differs here by more than a share of the largest, or has other bits than on other ranks."""
    found = host(found)
    apart = float(np.max(np.abs(found.astype(np.float64) - expected), initial=0.0))
    if found.shape != expected.shape or not apart <= tolerance * float(np.max(np.abs(expected), initial=1.0)):
        wrong.append(f"rank {group.rank}: {what} is off by {apart}")


for dtype in ("float32", "float64", "float16", "int32", "uint8"):
    parts = [data(dtype, rank) for rank in range(group.size)]
    own = xp.asarray(parts[group.rank])
    array = xp.asarray(own, copy=True)
    group.broadcast(array, root=1)
    same(f"broadcast of {dtype}", array, parts[1])
    whole = group.allgather(own)
    same(f"allgather of {dtype}", whole, np.concatenate(parts))
    if dtype == "uint8":
        continue
    for wire in (None, "float16", "bfloat16") if dtype in ("float32", "float64") else (None,):
        array = xp.asarray(own, copy=True)
        group.allreduce(array, wire).wait()
        total = sum(part.astype(np.float64) for part in parts)
        low = "float16" if dtype == "float16" else wire
        same(f"allreduce of {dtype} as {wire}", array, total, TOLERANCE[low])
        if len(set(group.gather_objects(host(array).tobytes()))) > 1:
            wrong.append(f"allreduce of {dtype} as {wire} has other bits on other ranks")
    if dtype != "float16":
        parts = [data(dtype, rank, 4 * group.size) for rank in range(group.size)]
        part = group.reduce_scatter(xp.asarray(parts[group.rank]))
        same(f"reduce_scatter of {dtype}", part, sum(parts)[4 * group.rank :][:4], 1e-6)

under_way = [(group.allreduce(array), array) for array in [xp.full((n,), 1.0) for n in (1, 5, 100_000, 1)]]
for sum_under_way, array in reversed(under_way):
    sum_under_way.wait()
    same("a sum of many under way", array, np.full(array.shape, float(group.size)))

if group.broadcast_object({"rank": group.rank}, root=1) != {"rank": 1}:
    wrong.append("broadcast_object")
try:
    agree(group, {"seed": 7, "rows": 100 + group.rank // (group.size - 1)})
    wrong.append("agree")
except StateError as error:
    if f"the same rows, got 101 on rank {group.size - 1} and 100 on rank 0" not in str(error):
        wrong.append(str(error))
group.barrier()
found = [text for told in group.gather_objects(wrong) for text in told]
if group.rank == 0:
    sys.stdout.write(json.dumps({"over": group.over, "size": group.size, "wrong": found}))
group.close()
