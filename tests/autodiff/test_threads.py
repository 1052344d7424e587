"""Derivatives in worker threads, and of one graph from many threads at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from xpnet.autodiff import Variable, grad, hessian, jvp, vjp
from xpnet.backend import array_namespace
from xpnet.layers import Affine, Relu


@pytest.fixture
def quick_turns() -> Iterator[None]:
    """Threads that give way to each other as often as may be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_thread(f, *args):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(f, *args).result()


def test_a_grad_in_a_worker_thread_is_inside_the_one_around_it() -> None:
    def f(x):
        return x * in_thread(grad(lambda y: x * y * y), np.asarray(1.0))  # 2 x²

    assert float(f(np.asarray(2.5))) == 12.5
    assert float(grad(f)(np.asarray(2.5))) == 10.0
    assert float(grad(grad(f))(np.asarray(2.5))) == 4.0


@pytest.mark.parametrize("at", [3.0, "x"])
def test_other_transforms_in_worker_threads(at) -> None:
    """Of x y², x² y² and x y³, by y at 3 and then by x, where y is a number or x itself."""
    x, itself = np.asarray(3.0), at == "x"

    def y(x):
        return x if itself else np.asarray(3.0)

    assert float(grad(lambda x: in_thread(lambda: vjp(lambda y: x * y * y, y(x))[1](1.0)[0]))(x)) == (
        12 if itself else 6
    )
    assert float(grad(lambda x: in_thread(lambda: jvp(lambda y: x * y * y, (y(x),), (1.0,))[1]))(x)) == (
        12 if itself else 6
    )
    assert float(grad(lambda x: in_thread(hessian(lambda y: x * x * y * y), y(x)))(x)) == 12
    assert float(grad(lambda x: in_thread(grad(grad(lambda y: x * y**3)), y(x)))(x)) == (36 if itself else 18)


def test_many_threads_inside_one_grad() -> None:
    def f(x):
        with ThreadPoolExecutor(8) as pool:
            slopes = pool.map(lambda k: grad(lambda y: x * x * y**k)(np.asarray(1.0)), range(1, 9))  # k x²
            return sum(slopes)

    assert float(grad(f)(np.asarray(1.5))) == 36.0 * 2.0 * 1.5


def network(x):
    xp = array_namespace(x)
    layers = [Affine(np.full((4, 4), 0.3), np.full(4, 0.1)), Relu(), Affine(np.eye(4), np.zeros(4))]
    for layer in layers:
        x = layer(x)
    for _ in range(20):
        x = xp.tanh(x * x + x)
    return x


def wrong_pulls(pullback, douts) -> int:
    """How many of the results of eight threads that pull at once are not those of one."""
    expected = [pullback(dout) for dout in douts]
    start = Barrier(8)

    def pull(n: int) -> int:
        start.wait()
        pairs = [(d, e) for _ in range(150) for d, e in zip(pullback(douts[n]), expected[n], strict=True)]
        return sum(not np.array_equal(d, e) for d, e in pairs)

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(pull, range(8)))


def test_one_pullback_from_eight_threads(quick_turns: None) -> None:
    y, pullback = vjp(network, np.linspace(-1.0, 1.0, 12).reshape(3, 4))
    assert wrong_pulls(pullback, [np.random.default_rng(n).standard_normal(y.shape) for n in range(8)]) == 0


def test_one_pullback_through_the_parameters_of_a_layer_from_eight_threads(quick_turns: None) -> None:
    layer, x = Affine(np.full((4, 4), 0.3), np.full(4, 0.1)), np.linspace(-1.0, 1.0, 12).reshape(3, 4)

    def f(W, b):
        with layer.using({"W": W, "b": b}):
            return layer(x)

    y, pullback = vjp(f, layer.W, layer.b)
    assert wrong_pulls(pullback, [np.random.default_rng(n).standard_normal(y.shape) for n in range(8)]) == 0


def test_graphs_of_eight_threads_over_one_variable(quick_turns: None) -> None:
    """Each backward assigns a whole gradient; none is a mixture of two."""
    x = Variable(np.linspace(-1.0, 1.0, 4))
    start = Barrier(8)

    def work(n: int) -> list[float]:
        start.wait()
        found = []
        for _ in range(60):
            y = x * float(n + 1)
            for _ in range(8):
                y = y + x * 0.0
            y.backward(np.ones(4))
            found.extend(x.grad.tolist())
        return found

    with ThreadPoolExecutor(8) as pool:
        assert {value for values in pool.map(work, range(8)) for value in values} <= {float(n + 1) for n in range(8)}
