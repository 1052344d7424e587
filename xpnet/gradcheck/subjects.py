"""The subjects of a check: a network, a layer or a function, each of which becomes a list of targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xpnet.autodiff import grad
from xpnet.backend import array_namespace, backend_of, dtype_kind, dtype_name, is_array, to_numpy
from xpnet.errors import StateError
from xpnet.gradcheck.batched import side_by_side
from xpnet.gradcheck.numerical import EPSILON, Evaluate, Host, one_by_one
from xpnet.layers.base import Layer
from xpnet.random import Generator
from xpnet.typing import Array


@dataclass
class Target:
    """An array, a function of it, and the derivative that backward claims for it."""

    name: str
    at: Array
    f: Callable[[Array], Any]
    analytic: Host | None
    fast: Evaluate | None = None
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
        """Return values one at a time, or many side by side if both ways give the same numbers."""
        plain = one_by_one(self.f, self.host, backend_of(self.at))
        if self.fast is None or not self.host.size:
            return plain
        probes = np.unique(np.linspace(0, self.host.size - 1, 3).astype(int))
        moves = np.full((probes.size, 1), 2.0**-6)
        rounding = 1e3 * EPSILON[dtype_name(self.at.dtype)]
        return (
            self.fast if np.allclose(self.fast(probes, moves), plain(probes, moves), rtol=rounding, atol=0.0) else plain
        )


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
        target.causes += [*written, *accumulation(gradients[name], again[name], 2.0)]
        targets.append(target)
    return targets


def layer_targets(layer: Layer, inputs: Sequence[Any]) -> list[Target]:
    """Return targets of ``Σ y dout`` for a random ``dout``, in each differentiable input and parameter.

    Where ``forward`` returns several arrays, the sum is over all of them.
    """
    named = {name: value for name, value in zip(layer.inputs, inputs, strict=False) if value is not None}
    before = {name: to_numpy(value).copy() for name, value in named.items()}
    restore = restoring_state(layer)
    y = layer.forward(*inputs)
    results = y if isinstance(y, tuple) else (y,)
    xp = array_namespace(*results)
    douts = [
        1.0 + Generator(0).normal(tuple(part.shape), f"gradient_check.dout{i or ''}") for i, part in enumerate(results)
    ]
    upstream = list(map(backend_of(results[0]).asarray, douts))
    forget_gradients(layer)
    given_douts = [xp.asarray(d, copy=True) for d in upstream]
    gradients = run_backward(layer, *given_douts)
    names = [f"dout{i or ''}" for i in range(len(results))]
    unchanged = dict(zip(names, map(to_numpy, upstream), strict=True))
    causes = written_to(before | unchanged, named | dict(zip(names, given_douts, strict=True)))
    doubled = run_backward(layer, *[2.0 * d for d in upstream])
    parameters = [to_numpy(array) for array in layer.params.values()]
    given = [name for name in layer.differentiable if name in named]
    x = before[given[0]] if len(given) == 1 else None
    labels = before.get("t") if "t" not in layer.differentiable else None
    batch = next((array.shape[0] for array in before.values() if array.ndim), 1)

    def along_upstream(y: Any) -> Any:
        parts = y if isinstance(y, tuple) else (y,)
        first, *rest = [xp.sum(part * d) for part, d in zip(parts, upstream, strict=True)]
        return sum(rest, start=first)

    def target(name: str, at: Array, f: Callable[[Array], Any]) -> Target:
        analytic = gradients[name]
        found = [*causes, *wrong_scaling(analytic, doubled[name])]
        facts: dict[str, Any] = {"x": x, "labels": labels, "parameters": parameters}
        if len(results) == 1:
            facts |= {"dout": douts[0], "y": to_numpy(y)}
        others = {other: before[other] for other in given if len(given) > 1}
        return Target(name, at, f, analytic, batch=batch, causes=found, others=others, **facts)

    def in_input(name: str) -> Target:
        def objective(array: Array) -> Any:
            restore()
            return along_upstream(layer.forward(**(named | {name: array})))

        return target(name, named[name], objective)

    def in_parameter(name: str) -> Target:
        def objective(array: Array) -> Any:
            restore()
            with layer.using({name: array}):
                return along_upstream(layer.forward(*inputs))

        return target(name, layer.params[name], objective)

    return [*map(in_input, given), *map(in_parameter, trained_places(layer))]


def wrong_scaling(analytic: Host | None, doubled: Host | None) -> list[str]:
    """Return a cause if a doubled ``dout`` does not double the gradient."""
    if analytic is None or doubled is None or analytic.shape != doubled.shape or not analytic.any():
        return []
    if np.array_equal(doubled, analytic):
        return ["it stays the same when dout doubles: dout is ignored"]
    return accumulation(analytic, doubled, 3.0)


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
        return parameter_gradients(network)
    return {name: on_host(gradients.get(name)) for name in trained_places(network)}


def parameter_gradients(layer: Layer) -> dict[str, Host | None]:
    places = trained_places(layer).items()
    return {name: on_host(getattr(owner, "d" + attribute, None)) for name, (owner, attribute) in places}


def trained_places(layer: Layer) -> dict[str, Any]:
    """Return the places of the parameters that have gradients, without those of frozen layers."""
    return {name: place for name, place in layer.params.places.items() if not getattr(place[0], "frozen", False)}


def run_backward(layer: Layer, *douts: Any) -> dict[str, Host | None]:
    """Return the gradient of each differentiable input and parameter by name, None if backward leaves it out."""
    result = layer.backward(*douts)
    gradients = result if isinstance(result, tuple) else (result,)
    found = dict(zip(layer.differentiable, map(on_host, gradients), strict=False))
    return dict.fromkeys(layer.differentiable) | found | parameter_gradients(layer)


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
