"""The network of chapter 7."""

from __future__ import annotations

from collections.abc import Mapping

from xpnet import networks
from xpnet.book.arrays import as_labels
from xpnet.book.nets import Net
from xpnet.initializers import Init
from xpnet.typing import Array


class SimpleConvNet(Net):
    """The book's small convolutional network: convolution, ReLU, 2x2 pooling, affine, ReLU, affine, softmax and loss.

    Arguments, Shapes, Raises: as ``xpnet.networks.SimpleConvNet``.
    Source: Deep Learning from Scratch, section 7.5.

    >>> net = SimpleConvNet((1, 8, 8), {"filter_num": 3, "filter_size": 3, "pad": 0, "stride": 1}, hidden_size=4)
    >>> net.params["W2"].shape, net.predict(np.zeros((5, 1, 8, 8))).shape
    ((27, 4), (5, 10))
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param: Mapping[str, int] = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1},
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: Init = 0.01,
    ) -> None:
        super().__init__(networks.SimpleConvNet, input_dim, conv_param, hidden_size, output_size, weight_init_std)

    def accuracy(self, x: Array, t: Array, batch_size: int = 100) -> float:
        """Return the share of rows whose highest score is at the label, computed ``batch_size`` rows at a time."""
        return self.network.accuracy(x, as_labels(t), batch_size)  # type: ignore[no-any-return]
