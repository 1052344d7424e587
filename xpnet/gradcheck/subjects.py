"""The targets of a check: arrays, a function of each, and the derivative that is claimed for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from xpnet.autodiff import grad
from xpnet.backend import array_namespace, backend_of, dtype_kind, dtype_name, is_array, library_of, to_numpy
from xpnet.errors import StateError
from xpnet.gradcheck.batched import in_batches, side_by_side
from xpnet.gradcheck.numerical import EPSILON, Evaluate, Host, along, moved, one_by_one
from xpnet.layers.base import Layer
from xpnet.typing import Array


@dataclass
class Target:
    """An array, a function of it, and the derivative that backward claims for it."""

    name: str
    at: Array
    f: Callable[[Array], Any]
    analytic: Host | None
    fast: Evaluate | None = None
    of_batch: tuple[Callable[[Any], Any], ...] = ()
    """The function in forms that may also take a batch of arrays."""
    batch: int = 1
    dout: Host | None = None
    x: Host | None = None
    y: Host | None = None
    others: dict[str, Host] = field(default_factory=dict)
    labels: Host | None = None
    numeric: Host | None = None
    parameters: list[Host] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)

    @property
    def host(self) -> Host:
        return to_numpy(self.at)

    def evaluate(self) -> Evaluate:
        """Return an Evaluate that moves one element."""
        host = self.host
        plain, batched = one_by_one(self.f, host, backend_of(self.at)), self._in_batches(partial(moved, host))
        return self._fastest(plain, batched if self.fast is None else [self.fast, *batched], host.size)

    def along(self, directions: Host) -> Evaluate:
        """Return an Evaluate that moves the whole array along ``directions[index]``."""
        host = self.host
        plain = along(self.f, host, directions, backend_of(self.at))
        return self._fastest(plain, self._in_batches(lambda i, move: host + move * directions[i]), len(directions))

    def _in_batches(self, point: Callable[[int, float], Host]) -> list[Evaluate]:
        size = max(self.host.size, 0 if self.y is None else self.y.size)
        return [in_batches(f, point, size, backend_of(self.at)) for f in self.of_batch if size]

    def _fastest(self, plain: Evaluate, fast: Sequence[Evaluate], count: int) -> Evaluate:
        """Return the first that finds many values at once, and gives the numbers of ``plain``, one at a time."""
        if not fast or not count:
            return plain
        probes = np.unique(np.linspace(0, count - 1, 3).astype(int))
        moves = np.full((probes.size, 1), 2.0**-6)
        wanted, rounding = plain(probes, moves), 1e3 * EPSILON[dtype_name(self.at.dtype)]
        for evaluate in fast:
            with suppress(Exception):  # such as of a forward that reads values
                if np.allclose(evaluate(probes, moves), wanted, rtol=rounding, atol=0.0):
                    return evaluate if evaluate is self.fast else self._or(evaluate, plain)
        return plain

    @staticmethod
    def _or(fast: Evaluate, plain: Evaluate) -> Evaluate:
        """Return ``fast``, but ``plain`` where some arrays are outside the domain of f."""

        def evaluate(indices: Host, moves: Host) -> Host:
            try:
                return fast(indices, moves)
            except (ValueError, ArithmeticError):
                return plain(indices, moves)

        return evaluate


def in_a_tuple(x: Any) -> tuple[Any, ...]:
    """Return the arguments of a network's ``forward``, which are given as x, or as a tuple."""
    return x if type(x) is tuple else (x,)


