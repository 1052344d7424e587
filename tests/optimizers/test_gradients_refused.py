"""Parameters and gradients that do not belong together are refused, and move nothing."""

from __future__ import annotations

import numpy as np
import pytest
from by_the_book import gradients, host

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import DtypeError, LibraryError, NameUnknownError, ShapeError
from xpnet.layers import Relu
from xpnet.networks import Sequential
from xpnet.optimizers import SGD, Adam, clip_by_norm, clip_by_value


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize("steps_before", [0, 1])
def test_gradients_that_do_not_belong_are_refused_and_move_nothing(kind, steps_before, params, asarray) -> None:
    optimizer = kind(0.1)
    for _ in range(steps_before):
        optimizer.update(params, gradients(asarray, 0))
    before, grads, who = host(params), gradients(asarray, 1), kind.__name__
    cases = [
        ({"W": grads["W"]}, NameUnknownError, "grads must have the names of params, got b missing; give it net.params"),
        ({**grads, "c": grads["b"]}, NameUnknownError, "grads must have the names of params, got c unknown;"),
        ({"W": grads["W"], "c": grads["b"]}, NameUnknownError, "got b missing, c unknown;"),
        ({}, NameUnknownError, "got W missing, b missing;"),
        ({**grads, "b": grads["W"]}, ShapeError, r"the gradient of b must be \(4,\), got \(3, 4\);"),
        ({**grads, "b": grads["b"][:1]}, ShapeError, r"the gradient of b must be \(4,\), got \(1,\);"),
        ({**grads, "b": None}, DtypeError, "the gradient of b must be an array, got NoneType"),
        ({**grads, "b": 1.0}, DtypeError, "the gradient of b must be an array, got float"),
        (
            {**grads, "b": asarray(np.ones(4, dtype=np.int64))},
            DtypeError,
            "the gradient of b must be real and floating, got int",
        ),
    ]
    for wrong, error, text in cases:
        with pytest.raises(error, match=f"^{who}: .*{text}"):
            optimizer.update(params, wrong)
    assert optimizer.steps == steps_before
    for name, array in params.items():
        np.testing.assert_array_equal(to_numpy(array), before[name])


def test_gradients_of_another_library_are_refused(params, backend) -> None:
    pytest.importorskip("array_api_strict")
    with xn.use_backend("numpy" if backend.name != "numpy" else "array-api-strict") as other:
        grads = {name: other.asarray(to_numpy(array)) for name, array in params.items()}
    with pytest.raises(LibraryError, match="SGD: W and the gradient of W must be on one library"):
        SGD().update(params, grads)


def test_gradients_without_names_are_refused() -> None:
    sgd = SGD()
    sgd.update({"W": np.ones(2)}, {"W": np.ones(2)})
    for optimizer in (sgd, SGD()):
        for grads in (None, [np.ones(2)], np.ones(2)):
            with pytest.raises(DtypeError, match=r"SGD: grads must map names to arrays, got .*; give it net.gradient"):
                optimizer.update({"W": np.ones(2)}, grads)
    for clip in (clip_by_norm, clip_by_value):
        with pytest.raises(DtypeError, match=f"{clip.__name__}: grads must map names to arrays, got ndarray"):
            clip(np.ones(2), 1.0)


def test_params_that_are_none_are_refused() -> None:
    with pytest.raises(DtypeError, match=r"SGD: params must map names to arrays, got Sequential; give it net.params"):
        SGD().update(Sequential(Relu()), {})


def test_no_parameters_are_refused() -> None:
    with pytest.raises(NameUnknownError, match="SGD: grads must have the names of params, got no parameters"):
        SGD().update({}, {})


def test_parameters_must_be_floating() -> None:
    with pytest.raises(DtypeError, match="Adam: W must be real and floating, got complex128"):
        Adam().update({"W": np.ones(2, dtype=complex)}, {"W": np.ones(2)})
