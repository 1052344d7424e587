"""Bodies of convolution and pooling: what they leave to the equations, blocks of any size, threads, NaN and ∞."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from draw import Draw
from row_table import ROWS
from test_bodies_equal_layers import ROUNDING, Case, assert_equal, by_equations, gradients

from xpnet.backend import make_backend, to_numpy
from xpnet.errors import BackendError, ShapeError
from xpnet.fast.numpy import windows
from xpnet.fast.numpy.blocks import workspace
from xpnet.layers import (
    AveragePooling,
    BatchNormalization,
    Convolution,
    Dropout,
    GroupNormalization,
    MaxPooling,
    Relu,
    TransposedConvolution,
)
from xpnet.layers.bodies import BODIES, body_for, libraries_for
from xpnet.layers.stage import Stage

import_module("drawn_images")
import_module("drawn_sequences")
POOLED = (Convolution, Relu, MaxPooling)
IMAGES = [(Convolution,), (TransposedConvolution,), (MaxPooling,), (AveragePooling,), POOLED]
NORMALIZED = [(BatchNormalization,), (GroupNormalization,)]
by_row = pytest.mark.parametrize("row", IMAGES, ids=lambda row: "-".join(kind.__name__ for kind in row))


@pytest.fixture(params=["numpy", "numba", "cupy"])
def library(request) -> str:
    """The name under which bodies are registered, of a library that is here."""
    home = "cupy" if request.param == "cupy" else "numpy"
    try:
        names = libraries_for(type(make_backend(home).asarray(np.ones(1))))
    except BackendError:
        names = ()
    if request.param not in names:
        pytest.skip(f"{request.param} is not here")
    return request.param


def bodies(library: str, row: tuple[type, ...]) -> list[Any]:
    kind = BODIES[library].get(row)
    return [] if kind is None else [kind]


def asarray(library: str, values: Any) -> Any:
    return values if library != "cupy" else make_backend("cupy").asarray(values, dtype=str(values.dtype))


def assert_as_equations(kind: Any, layers: list[Any], x: Any, douts: Any = None) -> None:
    """y, dx and the gradients are those of the equations, whoever computes them."""
    draw = Draw(0, str(x.dtype), lambda values: asarray("cupy" if "cupy" in kind.__module__ else "numpy", values))
    case = Case(kind, layers, (x,), draw)
    with np.errstate(all="ignore"):
        (y, alone), (stage, own) = case.equations(), case.stage()
        found = stage(x)
        dout = draw.array(*y.shape) if douts is None else douts(y)
        assert_equal([found], [y], str(x.dtype))
        assert_equal([stage.backward(dout)], [by_equations(alone, (dout,))], str(x.dtype))
        assert_equal(gradients(own), gradients(alone), str(x.dtype))


@by_row
@pytest.mark.parametrize("name", ["numpy", "numba"])
@pytest.mark.parametrize("block", [1, 50, 300])
def test_blocks_of_any_size_give_the_same(name, row, block, monkeypatch):
    libraries_for(np.ndarray)
    monkeypatch.setattr(windows, "BLOCK", block)
    kinds = BODIES.get(name, {})
    for seed in range(12 if row in kinds else 0):
        draw = Draw(seed, "float64", np.asarray)
        layers, (x,) = ROWS[row](draw)
        assert_as_equations(kinds[row], layers, x)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layers", [[MaxPooling(2, 2)], [MaxPooling(3, 3, 1, 1)], [AveragePooling(2, 2)]], ids=repr)
def test_values_and_derivatives_that_are_not_finite(library, layers, value):
    x = np.random.default_rng(0).standard_normal((2, 2, 4, 4))
    x[0, 1, 2:, 1:3] = value

    def douts(y: Any) -> Any:
        dout = np.arange(float(y.size)).reshape(y.shape)
        dout[0, 0, 0, 1] = dout[1, 1, 1, 0] = value
        return asarray(library, dout)

    for kind in bodies(library, (type(layers[0]),)):
        assert_as_equations(kind, layers, asarray(library, x), douts)
        assert_as_equations(kind, layers, asarray(library, np.nan_to_num(x)), douts)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_three_layers_as_one_of_values_that_are_not_finite(library, value):
    rng = np.random.default_rng(0)
    x, W, b = rng.standard_normal((2, 1, 8, 8)), rng.standard_normal((3, 1, 3, 3)), rng.standard_normal(3)
    x[0, 0, 3, 4] = value
    layers = [Convolution(asarray(library, W), asarray(library, b)), Relu(), MaxPooling(2, 2)]
    for kind in bodies(library, POOLED):
        assert_as_equations(kind, layers, asarray(library, x))


def test_a_window_of_minus_infinity_leaves_the_border_out(library):
    for kind in bodies(library, (MaxPooling,)):
        assert_as_equations(kind, [MaxPooling(3, 3, 1, 1)], asarray(library, np.full((1, 1, 2, 2), -np.inf)))


def pooled(C: int = 1, groups: int = 1, **pool: Any) -> list[Any]:
    W, b = np.ones((2 * groups, C, 3, 3)), np.ones(2 * groups)
    return [Convolution(W, b, groups=groups), Relu(), MaxPooling(2, 2, **pool)]


def test_three_layers_run_as_one_only_where_it_pays(library):
    plain, many, grouped, overlapping = pooled(), pooled(C=8), pooled(groups=2), pooled(stride=1)
    found = [body_for(layers, (library,)) is not None for layers in (plain, many, grouped, overlapping)]
    assert found == [True, library == "cupy", False, library == "cupy"]
    for layers in (many, grouped, overlapping):
        x = asarray(library, np.ones((1, layers[0].channels, 6, 6)))
        layers[0].W, layers[0].b = (asarray(library, array) for array in (layers[0].W, layers[0].b))
        assert_as_equations(BODIES[library][POOLED], layers, x)


@pytest.mark.parametrize("at", ["x", "W", "b"])
def test_two_dtypes_are_left_to_the_equations(library, at):
    rng = np.random.default_rng(0)
    arrays = {"x": rng.standard_normal((2, 2, 4, 4)), "W": rng.standard_normal((2, 2, 2, 2)), "b": np.ones(2)}
    arrays[at] = arrays[at].astype("float32")
    x, W, b = (asarray(library, array) for array in arrays.values())
    for row in ((Convolution,), (TransposedConvolution,), POOLED):
        for kind in bodies(library, row):
            layers = [row[0](W, b), *[Relu(), MaxPooling(2, 2)][: len(row) - 1]]
            stage = Stage(tuple(layers), kind)
            assert stage(x).dtype == layers[0](x).dtype
            assert stage.given is None


@by_row
def test_a_derivative_of_another_dtype_gives_what_the_equations_give(library, row):
    for kind in bodies(library, row):
        draw = Draw(1, "float32", lambda values: asarray(library, values))
        layers, (x,) = ROWS[row](draw)
        case = Case(kind, layers, (x,), draw)
        (y, alone), (stage, own) = case.equations(), case.stage()
        stage(x)
        dout = asarray(library, to_numpy(y).astype("float64"))
        assert_equal([stage.backward(dout)], [by_equations(alone, (dout,))], "float32")
        assert_equal(gradients(own), gradients(alone), "float32")


def test_columns_that_are_too_large_to_be_kept_are_made_again(cupy, monkeypatch):
    from xpnet.fast.cupy import pooled_convolution

    monkeypatch.setattr(pooled_convolution, "KEPT", 0)
    for seed in range(6):
        draw = Draw(seed, "float64", lambda values: asarray("cupy", values))
        layers, (x,) = ROWS[POOLED](draw)
        assert_as_equations(BODIES["cupy"][POOLED], layers, x)


def test_images_that_do_not_fit_are_refused_by_the_layer_that_they_do_not_fit(library):
    small = asarray(library, np.ones((1, 1, 2, 4)))
    for row, who in ((POOLED, "MaxPooling"), (POOLED, "Convolution"), ((AveragePooling,), "AveragePooling")):
        for kind in bodies(library, row):
            pool = AveragePooling(3, 3) if len(row) == 1 else MaxPooling(2, 2)
            size = 2 if who == "MaxPooling" else 3
            W, b = asarray(library, np.ones((1, 1, size, size))), asarray(library, np.ones(1))
            layers = (pool,) if len(row) == 1 else (Convolution(W, b), Relu(), pool)
            with pytest.raises(ShapeError, match=rf"^{who}: x with its padding must be at least"):
                Stage(layers, kind)(small)


def test_the_gradient_of_a_bias_keeps_its_digits_over_many_places():
    dout = np.random.default_rng(0).random((1, 2, 400, 500), "float32")
    expected = np.sum(dout, axis=(0, 2, 3), dtype=np.float64)
    layers = [Convolution(np.ones((2, 1, 1, 1), "float32"), np.zeros(2, "float32"))]
    stage = Stage(tuple(layers), BODIES["numpy"][(Convolution,)])
    stage(np.ones((1, 1, 400, 500), "float32"))
    stage.backward(dout)
    np.testing.assert_allclose(layers[0].db, expected, rtol=10 * ROUNDING["float32"])


@pytest.mark.parametrize("row", [*IMAGES[:4], *NORMALIZED], ids=lambda row: row[0].__name__)
def test_what_threads_share_is_what_one_computes(row, monkeypatch):
    if "numba" not in libraries_for(np.ndarray):
        pytest.skip("numba is not here")
    from xpnet.fast.numba import threads

    monkeypatch.setattr(threads, "LEAST", 1)
    monkeypatch.setattr(threads.config, "NUMBA_NUM_THREADS", 3)
    monkeypatch.setattr(threads, "POOLS", [])
    for seed in range(6):
        draw = Draw(seed, "float64", np.asarray)
        layers, (x,) = ROWS[row](draw)
        assert_as_equations(BODIES["numba"][row], layers, x)
    assert threads.POOLS


@pytest.mark.parametrize(
    "row", [*NORMALIZED, (BatchNormalization, Relu, Dropout)], ids=lambda row: "-".join(kind.__name__ for kind in row)
)
@pytest.mark.parametrize("size", [1, 40])
def test_normalizations_in_small_blocks_that_threads_share(row, size, monkeypatch):
    from xpnet.fast.numpy import batch_normalization, batch_rows, group_normalization, threads

    for module in (batch_normalization, group_normalization):
        monkeypatch.setattr(module, "SIZE", size)
        monkeypatch.setattr(module, "SHARED", 1)
    for module in (batch_normalization, batch_rows):
        monkeypatch.setattr(module, "PART", 2)
    monkeypatch.setattr(threads, "threads", lambda: 2)
    for seed in range(8):
        draw = Draw(seed, "float64", np.asarray)
        layers, (x,) = ROWS[row](draw)
        assert_as_equations(BODIES["numpy"][row], layers, x)


def test_threads_have_workspaces_of_their_own():
    rng = np.random.default_rng(0)
    stages = [Stage((Convolution(rng.standard_normal((5, 4, 3, 3)), np.ones(5)),), None) for _ in range(8)]
    xs = [rng.standard_normal((8, 4, 12, 12)) for _ in stages]
    expected = [stage(x) for stage, x in zip(stages, xs, strict=True)]
    kind = BODIES["numpy"][(Convolution,)]
    with ThreadPoolExecutor(8) as pool:
        cases = [(stage.layers, x) for stage, x in zip(stages, xs, strict=True)] * 20
        found = list(pool.map(lambda case: Stage(case[0], kind)(case[1]), cases))
    for y, right in zip(found, expected * 20, strict=True):
        np.testing.assert_allclose(y, right, rtol=1e-12, atol=1e-12)


def test_memory_that_is_taken_again_fits_each_caller():
    first = workspace("test", (2, 3), np.dtype("float32"))
    assert np.shares_memory(first, workspace("test", (6,), np.dtype("float32")))
    assert workspace("test", (100,), np.dtype("float32")).shape == (100,)
    assert workspace("test", (0, 4), np.dtype("float32")).shape == (0, 4)
    assert not np.shares_memory(first, workspace("test", (2, 3), np.dtype("float64")))
    assert not np.shares_memory(first, workspace("other", (2, 3), np.dtype("float32")))
