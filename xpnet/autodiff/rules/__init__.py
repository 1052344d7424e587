"""How gradients pass through every function of the standard."""

from xpnet.autodiff.rules import eigen, elementwise, fourier, indexing, linear, matrices, reductions, shapes
from xpnet.autodiff.rules.table import COMPOSITES, RULES, Rule, composite, fit, rule

__all__ = [
    "COMPOSITES",
    "RULES",
    "Rule",
    "composite",
    "eigen",
    "elementwise",
    "fit",
    "fourier",
    "indexing",
    "linear",
    "matrices",
    "reductions",
    "rule",
    "shapes",
]
