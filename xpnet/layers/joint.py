"""Layers that a chain runs as one where they come one after another, because that is faster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xpnet import kernels
from xpnet.autodiff import Variable
from xpnet.backend import array_namespace, device_of
from xpnet.layers import checks
from xpnet.layers.activation import Gelu, Relu
from xpnet.layers.affine import Affine
from xpnet.layers.attention import MultiHeadAttention
from xpnet.layers.base import Layer
from xpnet.layers.convolution import Convolution
from xpnet.layers.embedding import Embedding, PositionalEmbedding
from xpnet.layers.linear import Linear, in_rows_of, rows
from xpnet.layers.named import NamedArrays
from xpnet.layers.normalization import LayerNormalization
from xpnet.layers.pooling import MaxPooling
from xpnet.layers.windows import check_fits


def replaced(layer: Layer) -> bool:
    """Whether somebody has put a method of a layer's own in the place of ours."""
    kind, own = type(layer), vars(layer)
    return (kind.forward, kind.backward) != METHODS[kind] or "forward" in own or "backward" in own


class Joint:
    """Layers in one kernel. It uses their parameters and options.

    Variables pass through the layers one by one; so does everything where someone has replaced one of their methods.
    A subclass writes ``forward(x)``, what the layers give one after another.
    """

    forward: Callable[[Any], Any]

    def __init__(self, *layers: Any) -> None:
        self.layers = layers
        self.places = [(layer, name) for layer in layers for name in layer.parameters]

    @property
    def params(self) -> NamedArrays:
        return self.layers[0].params  # type: ignore[no-any-return]

    def __call__(self, x: Any) -> Any:
        if type(x) is Variable or self._replaced() or any(type(getattr(*place)) is Variable for place in self.places):
            for layer in self.layers:
                x = layer(x)
            return x
        try:
            return self.forward(x)
        except (RuntimeError, TypeError, ValueError) as error:
            checks.explain_dtypes(self.layers[0], {"x": x}, error)
            raise

    def _replaced(self) -> bool:
        return any(map(replaced, self.layers))

    def backward(self, dout: Any) -> Any:
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


class AffineRelu(Joint):
    """An Affine and a Relu, ``y = max(x W + b, 0)``. Each gets what its own backward needs."""

    def forward(self, x: Any) -> Any:
        affine, relu = self.layers
        affine._x_shape = getattr(x, "shape", None)
        affine.x = x = checks.flatten(x)
        checks.accept(affine, (x,))
        y = relu.y = kernels.affine_relu(x, affine.W, affine.b)
        affine._y_like = relu._y_like = (array_namespace(y), y.shape, y.dtype, device_of(y))
        return y

    def backward(self, dout: Any) -> Any:
        affine, relu = self.layers
        like = vars(relu).get("_y_like")
        if like is None or like is not vars(affine).get("_y_like") or self._replaced():
            return super().backward(dout)
        dout = checks.check_dout(relu, dout, *like)
        dx, affine.dW, affine.db = kernels.affine_relu_backward(dout, affine.x, affine.W, relu.y, affine.needs_dx)
        return checks.unflatten(dx, affine._x_shape)


class EmbeddingWithPositions(Joint):
    """An Embedding and a PositionalEmbedding. Each gets what its own backward needs."""

    def forward(self, x: Any) -> Any:
        embedding, positions = self.layers
        checks.accept(embedding, (x,))
        embedding.check_indices(x)
        W, P = embedding.W, positions.W
        if x.ndim != 2 or x.shape[1] > P.shape[0] or (W.shape[1], W.dtype) != (P.shape[1], P.dtype):
            return positions(embedding(x))  # one of them may refuse it
        embedding.x = x
        y = kernels.embedding_with_positions(W, x, P)
        embedding._y_like = positions._y_like = (array_namespace(y), y.shape, y.dtype, device_of(y))
        return y


