"""Classes that derive from nothing, typed from the pages of the book, are checked as layers and networks are."""

from collections import OrderedDict

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, NameUnknownError

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 4))


class MulLayer:
    def __init__(self):
        self.x = None
        self.y = None

    def forward(self, x, y):
        self.x = x
        self.y = y
        return x * y

    def backward(self, dout):
        return dout * self.y, dout * self.x


class SwappedMulLayer(MulLayer):
    def backward(self, dout):
        return dout * self.x, dout * self.y


class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class NoMask(Relu):
    def backward(self, dout):
        return dout


class Affine:
    def __init__(self, W, b):
        self.W = W
        self.b = b
        self.x = None
        self.dW = None
        self.db = None

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return dx


class LateAffine(Affine):
    """Its gradients are attributes only once backward has run."""

    def __init__(self, W, b):
        self.W, self.b = W, b


class WrongAffine(Affine):
    def backward(self, dout):
        dx = super().backward(dout)
        self.db = dout[0]
        return dx


class SoftmaxWithLoss:
    def forward(self, x, t):
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        self.y, self.t = e / np.sum(e, axis=-1, keepdims=True), t
        return -np.sum(np.log(self.y[np.arange(len(t)), t])) / len(t)

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx / len(self.t)


class SumLoss(SoftmaxWithLoss):
    def backward(self, dout=1):
        return super().backward() * len(self.t)


class Dropout:
    def forward(self, x, train_flg=True):
        if not train_flg:
            return x * 0.5
        self.mask = np.random.rand(*x.shape) > 0.5  # noqa: NPY002
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class TwoLayerNet:
    affine = Affine

    def __init__(self):
        self.params = {
            "W1": rng.normal(size=(4, 5)),
            "b1": np.zeros(5),
            "W2": rng.normal(size=(5, 3)),
            "b2": np.zeros(3),
        }
        self.layers = OrderedDict()
        self.layers["Affine1"] = self.affine(self.params["W1"], self.params["b1"])
        self.layers["Relu1"] = Relu()
        self.layers["Affine2"] = Affine(self.params["W2"], self.params["b2"])
        self.lastLayer = SoftmaxWithLoss()

    def loss(self, x, t):
        for layer in self.layers.values():
            x = layer.forward(x)
        return self.lastLayer.forward(x, t)

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.lastLayer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        first, second = self.layers["Affine1"], self.layers["Affine2"]
        return {"W1": first.dW, "b1": first.db, "W2": second.dW, "b2": second.db}


class WrongNet(TwoLayerNet):
    affine = WrongAffine


class Missing(TwoLayerNet):
    def gradient(self, x, t):
        gradients = super().gradient(x, t)
        del gradients["b1"]
        return gradients


class Unknown(TwoLayerNet):
    def gradient(self, x, t):
        return super().gradient(x, t) | {"W7": np.zeros(3)}


