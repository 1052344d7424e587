"""Optimizers, their groups and clipping against torch's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet import optimizers
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

torch = pytest.importorskip("torch")

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
