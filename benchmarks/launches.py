"""Count what a training step asks of a GPU: launches, bytes, temporaries, waits; and the launches of torch.

``python benchmarks/launches.py`` prints a Markdown table for W1 to W5 of the benchmark, or for those that are named,
in float32. xpnet runs on CuPy over the pretended CUDA of ``tests/pretend_cuda``, which records what the device does.
Torch runs on the CPU, where its profiler names its operators; those that would each be a kernel on CUDA are counted.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HOME = Path(__file__).parent
sys.path[:0] = [str(HOME.parent), str(HOME.parent / "tests" / "pretend_cuda")]

import numpy as np  # noqa: E402  (from here)
import pretend_cuda  # noqa: E402

from benchmarks.fewest import fewest  # noqa: E402
from benchmarks.race.data import batches  # noqa: E402
from benchmarks.race.weights import weights  # noqa: E402
from benchmarks.race.workloads import CONVNET, MLP, TRANSFORMER, WORKLOADS, Workload  # noqa: E402

WARM = 5  # steps, after which nothing new may come from outside of the pool
LATER = 3
DONE_BY = ("launch", "product", "copy", "fill")


@dataclass(frozen=True)
class Counts:
    """The counts of a step; ``allocations`` are those of CUDA itself in the steps after the third."""

    launches: int
    products: int
    moved: int
    temporaries: int
    temporary_bytes: int
    waits: int
    allocations: int


def job_of(workload: Workload) -> Any:
    """Return the job from which a competitor is made."""
    workload = replace(workload, batches=WARM + LATER)
    x, t = batches(workload)
    initial = {name: value.astype(np.float32) for name, value in weights(workload)}
    return SimpleNamespace(
        x=x,
        t=t,
        weights=lambda: {name: value.copy() for name, value in initial.items()},
        workload=asdict(workload),
        threads=1,
        gpu=False,
        backend="cupy",
        dtype="float32",
    )


def contender_of(workload: Workload) -> Any:
    """Return xpnet's competitor, on CuPy."""
    from benchmarks.race.peers.xpnet import Explicit

    return Explicit(job_of(workload))


def counted(workload: Workload) -> Counts:
    """Return the counts of a step of xpnet on CuPy, the fourth of a training."""
    import cupy

    class Asked(cupy.cuda.MemoryHook):  # type: ignore[misc]
        """A hook that notes the sizes that arrays ask of the pool."""

        name = "asked"
        sizes: list[int] = []

        def malloc_postprocess(self, **asked: Any) -> None:
            self.sizes.append(asked["size"])

    pool = cupy.cuda.MemoryPool()  # in that of others, the pieces that they have left change what has to be allocated
    with cupy.cuda.using_allocator(pool.malloc):
        contender = contender_of(workload)
        for x, t in contender.batches[:WARM]:
            contender.step(x, t)
        contender.wait()
        with Asked() as hook, pretend_cuda.trace() as events:
            contender.step(*contender.batches[WARM])
            sizes = list(hook.sizes)
        with pretend_cuda.trace() as later:
            for x, t in contender.batches[WARM + 1 :]:
                contender.step(x, t)
    kinds = Counter(event.kind for event in events)
    moved = sum(event.read + event.written for event in events if event.kind in DONE_BY and event.kind != "product")
    outside = sum(event.kind == "allocation" for event in (*events, *later))
    launches = sum(kinds[kind] for kind in DONE_BY)
    return Counts(launches, kinds["product"], moved, len(sizes), sum(sizes), kinds["wait"], outside)