class Parted(Joint):
    """Layers that keep nothing for a backward of their own: each gets that when it is asked for it, from a forward.

    A subclass calls ``keep`` in its forward, for what its backward needs, x first.
    """

    kept: tuple[Any, ...]

    def keep(self, *kept: Any) -> None:
        self.kept = kept
        for layer in self.layers:
            vars(layer).pop("_y_like", None)
            vars(layer)["_joint"] = self

    def parted(self) -> bool:
        """Whether some layer has run by itself since, or runs a method that somebody has put there."""
        alone = any("_y_like" in vars(layer) or vars(layer).get("_joint") is not self for layer in self.layers)
        return alone or self._replaced()

    def part(self) -> None:
        """Let each layer run by itself, so that it has what its own backward needs."""
        x = self.kept[0]
        for layer in self.layers:
            vars(layer).pop("_joint", None)
            x = layer.forward(x)


class LinearGelu(Parted):
    """A Linear and a Gelu. It sets the gradients of the Linear."""

    def forward(self, x: Any) -> Any:
        linear, gelu = self.layers
        checks.accept(linear, (x,))
        y, *kept = kernels.affine_gelu(rows(x), linear.W, linear.b, gelu.approximate == "tanh")
        self.keep(x, *kept)
        return in_rows_of(x, y)

    def backward(self, dout: Any) -> Any:
        linear, gelu = self.layers
        if self.parted():
            return super().backward(dout)
        x, *kept = self.kept
        shape = (*x.shape[:-1], linear.b.shape[0])
        dout = checks.check_dout(gelu, dout, array_namespace(kept[0]), shape, kept[0].dtype, device_of(kept[0]))
        dx, linear.dW, linear.db = kernels.affine_gelu_backward(
            *(rows(dout), rows(x), linear.W, linear.b, *kept, gelu.approximate == "tanh", linear.needs_dx)
        )
        return None if dx is None else in_rows_of(x, dx)


class ConvolutionReluPooling(Parted):
    """A Convolution, a Relu and a MaxPooling, ``y = max_pooling(relu(convolution(x)))``.

    It sets the gradients of the convolution.
    """

    def forward(self, x: Any) -> Any:
        conv, _, pool = self.layers
        checks.accept(conv, (x,))
        check_fits(type(conv).__name__, conv.window, x.shape)
        check_fits(type(pool).__name__, pool.window, conv.window.places(x.shape))
        y, winner, seen = kernels.convolution_relu_pooling(x, conv.W, conv.b, conv.window, conv.groups, pool.window)
        self.keep(x, seen, y, winner)
        return y

    def backward(self, dout: Any) -> Any:
        conv, _, pool = self.layers
        if self.parted():
            return super().backward(dout)
        x, seen, y, winner = self.kept
        dout = checks.check_dout(pool, dout, array_namespace(y), y.shape, y.dtype, device_of(y))
        dx, conv.dW, conv.db = kernels.convolution_relu_pooling_backward(
            dout, x, seen, conv.W, y, winner, conv.window, conv.groups, pool.window, conv.needs_dx
        )
        return dx


JOINED: dict[tuple[type, ...], type[Joint]] = {
    (Affine, Relu): AffineRelu,
    (Embedding, PositionalEmbedding): EmbeddingWithPositions,
    (Linear, Gelu): LinearGelu,
    (Convolution, Relu, MaxPooling): ConvolutionReluPooling,
}
KINDS = (
    *(Affine, Convolution, Embedding, Gelu, LayerNormalization, Linear, MaxPooling, MultiHeadAttention),
    *(PositionalEmbedding, Relu),
)
METHODS: dict[type, tuple[Any, Any]] = {kind: (kind.forward, kind.backward) for kind in KINDS}


def joined(row: Sequence[Layer]) -> list[Any]:
    """The layers of a row, with a ``Joint`` in the place of those that run as one."""
    steps: list[Any] = []
    for layer in row:
        steps.append(layer)
        for kinds, joint in JOINED.items():
            last = steps[-len(kinds) :]
            if tuple(map(type, last)) == kinds:
                steps[-len(kinds) :] = [joint(*last)]
    return steps
