"""The table of rule cases: for each differentiable function of the standard, calls of it where it is smooth."""

from xpnet.cases.rules import elementwise, fourier, indexing, linear, matrices, reductions, shapes
from xpnet.cases.rules.case import Case

CASES: tuple[Case, ...] = (
    *elementwise.CASES,
    *reductions.CASES,
    *shapes.CASES,
    *indexing.CASES,
    *linear.CASES,
    *matrices.CASES,
    *fourier.CASES,
)

__all__ = ["CASES", "Case"]
