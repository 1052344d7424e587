"""The graph of a number that layers computed from numbers."""

from __future__ import annotations

from typing import Any

from xpnet.autodiff import Variable
from xpnet.backend import use_backend
from xpnet.backend.numbers import COMPUTED, plain_number


def variable_of_number(number: Any) -> Variable:
    """Compute the number again as a Variable by the same layers, with derivatives if backward has run."""
    known: dict[int, Variable] = {}
    stack = [number]
    with use_backend("numpy", dtype="float64"):
        while stack:
            one = stack[-1]
            inner = [operand for operand in one.operands if type(operand) in COMPUTED]
            waiting = [operand for operand in inner if id(operand) not in known]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            if id(one) not in known:
                known[id(one)] = one.layer.copy()(
                    *[known[id(x)] if type(x) in COMPUTED else Variable(float(x)) for x in one.operands]
                )
        y = known[id(number)]
        if number.derivative is not None:
            y.backward(plain_number(number.derivative))
    return y
