"""NumPy bodies."""

from xpnet.fast.choice import available
from xpnet.fast.numpy import (  # noqa: F401 (each registers its bodies)
    activation,
    affine,
    attention,
    batch_normalization,
    bent_activation,
    convolution,
    ctc_loss,
    dropout,
    embedding,
    erf,
    fourier,
    group_normalization,
    loss,
    matrices,
    normalization,
    optimizer,
    padding,
    pooled_convolution,
    pooling,
    recurrent,
    rows,
    scatter,
    softmax,
    transformer,
)


def names() -> tuple[str, ...]:
    """Return the name of the compiled bodies first, if numba is installed and not switched off."""
    return ("numba", "numpy") if available() else ("numpy",)
