"""Optimizers, clipping, schedules and initial weights against torch's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.initializers import normal_weights, orthogonal
from xpnet.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop, clip_by_norm, clip_by_value
from xpnet.random import Generator
from xpnet.schedules import Cosine, OneCycle, Plateau, StepDecay

torch = pytest.importorskip("torch")
lr_scheduler = torch.optim.lr_scheduler

SHAPES = {"W": (4, 3), "b": (3,)}
MIXING = np.random.default_rng(0).normal(size=(15, 15)) / 8.0
rates = st.floats(1e-3, 0.1)
betas = st.floats(0.0, 0.999)
decays = st.sampled_from([0.0, 0.01, 0.3])
eps = st.sampled_from([1e-8, 1e-4, 0.1])
seeds = st.integers(0, 2**32 - 1)


def beginning(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def slope(params: dict[str, np.ndarray], step: int) -> dict[str, np.ndarray]:
    """The gradients of a problem that is curved, couples all values and changes from step to step."""
    w = np.concatenate([array.ravel() for array in params.values()])
    g = MIXING @ MIXING.T @ w + np.sin(3.0 * w) / 3.0 + 0.1 * np.cos(step + np.arange(w.size))
    return {"W": g[:12].reshape(4, 3), "b": g[12:]}


def compare(optimizer, make, seed: int, steps: int = 100, tolerance: float = 1e-11) -> None:
    """Both optimizers walk for some steps, each over gradients at its own place."""
    ours = beginning(seed)
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in beginning(seed).items()}
    other = make(list(theirs.values()))
    for step in range(steps):
        optimizer.update(ours, slope(ours, step))
        for name, g in slope({name: tensor.detach().numpy() for name, tensor in theirs.items()}, step).items():
            theirs[name].grad = torch.tensor(g)
        other.step()
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name].detach().numpy(), rtol=tolerance, atol=tolerance)


@given(rates, decays, seeds)
def test_sgd(lr, decay, seed) -> None:
    compare(SGD(lr, weight_decay=decay), lambda p: torch.optim.SGD(p, lr, weight_decay=decay), seed)


@given(rates, betas, decays, st.booleans(), seeds)
def test_momentum(lr, mu, decay, nesterov, seed) -> None:
    nesterov = nesterov and mu > 0.0  # which torch asks for
    ours = (Nesterov if nesterov else Momentum)(lr, mu, weight_decay=decay)
    compare(ours, lambda p: torch.optim.SGD(p, lr, mu, weight_decay=decay, nesterov=nesterov), seed, tolerance=1e-9)


@given(rates, decays, eps, seeds)
def test_adagrad(lr, decay, eps, seed) -> None:
    ours = AdaGrad(lr, eps=eps, weight_decay=decay)
    compare(ours, lambda p: torch.optim.Adagrad(p, lr, weight_decay=decay, eps=eps), seed)


@given(rates, betas, decays, eps, seeds)
def test_rmsprop(lr, rho, decay, eps, seed) -> None:
    ours = RMSprop(lr, rho, eps=eps, weight_decay=decay)
    compare(ours, lambda p: torch.optim.RMSprop(p, lr, rho, eps, weight_decay=decay), seed, steps=30, tolerance=1e-9)


@given(rates, betas, betas, decays, eps, st.booleans(), seeds)
def test_adam(lr, beta1, beta2, decay, eps, decoupled, seed) -> None:
    ours, theirs = (AdamW, torch.optim.AdamW) if decoupled else (Adam, torch.optim.Adam)
    compare(
        ours(lr, beta1, beta2, eps, weight_decay=decay),
        lambda p: theirs(p, lr, (beta1, beta2), eps, weight_decay=decay),
        seed,
        steps=30,
        tolerance=1e-9,
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SGD, torch.optim.SGD),
        (Momentum, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)),
        (Nesterov, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True)),
        (AdaGrad, torch.optim.Adagrad),
        (RMSprop, torch.optim.RMSprop),
        (Adam, torch.optim.Adam),
        (AdamW, torch.optim.AdamW),
    ],
)
def test_hundred_steps_with_what_both_do_by_default(ours, theirs) -> None:
    assert ours().options
    compare(ours(0.01), lambda p: theirs(p, 0.01), seed=0, tolerance=1e-12)


def test_groups() -> None:
    def make(params):
        bias = {"params": params[1:], "weight_decay": 0.0, "lr": 0.05}
        return torch.optim.AdamW([{"params": params[:1]}, bias], 0.01)

    compare(AdamW(0.01, groups={"b": {"weight_decay": 0.0, "lr": 0.05}}), make, seed=1)


@given(st.floats(1e-3, 1e3), seeds)
def test_clipping(limit, seed) -> None:
    grads = {name: 10.0 * array for name, array in beginning(seed).items()}
    for ours, theirs in (
        (clip_by_norm, torch.nn.utils.clip_grad_norm_),
        (clip_by_value, torch.nn.utils.clip_grad_value_),
    ):
        tensors = [torch.zeros(array.shape, dtype=torch.float64, requires_grad=True) for array in grads.values()]
        for tensor, array in zip(tensors, grads.values(), strict=True):
            tensor.grad = torch.tensor(array)
        theirs(tensors, limit)
        for found, tensor in zip(ours(grads, limit).values(), tensors, strict=True):
            np.testing.assert_allclose(found, tensor.grad.numpy(), rtol=1e-13)


# Schedules


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


# Initial weights


@pytest.mark.parametrize("shape", [(30, 20), (20, 6, 3, 5), (8, 4, 7)])
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("he", lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu")),
        ("he_uniform", lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="relu")),
        ("glorot", torch.nn.init.xavier_normal_),
        ("glorot_uniform", torch.nn.init.xavier_uniform_),
        ("lecun", lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear")),
        ("lecun_uniform", lambda w: torch.nn.init.kaiming_uniform_(w, nonlinearity="linear")),
    ],
)
def test_weights_are_as_wide(name, theirs, shape) -> None:
    """torch's linear weights lie the other way round, (M, D); its filters as here."""
    torch.manual_seed(0)
    repeated = 4000 // shape[0]
    size = shape[::-1] if len(shape) == 2 else shape
    expected = torch.stack([theirs(torch.empty(size)) for _ in range(repeated)])
    found = np.stack([normal_weights(shape, name, Generator(seed), "W") for seed in range(repeated)])
    assert np.std(found) == pytest.approx(float(expected.std()), rel=0.02)
    if "uniform" in name:
        assert np.max(np.abs(found)) == pytest.approx(float(expected.abs().max()), rel=0.01)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (6, 2, 3, 3)])
def test_orthogonal_weights_are_orthogonal_along_the_same_axes(shape) -> None:
    theirs = torch.nn.init.orthogonal_(torch.empty(shape, dtype=torch.float64), gain=1.5).reshape(shape[0], -1).numpy()
    ours = orthogonal(1.5)(shape, Generator(0), "W").reshape(shape[0], -1)
    for product in (lambda w: w @ w.T, lambda w: w.T @ w):
        found, expected = (np.linalg.matrix_rank(product(w)) for w in (ours, theirs))
        assert found == expected
        near = np.abs(product(theirs) - 2.25 * np.eye(len(product(theirs)))).max() < 1e-12
        assert (np.abs(product(ours) - 2.25 * np.eye(len(product(ours)))).max() < 1e-12) == near
