"""The options and checks that layers with a sliding window share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, TypeAlias

from xpnet.errors import ArgumentError, ShapeError
from xpnet.kernels.windows import Border, Sizes, Window
from xpnet.layers.base import Layer

PerAxis: TypeAlias = int | Sequence[int]
Pad: TypeAlias = str | int | Sequence[int] | Sequence[Sequence[int]]

MANY = {1: "one in a tuple", 2: "a pair of them", 3: "three of them"}
AXES = {1: "(1,)", 2: "(rows, columns)", 3: "(planes, rows, columns)"}


class Windowed(Layer):
    """A layer whose window slides over images of ``axes`` axes.

    ``same`` is True where the border makes ``⌈H / s⌉`` places, whatever H is.
    """

    axes: ClassVar[int] = 2
    window: Window
    same = False

    def window_on(self, shape: tuple[int, ...], who: str = "") -> Window:
        """Return the window with its border around images of a shape; ``who`` is named by an error.

        Raises: ``ShapeError`` where it does not fit into them.
        """
        window = self.window.same(shape) if self.same else self.window
        check_fits(who or type(self).__name__, window, shape)
        return window

    def slide(self, size: Any, stride: PerAxis, pad: Pad, dilation: PerAxis = 1, what: str = "the window") -> None:
        """Set the window from the options of the layer.

        Raises: ``ArgumentError`` for wrong ones.
        """
        if isinstance(pad, str) and pad == "same":
            self.same, pad = True, 0
        own = '"same", or '
        self.window = window_of(type(self).__name__, size, stride, pad, dilation, what, self.axes, own)

    def constructor_options(self) -> dict[str, Any]:
        size, stride, pad, dilation = self.window
        own: dict[str, Any] = {"size": size, "stride": stride, "pad": "same" if self.same else as_given(pad)}
        own |= {"dilation": dilation} | (dict(zip(("pool_h", "pool_w"), size, strict=True)) if len(size) == 2 else {})
        found = {**super().constructor_options(), **own}
        return {name: one_or_each(value) for name, value in found.items()}


def as_given(pad: Border) -> Any:
    """Return a border in the shortest form in which the option is given."""
    return tuple([before for before, _ in pad]) if all(before == after for before, after in pad) else pad


def one_or_each(value: Any) -> Any:
    """Return one number for all axes if theirs are equal."""
    if isinstance(value, tuple) and value and isinstance(value[0], int) and len({*value}) == 1:
        return value[0]
    return value


def are_whole(numbers: Sequence[Any], lowest: int) -> bool:
    """Return whether all are whole numbers from the lowest on."""
    return not any(isinstance(n, bool) or not isinstance(n, Integral) or int(n) < lowest for n in numbers)


def is_listed(value: Any) -> bool:
    """Return whether a value is a sequence, and no text."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def per_axis(who: str, name: str, value: Any, lowest: int, axes: int = 2) -> Sizes:
    """Return one whole number for all axes, or a tuple with one for each, ``(rows, columns)``.

    Raises: ``ArgumentError`` for anything else, or a number below the lowest.
    """
    numbers = tuple(value) if is_listed(value) else (value,) * axes
    if len(numbers) != axes or not are_whole(numbers, lowest):
        must = f"{name} must be a whole number from {lowest}, or {MANY[axes]}"
        raise ArgumentError(who, must, repr(value), f"give {name}={max(lowest, 1)} or {name}={AXES[axes]}")
    return tuple([int(n) for n in numbers])


def border_of(who: str, pad: Any, axes: int = 2, others: str = "") -> Border:
    """Return the border before and after images along each axis; ``others`` names what else an error may advise.

    Raises: ``ArgumentError`` for anything but whole numbers, or pairs of them.
    """
    each = tuple(pad) if is_listed(pad) else (pad,) * axes
    pairs = [tuple(one) if is_listed(one) else (one, one) for one in each]
    if len(pairs) != axes or not all(len(one) == 2 and are_whole(one, 0) for one in pairs):
        must = f"pad must be {others}a whole number from 0, or {MANY[axes]}, each a number or (before, after)"
        raise ArgumentError(who, must, repr(pad), f"give pad=1 or pad={AXES[axes]}")
    return tuple([(int(before), int(after)) for before, after in pairs])


def window_of(
    who: str,
    size: Any,
    stride: PerAxis,
    pad: Pad,
    dilation: PerAxis = 1,
    what: str = "the window",
    axes: int = 2,
    other_pads: str = "",
) -> Window:
    """Return the window given by the options of a layer.

    Raises: ``ArgumentError`` for options that are not whole numbers, or too small.
    """
    return Window(
        per_axis(who, f"the size of {what}", size, 1, axes),
        per_axis(who, "stride", stride, 1, axes),
        border_of(who, pad, axes, other_pads),
        per_axis(who, "dilation", dilation, 1, axes),
    )


def check_fits(who: str, window: Window, shape: tuple[int, ...]) -> None:
    """Raise unless the window fits into the image ``(..., H, W)`` with its border.

    Raises: ``ShapeError``.
    """
    if min(window.places(shape)) < 1:
        must = f"x with its padding must be at least {window.span}, the size of the window"
        got = f"{window.room(shape)} from an image of {tuple(shape[-window.axes :])}"
        raise ShapeError(who, must, got, "make the window smaller, or pad more")
