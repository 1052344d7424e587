"""The network of chapter 6 with batch normalization and dropout."""

from __future__ import annotations

from collections.abc import Sequence

from xpnet import networks
from xpnet.book.nets import Net
from xpnet.initializers import Init
from xpnet.typing import Array


class MultiLayerNetExtend(Net):
    """``MultiLayerNet`` with batch normalization and dropout, each hidden layer ``dropout(activation(norm(x W + b)))``.

    ``loss`` and ``predict`` infer unless ``train_flg=True``; ``gradient`` is that of ``loss(x, t, train_flg=True)``.

    Arguments, Shapes, Raises: as ``xpnet.networks.MultiLayerNetExtend``.
    Source: Deep Learning from Scratch, sections 6.3 and 6.4.

    >>> net = MultiLayerNetExtend(4, [3], 2, use_dropout=True, use_batchnorm=True)
    >>> list(net.layers)
    ['Affine1', 'BatchNorm1', 'Activation_function1', 'Dropout1', 'Affine2']
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: Init = "relu",
        weight_decay_lambda: float = 0,
        use_dropout: bool = False,
        dropout_ration: float = 0.5,
        use_batchnorm: bool = False,
    ) -> None:
        sizes = (input_size, hidden_size_list, output_size)
        extras = (use_dropout, dropout_ration, use_batchnorm)
        kind = networks.MultiLayerNetExtend
        super().__init__(kind, *sizes, activation, weight_init_std, weight_decay_lambda, *extras)

    def predict(self, x: Array, train_flg: bool = False) -> Array:
        """Return the scores of rows, in training or in inference."""
        return self.network.forward(x) if train_flg else super().predict(x)

    def loss(self, x: Array, t: Array, train_flg: bool = False) -> Array:
        """Return the loss on a batch, in training or in inference."""
        return self._trained_loss(x, t) if train_flg else self.network.loss(x, t, predict=True)
