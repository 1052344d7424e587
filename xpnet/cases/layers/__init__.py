"""The table of layer cases, by which the tests, ``xpnet check`` and ``xpnet conform`` prove every layer."""

from xpnet.cases.case import Case
from xpnet.cases.layers import activation, affine, arithmetic, loss, shape

CASES: tuple[Case, ...] = (*arithmetic.CASES, *activation.CASES, *affine.CASES, *shape.CASES, *loss.CASES)
