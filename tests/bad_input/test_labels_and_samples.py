"""Labels that do not fit, batches without samples, and NaN."""

from __future__ import annotations

import numpy as np
import pytest
from refusals import refused

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import IdentityWithLoss, Layer, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (np.zeros(3, dtype=np.int64), r"^SoftmaxWithLoss: integer t must be \(2,\), got \(3,\); give one class index"),
        (
            np.zeros((2, 3), dtype=np.int64),
            r"integer t must be \(2,\), got \(2, 3\); cast one-hot labels with xn.asarray",
        ),
        (np.zeros((2, 1), dtype=np.int64), r"integer t must be \(2,\), got \(2, 1\);"),
        (np.asarray(1), r"integer t must be \(2,\), got \(\);"),
        (
            np.zeros(2),
            r"floating t must be \(2, 3\), as x, got \(2,\); give a share for each class, or class indices",
        ),
        (np.zeros((2, 4)), r"floating t must be \(2, 3\), as x, got \(2, 4\);"),
    ],
)
def test_labels_of_another_shape(t: np.ndarray, text: str, asarray) -> None:
    x, t = asarray(np.ones((2, 3))), asarray(t)
    refused(lambda: SoftmaxWithLoss()(x, t), ShapeError, ValueError, text)
    net = Sequential(Relu(), loss=SoftmaxWithLoss())
    refused(lambda: net.gradient(x, t), ShapeError, ValueError, text)
    refused(lambda: net.loss(x, t, predict=True), ShapeError, ValueError, text)


@pytest.mark.parametrize("label", [3, -1, 100])
def test_labels_out_of_range(label: int, asarray, backend) -> None:
    """Where reading them would stall a device, the loss is NaN and the check of the data tells before training."""
    layer, x, t = SoftmaxWithLoss(), asarray(np.ones((2, 3))), asarray([0, label])
    if backend.library.readable(t):
        text = rf"^SoftmaxWithLoss: labels must be from 0 to 2, got {label}; give x a score for each class"
        refused(lambda: layer(x, t), ArgumentError, ValueError, text)
    else:
        assert np.isnan(to_numpy(layer(x, t)))
    refused(
        lambda: xn.datasets.check_data(x, t, 3),
        ArgumentError,
        ValueError,
        f"labels must be from 0 to 2, got {label} in row 1",
    )


def test_labels_of_another_kind(asarray) -> None:
    x = asarray(np.ones((2, 3)))
    refused(
        lambda: SoftmaxWithLoss()(x, asarray([True, False])),
        DtypeError,
        TypeError,
        "^SoftmaxWithLoss: t must be class indices or floating shares, got .*bool",
    )
    refused(lambda: SoftmaxWithLoss()(x, [0, 1]), DtypeError, TypeError, "Loss: t must be an array, got list")
    refused(
        lambda: IdentityWithLoss()(x, asarray(np.zeros((2, 3), dtype=np.int64))),
        DtypeError,
        TypeError,
        "^IdentityWithLoss: t must be floating",
    )


def test_targets_of_another_shape(asarray) -> None:
    x, t = asarray(np.ones((2, 3))), asarray(np.ones((2, 1)))
    text = r"^IdentityWithLoss: t must be \(2, 3\), as x, got \(2, 1\); give a target for each output"
    refused(lambda: IdentityWithLoss()(x, t), ShapeError, ValueError, text)


@pytest.mark.parametrize("loss", [SoftmaxWithLoss, IdentityWithLoss])
def test_a_loss_over_no_samples(loss: type[Layer], asarray) -> None:
    x = asarray(np.ones((0, 3)))
    for t in (asarray(np.zeros((0, 3))), asarray(np.zeros(0, dtype=np.int64))):
        refused(
            lambda t=t: loss()(x, t),
            ShapeError,
            ValueError,
            rf"^{loss.__name__}: x must hold at least one sample, got \(0, 3\); leave empty batches out",
        )


def test_a_network_over_no_samples(net, asarray) -> None:
    x, t = asarray(np.ones((0, 4))), asarray(np.zeros(0, dtype=np.int64))
    refused(lambda: net.gradient(x, t), ShapeError, ValueError, "x must hold at least one sample")
    refused(lambda: net.loss(x, t, predict=True), ShapeError, ValueError, "x must hold at least one sample")
    refused(lambda: net.accuracy(x, t), ArgumentError, ValueError, "at least one")


def test_nan_in_the_data_is_refused_before_training_and_passes_through_a_layer(asarray) -> None:
    x = asarray([[1.0, float("nan")], [0.0, 1.0]])
    assert np.isnan(to_numpy(Relu()(x))[0, 1])
    text = "^check_data: x must be finite, got NaN or infinity in row 0; drop or clean it"
    refused(lambda: xn.datasets.check_data(x, asarray([0, 1]), 2), ArgumentError, ValueError, text)
    refused(lambda: xn.gradient_check(Relu(), x), ArgumentError, ValueError, "x must be finite, got NaN or infinity")


def test_a_loss_of_nan_scores_is_nan(asarray) -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(to_numpy(SoftmaxWithLoss()(asarray([[float("nan"), 1.0]]), asarray([0]))))
