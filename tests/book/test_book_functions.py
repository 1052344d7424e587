"""The book's functions, the numbers that it prints, and its ways of calling them."""

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import array_namespace, library_name, to_numpy
from xpnet.book import functions, util
from xpnet.book.gradient import numerical_gradient, numerical_gradient_2d
from xpnet.errors import DtypeError, ShapeError

X = np.random.default_rng(0).normal(size=(4, 5)) * 3.0


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


FORMULAS = {
    "identity_function": lambda x: x,
    "step_function": lambda x: (x > 0).astype(int),
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "sigmoid_grad": lambda x: np.exp(-x) / (1.0 + np.exp(-x)) ** 2,
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "relu_grad": lambda x: np.where(x >= 0, 1.0, 0.0),
    "softmax": softmax,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_functions_of_arrays(name, backend, asarray, tolerance):
    y = getattr(functions, name)(asarray(X))
    assert library_name(array_namespace(y)) == backend.name
    np.testing.assert_allclose(to_numpy(y), FORMULAS[name](X), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "identity_function"])
def test_functions_of_lists_integers_and_numbers(name):
    """Whatever dtype new arrays have, the book's are float64."""
    for values in ([-1.0, 0.0, 0.1], np.asarray([-1, 0, 2]), [-1, 0, 2]):
        found = getattr(functions, name)(values)
        np.testing.assert_allclose(found, FORMULAS[name](np.asarray(values, dtype=np.float64)), rtol=1e-14)
    if name != "softmax":
        np.testing.assert_allclose(getattr(functions, name)(0.1), FORMULAS[name](np.asarray(0.1)), rtol=1e-14)


def test_relu_of_integers_gives_integers_as_in_the_book():
    assert functions.relu(np.asarray([-1, 2])).dtype.kind == "i"


def test_the_numbers_of_chapter_3():
    np.testing.assert_allclose(
        functions.sigmoid(np.array([-1.0, 1.0, 2.0])), [0.26894142, 0.73105858, 0.88079708], 1e-7
    )
    np.testing.assert_allclose(functions.softmax(np.array([0.3, 2.9, 4.0])), [0.01821127, 0.24519181, 0.73659691], 1e-6)
    large = functions.softmax(np.array([1010, 1000, 990]))
    np.testing.assert_allclose(large, [9.99954600e-01, 4.53978686e-05, 2.06106005e-09], 1e-8)


def test_the_numbers_of_chapter_4():
    t = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    y = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]
    z = [0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0]
    assert float(functions.mean_squared_error(np.array(y), np.array(t))) == pytest.approx(0.0975)
    assert float(functions.sum_squared_error(np.array(z), np.array(t))) == pytest.approx(0.5975)
    assert float(functions.cross_entropy_error(np.array(y), np.array(t))) == pytest.approx(0.510825457099338, abs=1e-15)
    assert float(functions.cross_entropy_error(np.array(z), np.array(t))) == pytest.approx(2.302584092994546, abs=1e-15)


@pytest.mark.parametrize("form", ["indices", "one-hot", "integer one-hot", "column"])
def test_cross_entropy_error_of_a_batch(form, backend, asarray, tolerance):
    y, labels = softmax(X), np.asarray([0, 4, 2, 2])
    t = {"indices": labels, "one-hot": np.eye(5)[labels], "column": labels[:, None]}.get(form)
    t = np.eye(5, dtype=np.int64)[labels] if t is None else t
    expected = -np.mean(np.log(y[np.arange(4), labels] + 1e-7))
    assert float(functions.cross_entropy_error(asarray(y), asarray(t))) == pytest.approx(expected, rel=10 * tolerance)
    assert float(functions.softmax_loss(asarray(X), asarray(t))) == pytest.approx(expected, rel=10 * tolerance)


def test_cross_entropy_error_of_a_probability_of_0_is_a_number(backend, asarray):
    loss = float(functions.cross_entropy_error(asarray([[1.0, 0.0]]), asarray([1])))
    assert loss == pytest.approx(-np.log(1e-7), rel=1e-5)


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"t must be \(2,\) or \(2, 3\)"):
        functions.cross_entropy_error(np.ones((2, 3)), np.asarray([0, 1, 2]))


def test_the_numerical_gradient_of_chapter_4(backend, tolerance):
    def f(x):
        return x[0] ** 2 + x[1] ** 2

    if backend.name == "jax":
        pytest.skip("its arrays cannot be written to")
    for point, expected in (([3.0, 4.0], [6.0, 8.0]), ([0.0, 2.0], [0.0, 4.0]), ([3.0, 0.0], [6.0, 0.0])):
        x = backend.asarray(np.array(point))
        np.testing.assert_allclose(to_numpy(numerical_gradient(f, x)), expected, atol=max(1e-9, 100 * tolerance))
        np.testing.assert_array_equal(to_numpy(x), point)


