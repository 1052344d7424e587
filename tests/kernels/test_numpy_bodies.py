"""Every NumPy body gives what its reference gives, for any shape, layout and dtype, and keeps nothing."""

from __future__ import annotations

import numpy as np
import pytest
from bodies_on_numpy import bodies_on_numpy
from hypothesis import given
from hypothesis import strategies as st

from xpnet import kernels
from xpnet.fast.numpy.blocks import SIZE

LAYOUTS = ("C", "F", "strided", "reversed", "stretched", "read-only")
DTYPES = ("float32", "float64")
TOLERANCE = {"float16": 4e-3, "float32": 3e-6, "float64": 1e-14, "complex128": 1e-14}
EXTREME = (0.0, -0.0, 1e-30, -1e-30, 80.0, -80.0, 3e4, -3e4, np.inf, -np.inf, np.nan)

shapes = st.lists(st.sampled_from((0, 1, 2, 3, 5)), max_size=4).map(tuple)


def laid_out(values, layout: str):
    """The same values with other strides."""
    if layout == "F":
        return np.asfortranarray(values)
    if layout == "strided":
        return np.repeat(values, 2, axis=-1)[..., ::2] if values.ndim else values
    if layout == "reversed":
        return np.flip(np.flip(values).copy())
    if layout == "stretched" and values.ndim and values.shape[0]:
        return np.broadcast_to(values[:1], values.shape)
    if layout == "read-only":
        values.flags.writeable = False
    return values


def array(seed: int, shape, dtype: str, layout: str = "C", extreme: bool = False):
    rng = np.random.default_rng([seed, len(shape)])
    values = np.asarray(3.0 * rng.normal(size=shape))
    if extreme and values.size:
        values.reshape(-1)[:: 1 + seed % 3] = rng.choice(EXTREME)
    return laid_out(values.astype(dtype), layout)


def labels(seed: int, shape, classes: int, dtype: str = "int64", unknown: bool = False):
    low, high = (-1, classes + 1) if unknown else (0, classes)
    return np.asarray(np.random.default_rng(seed).integers(low, high, size=shape)).astype(dtype)


def in_a_tuple(found) -> tuple:
    return found if isinstance(found, tuple) else (found,)


def assert_as_reference(kernel, *arguments) -> None:
    """Each body gives the same values, dtypes and shapes; in arrays of its own, and with the arguments as they were."""
    assert "numpy" in kernel.bodies
    arrays = [a for a in arguments if isinstance(a, np.ndarray)]
    before = [a.copy() for a in arrays]
    with np.errstate(all="ignore"):
        expected = in_a_tuple(kernel.reference(*arguments))
    for body in bodies_on_numpy(kernel):
        with np.errstate(all="ignore"):
            found, again = in_a_tuple(body(*arguments)), in_a_tuple(body(*arguments))
        for a, b, c in zip(found, again, expected, strict=True):
            assert a.shape == c.shape
            assert a.dtype == c.dtype
            tolerance = TOLERANCE[str(c.dtype)]
            np.testing.assert_allclose(a, c, rtol=tolerance, atol=tolerance)
            np.testing.assert_array_equal(a, b)
            assert not any(np.shares_memory(a, other) for other in (*arrays, b))
        for a, b in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(a, b)


# arrays of one shape -> their results; how many, and whether values of any size may come
ELEMENTWISE = {
    kernels.relu: (1, True),
    kernels.relu_backward: (2, True),
    kernels.sigmoid: (1, True),
    kernels.erf: (1, True),
    kernels.gelu_tanh: (1, True),
    kernels.gelu_tanh_backward: (3, False),
}
on_each = pytest.mark.parametrize("kernel", ELEMENTWISE, ids=lambda kernel: kernel.__name__)


