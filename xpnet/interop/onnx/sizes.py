"""Runs on batches of several sizes brought together: what differs between them is computed from the sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xpnet.errors import ArgumentError
from xpnet.interop.onnx.symbols import WHO, Host, Step, Symbol, Whole, in_order


@dataclass(frozen=True)
class Size:
    """A number that depends on the sizes, ``Σ factor · product of sizes``, as pairs of factors and names."""

    terms: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass
class Graph:
    """The graph that all runs have in common, in the order of its steps.

    ``wholes`` are the numbers that depend on sizes, and ``shapes`` those of inputs and outputs with the names of sizes.
    """

    inputs: list[Symbol]
    outputs: list[Symbol]
    steps: list[Step]
    sizes: dict[str, tuple[str, int]]  # of each size, the input and the axis that have it
    wholes: dict[int, list[int | Size]] = field(default_factory=dict)  # by the identity of a Whole
    shapes: dict[int, list[int | str]] = field(default_factory=dict)  # by the identity of an input or output


class Together:
    """The runs of a network for batches of several sizes, compared step by step.

    ``sizes`` holds the sizes of each run by name. Raises: ``ArgumentError`` where a run takes other steps than the
    first, or has other numbers in a way that is not a sum of products of sizes.
    """

    def __init__(self, sizes: Sequence[dict[str, int]]) -> None:
        self.sizes = sizes
        names = list(sizes[0])
        self.products: list[tuple[str, ...]] = [()]
        for name in names:
            self.products += [(*product, name) for product in self.products]
        table = [[float(np.prod([run[name] for name in product])) for product in self.products] for run in sizes]
        self.table = np.asarray(table)

    def number(self, values: Sequence[int], what: str) -> int | Size:
        """Return a number that is the same in all runs, or one that follows from the sizes."""
        if len({*values}) == 1:
            return values[0]
        factors, *_ = np.linalg.lstsq(self.table, np.asarray(values, dtype=np.float64), rcond=None)
        rounded = np.rint(factors).astype(int)
        if not np.array_equal(self.table @ rounded, np.asarray(values)):
            raise self.refused(what, values)
        pairs = zip(rounded.tolist(), self.products, strict=True)
        return Size(tuple((factor, product) for factor, product in pairs if factor))

    def refused(self, what: str, values: Sequence[Any]) -> ArgumentError:
        names = " and ".join(self.sizes[0])
        got = f"{', '.join(map(str, values))} in {what} for {', '.join(str(tuple(s.values())) for s in self.sizes)}"
        return ArgumentError(
            WHO,
            f"the steps must be the same for every {names}",
            got,
            "leave the axis out of dynamic, or write it otherwise",
        )

    def steps(self, runs: Sequence[Sequence[Symbol]]) -> list[list[Step]]:
        """Return the steps of all runs, of which those at one place are one step.

        Raises: ``ArgumentError`` for runs that differ.
        """
        orders = [in_order(outputs) for outputs in runs]
        for steps in zip(*orders, strict=False):
            first = steps[0]
            for step in steps[1:]:
                if step.op != first.op or step.attributes != first.attributes or len(step.inputs) != len(first.inputs):
                    raise self.refused(first.place or first.op, [told(s) for s in steps])
        if len({*map(len, orders)}) > 1:
            raise self.refused("the network", [f"{len(order)} steps" for order in orders])
        return [list(steps) for steps in zip(*orders, strict=True)]

    def graph(self, inputs: Sequence[Sequence[Symbol]], outputs: Sequence[Sequence[Symbol]]) -> Graph:
        """Return the graph of the first run, with the numbers that follow from the sizes, and constants folded."""
        rows = self.steps(outputs)
        where: dict[int, tuple[int, int]] = {}  # of each symbol, its step and output
        for at, steps in enumerate(rows):
            for step in steps:
                where |= {id(symbol): (at, symbol.output) for symbol in step.outputs}
        folded: dict[int, Symbol] = {}
        kept: list[Step] = []
        graph = Graph(list(inputs[0]), list(outputs[0]), kept, {})
        for steps in rows:
            first = steps[0]
            made: list[Symbol | Whole | None] = []
            still = True
            for column in zip(*[step.inputs for step in steps], strict=True):
                one = column[0]
                if isinstance(one, Whole):
                    numbers = [self.number(values, first.place or first.op) for values in zip(
                        *[whole.numbers for whole in column], strict=True)]  # fmt: skip
                    graph.wholes[id(one)] = numbers
                    still = still and not any(isinstance(number, Size) for number in numbers)
                    made.append(one)
                elif isinstance(one, Symbol):
                    own = folded[id(one)] if id(one) in folded else self.same(column, where, first)
                    folded[id(one)] = own
                    made.append(own)
                    still = still and own.step is None and not own.given
                else:
                    made.append(None)
            alike = [equal(run) for run in zip(*[step.outputs for step in steps], strict=True)]
            if still and all(alike) and not heavy(first, made):
                for symbol in first.outputs:
                    folded[id(symbol)] = Symbol(symbol.value)
                continue
            first.inputs = tuple(made)
            kept.append(first)
        graph.outputs = [folded.get(id(y), y) for y in outputs[0]]
        return graph

    def same(self, column: Sequence[Any], where: dict[int, tuple[int, int]], step: Step) -> Symbol:
        """Return the symbol of the first run, after a check that those of the others have its place."""
        one: Symbol = column[0]
        if one.step is not None:
            if len({where.get(id(symbol)) for symbol in column}) > 1:
                raise self.refused(step.place or step.op, ["other inputs"])
        elif one.given:
            if len({symbol.name for symbol in column}) > 1:
                raise self.refused(step.place or step.op, ["other inputs"])
        elif not equal(column):
            raise self.refused(step.place or step.op, ["another constant" for _ in column])
        return one


def heavy(step: Step, inputs: Sequence[Any]) -> bool:
    """Return whether a step would only store a named array a second time, turned or a part of it."""
    return step.op in ("Transpose", "Slice") and bool(inputs[0].name)


def equal(column: Sequence[Any]) -> bool:
    """Return whether symbols have one value in all runs."""
    first: Host = column[0].value
    return all(
        other.value.shape == first.shape
        and other.value.dtype == first.dtype
        and np.array_equal(other.value, first, equal_nan=first.dtype.kind in "fc")
        for other in column[1:]
    )


def told(step: Step) -> str:
    """Return a step with its attributes, for an error."""
    options = ", ".join(f"{name}={value}" for name, value in step.attributes.items())
    return f"{step.op}({options})"
