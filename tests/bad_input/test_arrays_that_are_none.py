"""Matrices and masked arrays, in which operators mean something else; and dtypes that a library does not mix."""

from __future__ import annotations

import numpy as np
import pytest
from refusals import refused

import xpnet as xn
from xpnet.backend import array_namespace, get_backend, to_numpy
from xpnet.datasets import Batches
from xpnet.errors import ArgumentError, DtypeError
from xpnet.layers import (
    GRU,
    LSTM,
    RNN,
    Affine,
    BatchNormalization,
    Convolution,
    Huber,
    LayerNormalization,
    Linear,
    MatMul,
    MeanSquaredError,
    MultiHeadAttention,
    Relu,
    SigmoidWithLoss,
    SoftmaxWithLoss,
    TransposedConvolution,
)
from xpnet.networks import Sequential, TwoLayerNet
from xpnet.optimizers import SGD
from xpnet.random import Generator

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of matrices

ONES = np.ones((2, 2))
CALLS = {
    "x": lambda a: Affine(ONES, np.ones(2))(a),
    "W": lambda a: Affine(a, np.ones(2)),
    "x of a loss": lambda a: SoftmaxWithLoss()(a, np.asarray([0, 1])),
    "t": lambda a: MeanSquaredError()(ONES, a),
    "weights": lambda a: MeanSquaredError()(ONES, ONES, a),
    "class weights": lambda a: SoftmaxWithLoss(class_weights=a),
    "running mean": lambda a: BatchNormalization(np.ones(2), np.ones(2), running_mean=a),
    "a network": lambda a: TwoLayerNet(2, 3, 2, rng=Generator(0)).predict(a),
    "accuracy": lambda a: TwoLayerNet(2, 3, 2, rng=Generator(0)).accuracy(ONES, a),
    "a parameter": lambda a: Affine(ONES, np.ones(2)).params.update({"W": a}),
    "a gradient": lambda a: SGD(0.1).update({"W": ONES}, {"W": a}),
    "a Variable": xn.Variable,
    "grad": xn.grad(lambda a: array_namespace(a).sum(a * a)),
    "batches": lambda a: Batches(a, a, 1),
    "a namespace": array_namespace,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_matrix_is_no_array(name: str) -> None:
    refused(lambda: CALLS[name](np.matrix(ONES)), DtypeError, TypeError, "got (numpy.)?matrix; ")


@pytest.mark.parametrize("name", [*CALLS, "asarray", "to_numpy"])
def test_a_masked_array_is_no_array(name: str) -> None:
    calls = {**CALLS, "asarray": lambda a: get_backend().asarray(a), "to_numpy": to_numpy}
    masked = np.ma.masked_array(ONES, mask=np.eye(2))
    refused(lambda: calls[name](masked), DtypeError, TypeError, "got ((numpy.ma.)?MaskedArray|a masked array); ")


def test_dout_that_is_no_array() -> None:
    layer = Relu()
    layer(ONES)
    for dout in (np.matrix(ONES), np.ma.masked_array(ONES)):
        refused(lambda dout=dout: layer.backward(dout), DtypeError, TypeError, "^Relu: dout must be an array")


def test_a_matrix_becomes_an_array_and_files_of_arrays_are_arrays(tmp_path) -> None:
    made = get_backend().asarray(np.matrix(ONES))
    assert type(made) is np.ndarray
    np.save(tmp_path / "x.npy", ONES)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(Affine(ONES, np.ones(2))(mapped), np.full((2, 2), 3.0))


WEIGHTED = {
    "Affine": lambda: (Affine.create(3, 2, rng=Generator(0)), (2, 3)),
    "Linear": lambda: (Linear.create(3, 2, rng=Generator(0)), (2, 2, 3)),
    "MatMul": lambda: (MatMul.create(3, 2, rng=Generator(0)), (2, 3)),
    "Convolution": lambda: (Convolution.create(1, 2, 2, rng=Generator(0)), (2, 1, 3, 3)),
    "TransposedConvolution": lambda: (TransposedConvolution.create(1, 2, 2, rng=Generator(0)), (2, 1, 3, 3)),
    "MultiHeadAttention": lambda: (MultiHeadAttention.create(4, 2, rng=Generator(0)), (2, 3, 4)),
    "RNN": lambda: (RNN.create(3, 2, rng=Generator(0)), (2, 4, 3)),
    "LSTM": lambda: (LSTM.create(3, 2, rng=Generator(0)), (2, 4, 3)),
    "GRU": lambda: (GRU.create(3, 2, rng=Generator(0)), (2, 4, 3)),
    "LayerNormalization": lambda: (LayerNormalization.create(3), (2, 3)),
    "BatchNormalization": lambda: (BatchNormalization.create(3), (2, 3)),
    "Affine, Relu": lambda: (Sequential(Affine.create(3, 2, rng=Generator(0)), Relu()), (2, 3)),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_data_of_another_dtype_gives_the_value_or_is_refused(name: str, xp, dtype, backend) -> None:
    layer, shape = WEIGHTED[name]()
    other = {"float32": "float64", "float64": "float32"}[dtype]
    if not hasattr(xp, other):
        pytest.skip("the library lacks the dtype")
    values = np.random.default_rng(0).normal(size=shape)
    narrow = values.astype(np.float32)
    x = xp.asarray(narrow.astype(other), dtype=getattr(xp, other), device=backend.device)
    if x.dtype != getattr(xp, other):
        pytest.skip("the library is set not to have it")
    text = rf"^\w+: \w+ and \w+ must be of one dtype, got {other} and {dtype}; cast it with xn.asarray\(\w+, dtype="
    try:
        found = to_numpy(layer.forward(x))
    except DtypeError:
        refused(lambda: layer.forward(x), DtypeError, TypeError, text)
        found = to_numpy(layer.forward(xp.astype(x, getattr(xp, dtype))))
        dout = xp.ones(found.shape, dtype=getattr(xp, other), device=backend.device)
        if name != "Affine, Relu":
            try:
                layer.backward(dout)
            except DtypeError:
                refused(lambda: layer.backward(dout), DtypeError, TypeError, text)
    expected = to_numpy(layer.forward(backend.asarray(narrow)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


LOSSES = [SoftmaxWithLoss, SigmoidWithLoss, MeanSquaredError, Huber]


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("value", [-1.0, -1e-30, np.nan, np.inf])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_sample_weights_that_are_negative_or_not_finite(
    kind: type, value: float, reduction: str, where, asarray
) -> None:
    loss, x = kind(reduction=reduction), asarray(np.ones((3, 2)))
    t, weights = asarray(np.eye(2)[[0, 1, 0]]), asarray([1.0, value, 0.5])
    if where.library in ("numpy", "torch"):
        text = rf"^{kind.__name__}: weights must be finite and not negative, got .*; give 0 to samples"
        refused(lambda: loss(x, t, weights), ArgumentError, ValueError, text)
        return
    assert np.isnan(to_numpy(loss(x, t, weights)))


def test_sample_weights_of_zero_and_more_are_fine(asarray) -> None:
    loss = MeanSquaredError()
    found = loss(asarray([[1.0], [2.0], [3.0]]), asarray([[0.0], [0.0], [0.0]]), asarray([0.0, 1.0, 1e-30]))
    assert to_numpy(found) == pytest.approx(4.0)
