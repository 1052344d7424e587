"""Activations of the values between two layers of an MLP, and the common ones of images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.layer_rows.row import Row, row

VALUES, IMAGES = (128, 512), (32, 64, 32, 32)


def rows() -> Iterator[Row]:
    """Yield every activation."""
    yield row("ReLU", VALUES, lambda layers: layers.Relu(), lambda nn: nn.ReLU())
    yield row("leaky ReLU", VALUES, lambda layers: layers.LeakyRelu(0.1), lambda nn: nn.LeakyReLU(0.1))
    yield row("parametric ReLU", VALUES, lambda layers: layers.PRelu.create(512), lambda nn: nn.PReLU(512))
    yield row("ReLU6", VALUES, lambda layers: layers.Relu6(), lambda nn: nn.ReLU6())
    yield row("ELU", VALUES, lambda layers: layers.Elu(), lambda nn: nn.ELU())
    yield row("SELU", VALUES, lambda layers: layers.Selu(), lambda nn: nn.SELU())
    yield row("GELU by erf", VALUES, lambda layers: layers.Gelu(), lambda nn: nn.GELU())
    yield row("GELU by tanh", VALUES, lambda layers: layers.Gelu("tanh"), lambda nn: nn.GELU("tanh"))
    yield row("SiLU", VALUES, lambda layers: layers.Silu(), lambda nn: nn.SiLU())
    yield row("Mish", VALUES, lambda layers: layers.Mish(), lambda nn: nn.Mish())
    yield row("sigmoid", VALUES, lambda layers: layers.Sigmoid(), lambda nn: nn.Sigmoid())
    yield row("log-sigmoid", VALUES, lambda layers: layers.LogSigmoid(), lambda nn: nn.LogSigmoid())
    yield row("tanh", VALUES, lambda layers: layers.Tanh(), lambda nn: nn.Tanh())
    yield row("softplus", VALUES, lambda layers: layers.Softplus(), lambda nn: nn.Softplus())
    yield row("softsign", VALUES, lambda layers: layers.Softsign(), lambda nn: nn.Softsign())
    yield row("hard sigmoid", VALUES, lambda layers: layers.HardSigmoid(), lambda nn: nn.Hardsigmoid())
    yield row("hard swish", VALUES, lambda layers: layers.HardSwish(), lambda nn: nn.Hardswish())
    yield row("hard tanh", VALUES, lambda layers: layers.HardTanh(), lambda nn: nn.Hardtanh())
    yield row("softmax", VALUES, lambda layers: layers.Softmax(), lambda nn: nn.Softmax(-1))
    yield row("log-softmax", VALUES, lambda layers: layers.LogSoftmax(), lambda nn: nn.LogSoftmax(-1))
    yield row("GLU", VALUES, lambda layers: layers.Glu(), lambda nn: nn.GLU())
    yield row("SwiGLU", VALUES, lambda layers: layers.SwiGlu(), lambda nn: gated(nn.functional.silu))
    yield row("GeGLU", VALUES, lambda layers: layers.GeGlu(), lambda nn: gated(nn.functional.gelu))
    yield row("ReLU", IMAGES, lambda layers: layers.Relu(), lambda nn: nn.ReLU())
    yield row("SiLU", IMAGES, lambda layers: layers.Silu(), lambda nn: nn.SiLU())
    yield row("GELU by tanh", IMAGES, lambda layers: layers.Gelu("tanh"), lambda nn: nn.GELU("tanh"))


def gated(activation: Any) -> Any:
    """Return the product of the first half and what an activation makes of the second, the gate."""

    def function(x: Any) -> Any:
        a, b = x.chunk(2, -1)
        return a * activation(b)

    return function, []
