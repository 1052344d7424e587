"""Bodies of recurrent layers on NumPy: where they run, what they refuse, and values that are not finite."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.layers import GRU, LSTM, RNN, Embedding, Linear, SoftmaxWithLoss
from xpnet.layers.bodies import BODIES, libraries_for
from xpnet.layers.stage import InferenceStage, Stage
from xpnet.networks import Sequential
from xpnet.random import Generator


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def on_numpy(*row):
    """The bodies for NumPy's arrays of layers in a row."""
    return [BODIES[name][row] for name in libraries_for(np.ndarray) if row in BODIES.get(name, {})]


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_recurrent_layers_run_by_their_bodies_padded_or_not(kind, rng):
    net = Sequential(Embedding.create(3, 2), kind.create(2, 3), Linear.create(3, 3), loss=SoftmaxWithLoss())
    (planned,) = [how for where, how in net.plan().rows if where == f"{kind.__name__}1"]
    assert planned.endswith(f"recurrent.{on_numpy(kind)[0].__name__}")
    x = rng.integers(0, 3, (2, 4))
    net.gradient((x, np.asarray([4, 1])), x)
    assert not hasattr(net.layers[f"{kind.__name__}1"], "hs")  # the equations would have kept them


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_recurrent_bodies_name_what_is_wrong(kind):
    layer, x = kind.create(2, 3).astype("float64"), np.ones((2, 4, 2))
    wrong = {
        "no steps": (x[:, :0],),
        "a mask": (x, x[:, :, 0]),
        "lengths": (x, np.asarray([5, 1])),
        "h0": (x, None, x[0]),
    }
    for given in wrong.values():
        with pytest.raises((ArgumentError, DtypeError, ShapeError)) as expected:
            layer.copy().forward(*given)
        for body in on_numpy(kind):
            with pytest.raises(type(expected.value)) as raised:
                Stage((layer,), body)(*given)
            assert str(raised.value) == str(expected.value)


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e200])
@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_recurrent_bodies_on_values_that_are_not_finite(kind, value, rng):
    layer, x = kind.create(2, 3).astype("float64"), rng.normal(size=(2, 4, 2))
    x[0, 1, 0] = value
    with np.errstate(all="ignore"):
        y = layer.forward(x)
        for body in on_numpy(kind):
            np.testing.assert_allclose(Stage((layer,), body)(x), y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@pytest.mark.parametrize("padded", [False, True])
def test_dropout_between_steps_runs_by_the_body_on_cupy(cupy, kind, padded, rng):
    """The states come into the product by the mask of the equations, in each training step another."""
    options = {"recurrent_dropout": 0.5, "return_state": True}
    with xn.use_backend("cupy", dtype="float64"):
        layer, written = (kind.create(2, 3, **options, rng=Generator(0)) for _ in range(2))
    stage = Stage((layer,), BODIES["cupy"][(kind,)])
    mask = cupy.asarray([4, 2]) if padded else None
    for step in (1, 2):
        x, dout = cupy.asarray(rng.normal(size=(2, 4, 2))), cupy.asarray(rng.normal(size=(2, 4, 3)))
        y = written.forward(x, mask)
        douts = [dout, *[cupy.ones_like(state) for state in y[1:]]]
        expected = [*y, *written.backward(*douts), *written.grads.values()]
        found = [*stage(x, mask), *stage.backward(*douts), *layer.grads.values()]
        assert stage.given is None
        assert layer.step == step
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(to_numpy(one), to_numpy(other), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(*[to_numpy(one(x)[0]) for one in (InferenceStage(stage), layer.inferring())], rtol=1e-10)
