"""Pictures of numbers that layers computed, of classes that derive from nothing, and of ``layer.forward(v)``."""

from collections import OrderedDict

import numpy as np
import pytest

import xpnet as xn
from xpnet.autodiff import Variable
from xpnet.drawing import draw
from xpnet.errors import DtypeError
from xpnet.layers import AddLayer, Affine, Identity, MulLayer, Relu, Sigmoid, SoftmaxWithLoss


def arrows(drawing):
    graph = drawing.graph
    return [
        (graph.nodes[edge.source].label, edge.value, edge.derivative, graph.nodes[edge.target].label)
        for edge in graph.edges
    ]


def boxes(drawing):
    return [node.label for node in drawing.graph.nodes if node.kind in ("layer", "operation")]


def test_the_numbers_of_chapter_5_draw_their_graph():
    mul_apple, mul_tax = MulLayer(), MulLayer()
    apple_price = mul_apple.forward(100, 2)
    price = mul_tax.forward(apple_price, 1.1)
    assert arrows(draw(apple_price)) == [("x1", "100", "", "×"), ("x2", "2", "", "×"), ("×", "200", "", "")]
    assert [value for _, value, _, _ in arrows(draw(price))] == ["100", "2", "200", "1.1", "220"]
    mul_apple.backward(mul_tax.backward(1)[0])
    assert arrows(draw(price)) == [
        ("x1", "100", "2.2", "×"),
        ("x2", "2", "110", "×"),
        ("×", "200", "1.1", "×"),
        ("x3", "1.1", "200", "×"),
        ("×", "220", "1", ""),
    ]


def test_the_numbers_are_numbers():
    layer = MulLayer()
    two_hundred, price = layer.forward(100, 2), layer.forward(100, 2.2)
    assert isinstance(two_hundred, int)
    assert (repr(two_hundred), str(price)) == ("200", str(100 * 2.2))
    assert (type(two_hundred + 1), type(price * 2), int(price)) == (int, float, 220)
    assert float(Variable(price).value) == pytest.approx(220.0)
    assert xn.grad(lambda x: x * x)(price) == pytest.approx(440.0)
    assert Affine(np.ones((1, 1)), np.zeros(1)).forward(np.ones((1, 1)) * price)[0, 0] == pytest.approx(220.0)
    assert all(type(d) in (int, float) for d in layer.backward(1))
    assert all(type(d) in (int, float) for d in layer.backward(layer.forward(1, 2.0)))


def test_equal_numbers_of_two_layers_are_two_boxes():
    apples, oranges, add = MulLayer(), MulLayer(), AddLayer()
    total = add.forward(apples.forward(100, 2), oranges.forward(50, 4))
    assert boxes(draw(total)) == ["×", "×", "+"]
    assert sorted(value for _, value, _, _ in arrows(draw(total))) == ["100", "2", "200", "200", "4", "400", "50"]


def test_a_number_used_twice_is_one_box():
    square, root = MulLayer(), MulLayer()
    x = root.forward(3, 2.0)
    y = square.forward(x, x)
    square.backward(1)
    assert boxes(draw(y)) == ["×", "×"]
    assert ("×", "6", "12", "×") in arrows(draw(y))


def test_long_chains_of_numbers_draw():
    total = 0.0
    for _ in range(2000):
        total = AddLayer().forward(total, 1.0)
    assert len(boxes(draw(total))) == 2000


def test_a_layer_called_by_its_forward_is_one_box_unless_expanded():
    x = Variable(np.ones((2, 3)), name="x")
    affine, sigmoid = Affine(np.ones((3, 2)), np.zeros(2)), Sigmoid()
    y = sigmoid.forward(affine.forward(x))
    assert boxes(draw(y)) == ["Affine", "Sigmoid"]
    assert {"@", "exp"} <= set(boxes(draw(y, expand=True)))
    assert boxes(draw(sigmoid(affine(x)))) == ["Affine", "Sigmoid"]
    loss = SoftmaxWithLoss().forward(y, np.asarray([0, 1]))
    loss.backward()
    drawn = draw(loss)
    assert boxes(drawn) == ["Affine", "Sigmoid", "SoftmaxWithLoss"]
    by_call = SoftmaxWithLoss()(sigmoid(affine(x)), np.asarray([0, 1]))
    by_call.backward()
    assert arrows(drawn) == arrows(draw(by_call))


def test_a_layer_whose_forward_records_nothing_is_no_box():
    x = Variable(np.ones(3), name="x")
    assert boxes(draw(Identity().forward(x))) == []
    assert boxes(draw(Relu().forward(Identity().forward(x)))) == ["Relu"]


def test_parameters_that_are_variables_are_operands_of_the_box():
    W = Variable(np.ones((3, 2)), name="W")
    affine = Affine(np.ones((3, 2)), np.zeros(2))
    with affine.using({"W": W}):
        y = affine.forward(Variable(np.ones((2, 3)), name="x"))
    sources = {source for source, _, _, target in arrows(draw(y)) if target == "Affine"}
    assert {"x", "W"} <= sources


class PlainAffine:
    def __init__(self, W, b):
        self.W, self.b, self.dW, self.db = W, b, None, None

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class PlainNet:
    def __init__(self):
        self.params = {"W1": np.ones((4, 3)), "b1": np.zeros(3)}

    def loss(self, x, t):
        return 0.0

    def gradient(self, x, t):
        return self.params


class LayeredNet(PlainNet):
    def __init__(self, loss_name="lastLayer"):
        super().__init__()
        self.layers = OrderedDict(Affine1=PlainAffine(self.params["W1"], self.params["b1"]), Relu1=Relu())
        setattr(self, loss_name, SoftmaxWithLoss())


def test_a_plain_layer_draws_as_a_box_with_its_parameters():
    drawing = draw(PlainAffine(np.ones((4, 3)), np.zeros(3)))
    assert [node.label for node in drawing.graph.nodes] == ["PlainAffine", "x", "y"]
    assert drawing.graph.nodes[0].details == ("W (4, 3)", "b (3,)")


def test_a_plain_network_draws_its_layers():
    for name in ("lastLayer", "last_layer"):
        assert boxes(draw(LayeredNet(name))) == ["Affine1", "Relu1", "SoftmaxWithLoss"]
    net = LayeredNet()
    net.layers = list(net.layers.values())
    assert boxes(draw(net)) == ["PlainAffine1", "Relu2", "SoftmaxWithLoss"]
    assert boxes(draw(PlainNet())) == ["PlainNet"]
    assert "W1 (4, 3)" in draw(PlainNet()).svg()


def test_the_book_s_networks_draw():
    from xpnet.book.deep_convnet import DeepConvNet
    from xpnet.book.two_layer_net import TwoLayerNet

    assert boxes(draw(TwoLayerNet(4, 3, 2))) == ["Affine1", "Relu1", "Affine2", "SoftmaxWithLoss"]
    assert len(boxes(draw(DeepConvNet(hidden_size=3)))) == 21


@pytest.mark.parametrize("subject", [220.0, 3, "price", object(), PlainAffine, None])
def test_what_is_no_graph_is_refused(subject):
    with pytest.raises(DtypeError, match="draw: subject must be"):
        draw(subject)
