"""The tables of cases that prove layers (here) and rules (``xpnet.cases.rules``) on any array library."""

from xpnet.cases.layers import CASES, Case

__all__ = ["CASES", "Case"]
