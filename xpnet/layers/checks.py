"""The checks that every layer makes on entry, so that its equations stay bare."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from math import prod
from numbers import Real
from typing import Any, TypeGuard

import numpy as np

from xpnet.backend import (
    OTHER_ARRAYS,
    array_namespace,
    device_of,
    dtype_kind,
    dtype_name,
    get_backend,
    is_array,
    library_name,
    library_of,
)
from xpnet.backend.host import on_host
from xpnet.backend.numbers import NUMBERS
from xpnet.errors import ArgumentError, DtypeError, LibraryError, ShapeError, XpnetError
from xpnet.layers.spec import Spec
from xpnet.typing import Namespace

SCALARS = NUMBERS
IMAGES = ("N", "C", "H", "W")


def is_number(option: Any) -> TypeGuard[float]:
    """Return whether an option is a real number of Python or NumPy; a bool is not."""
    return isinstance(option, Real) and not isinstance(option, bool)


def check_flags(who: str, **flags: Any) -> None:
    """Raise unless each option is True or False: a string such as ``"no"`` would count as True.

    Raises: ``DtypeError``.
    """
    for name, flag in flags.items():
        if not isinstance(flag, bool | np.bool_):
            raise DtypeError(who, f"{name} must be True or False", repr(flag), "choose one")


def in_order(spec: Spec, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """Return the inputs of a call in forward's order; each must be given once, and optional ones may be left out.

    Raises: ``ArgumentError``.
    """
    left_out = spec.inputs[len(args) :]
    if left_out and not named and left_out == spec.optional[-len(left_out) :]:
        return (*args, *[None] * len(left_out))
    brought = dict(zip(spec.inputs, args, strict=False)) | named
    inputs = dict.fromkeys(spec.optional) | brought
    if len(args) + len(named) != len(brought) or inputs.keys() != set(spec.inputs):
        given = ", ".join([f"{len(args)} values", *named])
        needed = [name for name in spec.inputs if name not in spec.optional]
        must = f"forward must be given {', '.join(needed)}"
        if spec.optional:
            must += f" and may be given {', '.join(spec.optional)}"
        raise ArgumentError(spec.who, must, given, "give one value for each name")
    return tuple(inputs[name] for name in spec.inputs)


def signature(arrays: Collection[Any]) -> list[Any] | None:
    """Return all that ``check_arrays`` looks at, in a form that is quick to compare, or None if there are no arrays."""
    found: list[Any] = []
    try:
        for array in arrays:
            found += (None,) if array is None else (type(array), array.shape, array.dtype, array.device)
    except AttributeError:
        return None
    return found


def check_arrays(
    spec: Spec,
    inputs: dict[str, Any],
    parameters: dict[str, Any],
    channels: int | None = None,
    x_shape: tuple[int, ...] | None = None,
) -> None:
    """Raise unless inputs and parameters share a library and a device, are floating where differentiated, and fit.

    ``channels`` is the number that images must have, and ``x_shape`` the shape of x before it was flattened.

    Raises: ``LibraryError``, ``DtypeError``, ``ShapeError``.
    """
    arrays = parameters | inputs
    arrays = {name: array for name, array in arrays.items() if array is not None or name not in spec.optional}
    if spec.takes_numbers:
        arrays = {name: array for name, array in arrays.items() if type(array) not in SCALARS}
    check_one_place(spec.who, arrays, [name for name in inputs if name not in spec.differentiable])
    sizes = {} if channels is None else {"C": channels}
    for name, array in arrays.items():
        if name in spec.differentiable or name not in inputs:
            check_floating(spec, name, array)
        if name in spec.shapes:
            _check_shape(spec, name, array.shape, sizes, x_shape)
    if spec.broadcasts:
        _check_broadcast(spec, arrays)


def check_one_place(who: str, arrays: dict[str, Any], whole: Collection[str] = ()) -> None:
    """Raise unless all are arrays of one library on one device; nothing is converted or moved silently.

    Integers under the names in ``whole``, such as labels, stay integers in the suggested remedy.

    Raises: ``DtypeError`` for anything but an array; ``LibraryError`` naming both libraries or devices.
    """
    first: tuple[str, Namespace, Any] | None = None
    for name, array in arrays.items():
        xp, device = _namespace(who, name, array, name in whole), device_of(array)
        if first is None:
            first = (name, xp, device)
        elif not _same_device(device, first[2]) or (xp is not first[1] and library_name(xp) != library_name(first[1])):
            _refuse_mixture(who, *first, remade(name, array, name in whole), name, xp, device)


def _same_device(one: Any, other: Any) -> bool:
    """Return whether two devices are the same; an array that a compiler such as jax.jit traces has no device yet."""
    return one is None or other is None or bool(one == other)


def _namespace(who: str, name: str, array: Any, whole: bool = False) -> Namespace:
    try:
        return array_namespace(array)
    except DtypeError:
        remedy = OTHER_ARRAYS.get(type(array).__name__, f"make one with {remade(name, array, whole)}")
        if array is None and name == "dout":
            remedy = "return dx from the backward of the layer behind it"
        raise DtypeError(who, f"{name} must be an array", type(array).__name__, remedy) from None


def remade(name: str, values: Any, whole: bool = False) -> str:
    """Return the call that makes an array of the current backend; with ``whole``, integers stay integers."""
    with suppress(XpnetError):
        if whole and (dtype_kind(values) if is_array(values) else dtype_kind(on_host(values))) == "integer":
            return f'xn.asarray({name}, dtype="int64")'
    return f"xn.asarray({name})"


def check_floating(spec: Spec, name: str, array: Any) -> None:
    """Raise DtypeError unless the array is real and floating, or complex if the layer takes that."""
    kind = dtype_kind(array)
    if kind != "real" and not (kind == "complex" and spec.holomorphic):
        raise DtypeError(
            spec.who,
            f"{name} must be floating",
            dtype_name(array.dtype),
            f"give its real part, xp.real({name})" if kind == "complex" else f"cast it with xn.asarray({name})",
        )


def explain_dtypes(who: str, given: dict[str, Any], parameters: dict[str, Any], error: Exception) -> None:
    """Raise DtypeError in place of a library's error where an input and a parameter have different floating dtypes.

    Some libraries do not promote in products; the others return the wider dtype, which is left to them.
    """
    if isinstance(error, XpnetError):
        return
    arrays = {name: array for name, array in (*given.items(), *parameters.items()) if is_array(array)}
    floating = {name: array for name, array in arrays.items() if dtype_kind(array) in ("real", "complex")}
    for name in given.keys() & floating.keys():
        for other, W in parameters.items():
            if other in floating and W.dtype != floating[name].dtype:
                must = f"{name} and {other} must be of one dtype"
                got = f"{dtype_name(floating[name].dtype)} and {dtype_name(W.dtype)}"
                remedy = f'cast it with xn.asarray({name}, dtype="{dtype_name(W.dtype)}")'
                raise DtypeError(who, must, got, remedy) from error


def _refuse_mixture(
    who: str, one: str, xp: Namespace, device: Any, call: str, other: str, xp2: Namespace, on: Any
) -> None:
    """Raise LibraryError, whose remedy is the ``call`` that remakes the other array if the current backend is right."""
    library, library2, current = library_of(xp), library_of(xp2), get_backend()
    must, got = "library", f"{library.name} and {library2.name}"
    remedy = f"convert {other} with {call}"
    if library.name == library2.name:
        must, got = "device", f"{library.device_name(device)} and {library.device_name(on)}"
        remedy = f"move {other} with {call}"
    if current.library is not library or not _same_device(device, current.device):
        place = repr(library.name)
        if not _same_device(device, library.default_device()):
            place += f", {library.device_name(device)!r}"
        remedy += f" after xn.set_backend({place})"
    raise LibraryError(who, f"{one} and {other} must be on one {must}", got, remedy)


def _check_broadcast(spec: Spec, arrays: dict[str, Any]) -> None:
    shapes = [tuple(array.shape) for array in arrays.values()]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        must = f"{' and '.join(arrays)} must broadcast"
        got = " and ".join(map(str, shapes))
        raise ShapeError(spec.who, must, got, "make their axes equal, or 1") from None


def _check_shape(
    spec: Spec, name: str, shape: tuple[int, ...], sizes: dict[str, int], x_shape: tuple[int, ...] | None
) -> None:
    letters = spec.shapes[name]
    gap = letters.index("...") if "..." in letters else len(letters)
    first, last = letters[:gap], letters[gap + 1 :]
    own = (*first, *last)
    fits = len(shape) == len(own) or (len(shape) > len(own) and gap < len(letters))
    if fits:
        for letter, size in zip(own, shape[:gap] + shape[len(shape) - len(last) :], strict=True):
            if sizes.setdefault(letter, size) != size:
                fits = False
                break
    if fits:
        return
    wanted = ", ".join("N" if letter == "N" else str(sizes.get(letter, letter)) for letter in letters)
    remedy = "give it that shape"
    if len(shape) == len(own) - 1 and letters[0] in ("N", "..."):
        remedy = f"add the batch axis with {name}[None, ...]"
        if letters == IMAGES:
            remedy = _missing_axis(name, shape, sizes.get("C"))
    elif letters[:2] == IMAGES[:2] and len(shape) == 4:
        fits_last = shape[3] == sizes.get("C")
        remedy = f"put the channels first, Transpose(0, 3, 1, 2)({name})" if fits_last else "give such images"
    elif spec.flattens and name == "x" and len(shape) == len(own):
        remedy = f"give each row {sizes.get(own[-1], own[-1])} values, over as many axes as you like"
        if x_shape is not None and len(x_shape) > len(own):
            remedy += f"; it was {tuple(x_shape)}, of which Linear would map the last axis"
    must = f"{name} must be ({wanted}{',' if len(letters) == 1 else ''})"
    raise ShapeError(spec.who, must, tuple(shape), remedy)


def _missing_axis(name: str, shape: tuple[int, ...], channels: int | None) -> str:
    """Return advice on the missing axis of images ``(N, H, W)`` or ``(C, H, W)``; with one channel, most likely C."""
    axis, batch = f"the axis of channels with {name}[:, None, ...]", f"the batch axis with {name}[None, ...]"
    if channels == 1 != shape[0]:
        return f"add {axis}"
    if channels is not None:
        return f"add {batch}"
    return f"add {axis}, or for one image {batch}"


def check_dout(spec: Spec, dout: Any, xp: Namespace, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
    """Return the upstream derivative as an array of the output's shape; a number fills that shape.

    Raises: ``ShapeError``, ``DtypeError``, ``LibraryError``.
    """
    if type(dout) in SCALARS:
        if spec.takes_a_number and shape == ():
            return float(dout)
        return xp.full(shape, float(dout), dtype=dtype, device=device)
    who = spec.who
    own = _namespace(who, "dout", dout)
    if own is xp and dout.dtype == dtype and dout.shape == shape and device_of(dout) == device:
        return dout
    if isinstance(dout, np.generic) and dtype_kind(dout) in ("real", "integer"):
        return xp.full(shape, float(dout), dtype=dtype, device=device)
    if not _same_device(device_of(dout), device) or (own is not xp and library_name(own) != library_name(xp)):
        _refuse_mixture(who, "y", xp, device, "xn.asarray(dout)", "dout", own, device_of(dout))
    check_floating(spec, "dout", dout)
    if dout.shape != shape:
        raise ShapeError(
            who, f"dout must be {tuple(shape)}, the shape of forward's output", tuple(dout.shape), "give it that shape"
        )
    return dout


def plain(dout: Any) -> Any:
    """Return a NumPy number as a Python number, which promotes no array; return anything else unchanged."""
    return dout.item() if isinstance(dout, np.generic) else dout


def flatten(x: Any) -> Any:
    """Return an input of more than two axes as rows, ``(N, ...) -> (N, D)``."""
    if getattr(x, "ndim", 0) <= 2:
        return x
    return array_namespace(x).reshape(x, (x.shape[0], prod(x.shape[1:])))


def unflatten(dx: Any, shape: tuple[int, ...] | None) -> Any:
    """Return ``dx`` in the shape that x had before ``flatten``; None stays None."""
    if dx is None or dx.shape == shape:
        return dx
    return array_namespace(dx).reshape(dx, shape)