# ---------------------------------------------------------------- torch
ONE = {
    *("mm", "addmm", "bmm", "baddbmm", "convolution", "convolution_backward", "sum", "cat", "copy_", "fill_", "zero_"),
    *("add", "add_", "sub", "mul", "mul_", "div", "sqrt", "lerp_", "addcmul_", "addcdiv_", "index", "_index_put_impl_"),
    *("clamp_min", "threshold_backward", "gelu", "gelu_backward", "_log_softmax", "_log_softmax_backward_data"),
    *("nll_loss_forward", "nll_loss_backward", "max_pool2d_with_indices", "max_pool2d_with_indices_backward"),
    *("native_layer_norm", "native_layer_norm_backward", "_scaled_dot_product_flash_attention_for_cpu"),
    *("_scaled_dot_product_flash_attention_for_cpu_backward", "_fused_sgd_", "_fused_adam_", "_fused_adamw_"),
}
"""Operators that launch at least one kernel on CUDA; each counts as one, with all that it calls."""
NONE = {
    *("as_strided", "view", "_unsafe_view", "transpose", "t", "permute", "expand", "select", "slice", "narrow"),
    *("unbind", "reshape", "flatten", "detach", "detach_", "resolve_conj", "empty", "empty_strided", "empty_like"),
    *("resize_", "to", "item", "_local_scalar_dense", "lift_fresh"),
}
"""Views, memory, and numbers on the host: nothing to launch, but for what they call."""


def torch_counted(workload: Workload, optimizer: str) -> int:
    """Return the number of operators of a step of torch that are a kernel each on CUDA.

    Raises: ``ValueError`` for an operator that nobody has looked at.
    """
    from torch.profiler import ProfilerActivity, profile

    from benchmarks.race.peers.torch import Eager, Fused

    contender = Fused(job_of(workload)) if optimizer == "fused" else Eager(job_of(workload))
    for group in contender.optimizer.param_groups:
        group["foreach"] = True if optimizer == "foreach" else None
    for x, t in contender.batches[:2]:
        contender.step(x, t)
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        contender.step(*contender.batches[2])
    tops = [event for event in profiled.events() if event.cpu_parent is None]
    found = Counter(name for top in tops for name in operators(top))
    if optimizer == "foreach" and workload.optimizer.startswith("adam"):
        found["_foreach_add_"] -= 1  # the counts of steps, which stay on the host
    return found.total()


def operators(event: Any) -> list[str]:
    """Return the operators in an event of the profiler that count as one."""
    space, _, name = event.name.partition("::")
    if space == "aten" and (name in ONE or name.startswith("_foreach_")):
        return [name]
    inner = [child for child in event.cpu_children if child.name.startswith("aten::")]
    if space == "aten" and not inner and name not in NONE:
        raise ValueError(f"is {event.name} a kernel on CUDA? Add it to ONE or to NONE")
    return [found for child in event.cpu_children for found in operators(child)]


# ---------------------------------------------------------------- the table
def row(workload: Workload) -> str:
    found, least = counted(workload), fewest(workload)
    peers = ["" if find_spec("torch") is None else str(torch_counted(workload, kind)) for kind in ("foreach", "fused")]
    cells = [
        f"{workload.name}: {workload.summary}",
        f"{found.launches}, {found.products} of them products",
        f"{found.moved / 1e6:.2f}",
        f"{least / 1e6:.2f}",
        f"{found.moved / least:.2f}",
        f"{found.temporaries}, {found.temporary_bytes / 1e6:.2f} MB",
        str(found.waits),
        str(found.allocations),
        *peers,
    ]
    return f"| {' | '.join(cells)} |"


COUNTED = [name for name, workload in WORKLOADS.items() if workload.kind in (MLP, CONVNET, TRANSFORMER)]
HEAD = """\
| | launches | MB outside of products | fewest | ratio | arrays made | waits | allocations | torch | torch, fused |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="W1", help="some of W1 to W5; all, where none is named")
    chosen = parser.parse_args().workloads or COUNTED
    if unknown := set(chosen).difference(COUNTED):
        parser.error(f"{', '.join(sorted(unknown))} is none of {', '.join(COUNTED)}")
    pretend_cuda.install()
    print(HEAD)
    for name in chosen:
        print(row(WORKLOADS[name]), flush=True)


if __name__ == "__main__":
    main()
