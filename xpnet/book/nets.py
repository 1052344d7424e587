"""The base of the book's networks: the library's network behind the book's methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xpnet import layers
from xpnet.backend import backend_of, dtype_kind, is_array, to_numpy, use_backend
from xpnet.book import pickle
from xpnet.book.arrays import GlobalGenerator, as_labels, doubles
from xpnet.book.gradient import numerical_gradient
from xpnet.book.layers import BatchNormalization, Dropout, SoftmaxWithLoss
from xpnet.errors import DataError
from xpnet.layers import Layer
from xpnet.layers.named import NamedArrays
from xpnet.networks.book import BookNetwork
from xpnet.networks.multi_layer_net import PenalizedNetwork
from xpnet.typing import Array


class Net:
    """A network with the book's methods; the library's own network is ``network``.

    Weights are drawn by ``numpy.random.randn`` in the book's order, in float64 on the current backend.
    """

    def __init__(self, kind: Callable[..., BookNetwork], *sizes: Any, **options: Any) -> None:
        with use_backend(doubles()):
            made = kind(*sizes, rng=GlobalGenerator(), **options)
            named = {name: _as_in_the_book(layer) for name, layer in made.layers.items()}
            if isinstance(made, PenalizedNetwork):
                self.network: Any = PenalizedNetwork(named, SoftmaxWithLoss(), made.weight_decay_lambda)
            else:
                self.network = BookNetwork(named, loss=SoftmaxWithLoss())

    @property
    def params(self) -> NamedArrays:
        """The live parameters by the book's keys, ``W1, b1 …``: writing to it writes into the layers."""
        return self.network.params  # type: ignore[no-any-return]

    @property
    def layers(self) -> Any:
        """The layers by the book's names."""
        return self.network.layers

    @property
    def last_layer(self) -> Layer:
        """The loss."""
        return self.network.last_layer  # type: ignore[no-any-return]

    lastLayer = last_layer  # noqa: N815 (the book's name in chapter 5)

    def predict(self, x: Array) -> Array:
        """Return the scores of rows."""
        return self.network.predict(x)  # type: ignore[no-any-return]

    def loss(self, x: Array, t: Array) -> Array:
        """Return the loss on a batch."""
        return self._trained_loss(x, t)

    def accuracy(self, x: Array, t: Array) -> float:
        """Return the share of rows whose highest score is at the label."""
        return self.network.accuracy(x, as_labels(t))  # type: ignore[no-any-return]

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the gradient of the loss by backpropagation, name -> array."""
        return self.network.gradient(x, t)  # type: ignore[no-any-return]

    def numerical_gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """Return the gradient by the book's numerical differentiation, name -> array; slow."""
        return {name: numerical_gradient(lambda _: self._trained_loss(x, t), W) for name, W in self.params.items()}

    def _trained_loss(self, x: Array, t: Array) -> Array:
        """Return the function that ``gradient`` differentiates."""
        return self.network.loss(x, t)  # type: ignore[no-any-return]

    def save_params(self, file_name: str | Path = "params.pkl") -> None:
        """Write the parameters as the book does, a pickle of a dict, name -> NumPy array.

        Raises: ``DataError`` where the file cannot be written.
        """
        try:
            with open(file_name, "wb") as file:
                pickle.dump(dict(self.params), file)
        except OSError as error:
            who = f"{type(self).__name__}.save_params"
            raise DataError(who, f"{file_name} must be writable", error, "choose another path") from error

    def load_params(self, file_name: str | Path = "params.pkl") -> None:
        """Read a file of ``save_params``, written here or by the book; nothing in the file is run.

        Raises: ``DataError`` for a file that is missing, damaged, or of another network.
        """
        who = f"{type(self).__name__}.load_params"
        try:
            with open(file_name, "rb") as file:
                found = pickle.load(file)
        except OSError as error:
            if isinstance(error, DataError):
                raise
            raise DataError(who, f"{file_name} must be readable", error, "give the path of a pickle") from error
        params, remedy = self.params, "give the file that save_params of such a network wrote"
        wanted = {name: tuple(array.shape) for name, array in params.items()}
        shapes = {}
        if isinstance(found, Mapping):
            shapes = {n: tuple(a.shape) for n, a in found.items() if is_array(a) and dtype_kind(a) == "real"}
        if shapes != wanted or len(shapes) != len(found):
            different = sorted(str(name) for name in {*wanted, *shapes} if wanted.get(name) != shapes.get(name))
            got = f"others at {', '.join(different)}" if shapes else type(found).__name__
            raise DataError(who, f"{file_name} must hold arrays by the names of params", got, remedy)
        for name, array in found.items():
            params[name] = backend_of(params[name]).asarray(to_numpy(array))


def _as_in_the_book(layer: Layer) -> Layer:
    """Return the book's layer in place of the library's if the two differ."""
    if isinstance(layer, layers.Dropout):
        return Dropout(layer.dropout_ratio)
    if isinstance(layer, layers.BatchNormalization):
        return BatchNormalization(layer.gamma, layer.beta, layer.momentum)
    return layer
