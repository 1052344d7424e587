"""The options and checks that layers with a sliding window share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, TypeAlias

from xpnet.errors import ArgumentError, ShapeError
from xpnet.kernels.windows import Pair, Window
from xpnet.layers.base import Layer

IntOrPair: TypeAlias = int | Sequence[int]


class Windowed(Layer):
    """A layer whose window slides over images."""

    window: Window

    def places_in(self, shape: tuple[int, ...]) -> Pair:
        """Return how many times the window fits into images ``(..., H, W)`` along each axis, ``(OH, OW)``.

        Raises: ``ShapeError`` where it does not.
        """
        check_fits(type(self).__name__, self.window, shape)
        return self.window.places(shape)

    def constructor_options(self) -> dict[str, Any]:
        size, stride, pad, dilation = self.window
        own = {"pool_h": size[0], "pool_w": size[1], "stride": stride, "pad": pad, "dilation": dilation}
        found = {**super().constructor_options(), **own}
        return {name: _one_or_pair(value) for name, value in found.items()}


def _one_or_pair(value: Any) -> Any:
    """Return a pair as one number if both are equal."""
    return value[0] if isinstance(value, tuple) and value[:1] == value[1:] else value


def pair(who: str, name: str, value: Any, lowest: int) -> Pair:
    """Return one whole number for both axes, or a pair with one for each, ``(rows, columns)``.

    Raises: ``ArgumentError`` for anything else, or a number below the lowest.
    """
    numbers = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    wrong = any(isinstance(n, bool) or not isinstance(n, Integral) or int(n) < lowest for n in numbers)
    if len(numbers) != 2 or wrong:
        must = f"{name} must be a whole number from {lowest}, or a pair of them"
        raise ArgumentError(who, must, repr(value), f"give {name}={max(lowest, 1)} or {name}=(rows, columns)")
    return int(numbers[0]), int(numbers[1])


def window_of(
    who: str, size: Any, stride: IntOrPair, pad: IntOrPair, dilation: IntOrPair = 1, what: str = "the window"
) -> Window:
    """Return the window given by the options of a layer.

    Raises: ``ArgumentError`` for options that are not whole numbers, or too small.
    """
    return Window(
        pair(who, f"the size of {what}", size, 1),
        pair(who, "stride", stride, 1),
        pair(who, "pad", pad, 0),
        pair(who, "dilation", dilation, 1),
    )


def check_fits(who: str, window: Window, shape: tuple[int, ...]) -> None:
    """Raise unless the window fits into the image ``(..., H, W)`` with its border.

    Raises: ``ShapeError``.
    """
    if min(window.places(shape)) < 1:
        (H, W), (ph, pw) = shape[-2:], window.pad
        room = (H + 2 * ph, W + 2 * pw)
        must = f"x with its padding must be at least {window.span}, the size of the window"
        raise ShapeError(who, must, f"{room} from an image of {(H, W)}", "make the window smaller, or pad more")
