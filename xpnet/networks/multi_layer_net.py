"""The book's networks of any number of fully connected layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError
from xpnet.initializers import Init, check_size
from xpnet.layers import Affine, BatchNormalization, Dropout, Layer, Relu, Sigmoid, SoftmaxWithLoss, Tanh
from xpnet.layers.checks import is_number
from xpnet.networks.book import BookNetwork
from xpnet.random import Generator, generator_of
from xpnet.typing import Array

ACTIVATIONS = {"relu": Relu, "sigmoid": Sigmoid, "tanh": Tanh}
BOOK_INITS = {"relu": "he", "sigmoid": "lecun", "xavier": "lecun"}  # the book's Xavier is √(1/D)


class PenalizedNetwork(BookNetwork):
    """A network whose loss grows with its weights, ``L + ½ λ Σ W²``; λ is ``weight_decay_lambda``.

    Source: Deep Learning from Scratch, section 6.4.2.
    """

    def __init__(self, layers: Mapping[str, Layer], loss: Layer, weight_decay_lambda: float) -> None:
        super().__init__(layers, loss=loss)
        decay = weight_decay_lambda
        if not is_number(decay) or not (isfinite(decay) and decay >= 0.0):
            must = "weight_decay_lambda must be finite and not negative"
            raise ArgumentError(type(self).__name__, must, repr(decay), "try 0.1, or 0 for none")
        self.weight_decay_lambda = float(decay)

    def _weights(self) -> dict[str, Array]:
        """Return the arrays that are penalized: the weights, without biases and normalizations."""
        return {name: W for name, W in self.params.items() if self.weight_decay_lambda and name.startswith("W")}

    def penalized(self, loss: Array) -> Array:
        """Return the loss on a batch plus the penalty of large weights, ``½ λ Σ W²``."""
        for W in self._weights().values():
            loss = loss + 0.5 * self.weight_decay_lambda * array_namespace(W).sum(W * W)
        return loss

    def loss_and_gradient(self, x: Any, t: Any, weights: Any = None) -> tuple[Array, dict[str, Array]]:
        """Return the loss on a batch and its gradient, ``∂L/∂W = dW + λ W``."""
        loss, gradients = super().loss_and_gradient(x, t, weights)
        for name, W in self._weights().items():
            if name in gradients:
                gradients[name] = gradients[name] + self.weight_decay_lambda * W
        return loss, gradients


class MultiLayerNet(PenalizedNetwork):
    """The book's network of several layers, ``L = SoftmaxWithLoss(x W … activation(·) Wₙ + bₙ, t) + ½ λ Σ W²``.

    ``activation`` is ``"relu"``, ``"sigmoid"`` or ``"tanh"``; ``weight_init_std`` the spread of the weights:
    ``"relu"`` or ``"he"`` (√(2/D)), ``"sigmoid"`` or ``"xavier"`` (√(1/D)), or σ itself; λ is
    ``weight_decay_lambda``. ``params`` has the book's keys ``W1, b1, W2, b2 …``, ``layers`` its names ``Affine1,
    Activation_function1, Affine2 …``.

    Shapes: ``x (N, D)`` or ``(N, ...)``, ``W1 (D, M)``, ``b1 (M,)``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` for sizes below 1, an unknown activation or spread, or a negative λ.
    Source: Deep Learning from Scratch, sections 6.2 and 6.4.2.

    >>> x, t = np.eye(2, dtype="float32"), np.array([0, 1])
    >>> net = MultiLayerNet(2, [5, 5], 2, weight_decay_lambda=0.1, rng=Generator(0))
    >>> list(net.params)
    ['W1', 'b1', 'W2', 'b2', 'W3', 'b3']
    >>> decay = 0.1 / 2 * sum((W**2).sum() for name, W in net.params.items() if name[0] == "W")
    >>> print(f"{net.loss(x, t):.4f} {net.last_layer.forward(net.forward(x), t) + decay:.4f}")
    1.7840 1.7840
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: Init = "relu",
        weight_decay_lambda: float = 0.0,
        rng: Generator | None = None,
    ) -> None:
        who = type(self).__name__
        sizes = all_sizes(who, input_size, hidden_size_list, output_size)
        layers = affine_stack(who, sizes, activation, weight_init_std, generator_of(who, rng))
        super().__init__(layers, SoftmaxWithLoss(), weight_decay_lambda)


class MultiLayerNetExtend(PenalizedNetwork):
    """``MultiLayerNet`` with batch normalization and dropout, each hidden layer ``dropout(activation(norm(x W + b)))``.

    ``use_batchnorm`` and ``use_dropout`` switch them on; ``dropout_ration``, spelt as in the book, is the share that
    dropout drops. ``params`` has ``gamma1, beta1 …`` too, ``states`` the running statistics ``running_mean1 …``;
    ``layers`` has ``Affine1, BatchNorm1, Activation_function1, Dropout1, Affine2 …``.

    Shapes: ``x (N, D)`` or ``(N, ...)``, ``W1 (D, M)``, ``b1, gamma1, beta1 (M,)``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` as ``MultiLayerNet``, and for a ratio outside 0 … 1.
    Source: Deep Learning from Scratch, sections 6.3 and 6.4.

    >>> list(MultiLayerNetExtend(2, [5], 2, use_batchnorm=True, use_dropout=True).layers)
    ['Affine1', 'BatchNorm1', 'Activation_function1', 'Dropout1', 'Affine2']
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: Init = "relu",
        weight_decay_lambda: float = 0.0,
        use_dropout: bool = False,
        dropout_ration: float = 0.5,
        use_batchnorm: bool = False,
        rng: Generator | None = None,
    ) -> None:
        who = type(self).__name__
        sizes = all_sizes(who, input_size, hidden_size_list, output_size)
        dropped = dropout_ration if use_dropout else None
        layers = affine_stack(who, sizes, activation, weight_init_std, generator_of(who, rng), use_batchnorm, dropped)
        super().__init__(layers, SoftmaxWithLoss(), weight_decay_lambda)


