"""L-BFGS over all parameters at once, by SciPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from math import inf
from typing import Any

import numpy as np

from xpnet.arguments import check_size, is_number
from xpnet.backend import backend_of, size_of, to_numpy
from xpnet.errors import ArgumentError, BackendError
from xpnet.optimizers.clipping import check_gradients
from xpnet.typing import Array

Closure = Callable[[], tuple[Any, Mapping[str, Array]]]


@dataclass(frozen=True)
class Minimum:
    """The result of a minimization: the loss, the numbers of steps and of losses computed, and SciPy's message."""

    loss: float
    steps: int
    evaluations: int
    converged: bool
    message: str


class LBFGS:
    """Quasi-Newton steps from the last gradients, ``W ← W - α H dW``, over all parameters as one vector.

    It minimizes a loss that is a function of the parameters alone, such as that of all rows; not one that draws masks
    of dropout. The vector is in float64 on the host, where SciPy chooses the steps; losses and gradients are computed
    where the parameters are. ``memory`` is the number of gradients from which H is made. It ends after ``steps``, or
    when no value of the gradient is above ``tolerance``.

    Raises: ``ArgumentError`` for options out of range; ``BackendError`` without SciPy.
    Source: Liu and Nocedal, 1989; Byrd et al., 1995 (L-BFGS-B).

    >>> net = Sequential(MatMul(np.array([[5.0]])), loss=MeanSquaredError())
    >>> x, t = np.array([[1.0], [2.0]]), np.array([[3.0], [6.0]])
    >>> found = LBFGS(steps=100).minimize(net.params, lambda: net.loss_and_gradient(x, t))
    >>> found.converged, net.params["MatMul1.W"].round(4)
    (True, array([[3.]]))
    """

    def __init__(self, steps: int = 100, memory: int = 10, tolerance: float = 1e-5) -> None:
        who = type(self).__name__
        for name, size in (("steps", steps), ("memory", memory)):
            check_size(who, name, size)
        if not is_number(tolerance) or not 0.0 <= tolerance < inf:
            must = "tolerance must be at least 0 and finite"
            raise ArgumentError(who, must, repr(tolerance), "try 1e-5")
        self.steps, self.memory, self.tolerance = int(steps), int(memory), float(tolerance)

    def minimize(self, params: MutableMapping[str, Array], closure: Closure) -> Minimum:
        """Write the best parameters into ``params``; ``closure()`` returns the loss and its gradients by name.

        Parameters without a gradient, as those of frozen layers, stay. Arrays of NumPy are written in place.
        """
        who = type(self).__name__
        try:
            optimize = import_module("scipy.optimize")
        except ImportError:
            raise BackendError(who, "SciPy must be installed", "none", "pip install xpnet[scipy]") from None
        _, first = closure()
        check_gradients(who, first)
        names = [name for name in params if name in first]
        ends = np.cumsum([0, *(size_of(params[name]) for name in names)])

        def assign(vector: Any) -> None:
            for name, start, end in zip(names, ends[:-1], ends[1:], strict=True):
                W = params[name]
                new = np.reshape(vector[start:end], W.shape)
                if isinstance(W, np.ndarray) and W.flags.writeable:
                    W[...] = new
                else:
                    params[name] = backend_of(W).asarray(new)

        def value(vector: Any) -> tuple[float, Any]:
            assign(vector)
            loss, grads = closure()
            return float(to_numpy(loss)), flat(grads, names)

        options = {"maxiter": self.steps, "maxcor": self.memory, "gtol": self.tolerance, "ftol": 0.0}
        found = optimize.minimize(value, flat(params, names), jac=True, method="L-BFGS-B", options=options)
        assign(found.x)
        return Minimum(float(found.fun), int(found.nit), int(found.nfev) + 1, bool(found.success), str(found.message))

    def __repr__(self) -> str:
        return f"LBFGS(steps={self.steps}, memory={self.memory}, tolerance={self.tolerance:g})"


def flat(arrays: Mapping[str, Array], names: list[str]) -> Any:
    """Return arrays as one vector of float64 on the host."""
    return np.concatenate([np.ravel(np.asarray(to_numpy(arrays[name]), dtype=np.float64)) for name in names])
