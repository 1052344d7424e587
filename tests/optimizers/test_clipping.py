"""Gradients clipped by norm and by value."""

from __future__ import annotations

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.optimizers import clip_by_norm, clip_by_value, global_norm


def test_clipping_by_norm_keeps_the_direction(asarray, tolerance) -> None:
    grads = {"W": asarray(np.full((2, 2), 3.0)), "b": asarray(np.full((4,), 4.0))}
    assert float(to_numpy(global_norm(grads))) == pytest.approx(10.0, rel=tolerance)
    clipped = clip_by_norm(grads, 1.0)
    assert float(to_numpy(global_norm(clipped))) == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_allclose(to_numpy(clipped["b"]), 0.4, rtol=1e-5)
    for name, array in clip_by_norm(grads, 100.0).items():
        np.testing.assert_array_equal(to_numpy(array), to_numpy(grads[name]))
        assert array.dtype == grads[name].dtype


def test_clipping_by_value(asarray) -> None:
    clipped = clip_by_value({"b": asarray([-3.0, -0.5, 0.0, 0.5, 3.0])}, 1.0)
    assert to_numpy(clipped["b"]).tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]


def test_clipping_of_what_is_not_finite(asarray) -> None:
    nan = {"W": asarray([1.0, np.nan]), "b": asarray([1.0])}
    assert all(np.isnan(to_numpy(array)).all() for array in clip_by_norm(nan, 1.0).values())
    np.testing.assert_array_equal(to_numpy(clip_by_value(nan, 0.5)["W"]), [0.5, np.nan])
    with np.errstate(invalid="ignore"):
        infinite = clip_by_norm({"W": asarray([1.0, np.inf]), "b": asarray([1.0])}, 1.0)
    np.testing.assert_array_equal(to_numpy(infinite["W"]), [0.0, np.nan])
    np.testing.assert_array_equal(to_numpy(infinite["b"]), [0.0])
    assert to_numpy(clip_by_value({"W": asarray([-np.inf, np.inf])}, 2.0)["W"]).tolist() == [-2.0, 2.0]


def test_clipping_of_zeros_and_of_nothing(asarray) -> None:
    np.testing.assert_array_equal(to_numpy(clip_by_norm({"W": asarray([0.0, 0.0])}, 1.0)["W"]), 0.0)
    assert clip_by_norm({}, 1.0) == clip_by_value({}, 1.0) == {}
    with pytest.raises(ArgumentError, match="global_norm: there must be at least one gradient"):
        global_norm({})


@pytest.mark.parametrize("clip", [clip_by_norm, clip_by_value])
def test_a_limit_of_numpy_promotes_nothing(clip, asarray) -> None:
    grads = {"W": asarray([3.0, 4.0])}
    assert clip(grads, np.float64(0.5))["W"].dtype == grads["W"].dtype


@pytest.mark.parametrize("clip", [clip_by_norm, clip_by_value])
@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf"), None, True])
def test_a_bad_limit_is_refused(clip, limit) -> None:
    with pytest.raises(ArgumentError, match=f"^{clip.__name__}: the limit must be above 0 and finite, got "):
        clip({"W": np.ones(2)}, limit)
