"""The tests of ONNX, which run where onnx and onnxruntime are installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import xpnet as xn

if find_spec("onnx") is None or find_spec("onnxruntime") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(autouse=True)
def on_numpy():
    with xn.use_backend("numpy") as backend:
        yield backend


@pytest.fixture
def outputs() -> Callable[..., list[Any]]:
    """The outputs that onnxruntime computes of a model, after a check of the whole model."""

    def run(model: Any, *inputs: Any) -> list[Any]:
        import_module("onnx").checker.check_model(model, full_check=True)
        runtime = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        session = runtime.InferenceSession(model.SerializeToString(), options)
        names = [value.name for value in session.get_inputs()]
        whole = [x.astype(np.int64) if x.dtype.kind in "iu" and x.dtype != np.uint8 else x for x in inputs]
        return session.run(None, dict(zip(names, whole, strict=True)))

    return run
