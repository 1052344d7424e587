"""Initial weights: their spread, their fans, the same bits everywhere."""

from __future__ import annotations

import hashlib
from math import sqrt

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import device_of, to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.initializers import RULES, constant, fans, normal_weights, ones, orthogonal, uniform, zeros
from xpnet.layers import Affine
from xpnet.random import Generator

DENSE, FILTERS = (300, 200), (40, 10, 5, 3)


def weights(shape, init, seed: int = 0, name: str = "W") -> np.ndarray:
    with xn.use_backend("numpy", dtype="float64"):
        return normal_weights(shape, init, Generator(seed), name)


def test_fans_are_the_inputs_and_outputs_that_meet_at_a_weight() -> None:
    assert fans((300, 200)) == (300, 200)
    assert fans((40, 10, 5, 3)) == (150, 600)
    assert fans((40, 10, 5)) == (50, 200)
    assert fans((7,)) == (7, 7)


@pytest.mark.parametrize("shape", [DENSE, FILTERS])
@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("name", ["he", "glorot", "lecun"])
def test_rules_have_their_variance(name: str, even: bool, shape) -> None:
    inputs, outputs = fans(shape)
    expected = {"he": 2.0 / inputs, "glorot": 2.0 / (inputs + outputs), "lecun": 1.0 / inputs}[name]
    W = weights(shape, f"{name}_uniform" if even else name)
    assert np.var(W) == pytest.approx(expected, rel=0.05)
    assert abs(np.mean(W)) < 0.05 * sqrt(expected)
    if even:
        assert np.max(np.abs(W)) <= sqrt(3.0 * expected)


def test_a_number_is_the_standard_deviation() -> None:
    np.testing.assert_array_equal(weights((3, 2), 0.25), 0.25 * Generator(0).normal((3, 2), "W"))
    assert not weights((3, 2), 0.0).any()


def test_a_function_is_a_rule() -> None:
    np.testing.assert_array_equal(weights((2, 3), constant(0.5)), np.full((2, 3), 0.5))
    assert np.max(np.abs(weights((30, 30), uniform(0.1)))) <= 0.1
    own = weights((2, 2), lambda shape, rng, name: rng.uniform(shape, name))
    np.testing.assert_array_equal(own, Generator(0).uniform((2, 2), "W"))
    np.testing.assert_array_equal(Affine.create(2, 3, init=constant(0.5)).W, np.full((2, 3), 0.5))


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (6, 2, 3, 3), (20, 2, 3, 3), (1, 1), (4,)])
def test_orthogonal_weights_have_orthonormal_rows_or_columns(shape) -> None:
    W = weights(shape, orthogonal(2.0)).reshape(shape[0], -1) / 2.0
    small = W if W.shape[0] <= W.shape[1] else W.T
    np.testing.assert_allclose(small @ small.T, np.eye(len(small)), atol=1e-14)


def test_orthogonal_matrices_are_spread_evenly() -> None:
    """Every entry of a random rotation in three dimensions has the mean 0 and the mean square 1/3."""
    Q = np.stack([weights((3, 3), "orthogonal", seed) for seed in range(2000)])
    np.testing.assert_allclose(np.mean(Q, axis=0), 0.0, atol=0.05)
    np.testing.assert_allclose(np.mean(Q * Q, axis=0), 1.0 / 3.0, atol=0.03)
    assert abs(np.mean(np.linalg.det(Q))) < 0.1


def test_bits_are_the_same_on_every_machine() -> None:
    """From sums, products, quotients and roots in a fixed order alone."""
    W = weights((37, 23), "orthogonal", 5).astype("<f8")
    assert hashlib.sha256(W.tobytes()).hexdigest()[:16] == "a8645110591eb3ef"


@pytest.mark.parametrize("init", [*RULES, 0.01])
def test_every_backend_starts_from_the_same_numbers(init, backend) -> None:
    W = normal_weights((4, 3, 2, 2), init, Generator(1), "W")
    assert (W.dtype, device_of(W)) == (backend.dtype, backend.device)
    with xn.use_backend("numpy", dtype="float64"):
        expected = normal_weights((4, 3, 2, 2), init, Generator(1), "W")
    np.testing.assert_array_equal(to_numpy(W), expected.astype(to_numpy(W).dtype))


def test_zeros_and_ones(backend) -> None:
    for make, value in ((zeros, 0.0), (ones, 1.0)):
        array = make((2, 3))
        assert (array.dtype, device_of(array), array.shape) == (backend.dtype, backend.device, (2, 3))
        np.testing.assert_array_equal(to_numpy(array), value)


@pytest.mark.parametrize(
    ("init", "text"),
    [
        ("xavier", "init must be one of he, glorot, lecun, he_uniform, .*, orthogonal, a number or a function, got"),
        (-0.1, "σ must be finite and not negative, got -0.1"),
        (float("nan"), "σ must be finite and not negative, got nan"),
        (None, "σ must be finite and not negative, got None"),
        (True, "σ must be finite and not negative, got True"),
    ],
)
def test_a_bad_rule_is_refused(init, text: str) -> None:
    with pytest.raises(ArgumentError, match=f"initial weights: {text}"):
        weights((2, 2), init)


def test_bad_arguments_of_rules_are_refused() -> None:
    with pytest.raises(ArgumentError, match="the limit must be finite and not negative, got -1"):
        uniform(-1.0)
    with pytest.raises(ArgumentError, match="the constant must be finite, got inf"):
        constant(float("inf"))
    with pytest.raises(ArgumentError, match="the gain must be finite and not negative, got nan"):
        orthogonal(float("nan"))
    with pytest.raises(ShapeError, match=r"the rule must give \(2, 2\), got \(3,\)"):
        weights((2, 2), lambda shape, rng, name: np.zeros(3))


@pytest.mark.parametrize("size", [0, -1, 2.0, True])
def test_sizes_must_be_positive_integers(size) -> None:
    with pytest.raises(ArgumentError, match="initial weights: each size must be a positive integer"):
        weights((3, size), "he")
