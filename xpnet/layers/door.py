"""The door of a layer: the checks around its ``forward`` and ``backward``, so that the equations stay bare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial, wraps
from typing import Any

from xpnet.autodiff import Variable, vjp
from xpnet.autodiff.grouped import remember_call
from xpnet.autodiff.nodes import forward_of_variables
from xpnet.autodiff.record import constant
from xpnet.backend import array_namespace, device_of, dtype_kind, is_array, library_of
from xpnet.backend.halves import is_half, narrowed, widened
from xpnet.backend.numbers import COMPUTED, computed, plain_number
from xpnet.errors import DtypeError, LibraryError, StateError
from xpnet.layers import checks
from xpnet.layers.row_gradient import on_values
from xpnet.layers.spec import Call, Spec
from xpnet.typing import Array


def half_of(spec: Spec, inputs: tuple[Any, ...]) -> int | None:
    """Return the position of the input whose dtype y has, if the equations run in float32 for 16 bits, else None.

    They do where the layer asks for it, and where a library sums in 16 bits, in which a sum stops growing.
    """
    for at, x in enumerate(inputs):
        if x is not None and type(x) not in checks.SCALARS and is_half(x.dtype):
            if not spec.in_float32 and not library_of(array_namespace(x)).adds_in_16_bits:
                return None
            return next((i for i, name in enumerate(spec.inputs) if name in spec.differentiable), at)
    return None


@contextmanager
def parameters_in_float32(layer: Any) -> Iterator[None]:
    """Hold the parameters of 16 bits in float32 within a block."""
    before = {name: getattr(layer, name) for name in layer.parameters if layer.has_own(name)}
    for name, array in before.items():
        setattr(layer, name, widened(array))
    try:
        yield
    finally:
        for name, array in before.items():
            setattr(layer, name, array)


def rounded(dx: Any, half: Array) -> Any:
    """Return results or gradients in the 16-bit dtype of x."""
    if type(dx) is tuple:
        return tuple([d if d is None else narrowed(d, half) for d in dx])
    return dx if dx is None else narrowed(dx, half)


def in_float32(dout: Any) -> Any:
    """Return derivatives of 16 bits in float32; a number is left as it is."""
    if type(dout) is tuple:
        return tuple(map(in_float32, dout))
    return widened(dout) if is_array(dout) else dout


def with_pull(forward: Callable[..., Any], layer: Any, inputs: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return the output of ``forward`` on a frozen layer, and the backward that pulls dout through its tape.

    The equations of a ``backward`` would also compute the gradients of parameters, which are not wanted here. If the
    library's arrays cannot be recorded in this way, both are None.
    """
    spec = layer.spec
    wanted = [at for at, name in enumerate(spec.inputs) if name in spec.differentiable and floating(inputs[at])]
    if not layer.needs_dx or not wanted:
        return forward(layer, *inputs), lambda _: None

    for name, W in layer.parameter_arrays().items():
        setattr(layer, name, constant(W))  # the namespace of a constant records, too

    def of_wanted(*xs: Any) -> Any:
        given = dict(zip(wanted, xs, strict=True))
        return forward(layer, *[given.get(at, x) for at, x in enumerate(inputs)])

    try:
        y, pullback = vjp(of_wanted, *[inputs[at] for at in wanted])
    except LibraryError:  # array-api-strict's arrays do not let a Variable answer for an operator
        return None, None

    def pull(dout: Any) -> Any:
        found = dict(zip(wanted, pullback(dout), strict=True))
        dxs = tuple([found.get(at) for at, name in enumerate(spec.inputs) if name in spec.differentiable])
        return dxs[0] if len(dxs) == 1 else dxs

    return y, pull


def likeness(y: Any) -> tuple[Any, ...]:
    """Return the namespace, shape, dtype and device of a result, which its derivative must have."""
    return array_namespace(y), y.shape, y.dtype, device_of(y)


