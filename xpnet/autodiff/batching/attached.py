"""The operators, items and protocols of a batch, which apply batching rules, attached to the class in one place."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from xpnet.autodiff import foreign
from xpnet.autodiff.attached import BINARY, CONSTANT, Ufuncs
from xpnet.autodiff.batching.apply import is_shared
from xpnet.autodiff.batching.batch import Batch
from xpnet.autodiff.instead import remedy_for
from xpnet.autodiff.methods import METHODS
from xpnet.autodiff.namespace import namespace_over
from xpnet.autodiff.record import NUMBERS, apply, apply_value, is_operand
from xpnet.autodiff.rules.indexing import GETITEM, SETITEM, SETMASK, set_item
from xpnet.autodiff.rules.keys import ASSIGN, assign, is_mask, read_key, taken
from xpnet.autodiff.rules.shapes import TO_DEVICE, to_device
from xpnet.autodiff.table import RULES, VALUES, Rule
from xpnet.backend import array_namespace
from xpnet.errors import MemberError, StateError
from xpnet.standard import Standard


def _array_namespace(self: Batch, *, api_version: str | None = None) -> Standard:  # noqa: ARG001 (the standard's)
    """Return the namespace of Variables over the library of the value; its functions also take batches."""
    space: Standard = namespace_over(array_namespace(self.value))
    return space


def _getitem(self: Batch, key: Any, /) -> Any:
    """Return the items of each row at the key."""
    key, advanced = read_key(key, self)
    return taken(self, key) if advanced else apply(GETITEM, operator.getitem, (self, key))


def _setitem(self: Batch, key: Any, value: Any, /) -> None:
    """Replace this batch by one whose rows have the item changed.

    Raises: ``StateError`` if another array shares its memory.
    """
    key, advanced = read_key(key, self)
    _refuse_shared(self)
    rule, function = (SETMASK, set_item) if is_mask(key) else (ASSIGN, assign) if advanced else (SETITEM, set_item)
    changed = apply(rule, function, (self, value, key))
    if type(changed) is not Batch or changed.level is not self.level:
        must, remedy = "a value assigned to a batch must belong to its vmap", "make it with xp.where or xp.concat"
        raise StateError("vmap", must, "a value of an inner transform", remedy)
    self.value = changed.value


def _refuse_shared(self: Batch) -> None:
    if is_shared(self):
        must = "items can be assigned only if no other array shares the memory"
        raise StateError("vmap", must, "a view, or an array with views", "assign to xp.asarray(x, copy=True)")


def _binary(
    rule: Rule, operate: Callable[[Any, Any], Any], call: Callable[..., Any]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def method(self: Batch, other: Any, /) -> Any:
        if type(other) not in NUMBERS and not is_operand(other):
            return NotImplemented
        return call(rule, operate, (self, other))

    def reflected(self: Batch, other: Any, /) -> Any:
        if type(other) not in NUMBERS and not is_operand(other):
            return NotImplemented
        return call(rule, operate, (other, self))

    return method, reflected


def _augmented(operate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def method(self: Batch, other: Any, /) -> Any:
        _refuse_shared(self)
        return operate(self, other)

    return method


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:  # noqa: ARG001 (NumPy's)
    """Return the result of one of NumPy's ufuncs; ``array * batch`` arrives here too."""
    if not named and method == "__call__" and ufunc in OPERATORS:
        rule, operate = OPERATORS[ufunc]
        return apply(rule, operate, inputs)
    return foreign.array_ufunc(ufunc, method, inputs, named)


def _getattr(_: Batch, name: str) -> Any:
    """Raise ``MemberError``: a batch has only the attributes of the standard, not all those of NumPy and torch."""
    if name.startswith("_") or name in ("origin", "views"):  # some library asks whether there is a protocol
        raise AttributeError(name)
    must, remedy = "attributes of an array must be of the standard", remedy_for(name, RULES, "use a function of it")
    raise MemberError("vmap", must, name, remedy)


class BatchUfuncs(Ufuncs):
    """``__array_ufunc__``, which is a function on the class and None on an instance, as for Variables."""

    def __get__(self, x: Any, _: Any) -> Any:
        return None if x is not None else _array_ufunc


OPERATORS: dict[Any, tuple[Rule, Callable[[Any, Any], Any]]] = {}

ATTACHED: dict[str, Any] = {
    **{name: method for name, method in METHODS.items() if name not in ("item", "tolist", "flat", "nbytes")},
    "__array_namespace__": _array_namespace,
    "to_device": lambda self, device, /, *, stream=None: apply(TO_DEVICE, to_device, (self, device)),  # noqa: ARG005
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "__getattr__": _getattr,
    "__array_ufunc__": BatchUfuncs(),
    "__array_function__": lambda _, function, __, args, named: foreign.array_function(function, args, named),
    "__cupy_override_elementwise_kernel__": lambda _, kernel, *args, **named: foreign.elementwise(
        array_namespace(*args), kernel, args, named
    ),
    "__neg__": lambda self: apply(RULES["negative"], operator.neg, (self,)),
    "__pos__": lambda self: apply(RULES["positive"], operator.pos, (self,)),
    "__abs__": lambda self: apply(RULES["abs"], operator.abs, (self,)),
    "__invert__": lambda self: apply_value(VALUES["bitwise_invert"], operator.invert, (self,)),
}

for name, (rule, operate) in BINARY.items():
    ATTACHED[f"__{name}__"], ATTACHED[f"__r{name}__"] = _binary(RULES[rule], operate, apply)
    ATTACHED[f"__i{name}__"] = _augmented(operate)
    OPERATORS[getattr(np, rule)] = RULES[rule], operate
for name, operate in CONSTANT.items():
    ATTACHED[f"__{name}__"], ATTACHED[f"__r{name}__"] = _binary(VALUES["floor_divide"], operate, apply_value)
    ATTACHED[f"__i{name}__"] = _augmented(operate)
for name in ("lt", "le", "gt", "ge", "eq", "ne"):
    ATTACHED[f"__{name}__"], _ = _binary(VALUES["less"], getattr(operator, name), apply_value)
for name, member in ATTACHED.items():
    setattr(Batch, name, member)
