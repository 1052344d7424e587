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
        return in_thread(grad(lambda y: x * y * y), x) * 1.0  # 2 x²

    assert float(f(np.asarray(2.5))) == 12.5
    assert float(grad(f)(np.asarray(2.5))) == 10.0
    assert float(grad(grad(f))(np.asarray(2.5))) == 4.0


def test_other_transforms_in_worker_threads() -> None:
    x = np.asarray(3.0)
    assert float(grad(lambda x: in_thread(lambda: vjp(lambda y: x * y * y, x)[1](1.0)[0]))(x)) == 12.0
    assert float(grad(lambda x: in_thread(lambda: jvp(lambda y: x * y * y, (x,), (1.0,))[1]))(x)) == 12.0
    assert float(grad(lambda x: in_thread(hessian(lambda y: x * y * y), x))(x)) == 2.0
    assert float(grad(lambda x: in_thread(grad(grad(lambda y: x * y**3)), x))(x)) == 36.0


def test_many_threads_inside_one_grad() -> None:
    def f(x):
        with ThreadPoolExecutor(8) as pool:
            return sum(pool.map(lambda k: grad(lambda y: x * y**k)(x), range(1, 9)))  # Σ k xᵏ

    assert float(grad(f)(np.asarray(1.5))) == pytest.approx(sum(k * k * 1.5 ** (k - 1) for k in range(1, 9)))


def network(x):
    xp = array_namespace(x)
    layers = [Affine(np.full((4, 4), 0.3), np.full(4, 0.1)), Relu(), Affine(np.eye(4), np.zeros(4))]
    for layer in layers:
        x = layer(x)
    for _ in range(20):
        x = xp.tanh(x * x + x)
    return x


def test_one_pullback_from_eight_threads(quick_turns: None) -> None:
    x = np.linspace(-1.0, 1.0, 12).reshape(3, 4)
    y, pullback = vjp(network, x)
    douts = [np.random.default_rng(n).standard_normal(y.shape) for n in range(8)]
    expected = [pullback(dout)[0] for dout in douts]
    start = Barrier(8)

    def pull(n: int) -> int:
        start.wait()
        return sum(not np.array_equal(pullback(douts[n])[0], expected[n]) for _ in range(40))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(pull, range(8))) == [0] * 8


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
