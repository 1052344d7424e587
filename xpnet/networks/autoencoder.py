"""Autoencoders: a short code from which the input can be computed again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from xpnet.initializers import check_size
from xpnet.layers import Affine, Layer, MeanSquaredError, Relu, Sigmoid
from xpnet.networks.sequential import Sequential
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class Autoencoder(Sequential):
    """A network that learns its own input by way of a short code, ``y = σ(decoder(encoder(x)))``.

    The encoder has affine layers of the ``hidden`` sizes with ReLU, and one to the ``code``; the decoder goes back the
    same way. It is trained with x as the targets, from 0 to 1, ``Trainer(net, optimizer, (x, x))``, and
    ``net.encode(x)`` returns the codes.

    Shapes: ``x (N, D)`` with D ``input_size``, code ``(N, Z)``, ``y (N, D)``.
    Raises: ``ArgumentError`` for sizes below 1.
    Source: Hinton and Salakhutdinov, 2006, "Reducing the dimensionality of data with neural networks".

    >>> x = np.eye(4, dtype="float32")
    >>> net, optimizer = Autoencoder(4, hidden=(8,), code=2), Adam(0.05)
    >>> for _ in range(100):
    ...     optimizer.update(net.params, net.gradient(x, x))
    >>> (np.abs(net.predict(x) - x) < 0.3).all(), net.encode(x).shape  # two numbers tell each row of four
    (np.True_, (4, 2))
    """

    def __init__(
        self, input_size: int, hidden: Sequence[int] = (128,), code: int = 16, rng: Generator | None = None
    ) -> None:
        who = type(self).__name__
        rng = generator_of(who, rng)
        sizes = checked_sizes(who, input_size, hidden, code)
        encoder, decoder = Sequential(*stack(sizes, rng)), Sequential(*stack(sizes[::-1], rng), Sigmoid())
        super().__init__({"encoder": encoder, "decoder": decoder}, loss=MeanSquaredError())

    def encode(self, x: Array) -> Array:
        """Return the codes of rows, in inference."""
        return self.layers["encoder"].predict(x)  # type: ignore[no-any-return]

    def decode(self, code: Array) -> Array:
        """Return the rows that belong to codes, in inference."""
        return self.layers["decoder"].predict(code)  # type: ignore[no-any-return]


def checked_sizes(who: str, input_size: Any, hidden: Any, code: Any) -> list[int]:
    """Return the sizes of the layers of an encoder.

    Raises: ``ArgumentError`` unless all are positive integers.
    """
    sizes = [input_size, *hidden, code]
    for size in sizes:
        check_size(who, "each of input_size, hidden and code", size)
    return [int(size) for size in sizes]


def stack(sizes: Sequence[int], rng: Generator) -> list[Layer]:
    """Return affine layers of these sizes with ReLU between them."""
    found: list[Layer] = []
    for inputs, outputs in pairwise(sizes):
        found += [Affine.create(inputs, outputs, rng=rng), Relu()]
    return found[:-1]