def all_sizes(who: str, first: int, hidden: Sequence[int], last: int) -> tuple[int, ...]:
    """Return the sizes of all layers, from the inputs on.

    Raises: ``ArgumentError``.
    """
    try:
        sizes = (first, *hidden, last)
    except TypeError:
        must = "hidden_size_list must be a list of sizes"
        raise ArgumentError(who, must, repr(hidden), "put one size into a list, [50]") from None
    for size in sizes:
        check_size(who, "each size", size)
    return sizes


def affine_stack(
    who: str,
    sizes: Sequence[int],
    activation: str,
    init: Init,
    rng: Generator,
    use_batchnorm: bool = False,
    dropped: float | None = None,
) -> dict[str, Layer]:
    """Return an Affine between any two successive sizes, followed, except for the last, by the rest of a hidden layer.

    Raises: ``ArgumentError``.
    """
    if str(activation).lower() not in ACTIVATIONS:
        must = f"activation must be one of {', '.join(ACTIVATIONS)}"
        raise ArgumentError(who, must, repr(activation), "choose one")
    if isinstance(init, str):
        init = BOOK_INITS.get(init.lower(), init.lower())
    layers: dict[str, Layer] = {}
    for i, (inputs, outputs) in enumerate(pairwise(sizes), 1):
        layers[f"Affine{i}"] = Affine.create(inputs, outputs, init=init, rng=rng)
        if i == len(sizes) - 1:
            break
        if use_batchnorm:
            layers[f"BatchNorm{i}"] = BatchNormalization.create(outputs)
        layers[f"Activation_function{i}"] = ACTIVATIONS[activation.lower()]()
        if dropped is not None:
            layers[f"Dropout{i}"] = Dropout(dropped, rng=rng)
    return layers
