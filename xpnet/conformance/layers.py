"""Checks of the layers: forward against NumPy, backward against numbers, and the graph of forward against backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from xpnet.autodiff import Variable
from xpnet.autodiff.record import constant
from xpnet.cases import CASES, Case
from xpnet.conformance.arrays import defers
from xpnet.conformance.rows import Finding, Row, attempt, compare, in_units, worst
from xpnet.conformance.subject import Subject
from xpnet.gradcheck import gradient_check
from xpnet.layers import Layer
from xpnet.random import Generator

SECTION = "layers"


def layer_rows(subject: Subject, before: list[Row]) -> Iterator[Row]:
    """Yield three checks of each layer case on the current backend, given the rows on deferring operators."""
    deferring = defers(before)
    checks: dict[str, Callable[[Case], Finding]] = {
        "forward": lambda case: forward(subject, case),
        "backward by numbers": backward,
        "graph of forward": lambda case: graph(subject, case, deferring),
    }
    for case in CASES:
        for tried, check in checks.items():
            yield attempt(subject, SECTION, case.name, tried, lambda case=case, check=check: check(case))  # type: ignore[misc]


def forward(subject: Subject, case: Case) -> Finding:
    """Compare the output with plain NumPy."""
    layer, inputs = case.build()
    return compare(subject, layer.forward(*inputs), subject.cast(case.expected()))


def backward(case: Case) -> Finding:
    """Compare the hand-written gradients with numerical differentiation."""
    layer, inputs = case.build()
    report = gradient_check(layer, *inputs, dtype=None)
    deviation = max((row.max_rel for row in report.rows), default=0.0) / report.tolerance
    for row in report.rows:
        if row.status == "fail":
            numbers = f"{row.analytic:.6g} for {row.numeric:.6g} at {row.where}: {in_units(deviation)}"
            return Finding(deviation, f"{row.name}: {'; '.join(row.causes) if deviation <= 1.0 else numbers}")
    return Finding(min(deviation, 1.0))


def graph(subject: Subject, case: Case, deferring: bool) -> Finding:
    """Compare the gradients of the recorded forward with the hand-written backward.

    Where a library's operators refuse Variables, every array becomes one: then no operator starts with a plain array.
    """
    layer, inputs = case.build()
    y = layer.forward(*inputs)
    dout = subject.asarray(subject.cast(Generator(0).normal(tuple(y.shape), "conform.dout")))
    expected = gradients(layer, dout)
    layer, inputs = case.build()
    named = dict(zip(layer.inputs, inputs, strict=False))
    variables = {name: Variable(named[name]) for name in layer.differentiable if name in named}
    rest = named if deferring else {name: constant(x) for name, x in named.items()}
    parameters = {name: Variable(array) for name, array in layer.params.items()}
    with layer.using(parameters):
        layer.forward(**(rest | variables)).backward(dout)
    found = [variable.grad for variable in (*variables.values(), *parameters.values())]
    return worst([compare(subject, g, subject.backend.to_numpy(e)) for g, e in zip(found, expected, strict=True)])


def gradients(layer: Layer, dout: Any) -> list[Any]:
    """Return the gradients that backward returns and those that it leaves on the layer, inputs first."""
    found = layer.backward(dout)
    returned = found if isinstance(found, tuple) else (found,)
    return [*(g for g in returned if g is not None), *layer.grads.values()]
