"""Functions with derivatives: the formulas once, and the arrays and transforms of each library that has them.

Each result is reduced to a number, the mean of its squares, which is compared. A class has the name of the library's
class in the files of networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def likelihood(xp: Any, W: Any, noise: Any, r: Any) -> Any:
    """Return ``½ (log det K + rᵀ K⁻¹ r) / n`` with ``K = W Wᵀ + noise``."""
    K = xp.matmul(W, W.T) + noise
    return 0.5 * (xp.linalg.slogdet(K)[1] + xp.sum(r * xp.linalg.solve(K, r))) / W.shape[0]


def filtered(xp: Any, W: Any, x: Any, t: Any) -> Any:
    """Return the mean squared error of an image that is multiplied by a filter among its frequencies."""
    return xp.mean((xp.real(xp.fft.ifftn(xp.fft.fftn(x) * W)) - t) ** 2)


DESCENTS: dict[str, Callable[..., Any]] = {"likelihood": likelihood, "filter": filtered}


def network(xp: Any, W: Any, V: Any, x: Any) -> Any:
    return xp.sum(xp.matmul(xp.tanh(xp.matmul(W, x)), V) ** 2)


def products(xp: Any, W: Any, _: Any, x: Any) -> Any:
    return xp.tanh(xp.matmul(W, x)) * x


TRANSFORMED: dict[str, Callable[..., Any]] = {"jacobian": products, "hessian": network, "jvp": network}


class Function:
    """A library: ``xp`` its functions, ``put`` what makes an array, ``value_and_grad`` by the first argument."""

    xp: Any
    put: Callable[[Any], Any]
    value_and_grad: Callable[..., Any]
    jacobian: Callable[..., Any]
    hessian: Callable[..., Any]
    jvp: Callable[..., Any]

    def __init__(self, job: Any) -> None:
        self.prepare(job)
        kind, lr = job.workload["kind"], job.workload["lr"]
        self.batches = [(self.put(x), self.put(t)) for x, t in zip(job.x, job.t, strict=True)]
        self.W, V = map(self.put, job.weights().values())

        def descend(W: Any, x: Any, t: Any) -> Any:
            loss, slope = self.value_and_grad(lambda W: DESCENTS[kind](self.xp, W, x, t), W)
            return W - lr * slope, loss

        def transform(W: Any, x: Any, v: Any) -> Any:
            found = getattr(self, kind)(lambda x: TRANSFORMED[kind](self.xp, W, V, x), x, v)
            return W, (found * found).mean()

        self.act = self.compiled(descend if kind in DESCENTS else transform)

    def prepare(self, job: Any, /) -> None:
        raise NotImplementedError

    def compiled(self, function: Any) -> Any:
        return function

    def step(self, x: Any, t: Any) -> Any:
        self.W, value = self.act(self.W, x, t)
        return value

    def wait(self) -> None:
        pass


class Explicit(Function):
    """xpnet."""

    def prepare(self, job: Any) -> None:
        import xpnet as xn
        from xpnet.autodiff import namespace_over

        backend = xn.set_backend(job.backend, dtype=job.dtype)
        self.xp, self.put, self.wait = namespace_over(backend.xp), backend.asarray, backend.synchronize  # type: ignore[method-assign]
        self.value_and_grad = lambda f, W: xn.value_and_grad(f)(W)
        self.jacobian = lambda f, x, _: xn.jacobian(f)(x)
        self.hessian = lambda f, x, _: xn.hessian(f)(x)
        self.jvp = lambda f, x, v: xn.jvp(f, (x,), (v,))[1]


class Eager(Function):
    """torch."""

    def prepare(self, job: Any) -> None:
        import torch
        from torch.func import hessian, jacrev, jvp

        torch.set_num_threads(job.threads)
        device = torch.device("cuda" if job.gpu else "cpu")
        self.xp, self.put = torch, lambda values: torch.tensor(values, device=device)
        if job.gpu:
            self.wait = torch.cuda.synchronize  # type: ignore[method-assign]
        self.jacobian = lambda f, x, _: jacrev(f)(x)
        self.hessian = lambda f, x, _: hessian(f)(x)
        self.jvp = lambda f, x, v: jvp(f, (x,), (v,))[1]

        def value_and_grad(f: Any, W: Any) -> Any:
            W.requires_grad_()
            loss = f(W)
            (slope,) = torch.autograd.grad(loss, W)
            W.requires_grad_(False)
            return loss.detach(), slope

        self.value_and_grad = value_and_grad


class Jit(Function):
    """JAX."""

    def prepare(self, _: Any) -> None:
        import jax

        self.xp, self.put = jax.numpy, jax.numpy.asarray
        self.compiled = jax.jit  # type: ignore[method-assign]
        self.wait = lambda: jax.block_until_ready(self.last)  # type: ignore[method-assign]
        self.last: Any = ()
        self.value_and_grad = lambda f, W: jax.value_and_grad(f)(W)
        self.jacobian = lambda f, x, _: jax.jacrev(f)(x)
        self.hessian = lambda f, x, _: jax.hessian(f)(x)
        self.jvp = lambda f, x, v: jax.jvp(f, (x,), (v,))[1]

    def step(self, x: Any, t: Any) -> Any:
        value = self.last = super().step(x, t)
        return value


class Traced(Function):
    """HIPS autograd."""

    def prepare(self, _: Any) -> None:
        import autograd
        import numpy

        self.xp, self.put = autograd.numpy, numpy.asarray
        self.value_and_grad = lambda f, W: autograd.value_and_grad(f)(W)
        self.jacobian = lambda f, x, _: autograd.jacobian(f)(x)
        self.hessian = lambda f, x, _: autograd.hessian(f)(x)
        self.jvp = lambda f, x, v: autograd.make_jvp(f)(x)(v)[1]
