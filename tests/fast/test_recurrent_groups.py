"""Compiled loops over all steps of recurrent layers: equal to the equations in every option, for groups of samples."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from xpnet.errors import ShapeError
from xpnet.layers import GRU, LSTM
from xpnet.layers.bodies import plain
from xpnet.layers.stage import Stage

pytest.importorskip("numba")

from xpnet.fast.numba import recurrent_groups
from xpnet.fast.numba.recurrent import GRUInPasses, LSTMInPasses
from xpnet.fast.numba.recurrent_groups import LANES

BODIES = {LSTM: LSTMInPasses, GRU: GRUInPasses}
FULL, MORE = LANES, LANES + LANES // 2 + 1
"""The samples of one full group, and of one that is followed by another, not full."""


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    monkeypatch.setattr(recurrent_groups, "undisturbed", lambda: True)


def run(layer, given, dout, dstates):
    """What forward and backward return, and the gradients."""
    y = layer(*given) if isinstance(layer, Stage) else layer.forward(*given)
    dx = layer.backward(dout, *dstates)
    own = layer.layers[0] if isinstance(layer, Stage) else layer
    return [*(y if isinstance(y, tuple) else (y,)), *(dx if isinstance(dx, tuple) else (dx,)), *own.grads.values()]


@pytest.mark.parametrize("kind", [LSTM, GRU])
@pytest.mark.parametrize(
    ("N", "D", "H", "masked", "options"),
    [
        (MORE, 3, 5, False, {"return_sequences": True}),
        (FULL, LANES + 3, 2 * LANES + 1, "lengths", {"return_sequences": True, "return_state": True}),
        (MORE, LANES, LANES, "steps", {"reverse": True, "return_state": True}),
        (MORE, 2, 3, "lengths", {"reverse": True, "return_sequences": True}),
    ],
)
def test_steps_in_one_loop_equal_the_equations(kind, N, D, H, masked, options):
    rng, L = np.random.default_rng(1), 3
    layer = kind.create(D, H, **options).astype("float32")
    x = rng.normal(size=(N, L, D)).astype("float32")
    mask = {"lengths": rng.integers(0, L + 1, N), "steps": rng.random((N, L)) < 0.6, False: None}[masked]
    states = [rng.normal(size=(N, H)).astype("float32") for _ in layer.state]
    dout = rng.normal(size=(N, L, H) if layer.return_sequences else (N, H)).astype("float32")
    dstates = states if layer.return_state else []
    exact = layer.copy().astype("float64")
    with plain():
        expected = run(exact, (x.astype("float64"), mask, *map(np.float64, states)), np.float64(dout), dstates)
    if mask is not None:
        x[~mask if masked == "steps" else np.arange(L) >= mask[:, None]] = np.nan  # nobody reads what is padded
    stage = Stage((layer,), BODIES[kind])
    found = run(stage, (x, mask, *states), dout, dstates)
    assert stage.body.grouped
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_inference_and_states_that_a_layer_keeps_are_those_of_the_equations(kind):
    rng = np.random.default_rng(2)
    layer = kind.create(2, 3, stateful=True, return_sequences=True).astype("float32")
    exact, stage = deepcopy(layer), Stage((layer,), BODIES[kind])
    for _ in range(2):
        x = rng.normal(size=(MORE, 2, 2)).astype("float32")
        np.testing.assert_allclose(stage(x), exact.forward(x), rtol=2e-5, atol=2e-6)
        np.testing.assert_allclose(layer.h, exact.h, rtol=2e-5, atol=2e-6)
    stage.training = False
    x = np.where(rng.random((MORE, 2, 2)) < 0.1, np.inf, 1.0).astype("float32")
    exact.training = False
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(stage(x), exact.forward(x), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_loops_refuse_what_the_equations_refuse(kind):
    layer = kind.create(2, 3).astype("float32")
    x = np.ones((FULL, 4, 2), "float32")
    stage = Stage((layer,), BODIES[kind])
    for wrong in ((x[:, :, :1],), (x, None, np.ones((FULL, 4), "float32"))):
        with pytest.raises(ShapeError) as expected:
            layer.copy().forward(*wrong)
        with pytest.raises(ShapeError) as raised:
            stage(*wrong)
        assert str(raised.value) == str(expected.value)


def test_few_samples_and_other_dtypes_go_step_by_step():
    for N, dtype in ((1, "float32"), (FULL, "float64")):
        stage = Stage((LSTM.create(2, 3).astype(dtype),), LSTMInPasses)
        stage(np.ones((N, 2, 2), dtype))
        assert not stage.body.grouped
