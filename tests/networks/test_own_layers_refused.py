"""Layers and networks of one's own that cannot train are refused when they are put together, or at first use."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.errors import ArgumentError, DtypeError, StateError
from xpnet.layers import Affine, Dropout, Layer, MeanSquaredError, Relu
from xpnet.networks import Network, Sequential

X = np.ones((2, 3), dtype=np.float32)


class Twice(Layer):
    """A layer inside which another one stands, where nothing looks for it."""

    def __init__(self, inner: Layer) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x) * 2.0

    def backward(self, dout):
        return self.inner.backward(dout * 2.0)


class Forgetful(Network):
    """A network of which one layer is an attribute alone."""

    def __init__(self, layer: Layer) -> None:
        super().__init__({"first": Affine.create(3, 3)}, loss=MeanSquaredError())
        self.second = layer

    def forward(self, x):
        return self.second(self.layers["first"](x))


@pytest.mark.parametrize("layer", [Affine.create(3, 3), Dropout(), Sequential(Affine.create(3, 3))])
def test_a_layer_that_nothing_would_train_or_infer_with_is_refused(layer) -> None:
    kind = type(layer).__name__
    message = rf"Forgetful: every layer inside must be one of its layers, got attribute second, {kind}; derive from"
    with pytest.raises(ArgumentError, match=message):
        Forgetful(layer).gradient(X, X)
    with pytest.raises(ArgumentError, match=rf"Twice: every layer inside .*, got attribute inner, {kind}; derive"):
        Sequential(Twice(layer), loss=MeanSquaredError()).gradient(X, X)


def test_a_layer_without_arrays_may_be_an_attribute() -> None:
    net = Forgetful(Relu())
    net.first = net.layers["first"]
    assert list(net.gradient(X, X)) == ["first.W", "first.b"]


def test_a_layer_may_know_its_neighbours_and_the_network_around_it() -> None:
    first, second = Affine.create(3, 3), Affine.create(3, 3)
    net = Sequential(first, second, loss=MeanSquaredError())
    second.before, second.around = first, net
    assert list(net.gradient(X, X)) == ["Affine1.W", "Affine1.b", "Affine2.W", "Affine2.b"]


def test_a_layer_must_have_both_methods() -> None:
    class Halfway(Layer):
        def forward(self, x):
            return x

    with pytest.raises(DtypeError, match=r"Sequential: Halfway1 must have a backward, got Halfway; write it; that of"):
        Sequential(Halfway())
    with pytest.raises(DtypeError, match=r"Sequential: Layer1 must have a forward, got Layer; write it"):
        Sequential(Layer())


def test_a_forward_must_return_something() -> None:
    class Silent(Layer):
        def forward(self, x):
            self.y = x

        def backward(self, dout):
            return dout

    with pytest.raises(DtypeError, match=r"Silent: forward must return an array, got None; return its result"):
        Silent()(X)


@pytest.mark.parametrize("loss", [Relu(), Sequential(Relu())])
def test_a_loss_compares_with_targets(loss) -> None:
    kind = type(loss).__name__
    with pytest.raises(
        ArgumentError, match=rf"Sequential: loss must compare .* with targets, .*, got {kind} of x; try"
    ):
        Sequential(Relu(), loss=loss)


def test_a_network_that_has_not_begun_says_what_it_lacks() -> None:
    class Unbegun(Network):
        def __init__(self) -> None:
            self.first = Affine.create(3, 3)

    with pytest.raises(StateError, match=r"Unbegun: a loss layer must end it, got none; build it with loss=…"):
        Unbegun().gradient(X, X)
