"""Every case of every layer is written and agrees in onnxruntime, and comes back as layers that agree; or is named."""

from __future__ import annotations

import numpy as np
import pytest
from agreement import close

import xpnet as xn
from xpnet.cases import CASES
from xpnet.errors import ArgumentError
from xpnet.layers.loss import Loss

LAYERS = [case for case in CASES if not issubclass(case.layer, Loss)]
LOSSES = {case.layer: case for case in CASES if issubclass(case.layer, Loss)}
BY_OFFSETS = "EmbeddingBag, offsets"
ONE_SIZE = {"AddLayer, broadcast", "MulLayer, broadcast"}
"""Cases whose second input has no rows."""

CRASHES = ("LSTM", "GRU", "RNN", "GroupNormalization")
"""Operators of which onnxruntime refuses an empty batch, or ends the process."""

EMPTY = [case for case in LAYERS if not case.name.startswith(CRASHES) and case.name not in {BY_OFFSETS, *ONE_SIZE}]


def in_float32(array):
    return array if array.dtype.kind in "iub" else array.astype(np.float32)


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name.replace(" ", "_"))
def test_a_layer_is_written_and_read(case, outputs):
    layer, inputs = case.build(in_float32)
    if case.name == BY_OFFSETS:
        with pytest.raises(ArgumentError, match="counterpart in ONNX, got bags by offsets in EmbeddingBag"):
            xn.to_onnx(layer, inputs)
        return
    model = xn.to_onnx(layer, inputs)
    read = xn.from_onnx(model)
    many = [np.concatenate([x, x[:1]]) for x in inputs]
    for rows in (inputs, *(() if case.name in ONE_SIZE else (many,))):
        y = layer.predict(*rows)
        close(outputs(model, *rows), y)
        close([read.predict(tuple(rows) if len(rows) > 1 else rows[0])], y)


@pytest.mark.parametrize("case", EMPTY, ids=lambda case: case.name.replace(" ", "_"))
def test_an_empty_batch_is_one_of_any_size(case, outputs):
    layer, inputs = case.build(in_float32)
    empty = [x[:0] for x in inputs]
    (y, *_) = outputs(xn.to_onnx(layer, inputs), *empty)
    assert y.shape == layer.predict(*empty).shape


@pytest.mark.parametrize("case", LOSSES.values(), ids=lambda case: case.layer.__name__)
def test_a_loss_is_named(case):
    layer, inputs = case.build(in_float32)
    with pytest.raises(ArgumentError, match=f"got the loss {case.layer.__name__}; give the network"):
        xn.to_onnx(layer, inputs)


@pytest.mark.parametrize("opset", [18, 23])
@pytest.mark.parametrize("name", ["Gelu", "GeGlu", "RMSNormalization", "GroupNormalization", "BilinearUpsampling"])
def test_other_versions_of_the_operators_compute_the_same(name, opset, outputs):
    case = next(case for case in CASES if case.name == name)
    layer, inputs = case.build(in_float32)
    model = xn.to_onnx(layer, inputs, opset=opset)
    assert model.opset_import[0].version == opset
    close(outputs(model, *inputs), layer.predict(*inputs))
