"""The variational autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xpnet.backend import array_namespace, backend_of
from xpnet.layers import Concat, Identity, Sampling, VariationalLoss
from xpnet.networks.autoencoder import checked_sizes, stack
from xpnet.networks.sequential import Sequential
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class VAE(Sequential):
    """An autoencoder of normal codes, ``y = (decoder(μ + e^(s/2) z), μ, s)`` with ``(μ, s) = encoder(x)``.

    The encoder has affine layers of the ``hidden`` sizes with ReLU, and one to the mean and the logarithm of the
    variance of the ``code``; the decoder goes back the same way, to scores whose sigmoid is the row. It is trained with
    x as the targets, from 0 to 1, by ``VariationalLoss``: ``Trainer(net, optimizer, (x, x))``. In inference the code is
    its mean. ``net.sample(count)`` returns rows that the decoder makes of codes drawn from the normal distribution.

    Shapes: ``x (N, D)`` with D ``input_size``, ``y (N, D + 2Z)`` with Z ``code``, ``t (N, D)``.
    Raises: ``ArgumentError`` for sizes below 1 and a beta below 0.
    Source: Kingma and Welling, 2014, "Auto-encoding variational Bayes"; Higgins et al., 2017 (β).

    >>> x = np.eye(4, dtype="float32")
    >>> net, optimizer = VAE(4, hidden=(8,), code=2), Adam(0.05)
    >>> before = net.loss(x, x, predict=True)
    >>> for _ in range(30):
    ...     optimizer.update(net.params, net.gradient(x, x))
    >>> net.loss(x, x, predict=True) < before, net.sample(5).shape  # five new rows, by codes that are drawn
    (np.True_, (5, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden: Sequence[int] = (128,),
        code: int = 16,
        beta: float = 1.0,
        rng: Generator | None = None,
    ) -> None:
        who = type(self).__name__
        rng = generator_of(who, rng)
        sizes = checked_sizes(who, input_size, hidden, code)
        encoder = Sequential(*stack([*sizes[:-1], 2 * sizes[-1]], rng))
        decoder = Sequential(*stack(sizes[::-1], rng))
        both = Concat(Sequential({"sampling": Sampling(rng), "decoder": decoder}), Identity())
        super().__init__({"encoder": encoder, "both": both}, loss=VariationalLoss(beta))

    def encode(self, x: Array) -> Array:
        """Return the means of the codes of rows."""
        found = self.layers["encoder"].predict(x)
        return found[:, : found.shape[1] // 2]  # type: ignore[no-any-return]

    def decode(self, code: Array) -> Array:
        """Return the rows that belong to codes, from 0 to 1."""
        branches: Any = self.layers["both"]
        y = branches.layers["Sequential1"].layers["decoder"].predict(code)
        return array_namespace(y).tanh(0.5 * y) * 0.5 + 0.5  # type: ignore[no-any-return]

    def sample(self, count: int, rng: Generator | None = None, step: int = 0) -> Array:
        """Return rows of codes from the normal distribution; each step of a Generator has codes of its own."""
        rng = generator_of("VAE.sample", rng)
        W = next(iter(self.params.values()))
        code = list(self.layers["encoder"].params.values())[-1].shape[0] // 2
        return self.decode(backend_of(W).asarray(rng.normal((count, code), "VAE sample", step)))
