"""The convolution in two steps: each channel by itself, then across the channels."""

from __future__ import annotations

from typing import Self

from xpnet.initializers import Init, check_size
from xpnet.layers.base import Layer
from xpnet.layers.containers import Chain
from xpnet.layers.convolution import Convolution
from xpnet.layers.windows import Pad, PerAxis
from xpnet.random import Generator, generator_of


class SeparableConvolution(Chain):
    """Depthwise-separable convolution, ``y = pointwise(depthwise(x))``.

    ``depthwise`` filters every channel separately, and ``pointwise``, with filters of one place, mixes the channels.

    Shapes: ``x (N, C, H, W)``, ``y (N, M, OH, OW)``.
    Backward: ``dx = dout ∂pointwise ∂depthwise``.
    Source: Chollet, "Xception", 2017; Howard et al., "MobileNets", 2017, section 3.1.

    >>> whole, separable = Convolution.create(16, 32, 3), SeparableConvolution.create(16, 32, 3)
    >>> [sum(W.size for W in layer.params.values()) for layer in (whole, separable)]  # how many weights
    [4640, 704]
    """

    def __init__(self, depthwise: Layer, pointwise: Layer) -> None:
        super().__init__({"depthwise": depthwise, "pointwise": pointwise})

    @classmethod
    def create(
        cls,
        channels: int,
        filters: int,
        size: PerAxis,
        stride: PerAxis = 1,
        pad: Pad = 0,
        *,
        dilation: PerAxis = 1,
        multiplier: int = 1,
        bias: bool = True,
        init: Init = "he",
        rng: Generator | None = None,
    ) -> Self:
        """Return a separable convolution from C channels to M, with parameters on the current backend.

        Each channel has ``multiplier`` filters. ``bias=False`` leaves the bias of both steps out; the other options are
        those of ``Convolution.create``.

        Raises: ``ArgumentError`` for sizes below 1 or an unknown ``init``.
        """
        rng = generator_of(cls.__name__, rng)
        for name, number in (("channels", channels), ("multiplier", multiplier)):
            check_size(cls.__name__, name, number)
        inner = multiplier * channels
        depthwise = Convolution.create(
            channels, inner, size, stride, pad, dilation=dilation, groups=channels, bias=bias, init=init, rng=rng
        )
        return cls(depthwise, Convolution.create(inner, filters, 1, bias=bias, init=init, rng=rng))
