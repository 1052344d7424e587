"""The backward of a container that defines only its forward: taken from the tape."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from xpnet.autodiff import Variable
from xpnet.autodiff.record import constant
from xpnet.autodiff.transforms import pulled
from xpnet.backend import array_namespace, device_of, is_array
from xpnet.errors import StateError
from xpnet.layers import checks
from xpnet.layers.door import floating
from xpnet.layers.spec import Call


def recorded(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Record ``forward`` in training on a tape for ``pull_back``; run it plainly if someone else records."""

    @wraps(forward)
    def recording(self: Any, *args: Any, **named: Any) -> Any:
        params, loss = self.params, getattr(self, "last_layer", None)
        params = {name: W for name, W in params.items() if params.place(name)[0] is not loss}
        arrays = (*args, *named.values(), *params.values())
        if self.in_inference or any(type(array) is Variable for array in arrays):
            return forward(self, *args, **named)
        inputs = dict(zip(self.inputs, checks.in_order(self.spec, args, named), strict=True))
        wanted = self.differentiable if self.needs_dx else ()
        traced = {name: x for name, x in inputs.items() if name in wanted and floating(x)}
        # constants too are Variables: their namespace is the one that records
        constants = {name: constant(x) if is_array(x) else x for name, x in inputs.items()}

        def of_parameters_and_inputs(params: dict[str, Any], *xs: Any) -> Any:
            with self.using(fixed | params):
                return forward(self, **constants | dict(zip(traced, xs, strict=True)))

        frozen = self.params.frozen
        fixed = {name: constant(W) for name, W in params.items() if name in frozen}
        trained = {name: W for name, W in params.items() if name not in frozen}
        if trained or traced:
            y, pullback = pulled(of_parameters_and_inputs, (trained, *traced.values()), by_rows=True)
        else:
            y, pullback = forward(self, *args, **named), nothing_trained
        self.recorded_tape = (pullback, tuple(traced))
        self.last_call = Call(like=(array_namespace(y), y.shape, y.dtype, device_of(y)) if is_array(y) else None)
        return y

    return recording


def pull_back(self: Any, dout: Any = 1.0) -> Any:
    """Assign each layer its gradients, summed over the uses of the layer, and return dx."""
    if self.recorded_tape is None:
        raise StateError(type(self).__name__, "forward must run before backward", "no forward", "call forward first")
    pullback, traced = self.recorded_tape
    if self.last_call is not None and self.last_call.like is not None:
        dout = checks.check_dout(self.spec, dout, *self.last_call.like)
    gradients, *dxs = pullback(dout)
    for name, gradient in gradients.items():
        layer, attribute = self.params.place(name)
        setattr(layer, "d" + attribute, gradient)
    found = dict(zip(traced, dxs, strict=True))
    given = tuple(found.get(name) for name in self.differentiable)
    return given[0] if len(given) == 1 else given or None


def nothing_trained(_: Any) -> tuple[dict[str, Any]]:
    """Return the gradients of a network that is wholly frozen."""
    return ({},)