def test_every_body_is_compared():
    here = {"activation", "affine", "embedding", "erf", "joint", "loss", "reduction"}
    found = {name for name in kernels.__all__ if "numpy" in getattr(getattr(kernels, name), "bodies", ())}
    own = {name for name in found if getattr(kernels, name).reference.__module__.rpartition(".")[2] in here}
    rest = {
        "affine",
        "affine_relu",
        "affine_relu_backward",
        "sum_rows",
        "mean",
        "softmax",
        "softmax_cross_entropy",
        "softmax_cross_entropy_backward",
    }
    elsewhere = {"scatter_add"}  # tests/autodiff/test_points.py, test_infinities.py
    assert own - elsewhere == {kernel.__name__ for kernel in ELEMENTWISE} | rest


@on_each
@given(
    shape=shapes,
    dtype=st.sampled_from((*DTYPES, "float16")),
    layouts=st.tuples(*[st.sampled_from(LAYOUTS)] * 3),
    seed=st.integers(0, 99),
    extreme=st.booleans(),
)
def test_elementwise_bodies(kernel, shape, dtype, layouts, seed, extreme):
    count, any_size = ELEMENTWISE[kernel]
    arrays = [array(seed + i, shape, dtype, layouts[i], extreme and any_size) for i in range(count)]
    assert_as_reference(kernel, *arrays)


@on_each
@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_elementwise_bodies_over_more_than_one_block(kernel, dtype, layout):
    arrays = [array(i, (2, SIZE + 3), dtype, layout) for i in range(ELEMENTWISE[kernel][0])]
    assert_as_reference(kernel, *arrays)


@pytest.mark.parametrize("kernel", [kernels.relu_backward, kernels.gelu_tanh_backward], ids=lambda k: k.__name__)
def test_two_dtypes_give_that_of_the_reference(kernel):
    arrays = [array(i, (3, 4), "float64" if i else "float32") for i in range(ELEMENTWISE[kernel][0])]
    assert_as_reference(kernel, *arrays)


@given(
    N=st.sampled_from((0, 1, 3, 40)),
    D=st.sampled_from((0, 1, 4)),
    M=st.sampled_from((0, 1, 3)),
    dtypes=st.tuples(*[st.sampled_from((*DTYPES, "complex128"))] * 3),
    layouts=st.tuples(*[st.sampled_from(LAYOUTS)] * 3),
    leading=st.booleans(),
    seed=st.integers(0, 99),
)
def test_affine(N, D, M, dtypes, layouts, leading, seed):
    x = array(seed, (2, N, D) if leading else (N, D), dtypes[0], layouts[0])
    W, b = array(seed, (D, M), dtypes[1], layouts[1]), array(seed, (M,), dtypes[2], layouts[2])
    assert_as_reference(kernels.affine, x, W, b)
    if "complex128" not in dtypes:
        assert_as_reference(kernels.affine_relu, x, W, b)


@pytest.mark.parametrize("N", [0, 1, 2, 40])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtypes", [("float32",) * 4, ("float64",) * 4, ("float32", "float32", "float64", "float32")])
def test_affine_relu_backward(N, layout, dtypes):
    shapes = ((N, 3), (N, 4), (4, 3), (N, 3))
    for at in (*range(4), None):  # which array is laid out, None for all
        given = [array(i, shapes[i], dtypes[i], layout if at in (i, None) else "C") for i in range(4)]
        assert_as_reference(kernels.affine_relu_backward, *given, True)


@pytest.mark.parametrize("order", ["C", "F"])
def test_dx_of_an_affine_map_lies_in_memory_as_x_does(order):
    dout, x, W, y = (array(i, shape, "float32") for i, shape in enumerate([(3, 2), (3, 4), (4, 2), (3, 2)]))
    x = np.asarray(x, order=order)
    for body in bodies_on_numpy(kernels.affine_relu_backward):
        assert body(dout, x, W, y, True)[0].flags[f"{order}_CONTIGUOUS"]
        assert body(dout, x, W, y, False)[0] is None


