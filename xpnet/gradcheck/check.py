"""``gradient_check``: a comparison of backward with numerical differentiation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from xpnet.arguments import is_number
from xpnet.backend import array_namespace, backend_of, dtype_kind, dtype_name, get_backend, is_array, library_of
from xpnet.errors import ArgumentError
from xpnet.gradcheck.causes import exchanged, wrong_shape, wrong_values
from xpnet.gradcheck.compare import Comparison, compare
from xpnet.gradcheck.culprits import with_culprits
from xpnet.gradcheck.layers import layer_targets
from xpnet.gradcheck.numerical import (
    EPSILON,
    Host,
    check_differences,
    check_point,
    check_value,
    default_step,
    differences,
    least_steps,
    one_by_one,
    steps_for,
    value_at,
)
from xpnet.gradcheck.plain import plain_network_targets
from xpnet.gradcheck.report import Report, Row
from xpnet.gradcheck.subjects import Target, function_targets, in_a_tuple, network_targets
from xpnet.layers.base import Layer, leaves
from xpnet.layers.plain import as_layer, is_plain_layer, is_plain_network
from xpnet.random import Generator

WHO = "gradient_check"
MODES = ("every", "directions", "complex")
TOLERANCE = {"float64": 1e-6, "float32": 2e-2}
COARSE = 1e-1
COMPLEX_STEP = 2.0**-66


def gradient_check(
    subject: Any,
    *inputs: Any,
    mode: str = "every",
    gradient: Callable[..., Any] | None = None,
    dtype: str | None = "float64",
    step: float | None = None,
    tolerance: float | None = None,
    directions: int = 16,
) -> Report:
    """Compare backward with numerical differentiation, ``|a - n| ≤ tolerance max(|a|, |n|, rms n)``.

    ``subject`` is a network (``inputs`` x and t: its loss in every parameter; x may be a tuple), a layer (its inputs:
    ``Σ y dout`` for a random dout, in every input and parameter) or a function (its ``gradient`` returns one gradient
    for each floating argument; without it ``xn.grad`` is checked). A class with ``forward`` and ``backward``, or with
    ``params``, ``gradient`` and ``loss``, need not derive from anything. A copy of the subject is checked in float64, a
    network of such a class in its own dtype; ``dtype=None`` keeps the dtype. Step and tolerance follow from the dtype.
    Where the values before a ReLU are smaller than any step that rounding allows (float32, or many layers of tiny
    weights), a kink cannot be distinguished from a mistake and may fail.

    ``mode``: ``"every"`` element; ``"directions"``, random ones, cheap at any size; ``"complex"``, the complex step
    ``Im f(x + ih) / h``, exact to rounding where the layer is holomorphic.

    Raises: ``DtypeError`` for integer inputs or an unknown kind of subject; ``ArgumentError`` for NaN in the inputs,
    an unknown mode, or a complex step through a layer that is not holomorphic.
    Source: Deep Learning from Scratch, section 5.7.3; Squire and Trapp, 1998 (complex step).

    >>> x, t = np.eye(2, dtype="float32"), np.array([0, 1])
    >>> report = xn.gradient_check(TwoLayerNet(2, 3, 2), x, t)
    >>> report.ok, max(row.max_rel for row in report.rows) < 1e-6
    (True, True)
    """
    if mode not in MODES:
        raise ArgumentError(WHO, f"mode must be one of {', '.join(MODES)}", repr(mode), "choose one")
    if dtype not in ("float64", "float32", None):
        raise ArgumentError(WHO, "dtype must be float64, float32 or None", repr(dtype), "choose one")
    for name, number in (("step", step), ("tolerance", tolerance), ("directions", directions)):
        if number is not None and not (is_number(number) and number > 0):
            raise ArgumentError(WHO, f"{name} must be above 0", repr(number), "leave it out for a good one")
    inputs = _as_arrays(inputs)
    if is_plain_layer(subject):
        subject = as_layer(subject, inputs)
    network = is_plain_network(subject)
    inputs = _checked_inputs(subject, inputs, mode)
    parameters = subject.params.values() if isinstance(subject, Layer) or network else ()
    arrays = (*parameters, *(each for value in inputs for each in in_a_tuple(value)))
    like = next(value for value in arrays if is_array(value) and dtype_kind(value) == "real")
    chosen = dtype_name(like.dtype) if dtype is None or network else dtype
    step = step or (COMPLEX_STEP if mode == "complex" else default_step(chosen))
    tolerance = tolerance or TOLERANCE.get(chosen, COARSE)
    with library_of(array_namespace(like)).allow("float64"):
        wanted = "complex128" if mode == "complex" else chosen
        inputs = tuple(_cast(value, wanted) for value in inputs)
        copy = subject.astype(wanted) if isinstance(subject, Layer) else subject
        targets = _targets(copy, inputs, gradient)
        rows = tuple(_row(target, mode, step, tolerance, directions) for target in targets)
        rows = _named_apart(rows, targets)
        report = Report(_name(subject), mode, wanted, step, tolerance, rows)
        return report if report.ok else with_culprits(report, copy, inputs, gradient_check)


def _name(subject: Any) -> str:
    if isinstance(subject, Layer) or is_plain_network(subject):
        return type(subject).__name__
    return getattr(subject, "__name__", "function")


def _as_arrays(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(get_backend().asarray(float(value)) if type(value) in (int, float) else value for value in inputs)


def _checked_inputs(subject: Any, inputs: tuple[Any, ...], mode: str) -> tuple[Any, ...]:
    """Return the inputs as arrays, which must be floating and finite where they are differentiated."""
    if is_plain_network(subject):
        if len(inputs) != 2 or mode == "complex":
            got, remedy = f"{len(inputs)} inputs, mode {mode!r}", "give each, and another mode than complex"
            raise ArgumentError(WHO, f"{_name(subject)} must come with x, t", got, remedy)
        if not _are_indices(inputs[0]):
            check_point(WHO, "x", inputs[0])
        return inputs
    if not isinstance(subject, Layer):
        if not callable(subject):
            got = type(subject).__name__
            raise ArgumentError(WHO, "subject must be a network, a layer or a function", got, "give one of these")
        if mode == "complex":
            raise ArgumentError(WHO, "complex steps must go through layers", "a function", "choose another mode")
        floating = [value for value in inputs if is_array(value) and dtype_kind(value) == "real"]
        for value in floating or (inputs[0] if inputs else None,):
            check_point(WHO, "an argument", value)
        return inputs
    is_network = getattr(subject, "last_layer", None) is not None
    names, optional = (("x", "t"), ()) if is_network else (subject.inputs, subject.optional)
    if not len(names) - len(optional) <= len(inputs) <= len(names):
        raise ArgumentError(WHO, f"{_name(subject)} must come with {', '.join(names)}", len(inputs), "give each")
    for name, value in zip(names, inputs, strict=False):
        for each in in_a_tuple(value) if name in subject.differentiable else ():
            if not (is_network and (_are_indices(each) or _is_left_out(each))):
                check_point(WHO, name, each)
    for name, array in subject.params.items():
        check_point(WHO, name, array)
    rough = [type(layer).__name__ for layer in _all_layers(subject) if not layer.holomorphic]
    if mode == "complex" and rough:
        got = ", ".join(dict.fromkeys(rough))
        raise ArgumentError(WHO, "every layer must be holomorphic for a complex step", got, 'choose mode="every"')
    return inputs


def _are_indices(x: Any) -> bool:
    """Return whether it is the integer input of a network, which its layers check."""
    return is_array(x) and dtype_kind(x) == "integer"


def _is_left_out(x: Any) -> bool:
    """Return whether it is an argument of a network that nobody differentiates, such as a mask."""
    return x is None or (is_array(x) and dtype_kind(x) == "bool")


def _all_layers(subject: Layer) -> list[Layer]:
    last = getattr(subject, "last_layer", None)
    return [*leaves(subject).values(), *([] if last is None else [last])]


def _cast(value: Any, dtype: str) -> Any:
    """Return a floating array in the dtype of the check, a tuple of such, and anything else unchanged."""
    if type(value) is tuple:
        return tuple(_cast(each, dtype) for each in value)
    if not is_array(value) or dtype_kind(value) != "real":
        return value
    xp = array_namespace(value)
    return xp.astype(value, getattr(xp, dtype), copy=True)


def _targets(subject: Any, inputs: tuple[Any, ...], gradient: Callable[..., Any] | None) -> list[Target]:
    if is_plain_network(subject):
        return plain_network_targets(subject, *inputs)
    if not isinstance(subject, Layer):
        return function_targets(subject, inputs, gradient)
    if getattr(subject, "last_layer", None):
        return network_targets(subject, *inputs)
    return layer_targets(subject, inputs)


def network_gradient(network: Any, x: Any, t: Any) -> dict[str, Any]:
    """Differentiate a network's loss numerically in float64, name -> array of its own dtype.

    >>> from xpnet.gradcheck import network_gradient
    >>> net, x, t = TwoLayerNet(2, 3, 2), np.eye(2, dtype="float32"), np.array([0, 1])
    >>> exact, numeric = net.gradient(x, t), network_gradient(net, x, t)
    >>> all(np.allclose(exact[name], dW, atol=1e-6) for name, dW in numeric.items())
    True
    """
    if not _are_indices(x):
        check_point("numerical_gradient", "x", x)
    found = {}
    with library_of(array_namespace(x)).allow("float64"):
        for target in network_targets(network.astype("float64"), _cast(x, "float64"), _cast(t, "float64")):
            host = target.host
            steps = steps_for(host, default_step("float64"))
            backend, who, eps = backend_of(target.at), "numerical_gradient", EPSILON["float64"]
            here = value_at(who, target.f, host, backend, "float64")
            numeric, _, _ = differences(target.evaluate(), np.arange(host.size), steps, eps, least_steps(host, eps))
            check_value(who, target.f, host, backend, "float64", here)
            check_differences(who, target.name, numeric.reshape(host.shape))
            like = network.params[target.name]
            found[target.name] = backend_of(like).asarray(numeric.reshape(host.shape))
    return found


def _row(target: Target, mode: str, step: float, tolerance: float, directions: int) -> Row:
    host, analytic = target.host, target.analytic
    if analytic is None or analytic.shape != host.shape:
        shape = None if analytic is None else analytic.shape
        missing = (float("nan"),) * 4
        causes = (wrong_shape(shape, host.shape, target.dout), *target.causes)
        return Row(target.name, host.shape, 0, *missing, (), *missing[:2], "fail", causes=causes)
    backend, dtype = backend_of(target.at), target.at.dtype
    f = real_part_of(target.f) if mode == "complex" else target.f
    here = value_at(WHO, f, host, backend, dtype)
    if mode == "directions":
        result = _compare_directions(target, analytic, step, tolerance, directions)
        shape = (directions,)
    else:
        result = _compare_elements(target, analytic, mode, step, tolerance)
        shape = host.shape
    check_value(WHO, f, host, backend, dtype, here)
    if result.blind.any() and not result.failed.any():
        raise _lost_in_rounding(target, result, here)
    failed, kinks = bool(result.failed.any() or target.causes), int(result.kinked.sum())
    counted = ~result.kinked
    worst = int(np.argmax(np.where(counted | (not counted.any()), result.difference, -1.0))) if host.size else 0
    causes = tuple(target.causes)
    if mode != "directions":
        target.numeric = result.numeric.reshape(host.shape)
        if failed:
            causes += tuple(wrong_values(analytic, target.numeric, target))

    def largest(values: Host) -> float:
        return float(np.max(values[counted], initial=0.0))

    def mean(values: Host) -> float:
        return float(np.mean(values[counted])) if counted.any() else 0.0

    return Row(
        target.name,
        host.shape,
        result.numeric.size,
        mean(result.difference),
        largest(result.difference),
        mean(result.relative),
        largest(result.relative),
        tuple(int(i) for i in np.unravel_index(worst, shape)) if host.size else (),
        float(result.analytic[worst]) if host.size else 0.0,
        float(result.numeric[worst]) if host.size else 0.0,
        "fail" if failed else "kink" if kinks else "ok",
        kinks,
        causes if failed else (),
    )


def _named_apart(rows: tuple[Row, ...], targets: list[Target]) -> tuple[Row, ...]:
    """Return the rows, with a cause added to those whose gradient belongs to another array."""
    if all(row.status != "fail" for row in rows):
        return rows
    found = exchanged(targets)
    return tuple(
        replace(row, causes=(found[row.name], *row.causes)) if row.status == "fail" and row.name in found else row
        for row in rows
    )


def real_part_of(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return ``Re f`` of a function with complex values."""

    def real(x: Any) -> Any:
        y = f(x)
        return array_namespace(y).real(y)

    return real


