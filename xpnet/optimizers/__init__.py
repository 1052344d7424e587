"""Optimizers, which update named parameters by named gradients, and gradient clipping."""

from collections.abc import Callable

from xpnet.optimizers.adagrad import AdaGrad, RMSprop
from xpnet.optimizers.adam import Adam, AdamW
from xpnet.optimizers.base import Optimizer, Rate
from xpnet.optimizers.clipping import clip_by_norm, clip_by_value, global_norm
from xpnet.optimizers.groups import vectors
from xpnet.optimizers.lion import Lion
from xpnet.optimizers.momentum import Momentum, Nesterov
from xpnet.optimizers.sgd import SGD

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    kind.__name__.lower(): kind for kind in (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW, Lion)
}
"""The optimizers by their names in lower case."""

__all__ = [
    "OPTIMIZERS",
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
