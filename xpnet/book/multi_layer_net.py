"""The network of chapter 6."""

from __future__ import annotations

from collections.abc import Sequence

from xpnet import networks
from xpnet.book.nets import Net
from xpnet.initializers import Init


class MultiLayerNet(Net):
    """The book's network of several layers, ``L = SoftmaxWithLoss(x W … activation(·) Wₙ + bₙ, t) + ½ λ Σ W²``.

    Arguments, Shapes, Raises: as ``xpnet.networks.MultiLayerNet``.
    Source: Deep Learning from Scratch, sections 6.2 and 6.4.2.

    >>> np.random.seed(0)
    >>> net = MultiLayerNet(input_size=4, hidden_size_list=[3, 3], output_size=2, activation="sigmoid")
    >>> net.params["W1"][0], list(net.params)
    (array([1.2474, 0.283 , 0.6921]), ['W1', 'b1', 'W2', 'b2', 'W3', 'b3'])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: Init = "relu",
        weight_decay_lambda: float = 0,
    ) -> None:
        sizes = (input_size, hidden_size_list, output_size)
        super().__init__(networks.MultiLayerNet, *sizes, activation, weight_init_std, weight_decay_lambda)
