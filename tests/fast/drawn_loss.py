"""Random losses, with options and weights that the bodies leave to the equations, too."""

from __future__ import annotations

from functools import partial

import numpy as np
from draw import Draw
from row_table import Drawn, row

from xpnet.layers import CTCLoss, FocalLoss, Huber, NegativeLogLikelihood, SigmoidWithLoss, SoftmaxWithLoss


def of_classes(kind: type, draw: Draw) -> Drawn:
    *rows, K = draw.rows()
    t = draw.integers(0, K, *rows) if draw.chance(0.8) else draw.array(*rows, K)
    options = draw.one_of(*[{}] * 6, {"reduction": "sum"}, {"label_smoothing": draw.number()})
    if draw.chance(0.2):
        options |= {"class_weights": draw.laid_out(draw.rng.random(K).astype(draw.dtype))}
    if draw.chance(0.2) and t.ndim == len(rows):
        options |= {"ignore_index": draw.size(-1, K - 1)}
    x = draw.array(*rows, K, scale=draw.one_of(1.0, 1.0, 1e3))
    return [kind(**options)], with_weights(draw, x, t)


row(SoftmaxWithLoss)(partial(of_classes, SoftmaxWithLoss))
row(NegativeLogLikelihood)(partial(of_classes, NegativeLogLikelihood))


@row(FocalLoss)
def focal_loss(draw: Draw) -> Drawn:
    return of_classes(partial(FocalLoss, draw.one_of(0.0, 2.0, draw.number(0.5, 3.0))), draw)


@row(SigmoidWithLoss)
def sigmoid_with_loss(draw: Draw) -> Drawn:
    shape = draw.rows()
    t = draw.laid_out(draw.rng.random(shape).round(draw.one_of(0, 3)).astype(draw.dtype))
    options = draw.one_of({}, {}, {}, {"reduction": "sum"}, {"pos_weight": draw.number()})
    return [SigmoidWithLoss(**options)], with_weights(draw, draw.array(*shape, scale=draw.one_of(1.0, 40.0)), t)


@row(Huber)
def huber(draw: Draw) -> Drawn:
    shape = draw.rows()
    layer = Huber(draw.number(), reduction=draw.one_of("mean", "mean", "sum"))
    return [layer], with_weights(draw, draw.array(*shape), draw.array(*shape))


@row(CTCLoss)
def ctc_loss(draw: Draw) -> Drawn:
    """Labels that may repeat, not fit into the steps, or be none; now and then a score of -inf or NaN."""
    (N, L, K), S = (draw.size(1, 4), draw.size(), draw.size(2, 4)), draw.size(0, 3)
    layer = CTCLoss(draw.size(0, K - 1), draw.chance(0.3), draw.one_of("mean", "sum"))
    t = draw.rng.integers(0, K - 1, (N, S))
    t += t >= layer.blank
    counts = {"lengths": draw.rng.integers(0, L + 1, N), "label_lengths": draw.rng.integers(0, S + 1, N)}
    given = [draw.laid_out(counts[name]) if draw.chance() else None for name in counts]
    if given[1] is None and draw.chance():
        t[draw.rng.random(t.shape) < 0.3] = -1
    x = draw.rng.standard_normal((N, L, K)) * draw.one_of(1.0, 10.0)
    x[draw.rng.random(x.shape) < draw.one_of(0.0, 0.0, 0.1)] = draw.one_of(-np.inf, np.nan)
    weights = draw.array(N) ** 2 * draw.bools(N) if draw.chance(0.3) else None
    dtype = draw.one_of("int8", "int32", "int64")
    return [layer], (draw.laid_out(x.astype(draw.dtype)), draw.laid_out(t.astype(dtype)), weights, *given)


def with_weights(draw: Draw, x: object, t: object) -> tuple[object, ...]:
    """The inputs, now and then with a weight for each sample or for more leading axes."""
    if draw.chance(0.7) or x.ndim < 2:
        return x, t
    shape = x.shape[: draw.size(1, x.ndim - 1)]
    return x, t, draw.laid_out((draw.rng.random(shape) * (draw.rng.random(shape) < 0.8)).astype(draw.dtype))
