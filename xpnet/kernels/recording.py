"""A step on its way into a graph, which is replayed without Python.

A replay does again what the device did, in the same memory and with the same numbers. Whoever keeps something from one
step to the next therefore tells the recording: an array that is bound anew, a count, a number that follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from xpnet.backend import array_namespace, is_array
from xpnet.errors import ShapeError, StateError

WHO = "capture"
COMPUTING = (
    *("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "rfloordiv", "mod", "rmod"),
    *("pow", "rpow", "neg", "pos", "abs", "round", "lt", "le", "gt", "ge", "float", "int", "index", "bool", "array"),
)

current: Recording | None = None


class Number:
    """A number of the step that is recorded, ``now``; ``again()`` gives that of the step that comes.

    It refuses to be computed with: the result would stay what it is now.
    """

    __array_ufunc__ = None

    def __init__(self, name: str, now: float, again: Callable[[], float]) -> None:
        self.name, self.now, self.again = name, now, again

    def _refuse(self, *_: Any) -> Any:
        must = f"{self.name}, which is new in every step, must go to a CUDA kernel"
        raise StateError(WHO, must, "a computation with it", "float32 and the optimizers of xpnet have such kernels")


for name in COMPUTING:
    setattr(Number, f"__{name}__", Number._refuse)


class TooEarlyError(Exception):
    """Something that lasts is first made by the step; the next one can be recorded."""


class Recording:
    """What of a step lasts, in places ``home[key]`` of dicts and lists, and which of its numbers are new then."""

    def __init__(self) -> None:
        self.places: dict[tuple[int, Any], tuple[Any, Any, Any]] = {}
        self.moves: list[tuple[Any, Any, int]] = []
        self.numbers: dict[tuple[Any, ...], Number] = {}
        self.cells: dict[tuple[Any, ...], tuple[int, Callable[..., tuple[float, ...]], tuple[Any, ...]]] = {}
        self.size = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """The time in which the step runs. Then everything is where it was before, for a replay to find it there.

        Arrays get the values of those that took their place, which is recorded too; counts are noted for ``moved``.

        Raises: ``StateError`` where the step changes what is neither, ``TooEarlyError``.
        """
        global current
        current = self
        try:
            yield
            self._settle()
        finally:
            current = None
            for home, key, before in self.places.values():
                home[key] = before

    def lasts(self, home: Any, *keys: Any) -> None:
        """Tell that these ``home[key]`` are from before the step, and what it hangs on; before they are bound anew."""
        for key in keys:
            if isinstance(home, dict):
                home.setdefault(key, None)
            self.places.setdefault((id(home), key), (home, key, home[key]))

    def number(self, name: str, of: Any, home: Any, key: Any, at: Callable[[int], float]) -> Any:
        """A number that hangs on a count, ``at(home[key])``, which every replay moves as this step does.

        It is the same one for equal ``of`` while the count stays.
        """
        self.lasts(home, key)
        moved = home[key] - self.places[id(home), key][2]
        found = self.numbers.get((name, of, id(home), key, moved))
        if found is None:
            found = Number(name, at(home[key]), lambda: at(home[key] + moved))
            self.numbers[name, of, id(home), key, moved] = found
        return found

    def count(self, name: str, home: Any, key: Any) -> Any:
        """The count ``home[key]`` itself."""
        return self.number(name, None, home, key, lambda count: count)

    def cell(self, function: Callable[..., tuple[float, ...]], given: tuple[Any, ...]) -> int:
        """Where among ``values`` a kernel of the step finds the numbers ``function(*given)``."""
        key = (function, *given)
        if key not in self.cells:
            self.cells[key] = self.size, function, given
            self.size += len(function(*map(now, given)))
        return self.cells[key][0]

    def values(self) -> list[float]:
        """The numbers of the step that comes."""
        found: list[float] = []
        for _, function, given in self.cells.values():
            coming = [number.again() if type(number) is Number else number for number in given]
            found += map(float, function(*coming))
        return found

    def moved(self) -> None:
        """Move the counts, after a replay."""
        for home, key, by in self.moves:
            home[key] += by

    def holds(self) -> bool:
        """Whether all that lasts, but for its counts, is what the step was recorded with."""
        counts = {(id(home), key) for home, key, _ in self.moves}
        return all(
            place in counts or _same(home.get(key) if isinstance(home, dict) else home[key], before)
            for place, (home, key, before) in self.places.items()
        )

    def _settle(self) -> None:
        new = []
        for home, key, before in self.places.values():
            now = home[key]
            if is_array(before) and is_array(now):
                if now is not before:
                    xp = array_namespace(before, now)
                    if now.shape != before.shape:
                        must = f"{key} must stay {tuple(before.shape)}"
                        raise ShapeError(WHO, must, tuple(now.shape), "change it outside of the step")
                    new.append((before, xp.astype(now, before.dtype, copy=True)))  # all are read before one is written
            elif before is None and is_array(now):
                raise TooEarlyError
            elif type(before) is int and type(now) is int:
                if now != before:
                    self.moves.append((home, key, now - before))
            elif not _same(now, before):
                got = f"{key} from {type(before).__name__} to {type(now).__name__}"
                raise StateError(WHO, "a step must change only arrays and counts", got, "change it outside of the step")
        for before, values in new:
            before[...] = values


def now(number: Any) -> Any:
    """What a number is in the step that is recorded."""
    return number.now if type(number) is Number else number


def _same(value: Any, before: Any) -> bool:
    """Whether a place still holds what it held: the same object, or an equal option."""
    return value is before or (
        isinstance(before, int | float | str) and type(value) is type(before) and value == before
    )
