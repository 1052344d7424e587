"""What a Variable does by recording: operators, items and protocols, attached to the class in this one place.

Rules are built on recording and recording on the class, so the class itself cannot know them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

from xpnet.autodiff import foreign
from xpnet.autodiff.instead import remedy_for
from xpnet.autodiff.namespace import namespace_over
from xpnet.autodiff.operators import binary, constant_operator, constant_operators, unary
from xpnet.autodiff.record import apply, base, constant
from xpnet.autodiff.rules.indexing import GETITEM, SETITEM, set_item
from xpnet.autodiff.rules.keys import ASSIGN, READ, assign, read, read_key
from xpnet.autodiff.rules.shapes import TO_DEVICE, to_device
from xpnet.autodiff.table import RULES, VIEWS
from xpnet.autodiff.variable import Variable
from xpnet.backend import array_namespace, library_of
from xpnet.errors import LibraryError, MemberError, StateError
from xpnet.standard import Standard


def _array_namespace(self: Variable, *, api_version: str | None = None) -> Standard:  # noqa: ARG001 (the standard's)
    """Return the namespace of Variables over the library of the value."""
    space: Standard = namespace_over(array_namespace(base(self)))
    return space


def _getitem(self: Variable, key: Any, /) -> Any:
    """Return the items at the key."""
    key, advanced = read_key(key, self)
    return apply(READ, read, (self, key)) if advanced else apply(GETITEM, operator.getitem, (self, key))


def _setitem(self: Variable, key: Any, value: Any, /) -> None:
    """Give this Variable, and no other, the array with the item changed."""
    if self.node.rule in VIEWS:
        raise StateError(
            "Variable",
            "item assignment must be on an array that is nobody's view",
            f"the result of {self.node.name}",
            "assign with one key, x[0, 1] = v, or to a copy, xp.asarray(x, copy=True)",
        )
    key, advanced = read_key(key, self)
    mask = advanced and hasattr(key, "dtype") and "bool" in str(key.dtype)
    if advanced and not mask:
        changed = apply(ASSIGN, assign, (self, value, key))
    else:
        changed = apply(SETITEM, set_item, (self, value, key))
    self.value, self.node = changed.value, changed.node


def _to_device(self: Variable, device: Any, /, *, stream: Any = None) -> Any:  # noqa: ARG001 (the standard's)
    """Return the same values on another device; the gradient comes back from there."""
    return apply(TO_DEVICE, to_device, (self, device))


def _invert(self: Variable) -> Variable:
    return constant(operator.invert(base(self)))


def _array(*_: Any, **__: Any) -> NoReturn:
    raise LibraryError(
        "Variable",
        "its functions must come from its own namespace, which records them",
        "a conversion to a NumPy array",
        "use xp = array_namespace(x) and xp.exp(x); for the bare values stop_gradient(x).value",
    )


def _getattr(self: Variable, name: str) -> Any:
    """Raise: arrays of NumPy and torch have methods that the standard has not. CuPy's own functions call some."""
    if name.startswith("_"):  # some library asks whether there is a protocol
        raise AttributeError(name)
    if name in foreign.METHODS and library_of(xp := self.__array_namespace__()).asks_for_methods:
        return foreign.method(xp, self, name)
    remedy = remedy_for(name, RULES, "use a function of the standard")
    raise MemberError("Variable", "its attributes must be of the standard", name, remedy)


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
    "__array__": _array,
    "__array_ufunc__": None,  # NumPy leaves operators to us
    "__cupy_override_elementwise_kernel__": lambda _, kernel, *args, **named: foreign.elementwise(
        array_namespace(*args), kernel, args, named
    ),
    "__cupy_get_ndarray__": lambda _: foreign.refuse_conversion(),
    "__hash__": None,
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
for name, operate in CONSTANT.items():
    ATTACHED[f"__{name}__"], ATTACHED[f"__r{name}__"] = constant_operators(operate)
for name in ("lt", "le", "gt", "ge", "eq", "ne"):
    ATTACHED[f"__{name}__"] = constant_operator(getattr(operator, name))
for name, member in ATTACHED.items():
    setattr(Variable, name, member)
