"""NumPy bodies of activations that differ on both sides of a limit: masks are factors or bits, not masked copies.

NumPy's ``where`` takes ten times as long as a product or as the ``and`` of bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numpy.affine import sum_rows
from xpnet.fast.numpy.blocks import Host, block_of, blocks, of_one
from xpnet.layers.activation import Elu, LeakyRelu, Silu
from xpnet.layers.bent_activation import HardSigmoid, HardSwish, HardTanh, PRelu, Relu6
from xpnet.layers.bodies import Body, body
from xpnet.layers.smooth_activation import ALPHA, SCALE, Selu

BITS = {4: np.int32, 8: np.int64}


class InBlocks(Body):
    """An activation that is computed block by block: ``run`` writes y and what else is kept, ``slope`` dx."""

    extra = 0
    """The arrays that are kept besides x and y."""

    def forward(self, x: Host) -> Any:
        if not of_one(x) or not x.ndim:
            return NotImplemented
        made = [np.empty_like(x) for _ in range(1 + self.extra)]
        for parts in blocks(x, *made):
            self.run(*parts)
        self.cache = x, *made
        return made[0]

    def backward(self, dout: Host) -> Any:
        dx = np.empty_like(self.cache[0])
        for parts in blocks(dout, dx, *self.cache):
            self.slope(*parts)
        return dx

    def run(self, x: Host, y: Host, *others: Host) -> None:
        raise NotImplementedError

    def slope(self, dout: Host, dx: Host, x: Host, y: Host, *others: Host) -> None:
        raise NotImplementedError


@body("numpy", LeakyRelu)
class LargerOfTwo(InBlocks):
    """A leaky ReLU, ``max(x, slope x)``; its derivative is the larger of the slope and 1 or 0, or for steep slopes
    of 1 and the slope or 0.
    """

    def forward(self, x: Host) -> Any:
        return super().forward(x) if self.layer.slope > 0.0 else NotImplemented

    def run(self, x: Host, y: Host, *_: Host) -> None:
        np.multiply(x, self.layer.slope, out=y)
        (np.maximum if self.layer.slope <= 1.0 else np.minimum)(x, y, out=y)

    def slope(self, dout: Host, dx: Host, x: Host, *_: Host) -> None:
        slope = self.layer.slope
        np.copyto(dx, x > 0)
        if slope > 1.0:
            np.subtract(1.0, dx, out=dx)
            dx *= slope
        np.maximum(dx, like(min(slope, 1.0), dx), out=dx)
        dx *= dout


@body("numpy", PRelu)
class TwoSlopes(Body):
    """A ReLU with learned slopes, ``max(x, 0) + a min(x, 0)``."""

    def forward(self, x: Host) -> Any:
        layer, C = self.layer, self.layer.a.size
        if not of_one(x, layer.a) or not x.ndim or (C > 1 and (x.ndim < 2 or x.shape[1] != C)):
            return NotImplemented
        zeros = like(0.0, x)
        y = np.minimum(x, zeros)
        y *= layer.slope(x.ndim)
        y += np.maximum(x, zeros)
        self.cache = x
        return y

    def backward(self, dout: Host) -> Any:
        x, layer = self.cache, self.layer
        above = x > 0
        if self.trains:
            below = where(~above, dout)
            below *= x
            layer.da = self.of_slopes(below)
        if not self.needs_dx:
            return None
        dx = where(~above, np.broadcast_to(layer.slope(x.ndim), x.shape))
        dx += above
        dx *= dout
        return dx

    def of_slopes(self, products: Host) -> Any:
        C = self.layer.a.size
        if C == 1:
            return np.add.reduce(products, axis=None).reshape(1)
        places = products if products.ndim == 2 else np.add.reduce(products, axis=tuple(range(2, products.ndim)))
        return sum_rows(places)


@body("numpy", HardTanh)
@body("numpy", Relu6)
class Clipped(InBlocks):
    """The identity between two limits, by NumPy's ``clip``; nothing passes back where y is at one of them."""

    def run(self, x: Host, y: Host, *_: Host) -> None:
        np.clip(x, self.layer.low, self.layer.high, out=y)

    def slope(self, dout: Host, dx: Host, x: Host, *_: Host) -> None:
        keep(inside(x, self.layer.low, self.layer.high), dout, dx)


