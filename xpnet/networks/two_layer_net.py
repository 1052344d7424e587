"""The book's first network."""

from __future__ import annotations

from xpnet.initializers import check_size, normal_weights, zeros
from xpnet.layers import Affine, Relu, SoftmaxWithLoss
from xpnet.networks.book import BookNetwork
from xpnet.random import Generator, generator_of


class TwoLayerNet(BookNetwork):
    """The book's network of two layers, ``L = SoftmaxWithLoss(relu(x W1 + b1) W2 + b2, t)``.

    ``params`` has the book's keys ``W1, b1, W2, b2``; ``layers`` has ``Affine1, Relu1, Affine2``.

    Shapes: ``x (N, D)`` or ``(N, ...)``, ``W1 (D, M)``, ``b1 (M,)``, ``W2 (M, K)``, ``b2 (K,)``.
    Raises: ``ArgumentError`` for sizes below 1 or a spread that is neither a number from 0 nor a known name.
    Source: Deep Learning from Scratch, section 5.7.2.

    >>> x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32"), np.array([0, 1, 1, 0])  # exclusive or
    >>> net, optimizer = TwoLayerNet(2, 8, 2, weight_init_std=1.0), SGD(0.5)
    >>> for _ in range(100):
    ...     optimizer.update(net.params, net.gradient(x, t))
    >>> net.predict(x).argmax(axis=1)
    array([0, 1, 1, 0])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
        rng: Generator | None = None,
    ) -> None:
        rng = generator_of(type(self).__name__, rng)
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("output_size", output_size)):
            check_size(type(self).__name__, name, size)
        path = rng.next_name("TwoLayerNet")

        def weights(name: str, inputs: int, outputs: int) -> Affine:
            W = normal_weights((inputs, outputs), weight_init_std, rng, f"{path}.{name}")
            return Affine(W, zeros((outputs,)))

        super().__init__(
            weights("W1", input_size, hidden_size),
            Relu(),
            weights("W2", hidden_size, output_size),
            loss=SoftmaxWithLoss(),
        )
