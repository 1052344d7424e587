"""Stage: layers in a row and the body that runs them, for one backward of a plan or for those of a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from xpnet.errors import ShapeError
from xpnet.layers import checks
from xpnet.layers.bodies import Body, body_for, is_plain, libraries_for


class Stage:
    """Some layers in a row that a body runs, or their equations if there is no body or it declines the arrays.

    With ``checked``, each run checks its inputs and dout. A stage of a plan runs one backward, and then drops the
    cache; the stage of a node, where ``once`` is False, can run it again.
    """

    is_container = False
    checked = False

    def __init__(self, layers: tuple[Any, ...], body: type[Body] | None, needs_dx: bool = True, once: bool = True):
        self.layers = layers
        self.inputs = layers[0].inputs
        self.needs_dx = needs_dx
        self.trains = any(layer.trains for layer in layers)
        self.frozen = any(layer.frozen for layer in layers)
        self.lasting = [layer for layer in layers if layer.state]
        self.kind = body
        self.body: Body | None = None
        self.once = once
        if body is not None:
            self.body = body(*layers)
            self.body.once, self.body.trains = once, self.trains
        self.given: tuple[Any, ...] | None = None

    def __call__(self, *inputs: Any) -> Any:
        body, self.given = self.body, None
        for layer in self.layers:
            layer.last_call = None  # a forward by hand belongs to another batch
        if body is None:
            return self._by_equations(inputs)
        if self.checked:
            self.check(inputs)
        body.needs_dx = self.needs_dx and self.layers[0].needs_dx
        body.training = self.trains or body.needs_dx or not self.frozen  # else no backward follows
        self.states = [dict(layer.lasting_state) for layer in self.lasting]
        try:
            y = body.forward(*inputs)
        except Exception:
            self.check(inputs)  # it raises an error that names the fault
            raise
        if y is NotImplemented:
            return self._by_equations(inputs)
        first = y[0] if type(y) is tuple else y
        self.given, self.shape, self.dtype = inputs, first.shape, first.dtype
        return y

    def onto(self, around: Any, *inputs: Any) -> Any:
        """Return ``around + self(*inputs)``, which a body may compute at once."""
        return self._onto(around, self, inputs)

    def backward_onto(self, around: Any, dout: Any) -> Any:
        """Return ``around + self.backward(dout)``, which a body may compute at once."""
        return self._onto(around, self.backward, (dout,))

    def _onto(self, around: Any, run: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        body = self.body
        if body is None:
            return around + run(*given)
        body.around = around
        try:
            y = run(*given)
        finally:
            left, body.around = body.around, None
        return y if left is None else left + y

    def check(self, inputs: tuple[Any, ...]) -> None:
        """Check the inputs as the first layer does; the layers behind it take its output."""
        first = self.layers[0]
        if len(inputs) != len(first.inputs):
            inputs = checks.in_order(first.spec, inputs, {})
        shape = getattr(inputs[0], "shape", None)
        if first.spec.flattens:
            inputs = (checks.flatten(inputs[0]), *inputs[1:])
        first.check_inputs(inputs, shape)

    def _by_equations(self, inputs: tuple[Any, ...]) -> Any:
        with without_dx(self.layers[0], self.needs_dx):
            x, rest = inputs[0], inputs[1:]
            for layer in self.layers:
                x, rest = layer(x, *rest), ()
            return x

    def _again_by_equations(self, given: tuple[Any, ...]) -> None:
        """Run forward once more by the equations, from the same state, so that they keep what their backward needs."""
        self.given = None
        after = [dict(layer.lasting_state) for layer in self.lasting]
        self._go_back_to(self.states)
        self._by_equations(given)
        self._go_back_to(after)

    def _go_back_to(self, states: list[dict[str, Any]]) -> None:
        for layer, state in zip(self.lasting, states, strict=True):
            layer.lasting_state.update(state)

    def backward(self, dout: Any = 1.0, *others: Any) -> Any:
        """Write the gradients of the layers on them, and return dx; ``others`` are derivatives by further results."""
        given = self.given
        if self.frozen and not (self.trains or (self.needs_dx and self.layers[0].needs_dx)):
            return None
        if given is None:
            with without_dx(self.layers[0], self.needs_dx):
                for layer in reversed(self.layers):
                    dout, others = layer.backward(dout, *others), ()
            return dout
        if type(dout) is not float and (type(dout) is not type(given[0]) or dout.dtype != self.dtype):
            self._again_by_equations(given)  # a Variable, which they record, or a dtype that the body does not take
            return self.backward(dout, *others)
        if self.checked and type(dout) is not float and dout.shape != self.shape:
            who, must = self.layers[-1].spec.who, f"dout must be {tuple(self.shape)}, the shape of forward's output"
            raise ShapeError(who, must, tuple(dout.shape), "give it that shape")
        body: Any = self.body
        dx = body.backward(dout, *others)
        if self.once:
            self.given = body.cache = None
        return dx


class InferenceStage:
    """A stage for inference: nothing is kept, so that threads may share it."""

    is_container = False
    checked = False

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.layers, self.trains, self.inputs = stage.layers, stage.trains, stage.inputs

    def __call__(self, *inputs: Any) -> Any:
        return self.onto(None, *inputs)

    def onto(self, around: Any, *inputs: Any) -> Any:
        """Return ``around + self(*inputs)``, which a body may compute at once, or no sum if around is None."""
        kind = self.stage.kind
        if kind is not None:
            if self.checked:
                self.stage.check(inputs)
            body = kind(*self.layers)
            body.training, body.around = False, around
            try:
                y = body.forward(*inputs)
            except Exception:
                self.stage.check(inputs)
                raise
            if y is not NotImplemented:
                return y if body.around is None else body.around + y
        x, rest = inputs[0], inputs[1:]
        for layer in self.layers:
            x, rest = layer.inferring()(x, *rest), ()
        return x if around is None else around + x


class ContainerStage:
    """A container that a body runs, in place of the forward and backward of ``inside``, its copy over stages."""

    is_container = True
    in_inference = False

    def __init__(self, inside: Any, kind: type[Body]) -> None:
        self.inside, self.kind = inside, kind
        self.layers, self.trains, self.inputs = inside.layers, inside.trains, inside.inputs
        self.needs_dx = inside.needs_dx
        body = kind(inside)
        self.forward, self.backward = body.forward, body.backward

    def __call__(self, *inputs: Any) -> Any:
        return self.forward(*inputs)

    def with_layers(self, layers: Mapping[str, Any], needs_dx: bool) -> ContainerStage:
        """Return the same stage over other stages."""
        return ContainerStage(self.inside.with_layers(layers, needs_dx), self.kind)


@contextmanager
def without_dx(layer: Any, needs_dx: bool) -> Iterator[None]:
    """Let a layer compute no dx within a block, unless it is needed."""
    if needs_dx or not layer.needs_dx:
        yield
        return
    own = layer.has_own("needs_dx")
    layer.needs_dx = False
    try:
        yield
    finally:
        layer.needs_dx = True
        if not own:
            del layer.needs_dx


def stage_of(layer: Any, arrays: tuple[Any, ...]) -> Stage | None:
    """Return the stage that runs one call of a layer for a node of a graph, or None to run its equations."""
    if is_plain():
        return None
    kinds = {type(array) for array in arrays if array is not None}
    libraries = {libraries_for(kind) for kind in kinds}
    if len(libraries) != 1:
        return None
    kind = body_for((layer,), libraries.pop())
    return None if kind is None else Stage((layer,), kind, layer.needs_dx, once=False)
