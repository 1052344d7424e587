"""Layer: a node of the computational graph, and the named arrays it owns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, ClassVar, Self

from xpnet.autodiff import Variable, call_layer
from xpnet.backend import array_namespace, device_of
from xpnet.errors import ArgumentError, NameUnknownError, ShapeError, StateError
from xpnet.layers import checks
from xpnet.typing import Array

REMEMBERED = ("_accepted", "_named", "_x_shape", "_y_like")  # by the entry checks and the network, from call to call


class NamedArrays(MutableMapping[str, Array]):
    """The live parameters of a layer or network: name -> array.

    Writing to it writes into the layer, so ``params["W1"] -= lr * grads["W1"]`` trains on every library.

    Raises: ``NameUnknownError`` for a name that is not there; ``ShapeError`` for an array of another shape.
    """

    def __init__(self, places: Mapping[str, tuple[Layer, str]]) -> None:
        self.places = places

    def place(self, name: str) -> tuple[Layer, str]:
        try:
            return self.places[name]
        except KeyError:
            known = ", ".join(self.places) or "none"
            raise NameUnknownError("params", f"name must be one of {known}", repr(name), "choose one") from None

    def __getitem__(self, name: str) -> Array:
        layer, attribute = self.place(name)
        array: Array = getattr(layer, attribute)
        return array

    def __setitem__(self, name: str, value: Array) -> None:
        layer, attribute = self.place(name)
        shape = getattr(layer, attribute).shape
        if getattr(value, "shape", None) != shape:
            got = tuple(value.shape) if hasattr(value, "shape") else type(value).__name__
            raise ShapeError("params", f"{name} must be {tuple(shape)}", got, "assign an array of that shape")
        setattr(layer, attribute, value)

    def __delitem__(self, name: str) -> None:
        raise StateError("params", "names must stay", f"del of {name!r}", "build another network instead")

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __repr__(self) -> str:
        return f"params({', '.join(f'{name} {tuple(array.shape)}' for name, array in self.items())})"

    def gradients(self) -> dict[str, Array]:
        """Name -> gradient of the last ``backward``; ``StateError`` where there was none."""
        found = {}
        for name, (layer, attribute) in self.places.items():
            if not hasattr(layer, "d" + attribute):
                raise StateError(
                    type(layer).__name__, f"backward must set d{attribute}", "none", "call gradient(x, t) first"
                )
            found[name] = getattr(layer, "d" + attribute)
        return found


class Layer:
    """A node of the computational graph: ``y = forward(*inputs)``, ``dx = backward(dout)``.

    A subclass writes the two as its equations stand in the book; what ``backward`` needs, ``forward`` keeps
    on ``self``. Around them stand the checks that every layer shares (``layers/checks.py``): library,
    device, dtype and shape on entry, and the shape of ``dout`` on return.

    ``parameters`` names the trained arrays: the gradient of ``W`` is ``dW``.
    ``differentiable`` names the inputs whose gradients ``backward`` returns, in order (default: all).
    ``shapes`` declares axis sizes by letter, ``{"x": "N D", "W": "D M"}``; ``...`` stands for any leading axes.
    ``flattens`` lets ``x (N, ...)`` arrive as ``(N, D)``, and ``dx`` leave in the shape in which x came.
    ``holomorphic`` tells that ``forward`` is analytic, so that the complex step can check it.
    ``takes_numbers`` lets Python numbers in beside arrays.
    ``broadcasts`` tells that its inputs broadcast against each other.
    ``units`` names the axis of each parameter along which the outputs do not meet: output unit j depends on index j
    of it alone, so that the gradient check may try many values of one unit side by side.
    ``owner`` tells that it owns layers, and has no arrays of its own.
    """

    parameters: ClassVar[tuple[str, ...]] = ()
    differentiable: ClassVar[tuple[str, ...]] = ()
    shapes: ClassVar[dict[str, str]] = {}
    flattens: ClassVar[bool] = False
    holomorphic: ClassVar[bool] = False
    takes_numbers: ClassVar[bool] = False
    broadcasts: ClassVar[bool] = False
    units: ClassVar[dict[str, int]] = {}
    owner: ClassVar[bool] = False

    inputs: ClassVar[tuple[str, ...]] = ()
    layers: Mapping[str, Layer]
    training = True
    needs_dx = True
    _x_shape: tuple[int, ...] | None = None
    _accepted: list[Any]
    _y_like: tuple[Any, tuple[int, ...], Any, Any] | None

    forward: Callable[..., Any]
    backward: Callable[..., Any]

    def __init_subclass__(cls) -> None:
        if "forward" in cls.__dict__:
            cls.inputs = tuple(inspect.signature(cls.forward).parameters)[1:]
            if "differentiable" not in cls.__dict__:
                cls.differentiable = cls.inputs
            if not cls.owner:
                cls.forward = _entered(cls.forward)
        if "backward" in cls.__dict__ and not cls.owner:
            cls.backward = _returned(cls.backward)

    def __new__(cls, *_: Any, **__: Any) -> Self:
        layer = object.__new__(cls)
        layer._accepted = []  # shared with its shallow copies: what one of them accepted need not be checked again
        return layer

    def __init__(self, *arrays: Array) -> None:
        if len(arrays) != len(self.parameters):
            raise ArgumentError(
                type(self).__name__,
                f"it must be given {', '.join(self.parameters) or 'no arrays'}",
                f"{len(arrays)} arguments",
                "give one array for each name",
            )
        for name, array in zip(self.parameters, arrays, strict=True):
            setattr(self, name, array)
        checks.check_arrays(self, {})

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """``forward``; where a Variable is among inputs or parameters, recorded as one node of the graph."""
        if named:
            inputs = checks.in_order(self, inputs, named)
        for array in (*inputs, *map(self.__getattribute__, self.parameters)):
            if type(array) is Variable:
                return call_layer(self, inputs)
        return self.forward(*inputs)

    def predict(self, *inputs: Any) -> Any:
        """``forward`` for inference, on a shallow copy: nothing stays cached, no state moves."""
        return self.inferring().forward(*inputs)

    def inferring(self) -> Self:
        """A shallow copy for inference, whose caches die with it."""
        copy = self.copy()
        copy.training = False
        return copy

    def copy(self) -> Self:
        """A shallow copy: the same arrays, caches of its own."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    @contextmanager
    def using(self, params: Mapping[str, Any]) -> Iterator[None]:
        """Bind other arrays (Variables too) to names within a block: ``with net.using(params): net.loss(x, t)``."""
        live = self.params
        before = [(*live.place(name), live[name]) for name in params]
        try:
            live.update(params)
            yield
        finally:
            for layer, attribute, array in before:
                setattr(layer, attribute, array)

    def __getstate__(self) -> dict[str, Any]:
        """The arrays and settings; what the entry checks remember names modules, which cannot be pickled."""
        return {name: value for name, value in vars(self).items() if name not in REMEMBERED}

    def astype(self, dtype: Any) -> Self:
        """A layer of its own with the parameters in another dtype, ``layer.astype("float64")``."""
        copy = self.copy()
        for name in self.parameters:
            array = getattr(self, name)
            xp = array_namespace(array)
            setattr(copy, name, xp.astype(array, getattr(xp, dtype) if isinstance(dtype, str) else dtype, copy=True))
        return copy

    @property
    def params(self) -> NamedArrays:
        """The live parameters, name -> array."""
        return NamedArrays({name: (self, name) for name in self.parameters})

    @property
    def grads(self) -> dict[str, Array]:
        """The gradients of the last ``backward``, name -> array."""
        return self.params.gradients()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name} {tuple(a.shape)}' for name, a in self.params.items())})"


