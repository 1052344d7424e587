"""How gradients pass through every function of the standard."""

from xpnet.autodiff.rules import (
    creation,
    eigen,
    elementwise,
    fourier,
    indexing,
    linear,
    matrices,
    reductions,
    sets,
    shapes,
)
from xpnet.autodiff.table import COMPOSITES, RULES, Rule, composite, fit, rule

__all__ = [
    "COMPOSITES",
    "RULES",
    "Rule",
    "composite",
    "creation",
    "eigen",
    "elementwise",
    "fit",
    "fourier",
    "indexing",
    "linear",
    "matrices",
    "reductions",
    "rule",
    "sets",
    "shapes",
]
