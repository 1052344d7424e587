"""A generative adversarial network: two networks that train against each other."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, backend_of, device_of
from xpnet.initializers import check_size
from xpnet.layers import Layer, SigmoidWithLoss
from xpnet.networks.sequential import Sequential
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class GAN:
    """A generator that learns to deceive a discriminator, ``min max Σ log d(x) + Σ log (1 - d(g(z)))``.

    ``generator`` maps codes ``z (N, code)`` of normal numbers to rows like the data, ``discriminator`` maps rows to one
    score each, ``(N, 1)``; both are layers, such as a ``Sequential`` without a loss. ``judge`` is the discriminator
    with a loss, and ``forger`` both one after another, with the loss of the generator, ``-Σ log d(g(z))``: networks as
    any other, which can be saved, moved and drawn.

    The codes are numbers of named streams of ``rng``, the same on every backend.

    Raises: ``ArgumentError`` for a code below 1.
    Source: Goodfellow et al., 2014, "Generative adversarial nets", algorithm 1, with the loss of its section 3.

    >>> generator, discriminator = Affine.create(1, 2), Affine.create(2, 1, init=0.0)
    >>> gan = GAN(generator, discriminator, code=1)
    >>> x = np.full((8, 2), 3.0, dtype="float32")
    >>> judged, deceived = gan.step(x, Adam(0.001), Adam(0.001))
    >>> print(f"{judged / np.log(2):.2f} {deceived / np.log(2):.2f}")  # as by a coin: it cannot tell them apart yet
    1.00 1.00
    """

    def __init__(self, generator: Layer, discriminator: Layer, code: int, rng: Generator | None = None) -> None:
        check_size("GAN", "code", code)
        self.generator, self.discriminator, self.code = generator, discriminator, int(code)
        self.judge = Sequential({"discriminator": discriminator}, loss=SigmoidWithLoss())
        self.forger = Sequential({"generator": generator, "discriminator": discriminator}, loss=SigmoidWithLoss())
        self.rng = generator_of("GAN", rng)
        self.steps = 0

    def step(self, x: Array, of_discriminator: Any, of_generator: Any) -> tuple[Array, Array]:
        """Train the discriminator on rows and as many forged ones, then the generator; return both losses."""
        xp, count = array_namespace(x), x.shape[0]
        true = xp.ones((count, 1), dtype=x.dtype, device=device_of(x))
        forged = self.generator.forward(self._codes(count, "judged"))
        rows, t = xp.concat([x, forged], axis=0), xp.concat([true, xp.zeros_like(true)], axis=0)
        judged, gradients = self.judge.loss_and_gradient(rows, t)
        of_discriminator.update(self.judge.params, gradients)
        deceived, _ = self.forger.loss_and_gradient(self._codes(count, "forged"), true)
        own = self.generator.params
        of_generator.update(own, own.gradients())
        self.steps += 1
        return judged, deceived

    def sample(self, count: int, step: int = 0) -> Array:
        """Return forged rows, in inference; each step has codes of its own."""
        rows: Array = self.generator.predict(self._codes(count, "sample", step))
        return rows

    def _codes(self, count: int, name: str, step: int | None = None) -> Array:
        numbers = self.rng.normal((count, self.code), f"GAN {name}", self.steps if step is None else step)
        W = next(iter(self.generator.params.values()))
        codes: Array = backend_of(W).asarray(numbers)
        return codes
