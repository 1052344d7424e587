"""A step on its way into a graph, which is replayed without Python.

A replay does again what the device did, in the same memory and with the same numbers. Whoever keeps something from one
step to the next therefore tells the recording: an array that is bound anew, a count, a number that follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from xpnet.backend import array_namespace, is_array
from xpnet.errors import StateError

WHO = "capture"

current: Recording | None = None


class Number(float):
    """A number of the step that is recorded; ``again()`` gives that of the step that comes, before it is replayed.

    It refuses to be computed with: the result would stay what it is now.
    """

    name: str
    of: Any
    again: Callable[[], float]

    def _refuse(self, *_: Any) -> Any:
        must = f"{self.name}, which is new in every step, must go to a CUDA kernel"
        raise StateError(WHO, must, "a computation with it", "float32 and the optimizers of xpnet have such kernels")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __pow__ = __rpow__ = __neg__ = __int__ = __round__ = _refuse


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

        Raises: ``StateError`` where the step changes what is neither.
        """
        global current
        current = self
        try:
            yield
            for home, key, before in self.places.values():
                if home[key] is not before:
                    self._settle(home, key, before)
        finally:
            current = None
            for home, key, before in self.places.values():
                home[key] = before

    def lasts(self, home: Any, key: Any) -> None:
        """Tell that ``home[key]`` is from before the step and meant for the next; before it is bound anew."""
        self.places.setdefault((id(home), key), (home, key, home[key]))

    def number(self, name: str, of: Any, now: float, again: Callable[[], float]) -> Number:
        """A number that is new in every step; the same one for the same object ``of`` and value ``now``."""
        key = (name, id(of), now)
        if key not in self.numbers:
            number = Number(now)
            number.name, number.of, number.again = name, of, again
            self.numbers[key] = number
        return self.numbers[key]

    def count(self, name: str, home: Any, key: Any) -> Any:
        """The count ``home[key]``, which every replay moves as this step does."""
        self.lasts(home, key)
        now, begin = home[key], self.places[id(home), key][2]
        return self.number(name, home, now, lambda: home[key] + (now - begin))

    def cell(self, function: Callable[..., tuple[float, ...]], given: tuple[Any, ...]) -> int:
        """Where among ``values`` a kernel of the step finds the numbers ``function(*given)``."""
        key = (function, *(id(number) if type(number) is Number else number for number in given))
        if key not in self.cells:
            self.cells[key] = self.size, function, given
            self.size += len(function(*map(float, given)))
        return self.cells[key][0]

    def values(self) -> list[float]:
        """The numbers of the step that comes."""
        found: list[float] = []
        for _, function, given in self.cells.values():
            now = [number.again() if type(number) is Number else number for number in given]
            found += map(float, function(*now))
        return found

    def moved(self) -> None:
        """Move the counts, after a replay."""
        for home, key, by in self.moves:
            home[key] += by

    def holds(self) -> bool:
        """Whether all that lasts, but for its counts, is what the step was recorded with."""
        counts = {(id(home), key) for home, key, _ in self.moves}
        return all(place in counts or home[key] is before for place, (home, key, before) in self.places.items())

    def _settle(self, home: Any, key: Any, before: Any) -> None:
        now = home[key]
        if is_array(before) and is_array(now):
            before[...] = array_namespace(before, now).astype(now, before.dtype)
        elif type(before) is int and type(now) is int:
            self.moves.append((home, key, now - before))
        else:
            got = f"{key} from {type(before).__name__} to {type(now).__name__}"
            raise StateError(WHO, "a step must change only arrays and counts", got, "change it outside of the step")