def leaves(layer: Layer, path: str = "") -> dict[str, Layer]:
    """The layers inside a layer that own no layers, in the order of computation, by their paths."""
    if not layer.owner:
        return {path: layer}
    found: dict[str, Layer] = {}
    for name, inner in layer.layers.items():
        found |= leaves(inner, f"{path}.{name}" if path else name)
    return found


def _entered(forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` behind the entry checks; it remembers what kind of array came out."""

    @wraps(forward)
    def entered(self: Layer, *args: Any, **named: Any) -> Any:
        inputs = args
        if named or len(args) != len(self.inputs):
            inputs = checks.in_order(self, args, named)
        if self.flattens:
            self._x_shape = getattr(inputs[0], "shape", None)
            inputs = (checks.flatten(inputs[0]), *inputs[1:])
        signature = checks.signature(self, inputs)
        if signature is None or signature != self._accepted:
            checks.check_arrays(self, dict(zip(self.inputs, inputs, strict=True)))
            self._accepted[:] = signature or ()
        y = forward(self, *inputs)
        self._y_like = None if type(y) in checks.SCALARS else (array_namespace(y), y.shape, y.dtype, device_of(y))
        return y

    return entered


def _returned(backward: Callable[..., Any]) -> Callable[..., Any]:
    """``backward`` behind the check of ``dout``."""

    @wraps(backward)
    def returned(self: Layer, dout: Any = 1.0) -> Any:
        if "_y_like" not in self.__dict__:
            raise StateError(
                type(self).__name__, "forward must run before backward", "no forward", "call forward first"
            )
        if self._y_like is not None:
            dout = checks.check_dout(self, dout, *self._y_like)
        dx = backward(self, dout)
        if self.flattens and dx is not None and dx.shape != self._x_shape:
            dx = array_namespace(dx).reshape(dx, self._x_shape)
        return dx

    return returned
