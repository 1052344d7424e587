"""Data and arguments that a trainer refuses before the first step."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal
from small_net import small_net, values

from xpnet.backend import to_numpy
from xpnet.errors import (
    ArgumentError,
    DtypeError,
    LibraryError,
    ShapeError,
    StateError,
)
from xpnet.layers import Affine, MeanSquaredError
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.training import Trainer


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_data_that_are_not_finite_are_refused_before_the_first_step(bad: float, asarray) -> None:
    x, t = normal("x", 30, 4), np.zeros(30, dtype=np.int64)
    x[17, 2] = bad
    net = small_net()
    before = values(net)
    with pytest.raises(
        ArgumentError, match="check_data: x must be finite, got NaN or infinity in row 17; drop or clean"
    ):
        list(Trainer(net, SGD(0.5), (asarray(x), asarray(t))).run(1))
    for name, array in before.items():
        np.testing.assert_array_equal(values(net)[name], array)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("label", [3, -1])
def test_labels_out_of_range_are_refused_before_the_first_step(label: int, part: str, asarray, data) -> None:
    t = to_numpy(data[1]).copy()
    t[5] = label
    wrong = data[0], asarray(t)
    with pytest.raises(ArgumentError, match=rf"labels must be from 0 to 2, got {label} in row 5;"):
        Trainer(small_net(), SGD(0.5), *((wrong, data) if part == "train" else (data, wrong)))


def test_other_bad_data_are_refused(data, asarray) -> None:
    x, t = data
    with pytest.raises(ShapeError, match="got 30 and 29 rows"):
        Trainer(small_net(), SGD(0.5), (x, t[:29, ...]))
    with pytest.raises(ShapeError, match="at least one row"):
        Trainer(small_net(), SGD(0.5), (x[:0, ...], t[:0, ...]))
    with pytest.raises(ShapeError, match=r"Affine1: x must be \(N, 4\), got \(1, 3\)"):
        Trainer(small_net(), SGD(0.5), (x[:, :3], t))
    with pytest.raises(DtypeError, match="Affine1: x must be floating, got int"):
        Trainer(small_net(), SGD(0.5), (asarray(np.ones((30, 4), dtype=np.int64)), t))
    for wrong in (0, -3, 2.5):
        with pytest.raises(ArgumentError, match="batch_size must be a positive integer"):
            Trainer(small_net(), SGD(0.5), data, batch_size=wrong)
    for epochs in (0, -1, 1.5, "1", None):
        with pytest.raises(ArgumentError, match="Trainer: epochs must be a positive integer, got "):
            next(Trainer(small_net(), SGD(0.5), data).run(epochs))


def test_targets_that_the_loss_refuses_are_refused_before_the_first_step(data, asarray) -> None:
    x, t = data
    with pytest.raises(ShapeError, match=r"SoftmaxWithLoss: floating t must be .* class indices, xn.asarray"):
        Trainer(small_net(), SGD(0.5), (x, asarray(to_numpy(t) * 1.0)))
    net = Sequential(Affine.create(4, 2), loss=MeanSquaredError())
    with pytest.raises(ShapeError, match=r"MeanSquaredError: t must be \(1, 2\), as x, got \(1,\)"):
        Trainer(net, SGD(0.5), (x, t))
    with pytest.raises(StateError, match="a loss layer must end it"):
        Trainer(Sequential(Affine.create(4, 3)), SGD(0.5), data)


def test_data_of_another_library_or_device_are_refused(data) -> None:
    strict = pytest.importorskip("array_api_strict")
    other = [strict.asarray(to_numpy(array), device=strict.Device("device2")) for array in data]
    with pytest.raises(LibraryError, match=r"must be on one (library|device), got"):
        list(Trainer(small_net(), SGD(0.5), tuple(other)).run(1))


def test_what_is_no_network_optimizer_or_pair_is_refused(data) -> None:
    net, (x, t) = small_net(), data
    for make, text in (
        (lambda: Trainer(SGD(0.5), net, data), "network must be a Network, got SGD; give it first"),
        (lambda: Trainer(net, SGD, data), "optimizer must be an Optimizer, got SGD; give an instance"),
        (lambda: Trainer(net, "sgd", data), "optimizer must be an Optimizer, got str"),
        (lambda: Trainer(net, SGD(0.5), x, t), r"train must be a pair \(x, t\), got .*; write train=\(x, t\)"),
        (lambda: Trainer(net, SGD(0.5), data, (x,)), r"validation must be a pair \(x, t\), got tuple"),
    ):
        with pytest.raises(DtypeError, match=f"^Trainer: {text}"):
            make()


@pytest.mark.parametrize("option", ["clip_norm", "clip_value"])
def test_a_bad_limit_is_refused(option: str, data) -> None:
    with pytest.raises(ArgumentError, match="Trainer: the limit must be above 0 and finite, got 0"):
        Trainer(small_net(), SGD(0.5), data, **{option: 0})


def test_capture_must_be_a_truth_value(data) -> None:
    with pytest.raises(DtypeError, match="Trainer: capture must be True or False, got 'no'; choose one"):
        Trainer(small_net(), SGD(0.5), data, capture="no")
