"""What every network can do: predict, loss, accuracy, gradient; its parameters are named arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from xpnet.backend import array_namespace, dtype_kind, size_of
from xpnet.errors import ShapeError, StateError
from xpnet.gradcheck import network_gradient
from xpnet.initializers import check_size
from xpnet.layers import Layer
from xpnet.layers.checks import check_one_place
from xpnet.layers.loss import check_labels
from xpnet.layers.owner import Owner
from xpnet.typing import Array


class Network(Owner):
    """Layers one after another and a loss, ``L = loss(layerₙ(… layer₁(x)), t)``.

    It has no parameters, state or cache of its own: it passes values on to its layers.

    ``layers`` maps names to layers in order, ``last_layer`` is the loss (None in a network that is part of
    another). ``forward`` trains, ``predict`` infers.
    """

    last_layer: Layer | None

    def forward(self, x: Any) -> Any:
        for layer in self.layers.values():
            x = layer(x)
        return x

    def backward(self, dout: Any = 1.0) -> Any:
        for layer in reversed(self._visited()):
            dout = layer.backward(dout)
        return dout

    def _visited(self) -> list[Layer]:
        """The layers that backward visits; those before the first parameters only where dx is wanted."""
        layers = list(self.layers.values())
        while not self.needs_dx and layers and not layers[0].params:
            layers.pop(0)
        return layers

    @contextmanager
    def _without_dx(self) -> Iterator[None]:
        """Spare the derivative with respect to the data, which training does not use."""
        spared: list[Layer] = [self]
        while type(spared[-1]).backward is Network.backward and (
            trained := [layer for layer in spared[-1].layers.values() if layer.params]
        ):
            spared.append(trained[0])
        own = [vars(layer).get("needs_dx") for layer in spared]
        for layer in spared:
            layer.needs_dx = False
        try:
            yield
        finally:
            for layer, needs_dx in zip(spared, own, strict=True):
                if needs_dx is None:
                    del layer.needs_dx
                else:
                    layer.needs_dx = needs_dx

    def predict(self, x: Any, batch_size: int = 1024) -> Any:
        """The scores of any number of rows, computed ``batch_size`` rows at a time.

        Shapes: ``x (N, ...)``, result ``(N, K)``.
        Raises: ``ArgumentError`` for a batch size below 1.
        """
        check_size(type(self).__name__, "batch_size", batch_size)
        forward = self.inferring().forward
        if getattr(x, "ndim", 0) == 0 or x.shape[0] <= batch_size:
            return forward(x)
        rows = x.shape[0]
        parts = [forward(x[i : min(i + batch_size, rows), ...]) for i in range(0, rows, batch_size)]
        return array_namespace(*parts).concat(parts, axis=0)

    def _loss_layer(self) -> Layer:
        if self.last_layer is None:
            raise StateError(type(self).__name__, "a loss layer must end it", "none", "build it with loss=…")
        return self.last_layer

    def loss(self, x: Any, t: Any, predict: bool = False) -> Array:
        """The loss on a batch: as trained, which is what ``gradient`` differentiates, or as ``predict`` sees it."""
        last = self._loss_layer()
        loss: Array = last.predict(self.predict(x), t) if predict else last(self.forward(x), t)
        return loss

    def accuracy(self, x: Any, t: Any) -> float:
        """The share of rows whose highest score is at the label, ``Σₙ [argmax y = t] / N``.

        Shapes: ``t (N,)`` class indices or ``(N, K)`` one-hot.
        """
        y = self.predict(x)
        check_one_place(type(self).__name__, {"x": y, "t": t})
        xp = array_namespace(y, t)
        one_hot = dtype_kind(t) == "real"
        wanted = y.shape if one_hot else y.shape[:-1]
        if t.shape != wanted or size_of(t) == 0:
            must = f"t must be {tuple(wanted)}, and hold at least one label"
            raise ShapeError(type(self).__name__, must, tuple(t.shape), "give one label, or one row of shares, a row")
        check_labels(type(self).__name__, y, t)
        labels = xp.argmax(t, axis=-1) if one_hot else t
        return int(xp.count_nonzero(xp.argmax(y, axis=-1) == labels)) / size_of(labels)

    def gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """The gradient of ``loss(x, t)`` by backpropagation, name -> array."""
        return self.loss_and_gradient(x, t)[1]

    def loss_and_gradient(self, x: Any, t: Any) -> tuple[Array, dict[str, Array]]:
        """The loss on a batch and its gradient, from one forward and one backward."""
        last = self._loss_layer()
        loss = self.loss(x, t)
        with self._without_dx():
            self.backward(last.backward(1.0))
        return loss, self.grads

    def numerical_gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """The same by numerical differentiation in float64, name -> array: slow, and right by definition."""
        return network_gradient(self, x, t)

    def astype(self, dtype: Any) -> Self:
        copy = super().astype(dtype)
        copy.last_layer = None if self.last_layer is None else self.last_layer.astype(dtype)
        return copy

    def summary(self) -> str:
        """A table of the layers with the shapes and numbers of their parameters."""
        rows = [("layer", "kind", "parameters", "count")]
        for name, layer in self.layers.items():
            shapes = ", ".join(f"{inner} {tuple(array.shape)}" for inner, array in layer.params.items())
            rows.append((name, type(layer).__name__, shapes, f"{count(layer):,}"))
        if self.last_layer is not None:
            rows.append(("loss", type(self.last_layer).__name__, "", "0"))
        rows.append(("total", "", "", f"{count(self):,}"))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3].rjust(10)])
            for row in rows
        ]
        rule = "-" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def __repr__(self) -> str:
        inside = ", ".join(repr(layer) for layer in (*self.layers.values(), *filter(None, [self.last_layer])))
        return f"{type(self).__name__}({inside})"


def count(layer: Layer) -> int:
    """The number of trained values of a layer or network."""
    return sum(size_of(array) for array in layer.params.values())
