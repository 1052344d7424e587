"""Schedules: their shape, their ends, their errors; ``Plateau`` and its memory. torch is the oracle elsewhere."""

from __future__ import annotations

import copy
import math

import pytest

from xpnet.errors import ArgumentError
from xpnet.optimizers import SGD
from xpnet.schedules import Cosine, Exponential, OneCycle, Plateau, Polynomial, StepDecay, WarmRestarts, Warmup


def test_steps_fall_by_a_factor() -> None:
    schedule = StepDecay(0.8, every=3, factor=0.5)
    assert [schedule(k) for k in range(7)] == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]


def test_a_cosine_falls_to_its_floor_and_stays() -> None:
    schedule = Cosine(1.0, steps=4, floor=0.2)
    expected = [0.2 + 0.8 * (1.0 + math.cos(math.pi * k / 4)) / 2.0 for k in range(5)]
    assert [schedule(k) for k in range(5)] == pytest.approx(expected)
    assert schedule(4) == schedule(400) == 0.2


def test_a_warm_up_rises_evenly_to_the_rate_and_is_never_zero() -> None:
    schedule = Cosine(1.0, steps=10, warmup=3)
    assert [schedule(k) for k in range(4)] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert schedule(4) < 1.0


def test_one_cycle_rises_falls_and_stays() -> None:
    schedule = OneCycle(1.0, steps=11, rise=6 / 11, start=25.0, end=1e4)
    rates = [schedule(k) for k in range(11)]
    assert rates[0] == pytest.approx(0.04)
    assert rates[5] == pytest.approx(1.0)
    assert rates[10] == pytest.approx(1e-4)
    assert rates[:6] == sorted(rates[:6])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert schedule(11) == schedule(1000) == rates[10]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_cycles_are_defined(steps: int) -> None:
    for schedule in (OneCycle(1.0, steps), Cosine(1.0, steps)):
        assert all(0.0 <= schedule(k) <= 1.0 for k in range(steps + 2))


def test_a_plateau_waits_falls_rests_and_stops_at_its_floor() -> None:
    schedule = Plateau(1.0, factor=0.5, patience=1, cooldown=1, floor=0.3)
    rates = []
    for loss in (2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        schedule.observe(loss)
        rates.append(schedule(0))
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]


def test_a_gain_below_the_threshold_and_nan_are_none() -> None:
    for loss in (0.95, float("nan"), float("inf")):
        schedule = Plateau(1.0, patience=0, threshold=0.1)
        schedule.observe(1.0)
        schedule.observe(loss)
        assert schedule(0) == 0.1


@pytest.mark.parametrize(("first", "best"), [(-1.0, -1.0), (-1e300, -1e300), (0.0, 0.0), (5e-324, 5e-324)])
def test_a_loss_that_stays_is_no_gain_whatever_its_sign(first: float, best: float) -> None:
    schedule = Plateau(1.0, factor=0.5, patience=1, threshold=0.1)
    for _ in range(3):
        schedule.observe(first)
    assert (schedule(0), schedule.best) == (0.5, best)


def test_a_gain_on_a_negative_loss_is_one_of_its_size() -> None:
    schedule = Plateau(1.0, factor=0.5, patience=0, threshold=0.1)
    for loss, rate in ((-1.0, 1.0), (-1.2, 1.0), (-1.3, 0.5), (-1.33, 0.5)):
        schedule.observe(loss)
        assert schedule(0) == rate


@pytest.mark.parametrize("losses", [(math.nan, 1.0), (math.inf, 1.0), (1.0, -math.inf)])
@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_the_first_number_is_a_gain(losses: tuple[float, float], threshold: float) -> None:
    schedule = Plateau(1.0, patience=1, threshold=threshold)
    for loss in losses:
        schedule.observe(loss)
    assert (schedule.best, schedule.waited) == (losses[1], 0)


SCHEDULES = [
    *(StepDecay(0.1, 3), Cosine(0.1, 10, warmup=2), OneCycle(0.1, 10), Plateau(0.1), Exponential(0.1, 0.9)),
    *(Polynomial(0.1, 10), WarmRestarts(0.1, 10, growth=2), Warmup(Exponential(0.1, 0.9), 3)),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: type(schedule).__name__)
@pytest.mark.parametrize("step", [-1, math.nan, math.inf, -math.inf, None, "3", True])
def test_a_step_that_is_none_is_refused(schedule, step) -> None:
    with pytest.raises(ArgumentError, match=rf"^{type(schedule).__name__}: step must be finite and from 0, got .*;"):
        schedule(step)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: type(schedule).__name__)
@pytest.mark.parametrize("step", [10**9, 2**53, 10**400])
def test_a_step_far_beyond_the_last_has_the_last_rate(schedule, step: int) -> None:
    if isinstance(schedule, WarmRestarts):  # which has no last
        assert 0.0 <= schedule(step) <= 0.1
        return
    far = {OneCycle: 0.1 / 250_000.0, Plateau: 0.1}.get(type(schedule), 0.0)
    assert schedule(step) == pytest.approx(far, abs=0.0, rel=1e-12)


def test_a_warm_up_ends_in_a_rate_that_stays() -> None:
    assert [Warmup(0.6, steps=2)(k) for k in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.6])


def test_restarts_begin_at_the_rate_and_grow_longer() -> None:
    schedule = WarmRestarts(1.0, steps=2, growth=2, floor=0.5)
    assert [schedule(k) for k in range(7)] == pytest.approx([1.0, 0.75, 1.0, 0.9267767, 0.75, 0.5732233, 1.0])


