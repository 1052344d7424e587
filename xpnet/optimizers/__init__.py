"""Optimizers, which update named parameters by named gradients, and gradient clipping."""

from xpnet.optimizers.adagrad import AdaGrad, RMSprop
from xpnet.optimizers.adam import Adam, AdamW
from xpnet.optimizers.base import Optimizer, Rate
from xpnet.optimizers.clipping import clip_by_norm, clip_by_value, global_norm
from xpnet.optimizers.groups import vectors
from xpnet.optimizers.lion import Lion
from xpnet.optimizers.momentum import Momentum, Nesterov
from xpnet.optimizers.sgd import SGD

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
