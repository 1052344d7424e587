"""The book's optimizers, those of the first volume, on lists of parameters and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xpnet.book import optimizer
from xpnet.book.sequel.np import __getattr__ as __getattr__

__all__ = ["GPU", "SGD", "AdaGrad", "Adam", "Momentum", "Nesterov", "RMSprop", "np"]


def by_number(arrays: Sequence[Any]) -> dict[str, Any]:
    """Return the arrays of a list by their places in it."""
    return {str(place): array for place, array in enumerate(arrays)}


class OnLists:
    """An optimizer that writes into the arrays of a list."""

    def update(self, params: Sequence[Any], grads: Sequence[Any]) -> None:
        """Update every parameter by one step, in place.

        Raises: as ``Optimizer.update``.
        """
        super().update(by_number(params), by_number(grads))  # type: ignore[misc]


class SGD(OnLists, optimizer.SGD):  # type: ignore[misc]
    """Stochastic gradient descent, ``W ← W - η dW``, on lists.

    >>> params = [np.array([1.0])]
    >>> SGD(lr=0.1).update(params, [np.array([2.0])])
    >>> params
    [array([0.8])]
    """


class Momentum(OnLists, optimizer.Momentum):  # type: ignore[misc]
    """A ball that rolls with friction, ``v ← μ v - η dW``, ``W ← W + v``, on lists.

    >>> params, grads, optimizer = [np.array([0.0])], [np.array([-1.0])], Momentum(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params
    [array([0.29])]
    """


class Nesterov(OnLists, optimizer.Nesterov):  # type: ignore[misc]
    """Momentum that looks one step ahead, ``W ← W + μ² v - (1 + μ) η dW``, ``v ← μ v - η dW``, on lists.

    >>> params = [np.array([0.0])]
    >>> Nesterov(lr=0.1).update(params, [np.array([-1.0])])
    >>> params
    [array([0.19])]
    """


class AdaGrad(OnLists, optimizer.AdaGrad):  # type: ignore[misc]
    """A rate for each value, ``h ← h + dW²``, ``W ← W - η dW / (√h + 1e-7)``, on lists.

    >>> params = [np.array([0.0, 0.0])]
    >>> AdaGrad(lr=0.1).update(params, [np.array([-1.0, -100.0])])
    >>> params
    [array([0.1, 0.1])]
    """


class RMSprop(OnLists, optimizer.RMSprop):  # type: ignore[misc]
    """AdaGrad that forgets, ``h ← ρ h + (1 - ρ) dW²``, ``W ← W - η dW / (√h + 1e-7)``, on lists.

    >>> params = [np.array([0.0, 0.0])]
    >>> RMSprop(lr=0.01).update(params, [np.array([-1.0, -100.0])])
    >>> params
    [array([0.1, 0.1])]
    """


class Adam(OnLists, optimizer.Adam):  # type: ignore[misc]
    """Momentum and RMSprop in one, ``W ← W - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) m / (√v + 1e-7)``, on lists.

    >>> params = [np.array([0.0, 0.0])]
    >>> Adam(lr=0.001).update(params, [np.array([-1.0, -100.0])])
    >>> params
    [array([0.001, 0.001])]
    """
