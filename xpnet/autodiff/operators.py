"""Python's operators as methods of Variables, each with the rule that it records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.record import NUMBERS, apply, base, constant, is_operand, one_library, plain_numbers, record
from xpnet.autodiff.table import RULES
from xpnet.autodiff.variable import Variable


def binary(name: str, operate: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the operator and its reflected form; the common cases bypass ``apply``."""
    rule = RULES[name]

    def method(self: Variable, other: Any, /) -> Any:
        node = self.node
        x = self.value
        kind = type(other)
        if kind is type(self):
            peer = other.node
            y = other.value
            if peer.trace is node.trace and type(x) is type(y):
                return record(rule, operate(x, y), (x, y), (node, peer), node.trace)
        elif kind in NUMBERS:
            return record(rule, operate(x, other), (x, other), (node, None), node.trace)
        elif not is_operand(other):
            return NotImplemented
        return apply(rule, operate, (self, other))

    def reflected(self: Variable, other: Any, /) -> Any:
        if type(other) in NUMBERS:
            node = self.node
            x = self.value
            return record(rule, operate(other, x), (other, x), (None, node), node.trace)
        if not is_operand(other):
            return NotImplemented
        return apply(rule, operate, (other, self))

    return method, reflected


def constant_operator(operate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Return the method of an operator whose result is a constant."""

    def method(self: Variable, other: Any, /) -> Any:
        if type(other) not in NUMBERS and (type(other) is Batch or not is_operand(other)):
            return NotImplemented  # a batch answers, whose rows no library's operator can read
        one_library((self, other))
        left, right = plain_numbers((base(self), base(other)), (self, other))
        return constant(operate(left, right))

    return method


def constant_operators(operate: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return constant_operator(operate), constant_operator(lambda a, b: operate(b, a))


def unary(name: str, operate: Callable[[Any], Any]) -> Callable[..., Any]:
    rule = RULES[name]

    def method(self: Variable, /) -> Any:
        return record(rule, operate(self.value), (self.value,), (self.node,), self.node.trace)

    return method
