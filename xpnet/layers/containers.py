"""Layers made of layers: one after another, beside a shortcut, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar

from xpnet.backend import array_namespace
from xpnet.errors import ArgumentError, DtypeError, ShapeError, XpnetError
from xpnet.layers.base import Layer, leaves
from xpnet.layers.checks import plain
from xpnet.layers.container import Container
from xpnet.layers.loss import Loss
from xpnet.layers.shape import whole_numbers
from xpnet.typing import Array

Branch = Layer | Sequence[Layer]


class Chain(Container):
    """Layers one after another, ``y = layerₙ(… layer₁(x))``.

    Layers are named after their class, ``Affine1``, ``Relu1``, ``Affine2`` …, or by a mapping of names to layers. A
    ``mask``, which may be left out, goes to every layer that takes one, such as those over padded sequences.

    Backward: ``dx = dout ∂layerₙ … ∂layer₁``, from the last layer to the first.
    Raises: ``DtypeError`` for anything but a layer; ``ArgumentError`` for no layers, a loss among them, one object in
    two places and one array under two names.
    """

    differentiable: ClassVar[tuple[str, ...]] = ("x",)
    runs_by_plan = True

    def __init__(self, *layers: Layer | Mapping[str, Layer]) -> None:
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            named: Mapping[str, Any] = layers[0]
        else:
            named = named_after_class(layers)
        self.layers = self._own(named)

    def _own(self, layers: Mapping[str, Any]) -> Mapping[str, Layer]:
        return checked_layers(type(self).__name__, layers)

    def rows_of_names(self) -> list[list[str]]:
        return [list(self.layers)]

    def _row(self) -> list[Layer]:
        noted: tuple[Any, list[Layer]] | None = getattr(self, "_rows", None)
        if noted is None or noted[0] is not self.layers:
            noted = self._rows = (self.layers, [self.layers[name] for name in self.rows_of_names()[0]])
        return noted[1]

    def _first_trained(self) -> int:
        """Return the index of the first layer that is trained: without dx, a backward may end there."""
        row = self._row()
        return next((at for at, layer in enumerate(row) if layer.trains), len(row))

    def first_for_dx(self) -> list[Layer]:
        return self._row()[: self._first_trained() + 1]

    def forward(self, x: Any, mask: Any = None) -> Any:
        layer: Any
        try:
            for layer in self._row():
                x = layer(x) if mask is None or "mask" not in layer.inputs else layer(x, mask)
        except XpnetError as error:
            self._name(error, layer)
            raise
        return x

    def _name(self, error: XpnetError, at: Any) -> None:
        """Name in an error the layer that raised it, by its name in the chain."""
        for name, layer in self.layers.items():
            if layer is at:
                inside = getattr(at, "layers", None)
                row = inside if isinstance(inside, tuple) else (at,)
                for one, own in zip(row, name.split("+"), strict=True):
                    if type(one).__name__ == error.who:
                        error.set_who(own)

    def backward(self, dout: Any = 1.0) -> Any:
        row = self._row()
        for layer in reversed(row if self.needs_dx else row[self._first_trained() :]):
            dout = layer.backward(dout)
        return dout


class Residual(Chain):
    """Layers and a way around them, ``y = f(x) + x`` with ``f = layerₙ(… layer₁(x))``.

    Where f changes the shape, ``shortcut`` is a layer, or several, that brings x to it: ``y = f(x) + shortcut(x)``.

    Backward: ``dx = dout ∂f + dout``, or ``dout ∂f + dout ∂shortcut``.
    Raises: ``ShapeError`` where the two do not have one shape.
    Source: He et al., 2016, "Deep residual learning for image recognition", section 3.

    >>> around = Residual(Affine(np.array([[0.0, 1.0], [1.0, 0.0]])))
    >>> around.forward(np.array([[1.0, 5.0]]))
    array([[6., 6.]])
    >>> around.backward(np.array([[1.0, 0.0]]))
    array([[1., 1.]])
    """

    differentiable = ("x",)
    runs_by_plan = True

    def __init__(self, *layers: Layer | Mapping[str, Layer], shortcut: Branch | None = None) -> None:
        super().__init__(*layers)
        if "shortcut" in self.layers:
            must, got = "the name shortcut must be that of the way around", "a layer of f with it"
            raise ArgumentError(type(self).__name__, must, got, "give it as shortcut=…, or another name")
        if shortcut is not None:
            self.layers = self._own({**self.layers, "shortcut": as_branch(shortcut)})

    def rows_of_names(self) -> list[list[str]]:
        return [[name for name in self.layers if name != "shortcut"]]

    def first_for_dx(self) -> list[Layer]:
        shortcut = self.layers.get("shortcut")
        return [*super().first_for_dx(), *([] if shortcut is None else [shortcut])]

    def forward(self, x: Any, mask: Any = None) -> Any:
        shortcut = self.layers.get("shortcut")
        y, around = super().forward(x, mask), x if shortcut is None else shortcut(x)
        if y.shape != around.shape:
            who, got = type(self).__name__, f"{tuple(y.shape)} for {tuple(around.shape)}"
            raise ShapeError(
                who, "f(x) must have the shape of its shortcut", got, "give shortcut=, a layer that maps x to it"
            )
        return y + around

    def backward(self, dout: Any = 1.0) -> Any:
        shortcut = self.layers.get("shortcut")
        dx, around = super().backward(dout), plain(dout)
        if shortcut is not None and (self.needs_dx or shortcut.trains):
            around = shortcut.backward(dout)
        return dx + around if self.needs_dx else None


class Concat(Container):
    """Branches side by side, ``y = concat(branch₁(x), … branchₙ(x))`` along an axis.

    A branch is a layer, or a list of layers one after another. A ``mask``, which may be left out, goes to every branch
    that takes one.

    Shapes: ``y`` as what the branches give, but along ``axis``, where their sizes add up.
    Backward: ``dx = Σ doutᵢ ∂branchᵢ`` with ``doutᵢ`` the part of dout that came from branch i.
    Raises: ``ShapeError`` where the branches differ along another axis, or do not have it; ``DtypeError`` for an axis
    that is not an integer.
    Source: Szegedy et al., 2015, "Going deeper with convolutions", section 4.

    >>> both = Concat(Relu(), [LeakyRelu(0.1), Tanh()])
    >>> both.forward(np.array([[-1.0, 2.0]]))
    array([[ 0.    ,  2.    , -0.0997,  0.964 ]])
    """

    differentiable = ("x",)
    runs_by_plan = True

    def __init__(self, *branches: Branch, axis: int = 1) -> None:
        if not whole_numbers([axis]):
            raise DtypeError(type(self).__name__, "axis must be an integer", repr(axis), "for channels write axis=1")
        named = named_after_class(map(as_branch, branches))
        self.layers = checked_layers(
            type(self).__name__, {**named, "join": Join(len(branches), int(axis))} if named else named
        )

    def _branches(self) -> list[Layer]:
        return list(self.layers.values())[:-1]

    def first_for_dx(self) -> list[Layer]:
        return self._branches()

    def forward(self, x: Any, mask: Any = None) -> Any:
        branches = self._branches()
        if mask is None:
            return self.layers["join"](*[branch(x) for branch in branches])
        return self.layers["join"](*[branch(x, mask) if "mask" in branch.inputs else branch(x) for branch in branches])

    def backward(self, dout: Any = 1.0) -> Any:
        pairs = zip(self._branches(), self.layers["join"].backward(dout), strict=True)
        gradients = [branch.backward(part) for branch, part in pairs if self.needs_dx or branch.trains]
        return sum(gradients[1:], start=gradients[0]) if self.needs_dx else None


class Join(Layer):
    """Arrays concatenated along an axis, ``y = concat(x1, … xn)``.

    Backward: ``dxi`` is the part of dout that came from xi.
    """

    holomorphic = True

    def __init__(self, count: int, axis: int) -> None:
        super().__init__()
        names = tuple(f"x{i}" for i in range(1, count + 1))
        vars(self).update(
            inputs=names, differentiable=names, spec=replace(self.spec, inputs=names, differentiable=names)
        )
        self.count, self.axis = count, axis

    def forward(self, *x: Array) -> Array:
        if not -x[0].ndim <= self.axis < x[0].ndim:
            got = f"{tuple(x[0].shape)} of branch 1"
            raise ShapeError("Concat", f"its branches' outputs must have axis {self.axis}", got, "choose another axis")
        axis = self.axis % x[0].ndim
        for i, other in enumerate(x, 1):
            wanted = (*x[0].shape[:axis], *other.shape[axis : axis + 1], *x[0].shape[axis + 1 :])
            if other.shape != wanted or axis >= other.ndim:
                must = f"the output of branch {i} must fit that of branch 1 except along axis {self.axis}"
                got = f"{tuple(other.shape)} for {tuple(x[0].shape)}"
                raise ShapeError("Concat", must, got, "make their other axes equal, or choose another axis")
        self.before, self.sizes = (slice(None),) * axis, [part.shape[axis] for part in x]
        y: Array = array_namespace(*x).concat(x, axis=axis)
        return y

    def backward(self, dout: Array) -> tuple[Array, ...]:
        ends = [sum(self.sizes[: i + 1]) for i in range(len(self.sizes))]
        return tuple(
            dout[(*self.before, slice(end - size, end), ...)] for size, end in zip(self.sizes, ends, strict=True)
        )


def as_branch(layers: Branch) -> Layer:
    """Return a layer unchanged, and several layers as a Chain."""
    return Chain(*layers) if isinstance(layers, list | tuple) else layers  # type: ignore[return-value]


def in_a_row(layer: Layer, path: str = "") -> dict[str, Layer]:
    """Return the layers that run one after another, by path: chains are opened, other containers stay whole."""
    if type(layer).forward is not Chain.forward:
        return {path: layer}
    found: dict[str, Layer] = {}
    for name, inner in layer.layers.items():
        found |= in_a_row(inner, f"{path}.{name}" if path else name)
    return found


def named_after_class(layers: Iterable[object]) -> dict[str, Any]:
    """Return the layers named by class and number in order, ``Affine1``, ``Relu1``, ``Affine2``."""
    counts: dict[str, int] = {}
    named = {}
    for layer in layers:
        kind = type(layer).__name__
        counts[kind] = counts.get(kind, 0) + 1
        named[f"{kind}{counts[kind]}"] = layer
    return named


def checked_layers(who: str, named: Mapping[str, Any]) -> Mapping[str, Layer]:
    """Return the layers of a container by name, after a check that they are distinct layers with distinct arrays.

    Raises: ``DtypeError``, ``ArgumentError``.
    """
    if not named:
        raise ArgumentError(who, "it must have at least one layer", "none", "give it layers")
    for name, layer in named.items():
        if not isinstance(name, str):
            raise DtypeError(who, "a layer's name must be a string", repr(name), 'name it, such as "hidden"')
        if not isinstance(layer, Layer):
            remedy = f"unpack it, {who}(*layers)" if isinstance(layer, list | tuple) else "give an instance of Layer"
            if isinstance(layer, type) and issubclass(layer, Layer):
                remedy = f"make one, {layer.__name__}{'.create(…)' if hasattr(layer, 'create') else '()'}"
            raise DtypeError(who, f"{name} must be a layer", type(layer).__name__, remedy)
        for method in ("forward", "backward"):
            if not hasattr(layer, method):
                remedy = "write it; that of a Container comes from the tape" if method == "backward" else "write it"
                raise DtypeError(who, f"{name} must have a {method}", type(layer).__name__, remedy)
        if isinstance(layer, Loss):
            raise ArgumentError(who, "a loss must be given as loss=…", f"{name} among the layers", "move it there")
        if (loss := getattr(layer, "last_layer", None)) is not None:
            got = f"{name} with {type(loss).__name__}"
            raise ArgumentError(who, "a network inside another must have no loss", got, "leave it to the outermost")
        if "." in name:
            raise ArgumentError(who, "a layer's name must have no dot", repr(name), "leave it out")
    _refuse_sharing(who, named)
    return MappingProxyType(dict(named))


def _refuse_sharing(who: str, named: Mapping[str, Layer]) -> None:
    places: dict[int, str] = {}
    for path, leaf in (pair for name, layer in named.items() for pair in leaves(layer, name).items()):
        if id(leaf) in places:
            got = f"one {type(leaf).__name__} as {places[id(leaf)]} and {path}"
            remedy = "make a second layer; to share weights, call one layer twice in a forward of your own"
            raise ArgumentError(who, "each layer must be another object", got, remedy)
        places[id(leaf)] = path
    owners: dict[int, str] = {}
    for path, array in ((f"{name}.{key}", a) for name, layer in named.items() for key, a in layer.params.items()):
        if id(array) in owners:
            got = f"one array as {owners[id(array)]} and {path}"
            remedy = "copy it; to share weights, use one layer object in two places of a graph"
            raise ArgumentError(who, "each parameter must be an array of its own", got, remedy)
        owners[id(array)] = path
