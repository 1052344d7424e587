"""A case of a rule: the call of the function, and its points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Host: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
Domain: TypeAlias = Callable[[Host], Host]
Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A call ``call(xp, *arrays)`` at points of these shapes; ``domain`` moves standard normals to where it is smooth.

    ``name`` is the function's in the standard, ``label`` distinguishes its cases. ``constants`` are the numbers of the
    operands by which it is not differentiated: a sign, a condition.
    """

    name: str
    call: Callable[..., Any]
    shapes: tuple[Shape, ...]
    label: str = ""
    domain: Domain | None = None
    is_complex: bool = False
    dtypes: tuple[str, ...] = ()
    constants: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """The name of the case, unique among all cases."""
        return self.name + (f"-{self.label}" if self.label else "") + ("-complex" if self.is_complex else "")

    @property
    def smooth(self) -> tuple[int, ...]:
        """The numbers of the operands by which it is differentiated."""
        return tuple(number for number in range(len(self.shapes)) if number not in self.constants)

    def points(self, seed: int = 0) -> list[Host]:
        """Return one host array per operand, the same for the same seed."""
        rng = np.random.default_rng([seed, len(self.name)])
        points = []
        for at, shape in enumerate(self.shapes):
            x: Host = np.asarray(rng.standard_normal(shape))
            x = x if self.domain is None else self.domain(x)
            dtype = self.dtypes[at] if self.dtypes else "complex128" if self.is_complex else "float64"
            if dtype == "complex128":
                y: Host = np.asarray(rng.standard_normal(shape))
                x = x + 1j * (y if self.domain is None else self.domain(y))
            points.append(np.asarray(x, dtype=dtype))
        return points


def case(name: str, *shapes: Shape, call: Callable[..., Any] | None = None, **options: Any) -> Case:
    """Return a case of ``name`` at points of these shapes; without ``call``, of the function itself on the points."""
    return Case(name, call or calling(name), shapes, **options)


def calling(name: str, **keywords: Any) -> Callable[..., Any]:
    """Return ``call(xp, *arrays)`` of the standard's function ``name``, such as ``linalg.inv``, with keywords."""
    *extension, short = name.split(".")

    def call(xp: Any, *arrays: Any) -> Any:
        for part in extension:
            xp = getattr(xp, part)
        return getattr(xp, short)(*arrays, **keywords)

    return call


def spelled(keywords: dict[str, Any]) -> str:
    """Return keywords as text, ``axis=1,keepdims=True``."""
    return ",".join(f"{name}={value}" for name, value in keywords.items())


def constant_like(xp: Any, x: Any, values: Any) -> Any:
    """Return an array of these values with the dtype and device of x."""
    return xp.asarray(values, dtype=x.dtype, device=x.device)


def positive(x: Host) -> Host:
    """Return points above 0.5."""
    return np.asarray(np.abs(x) + 0.5)


def unit(x: Host) -> Host:
    """Return points within (-0.8, 0.8)."""
    return np.asarray(np.tanh(x) * 0.8)


def above_one(x: Host) -> Host:
    """Return points above 1.5."""
    return np.asarray(np.abs(x) + 1.5)


def away(x: Host) -> Host:
    """Return points at least 0.3 away from 0."""
    return np.asarray(x + np.sign(x) * 0.3)
