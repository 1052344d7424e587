"""The tests of ONNX, which run where onnx and onnxruntime are installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

import xpnet as xn


@pytest.fixture(autouse=True)
def on_numpy():
    with xn.use_backend("numpy") as backend:
        yield backend


@pytest.fixture
def outputs() -> Callable[..., list[Any]]:
    """The outputs that onnxruntime computes of a model, after a check of the whole model."""

    def run(model: Any, *inputs: Any) -> list[Any]:
        onnx.checker.check_model(model, full_check=True)
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        session = runtime.InferenceSession(model.SerializeToString(), options)
        names = [value.name for value in session.get_inputs()]
        whole = [x.astype(np.int64) if x.dtype.kind in "iu" and x.dtype != np.uint8 else x for x in inputs]
        return session.run(None, dict(zip(names, whole, strict=True)))

    return run
