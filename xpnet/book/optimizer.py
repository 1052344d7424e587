"""The book's optimizers: the library's own with the book's ε, on arrays or numbers by name."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from math import sqrt
from numbers import Real
from typing import Any

import numpy as np

from xpnet import optimizers
from xpnet.book.arrays import as_array
from xpnet.errors import DtypeError
from xpnet.layers.named import NamedArrays

__all__ = ["SGD", "AdaGrad", "Adam", "Momentum", "Nesterov", "RMSprop", "np"]

EPSILON = 1e-7


class Bookish(optimizers.Optimizer):
    """An optimizer whose params may also be a dict of arrays that layers hold, or of numbers."""

    def update(self, params: MutableMapping[str, Any], grads: Mapping[str, Any]) -> None:
        """Update every parameter by one step, in place if it is an array in a dict.

        Raises: as ``Optimizer.update``; ``DtypeError`` for arrays of a dict that cannot be written to.
        """
        if isinstance(params, NamedArrays) or not isinstance(params, MutableMapping):
            super().update(params, grads)
            return
        before = dict(params)
        numbers = [name for name, value in before.items() if isinstance(value, Real)]
        arrays = {name: as_array(float(value)) if name in numbers else value for name, value in before.items()}
        super().update(arrays, {n: as_array(float(d)) if isinstance(d, Real) else d for n, d in grads.items()})
        for name, new in arrays.items():
            if name in numbers:
                params[name] = float(new)
            elif new is not before[name]:
                _write(type(self).__name__, name, before[name], new)


def _write(who: str, name: str, array: Any, new: Any) -> None:
    """Write into an array that layers may hold, since assigning to the dict would not reach them."""
    try:
        array[...] = new
    except TypeError as error:
        got = f"{name} of {type(array).__module__}.{type(array).__name__}"
        remedy = "give it the params of a network of xpnet, which assign to the layers"
        raise DtypeError(who, "arrays of a dict must be written to in place", got, remedy) from error


class SGD(Bookish, optimizers.SGD):
    """Stochastic gradient descent, ``W ← W - η dW``.

    Source: Deep Learning from Scratch, section 6.1.2.

    >>> params = {"W": np.array([1.0])}
    >>> SGD(lr=0.1).update(params, {"W": np.array([2.0])})
    >>> params["W"]
    array([0.8])
    """

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)


class Momentum(Bookish, optimizers.Momentum):
    """A ball that rolls with friction, ``v ← μ v - η dW``, ``W ← W + v``; μ is ``momentum``.

    Source: Deep Learning from Scratch, section 6.1.4.

    >>> params, grads, optimizer = {"W": np.array([0.0])}, {"W": np.array([-1.0])}, Momentum(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params["W"]  # 0.1, and 0.1 + 0.9 · 0.1
    array([0.29])
    """

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr, momentum)


class Nesterov(Bookish, optimizers.Nesterov):
    """Momentum that looks one step ahead, ``W ← W + μ² v - (1 + μ) η dW``, ``v ← μ v - η dW``; μ is ``momentum``.

    Source: Nesterov, 1983.

    >>> params = {"W": np.array([0.0])}
    >>> Nesterov(lr=0.1).update(params, {"W": np.array([-1.0])})
    >>> params["W"]
    array([0.19])
    """

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr, momentum)


class AdaGrad(Bookish, optimizers.AdaGrad):
    """A rate for each value, ``h ← h + dW²``, ``W ← W - η dW / (√h + 1e-7)``.

    Source: Deep Learning from Scratch, section 6.1.5.

    >>> params = {"W": np.array([0.0, 0.0])}
    >>> AdaGrad(lr=0.1).update(params, {"W": np.array([-1.0, -100.0])})
    >>> params["W"]
    array([0.1, 0.1])
    """

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr, EPSILON)


class RMSprop(Bookish, optimizers.RMSprop):
    """AdaGrad that forgets, ``h ← ρ h + (1 - ρ) dW²``, ``W ← W - η dW / (√h + 1e-7)``; ρ is ``decay_rate``.

    Source: Tieleman and Hinton, 2012, lecture 6.5.

    >>> params = {"W": np.array([0.0, 0.0])}
    >>> RMSprop(lr=0.01).update(params, {"W": np.array([-1.0, -100.0])})
    >>> params["W"]
    array([0.1, 0.1])
    """

    def __init__(self, lr: float = 0.01, decay_rate: float = 0.99) -> None:
        super().__init__(lr, decay_rate, EPSILON)


class Adam(Bookish, optimizers.Adam):
    """Momentum and RMSprop in one, ``W ← W - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) m / (√v + 1e-7)`` in step t.

    m and v are the running means of dW and dW². The 1e-7 is added before v is corrected for its start at 0; for the
    library, which adds it afterwards, it is ``1e-7 / √(1 - β₂ᵗ)``.

    Source: Kingma and Ba, 2015; Deep Learning from Scratch, section 6.1.6.

    >>> params = {"W": np.array([0.0, 0.0])}
    >>> Adam(lr=0.001).update(params, {"W": np.array([-1.0, -100.0])})
    >>> params["W"]
    array([0.001, 0.001])
    """

    eps: float
    beta2: float

    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999) -> None:
        super().__init__(lr, beta1, beta2, EPSILON)

    def update(self, params: MutableMapping[str, Any], grads: Mapping[str, Any]) -> None:
        """Update every parameter by one step.

        Raises: as ``Optimizer.update``.
        """
        self.eps = EPSILON / sqrt(1.0 - self.beta2 ** (self.steps + 1))
        super().update(params, grads)
