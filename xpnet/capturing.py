"""``capture``: a training step without Python between its kernels, and the places that last from step to step.

A replay repeats what the device did, in the same memory and with the same numbers. Whatever lasts from one step to the
next is therefore registered with the running capture: arrays that are rebound, counts, and numbers that follow from a
count, which reach the formulas as 0-d arrays whose values are written before each replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import update_wrapper
from importlib import import_module
from typing import Any

from xpnet.backend import array_namespace, is_array, library_of
from xpnet.errors import ArgumentError, DtypeError, ShapeError, StateError
from xpnet.typing import Array

WHO = "capture"

current: Capture | None = None


class TooEarlyError(Exception):
    """An object that lasts is first made by this step; only the next step can be captured."""


class Capture:
    """The places ``home[key]`` of dicts and lists that last from step to step, and the numbers that change in each."""

    def __init__(self) -> None:
        self.places: dict[tuple[int, Any], tuple[Any, Any, Any]] = {}
        self.moves: list[tuple[Any, Any, int]] = []
        self.cells: list[tuple[Array, Callable[[], Sequence[float]]]] = []
        self.size = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the step in this context, then put everything back where it was, for a replay to find it there.

        Arrays receive the values of those that replaced them, which is captured too; counts are noted for ``moved``.

        Raises: ``StateError`` if the step changes anything else, ``TooEarlyError``.
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
        """Note that these ``home[key]`` last from step to step, before they are rebound."""
        for key in keys:
            if isinstance(home, dict):
                home.setdefault(key, None)
            self.places.setdefault((id(home), key), (home, key, home[key]))

    def numbers(self, home: Any, key: Any, at: Callable[[int], Sequence[float]], like: Array) -> tuple[Array, ...]:
        """Return the numbers ``at(home[key])`` as 0-d arrays in the dtype of ``like``; each replay has its own.

        ``home[key]`` is a count, which every replay changes as this step does.
        """
        self.lasts(home, key)
        moved = home[key] - self.places[id(home), key][2]
        memory = self.memory(at(home[key]), like)
        self.cells.append((memory, lambda: at(home[key] + moved)))
        self.size += memory.shape[0]
        return tuple([memory[i, ...] for i in range(memory.shape[0])])

    def memory(self, values: Sequence[float], like: Array) -> Array:
        """Return memory that holds numbers, in the dtype and on the device of an array."""
        held: Array = array_namespace(like).asarray(list(values), dtype=like.dtype, device=like.device)
        return held

    def values(self) -> list[tuple[Array, Sequence[float]]]:
        """Return the memory with the numbers of the next step."""
        return [(memory, coming()) for memory, coming in self.cells]

    def moved(self) -> None:
        """Move the counts, after a replay."""
        for home, key, by in self.moves:
            home[key] += by

    def holds(self) -> bool:
        """Return whether everything that lasts, except for its counts, is the same as when the step was captured."""
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
                    new.append((before, xp.astype(now, before.dtype, copy=True)))  # read all before writing any
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


def _same(value: Any, before: Any) -> bool:
    """Return whether a place still holds the same object, or an equal option."""
    return value is before or (
        isinstance(before, int | float | str) and type(value) is type(before) and value == before
    )


class Captured:
    """A step that is captured once for each shape and dtype of its arrays; see ``capture``."""

    def __init__(self, step: Callable[..., Any]) -> None:
        update_wrapper(self, step, updated=())
        self.step = step
        self.graphs: dict[Any, Any] = {}

    def __call__(self, *arrays: Any) -> Any:
        for array in arrays:
            if not is_array(array):
                must, remedy = "a step must be given arrays alone", "keep everything else outside of its arguments"
                raise DtypeError("capture", must, type(array).__name__, remedy)
        home = library_of(array_namespace(*arrays)).graphs if arrays else ""
        if not home or current is not None:  # a step within a step belongs to it
            return self.step(*arrays)
        kind = tuple([(array.shape, array.dtype) for array in arrays])
        graph = self.graphs.get(kind)
        if graph is not None and graph.holds():
            return graph(*arrays)
        if graph is None and kind in self.graphs:
            try:
                graph = self.graphs[kind] = import_module(home).Graph(self.step, arrays)
                return graph(*arrays)
            except TooEarlyError:
                return self.step(*arrays)
        self.graphs[kind] = None
        return self.step(*arrays)

    def __get__(self, instance: Any, owner: type) -> Any:
        must, got = "a method must be captured where it is bound", f"one of {owner.__name__} in its class"
        raise ArgumentError("capture", must, got, f"write self.step = capture(self.{self.step.__name__})")

    def __repr__(self) -> str:
        captured = sum(graph is not None for graph in self.graphs.values())
        return f"capture({getattr(self.step, '__qualname__', self.step)}, {captured} captured)"


def capture(step: Callable[..., Any]) -> Captured:
    """Return a training step as one CUDA graph, ``step(x, t)`` without Python between its kernels.

    ``step`` takes arrays and returns one or several: ``loss, grads = net.loss_and_gradient(x, t)``,
    ``optimizer.update(net.params, grads)``, ``return loss``. For each shape and dtype of its arrays, the first call
    runs it, the second captures it, and later calls replay its launches. Learning rates, the count of steps and the
    masks of dropout change from replay to replay as they do without a capture. The result is a copy; the next call
    overwrites ``net.grads``. If a parameter or state of the network, or an option of the optimizer, is assigned between
    two steps, or a recurrent state begins, the next call runs the step normally, and the one after it captures it
    again.

    Anything that is not done on the device happens only while the step is captured: the step may read no value and
    print nothing, and a number that Python computes stays the same, as does an attribute of a layer such as
    ``dropout_ratio``. Arrays that the step keeps elsewhere must be written in place. Nothing else may train while a
    step is captured. Only CuPy has graphs; on other libraries the step runs normally.

    Raises: ``DtypeError`` for arguments or results that are not arrays, ``StateError`` for a step that reads values,
    copies from the host, or changes what lasts in a network or optimizer and is neither array nor count,
    ``BackendError`` without nvmath-python.

    >>> net, optimizer = TwoLayerNet(4, 3, 2), Adam(0.1)
    >>> @xn.capture
    ... def step(x, t):
    ...     loss, grads = net.loss_and_gradient(x, t)
    ...     optimizer.update(net.params, grads)
    ...     return loss
    >>> x, t = np.eye(2, 4, dtype="float32"), np.array([0, 1])
    >>> losses = [step(x, t) for _ in range(20)]
    >>> losses[-1] < losses[0]
    np.True_
    """
    if not callable(step) or isinstance(step, type):
        raise ArgumentError("capture", "step must be a function of arrays", repr(step), "such as step(x, t)")
    return Captured(step)
