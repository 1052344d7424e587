"""CUDA bodies of activations, with one launch in each direction."""

from __future__ import annotations

from typing import Any

import cupy

from xpnet.fast.cupy.launch import CudaBody, launch_each, of_one, ordered, upstream
from xpnet.layers.activation import Elu, Gelu, LeakyRelu, Relu, Sigmoid, Silu, Softplus
from xpnet.layers.bodies import body


class OneLaunch(CudaBody):
    """A body whose forward and backward are one launch each, of a kernel over all values."""

    kernel = ""
    keeps_y = False  # whether backward needs y, rather than x

    def options(self) -> tuple[float, ...]:
        return ()

    def forward(self, x: Any) -> Any:
        if not of_one(x) or not x.ndim:
            return NotImplemented
        (x,) = ordered(x)
        y = cupy.empty_like(x)
        launch_each("activation", self.kernel, x.dtype, x.size, x, y, *self.options(), x.size)
        self.cache = y if self.keeps_y else x
        return y

    def backward(self, dout: Any) -> Any:
        kept = self.cache
        dx, dout = cupy.empty_like(kept), upstream(dout, kept)
        arguments = (dout, kept, dx, *self.options(), kept.size)
        launch_each("activation", f"{self.kernel}_backward", kept.dtype, kept.size, *arguments)
        return dx


@body("cupy", Relu)
class ReluInALaunch(OneLaunch):
    """A ReLU that writes neither a mask nor a 0."""

    kernel, keeps_y = "relu", True


@body("cupy", LeakyRelu)
class LeakyReluInALaunch(OneLaunch):
    """A leaky ReLU in one launch each way."""

    kernel = "leaky_relu"

    def options(self) -> tuple[float, ...]:
        return (self.layer.slope,)


@body("cupy", Elu)
class EluInALaunch(OneLaunch):
    """An ELU in one launch each way."""

    kernel = "elu"

    def options(self) -> tuple[float, ...]:
        return (self.layer.alpha,)


@body("cupy", Sigmoid)
class SigmoidInALaunch(OneLaunch):
    """A sigmoid in one launch each way."""

    kernel, keeps_y = "sigmoid", True


@body("cupy", Softplus)
class SoftplusInALaunch(OneLaunch):
    """A softplus in one launch each way."""

    kernel = "softplus"


@body("cupy", Silu)
class SiluInALaunch(OneLaunch):
    """A SiLU in one launch each way; the share is computed again rather than kept, because memory is slower."""

    kernel = "silu"


@body("cupy", Gelu)
class GeluInALaunch(OneLaunch):
    """A GELU in one launch each way; the share is computed again rather than kept, because memory is slower."""

    def __init__(self, *layers: Any) -> None:
        super().__init__(*layers)
        self.kernel = "gelu" if self.layer.approximate == "none" else "gelu_tanh"