@body("numpy", HardSigmoid)
class ClippedLine(InBlocks):
    """A line between two limits, by NumPy's ``clip``."""

    def run(self, x: Host, y: Host, *_: Host) -> None:
        line(x, y)

    def slope(self, dout: Host, dx: Host, x: Host, *_: Host) -> None:
        keep(inside(x, -3.0, 3.0), dout, dx)
        dx *= 1.0 / 6.0


@body("numpy", HardSwish)
class ClippedShare(InBlocks):
    """A product with a line between two limits."""

    extra = 1

    def run(self, x: Host, y: Host, *others: Host) -> None:
        (s,) = others
        np.multiply(x, line(x, s), out=y)

    def slope(self, dout: Host, dx: Host, x: Host, y: Host, *others: Host) -> None:  # noqa: ARG002
        keep(inside(x, -3.0, 3.0), x, dx)
        dx *= 1.0 / 6.0
        dx += others[0]
        dx *= dout


@body("numpy", Elu)
class TwoSides(InBlocks):
    """An ELU, ``max(x, 0) + α (exp(min(x, 0)) - 1)``."""

    extra = 1

    def constants(self) -> tuple[float, float]:
        """Return α and what all is multiplied by."""
        return self.layer.alpha, 1.0

    def run(self, x: Host, y: Host, *others: Host) -> None:
        (below,), (alpha, scale) = others, self.constants()
        zeros = like(0.0, x)
        np.minimum(x, zeros, out=below)
        np.expm1(below, out=y)
        if alpha != 1.0:
            y *= alpha
        y += np.maximum(x, zeros)
        if scale != 1.0:
            y *= scale

    def slope(self, dout: Host, dx: Host, x: Host, y: Host, *others: Host) -> None:  # noqa: ARG002
        (below,), (alpha, scale) = others, self.constants()
        np.exp(below, out=dx)
        if alpha != 1.0:
            above = x > 0
            dx *= alpha
            keep(~above, dx, dx)
            dx += above
        dx *= dout
        if scale != 1.0:
            dx *= scale


@body("numpy", Selu)
class TwoScaledSides(TwoSides):
    """A SELU, an ELU times a number."""

    def constants(self) -> tuple[float, float]:
        return ALPHA, SCALE


@body("numpy", Silu)
class ShareInBlocks(InBlocks):
    """A SiLU, whose share is the sigmoid by one exponential."""

    extra = 1

    def run(self, x: Host, y: Host, *others: Host) -> None:
        (s,) = others
        power(x, s)
        s += 1.0
        np.divide(1.0, s, out=s)
        np.multiply(x, s, out=y)

    def slope(self, dout: Host, dx: Host, x: Host, y: Host, *others: Host) -> None:  # noqa: ARG002
        (s,) = others
        np.subtract(1.0, s, out=dx)
        dx *= y
        dx += s
        dx *= dout


def power(x: Host, e: Host) -> None:
    """Write ``exp(-x)``, ∞ where that is too large."""
    np.negative(x, out=e)
    with np.errstate(over="ignore"):
        np.exp(e, out=e)


def like(value: float, x: Host) -> Host:
    """Return an array of one number that broadcasts to a block: as large as it, if that is one piece of memory."""
    block = block_of(value, x.dtype)
    return block[: x.size].reshape(x.shape) if x.size <= block.size else block[0]


def line(x: Host, y: Host) -> Host:
    """Write ``min(max(x / 6 + 1/2, 0), 1)``, and return it."""
    np.multiply(x, 1.0 / 6.0, out=y)
    y += 0.5
    return np.clip(y, 0.0, 1.0, out=y)


def inside(x: Host, low: float, high: float) -> Host:
    """Return whether ``low < x < high``."""
    found: Host = x > low
    found &= x < high
    return found


def where(mask: Host, x: Host) -> Host:
    """Return x where the mask is true, else 0, whatever x is there."""
    bits: Host = np.negative(mask.astype(BITS[x.itemsize]))
    bits &= x.view(bits.dtype)
    return bits.view(x.dtype)


def keep(mask: Host, x: Host, out: Host) -> None:
    """Write x where the mask is true, else 0, whatever x is there."""
    bits = np.negative(mask.astype(BITS[x.itemsize]))
    np.bitwise_and(bits, x.view(bits.dtype), out=out.view(bits.dtype))