W, B, T = rng.normal(size=(4, 2)), rng.normal(size=2), np.asarray([0, 2, 3])
RIGHT = {
    "MulLayer": (MulLayer(), (X, X + 2.0)),
    "MulLayer of numbers": (MulLayer(), (100, 2)),
    "Relu": (Relu(), (X,)),
    "Affine": (Affine(W, B), (X,)),
    "Affine whose gradients come late": (LateAffine(W, B), (X,)),
    "SoftmaxWithLoss": (SoftmaxWithLoss(), (X, T)),
    "Dropout": (Dropout(), (X,)),
}
WRONG = {
    "swapped": (SwappedMulLayer(), (X, X + 2.0), {"x", "y"}),
    "no mask": (NoMask(), (X,), {"x"}),
    "db of one row": (WrongAffine(W, B), (X,), {"b"}),
    "not divided by N": (SumLoss(), (X, T), {"x"}),
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("mode", ["every", "directions"])
def test_right_layers_pass(name, mode):
    layer, inputs = RIGHT[name]
    report = xn.gradient_check(layer, *inputs, mode=mode)
    assert report.ok, report
    assert report.subject == type(layer).__name__


@pytest.mark.parametrize("name", WRONG)
def test_wrong_layers_fail_where_they_are_wrong(name):
    layer, inputs, wrong = WRONG[name]
    report = xn.gradient_check(layer, *inputs)
    assert {row.name for row in report.rows if row.status == "fail"} == wrong, report


def test_parameters_are_those_that_have_a_gradient():
    affine = Affine(W, B)
    affine.forward(X)
    affine.backward(np.ones((3, 2)))  # x is kept and W has a dW, but x is no parameter
    assert {row.name for row in xn.gradient_check(affine, X).rows} == {"x", "W", "b"}


def test_a_checked_layer_is_left_as_it_was():
    affine, dropout = Affine(W.copy(), B), Dropout()
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.rand(3)  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    xn.gradient_check(affine, X)
    xn.gradient_check(dropout, X)
    assert affine.x is affine.dW is None
    np.testing.assert_array_equal(affine.W, W)
    np.testing.assert_array_equal(np.random.rand(3), expected)  # noqa: NPY002


def test_the_network_of_the_book_passes_and_stays_as_it_was():
    net = TwoLayerNet()
    before = {name: array.copy() for name, array in net.params.items()}
    report = xn.gradient_check(net, X, T % 3)
    assert report.ok, report
    assert report.subject == "TwoLayerNet"
    assert [row.name for row in report.rows] == ["W1", "b1", "W2", "b2"]
    for name, array in before.items():
        np.testing.assert_array_equal(net.params[name], array)
    assert xn.gradient_check(net, X, T % 3, mode="directions").ok


def test_a_network_of_one_wrong_layer_names_it_and_no_other():
    report = xn.gradient_check(WrongNet(), X, T % 3)
    assert [row.name for row in report.rows if row.status == "fail"] == ["b1"]
    causes = " ".join(report.rows[1].causes)
    assert "Affine1.backward is itself wrong" in causes
    assert "Affine2" not in causes
    assert "SoftmaxWithLoss" not in causes
    missing = xn.gradient_check(Missing(), X, T % 3)
    assert [row.name for row in missing.rows if row.status == "fail"] == ["b1"]


def test_what_is_wrong_with_a_network_s_names_or_inputs_is_told():
    with pytest.raises(NameUnknownError, match="W7"):
        xn.gradient_check(Unknown(), X, T % 3)
    with pytest.raises(ArgumentError, match="TwoLayerNet must come with x, t"):
        xn.gradient_check(TwoLayerNet(), X)
    with pytest.raises(ArgumentError, match="complex"):
        xn.gradient_check(TwoLayerNet(), X, T % 3, mode="complex")
    with pytest.raises(ArgumentError, match="x must be finite"):
        xn.gradient_check(TwoLayerNet(), X * np.nan, T % 3)
    with pytest.raises(ArgumentError, match="every layer must be holomorphic"):
        xn.gradient_check(Affine(W, B), X, mode="complex")


class Squares:
    """A network of one parameter."""

    def __init__(self, W):
        self.params = {"W": W}

    def loss(self, x, t):
        error = x @ self.params["W"] - t
        return (error * error).sum()

    def gradient(self, x, t):
        return {"W": 2.0 * x.T @ (x @ self.params["W"] - t)}


def test_arrays_that_cannot_be_written_to_are_refused():
    jnp = pytest.importorskip("jax.numpy")
    net, x, t = Squares(jnp.ones(4)), jnp.asarray(X), jnp.ones(3)
    with pytest.raises(DtypeError, match="W must be an array that can be written to, got jax"):
        xn.gradient_check(net, x, t)
    assert xn.gradient_check(Squares(np.ones(4)), X, np.ones(3)).ok


def test_the_book_s_flag_is_set_where_the_loss_has_it():
    from xpnet.book.multi_layer_net_extend import MultiLayerNetExtend

    np.random.seed(0)  # noqa: NPY002
    net = MultiLayerNetExtend(4, [5], 3, use_batchnorm=True, use_dropout=True, dropout_ration=0.3)
    report = xn.gradient_check(net, X, T % 3)
    assert report.ok, report


class OnAnyLibrary:
    """Plain, but written against the standard."""

    def __init__(self, W):
        self.W, self.dW = W, None

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


def test_a_plain_layer_of_any_library(asarray, dtype):
    layer = OnAnyLibrary(asarray(W))
    xn.gradient_check(layer, asarray(X)).raise_if_failed()
    np.testing.assert_allclose(to_numpy(layer.W), W, rtol=1e-6)
