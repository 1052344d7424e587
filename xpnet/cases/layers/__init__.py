"""The table of layer cases, by which the tests, ``xpnet check`` and ``xpnet conform`` prove every layer."""

from xpnet.cases.case import Case
from xpnet.cases.layers import (
    activation,
    affine,
    arithmetic,
    attention,
    composition,
    convolution,
    dropout,
    embedding,
    linear,
    loss,
    more_losses,
    normalization,
    pooling,
    recurrent,
    resampling,
    sampled_loss,
    shape,
    transformer,
)

CASES: tuple[Case, ...] = (
    *arithmetic.CASES,
    *activation.CASES,
    *affine.CASES,
    *convolution.CASES,
    *pooling.CASES,
    *resampling.CASES,
    *normalization.CASES,
    *dropout.CASES,
    *linear.CASES,
    *embedding.CASES,
    *attention.CASES,
    *recurrent.CASES,
    *transformer.CASES,
    *shape.CASES,
    *composition.CASES,
    *loss.CASES,
    *more_losses.CASES,
    *sampled_loss.CASES,
)
