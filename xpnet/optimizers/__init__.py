"""Optimizers, which update named parameters by named gradients, and gradient clipping."""

from xpnet.optimizers.adadelta import Adadelta
from xpnet.optimizers.adafactor import Adafactor
from xpnet.optimizers.adagrad import AdaGrad, RMSprop
from xpnet.optimizers.adam import Adam, AdamW
from xpnet.optimizers.adamax import Adamax
from xpnet.optimizers.base import Optimizer, Rate
from xpnet.optimizers.by_name import OPTIMIZERS
from xpnet.optimizers.clipping import clip_by_norm, clip_by_value, global_norm
from xpnet.optimizers.groups import vectors
from xpnet.optimizers.layerwise import LAMB, LARS
from xpnet.optimizers.lbfgs import LBFGS
from xpnet.optimizers.lion import Lion
from xpnet.optimizers.lookahead import Lookahead
from xpnet.optimizers.momentum import Momentum, Nesterov
from xpnet.optimizers.muon import Muon
from xpnet.optimizers.nadam import NAdam
from xpnet.optimizers.radam import RAdam
from xpnet.optimizers.sam import SAM
from xpnet.optimizers.sgd import SGD

__all__ = [
    "LAMB",
    "LARS",
    "LBFGS",
    "OPTIMIZERS",
    "SAM",
    "SGD",
    "AdaGrad",
    "Adadelta",
    "Adafactor",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Lookahead",
    "Momentum",
    "Muon",
    "NAdam",
    "Nesterov",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rate",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "vectors",
]
