"""Losses, of a classifier's scores and of the outputs of a regression."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.layer_rows.row import Row, row

SCORES, TOKENS, VOCABULARY = (128, 10), (2048, 96), (512, 8000)
OUTPUTS = (128, 512)
Targets = Callable[[Any], tuple[Any, ...]]


def labels(shape: tuple[int, ...]) -> Targets:
    return lambda rng: (rng.integers(0, shape[-1], shape[:-1]),)


def like(shape: tuple[int, ...], count: int = 1) -> Targets:
    return lambda rng: tuple(rng.standard_normal(shape, dtype="float32") for _ in range(count))


def shares(shape: tuple[int, ...]) -> Targets:
    return lambda rng: (rng.random(shape, dtype="float32"),)


def distributions(shape: tuple[int, ...]) -> Targets:
    def made(rng: Any) -> tuple[Any, ...]:
        (t,) = shares(shape)(rng)
        return (t / t.sum(-1, keepdims=True),)

    return made


def signs(shape: tuple[int, ...]) -> Targets:
    return lambda rng: (2 * rng.integers(0, 2, shape).astype("float32") - 1,)


def loss(
    name: str, shape: tuple[int, ...], ours: Callable[[Any], Any], theirs: Callable[[Any], Any], others: Targets
) -> Row:
    return row(name, shape, ours, lambda nn: (theirs(nn), []), others=others)


def focal(nn: Any) -> Any:
    def function(x: Any, t: Any) -> Any:
        y = nn.functional.log_softmax(x, -1).gather(-1, t[:, None])[:, 0]
        return -((1 - y.exp()) ** 2 * y).mean()

    return function


def quantile(_: Any) -> Any:
    def function(x: Any, t: Any) -> Any:
        r = t - x
        return (r * 0.9).maximum(r * -0.1).mean()

    return function


def pairs(shape: tuple[int, ...]) -> Targets:
    def made(rng: Any) -> tuple[Any, ...]:
        return *like(shape)(rng), *signs(shape[:-1])(rng)

    return made


def gaussian(nn: Any) -> Any:
    own = nn.GaussianNLLLoss()

    def function(x: Any, t: Any) -> Any:
        mean, log_variance = x.chunk(2, -1)
        return own(mean, t, log_variance.exp())

    return function


def connectionist(nn: Any) -> Any:
    own = nn.CTCLoss()

    def function(x: Any, t: Any) -> Any:
        N, L, _ = x.shape
        y = nn.functional.log_softmax(x, -1).transpose(0, 1)
        return own(y, t, [L] * N, [t.shape[1]] * N)

    return function


def rows() -> Iterator[Row]:
    """Yield the losses that torch has, too, and some that its users write by hand."""
    for shape in (SCORES, TOKENS, VOCABULARY):
        yield loss(
            "softmax with loss",
            shape,
            lambda layers: layers.SoftmaxWithLoss(),
            lambda nn: nn.CrossEntropyLoss(),
            labels(shape),
        )
    yield loss(
        "sigmoid with loss",
        OUTPUTS,
        lambda layers: layers.SigmoidWithLoss(),
        lambda nn: nn.BCEWithLogitsLoss(),
        shares(OUTPUTS),
    )
    yield loss(
        "log-likelihood", TOKENS, lambda layers: layers.NegativeLogLikelihood(), lambda nn: nn.NLLLoss(), labels(TOKENS)
    )
    yield loss("focal loss", TOKENS, lambda layers: layers.FocalLoss(), focal, labels(TOKENS))
    yield loss(
        "KL divergence",
        TOKENS,
        lambda layers: layers.KLDivergence(),
        lambda nn: nn.KLDivLoss(reduction="batchmean"),
        distributions(TOKENS),
    )
    yield loss(
        "squared error", OUTPUTS, lambda layers: layers.MeanSquaredError(), lambda nn: nn.MSELoss(), like(OUTPUTS)
    )
    yield loss(
        "absolute error", OUTPUTS, lambda layers: layers.MeanAbsoluteError(), lambda nn: nn.L1Loss(), like(OUTPUTS)
    )
    yield loss("Huber", OUTPUTS, lambda layers: layers.Huber(), lambda nn: nn.HuberLoss(), like(OUTPUTS))
    yield loss("quantile loss", OUTPUTS, lambda layers: layers.QuantileLoss(0.9), quantile, like(OUTPUTS))
    yield loss(
        "Poisson loss", OUTPUTS, lambda layers: layers.PoissonLoss(), lambda nn: nn.PoissonNLLLoss(), shares(OUTPUTS)
    )
    yield loss("Gaussian loss", OUTPUTS, lambda layers: layers.GaussianLoss(), gaussian, like((128, 256)))
    yield loss(
        "hinge loss", OUTPUTS, lambda layers: layers.HingeLoss(), lambda nn: nn.HingeEmbeddingLoss(), signs(OUTPUTS)
    )
    yield loss(
        "margins of classes",
        TOKENS,
        lambda layers: layers.MultiMarginLoss(),
        lambda nn: nn.MultiMarginLoss(),
        labels(TOKENS),
    )
    yield loss(
        "cosine of embeddings",
        OUTPUTS,
        lambda layers: layers.CosineEmbeddingLoss(),
        lambda nn: nn.CosineEmbeddingLoss(),
        pairs(OUTPUTS),
    )
    yield loss(
        "triplets", OUTPUTS, lambda layers: layers.TripletLoss(), lambda nn: nn.TripletMarginLoss(), like(OUTPUTS, 2)
    )
    yield loss(
        "CTC",
        (16, 100, 30),
        lambda layers: layers.CTCLoss(),
        connectionist,
        lambda rng: (rng.integers(1, 30, (16, 20)),),
    )