def _lost_in_rounding(target: Target, result: Comparison, here: float) -> ArgumentError:
    worst = int(np.flatnonzero(result.blind)[0])
    return ArgumentError(
        WHO,
        f"the values of f must differ by more than their rounding as {target.name} moves",
        f"values near {here:.3g} for a derivative of {result.analytic[worst]:.3g}",
        "take the constant part out of f, or give a larger step",
    )


def _compare_elements(target: Target, analytic: Host, mode: str, step: float, tolerance: float) -> Comparison:
    host = target.host
    indices = np.arange(host.size)
    if mode == "every":
        eps = EPSILON[dtype_name(target.at.dtype)]
        steps, least = steps_for(host, step), least_steps(host, eps)
        return compare(target.evaluate(), indices, steps, analytic.reshape(-1), eps, tolerance, least)
    evaluate = one_by_one(target.f, host, backend_of(target.at))
    numeric = evaluate(indices, np.full((host.size, 1), 1j * step)).imag[:, 0] / step
    return Comparison.of_exact(analytic.reshape(-1), numeric, tolerance)


def _compare_directions(target: Target, analytic: Host, step: float, tolerance: float, count: int) -> Comparison:
    host = target.host
    directions = Generator(0).normal((count, *host.shape), f"gradient_check.{target.name}")
    lengths = np.sqrt(np.sum(directions * directions, axis=tuple(range(1, directions.ndim)), keepdims=True))
    directions = directions / np.maximum(lengths, 1e-300)
    slopes = np.sum(analytic * directions, axis=tuple(range(1, directions.ndim)))
    eps = EPSILON[dtype_name(target.at.dtype)]
    least = np.full(count, np.max(least_steps(host, eps), initial=4.0 * eps))
    return compare(target.along(directions), np.arange(count), np.full(count, step), slopes, eps, tolerance, least)
