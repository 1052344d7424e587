"""Many values of a network side by side: as one by one, and in far fewer forwards."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from faulty_layers import total
from named_numbers import normal

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.datasets import load_mnist
from xpnet.gradcheck.batched import side_by_side
from xpnet.gradcheck.numerical import one_by_one
from xpnet.layers import (
    Affine,
    BatchNormalization,
    Dropout,
    Flatten,
    IdentityWithLoss,
    Layer,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
)
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.random import Generator


def stack_of(*layers: Layer, loss: Layer | None = None) -> Sequential:
    return Sequential(*layers, loss=loss or SoftmaxWithLoss())


def affine(name: str, inputs: int, outputs: int) -> Affine:
    return Affine(normal(f"{name}.W", inputs, outputs), normal(f"{name}.b", outputs))


LABELS = np.asarray([0, 2, 1])
STACKS = {
    "one Affine": (lambda: stack_of(affine("a", 4, 3)), normal("x", 3, 4), LABELS),
    "three Affines": (
        lambda: stack_of(affine("a", 4, 5), Relu(), affine("b", 5, 6), Sigmoid(), affine("c", 6, 3)),
        normal("x", 3, 4),
        LABELS,
    ),
    "nested": (
        lambda: stack_of(Sequential(affine("a", 4, 5), Sequential(Relu(), affine("b", 5, 4))), affine("c", 4, 3)),
        normal("x", 3, 4),
        np.eye(3)[LABELS],
    ),
    "images": (
        lambda: stack_of(affine("a", 8, 5), Relu(), affine("b", 5, 3)),
        normal("x", 3, 2, 2, 2),
        LABELS,
    ),
    "flattened images": (
        lambda: stack_of(Flatten(), affine("a", 8, 3), loss=IdentityWithLoss()),
        normal("x", 3, 2, 2, 2),
        normal("t", 3, 3),
    ),
    "one row": (lambda: stack_of(affine("a", 4, 3)), normal("x", 1, 4), LABELS[:1]),
}


@pytest.mark.parametrize("dtype", ["float64"])
@pytest.mark.parametrize("stack", STACKS)
def test_values_side_by_side_are_those_one_by_one(stack: str, asarray, backend) -> None:
    make, x, t = STACKS[stack]
    with xn.use_backend("numpy"):
        net = make().to(backend)
    x, t = asarray(x), asarray(t)
    for name, place in net.params.places.items():

        def loss_at(array, name=name):
            with net.using({name: array}):
                return net.loss(x, t)

        host = to_numpy(net.params[name])
        fast, slow = side_by_side(net, place, x, t), one_by_one(loss_at, host, backend)
        indices = np.unique(np.linspace(0, host.size - 1, 5).astype(int))
        moves = np.tile([[-0.25, 1e-3, 0.0, 0.5]], (indices.size, 1))
        np.testing.assert_allclose(fast(indices, moves), slow(indices, moves), rtol=1e-13)


def count_forwards(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls, forward = [], Affine.forward

    def counted(self, *inputs, **named):
        calls.append(1)
        return forward(self, *inputs, **named)

    monkeypatch.setattr(Affine, "forward", counted)
    return calls


def test_a_network_of_affines_is_checked_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    net = TwoLayerNet(50, 20, 10, rng=Generator(0))
    calls = count_forwards(monkeypatch)
    report = xn.gradient_check(net, normal("x", 3, 50).astype(np.float32), LABELS)
    assert [row.status for row in report.rows] == ["ok"] * 4
    assert sum(row.checked for row in report.rows) == 1230
    assert len(calls) < 200


def test_what_comes_behind_the_last_state_is_checked_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    normalization = BatchNormalization(normal("gamma", 6), normal("beta", 6))
    dropout = Dropout(0.5, rng=Generator(0))
    net = stack_of(affine("a", 4, 6), normalization, dropout, affine("b", 6, 30), affine("c", 30, 3))
    x, states = normal("x", 3, 4), {name: np.copy(value) for name, value in net.states.items()}
    assert side_by_side(net, net.params.place("Affine1.W"), x, LABELS) is None
    calls = count_forwards(monkeypatch)
    xn.gradient_check(net, x, LABELS).raise_if_failed()
    assert len(calls) < 2500  # one by one all 345 values would take 12,552
    for name, value in net.states.items():
        np.testing.assert_array_equal(value, states[name])


def test_a_layer_that_mixes_its_units_is_checked_one_by_one_although_it_says_otherwise() -> None:
    class Mixing(Affine):
        """Its outputs are divided by their sum, but units is inherited."""

        def forward(self, x):
            self.x = x
            y = x @ self.W + self.b
            return y - total(y, 1)[:, None]

        def backward(self, dout):
            dout = dout - total(dout, 1)[:, None]
            self.dW, self.db = self.x.T @ dout, total(dout, 0)
            return dout @ self.W.T

    net = stack_of(Mixing(normal("W", 4, 3), normal("b", 3)))
    xn.gradient_check(net, normal("x", 3, 4), LABELS).raise_if_failed()


def test_the_book_s_network_on_three_images_of_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("XPNET_DATA") or beside)
    if not any(folder.rglob("train-images-idx3-ubyte*")):
        pytest.skip("needs XPNET_DATA to name a folder with MNIST's four files")
    monkeypatch.setenv("XPNET_DATA", str(folder))
    calls = count_forwards(monkeypatch)
    with xn.use_backend("numpy", dtype="float64"):
        (x, t), _ = load_mnist(normalize=False)
        net = TwoLayerNet(784, 50, 10, rng=Generator(0))
        report = xn.gradient_check(net, x[:3] / 255.0, np.eye(10)[t[:3]])
    printed = {"W1": 2.2e-13, "b1": 9.7e-13, "W2": 8.4e-13, "b2": 1.2e-10}
    assert {row.name: row.status for row in report.rows} == dict.fromkeys(printed, "ok")
    assert sum(row.checked for row in report.rows) == 39_760
    assert all(row.mean_diff <= printed[row.name] for row in report.rows), str(report)
    assert len(calls) < 39_760 / 4
