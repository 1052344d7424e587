"""What every network after the book does: gradients, inference, files, precision, plan, summary, drawing."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from later_networks import LATER, ROWS
from named_numbers import normal

import xpnet as xn
from xpnet.backend import dtype_name, to_numpy
from xpnet.errors import ArgumentError, ShapeError
from xpnet.networks import VGG, Autoencoder, MLPMixer, ResNet34, UNet, ViT
from xpnet.random import Generator

on_every_network = pytest.mark.parametrize("name", LATER)


@pytest.fixture
def made(name):
    make, x, t = LATER[name]
    with xn.use_backend("numpy", dtype="float64"):
        yield make(Generator(0)), x, t


@on_every_network
def test_backward_is_the_slope_of_the_loss(made, name) -> None:
    """Along two directions through all parameters at once."""
    net, x, t = made
    gradients, before = net.gradient(x, t), {key: W.copy() for key, W in net.params.items()}
    states = dict(net.states)
    for direction in range(2):
        along = {key: normal(f"{direction} {key}", *W.shape) for key, W in before.items()}
        losses = []
        for step in (1e-6, -1e-6):
            net.states.update(states)
            with net.using({key: W + step * along[key] for key, W in before.items()}):
                net.states.update({key: 0 for key, value in states.items() if type(value) is int})
                losses.append(float(net.loss(x, t)))
        slope = sum(float(np.sum(gradients[key] * along[key])) for key in before)
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(slope, rel=1e-4, abs=1e-6)


@on_every_network
def test_the_plan_gives_what_the_equations_give(made, name) -> None:
    net, x, t = made
    again = copy.deepcopy(net)
    loss, gradients = net.loss_and_gradient(x, t)
    with xn.plain():
        expected, equations = again.loss_and_gradient(x, t)
        np.testing.assert_allclose(net.predict(x), again.predict(x), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(loss, expected, rtol=1e-10)
    for key, dW in gradients.items():
        np.testing.assert_allclose(dW, equations[key], rtol=1e-7, atol=1e-9)
    assert "  num" in repr(net.plan())  # a body of NumPy or numba


@on_every_network
def test_files_copies_and_precisions(made, name, tmp_path) -> None:
    net, x, t = made
    xn.save(tmp_path / "net", net)
    again = xn.load_network(tmp_path / "net")
    assert (type(again), repr(again), again.summary()) == (type(net), repr(net), net.summary())
    expected = net.predict(x)
    for other in (again, copy.deepcopy(net)):
        np.testing.assert_array_equal(other.predict(x), expected)
    single = net.astype("float32")
    low = single.compute_in("float16")
    assert all(dtype_name(dW.dtype) == "float32" for dW in low.gradient(x, t).values())
    assert np.isfinite(to_numpy(low.predict(x))).all()
    assert "parameters" in net.summary(x)
    xn.draw(net).save(tmp_path / "net.svg")
    assert "<svg" in (tmp_path / "net.svg").read_text()


@on_every_network
def test_later_networks_train_and_infer_on_every_backend(name, asarray, tolerance) -> None:
    make, x, t = LATER[name]
    with xn.use_backend("numpy", dtype="float64"):
        reference = make(Generator(0))
        wanted, expected = reference.gradient(x, t), reference.predict(x)
    net = make(Generator(0))
    largest = max(float(np.max(np.abs(dW))) for dW in wanted.values())
    for key, dW in net.gradient(asarray(x), asarray(t)).items():
        np.testing.assert_allclose(to_numpy(dW), wanted[key], rtol=1e3 * tolerance, atol=1e3 * tolerance * largest)
    found = to_numpy(net.predict(asarray(x)))
    np.testing.assert_allclose(found, expected, rtol=1e3 * tolerance, atol=1e3 * tolerance)


def test_an_autoencoder_codes_and_decodes() -> None:
    net = Autoencoder(5, (4,), 2, rng=Generator(0))
    x = ROWS.astype(np.float32)
    assert net.encode(x).shape == (3, 2)
    np.testing.assert_array_equal(net.decode(net.encode(x)), net.predict(x))


def test_layers_are_as_many_as_the_names_say() -> None:
    blocks = [len(ResNet34(3, 1, 1).layers[f"layer{stage}"].layers) // 2 for stage in range(1, 5)]
    assert blocks == [3, 4, 6, 3]
    for depth in (11, 13, 16, 19):
        params = VGG(depth, (1, 4, 4), 3, 1, 4).params
        assert sum(name.endswith(".W") for name in params) == depth


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: VGG(12), "VGG: depth must be one of 11, 13, 16, 19, got 12"),
        (lambda: VGG(11, (3, 0, 4)), "VGG: each size of input_dim must be a positive integer, got 0"),
        (lambda: ResNet34(width=0), "ResNet34: width must be a positive integer, got 0"),
        (lambda: UNet(depth=0), "UNet: depth must be a positive integer, got 0"),
        (lambda: ViT((1, 5, 4), 2, 4, 2, 1), "ViT: patches of 2 must fill the image, got 5 x 4"),
        (lambda: MLPMixer((1, 4, 4), 2, 4, 0), "MLPMixer: layers must be a positive integer, got 0"),
        (
            lambda: Autoencoder(5, (0,)),
            "each of input_size, hidden and code must be a positive integer, got 0",
        ),
    ],
)
def test_sizes_that_do_not_fit_are_refused(make, text) -> None:
    with pytest.raises(ArgumentError, match=text):
        make()


def test_images_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(ShapeError, match="Concat"):
        UNet(1, 3, 2, 2).predict(normal("x", 1, 1, 6, 8).astype(np.float32))
