"""A case of a layer: its construction, its inputs, and its expected output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xpnet.backend import get_backend
from xpnet.layers import Layer
from xpnet.random import Generator
from xpnet.typing import Array

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """One way to use a layer: its parameters and inputs as host arrays, and its output in plain NumPy float64.

    ``oracle`` takes the inputs in order, then the parameters in order, and so does ``predicted``, where inference
    returns another output. ``options`` are the keywords of the constructor. A container has a ``make``, a function from
    the parameters to the layer. ``needs_samples`` is True if an empty batch is refused, as by a mean.
    """

    name: str
    layer: type[Layer]
    inputs: tuple[Host, ...]
    oracle: Callable[..., Any]
    parameters: tuple[Host, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    make: Callable[..., Layer] | None = None
    predicted: Callable[..., Any] | None = None
    needs_samples: bool = False

    def build(self, asarray: Callable[[Host], Array] | None = None) -> tuple[Layer, tuple[Array, ...]]:
        """Return the layer and its inputs as arrays of the current backend."""
        asarray = asarray or get_backend().asarray
        layer = (self.make or self.layer)(*map(asarray, self.parameters), **self.options)
        return layer, tuple(map(asarray, self.inputs))

    def expected(self) -> Host:
        """Return the output of ``forward``."""
        return np.asarray(self.oracle(*self.inputs, *self.parameters))

    def expected_of_predict(self) -> Host:
        """Return the output of ``predict``."""
        return np.asarray((self.predicted or self.oracle)(*self.inputs, *self.parameters))


def normal(name: str, *shape: int) -> Host:
    """Return standard normal numbers, the same for the same name."""
    return Generator(0).normal(shape, f"case.{name}")


def integers(name: str, high: int, *shape: int) -> Host:
    """Return whole numbers from 0 to ``high - 1``, the same for the same name."""
    return Generator(0).integers(high, shape, f"case.{name}")