def network_targets(network: Any, x: Any, t: Any) -> list[Target]:
    """Return a target for the loss of a network in each of its parameters."""
    xs = [each for each in in_a_tuple(x) if is_array(each)]
    given = {f"x{number or ''}": each for number, each in enumerate(xs)} | {"t": t}
    before = {name: to_numpy(array).copy() for name, array in given.items()}
    forget_gradients(network)
    restore = restoring_state(network)
    gradients = run_network(network, x, t)
    restore()
    again = run_network(network, x, t)
    written = written_to(before, given)
    targets = []
    for name, origin in trained_places(network).items():

        def loss_at(array: Array, name: str = name) -> Any:
            restore()
            with network.using({name: array}):
                return network.loss(x, t)

        target = Target(name, network.params[name], loss_at, gradients[name], batch=xs[0].shape[0])
        restore()
        target.fast = None if type(x) is tuple else side_by_side(network, origin, x, t)
        target.of_batch = () if library_of(array_namespace(target.at)).compiles_shapes else (loss_at,)
        target.causes += [*written, *accumulation(gradients[name], again[name], 2.0)]
        targets.append(target)
    return targets


def accumulation(first: Host | None, second: Host | None, factor: float) -> list[str]:
    """Return a cause if a second backward gave the first gradient times a factor that only a sum can give."""
    if first is None or second is None or not first.any() or not np.allclose(second, factor * first, atol=0.0):
        return []
    return ["a second backward adds to the first: assign the gradient, do not accumulate it"]


def restoring_state(layer: Layer) -> Callable[[], None]:
    """Return a function that restores the present running statistics and steps of random streams."""
    states = layer.states
    before = dict(states)
    return lambda: states.update(before)


def forget_gradients(layer: Layer) -> None:
    """Remove the gradients of an earlier backward, which could be mistaken for new ones."""
    for owner, name in layer.params.places.values():
        with suppress(AttributeError):
            delattr(owner, "d" + name)


def run_network(network: Any, x: Any, t: Any) -> dict[str, Host | None]:
    """Return the gradient of each parameter by name, None if a layer's backward leaves it out."""
    try:
        gradients = network.gradient(x, t)
    except StateError:
        gradients = parameter_gradients(network)
    return {name: on_host(gradients.get(name)) for name in trained_places(network)}


def parameter_gradients(layer: Layer) -> dict[str, Any]:
    """Return the gradient of each parameter by name, None if backward leaves it out."""
    places = trained_places(layer).items()
    return {name: getattr(owner, "d" + attribute, None) for name, (owner, attribute) in places}


def trained_places(layer: Layer) -> dict[str, Any]:
    """Return the places of the parameters that have gradients, without those of frozen layers."""
    return {name: place for name, place in layer.params.places.items() if not getattr(place[0], "frozen", False)}


def function_targets(f: Callable[..., Any], inputs: Sequence[Any], gradient: Callable[..., Any] | None) -> list[Target]:
    """Return a target for each floating argument of a function, with the gradient of ``xn.grad`` or its own."""
    names = [f"argument {i}" for i in range(len(inputs))]
    floating = [i for i, value in enumerate(inputs) if is_array(value) and dtype_kind(value) == "real"]
    before = {name: to_numpy(value).copy() for name, value in zip(names, inputs, strict=True)}
    result = (gradient or grad(f, argnums=tuple(floating)))(*inputs)
    gradients = result if isinstance(result, tuple) else (result,)
    written = written_to(before, dict(zip(names, inputs, strict=True)))
    targets = []
    for position, i in enumerate(floating):

        def of_one(array: Array, i: int = i) -> Any:
            return f(*inputs[:i], array, *inputs[i + 1 :])

        analytic = on_host(gradients[position]) if position < len(gradients) else None
        targets.append(Target(names[i], inputs[i], of_one, analytic, causes=list(written)))
    return targets


def on_host(gradient: Any) -> Host | None:
    return None if gradient is None else np.array(to_numpy(gradient).real, dtype=np.float64)


def written_to(before: dict[str, Host], after: dict[str, Any]) -> list[str]:
    """Return a cause for each array that forward or backward has changed."""
    changed = [
        name for name, value in before.items() if not np.array_equal(value, to_numpy(after[name]), equal_nan=True)
    ]
    return [f"forward or backward wrote into {name}: compute a new array instead" for name in changed]
