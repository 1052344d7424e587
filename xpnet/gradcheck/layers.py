"""The targets of a layer: its output, weighted at random and added up, in each input and parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from xpnet.autodiff.record import constant
from xpnet.backend import Library, array_namespace, backend_of, is_array, library_of, to_numpy
from xpnet.gradcheck.numerical import Host
from xpnet.gradcheck.subjects import (
    Target,
    accumulation,
    forget_gradients,
    in_a_tuple,
    on_host,
    parameter_gradients,
    restoring_state,
    trained_places,
    written_to,
)
from xpnet.layers.base import Layer
from xpnet.random import Generator

Arrays: TypeAlias = dict[str, Any]


class Run:
    """A layer on its inputs by name: its output, its gradients, and ``Σ y dout`` where some of its arrays differ.

    Where ``forward`` returns several arrays, the sum is over all of them.
    """

    results: tuple[Host, ...]
    gradients: dict[str, Host | None]
    doubled: dict[str, Host | None]
    """The gradients of a second backward, with ``2 dout``."""
    causes: list[str]

    def __init__(self, layer: Layer, inputs: Arrays) -> None:
        self.layer, self.inputs, self.restore = layer, inputs, restoring_state(layer)

    def start(self) -> None:
        """Run forward, and backward twice."""
        before = {name: to_numpy(value).copy() for name, value in self.inputs.items()}
        results = in_a_tuple(self.layer.forward(**self.inputs))
        self.results, self.upstream = tuple(map(to_numpy, results)), upstream_of(results)
        forget_gradients(self.layer)
        given = {f"dout{i or ''}": array_namespace(d).asarray(d, copy=True) for i, d in enumerate(self.upstream)}
        self.gradients = on_hosts(run_backward(self.layer, *given.values()))
        unchanged = {name: to_numpy(d) for name, d in zip(given, self.upstream, strict=True)}
        self.causes = written_to(before | unchanged, self.inputs | given)
        self.doubled = on_hosts(run_backward(self.layer, *[2.0 * d for d in self.upstream]))

    def value(self, inputs: Arrays, parameters: Arrays) -> Any:
        """Return ``Σ y dout`` with these arrays in place of those of the same names."""
        self.restore()
        with self.layer.using(parameters):
            return weighted(in_a_tuple(self.layer.forward(**(self.inputs | inputs))), self.upstream)

    def value_of_batch(self, inputs: Arrays, parameters: Arrays) -> Any:
        """Return the same where these are batches; the others become constants, which no library's operators refuse."""
        return self.value(constants(self.inputs) | inputs, constants(self.layer.params) | parameters)


class CompiledRun(Run):
    """The same of a layer whose forward and backward, as one function, the library has compiled.

    An earlier gradient, to which a wrong backward may add, is an argument of that function.
    """

    run: Callable[..., Any]

    def __init__(self, layer: Layer, inputs: Arrays) -> None:
        super().__init__(layer, inputs)
        self.variable = {name: inputs[name] for name in layer.differentiable if name in inputs}
        self.parameters = dict(layer.params)
        self.zeros = {name: zeros_like(self.parameters[name]) for name in trained_places(layer)}

    def compile(self, library: Library) -> bool:
        """Return whether the library could compile the layer."""
        run = library.compiled(self.both, self.variable, self.parameters, self.zeros, 1.0)
        self.restore()
        if run is not None:
            self.run = run
        return run is not None

    def both(self, inputs: Arrays, parameters: Arrays, earlier: Arrays, factor: Any) -> tuple[Any, Any, Any]:
        """Return ``Σ y dout``, the output, and the gradients by ``factor dout``."""
        self.restore()
        places = trained_places(self.layer)
        for name, (owner, attribute) in places.items():
            setattr(owner, "d" + attribute, earlier[name])
        with self.layer.using(parameters):
            results = in_a_tuple(self.layer.forward(**(self.inputs | inputs)))
            upstream = upstream_of(results)
            gradients = run_backward(self.layer, *[factor * d for d in upstream])
        left_out = {name: None for name in places if gradients[name] is earlier[name]}
        return weighted(results, upstream), results, gradients | left_out

    def start(self) -> None:
        _, results, gradients = self.run(self.variable, self.parameters, self.zeros, 1.0)
        self.results, self.gradients, self.causes = tuple(map(to_numpy, results)), on_hosts(gradients), []
        earlier = {name: zeros if gradients[name] is None else gradients[name] for name, zeros in self.zeros.items()}
        self.doubled = on_hosts(self.run(self.variable, self.parameters, earlier, 2.0)[2])

    def value(self, inputs: Arrays, parameters: Arrays) -> Any:
        return self.run(self.variable | inputs, self.parameters | parameters, self.zeros, 1.0)[0]


