"""Optimizers: named gradients into named parameters, and gradient clipping."""

from xpnet.optimizers.base import Optimizer, Rate
from xpnet.optimizers.clipping import clip_by_norm, clip_by_value, global_norm
from xpnet.optimizers.descent import SGD, AdaGrad, Adam, AdamW, Lion, Momentum, Nesterov, RMSprop
from xpnet.optimizers.groups import vectors

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Lion",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "Rate",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "vectors",
]
