"""The arrays of a layer or network by name, and the lasting state that is not trained."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, MutableMapping
from numbers import Integral
from typing import Any, ClassVar

from xpnet import capturing
from xpnet.autodiff.record import base
from xpnet.backend import array_namespace, device_of, dtype_kind, dtype_name, is_array, library_of
from xpnet.errors import DtypeError, LibraryError, NameUnknownError, ShapeError, StateError
from xpnet.typing import Array


class NamedArrays(MutableMapping[str, Array]):
    """The live parameters of a layer or network: name -> array.

    Writing to it writes into the layer, so ``params["W1"] -= lr * grads["W1"]`` trains on every library.

    Raises: ``NameUnknownError`` for a name that is not there; ``ShapeError`` for an array of another shape;
    ``DtypeError`` for one of integers or truth values; ``LibraryError`` for one of another library or device.
    """

    who: ClassVar[str] = "params"

    def __init__(self, places: Mapping[str, tuple[Any, str]]) -> None:
        self.places = places

    def place(self, name: str) -> tuple[Any, str]:
        try:
            return self.places[name]
        except KeyError:
            known = ", ".join(self.places) or "none"
            raise NameUnknownError(self.who, f"name must be one of {known}", repr(name), "choose one") from None

    @property
    def frozen(self) -> set[str]:
        """The names of the arrays in frozen layers, which nothing trains."""
        return {name for name, (layer, _) in self.places.items() if layer.frozen}

    def register(self, capture: capturing.Capture, name: str) -> None:
        """Register the array of a name with a capture, as one that lasts from step to step."""
        layer, attribute = self.place(name)
        capture.lasts(layer.home_of(attribute), attribute)

    def __getitem__(self, name: str) -> Array:
        layer, attribute = self.place(name)
        array: Array = getattr(layer, attribute)
        return array

    def __setitem__(self, name: str, value: Array) -> None:
        before = self[name]
        if is_array(value) and (type(value) is not type(before) or device_of(value) != device_of(before)):
            _check_place(self.who, name, before, value)
        self.bind(name, value)

    def bind(self, name: str, value: Array) -> None:
        """Assign an array, which may be of another library if all the others move with it."""
        layer, attribute = self.place(name)
        before = getattr(layer, attribute)
        if getattr(value, "shape", None) != before.shape:
            got = tuple(value.shape) if hasattr(value, "shape") else type(value).__name__
            raise ShapeError(self.who, f"{name} must be {tuple(before.shape)}", got, "assign an array of that shape")
        if type(value) is not type(before):
            array_namespace(value)  # raises for anything but an array
        if value.dtype is not before.dtype and dtype_kind(value) not in ("real", "complex"):
            remedy = f"cast it with xn.asarray({name})"
            raise DtypeError(self.who, f"{name} must be floating", dtype_name(value.dtype), remedy)
        if capturing.current is not None:
            self.register(capturing.current, name)
        setattr(layer, attribute, value)

    def __delitem__(self, name: str) -> None:
        raise StateError(self.who, "names must stay", f"del of {name!r}", "build another network instead")

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def items(self) -> Pairs:
        return Pairs(self)

    def pairs(self) -> list[tuple[str, Array]]:
        """Return names and arrays as a list of pairs."""
        return [(name, getattr(layer, attribute)) for name, (layer, attribute) in self.places.items()]

    def __len__(self) -> int:
        return len(self.places)

    def __repr__(self) -> str:
        return f"params({', '.join(f'{name} {tuple(array.shape)}' for name, array in self.items())})"

    def gradients(self) -> dict[str, Array]:
        """Return the gradients of the last ``backward`` by name, without those of frozen layers.

        Raises: ``StateError`` before the first one; the result raises ``NameUnknownError`` for a frozen name.
        """
        places = self.places.items()
        try:
            found = {name: getattr(layer, "d" + attribute) for name, (layer, attribute) in places if not layer.frozen}
            return found if len(found) == len(places) else OfTrained(found)
        except AttributeError as error:
            who, missing = type(error.obj).__name__, error.name
            raise StateError(who, f"backward must set {missing}", "none", "call gradient(x, t) first") from None


class OfTrained(dict[str, Array]):
    """The gradients of a network with frozen layers, which have none."""

    def __missing__(self, name: str) -> Array:
        must, remedy = "a gradient must be that of a trained array", "leave it out, or freeze(False) its layer"
        raise NameUnknownError("gradient", f"{must}, {', '.join(self)}", repr(name), remedy)


def _check_place(who: str, name: str, before: Any, value: Any) -> None:
    """Raise LibraryError if an array would be of another library or on another device than before."""
    old, new = library_of(array_namespace(before)), library_of(array_namespace(value))
    if old.name != new.name:
        what, names = "library", (old.name, new.name)
        remedy = f'to move all of it write .to("{new.name}")'
    else:
        places = device_of(before), device_of(value)
        if None in places or places[0] == places[1]:  # an array that a compiler traces has no device
            return
        what, names = "device", (old.device_name(places[0]), old.device_name(places[1]))
        remedy = f'to move all of it write .to(device="{names[1]}")'
    raise LibraryError(who, f"{name} must stay on its {what}, {names[0]}", names[1], f"convert it; {remedy}")


class Pairs(ItemsView[str, Array]):
    """A view of names and arrays that does not look up each name."""

    _mapping: NamedArrays

    def __iter__(self) -> Iterator[tuple[str, Array]]:
        return iter(self._mapping.pairs())


class NamedStates(NamedArrays):
    """The live state of a layer or network that lasts but is not trained: name -> array, number or None.

    Raises: ``NameUnknownError`` for a name that is not there; ``ShapeError`` for an array of another shape;
    ``DtypeError`` for a value of another kind than the present one.
    """

    who = "states"

    def __getitem__(self, name: str) -> Any:
        layer, attribute = self.place(name)
        return getattr(layer, attribute)

    def __setitem__(self, name: str, value: Any) -> None:
        layer, attribute = self.place(name)
        before = getattr(layer, attribute)
        if is_array(before) and value is not None:
            super().__setitem__(name, value)
            return
        if type(before) is int:
            if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 0:
                raise DtypeError(self.who, f"{name} must be a whole number from 0", repr(value), "give an int")
            value = int(value)
        setattr(layer, attribute, value)

    def go_back(self, before: Mapping[str, Any]) -> Callable[[], None]:
        """Restore earlier values, and return a function that sets the present ones again."""
        after = {name: value for name, value in self.items() if value is not before[name]}
        moves = [(*self.place(name), before[name], value) for name, value in after.items()]
        for layer, attribute, earlier, _ in moves:
            setattr(layer, attribute, earlier)

        def move_on() -> None:
            for layer, attribute, earlier, later in moves:
                if getattr(layer, attribute) is earlier:  # else another step has moved it
                    setattr(layer, attribute, later)

        return move_on

    def __repr__(self) -> str:
        return f"states({', '.join(self)})"


class State:
    """An attribute in the dict of state that a layer shares with its shallow copies; None until it is set.

    Values written to it are stripped of Variables: a graph must not extend from one step into the next.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, layer: Any, kind: type) -> Any:
        return self if layer is None else layer.lasting_state.get(self.name)

    def __set__(self, layer: Any, value: Any) -> None:
        if capturing.current is not None:
            capturing.current.lasts(layer.lasting_state, self.name)
        layer.lasting_state[self.name] = base(value)
