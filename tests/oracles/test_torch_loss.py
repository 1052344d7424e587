"""Losses against torch: values and gradients, over shapes and options drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from xpnet.layers import Huber, MeanSquaredError, SigmoidWithLoss, SoftmaxWithLoss

torch = pytest.importorskip("torch")
F = torch.nn.functional

DTYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-4)])
SIZES = st.integers(1, 5)
LEADS = st.lists(SIZES, min_size=1, max_size=3).map(tuple)
SCALES = st.sampled_from([0.1, 3.0, 1e3])
SMOOTHINGS = st.sampled_from([0.0, 0.1, 0.7])
REDUCTIONS = st.sampled_from(["mean", "sum"])
SEEDS = st.integers(0, 2**32 - 1)


def agree(layer, inputs, loss_of, tolerance):
    """The value and the gradient, for an upstream derivative of 1.5; ``loss_of`` maps torch's x to its loss."""
    x = inputs[0]
    tensor = torch.tensor(x, requires_grad=True)
    loss = loss_of(tensor)
    loss.backward(torch.tensor(1.5, dtype=loss.dtype))
    found, dx, expected = layer(*inputs), layer.backward(1.5), tensor.grad.numpy()
    assert found.dtype == dx.dtype == x.dtype
    np.testing.assert_allclose(found, loss.item(), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(dx, expected, rtol=tolerance, atol=tolerance * float(np.max(np.abs(expected))))


def classes_second(x):
    """torch wants the classes on axis 1."""
    return torch.movedim(x, -1, 1) if x.ndim > 2 else x


@DTYPES
@given(
    lead=LEADS,
    classes=SIZES,
    scale=SCALES,
    smoothing=SMOOTHINGS,
    weighted=st.booleans(),
    ignore=st.sampled_from([None, -100, 0]),
    reduction=REDUCTIONS,
    seed=SEEDS,
)
def test_cross_entropy_of_indices(dtype, tolerance, lead, classes, scale, smoothing, weighted, ignore, reduction, seed):
    rng = np.random.default_rng(seed)
    x = (scale * rng.normal(size=(*lead, classes))).astype(dtype)
    t = rng.integers(classes, size=lead)
    if ignore is not None:
        t = np.where(rng.random(lead) < 0.3, ignore, t)
        assume((t != ignore).any())
    v = rng.random(classes).astype(dtype) + 0.5 if weighted else None

    def loss_of(scores):
        options = {"weight": None if v is None else torch.tensor(v), "label_smoothing": smoothing}
        absent = -1 if ignore is None else ignore
        target = torch.tensor(t)
        return F.cross_entropy(classes_second(scores), target, ignore_index=absent, reduction=reduction, **options)

    agree(SoftmaxWithLoss(smoothing, v, ignore, reduction), (x, t), loss_of, tolerance)


@DTYPES
@given(
    lead=LEADS,
    classes=SIZES,
    scale=SCALES,
    smoothing=SMOOTHINGS,
    weighted=st.booleans(),
    reduction=REDUCTIONS,
    seed=SEEDS,
)
def test_cross_entropy_of_shares(dtype, tolerance, lead, classes, scale, smoothing, weighted, reduction, seed):
    rng = np.random.default_rng(seed)
    x = (scale * rng.normal(size=(*lead, classes))).astype(dtype)
    t = rng.dirichlet(np.ones(classes), size=lead).astype(dtype)
    v = rng.random(classes).astype(dtype) + 0.5 if weighted else None

    def loss_of(scores):
        target = classes_second(torch.tensor(t))
        options = {"weight": None if v is None else torch.tensor(v), "label_smoothing": smoothing}
        return F.cross_entropy(classes_second(scores), target, reduction=reduction, **options)

    agree(SoftmaxWithLoss(smoothing, v, reduction=reduction), (x, t), loss_of, tolerance)


ELEMENTWISE = {
    "binary": (lambda reduction: SigmoidWithLoss(reduction=reduction), F.binary_cross_entropy_with_logits),
    "squares": (lambda reduction: MeanSquaredError(reduction), F.mse_loss),
    "huber": (
        lambda reduction: Huber(0.7, reduction),
        lambda x, t, reduction: F.huber_loss(x, t, delta=0.7, reduction=reduction),
    ),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
@DTYPES
@given(shape=LEADS, scale=SCALES, reduction=REDUCTIONS, weighted=st.booleans(), seed=SEEDS)
def test_elementwise_losses(name, dtype, tolerance, shape, scale, reduction, weighted, seed):
    """With weights of the samples, ``Σ w l / Σ w`` over torch's losses without a reduction."""
    make, function = ELEMENTWISE[name]
    rng = np.random.default_rng(seed)
    x, t = (scale * rng.normal(size=shape)).astype(dtype), rng.random(shape).astype(dtype)
    w = rng.random(shape[:1]).astype(dtype)

    def loss_of(outputs):
        if not weighted:
            return function(outputs, torch.tensor(t), reduction=reduction)
        losses = function(outputs, torch.tensor(t), reduction="none")
        each = torch.tensor(w).reshape(-1, *(1,) * (len(shape) - 1)).expand(shape)
        total = torch.sum(each * losses)
        return total if reduction == "sum" else total / torch.sum(each)

    agree(make(reduction), (x, t, w) if weighted else (x, t), loss_of, tolerance)


@DTYPES
@given(shape=LEADS, scale=SCALES, reduction=REDUCTIONS, each=st.booleans(), seed=SEEDS)
def test_binary_cross_entropy_with_weights_of_the_positive(dtype, tolerance, shape, scale, reduction, each, seed):
    rng = np.random.default_rng(seed)
    x, t = (scale * rng.normal(size=shape)).astype(dtype), rng.random(shape).astype(dtype)
    p = np.asarray(5.0 * rng.random(shape[-1:] if each else ()), dtype=dtype)

    def loss_of(outputs):
        options = {"reduction": reduction, "pos_weight": torch.tensor(p)}
        return F.binary_cross_entropy_with_logits(outputs, torch.tensor(t), **options)

    agree(SigmoidWithLoss(p if each else float(p), reduction), (x, t), loss_of, tolerance)
