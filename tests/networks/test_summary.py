"""The summary of a network for a batch: shapes, parameters, memory and multiply-adds, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

from xpnet.backend import to_numpy
from xpnet.errors import DtypeError
from xpnet.layers import GRU, Affine, Convolution, Dropout, Flatten, MaxPooling, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential, TransformerLM, TwoLayerNet
from xpnet.networks.summary import lines


def test_shapes_and_products_of_a_convolutional_network(asarray, backend) -> None:
    net = Sequential(
        Convolution.create(2, 3, 3, pad=1), Relu(), MaxPooling(2, 2), Flatten(), Dropout(0.5), Affine.create(27, 4),
        loss=SoftmaxWithLoss(),
    )  # fmt: skip
    x = asarray(normal("x", 5, 2, 6, 6))
    width = {"float32": 4, "float64": 8}[str(backend.dtype).rpartition(".")[2].strip("'>")]
    found = [(line.name, line.shape, line.parameters, line.memory // width, line.products) for line in lines(net, x)]
    assert found == [
        ("Convolution1", (5, 3, 6, 6), 57, 540, 540 * 2 * 9),
        ("Relu1", (5, 3, 6, 6), 0, 540, 0),
        ("MaxPooling1", (5, 3, 3, 3), 0, 135, 0),
        ("Flatten1", (5, 27), 0, 135, 0),
        ("Dropout1", (5, 27), 0, 135, 0),
        ("Affine1", (5, 4), 112, 20, 20 * 27),
    ]
    assert net.states["Dropout1.step"] == 0
    text = net.summary(x)
    assert text.splitlines()[0].split() == ["layer", "kind", "output", "parameters", "memory", "multiply-adds"]
    assert "169" in text.splitlines()[-2]
    assert f"{540 * 18 + 540:,}" in text.splitlines()[-2]
    before = to_numpy(net.predict(x))
    np.testing.assert_array_equal(to_numpy(net.predict(x)), before)


def test_sequences_are_counted(asarray) -> None:
    net = Sequential(GRU.create(3, 4))
    (line,) = lines(net, asarray(normal("x", 2, 5, 3)))
    assert (line.shape, line.products) == ((2, 5, 4), 2 * 5 * 12 * 7)
    lm = TransformerLM(7, 6, 8, 2, 1, tied=True)
    found = {line.name: line for line in lines(lm, asarray(np.zeros((2, 5), dtype=np.int64)))}
    assert found["Block1.Attention1"].products == 2 * 5 * 4 * 64 + 2 * 2 * 25 * 8
    assert found["Block1.Linear1"].products == 2 * 5 * 8 * 32
    assert next(iter(found)) == "Embedding1"


def test_the_book_s_network_and_bad_input(asarray) -> None:
    net = TwoLayerNet(4, 5, 3)
    assert [line.products for line in lines(net, asarray(normal("x", 2, 4)))] == [40, 0, 30]
    with pytest.raises(
        DtypeError, match=r"^TwoLayerNet.summary: x must be a batch, an array, got list; give the first"
    ):
        net.summary([[1.0]])
    assert "memory" not in net.summary()
