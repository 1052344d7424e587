"""The network of chapter 8."""

from __future__ import annotations

from collections.abc import Mapping

from xpnet import networks
from xpnet.book.arrays import as_labels
from xpnet.book.nets import Net
from xpnet.layers import Layer
from xpnet.typing import Array

ConvParam = Mapping[str, int]


class DeepConvNet(Net):
    """The book's deep network, beyond 99 % on MNIST: three times conv, ReLU, conv, ReLU, pooling; two affine layers.

    ``layers`` is a list, as in the book. ``predict`` infers unless ``train_flg=True``; ``loss`` trains.

    Arguments, Shapes, Raises: as ``xpnet.networks.DeepConvNet``.
    Source: Deep Learning from Scratch, section 8.1.

    >>> net = DeepConvNet((1, 8, 8))
    >>> len(net.layers), net.params["W8"].shape
    (20, (50, 10))
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param_1: ConvParam = {"filter_num": 16, "filter_size": 3, "pad": 1, "stride": 1},  # noqa: B006
        conv_param_2: ConvParam = {"filter_num": 16, "filter_size": 3, "pad": 1, "stride": 1},  # noqa: B006
        conv_param_3: ConvParam = {"filter_num": 32, "filter_size": 3, "pad": 1, "stride": 1},  # noqa: B006
        conv_param_4: ConvParam = {"filter_num": 32, "filter_size": 3, "pad": 2, "stride": 1},  # noqa: B006
        conv_param_5: ConvParam = {"filter_num": 64, "filter_size": 3, "pad": 1, "stride": 1},  # noqa: B006
        conv_param_6: ConvParam = {"filter_num": 64, "filter_size": 3, "pad": 1, "stride": 1},  # noqa: B006
        hidden_size: int = 50,
        output_size: int = 10,
    ) -> None:
        convolutions = (conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6)
        super().__init__(networks.DeepConvNet, input_dim, *convolutions, hidden_size, output_size)

    @property
    def layers(self) -> list[Layer]:
        """The layers in order."""
        return list(self.network.layers.values())

    def predict(self, x: Array, train_flg: bool = False) -> Array:
        """Return the scores of rows, in training or in inference."""
        return self.network.forward(x) if train_flg else self.network.predict(x, 100)  # type: ignore[no-any-return]

    def accuracy(self, x: Array, t: Array, batch_size: int = 100) -> float:
        """Return the share of rows whose highest score is at the label, computed ``batch_size`` rows at a time."""
        return self.network.accuracy(x, as_labels(t), batch_size)  # type: ignore[no-any-return]
