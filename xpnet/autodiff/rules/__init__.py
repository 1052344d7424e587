"""Gradients and tangents of every function of the standard."""

from xpnet.autodiff.rules import (
    creation,
    decompositions,
    eigen,
    elementwise,
    fourier,
    indexing,
    keys,
    linear,
    matrices,
    reductions,
    sets,
    shapes,
    values,
)
from xpnet.autodiff.table import COMPOSITES, RULES, VALUES, Rule, composite, fit, rule

__all__ = [
    "COMPOSITES",
    "RULES",
    "VALUES",
    "Rule",
    "composite",
    "creation",
    "decompositions",
    "eigen",
    "elementwise",
    "fit",
    "fourier",
    "indexing",
    "keys",
    "linear",
    "matrices",
    "reductions",
    "rule",
    "sets",
    "shapes",
    "values",
]
