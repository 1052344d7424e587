"""Layers that a chain runs as one where they come one after another, because that is faster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xpnet import kernels
from xpnet.autodiff import Variable
from xpnet.backend import array_namespace, device_of
from xpnet.layers import checks
from xpnet.layers.activation import Relu
from xpnet.layers.affine import Affine
from xpnet.layers.base import Layer
from xpnet.layers.convolution import Convolution
from xpnet.layers.named import NamedArrays
from xpnet.layers.pooling import MaxPooling
from xpnet.layers.windows import check_fits


class Joint:
    """Layers in one kernel. It uses their parameters and options.

    Variables pass through the layers one by one; so does everything where someone has replaced one of their methods.
    A subclass writes ``forward(x)``, what the layers give one after another.
    """

    forward: Callable[[Any], Any]

    def __init__(self, *layers: Any) -> None:
        self.layers = layers

    @property
    def params(self) -> NamedArrays:
        return self.layers[0].params  # type: ignore[no-any-return]

    def __call__(self, x: Any) -> Any:
        first = self.layers[0]
        if type(x) is Variable or type(first.W) is Variable or type(first.b) is Variable or self._replaced():
            for layer in self.layers:
                x = layer(x)
            return x
        try:
            return self.forward(x)
        except (RuntimeError, TypeError, ValueError) as error:
            checks.explain_dtypes(first, {"x": x}, error)
            raise

    def _replaced(self) -> bool:
        for layer in self.layers:
            kind, own = type(layer), vars(layer)
            forward, backward = METHODS[kind]
            if kind.forward is not forward or kind.backward is not backward or "forward" in own or "backward" in own:
                return True
        return False

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


class ConvolutionReluPooling(Joint):
    """A Convolution, a Relu and a MaxPooling, ``y = max_pooling(relu(convolution(x)))``.

    It sets the gradients of the convolution. What each layer keeps for a backward of its own they get when they are
    asked for it, from a forward of their own.
    """

    def forward(self, x: Any) -> Any:
        conv, _, pool = self.layers
        checks.accept(conv, (x,))
        conv.check_images(x)
        check_fits(type(pool).__name__, pool.window, conv.window.places(x.shape))
        y, winner, seen = kernels.convolution_relu_pooling(x, conv.W, conv.b, conv.window, conv.groups, pool.window)
        self.kept = x, seen, y, winner
        for layer in self.layers:
            vars(layer).pop("_y_like", None)
            vars(layer)["_joint"] = self
        return y

    def backward(self, dout: Any) -> Any:
        conv, _, pool = self.layers
        alone = any("_y_like" in vars(layer) or vars(layer).get("_joint") is not self for layer in self.layers)
        if alone or self._replaced():
            return super().backward(dout)
        x, seen, y, winner = self.kept
        dout = checks.check_dout(pool, dout, array_namespace(y), y.shape, y.dtype, device_of(y))
        dx, conv.dW, conv.db = kernels.convolution_relu_pooling_backward(
            dout, x, seen, conv.W, y, winner, conv.window, conv.groups, pool.window, conv.needs_dx
        )
        return dx

    def part(self) -> None:
        """Let each layer run by itself, so that it has what its own backward needs."""
        x = self.kept[0]
        for layer in self.layers:
            vars(layer).pop("_joint", None)
            x = layer.forward(x)


JOINED: dict[tuple[type, ...], type[Joint]] = {
    (Affine, Relu): AffineRelu,
    (Convolution, Relu, MaxPooling): ConvolutionReluPooling,
}
METHODS = {kind: (kind.forward, kind.backward) for kind in (Affine, Convolution, MaxPooling, Relu)}


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
