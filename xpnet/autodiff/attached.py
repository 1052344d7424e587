"""The operators, items and protocols of a Variable, which record what they do, attached to the class in one place.

Rules are built on recording and recording on the class, so the class itself cannot know them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.autodiff import foreign
from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.conversions import to_cupy_array, to_numpy_array
from xpnet.autodiff.foreign import called
from xpnet.autodiff.instead import remedy_for
from xpnet.autodiff.methods import METHODS
from xpnet.autodiff.namespace import namespace_over
from xpnet.autodiff.operators import binary, constant_operator, constant_operators, unary
from xpnet.autodiff.record import apply, base, constant
from xpnet.autodiff.rules.indexing import GETITEM, SETITEM, SETMASK, set_item
from xpnet.autodiff.rules.keys import ASSIGN, READ, assign, has_batch, is_mask, read, read_key, taken
from xpnet.autodiff.rules.shapes import TO_DEVICE, to_device
from xpnet.autodiff.table import RULES
from xpnet.autodiff.variable import Variable
from xpnet.autodiff.views import change, is_shared, link
from xpnet.backend import array_namespace
from xpnet.errors import MemberError, ShapeError
from xpnet.standard import Standard


def _array_namespace(self: Variable, *, api_version: str | None = None) -> Standard:  # noqa: ARG001 (the standard's)
    """Return the namespace of Variables over the library of the value."""
    space: Standard = namespace_over(array_namespace(base(self)))
    return space


def _getitem(self: Variable, key: Any, /) -> Any:
    """Return the items at the key, recorded."""
    key, advanced = read_key(key, self)
    if advanced:
        return taken(self, key) if has_batch(key) else apply(READ, read, (self, key))
    y = apply(GETITEM, operator.getitem, (self, key))
    if type(y) is Variable and y.node.rule is GETITEM:
        link(y, self, GETITEM, (key,), None)
    return y


def _setitem(self: Variable, key: Any, value: Any, /) -> None:
    """Replace the array of this Variable, and of those that share its memory, by one with the item changed."""
    key, advanced = read_key(key, self)
    rule, function = (SETMASK, set_item) if is_mask(key) else (ASSIGN, assign) if advanced else (SETITEM, set_item)
    changed = apply(rule, function, (self, value, key))
    change(self, constant(changed) if type(changed) is Batch else changed)


def _augmented(operate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Return the method for ``x += y``: it rebinds the name x, unless other Variables share the memory of x."""

    def method(self: Variable, other: Any, /) -> Any:
        y = operate(self, other)
        if y is NotImplemented or not is_shared(self):
            return y
        if y.shape != self.shape:
            must, remedy = f"an assigned value must keep the shape {self.shape}", "write x = x + y"
            raise ShapeError("Variable", must, y.shape, remedy)
        change(self, called(self.__array_namespace__(), "astype", (y, self.dtype), {}))
        return self

    return method


def _to_device(self: Variable, device: Any, /, *, stream: Any = None) -> Any:  # noqa: ARG001 (the standard's)
    """Return the same values on another device; the gradient is moved back."""
    return apply(TO_DEVICE, to_device, (self, device))


def _invert(self: Variable) -> Variable:
    return constant(operator.invert(base(self)))


def _getattr(_: Variable, name: str) -> Any:
    """Raise ``MemberError``: a Variable has only the attributes of the standard, not all those of NumPy and torch."""
    if name.startswith("_") or name in ("origin", "views"):  # some library asks whether there is a protocol
        raise AttributeError(name)
    remedy = remedy_for(name, RULES, "use a function of the standard")
    raise MemberError("Variable", "its attributes must be of the standard", name, remedy)


class Ufuncs:
    """``__array_ufunc__``: NumPy looks it up on the class, and its functions are then recorded.

    CuPy looks it up on the instance, finds None, and leaves operators to the reflected method of the Variable.
    """

    def __get__(self, x: Any, _: Any) -> Any:
        return None if x is not None else array_ufunc


def array_ufunc(_: Any, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
    """Return the result of a NumPy ufunc; ``array * x`` also arrives here and goes to the reflected operator."""
    if not named and method == "__call__" and ufunc in REFLECTED:
        first, second = inputs
        if type(second) is Variable is not type(first):
            return REFLECTED[ufunc](second, first)
    return foreign.array_ufunc(ufunc, method, inputs, named)


REFLECTED: dict[Any, Callable[..., Any]] = {}


ATTACHED: dict[str, Any] = {
    "__array_namespace__": _array_namespace,
    "to_device": _to_device,
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "__getattr__": _getattr,
    "__neg__": unary("negative", operator.neg),
    "__pos__": unary("positive", operator.pos),
    "__abs__": unary("abs", operator.abs),
    "__invert__": _invert,
    "__array__": to_numpy_array,
    "__array_ufunc__": Ufuncs(),
    "__array_function__": lambda _, function, __, args, named: foreign.array_function(function, args, named),
    "__cupy_override_elementwise_kernel__": lambda _, kernel, *args, **named: foreign.elementwise(
        array_namespace(*args), kernel, args, named
    ),
    "__cupy_get_ndarray__": to_cupy_array,
    "__hash__": None,
    **METHODS,
}

BINARY: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "add": ("add", operator.add),
    "sub": ("subtract", operator.sub),
    "mul": ("multiply", operator.mul),
    "truediv": ("divide", operator.truediv),
    "mod": ("remainder", operator.mod),
    "pow": ("pow", operator.pow),
    "matmul": ("matmul", operator.matmul),
}
CONSTANT = {
    "floordiv": operator.floordiv,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "lshift": operator.lshift,
    "rshift": operator.rshift,
}

for name, (rule, operate) in BINARY.items():
    ATTACHED[f"__{name}__"], ATTACHED[f"__r{name}__"] = binary(rule, operate)
    ATTACHED[f"__i{name}__"] = _augmented(operate)
    REFLECTED[getattr(np, rule)] = ATTACHED[f"__r{name}__"]
for name, operate in CONSTANT.items():
    ATTACHED[f"__{name}__"], ATTACHED[f"__r{name}__"] = constant_operators(operate)
    ATTACHED[f"__i{name}__"] = _augmented(operate)
for name in ("lt", "le", "gt", "ge", "eq", "ne"):
    ATTACHED[f"__{name}__"] = constant_operator(getattr(operator, name))
for name, member in ATTACHED.items():
    setattr(Variable, name, member)
