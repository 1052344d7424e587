"""The base of the book's layers: a layer of xpnet behind lists of parameters and gradients."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, dtype_kind, is_array
from xpnet.layers import Layer
from xpnet.typing import Array


class Listed:
    """A layer with the lists ``params`` and ``grads``, whose arrays stay the same objects.

    An optimizer writes into ``params``, and ``backward`` writes into ``grads``. ``layer`` is the layer of xpnet that
    computes: it takes the arrays from the list in every ``forward``.
    """

    def __init__(self, layer: Layer, *params: Array) -> None:
        self.layer: Any = layer
        self.params = list(params)
        self.grads: list[Any] = [array_namespace(W).zeros_like(W) for W in params]

    def forward(self, x: Array) -> Any:
        """Return the output of the layer; x is cast to the dtype of its parameters."""
        self._take()
        return self.layer.forward(self._like(x))

    def backward(self, dout: Any = 1) -> Any:
        """Write the gradients of the parameters into ``grads``, and return dx."""
        dx = self.layer.backward(dout)
        self._give()
        return dx

    def _take(self) -> None:
        for name, W in zip(self.layer.parameters, self.params, strict=True):
            setattr(self.layer, name, self._inward(W))

    def _give(self) -> None:
        for name, grad in zip(self.layer.parameters, self.grads, strict=True):
            grad[...] = self._outward(getattr(self.layer, f"d{name}"))

    def _like(self, x: Array) -> Array:
        """Return numbers in the dtype of the parameters: the book counts on NumPy's promotion."""
        if not self.params or not is_array(x):
            return x
        return array_namespace(x).astype(x, self.params[0].dtype, copy=False)  # type: ignore[no-any-return]

    def _inward(self, W: Array) -> Array:
        """Return a parameter in the layout of xpnet's layer."""
        return W

    def _outward(self, dW: Array) -> Array:
        """Return a gradient in the book's layout."""
        return dW


def floating_like(x: Array, t: Array) -> Array:
    """Return targets as numbers of the dtype of the scores."""
    return t if dtype_kind(t) == "real" else array_namespace(t).astype(t, x.dtype)