def test_the_numerical_gradient_moves_what_the_function_holds():
    """``lambda W: net.loss(x, t)``, which never looks at W."""
    W = np.random.default_rng(0).normal(size=(2, 3))
    gradient = numerical_gradient(lambda _: np.sum(W**3), W)
    np.testing.assert_allclose(gradient, 3.0 * W**2, atol=1e-7)


def test_the_numerical_gradient_puts_back_what_it_moved_where_the_function_fails():
    W = np.ones(3)

    def f(x):
        if x[1] != 1.0:
            raise RuntimeError("no")
        return np.sum(x)

    with pytest.raises(RuntimeError):
        numerical_gradient(f, W)
    np.testing.assert_array_equal(W, np.ones(3))


def test_the_numerical_gradient_refuses_what_it_cannot_move():
    frozen = np.ones(3)
    frozen.flags.writeable = False
    with pytest.raises(DtypeError, match="must be an array that can be written to"):
        numerical_gradient(np.sum, frozen)
    with pytest.raises(DtypeError, match="x must be a floating array"):
        numerical_gradient(np.sum, np.asarray([3, 4]))
    if "jax" in xn.available_backends():
        with pytest.raises(DtypeError, match="jax"):
            numerical_gradient(lambda x: x.sum(), xn.backend.make_backend("jax").asarray([1.0, 2.0]))


def test_numerical_gradient_2d_is_that_of_each_row():
    points = np.random.default_rng(0).normal(size=(4, 2))
    np.testing.assert_allclose(numerical_gradient_2d(lambda x: np.sum(x**2), points), 2.0 * points, atol=1e-9)
    np.testing.assert_allclose(numerical_gradient_2d(lambda x: np.sum(x**2), points[0]), 2.0 * points[0], atol=1e-9)


def patches(x, FH, FW, stride, pad):
    """One patch after another, as section 7.4.2 describes it."""
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    OH, OW = ((length - F) // stride + 1 for length, F in zip(padded.shape[2:], (FH, FW), strict=True))
    return np.stack(
        [
            padded[n, :, stride * i : stride * i + FH, stride * j : stride * j + FW].ravel()
            for n in range(len(x))
            for i in range(OH)
            for j in range(OW)
        ]
    )


@pytest.mark.parametrize(("size", "stride", "pad"), [((5, 5), 1, 0), ((3, 2), 2, 1), ((2, 2), 3, 0)])
def test_im2col_and_col2im(size, stride, pad, backend, asarray, tolerance):
    images = np.random.default_rng(0).normal(size=(2, 3, 7, 7))
    col = util.im2col(asarray(images), *size, stride, pad)
    np.testing.assert_allclose(to_numpy(col), patches(images, *size, stride, pad), rtol=tolerance)
    weights = np.random.default_rng(1).normal(size=col.shape)
    back = util.col2im(asarray(weights), images.shape, *size, stride, pad)
    # <im2col(x), w> = <x, col2im(w)> for every x
    expected = np.zeros_like(images)
    for at in np.ndindex(1, 3, 7, 7):
        one = np.zeros_like(images)
        one[at] = 1.0
        expected[at] = np.sum(patches(one, *size, stride, pad) * weights)
    np.testing.assert_allclose(to_numpy(back)[:1], expected[:1], atol=20 * tolerance)


def test_the_shapes_of_section_7_4_2():
    assert util.im2col(np.zeros((1, 3, 7, 7)), 5, 5, stride=1, pad=0).shape == (9, 75)
    assert util.im2col(np.zeros((10, 3, 7, 7)), 5, 5).shape == (90, 75)


def test_conv_output_size():
    assert util.conv_output_size(28, 5) == 24.0
    assert util.conv_output_size(7, 3, stride=2, pad=1) == 4.0
    assert util.conv_output_size(7, 4, stride=2) == 2.5


def test_a_smooth_curve_has_as_many_values_and_keeps_what_is_constant(backend, asarray):
    losses = [asarray(2.5)] * 30
    np.testing.assert_allclose(util.smooth_curve(losses), np.full(30, 2.5), rtol=1e-6)
    noisy = np.random.default_rng(0).normal(size=200)
    assert util.smooth_curve(noisy).shape == (200,)
    assert np.std(util.smooth_curve(noisy)) < 0.6 * np.std(noisy)


def test_a_shuffled_dataset_keeps_its_pairs(backend, asarray):
    x, t = asarray(np.arange(20.0).reshape(10, 2)), asarray(np.arange(10))
    np.random.seed(1)
    shuffled, labels = (to_numpy(part) for part in util.shuffle_dataset(x, t))
    np.random.seed(1)
    np.testing.assert_array_equal(labels, np.random.permutation(10))
    np.testing.assert_array_equal(shuffled[:, 0], 2.0 * labels)
