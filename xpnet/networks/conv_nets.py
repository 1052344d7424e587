"""The book's convolutional networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xpnet.errors import ArgumentError, DtypeError
from xpnet.initializers import Init, check_size
from xpnet.layers import Affine, Convolution, Dropout, Layer, Pooling, Relu, SoftmaxWithLoss
from xpnet.networks.book import BookNetwork
from xpnet.random import Generator, generator_of

ConvParam = Mapping[str, int]

MEMORY_ROWS = 100  # the rows that predict computes at once: patches of images are many times as large as the images


class ConvNetwork(BookNetwork):
    """A network whose ``predict`` computes a few rows at a time, because images take much memory inside."""

    def predict(self, x: Any, batch_size: int = MEMORY_ROWS) -> Any:
        return super().predict(x, batch_size)


class SimpleConvNet(ConvNetwork):
    """The book's small convolutional network: convolution, ReLU, 2x2 pooling, affine, ReLU, affine, softmax and loss.

    ``conv_param`` has the keys ``filter_num, filter_size, pad, stride``; ``weight_init_std`` is the σ of the weights,
    or ``"he"``, ``"glorot"``, ``"lecun"``. ``params`` has the book's keys ``W1, b1, W2, b2, W3, b3``, ``layers`` its
    names ``Conv1, Relu1, Pool1, Affine1, Relu2, Affine2``.

    Shapes: ``x (N, C, H, W)`` with ``input_dim = (C, H, W)``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` for wrong sizes or keys; ``ShapeError`` for images smaller than a window.
    Source: Deep Learning from Scratch, section 7.5.

    >>> filters = {"filter_num": 3, "filter_size": 3, "pad": 0, "stride": 1}
    >>> net = SimpleConvNet((1, 8, 8), filters, hidden_size=4, output_size=2)
    >>> net.params["W2"].shape  # the pooling leaves 3x3 places of three channels
    (27, 4)
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param: ConvParam = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1},  # noqa: B006 (read only)
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: Init = 0.01,
        rng: Generator | None = None,
    ) -> None:
        stack = ConvStack(type(self).__name__, input_dim, weight_init_std, rng)
        stack.convolution("Conv1", conv_param)
        stack.layers["Relu1"] = Relu()
        stack.pooling("Pool1")
        stack.affine("Affine1", hidden_size)
        stack.layers["Relu2"] = Relu()
        stack.affine("Affine2", output_size)
        super().__init__(stack.layers, loss=SoftmaxWithLoss())


class DeepConvNet(ConvNetwork):
    """The book's deep network, beyond 99 % on MNIST: three times conv, ReLU, conv, ReLU, pooling; two affine layers.

    The weights start with He's spread, √(2/D); dropout of one half follows both affine layers. ``params`` has the
    book's keys ``W1, b1 … W8, b8``.

    Shapes: ``x (N, C, H, W)`` with ``input_dim = (C, H, W)``, ``t (N,)`` or ``(N, K)``.
    Raises: ``ArgumentError`` for wrong sizes or keys; ``ShapeError`` for images smaller than a window.
    Source: Deep Learning from Scratch, section 8.1.

    >>> net = DeepConvNet((1, 8, 8))
    >>> net.params["W7"].shape  # six convolutions and three poolings leave 2x2 places of 64 channels
    (64, 50)
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
        rng: Generator | None = None,
    ) -> None:
        stack = ConvStack(type(self).__name__, input_dim, "he", rng)
        convs = (conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6)
        for i, conv_param in enumerate(convs, 1):
            stack.convolution(f"Conv{i}", conv_param)
            stack.layers[f"Relu{i}"] = Relu()
            if i % 2 == 0:
                stack.pooling(f"Pool{i // 2}")
        stack.affine("Affine1", hidden_size)
        stack.layers["Relu7"] = Relu()
        stack.layers["Dropout1"] = Dropout(0.5, rng=stack.rng)
        stack.affine("Affine2", output_size)
        stack.layers["Dropout2"] = Dropout(0.5, rng=stack.rng)
        super().__init__(stack.layers, loss=SoftmaxWithLoss())


def check_image_shape(who: str, input_dim: Any) -> None:
    """Raise ArgumentError unless these are channels, height and width."""
    if not isinstance(input_dim, Sequence) or len(input_dim) != 3:
        raise ArgumentError(who, "input_dim must be (C, H, W)", input_dim, "for MNIST give (1, 28, 28)")
    for size in input_dim:
        check_size(who, "each size of input_dim", size)


class ConvStack:
    """The layers of a network under construction, and the shape of a sample after the last of them."""

    def __init__(self, who: str, input_dim: tuple[int, ...], init: Init, rng: Generator | None) -> None:
        check_image_shape(who, input_dim)
        self.who, self.init, self.rng = who, init, generator_of(who, rng)
        self.shape: tuple[int, ...] = tuple(input_dim)
        self.layers: dict[str, Layer] = {}

    def convolution(self, name: str, conv_param: Any) -> None:
        """Append a Convolution with the book's ``conv_param``."""
        if not isinstance(conv_param, Mapping):
            remedy = 'such as {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}'
            raise DtypeError(self.who, "conv_param must map names to numbers", repr(conv_param), remedy)
        keys = {"filter_num", "filter_size", "pad", "stride"}
        if not {"filter_num", "filter_size"} <= conv_param.keys() <= keys:
            must = "conv_param must have the keys filter_num and filter_size, and may have pad and stride"
            raise ArgumentError(self.who, must, ", ".join(map(str, conv_param)), "name them so")
        filters, size = conv_param["filter_num"], conv_param["filter_size"]
        stride, pad = conv_param.get("stride", 1), conv_param.get("pad", 0)
        conv = Convolution.create(self.shape[0], filters, size, stride, pad, init=self.init, rng=self.rng)
        self._put(name, conv, filters)

    def pooling(self, name: str) -> None:
        """Append a 2x2 Pooling."""
        self._put(name, Pooling(2, 2, stride=2), self.shape[0])

    def affine(self, name: str, size: int) -> None:
        """Append an Affine that takes all values of a sample."""
        values = 1
        for length in self.shape:
            values *= length
        self.layers[name] = Affine.create(values, size, init=self.init, rng=self.rng)
        self.shape = (size,)

    def _put(self, name: str, layer: Any, channels: int) -> None:
        places = layer.window_on(self.shape, f"{self.who}.{name}").places(self.shape)
        self.layers[name] = layer
        self.shape = (channels, *places)
