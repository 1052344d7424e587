"""The tables of cases that prove layers (here) and rules (``xpnet.cases.rules``) on any array library."""

from xpnet.cases.case import Case
from xpnet.cases.layers import CASES

__all__ = ["CASES", "Case"]
