"""CUDA bodies, for CuPy's arrays."""

from xpnet.fast.cupy import (  # noqa: F401 (each registers its bodies)
    activation,
    affine,
    attention,
    convolution,
    embedding,
    erf,
    loss,
    noise,
    normalization,
    optimizer,
    pooled_convolution,
    pooling,
    recurrent,
    rows,
    scatter,
    softmax,
    transformer,
)


def names() -> tuple[str, ...]:
    return ("cupy",)
