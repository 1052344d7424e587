"""Optimizers, clipping, schedules and initial weights against torch's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet import optimizers
from xpnet.initializers import normal_weights, orthogonal
from xpnet.optimizers import (
    LBFGS,
    SGD,
    Adadelta,
    Adafactor,
    AdaGrad,
    Adam,
    Adamax,
    AdamW,
    Momentum,
    Muon,
    Nesterov,
    RAdam,
    RMSprop,
    clip_by_norm,
    clip_by_value,
)
from xpnet.random import Generator
from xpnet.schedules import Cosine, Exponential, OneCycle, Plateau, Polynomial, StepDecay, WarmRestarts, Warmup

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


@given(rates, betas, betas, decays, eps, st.booleans(), seeds)
def test_adam_by_the_largest_squares(lr, beta1, beta2, decay, eps, decoupled, seed) -> None:
    ours, theirs = (AdamW, torch.optim.AdamW) if decoupled else (Adam, torch.optim.Adam)
    compare(
        ours(lr, beta1, beta2, eps, weight_decay=decay, amsgrad=True),
        lambda p: theirs(p, lr, (beta1, beta2), eps, weight_decay=decay, amsgrad=True),
        seed,
        steps=30,
        tolerance=1e-9,
    )


@given(st.sampled_from(["Adamax", "NAdam", "RAdam"]), rates, betas, st.floats(0.5, 0.999), decays, eps, seeds)
def test_kinds_of_adam(kind, lr, beta1, beta2, decay, eps, seed) -> None:
    """torch keeps the product of NAdam's momenta in float32."""
    compare(
        getattr(optimizers, kind)(lr, beta1, beta2, eps, weight_decay=decay),
        lambda p: getattr(torch.optim, kind)(p, lr, (beta1, beta2), eps, weight_decay=decay),
        seed,
        steps=30,
        tolerance=1e-5 if kind == "NAdam" else 1e-9,
    )


@given(st.floats(0.01, 1.0), betas, decays, eps, seeds)
def test_adadelta(lr, rho, decay, eps, seed) -> None:
    compare(
        Adadelta(lr, rho, eps, weight_decay=decay),
        lambda p: torch.optim.Adadelta(p, lr, rho, eps, weight_decay=decay),
        seed,
        steps=30,
        tolerance=1e-9,
    )


@given(rates, st.floats(0.5, 1.0), st.sampled_from([1e-7, 1e-3]), st.floats(1.0, 2.0), decays, seeds)
def test_adafactor(lr, power, eps1, limit, decay, seed) -> None:
    compare(
        Adafactor(lr, power, eps1, limit=limit, weight_decay=decay),
        lambda p: torch.optim.Adafactor(p, lr, -power, (eps1, 1e-3), limit, weight_decay=decay),
        seed,
        tolerance=1e-9,
    )


@given(rates, betas, decays, st.booleans(), st.sampled_from([(4, 3), (3, 4)]), seeds)
def test_muon(lr, momentum, decay, nesterov, shape, seed) -> None:
    """torch rounds to bfloat16 before its products, which is switched off here; its matrices lie the other way."""
    W, gs = np.random.default_rng(seed).normal(size=shape), np.random.default_rng(seed + 1).normal(size=(5, *shape))
    theirs, ours = torch.tensor(W.T, requires_grad=True), {"W": W}
    optimizer = Muon(lr, momentum, decay, nesterov)
    other = torch.optim.Muon([theirs], lr, weight_decay=decay, momentum=momentum, nesterov=nesterov)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "bfloat16", lambda tensor: tensor.clone())
        for g in gs:
            optimizer.update(ours, {"W": g})
            theirs.grad = torch.tensor(g.T)
            other.step()
    np.testing.assert_allclose(ours["W"].T, theirs.detach().numpy(), rtol=1e-9, atol=1e-9)


@given(seeds)
def test_l_bfgs_finds_the_minimum_that_torch_finds(seed) -> None:
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(20, 4)), rng.integers(0, 2, size=20)
    params = {"w": rng.normal(size=4), "b": np.zeros(1)}
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}

    def of_torch():  # which stops earlier
        y = torch.tensor(x) @ tensors["w"] + tensors["b"]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(y, torch.tensor(t, dtype=torch.float64))
        return loss + 0.01 * sum((tensor * tensor).sum() for tensor in tensors.values())

    other = torch.optim.LBFGS(tensors.values(), max_iter=200, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def closure():
        other.zero_grad()
        loss = of_torch()
        loss.backward()
        return loss

    def own():
        p = 1.0 / (1.0 + np.exp(-(x @ params["w"] + params["b"])))
        loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1.0 - p)) + 0.01 * sum(np.sum(W * W) for W in params.values())
        grads = {"w": x.T @ (p - t) / 20 + 0.02 * params["w"], "b": np.mean(p - t) + 0.02 * params["b"]}
        return loss, grads

    other.step(closure)
    found = LBFGS(200, tolerance=1e-9).minimize(params, own)
    assert found.loss == pytest.approx(of_torch().item(), rel=1e-7)
    for name, tensor in tensors.items():
        np.testing.assert_allclose(params[name], tensor.detach().numpy(), rtol=1e-2, atol=1e-3)


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
        (Adadelta, torch.optim.Adadelta),
        (Adamax, torch.optim.Adamax),
        (RAdam, torch.optim.RAdam),
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
