"""The network of chapter 5."""

from __future__ import annotations

from xpnet import networks
from xpnet.book.nets import Net


class TwoLayerNet(Net):
    """The book's network of two layers, ``L = SoftmaxWithLoss(relu(x W1 + b1) W2 + b2, t)``.

    Shapes, Raises: as ``xpnet.networks.TwoLayerNet``.
    Source: Deep Learning from Scratch, section 5.7.2.

    >>> np.random.seed(0)
    >>> net = TwoLayerNet(input_size=4, hidden_size=3, output_size=2)
    >>> net.params["W1"][0], list(net.layers)
    (array([0.0176, 0.004 , 0.0098]), ['Affine1', 'Relu1', 'Affine2'])
    """

    def __init__(self, input_size: int, hidden_size: int, output_size: int, weight_init_std: float = 0.01) -> None:
        super().__init__(networks.TwoLayerNet, input_size, hidden_size, output_size, weight_init_std)
