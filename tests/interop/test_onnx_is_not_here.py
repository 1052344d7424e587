"""Without the package onnx one sentence names the extra, and the operators of a layer are known all the same."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import xpnet as xn
from xpnet.errors import BackendError
from xpnet.interop.onnx.exporting import operators_of
from xpnet.layers import Affine, Dropout, Relu
from xpnet.networks import Sequential


def test_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    for call in (
        lambda: xn.to_onnx(Relu(), (2, 3)),
        lambda: xn.from_onnx(tmp_path / "net.onnx"),
    ):
        with pytest.raises(BackendError, match=r"onnx must be installed, got none; pip install xpnet\[onnx\]"):
            call()


def test_operators_are_known_without_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    net = Sequential(Affine(np.ones((3, 2))), Dropout(), Relu())
    assert operators_of(net, np.ones((1, 3))) == ["Gemm", "Relu"]
