"""Measure a tape: 40 element-wise operations on small arrays beside its peers, and a step of TwoLayerNet.

Run ``python benchmarks/autodiff_overhead.py``. Competitors take turns, on one thread; times are medians.
"""

from __future__ import annotations

import gc
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 (the threads are counted when it loads)

from xpnet.autodiff import Variable, grad, value_and_grad  # noqa: E402
from xpnet.networks import TwoLayerNet  # noqa: E402
from xpnet.random import Generator  # noqa: E402

SIZE = 4
INPUTS, HIDDEN, OUTPUTS, BATCH = 784, 50, 10, 100
ROUNDS, CALLS = 60, 30


def chain(x: Any, w: Any, tanh: Callable[[Any], Any], exp: Callable[[Any], Any]) -> Any:
    """Compute 40 operations: five times products, sums, quotients and functions."""
    for _ in range(5):
        a = x * w
        b = a + x
        c = tanh(b)
        d = c * 0.5
        e = exp(d)
        x = (e - c) / (e + 1.5)
    return x


def numpy_forward(x: np.ndarray, w: np.ndarray) -> Callable[[], Any]:
    return lambda: chain(x, w, np.tanh, np.exp)


def xpnet_backward(x: np.ndarray, w: np.ndarray) -> Callable[[], Any]:
    a, b = Variable(x), Variable(w)
    xp = a.__array_namespace__()
    ones = np.ones((SIZE, SIZE), dtype=x.dtype)

    def step() -> Any:
        chain(a, b, xp.tanh, xp.exp).backward(ones)
        return a.grad

    return step


def xpnet_grad(x: np.ndarray, w: np.ndarray) -> Callable[[], Any]:
    xp = Variable(x).__array_namespace__()
    function = grad(lambda a, b: xp.sum(chain(a, b, xp.tanh, xp.exp)), (0, 1))
    return lambda: function(x, w)[0]


def torch_backward(x: np.ndarray, w: np.ndarray) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(1)
    a, b = (torch.tensor(value, requires_grad=True) for value in (x, w))
    ones = torch.ones((SIZE, SIZE), dtype=a.dtype)

    def step() -> Any:
        a.grad = b.grad = None
        chain(a, b, torch.tanh, torch.exp).backward(ones)
        return a.grad.numpy()

    return step


def autograd_backward(x: np.ndarray, w: np.ndarray) -> Callable[[], Any]:
    import autograd.numpy as anp
    from autograd import grad as autograd_grad

    function = autograd_grad(lambda values: anp.sum(chain(values[0], values[1], anp.tanh, anp.exp)))
    return lambda: function((x, w))[0]


COMPETITORS: dict[str, Callable[[np.ndarray, np.ndarray], Callable[[], Any]]] = {
    "NumPy, forward alone": numpy_forward,
    "xpnet, y.backward()": xpnet_backward,
    "xpnet, grad(f)": xpnet_grad,
    "torch": torch_backward,
    "HIPS autograd": autograd_backward,
}


def installed(x: np.ndarray, w: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return the steps of the competitors that import; their gradients must agree."""
    steps: dict[str, Callable[[], Any]] = {}
    for name, build in COMPETITORS.items():
        try:
            steps[name] = build(x, w)
        except ImportError:
            continue
    expected = steps["xpnet, y.backward()"]()
    for name, step in steps.items():
        if "forward" not in name:
            np.testing.assert_allclose(step(), expected, rtol=1e-4, atol=1e-6)
    return steps


def measure(steps: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the median microseconds of a step, the competitors in turns."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            step()
            start = time.perf_counter()
            for _ in range(CALLS):
                step()
            times[name].append((time.perf_counter() - start) / CALLS * 1e6)
    return {name: median(values) for name, values in times.items()}


def bytes_per_node(operations: int = 4000) -> float:
    """Return the memory of a recorded operation, its value of 4x4 float32 not counted."""
    x = Variable(np.ones((SIZE, SIZE), dtype=np.float32))
    y = x * 1.0
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(operations):
        y = y * 1.0
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    value = sys.getsizeof(np.array(x.value))
    return (after - before) / operations - value


def network_steps(rng: np.random.Generator) -> dict[str, Callable[[], Any]]:
    """Return steps that take the gradient of TwoLayerNet, with and without a tape; all must be equal."""
    x = rng.standard_normal((BATCH, INPUTS)).astype(np.float32)
    t = rng.integers(0, OUTPUTS, BATCH)
    net, held = (TwoLayerNet(INPUTS, HIDDEN, OUTPUTS, rng=Generator(0)) for _ in range(2))
    variables = {name: Variable(array) for name, array in held.params.items()}
    held.params.update(variables)

    def loss(params: Any) -> Any:
        with net.using(params):
            return net.loss(x, t)

    def backward() -> dict[str, Any]:
        held.loss(x, t).backward()
        return {name: variable.grad for name, variable in variables.items()}

    steps: dict[str, Callable[[], Any]] = {
        "net.gradient(x, t)": lambda: net.gradient(x, t),
        "value_and_grad(loss)(params)": lambda: value_and_grad(loss)(dict(net.params))[1],
        "loss.backward()": backward,
    }
    expected = steps["net.gradient(x, t)"]()
    for step in steps.values():
        for name, gradient in step().items():
            np.testing.assert_allclose(gradient, expected[name], rtol=1e-3, atol=1e-7)
    return steps


def main() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((SIZE, SIZE)).astype(np.float32)
    print("| 40 element-wise operations, 4x4 float32 | equal shapes, µs | broadcasting, µs |")
    print("|---|---|---|")
    same = measure(installed(x, rng.standard_normal((SIZE, SIZE)).astype(np.float32)))
    spread = measure(installed(x, rng.standard_normal((1, SIZE)).astype(np.float32)))
    for name in same:
        print(f"| {name} | {same[name]:.0f} | {spread[name]:.0f} |")
    for peer in ("torch", "HIPS autograd"):
        if peer in same:
            ratios = [table["xpnet, y.backward()"] / table[peer] for table in (same, spread)]
            print(f"\nxpnet / {peer}: {ratios[0]:.2f}, broadcasting {ratios[1]:.2f}")
    print(f"\n| TwoLayerNet {INPUTS}-{HIDDEN}-{OUTPUTS}, batch {BATCH}, float32 | µs | ratio |")
    print("|---|---|---|")
    step = measure(network_steps(rng))
    for name, microseconds in step.items():
        print(f"| {name} | {microseconds:.0f} | {microseconds / step['net.gradient(x, t)']:.2f} |")
    print(f"\nBytes per node beside its value: {bytes_per_node():.0f}")


if __name__ == "__main__":
    main()
