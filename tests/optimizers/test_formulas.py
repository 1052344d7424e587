"""Each optimizer does what its formula says, on every backend, and reads no value on the host."""

from __future__ import annotations

import numpy as np
import pytest
from by_the_book import KINDS, by_the_book, gradients, host, on_every_kind
from named_numbers import normal

import xpnet as xn
from xpnet import optimizers
from xpnet.backend import array_namespace, device_of, to_numpy
from xpnet.networks import TwoLayerNet
from xpnet.optimizers import SAM, SGD, Adam, Lookahead, Momentum, Optimizer, clip_by_norm, clip_by_value, vectors
from xpnet.random import Generator
from xpnet.schedules import Cosine


def test_every_optimizer_is_tested_here() -> None:
    exported = {getattr(optimizers, name) for name in optimizers.__all__}
    kinds = {x for x in exported if isinstance(x, type) and issubclass(x, Optimizer)}
    assert kinds == {*KINDS, SAM, Lookahead, Optimizer}  # of which the wrappers have tests of their own


@on_every_kind
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_five_steps_are_those_of_the_formula(kind, decay, params, asarray, tolerance) -> None:
    steps = [gradients(asarray, k) for k in range(5)]
    before = host(params)
    optimizer = kind(0.1, weight_decay=decay)
    for grads in steps:
        optimizer.update(params, grads)
    for name, array in params.items():
        expected = by_the_book(kind, before[name], [to_numpy(grads[name]) for grads in steps], decay=decay)
        np.testing.assert_allclose(to_numpy(array), expected, rtol=10 * tolerance, atol=10 * tolerance)


@on_every_kind
def test_a_hundred_steps_are_those_of_the_formula(kind) -> None:
    before, gs = normal("W", 6), [normal(f"dW{k}", 6) for k in range(100)]
    params, optimizer = {"W": before.copy()}, kind(0.01, weight_decay=0.1)
    for g in gs:
        optimizer.update(params, {"W": g})
    np.testing.assert_allclose(params["W"], by_the_book(kind, before, gs, 0.01, 0.1), rtol=1e-11, atol=1e-12)


@on_every_kind
def test_library_device_and_dtype_are_kept_and_gradients_left_alone(kind, params, asarray, backend) -> None:
    optimizer, grads = kind(), gradients(asarray, 0)
    before = host(grads)
    optimizer.update(params, grads)
    arrays = [array for name, array in optimizer.state.items() if name != "steps"]
    assert len(arrays) == 2 * len(kind.slots)
    for array in (*params.values(), *arrays):
        assert array_namespace(array) is backend.xp
        assert device_of(array) == backend.device
        assert array.dtype == backend.dtype
    for name, array in grads.items():
        np.testing.assert_array_equal(to_numpy(array), before[name])


@on_every_kind
def test_no_value_is_read_on_the_host(kind, params, asarray, no_host_sync) -> None:
    optimizer, grads = kind(lr=Cosine(0.1, 10), groups={vectors: {"weight_decay": 0.0}}), gradients(asarray, 0)
    with no_host_sync():
        for _ in range(2):
            optimizer.update(params, clip_by_norm(clip_by_value(grads, 0.5), 1.0))


@on_every_kind
def test_a_gradient_of_another_precision_is_cast(kind) -> None:
    params = {"W": np.ones((2, 2), dtype=np.float32)}
    kind().update(params, {"W": np.ones((2, 2))})
    assert params["W"].dtype == np.float32


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_network_learns(kind, asarray) -> None:
    x = normal("x", 40, 4)
    x, t = asarray(x), asarray(np.argmax(x[:, :3], axis=1))
    net = TwoLayerNet(4, 8, 3, weight_init_std=0.5, rng=Generator(0))
    optimizer = kind(0.03 if kind.slots else 0.5)
    before = float(to_numpy(net.loss(x, t)))
    for _ in range(10):
        optimizer.update(net.params, net.gradient(x, t))
    assert float(to_numpy(net.loss(x, t))) < 0.9 * before


def test_a_step_can_be_differentiated() -> None:
    """The references are recordable, and a Variable selects them."""

    def after(g):
        params = {"W": np.asarray([1.0, 2.0])}
        Momentum(0.1).update(params, {"W": g})
        return array_namespace(params["W"]).sum(params["W"])

    np.testing.assert_allclose(xn.grad(after)(np.asarray([0.5, 0.5])), [-0.1, -0.1])