def floating(x: Any) -> bool:
    """Return whether an input can be differentiated."""
    return is_array(x) and dtype_kind(x) in ("real", "complex")


def entered_by(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``forward`` with the checks of its inputs; ``last_call`` records its inputs and output."""

    @wraps(forward)
    def entered(self: Any, *args: Any, **named: Any) -> Any:
        spec = self.spec
        in_order = not named and len(args) == len(spec.inputs)
        inputs = args if in_order else checks.in_order(spec, args, named)
        call = Call(getattr(inputs[0], "shape", None) if inputs else None)
        if spec.flattens:
            inputs = (checks.flatten(inputs[0]), *inputs[1:])
        operands = inputs
        if spec.takes_numbers:
            inputs = tuple(map(plain_number, inputs))
        at = self.check_inputs(inputs, call.x_shape)
        half = None
        if at is not None:
            half = call.half = inputs[at]
            inputs = tuple([x if x is None else widened(x) for x in inputs])
        before = None if self.last_call else set(vars(self))
        try:
            if self.frozen and spec.parameters and not self.is_traced(inputs):
                with nullcontext() if half is None else parameters_in_float32(self), forward_of_variables():
                    y, call.pull = with_pull(forward, self.copy(), inputs)
                    y = y if call.pull else forward(self, *inputs)
            elif half is not None or Variable in map(type, inputs):
                with parameters_in_float32(self), forward_of_variables():
                    y = forward(self, *inputs)
            else:
                y = forward(self, *inputs)
        except (RuntimeError, TypeError, ValueError) as error:
            checks.explain_dtypes(spec.who, dict(zip(spec.inputs, inputs, strict=True)), self.parameter_arrays(), error)
            raise
        if y is None:
            raise DtypeError(spec.who, "forward must return an array", None, "return its result")
        if before is not None:
            type(self).cache_names |= vars(self).keys() - before - {"last_call"}
        self.last_call = call
        if half is not None:
            y = rounded(y, half)
        if type(y) is tuple:
            call.like, *call.others = map(likeness, y)
            return y
        if type(y) is Variable:
            remember_call(y, self, inputs)
        if type(y) not in checks.SCALARS:
            call.like = likeness(y)
            return y
        call.number = computed(y, self, operands)
        return call.number

    return entered


def left_by(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``backward`` with the check of ``dout``, and of the others if ``forward`` returned several arrays."""

    @wraps(backward)
    def returned(self: Any, dout: Any = 1.0, *others: Any) -> Any:
        spec, call = self.spec, self.last_call
        if call is None:
            raise StateError(spec.who, "forward must run before backward", "no forward", "call forward first")
        if call.like is not None:
            dout = checks.check_dout(spec, dout, *call.like)
            if call.others:
                given = (*others, *[0.0] * (len(call.others) - len(others)))
                others = tuple([checks.check_dout(spec, d, *like) for d, like in zip(given, call.others, strict=True)])
        elif type(call.number) in COMPUTED:
            call.number.derivative = plain_number(dout)
        if call.then is not None:
            then, call.then = call.then, None
            then()
        try:
            if call.pull is not None:
                given = (dout, *others) if call.others else dout
                dx = call.pull(given if call.half is None else in_float32(given))
                dx = dx if call.half is None else rounded(dx, call.half)
            elif call.half is None:
                dx = backward(self, dout, *others)
            else:
                with parameters_in_float32(self):
                    dx = backward(self, *in_float32((dout, *others)))
                dx = rounded(dx, call.half)
                for name in self.parameters:
                    W, dW = getattr(self, name), getattr(self, f"d{name}")
                    setattr(self, f"d{name}", on_values(dW, partial(narrowed, like=W)))
        except (RuntimeError, TypeError, ValueError) as error:
            checks.explain_dtypes(spec.who, {"dout": dout}, self.parameter_arrays(), error)
            raise
        return checks.unflatten(dx, call.x_shape) if spec.flattens else dx

    return returned