def run_of(layer: Layer, inputs: Arrays) -> tuple[Run, bool]:
    """Return a run of the layer that has started, and whether its values can be computed for batches at once."""
    library = library_of(array_namespace(*inputs.values(), *layer.params.values()))
    compiled = CompiledRun(layer, inputs)
    run = compiled if compiled.compile(library) else Run(layer, inputs)
    run.start()
    return run, not library.compiles_shapes


def layer_targets(layer: Layer, inputs: Sequence[Any]) -> list[Target]:
    """Return targets of ``Σ y dout`` for a random ``dout``, in each differentiable input and parameter."""
    named = {name: value for name, value in zip(layer.inputs, inputs, strict=False) if value is not None}
    host = {name: to_numpy(value).copy() for name, value in named.items()}
    run, in_batches = run_of(layer, named)
    given = [name for name in layer.differentiable if name in named]
    facts: dict[str, Any] = {
        "batch": next((array.shape[0] for array in host.values() if array.ndim), 1),
        "x": host[given[0]] if len(given) == 1 else None,
        "labels": host.get("t") if "t" not in layer.differentiable else None,
        "others": {name: host[name] for name in given if len(given) > 1},
        "parameters": [to_numpy(array) for array in layer.params.values()],
    }
    if len(run.results) == 1:
        facts |= {"dout": draw_dout(run.results[0], 0), "y": run.results[0]}

    def target(name: str, at: Any, placed: Callable[[Any], tuple[Arrays, Arrays]]) -> Target:
        def value(array: Any) -> Any:
            return run.value(*placed(array))

        def value_of_batch(batch: Any) -> Any:
            return run.value_of_batch(*placed(batch))

        of_batch = (value, value_of_batch) if in_batches else ()
        causes = [*run.causes, *wrong_scaling(run.gradients[name], run.doubled[name])]
        return Target(name, at, value, run.gradients[name], of_batch=of_batch, causes=causes, **facts)

    def in_input(name: str) -> Target:
        return target(name, named[name], lambda x: ({name: x}, {}))

    def in_parameter(name: str) -> Target:
        return target(name, layer.params[name], lambda W: ({}, {name: W}))

    return [*map(in_input, given), *map(in_parameter, trained_places(layer))]


def draw_dout(y: Any, position: int) -> Host:
    """Return a random derivative of a result, of mean 1."""
    return 1.0 + Generator(0).normal(tuple(y.shape), f"gradient_check.dout{position or ''}")


def upstream_of(results: tuple[Any, ...]) -> list[Any]:
    """Return a random derivative of each result."""
    asarray = backend_of(results[0]).asarray
    return [asarray(draw_dout(y, i)) for i, y in enumerate(results)]


def weighted(results: tuple[Any, ...], upstream: list[Any]) -> Any:
    """Return ``Σ y dout`` over all results."""
    xp = array_namespace(*results)
    first, *rest = [xp.sum(y * d) for y, d in zip(results, upstream, strict=True)]
    return sum(rest, start=first)


def zeros_like(array: Any) -> Any:
    """Return zeros from the host, for which no library compiles anything."""
    return backend_of(array).asarray(np.zeros(tuple(array.shape)))


def constants(arrays: Any) -> Arrays:
    """Return arrays as constants, and anything else unchanged."""
    return {name: constant(x) if is_array(x) else x for name, x in arrays.items()}


def wrong_scaling(analytic: Host | None, doubled: Host | None) -> list[str]:
    """Return a cause if a doubled ``dout`` does not double the gradient."""
    if analytic is None or doubled is None or analytic.shape != doubled.shape or not analytic.any():
        return []
    if np.array_equal(doubled, analytic):
        return ["it stays the same when dout doubles: dout is ignored"]
    return accumulation(analytic, doubled, 3.0)


def run_backward(layer: Layer, *douts: Any) -> dict[str, Any]:
    """Return the gradient of each differentiable input and parameter by name, None if backward leaves it out."""
    result = layer.backward(*douts)
    gradients = result if isinstance(result, tuple) else (result,)
    found = dict(zip(layer.differentiable, gradients, strict=False))
    return dict.fromkeys(layer.differentiable) | found | parameter_gradients(layer)


def on_hosts(gradients: dict[str, Any]) -> dict[str, Host | None]:
    return {name: on_host(gradient) for name, gradient in gradients.items()}
