"""SAM: descent by the gradient at the worst place nearby."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpnet.arguments import is_number
from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError
from xpnet.layers.row_gradient import RowGradient, on_values, values_of
from xpnet.optimizers.base import Optimizer
from xpnet.optimizers.clipping import lengths
from xpnet.optimizers.fitting import fitting
from xpnet.optimizers.wrapper import Wrapper
from xpnet.typing import Array

TINY = 1e-12


class SAM(Wrapper):
    """Another optimizer by the gradient a little uphill, ``dW = ∂L/∂W`` at ``W + ρ dW / ‖dW‖``; ``SAM(Momentum(0.1))``.

    ρ is ``radius``, and the norm is that of all gradients together. It needs two gradients a step, which it computes
    itself: its ``loss_and_gradient`` takes the place of the network's, in a loop of one's own and in ``Trainer``.

    Raises: ``DtypeError``, ``ArgumentError`` for an inner that is not an optimizer, and for a radius out of range.
    Source: Foret et al., 2021, "Sharpness-aware minimization", algorithm 1.

    >>> net = Sequential(MatMul(np.array([[1.0]])), loss=MeanSquaredError())
    >>> x, t, optimizer = np.array([[1.0]]), np.array([[0.0]]), SAM(SGD(0.1), radius=0.5)
    >>> net.gradient(x, t)["MatMul1.W"]
    array([[2.]])
    >>> loss, grads = optimizer.loss_and_gradient(net, x, t)
    >>> grads["MatMul1.W"]  # that at W + 0.5
    array([[3.]])
    >>> optimizer.update(net.params, grads)
    """

    def __init__(self, inner: Optimizer, radius: float = 0.05) -> None:
        super().__init__(inner)
        if not is_number(radius) or not 0.0 < radius < float("inf"):
            raise ArgumentError(type(self).__name__, "radius must be above 0 and finite", repr(radius), "try 0.05")
        self.radius = float(radius)
        self.takes_rows = inner.takes_rows

    def loss_and_gradient(
        self, network: Any, x: Array, t: Array, weights: Array | None = None
    ) -> tuple[Array, Mapping[str, Array]]:
        """Return the loss at W and the gradient uphill; states and masks of dropout are those of one step."""
        given = (x, t) if weights is None else (x, t, weights)
        states = network.states
        before = dict(states)
        loss, gradients = network.loss_and_gradient(*given)
        states.update(before)
        with network.using(self.uphill(network.params, gradients)):
            _, gradients = network.loss_and_gradient(*given)
        return loss, gradients

    def uphill(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> dict[str, Array]:
        """Return ``W + ρ dW / ‖dW‖`` for every parameter that has a gradient."""
        scale, length = lengths(grads)
        step = self.radius / (length + TINY / scale)  # of gradients that are divided by the scale
        found = {}
        for name, dW in grads.items():
            W = params[name]
            dW = fitting(self, name, W, dW)
            xp = array_namespace(W, values_of(dW))

            def moved(d: Array, W: Array = W, xp: Any = xp) -> Array:
                return xp.astype(step * (d / scale), W.dtype, copy=False)  # type: ignore[no-any-return]

            d: Any = on_values(dW, moved)
            found[name] = W + (d.dense() if isinstance(d, RowGradient) else d)
        return found

    def __repr__(self) -> str:
        return self.shown(radius=self.radius)
