"""The optimizers by their names in lower case, as the command line and files have them."""

from __future__ import annotations

from collections.abc import Callable

from xpnet.optimizers.adadelta import Adadelta
from xpnet.optimizers.adafactor import Adafactor
from xpnet.optimizers.adagrad import AdaGrad, RMSprop
from xpnet.optimizers.adam import Adam, AdamW
from xpnet.optimizers.adamax import Adamax
from xpnet.optimizers.base import Optimizer
from xpnet.optimizers.layerwise import LAMB, LARS
from xpnet.optimizers.lion import Lion
from xpnet.optimizers.momentum import Momentum, Nesterov
from xpnet.optimizers.muon import Muon
from xpnet.optimizers.nadam import NAdam
from xpnet.optimizers.radam import RAdam
from xpnet.optimizers.sgd import SGD

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    kind.__name__.lower(): kind
    for kind in (
        *(SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW, Lion),
        *(Adadelta, Adamax, NAdam, RAdam, LARS, LAMB, Adafactor, Muon),
    )
}
