"""Schedules of the learning rate against torch's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.schedules import Cosine, Exponential, OneCycle, Plateau, Polynomial, StepDecay, WarmRestarts, Warmup

torch = pytest.importorskip("torch")
lr_scheduler = torch.optim.lr_scheduler
rates = st.floats(1e-3, 0.1)


def rates_of_torch(make, lr: float, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr)
    schedule = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


@given(rates, st.integers(1, 20), st.floats(0.1, 0.9))
def test_steps(lr, every, factor) -> None:
    expected = rates_of_torch(lambda o: lr_scheduler.StepLR(o, every, factor), lr, 60)
    ours = StepDecay(lr, every, factor)
    np.testing.assert_allclose([ours(k) for k in range(60)], expected, rtol=1e-12)


@given(rates, st.integers(2, 40), st.integers(0, 20), st.sampled_from([0.0, 1e-4]))
def test_cosine_with_warm_up(lr, steps, warmup, floor) -> None:
    def make(optimizer):
        cosine = lr_scheduler.CosineAnnealingLR(optimizer, steps, floor)
        if not warmup:
            return cosine
        rise = lr_scheduler.LinearLR(optimizer, 1.0 / (warmup + 1), total_iters=warmup)
        return lr_scheduler.SequentialLR(optimizer, [rise, cosine], [warmup])

    ours, total = Cosine(lr, warmup + steps, warmup, floor), warmup + steps
    np.testing.assert_allclose([ours(k) for k in range(total)], rates_of_torch(make, lr, total), rtol=1e-9, atol=1e-12)


@given(rates, st.floats(0.5, 1.0))
def test_exponential(lr, factor) -> None:
    expected = rates_of_torch(lambda o: lr_scheduler.ExponentialLR(o, factor), lr, 30)
    np.testing.assert_allclose([Exponential(lr, factor)(k) for k in range(30)], expected, rtol=1e-12)


@given(rates, st.integers(1, 30), st.sampled_from([0.5, 1.0, 2.0]))
def test_polynomial(lr, steps, power) -> None:
    expected = rates_of_torch(lambda o: lr_scheduler.PolynomialLR(o, steps, power), lr, 40)
    ours = Polynomial(lr, steps, power)
    np.testing.assert_allclose([ours(k) for k in range(40)], expected, rtol=1e-9, atol=1e-15)


@given(rates, st.integers(1, 12), st.integers(1, 3), st.sampled_from([0.0, 1e-4]))
def test_warm_restarts(lr, steps, growth, floor) -> None:
    expected = rates_of_torch(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, steps, growth, floor), lr, 60)
    ours = WarmRestarts(lr, steps, growth, floor)
    np.testing.assert_allclose([ours(k) for k in range(60)], expected, rtol=1e-9, atol=1e-12)


@given(rates, st.integers(1, 10), st.floats(0.5, 1.0))
def test_a_warm_up_of_another_schedule(lr, warmup, factor) -> None:
    def make(optimizer):
        rise = lr_scheduler.LinearLR(optimizer, 1.0 / (warmup + 1), total_iters=warmup)
        rest = lr_scheduler.ExponentialLR(optimizer, factor)
        return lr_scheduler.SequentialLR(optimizer, [rise, rest], [warmup])

    ours = Warmup(Exponential(lr, factor), warmup)
    np.testing.assert_allclose([ours(k) for k in range(30)], rates_of_torch(make, lr, 30), rtol=1e-9)


@given(rates, st.integers(5, 40), st.floats(0.3, 0.7), st.floats(2.0, 50.0))
def test_one_cycle(lr, steps, rise, start) -> None:
    def make(optimizer):
        return lr_scheduler.OneCycleLR(
            optimizer, lr, steps, pct_start=rise, div_factor=start, final_div_factor=100.0, cycle_momentum=False
        )

    ours = OneCycle(lr, steps, rise, start, 100.0 * start)
    expected = rates_of_torch(make, lr, steps - 1)
    np.testing.assert_allclose([ours(k) for k in range(steps - 1)], expected, rtol=1e-9)


@given(
    st.lists(st.floats(0.1, 2.0) | st.just(1.0) | st.just(float("nan")), max_size=40),
    st.integers(0, 4),
    st.integers(0, 3),
    st.sampled_from([0.0, 1e-4, 0.2]),
    st.sampled_from([0.0, 0.02]),
)
def test_plateau(losses, patience, cooldown, threshold, floor) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    theirs = lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=patience, threshold=threshold, cooldown=cooldown, min_lr=floor, eps=0.0
    )
    ours = Plateau(0.1, 0.5, patience, threshold, cooldown, floor)
    for loss in losses:
        theirs.step(loss)
        ours.observe(loss)
        assert ours(0) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