def test_a_warm_up_hands_on_what_the_schedule_watches() -> None:
    schedule = Warmup(Plateau(1.0, factor=0.5, patience=0), steps=1)
    other = Warmup(Plateau(1.0, factor=0.5, patience=0), steps=1)
    for loss in (1.0, 2.0):
        schedule.observe(loss)
    assert [schedule(k) for k in range(3)] == [0.25, 0.5, 0.5]
    other.state = schedule.state
    assert other(5) == 0.5
    assert not hasattr(Warmup(Exponential(0.1, 0.9), 3), "observe")
    optimizer = SGD(copy.deepcopy(schedule))
    optimizer.observe(3.0)
    assert (optimizer.lr(5), schedule(5)) == (0.25, 0.5)
    assert optimizer.state["lr.rate"] == 0.25


@pytest.mark.parametrize(("factor", "step"), [(10.0, 400), (10, 400), (1.5, 10**400), (1e308, 2)])
def test_a_rate_that_grows_beyond_all_bounds_is_refused(factor: float, step: int) -> None:
    with pytest.raises(ArgumentError, match=r"^StepDecay: the rate must stay finite, got 1 times .*; choose"):
        StepDecay(1.0, 1, factor)(step)
    assert StepDecay(1.0, 1, factor)(1) == factor


def test_a_cycle_that_would_begin_or_end_at_infinity_is_refused() -> None:
    for name in ("start", "end"):
        with pytest.raises(ArgumentError, match=rf"^OneCycle: lr / {name} must be finite, got 1e\+300 / 1e-300;"):
            OneCycle(1e300, 10, **{name: 1e-300})


def test_a_plateau_goes_on_from_its_state() -> None:
    one, other = Plateau(1.0, patience=1), Plateau(1.0, patience=1)
    for loss in (1.0, 1.0):
        one.observe(loss)
    other.state = one.state
    for schedule in (one, other):
        schedule.observe(1.0)
    assert one.state == other.state
    assert one(0) == other(0) == 0.1


def test_schedules_show_themselves() -> None:
    assert repr(StepDecay(0.1, 5)) == "StepDecay(lr=0.1, every=5, factor=0.1)"
    assert repr(Warmup(Exponential(0.1, 0.9), 3)) == "Warmup(Exponential(lr=0.1, factor=0.9), steps=3)"
    assert repr(Plateau(0.1)) == "Plateau(lr=0.1, factor=0.1, patience=10)"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: StepDecay(0.0, 3), "StepDecay: lr must be above 0 and finite, got 0.0;"),
        (lambda: StepDecay(float("nan"), 3), "StepDecay: lr must be above 0 and finite, got nan;"),
        (lambda: StepDecay(0.1, 0), "StepDecay: every must be a whole number from 1, got 0;"),
        (lambda: StepDecay(0.1, 2.5), "StepDecay: every must be a whole number from 1, got 2.5;"),
        (lambda: StepDecay(0.1, True), "StepDecay: every must be a whole number from 1, got True;"),
        (lambda: StepDecay(0.1, 3, -1.0), "StepDecay: factor must be above 0 and finite, got -1.0;"),
        (lambda: Cosine("0.1", 3), "Cosine: lr must be above 0 and finite, got '0.1';"),
        (lambda: Cosine(0.1, 3, -1), "Cosine: warmup must be a whole number from 0, got -1;"),
        (lambda: Cosine(0.1, 3, 3), "Cosine: warmup must be less than steps, got 3; steps are 3"),
        (lambda: Cosine(0.1, 3, floor=-0.1), "Cosine: floor must be at least 0 and finite, got -0.1;"),
        (lambda: OneCycle(0.1, 3, rise=1.0), "OneCycle: rise must be between 0 and 1, got 1.0;"),
        (lambda: OneCycle(0.1, 3, start=0.0), "OneCycle: start must be above 0 and finite, got 0.0;"),
        (lambda: Exponential(0.1, 1.5), "Exponential: factor must be above 0 and at most 1, got 1.5;"),
        (lambda: Polynomial(0.1, 3, 0.0), "Polynomial: power must be above 0 and finite, got 0.0;"),
        (lambda: WarmRestarts(0.1, 3, 0), "WarmRestarts: growth must be a whole number from 1, got 0;"),
        (lambda: Warmup("0.1", 3), "Warmup: schedule must be a function of the step, or a rate .*, got '0.1'; such as"),
        (lambda: Warmup(Cosine(0.1, 3), 0), "Warmup: steps must be a whole number from 1, got 0;"),
        (lambda: Plateau(0.1, factor=1.0), "Plateau: factor must be between 0 and 1, got 1.0;"),
        (lambda: Plateau(0.1, patience=-1), "Plateau: patience must be a whole number from 0, got -1;"),
        (lambda: Plateau(0.1, threshold=1.0), "Plateau: threshold must be from 0 to below 1, got 1.0;"),
    ],
)
def test_options_out_of_range_are_refused(make, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        make()


@pytest.mark.parametrize("make", [lambda: Cosine(0.1, 10, floor=0.2), lambda: Plateau(0.1, floor=0.2)])
def test_a_floor_above_the_rate_is_refused(make) -> None:
    with pytest.raises(ArgumentError, match=r"^(Cosine|Plateau): floor must be at most lr, got 0.2; lr is 0.1"):
        make()
