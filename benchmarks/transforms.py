"""Measure jacobian, hessian, jvp, hvp and vmap beside torch.func, JAX and HIPS autograd, and loops of many nodes.

Run ``python benchmarks/transforms.py``; ``--only hessian`` picks rows, ``--rounds 5`` is quicker, ``--nodes 1000``
makes loops shorter. All take turns in one process, on one thread and in float64; times are minima. Loops run in
processes of their own, which tell what they add to their memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 (the threads are counted when it loads)

Step = Callable[[], Any]
D, ROWS, SECONDS = 100, 64, 0.02
LOOPS = {"a number": 0, "4 elements": 4, "64 elements": 64}


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape) / shape[0] ** 0.5


class Peer:
    """A library: its functions, its arrays and its transforms; None for one that it has not."""

    def __init__(self, xp: Any, asarray: Callable[[np.ndarray], Any], **transforms: Any) -> None:
        self.xp, self.asarray, self.transforms = xp, asarray, transforms
        self.W, self.V, self.A = (asarray(drawn(D, size)) for size in (D, 10, 5))

    def tanh_product(self, x: Any) -> Any:
        return self.xp.tanh(self.xp.matmul(self.W, x)) * x

    def narrow(self, x: Any) -> Any:  # many results of few arguments
        return self.xp.tanh(self.xp.matmul(self.A, x))

    def network(self, x: Any) -> Any:
        return self.xp.sum(self.xp.matmul(self.xp.tanh(self.xp.matmul(self.W, x)), self.V) ** 2)

    def rosenbrock(self, x: Any) -> Any:
        return self.xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    def chain(self, x: Any) -> Any:
        for _ in range(5):
            a = x * 0.7
            c = self.xp.tanh(a + x)
            e = self.xp.exp(c * 0.5)
            x = (e - c) / (e + 1.5)
        return x

    def steps(self) -> dict[str, Step]:
        x, v = self.asarray(drawn(D)), self.asarray(np.ones(D))
        small, square = self.asarray(drawn(5)), self.asarray(drawn(4, 4))
        batch = self.asarray(drawn(ROWS, D))
        table = {
            "jacobian, 100 → 100": ("reverse", self.tanh_product, (x,)),
            "jacobian, 100 → 100, forward": ("forward", self.tanh_product, (x,)),
            "jacobian, 5 → 100, forward": ("forward", self.narrow, (small,)),
            "hessian of a network, 100": ("hessian", self.network, (x,)),
            "hessian of Rosenbrock's function, 100": ("hessian", self.rosenbrock, (x,)),
            "jvp, 35 operations on 4x4": ("jvp", self.chain, (square, square)),
            "jvp of a network, 100": ("jvp", self.network, (x, v)),
            "hvp of a network, 100": ("hvp", self.network, (x, v)),
            "vmap of a network, 64 rows": ("vmap", self.network, (batch,)),
            "vmap of its grad, 64 rows": ("each", self.network, (batch,)),
        }
        return {
            name: (lambda make=self.transforms[kind], f=f, args=args: make(f, *args))
            for name, (kind, f, args) in table.items()
            if self.transforms.get(kind) is not None
        }


def xpnet() -> Peer:
    import xpnet as xn
    from xpnet.autodiff import namespace_over
    from xpnet.backend import array_namespace

    return Peer(
        namespace_over(array_namespace(np.ones(1))),
        np.asarray,
        reverse=lambda f, x: xn.jacobian(f)(x),
        forward=lambda f, x: xn.jacobian(f, mode="forward")(x),
        hessian=lambda f, x: xn.hessian(f)(x),
        jvp=lambda f, x, v: xn.jvp(f, (x,), (v,))[1],
        hvp=lambda f, x, v: xn.hvp(f, x, v),
        vmap=lambda f, x: xn.vmap(f)(x),
        each=lambda f, x: xn.vmap(xn.grad(f))(x),
    )


def torch() -> Peer:
    import torch
    from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap

    torch.set_num_threads(1)
    return Peer(
        torch,
        torch.tensor,
        reverse=lambda f, x: jacrev(f)(x),
        forward=lambda f, x: jacfwd(f)(x),
        hessian=lambda f, x: hessian(f)(x),
        jvp=lambda f, x, v: jvp(f, (x,), (v,))[1],
        hvp=lambda f, x, v: jvp(grad(f), (x,), (v,))[1],
        vmap=lambda f, x: vmap(f)(x),
        each=lambda f, x: vmap(grad(f))(x),
    )


def jax(jit: bool) -> Peer:
    import jax

    jax.config.update("jax_enable_x64", True)
    compiled: dict[Any, Any] = {}

    def of(make: Callable[[Any], Any]) -> Callable[..., Any]:
        def run(f: Any, *args: Any) -> Any:
            if not jit:
                return jax.block_until_ready(make(f)(*args))
            key = make, f.__name__
            if key not in compiled:
                compiled[key] = jax.jit(make(f))
            return jax.block_until_ready(compiled[key](*args))

        return run

    return Peer(
        jax.numpy,
        jax.numpy.asarray,
        reverse=of(jax.jacrev),
        forward=of(jax.jacfwd),
        hessian=of(jax.hessian),
        jvp=of(lambda f: lambda x, v: jax.jvp(f, (x,), (v,))[1]),
        hvp=of(lambda f: lambda x, v: jax.jvp(jax.grad(f), (x,), (v,))[1]),
        vmap=of(jax.vmap),
        each=of(lambda f: jax.vmap(jax.grad(f))),
    )


def autograd() -> Peer:
    import autograd
    import autograd.numpy as anp

    return Peer(
        anp,
        np.asarray,
        reverse=lambda f, x: autograd.jacobian(f)(x),
        hessian=lambda f, x: autograd.hessian(f)(x),
        jvp=lambda f, x, v: autograd.make_jvp(f)(x)(v)[1],
        hvp=lambda f, x, v: autograd.hessian_vector_product(f)(x, v),
    )


PEERS: dict[str, Callable[[], Peer]] = {
    "xpnet": xpnet,
    "torch.func": torch,
    "JAX": lambda: jax(jit=False),
    "JAX jit": lambda: jax(jit=True),
    "HIPS autograd": autograd,
}


def installed() -> dict[str, dict[str, Step]]:
    """Return the steps of the peers that import; their results must agree."""
    steps: dict[str, dict[str, Step]] = {}
    for name, build in PEERS.items():
        try:
            steps[name] = build().steps()
        except ImportError:
            continue
        for row, step in steps[name].items():
            np.testing.assert_allclose(np.asarray(step()), steps["xpnet"][row](), rtol=1e-6, atol=1e-9)
    return steps


def measure(steps: dict[str, Step], rounds: int) -> dict[str, float]:
    """Return the least microseconds of a step of each, in turns; a turn lasts as long as a few steps."""
    least: dict[str, float] = {}
    for _ in range(rounds):
        for name, step in steps.items():
            end = time.perf_counter() + SECONDS
            while (start := time.perf_counter()) < end:
                step()
                least[name] = min(least.get(name, 1e9), (time.perf_counter() - start) * 1e6)
    return least


def loop(library: str, size: int, nodes: int) -> None:
    """Print the seconds and the megabytes that the gradient of a loop takes, and how many elements the answer has."""
    x0 = np.full(size, 0.3) if size else np.asarray(0.3)
    if library == "xpnet":
        from xpnet.autodiff import grad, namespace_over
        from xpnet.backend import array_namespace

        xp = namespace_over(array_namespace(x0))
        gradient = grad(lambda x: through(x, xp, nodes))
    else:
        import torch

        torch.set_num_threads(1)
        x0, gradient = torch.tensor(x0), torch.func.grad(lambda x: through(x, torch, nodes))
        if library == "torch.backward":

            def gradient(x: Any) -> Any:
                x = x.clone().requires_grad_()
                through(x, torch, nodes).backward()
                return x.grad

    before, _ = memory()
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest memory until now
    gradient(x0)
    _, peak = memory()
    least = 1e9
    for _ in range(5):
        start = time.perf_counter()
        gradient(x0)
        least = min(least, time.perf_counter() - start)
    print(least, peak - before)


def through(x: Any, xp: Any, nodes: int) -> Any:
    for _ in range(nodes // 4):
        x = x + 0.01 * xp.sin(x * 1.1)
    return xp.sum(x)


def memory() -> tuple[float, float]:
    """Return the megabytes of this process, now and at the highest."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now, highest = (float(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, highest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="rows that contain this")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--loop", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.loop:
        library, size = given.loop
        loop(library, int(size), given.nodes)
        return
    steps = installed()
    print(f"| µs, in brackets xpnet's time over it | {' | '.join(steps)} |\n|---|{'---:|' * len(steps)}")
    for row in steps["xpnet"]:
        if given.only not in row:
            continue
        found = measure({name: table[row] for name, table in steps.items() if row in table}, given.rounds)
        cells = [f"{found[name]:.0f} ({found['xpnet'] / found[name]:.2f})" if name in found else "" for name in steps]
        print(f"| {row} | {' | '.join(cells)} |", flush=True)
    if "loop" not in given.only and given.only:
        return
    print(f"\n| a loop of {given.nodes:,} nodes | xpnet, ms | MB | torch.func, ms | MB | torch backward, ms | MB |")
    print(f"|---|{'---:|' * 6}")
    for row, size in LOOPS.items():
        cells = []
        for library in ("xpnet", "torch.func", "torch.backward"):
            command = [sys.executable, __file__, "--loop", library, str(size), "--nodes", str(given.nodes)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 (our own)
            seconds, megabytes = answer.stdout.split()
            cells += [f"{float(seconds) * 1e3:.0f}", f"{float(megabytes):.0f}"]
        print(f"| {row} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
