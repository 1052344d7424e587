"""``capture``: a training step without Python between its kernels."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from importlib import import_module
from typing import Any

from xpnet.backend import array_namespace, is_array, library_of
from xpnet.errors import ArgumentError, DtypeError
from xpnet.kernels import recording


class Captured:
    """A step that is captured once for each shape and dtype of its arrays; see ``capture``."""

    def __init__(self, step: Callable[..., Any]) -> None:
        update_wrapper(self, step, updated=())
        self.step = step
        self.graphs: dict[Any, Any] = {}

    def __call__(self, *arrays: Any) -> Any:
        for array in arrays:
            if not is_array(array):
                must, remedy = "a step must be given arrays alone", "let it find the rest by itself"
                raise DtypeError("capture", must, type(array).__name__, remedy)
        home = library_of(array_namespace(*arrays)).graphs if arrays else ""
        if not home or recording.current is not None:  # a step within a step is part of it
            return self.step(*arrays)
        kind = tuple([(array.shape, array.dtype) for array in arrays])
        graph = self.graphs.get(kind)
        if graph is not None and graph.holds():
            return graph(*arrays)
        if graph is None and kind in self.graphs:
            try:
                graph = self.graphs[kind] = import_module(home).Graph(self.step, arrays)
                return graph(*arrays)
            except recording.TooEarlyError:
                return self.step(*arrays)
        self.graphs[kind] = None
        return self.step(*arrays)

    def __get__(self, instance: Any, owner: type) -> Any:
        must, got = "a method must be captured where it is bound", f"one of {owner.__name__} in its class"
        raise ArgumentError("capture", must, got, f"write self.step = capture(self.{self.step.__name__})")

    def __repr__(self) -> str:
        recorded = sum(graph is not None for graph in self.graphs.values())
        return f"capture({getattr(self.step, '__qualname__', self.step)}, {recorded} recorded)"


def capture(step: Callable[..., Any]) -> Captured:
    """Return a training step as one CUDA graph, ``step(x, t)`` without Python between its kernels.

    ``step`` takes arrays and returns one, or several: ``loss, grads = net.loss_and_gradient(x, t)``,
    ``optimizer.update(net.params, grads)``, ``return loss``. For each shape and dtype of its arrays the first call runs
    it, the second captures it, and later calls replay its launches. Learning rates, the count of steps and the masks of
    dropout change from replay to replay as they do without a capture. The result is a copy; the next call overwrites
    ``net.grads``. Where a parameter or state of the network, or an option of the optimizer, is assigned between two
    steps, or a recurrent state begins, the next call runs the step as it is, and the one after it captures it again.

    What is not done on the device happens only while the step is captured: no value may be read in it, nothing printed,
    and a number that Python computes stays the same, as does an attribute of a layer such as ``dropout_ratio``. Arrays
    that the step keeps elsewhere must be written in place. Nothing else may train while a step is captured. Only CuPy
    has graphs; on other libraries the step runs as it is.

    Raises: ``DtypeError`` for arguments or results that are not arrays, ``StateError`` for a step that reads values,
    copies from the host, or changes what lasts in a network or optimizer and is neither array nor count,
    ``BackendError`` without nvmath-python.
    """
    if not callable(step) or isinstance(step, type):
        raise ArgumentError("capture", "step must be a function of arrays", repr(step), "such as step(x, t)")
    return Captured(step)
