"""Layers that a chain runs as one where they come one after another, because that is faster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xpnet import kernels
from xpnet.autodiff import Variable
from xpnet.backend import array_namespace, device_of
from xpnet.layers import checks
from xpnet.layers.activation import Relu
from xpnet.layers.base import Layer
from xpnet.layers.convolution import Convolution
from xpnet.layers.named import NamedArrays
from xpnet.layers.pooling import MaxPooling
from xpnet.layers.windows import check_fits
from xpnet.typing import Array


class Joint:
    """A Convolution, a Relu and a MaxPooling in one kernel, ``y = max_pooling(relu(convolution(x)))``.

    It uses their parameters and options, and sets the gradients of the convolution. What each of them keeps for a
    backward of its own they get when they are asked for it, from a forward of their own. Variables pass one by one.
    """

    def __init__(self, convolution: Convolution, relu: Relu, pooling: MaxPooling) -> None:
        self.layers = (convolution, relu, pooling)

    @property
    def params(self) -> NamedArrays:
        return self.layers[0].params

    def __call__(self, x: Any) -> Any:
        conv, relu, pool = self.layers
        if any(type(array) is Variable for array in (x, conv.W, conv.b)):
            return pool(relu(conv(x)))
        checks.accept(conv, (x,))
        conv.check_images(x)
        check_fits(type(pool).__name__, pool.window, conv.window.places(x.shape))
        y, winner = kernels.convolution_relu_pooling(x, conv.W, conv.b, conv.window, conv.groups, pool.window)
        self.kept = x, y, winner
        for layer in self.layers:
            vars(layer).pop("_y_like", None)
            vars(layer)["_joint"] = self
        return y

    def backward(self, dout: Any) -> Array | None:
        conv, relu, pool = self.layers
        if any(vars(layer).get("_joint") is not self for layer in self.layers):  # each of them ran by itself
            dx: Array | None = conv.backward(relu.backward(pool.backward(dout)))
            return dx
        x, y, winner = self.kept
        dout = checks.check_dout(pool, dout, array_namespace(y), y.shape, y.dtype, device_of(y))
        dx, conv.dW, conv.db = kernels.convolution_relu_pooling_backward(
            dout, x, conv.W, y, winner, conv.window, conv.groups, pool.window, conv.needs_dx
        )
        return dx

    def part(self) -> None:
        """Let each layer run by itself, so that it has what its own backward needs."""
        x = self.kept[0]
        for layer in self.layers:
            del vars(layer)["_joint"]
            x = layer.forward(x)


JOINED = (Convolution, Relu, MaxPooling)


def joined(row: Sequence[Layer]) -> list[Any]:
    """The layers of a row, with a ``Joint`` in the place of those that run as one."""
    steps: list[Any] = []
    for layer in row:
        steps.append(layer)
        last = steps[-len(JOINED) :]
        if tuple(map(type, last)) == JOINED:
            steps[-len(JOINED) :] = [Joint(*last)]
    return steps
