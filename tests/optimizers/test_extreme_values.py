"""Steps and clipping of tiny, zero and huge values, in float16 too: what float64 gives, in the parameter's dtype."""

from __future__ import annotations

import numpy as np
import pytest
from by_the_book import on_every_kind

import xpnet as xn
from xpnet.backend import LIBRARIES, dtype_name, missing, to_numpy
from xpnet.layers import Affine
from xpnet.optimizers import Adam, clip_by_norm, global_norm
from xpnet.training import load, save

SCALES = [0.0, 6e-8, 1e-4, 1.0, 300.0, 6e4]


@pytest.fixture(params=["numpy", "torch", "jax", "cupy"])
def half(request):
    """Arrays of float16 of a library that has it."""
    if missing(LIBRARIES[request.param]):
        pytest.skip(missing(LIBRARIES[request.param]))
    with xn.use_backend(request.param, dtype="float16") as backend, np.errstate(all="ignore"):
        yield backend.asarray


@pytest.mark.parametrize("scale", SCALES)
@on_every_kind
def test_parameters_of_float16_move_as_those_of_float64(kind: type, scale: float, half) -> None:
    rng = np.random.default_rng(0)
    W = rng.normal(size=(3, 4)).astype(np.float16)
    gradients = [(scale * rng.uniform(-1.0, 1.0, size=(3, 4))).astype(np.float16) for _ in range(5)]
    exact, params = {"W": W.astype(np.float64)}, {"W": half(W)}
    one, other = kind(1e-3), kind(1e-3)
    for dW in gradients:
        dW[0] = 0.0
        one.update(exact, {"W": dW.astype(np.float64)})
        other.update(params, {"W": half(dW)})
    assert dtype_name(params["W"].dtype) == "float16"
    expected = exact["W"]
    inside = np.abs(expected) < 6e4
    found = to_numpy(params["W"]).astype(np.float64)
    np.testing.assert_allclose(found[inside], expected[inside], rtol=3e-3, atol=5e-3)


def test_a_body_of_numpy_writes_into_float16_parameters() -> None:
    W = np.ones(3, dtype=np.float16)
    optimizer = Adam(0.1)
    optimizer.update({"W": W}, {"W": np.ones(3, dtype=np.float16)})
    assert W.tolist() == pytest.approx([0.9] * 3, rel=1e-3)
    assert {name: str(slot.dtype) for name, slot in optimizer.state.items() if name != "steps"} == {
        "W.m": "float32",
        "W.v": "float32",
    }


def test_squares_beyond_float16_come_back_from_disk(half, tmp_path) -> None:
    layers = [Affine(half(np.ones((2, 2))), half(np.ones(2))) for _ in range(2)]
    optimizers = Adam(0.1), Adam(0.1)
    grads = {"W": half(np.full((2, 2), 3e4)), "b": half(np.ones(2))}
    optimizers[0].update(layers[0].params, grads)
    save(tmp_path / "w", layers[0], optimizers[0])
    load(tmp_path / "w", layers[1], optimizers[1])
    for layer, optimizer in zip(layers, optimizers, strict=True):
        optimizer.update(layer.params, grads)
    np.testing.assert_array_equal(to_numpy(layers[0].W), to_numpy(layers[1].W))
    assert dtype_name(optimizers[1].state["W.v"].dtype) == "float32"


VALUES = {"float32": (1e-38, 1e-30, 1e-20, 1.0, 1e18, 1e19, 1e30, 3e38), "float64": (1e-300, 1e-160, 1.0, 1e160, 1e300)}


def check_clipped(asarray, sizes, rtol: float) -> None:
    for size in sizes:
        host = {"a": size * np.asarray([0.5, -0.25, 0.0]), "b": size * np.asarray([[0.125]])}
        grads = {name: asarray(value) for name, value in host.items()}
        host = {name: to_numpy(value).astype(np.longdouble) for name, value in grads.items()}
        norm = np.sqrt(sum(np.sum(value * value) for value in host.values()))
        np.testing.assert_allclose(to_numpy(global_norm(grads)), np.float64(norm), rtol=rtol, atol=0.0)
        for limit in (1.0, 1e3):
            share = min(1.0, limit / (norm + 1e-6))
            for name, clipped in clip_by_norm(grads, limit).items():
                assert clipped.dtype == grads[name].dtype
                expected = np.asarray(host[name] * share, dtype=np.float64)
                np.testing.assert_allclose(to_numpy(clipped), expected, rtol=rtol, atol=1e-44)


def test_gradients_of_any_size_are_clipped(dtype, asarray) -> None:
    check_clipped(asarray, VALUES[dtype], {"float32": 1e-5, "float64": 1e-12}[dtype])


def test_gradients_of_float16_are_clipped(half) -> None:
    check_clipped(half, (0.0, 1e-3, 1.0, 300.0, 6e4), 3e-3)


def test_many_large_values_of_float32_are_clipped(asarray, dtype) -> None:
    grads = {"W": asarray(np.full(1000, 3e38))}
    clipped = to_numpy(clip_by_norm(grads, 1.0)["W"])
    np.testing.assert_allclose(clipped, 1000.0**-0.5, rtol=1e-5)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_not_hidden(value: float, asarray) -> None:
    with np.errstate(invalid="ignore"):
        clipped = to_numpy(clip_by_norm({"W": asarray([1.0, value, 2.0])}, 1.0)["W"])
    assert np.isnan(clipped[1])
    np.testing.assert_array_equal(clipped[::2], [np.nan, np.nan] if np.isnan(value) else [0.0, 0.0])
    assert not np.isfinite(to_numpy(global_norm({"W": asarray([1.0, value, 2.0])})))