def test_affine_relu_of_many_rows_and_of_values_that_are_not_finite():
    x, W, b = (array(i, shape, "float32") for i, shape in enumerate([(SIZE // 7, 2), (2, 20), (20,)]))
    x[3, 0], x[5, 1], x[7] = np.nan, np.inf, -np.inf
    assert_as_reference(kernels.affine_relu, x, W, b)


@given(
    shape=st.tuples(st.sampled_from((0, 1, 3, 1000)), st.sampled_from((0, 1, 3))) | shapes.filter(len),
    dtype=st.sampled_from((*DTYPES, "complex128")),
    layout=st.sampled_from(LAYOUTS),
    seed=st.integers(0, 99),
)
def test_sum_rows(shape, dtype, layout, seed):
    dout = array(seed, shape, dtype, layout)
    found, expected = kernels.sum_rows(dout), kernels.sum_rows.reference(dout)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype], atol=30 * TOLERANCE[dtype])


def test_sum_rows_over_more_rows_than_ready_ones():
    dout = np.ones((SIZE + 5, 2), dtype=np.float32)
    np.testing.assert_array_equal(kernels.sum_rows(dout), [SIZE + 5, SIZE + 5])


@given(shape=shapes, dtype=st.sampled_from((*DTYPES, "float16")), layout=st.sampled_from(LAYOUTS))
def test_mean(shape, dtype, layout):
    x = array(0, shape, dtype, layout)
    if x.size:
        assert_as_reference(kernels.mean, x)


scores = st.tuples(st.lists(st.sampled_from((1, 2, 7)), max_size=3).map(tuple), st.sampled_from((1, 2, 10, 33, 70)))


@given(
    shape=scores,
    dtype=st.sampled_from((*DTYPES, "float16")),
    layout=st.sampled_from(LAYOUTS),
    seed=st.integers(0, 99),
)
def test_softmax(shape, dtype, layout, seed):
    assert_as_reference(kernels.softmax, array(seed, (*shape[0], shape[1]), dtype, layout))


@given(
    shape=scores,
    dtypes=st.tuples(st.sampled_from(DTYPES), st.sampled_from(("int64", "int32", "uint8", "floating"))),
    layouts=st.tuples(*[st.sampled_from(LAYOUTS)] * 2),
    unknown=st.booleans(),
    seed=st.integers(0, 99),
)
def test_softmax_cross_entropy(shape, dtypes, layouts, unknown, seed):
    batch, classes = shape
    x = array(seed, (*batch, classes), dtypes[0], layouts[0])
    if dtypes[1] == "floating":
        t = laid_out(np.abs(array(seed + 1, x.shape, dtypes[0])), layouts[1])
    else:
        t = laid_out(labels(seed, batch, classes, dtypes[1], unknown and dtypes[1] != "uint8"), layouts[1])
    assert_as_reference(kernels.softmax_cross_entropy, x, t)
    for dlosses in (0.5, np.full((*x.shape[:-1], 1), 0.5, x.dtype), np.asarray(0.5, x.dtype)):
        assert_as_reference(kernels.softmax_cross_entropy_backward, kernels.softmax(x), t, dlosses)


@pytest.mark.parametrize("shape", [(0, 3), (0, 40), (2, 0, 3)])
def test_softmax_cross_entropy_of_no_samples(shape):
    x, t = np.ones(shape), labels(0, shape[:-1], 3)
    assert_as_reference(kernels.softmax_cross_entropy, x, t)
    assert_as_reference(kernels.softmax_cross_entropy_backward, x, t, 0.5)


def test_scores_of_any_size_do_not_overflow():
    x = np.asarray([[1e4, -1e4, 0.0], [-1e30, 1e30, 0.0]], dtype=np.float32)
    losses, y = kernels.softmax_cross_entropy(x, np.asarray([0, 1]))
    np.testing.assert_array_equal(losses, [0.0, 0.0])
    np.testing.assert_array_equal(y, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def test_the_gradient_of_a_bias_keeps_its_digits_over_many_rows():
    dout = np.random.default_rng(0).random((200_000, 2), "float32")
    x, W, y = np.zeros((len(dout), 1), "float32"), np.zeros((1, 2), "float32"), np.ones_like(dout)
    expected = np.sum(dout, axis=0, dtype=np.float64)
    for body in bodies_on_numpy(kernels.affine_relu_backward):
        _, _, db = body(dout, x, W, y, False)
        np.testing.assert_allclose(db, expected, rtol=5e-5)
