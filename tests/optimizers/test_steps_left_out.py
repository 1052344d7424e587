"""Steps over gradients that overflow are left out, and leave no trace."""

from __future__ import annotations

import numpy as np
from by_the_book import gradients, host, on_every_kind

from xpnet.backend import to_numpy
from xpnet.networks.low_precision import Gradients
from xpnet.optimizers import SGD, clip_by_norm, clip_by_value


def arrays_of(params, optimizer) -> dict[str, np.ndarray]:
    return host(params) | host({name: array for name, array in optimizer.state.items() if "." in name})


@on_every_kind
def test_a_step_over_gradients_that_overflow_is_left_out(kind, params, asarray, no_host_sync, tolerance) -> None:
    ours, theirs = ({name: asarray(to_numpy(array)) for name, array in params.items()} for _ in range(2))
    one, other = (kind(0.1, weight_decay=0.3, groups={"b": {"weight_decay": 0.0}}) for _ in range(2))
    yes, no = asarray(1.0) > 0.0, asarray(1.0) < 0.0
    for step, finite in enumerate((no, no, yes, yes, no, yes)):
        grads, before = gradients(asarray, step), arrays_of(ours, one)
        with no_host_sync():
            one.update(ours, clip_by_value(clip_by_norm(Gradients(grads, finite), 99.0), 99.0))
        if finite is yes:
            other.update(theirs, grads)
            continue
        after = arrays_of(ours, one)
        for name, array in before.items():
            np.testing.assert_array_equal(after[name], array)
    for name, array in ours.items():
        np.testing.assert_allclose(to_numpy(array), to_numpy(theirs[name]), rtol=10 * tolerance, atol=10 * tolerance)
        assert array.dtype == theirs[name].dtype
    assert (one.steps, int(to_numpy(one.state["skipped"]))) == (6, 3)


def test_a_schedule_counts_the_steps_that_are_left_out(params, asarray) -> None:
    asked: list[int] = []
    optimizer = SGD(lambda step: asked.append(step) or 0.1)
    for finite in (asarray(1.0) > 2.0, asarray(1.0) < 2.0):
        optimizer.update(params, Gradients(gradients(asarray, 0), finite))
    assert asked == [0, 1]
