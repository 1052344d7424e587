"""The NumPy bodies of convolution and pooling give what their references give, and keep nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from bodies_on_numpy import bodies_on_numpy
from hypothesis import given
from hypothesis import strategies as st

from xpnet import kernels
from xpnet.fast.numpy.blocks import workspace
from xpnet.kernels.numpy import windows
from xpnet.kernels.standard.windows import Window

TOLERANCE = {"float16": 3e-2, "float32": 1e-5, "float64": 1e-12, "complex128": 1e-12}
LAYOUTS = ("images first", "batch last", "strided", "read-only")
pairs = lambda lowest, highest: st.tuples(*[st.integers(lowest, highest)] * 2)  # noqa: E731


@pytest.fixture(params=[windows.BLOCK, 50], ids=["one block", "many blocks"])
def block(request, monkeypatch):
    """The most values that are worked on at a time."""
    monkeypatch.setattr(windows, "BLOCK", request.param)


def laid_out(values: np.ndarray, layout: str) -> np.ndarray:
    """The same images with other strides."""
    if layout == "batch last":
        return np.ascontiguousarray(values.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2)
    if layout == "strided":
        return np.repeat(values, 2, axis=-1)[..., ::2]
    values.flags.writeable = layout != "read-only"
    return values


@st.composite
def drawn(draw, pooling: bool = False):
    """A window, shapes that it fits into, and a function that makes arrays of them."""
    size = draw(pairs(1, 3))
    half = tuple(draw(st.integers(0, n // 2 if pooling else 3)) for n in size)
    window = Window(size, draw(pairs(1, 3)), half, (1, 1) if pooling else draw(pairs(1, 2)))
    room = [max(1, span - 2 * p) for span, p in zip(window.span, window.pad, strict=True)]
    H, W = (draw(st.integers(least, least + 5)) for least in room)
    groups = 1 if pooling else draw(st.sampled_from([1, 1, 2]))
    C, M = (groups * draw(st.integers(1, 3)) for _ in range(2))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(
        st.sampled_from(["float32", "float64", "float16"] if pooling else ["float32", "float64", "complex128"])
    )

    def make(*shape: int) -> np.ndarray:
        values = rng.standard_normal(shape).astype(dtype)
        return laid_out(values, draw(st.sampled_from(LAYOUTS))) if len(shape) == 4 else values

    return make, window, (draw(st.integers(0, 3)), C, H, W), (M, C // groups, *size), groups


def assert_as_reference(kernel, *arguments) -> None:
    """The same values, dtypes and shapes, in arrays of its own; the arguments and earlier results stay as they were."""
    for body in bodies_on_numpy(kernel):
        assert_body_as_reference(body, kernel.reference, *arguments)


def assert_body_as_reference(body, reference, *arguments) -> None:
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]
    before = [a.copy() for a in arrays]
    found, expected = ([*r] if isinstance(r, tuple) else [r] for r in (body(*arguments), reference(*arguments)))
    kept = [np.copy(a) for a in found]
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        tolerance = TOLERANCE.get(str(b.dtype), 0.0)
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=tolerance * np.max(np.abs(b), initial=1.0, where=np.isfinite(b))
        )
        assert not any(np.shares_memory(a, other) for other in arrays)
    body(*[np.ones_like(a) if isinstance(a, np.ndarray) else a for a in arguments])
    for a, b in zip([*arrays, *found], [*before, *kept], strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_body_is_compared():
    here = {"convolution", "pooling", "joint"}
    own = {
        getattr(kernels, name) for name in kernels.__all__ if "numpy" in getattr(getattr(kernels, name), "bodies", ())
    }
    own = {kernel.__name__ for kernel in own if kernel.reference.__module__.rpartition(".")[2] in here}
    assert own - {"affine_relu", "affine_relu_backward"} == {  # which test_numpy_bodies.py compares
        *("convolution", "convolution_dx", "convolution_dw"),
        *("max_pooling", "max_pooling_backward", "average_pooling", "average_pooling_backward"),
        *("convolution_relu_pooling", "convolution_relu_pooling_backward"),
    }


@given(drawn(), st.booleans())
def test_convolution(block, case, with_bias):
    make, window, images, filters, groups = case
    b = make(filters[0]) if with_bias else None
    assert_as_reference(kernels.convolution, make(*images), make(*filters), b, window, groups)


@given(drawn())
def test_derivatives_of_the_convolution(block, case):
    make, window, images, filters, groups = case
    x, dout = make(*images), make(images[0], filters[0], *window.places(images))
    assert_as_reference(kernels.convolution_dw, dout, x, window, groups)
    assert_as_reference(kernels.convolution_dx, dout, make(*filters), images[-2:], window, groups)


@given(drawn(pooling=True), st.booleans())
def test_pooling(case, ties):
    make, window, images, _, _ = case
    x, dout = make(*images), make(*images[:2], *window.places(images))
    assert_as_reference(kernels.average_pooling, x, window)
    assert_as_reference(kernels.average_pooling_backward, dout, images[-2:], window)
    x = np.maximum(np.round(x), 0.0) if ties else x
    assert_as_reference(kernels.max_pooling, x, window)
    winner = kernels.max_pooling(x, window)[1]
    assert_as_reference(kernels.max_pooling_backward, dout, winner, images[-2:], window)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pooling_of_values_that_are_not_finite(value):
    x = np.random.default_rng(0).standard_normal((2, 2, 4, 4))
    x[0, 1, 2:, 1:3] = value
    assert_as_reference(kernels.max_pooling, x, Window((2, 2), (2, 2)))


def test_pooling_of_other_axes_and_many_cells():
    x = np.random.default_rng(0).standard_normal((3, 20, 20))
    for window in (Window((2, 2), (2, 2)), Window((20, 20), (1, 1))):
        y, winner = kernels.max_pooling(x, window)
        assert_as_reference(kernels.max_pooling, x, window)
        assert_as_reference(kernels.max_pooling, x[:, None], window)
        assert_as_reference(kernels.max_pooling_backward, y, winner, (20, 20), window)
        assert_as_reference(kernels.average_pooling, x, window)
        assert_as_reference(kernels.average_pooling_backward, y, (20, 20), window)


def test_two_dtypes_give_that_of_the_reference():
    rng, window = np.random.default_rng(0), Window((2, 2))
    x, W, b = rng.standard_normal((2, 1, 4, 4)), rng.standard_normal((3, 1, 2, 2)), rng.standard_normal(3)
    dout, pool = rng.standard_normal((2, 3, 3, 3)), Window((2, 2), (2, 2))
    for few in ((x.astype("f4"), W, b), (x, W.astype("f4"), b), (x.astype("f4"), W.astype("f4"), b)):
        assert_as_reference(kernels.convolution, *few, window, 1)
        assert_joint_as_reference(*few, window, 1, pool)
    assert_as_reference(kernels.convolution_dx, dout.astype("f4"), W, (4, 4), window, 1)
    assert_as_reference(kernels.convolution_dw, dout.astype("f4"), x, window, 1)
    assert_as_reference(kernels.average_pooling_backward, dout.astype("f4"), (4, 4), window)


# Convolution, ReLU and pooling as one


def assert_joint_as_reference(*arguments) -> None:
    """But for the third result, which is for the backward of the same body alone."""
    reference = kernels.convolution_relu_pooling.reference
    for body in bodies_on_numpy(kernels.convolution_relu_pooling):
        assert_body_as_reference(lambda *a, body=body: body(*a)[:2], lambda *a: reference(*a)[:2], *arguments)


@st.composite
def joints(draw):
    """A convolution and a pool behind it: mostly those of the fast form."""
    fast = draw(st.integers(0, 3)) > 0
    size, pool = draw(pairs(1, 3)), draw(pairs(1, 3))
    window = Window(size, (1, 1) if fast else draw(pairs(1, 2)), draw(pairs(0, 2)))
    pool = Window(pool, pool) if fast else Window(pool, draw(pairs(1, 3)), tuple(n // 2 for n in pool))
    least = [
        max(1, s * (n - 1 - 2 * q) + span - 2 * p)
        for s, n, q, span, p in zip(window.stride, pool.size, pool.pad, window.span, window.pad, strict=True)
    ]
    H, W = (draw(st.integers(n, n + 5)) for n in least)
    N, C, M = draw(st.integers(0, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    layout, dtype = draw(st.sampled_from(LAYOUTS)), draw(st.sampled_from(["float32", "float64"]))
    x = laid_out(rng.integers(-2, 3, (N, C, H, W)).astype(dtype), layout)  # whole numbers, which tie often
    W, b = rng.integers(-2, 3, (M, C, *size)).astype(dtype), rng.integers(-2, 3, M).astype(dtype)
    return x, W, b, window, pool, laid_out(rng.standard_normal((N, M, *pooled(x, window, pool))).astype(dtype), layout)


def pooled(x, window: Window, pool: Window):
    return pool.places((*x.shape[:2], *window.places(x.shape)))


@given(joints())
def test_convolution_relu_pooling(block, case):
    x, W, b, window, pool, dout = case
    kernel, backward = kernels.convolution_relu_pooling, kernels.convolution_relu_pooling_backward
    expected, won, _ = kernel.reference(x, W, b, window, 1, pool)
    for forward, back in zip(bodies_on_numpy(kernel), bodies_on_numpy(backward), strict=True):
        y, winner, seen = forward(x, W, b, window, 1, pool)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(np.where(y > 0, winner, 0), np.where(y > 0, won, 0))
        for needs_dx in (True, False):
            found = back(dout, x, seen, W, y, winner, window, 1, pool, needs_dx)
            wanted = backward.reference(dout, x, x, W, expected, won, window, 1, pool, needs_dx)
            assert (found[0] is None) == (wanted[0] is None) == (not needs_dx)
            for a, c in zip(found[1 - needs_dx :], wanted[1 - needs_dx :], strict=True):
                assert a.dtype == c.dtype
                tolerance = TOLERANCE[str(c.dtype)]
                np.testing.assert_allclose(a, c, rtol=tolerance, atol=tolerance * np.max(np.abs(c), initial=1.0))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_convolution_relu_pooling_of_values_that_are_not_finite(value):
    rng, window, pool = np.random.default_rng(0), Window((3, 3)), Window((2, 2), (2, 2))
    x, W, b = rng.standard_normal((2, 1, 8, 8)), rng.standard_normal((3, 1, 3, 3)), rng.standard_normal(3)
    x[0, 0, 3, 4] = value
    assert_joint_as_reference(x, W, b, window, 1, pool)


def test_threads_have_workspaces_of_their_own():
    rng, window = np.random.default_rng(0), Window((3, 3))
    cases = [(rng.standard_normal((8, 4, 12, 12)), rng.standard_normal((5, 4, 3, 3))) for _ in range(8)]
    expected = [kernels.convolution.reference(x, W, None, window, 1) for x, W in cases]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda case: kernels.convolution(*case, None, window, 1), cases * 20))
    for y, right in zip(found, expected * 20, strict=True):
        np.testing.assert_allclose(y, right, rtol=1e-12, atol=1e-12)


def test_memory_that_is_taken_again_fits_each_caller():
    first = workspace("test", (2, 3), np.dtype("float32"))
    assert np.shares_memory(first, workspace("test", (6,), np.dtype("float32")))
    assert workspace("test", (100,), np.dtype("float32")).shape == (100,)
    assert workspace("test", (0, 4), np.dtype("float32")).shape == (0, 4)
    assert not np.shares_memory(first, workspace("test", (2, 3), np.dtype("float64")))
    assert not np.shares_memory(first, workspace("other", (2, 3), np.dtype("float32")))
