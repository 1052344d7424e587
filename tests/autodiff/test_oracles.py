"""Composite functions against torch and HIPS autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xpnet.autodiff import grad, value_and_grad
from xpnet.backend import array_namespace

RNG = np.random.default_rng(3)
A = RNG.standard_normal((4, 4))
X = RNG.standard_normal((6, 4))
W = RNG.standard_normal((4, 4)) * 0.5
SIGNAL, FILTER = RNG.standard_normal(16), RNG.standard_normal(9)


class Peer:
    """A peer's functions under the names of the standard."""

    def __init__(self, module: Any, linalg: Any, fft: Any, **others: Any) -> None:
        self.module, self.linalg, self.fft = module, linalg, fft
        self.__dict__.update(others)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)


def log_determinant(xp: Any, a: Any) -> Any:
    return xp.linalg.slogdet(a @ a.T + 2.0 * xp.asarray(np.eye(4)))[1]


def gaussian_likelihood(xp: Any, a: Any, x: Any) -> Any:
    factor = xp.linalg.cholesky(a @ a.T + xp.asarray(np.eye(4)))
    z = xp.linalg.solve(factor, x.T)
    return -0.5 * xp.sum(z * z) - 6.0 * xp.sum(xp.log(xp.linalg.diagonal(factor)))


def logsumexp_chain(xp: Any, x: Any, w: Any) -> Any:
    for _ in range(3):
        top = xp.max(x, 1)
        top = top[:, None]
        x = x - (top + xp.log(xp.sum(xp.exp(x - top), 1))[:, None])
        x = x @ w
    return xp.sum(x * x)


def recurrent_loop(xp: Any, x: Any, w: Any) -> Any:
    h = xp.zeros(4, dtype=xp.float64)
    for t in range(6):
        h = xp.tanh(x[t, :] + h @ w)
    return xp.sum(h * h)


def fft_filter(xp: Any, signal: Any, spectrum: Any) -> Any:
    y = xp.fft.irfft(xp.fft.rfft(signal) * spectrum)
    return xp.sum(xp.tanh(y) * signal)


FUNCTIONS = {
    log_determinant: (A,),
    gaussian_likelihood: (A, X),
    logsumexp_chain: (X, W),
    recurrent_loop: (X, W),
    fft_filter: (SIGNAL, FILTER),
}


def ours(f: Any, *arrays: Any) -> Any:
    return value_and_grad(lambda *x: f(Positional(array_namespace(*x)), *x), tuple(range(len(arrays))))(*arrays)


class Positional:
    """The namespace with reductions that take their axis by position, as the peers do."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def __getattr__(self, name: str) -> Any:
        return getattr(self.xp, name)

    def max(self, x: Any, axis: int) -> Any:
        return self.xp.max(x, axis=axis)

    def sum(self, x: Any, axis: Any = None) -> Any:
        return self.xp.sum(x, axis=axis)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_against_torch(f: Any) -> None:
    torch = pytest.importorskip("torch")

    def largest(x: Any, axis: int) -> Any:
        return torch.amax(x, axis)

    peer = Peer(torch, torch.linalg, torch.fft, max=largest)
    tensors = [torch.tensor(x, requires_grad=True) for x in FUNCTIONS[f]]
    y = f(peer, *tensors)
    y.backward()
    value, gradients = ours(f, *FUNCTIONS[f])
    assert float(value) == pytest.approx(y.item(), rel=1e-12)
    for g, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(g, tensor.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_against_hips_autograd(f: Any) -> None:
    anp = pytest.importorskip("autograd.numpy")
    autograd = pytest.importorskip("autograd")

    class Linalg:
        def __getattr__(self, name: str) -> Any:
            return getattr(anp.linalg, name)

        def diagonal(self, x: Any) -> Any:
            return anp.diagonal(x, axis1=-1, axis2=-2)

    peer = Peer(anp, Linalg(), anp.fft, asarray=anp.array)
    arrays = FUNCTIONS[f]
    expected = [autograd.grad(lambda *x: f(peer, *x), n)(*arrays) for n in range(len(arrays))]
    _, gradients = ours(f, *arrays)
    for g, e in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-9, atol=1e-12)


def test_complex_conventions_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    z = rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3))

    def f(xp: Any, z: Any) -> Any:
        s = xp.linalg.svd(z @ z, full_matrices=False)[1]
        return xp.sum(s) + xp.sum(xp.abs(xp.exp(z) * xp.conj(z[0, :]))) + xp.real(xp.linalg.det(z))

    tensor = torch.tensor(z, requires_grad=True)
    f(torch, tensor).backward()
    g = grad(lambda z: f(array_namespace(z), z))(z)
    np.testing.assert_allclose(g, tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
