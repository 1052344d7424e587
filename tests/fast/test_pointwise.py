"""Bodies of activations, affine maps and losses: dtypes, digits, labels out of range, what goes to the equations."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from draw import Draw
from row_table import ROWS
from test_bodies_equal_layers import ROUNDING, Case, assert_equal, by_equations, gradients

from xpnet.backend import make_backend, to_numpy
from xpnet.errors import ArgumentError, BackendError, ShapeError
from xpnet.fast.numpy.blocks import SIZE
from xpnet.layers import Affine, Gelu, Linear, LogSoftmax, Relu, Sigmoid, Softmax, SoftmaxWithLoss
from xpnet.layers.bodies import BODIES, body_for, libraries_for
from xpnet.layers.stage import Stage

for module in ("drawn_activation", "drawn_affine", "drawn_loss"):
    import_module(module)
POINTWISE = [row for row, draw in ROWS.items() if draw.__module__ in ("drawn_activation", "drawn_affine", "drawn_loss")]
by_row = pytest.mark.parametrize("row", POINTWISE, ids=lambda row: "-".join(kind.__name__ for kind in row))


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


def asarray(library: str, values: Any) -> Any:
    return values if library != "cupy" else make_backend("cupy").asarray(values, dtype=str(values.dtype))


def stage_of(library: str, *layers: Any) -> Stage:
    return Stage(layers, BODIES[library].get(tuple(map(type, layers))))


def affine(library: str, *shape: int, dtype: str = "float32", kind: Any = Affine) -> Any:
    rng = np.random.default_rng(0)
    return kind(*[asarray(library, rng.normal(size=size).astype(dtype)) for size in (shape, shape[-1:])])


# What comes back


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("then", [(), (Relu(),)], ids=str)
def test_dx_of_an_affine_map_lies_in_memory_as_x_does(library, order, then):
    if library == "cupy":
        pytest.skip("cuBLAS writes in C order")
    stage = stage_of(library, affine(library, 4, 2), *then)
    x = np.asarray(np.random.default_rng(1).normal(size=(3, 4)), "float32", order=order)
    assert stage.backward(stage(x)).flags[f"{order}_CONTIGUOUS"]


@pytest.mark.parametrize("rows", [SIZE + 5, 200_000])
def test_the_gradient_of_a_bias_keeps_its_digits_over_many_rows(library, rows):
    dout = np.random.default_rng(0).random((rows, 2), "float32")
    for then in ((), (Relu(),)):
        layer = Affine(*[asarray(library, np.full(shape, 1.0, "float32")) for shape in ((1, 2), (2,))])
        stage = stage_of(library, layer, *then)
        stage(asarray(library, np.ones((rows, 1), "float32")))
        stage.backward(asarray(library, dout))
        np.testing.assert_allclose(to_numpy(layer.db), np.sum(dout, axis=0, dtype=np.float64), rtol=5e-5)


def test_affine_and_relu_of_many_rows_and_of_values_that_are_not_finite(library):
    x = np.random.default_rng(0).normal(size=(SIZE // 7, 2)).astype("float32")
    x[3, 0], x[5, 1], x[7] = np.nan, np.inf, -np.inf
    layers = [affine(library, 2, 20), Relu()]
    case = Case(BODIES[library][Affine, Relu], layers, (asarray(library, x),), Draw(0, "float32", np.asarray))
    with np.errstate(all="ignore"):
        assert_equal([case.stage()[0](*case.inputs)], [case.equations()[0]], "float32")


@by_row
def test_a_derivative_of_another_dtype_gives_what_the_equations_give(library, row):
    if row not in BODIES[library]:
        pytest.skip(f"{library} has no body for it")
    draw = Draw(3, "float32", lambda values: asarray(library, values))
    for _ in range(4):
        case = Case(BODIES[library][row], *ROWS[row](draw), draw)
        with np.errstate(all="ignore"):
            (y, alone), (stage, own) = case.equations(), case.stage()
            if y.shape == ():
                continue
            stage(*case.inputs)
            dout = asarray(library, draw.rng.normal(size=y.shape))
            dx, expected = stage.backward(dout), by_equations(alone, (dout,))
        assert dx.dtype in (dout.dtype, y.dtype)
        for a, b in zip([dx, *gradients(own)], [expected, *gradients(alone)], strict=True):
            a, b = to_numpy(a), to_numpy(b)
            scale = max(1.0, np.abs(b[np.isfinite(b)]).max(initial=0.0))
            np.testing.assert_allclose(a, b, rtol=8 * ROUNDING["float32"], atol=8 * ROUNDING["float32"] * scale)


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("row", [(Affine,), (Affine, Relu), (Linear,), (Linear, Gelu)], ids=str)
def test_arrays_of_two_dtypes_are_left_to_the_equations(library, row, at):
    if row not in BODIES[library]:
        pytest.skip(f"{library} has no body for it")
    arrays = [np.ones(shape, "float64" if i == at else "float32") for i, shape in enumerate([(3, 4), (4, 2), (2,)])]
    x, W, b = (asarray(library, array) for array in arrays)
    stage = stage_of(library, row[0](W, b), *[kind() for kind in row[1:]])
    assert str(stage(x).dtype) == "float64"
    assert stage.given is None


@pytest.mark.parametrize("swapped", [">f4", "<f4"])
def test_arrays_of_another_byte_order(swapped):
    for name in libraries_for(np.ndarray):
        layer = Affine(np.ones((1, 2), "f4"), np.asarray([1.0, -2.0]).astype(swapped))
        np.testing.assert_array_equal(stage_of(name, layer, Relu())(np.ones((2, 1), "f4")), [[2.0, 0.0]] * 2)


def test_arrays_that_are_not_aligned():
    x = np.frombuffer(bytearray(17), dtype="f4", offset=1, count=4).reshape(2, 2)
    x[...] = [[0.0, 0.0], [1.0, 1.0]]
    for name in libraries_for(np.ndarray):
        stage = stage_of(name, SoftmaxWithLoss())
        np.testing.assert_allclose(stage(x, np.asarray([0, 1])), np.log(2.0), rtol=1e-6)


# Losses


def test_scores_of_any_size_do_not_overflow(library):
    x = asarray(library, np.asarray([[1e4, -1e4, 0.0], [-1e30, 1e30, 0.0]], dtype="float32"))
    stage = stage_of(library, SoftmaxWithLoss(reduction="sum"))
    assert float(stage(x, asarray(library, np.asarray([0, 1])))) == 0.0
    np.testing.assert_array_equal(to_numpy(stage.backward(1.0)), np.zeros((2, 3)))


@pytest.mark.parametrize("options", [{}, {"reduction": "sum"}, {"ignore_index": 5}, {"class_weights": [1.0, 2.0, 3.0]}])
@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_label_out_of_range_is_named_where_it_can_be_read_and_gives_nan_on_a_gpu(library, wrong, options):
    x, t = np.random.default_rng(0).normal(size=(4, 3)), np.asarray([0, wrong, 2, 1])
    layer = SoftmaxWithLoss(**options)
    if layer.class_weights is not None:
        layer.class_weights = asarray(library, np.asarray([1.0, 2.0, 3.0]))
    stage = stage_of(library, layer)
    if library != "cupy":
        with pytest.raises(ArgumentError, match=rf"SoftmaxWithLoss: labels must be from 0 to 2.*, got {wrong};"):
            stage(x, t)
        return
    assert np.isnan(to_numpy(stage(asarray(library, x), asarray(library, t))))
    dx, alone = to_numpy(stage.backward(1.0)), layer.copy()
    alone.forward(asarray(library, x), asarray(library, t))
    expected = to_numpy(alone.backward(1.0))
    assert np.isnan(dx[1]).all()
    np.testing.assert_allclose(dx, expected, rtol=1e-12)


def test_no_samples_are_refused_by_the_layer(library):
    x, t = asarray(library, np.ones((0, 3))), asarray(library, np.ones(0, "int64"))
    with pytest.raises(ShapeError, match=r"^SoftmaxWithLoss: x must hold at least one sample, got \(0, 3\);"):
        stage_of(library, SoftmaxWithLoss())(x, t)


@pytest.mark.parametrize("weights", [None, [0.5, 0.0, 2.0]])
def test_the_layer_knows_what_was_counted(library, weights):
    layer = SoftmaxWithLoss()
    x, t = asarray(library, np.ones((3, 2))), asarray(library, np.asarray([0, 1, 1]))
    given = (x, t) if weights is None else (x, t, asarray(library, np.asarray(weights)))
    stage_of(library, layer)(*given)
    assert float(layer.counted) == (3.0 if weights is None else 2.5)


def test_losses_that_float16_cannot_hold_have_a_mean(cupy):
    x, t = cupy.asarray([[6e4, -6e4]] * 40 + [[0.0, 0.0]] * 40, "float16"), cupy.zeros(80, "int64")
    t[:40] = 1
    stage = Stage((SoftmaxWithLoss(),), body_for((SoftmaxWithLoss(),), libraries_for(type(x))))
    assert stage(x, t).dtype == x.dtype
    assert float(stage(x, t)) == 6e4
    x[:], t[:] = 9.0, 0
    x[:, 0] = -1.0
    np.testing.assert_allclose(float(stage(x, t)), 10.0, rtol=1e-3)


@pytest.mark.parametrize("kind", [Softmax, LogSoftmax])
def test_no_classes_are_refused_by_the_layer(library, kind):
    if (kind,) not in BODIES[library]:
        pytest.skip(f"{library} has no body for it")
    with pytest.raises(ShapeError, match=rf"^{kind.__name__}: x must hold at least one class"):
        stage_of(library, kind())(asarray(library, np.ones((2, 0))))


# Launches


def test_launches_have_blocks_and_threads_for_all_there_is_to_do(cupy, launches):
    """With fewer the kernels would give the same numbers, one part of them after the other."""
    stage_of("cupy", Relu())(cupy.ones(1000, "float32"))
    assert launches.sizes == (4, 256)
    stage_of("cupy", Softmax())(cupy.ones((5, 70), "float32"))
    assert launches.sizes == (5, 128)
    stage = stage_of("cupy", affine("cupy", 3, 19))
    stage(cupy.ones((300, 3), "float32"))
    stage.backward(cupy.ones((300, 19), "float32"))
    blocks, threads = launches.sizes
    assert blocks * threads >= min(300 * 19, blocks * 1024)
    assert blocks >= 3


@pytest.mark.parametrize(
    ("layers", "count"), [((Sigmoid(),), 2), ((Softmax(),), 2), ((Gelu(),), 2), ((SoftmaxWithLoss(),), 2)], ids=str
)
def test_each_way_is_one_launch_beside_a_mean(cupy, launches, layers, count):
    stage, x = stage_of("cupy", *layers), cupy.ones((5, 3), "float32")
    y = stage(x, cupy.asarray([0, 1, 2, 1, 0])) if layers[0].takes_a_number else stage(x)
    stage.backward(1.0 if y.shape == () else y)
    assert launches.count == count
