"""Losses of likelihoods, margins, distances and sequences against torch: values and gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_torch_loss import agree

from xpnet.layers import (
    CosineEmbeddingLoss,
    CTCLoss,
    FocalLoss,
    GaussianLoss,
    HingeLoss,
    KLDivergence,
    MeanAbsoluteError,
    MultiMarginLoss,
    NegativeLogLikelihood,
    PoissonLoss,
    TripletLoss,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional

DTYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-4)])
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
SEEDS = st.integers(0, 2**32 - 1)
REDUCTIONS = st.sampled_from(["mean", "sum"])


def drawn(seed, dtype, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@DTYPES
@given(shape=SHAPES, reduction=REDUCTIONS, seed=SEEDS)
def test_losses_of_numbers(dtype, tolerance, shape, reduction, seed):
    x, t = drawn(seed, dtype, 2, *shape)
    target, signs = torch.tensor(t), np.where(t > 0, 1, -1).astype(dtype)
    agree(MeanAbsoluteError(reduction), (x, t), lambda x: F.l1_loss(x, target, reduction=reduction), tolerance)
    of_poisson = lambda x: F.poisson_nll_loss(x, target.abs(), reduction=reduction)  # noqa: E731
    agree(PoissonLoss(reduction), (x, np.abs(t)), of_poisson, tolerance)
    of_hinge = lambda x: getattr(torch, reduction)(F.relu(0.5 - torch.tensor(signs) * x))  # noqa: E731
    agree(HingeLoss(0.5, reduction), (x, signs), of_hinge, tolerance)

    def gaussian(x):
        mean, s = torch.chunk(x, 2, -1)
        return F.gaussian_nll_loss(mean, target, torch.exp(s), eps=1e-12, reduction=reduction)

    agree(GaussianLoss(reduction), (np.concatenate([x, 0.5 * t], axis=-1), t), gaussian, tolerance)


@DTYPES
@given(
    rows=st.integers(1, 4),
    classes=st.integers(2, 4),
    margin=st.sampled_from([0.5, 1.0]),
    power=st.sampled_from([1, 2]),
    reduction=REDUCTIONS,
    seed=SEEDS,
)
def test_losses_of_classes(dtype, tolerance, rows, classes, margin, power, reduction, seed):
    rng = np.random.default_rng(seed)
    x, t = drawn(seed, dtype, rows, classes), rng.integers(classes, size=rows)
    v, target = rng.random(classes).astype(dtype) + 0.5, torch.tensor(t)
    of_margin = lambda x: F.multi_margin_loss(x, target, power, margin, reduction=reduction)  # noqa: E731
    agree(MultiMarginLoss(margin, power, reduction=reduction), (x, t), of_margin, tolerance)
    of_nll = lambda x: F.nll_loss(x, target, torch.tensor(v), reduction=reduction)  # noqa: E731
    agree(NegativeLogLikelihood(0.0, v, reduction=reduction), (x, t), of_nll, tolerance)
    shares = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    divided = {"mean": "batchmean", "sum": "sum"}[reduction]
    of_kl = lambda x: F.kl_div(x, torch.tensor(shares), reduction=divided)  # noqa: E731
    agree(KLDivergence(reduction=reduction), (x, shares), of_kl, tolerance)

    def focal(x):
        logs = torch.log_softmax(x, 1)[torch.arange(rows), target]
        return getattr(torch, reduction)(-((1.0 - logs.exp()) ** 2.0) * logs)

    agree(FocalLoss(2.0, reduction=reduction), (x, t), focal, tolerance)


@DTYPES
@given(rows=st.integers(1, 4), width=st.integers(1, 4), reduction=REDUCTIONS, seed=SEEDS)
def test_losses_of_distances(dtype, tolerance, rows, width, reduction, seed):
    x, z, q = drawn(seed, dtype, 3, rows, width)
    t = np.where(drawn(seed, dtype, rows) > 0, 1, -1)
    tensors = [torch.tensor(array, requires_grad=True) for array in (x, z, q)]
    pairs = (
        (
            CosineEmbeddingLoss(0.1, reduction),
            (x, z, t),
            lambda x, z, q: F.cosine_embedding_loss(x, z, torch.tensor(t), 0.1, reduction=reduction),
        ),
        (
            TripletLoss(0.5, reduction),
            (x, z, q),
            lambda x, z, q: F.triplet_margin_loss(x, z, q, 0.5, eps=0.0, reduction=reduction),
        ),
    )
    for layer, inputs, function in pairs:
        for tensor in tensors:
            tensor.grad = None
        loss = function(*tensors)
        loss.backward()
        np.testing.assert_allclose(layer(*inputs), loss.item(), rtol=100 * tolerance, atol=10 * tolerance)
        for dx, tensor in zip(layer.backward(), tensors, strict=False):
            np.testing.assert_allclose(dx, tensor.grad.numpy(), rtol=1e-3, atol=max(1e-6, 10 * tolerance))


@DTYPES
@given(
    rows=st.integers(1, 3),
    steps=st.integers(1, 6),
    labels=st.integers(0, 4),
    blank=st.sampled_from([0, 2]),
    zero=st.booleans(),
    scale=st.sampled_from([1.0, 30.0]),
    seed=SEEDS,
)
def test_connectionist_temporal_classification(dtype, tolerance, rows, steps, labels, blank, zero, scale, seed):
    """Labels that do not fit into the steps, whose gradient torch leaves NaN unless the loss is 0, and rows without."""
    rng = np.random.default_rng(seed)
    x = scale * drawn(seed, dtype, rows, steps, 3)
    t = rng.choice([k for k in range(3) if k != blank], (rows, labels))
    lengths, sizes = rng.integers(0, steps + 1, rows), rng.integers(0, labels + 1, rows)
    tensor = torch.tensor(x, requires_grad=True)
    logs = torch.log_softmax(tensor, 2).transpose(0, 1)
    losses = F.ctc_loss(
        logs, torch.tensor(t), torch.tensor(lengths), torch.tensor(sizes), blank, reduction="none", zero_infinity=zero
    )
    layer = CTCLoss(blank, zero, "sum")
    found = layer(x, t, None, lengths, sizes)
    finite = np.isfinite(losses.detach().numpy())
    np.testing.assert_allclose(found, losses.sum().item(), rtol=tolerance, atol=tolerance)
    torch.where(torch.tensor(finite), losses, 0.0).sum().backward()
    np.testing.assert_allclose(
        layer.backward()[finite], tensor.grad.numpy()[finite], rtol=10 * tolerance, atol=10 * tolerance
    )
    assert not layer.backward()[~finite].any()
