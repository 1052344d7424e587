"""The past of a sequence that goes on: keys and values of earlier positions, which are not computed again."""

from __future__ import annotations

from typing import Any

from xpnet.backend import array_namespace, device_of
from xpnet.typing import Array

LEAST = 16
"""Positions for which there is room at first; then the room doubles, so that few shapes occur."""


class Past:
    """The positions that a layer has seen, ``length`` of them; copies of the layer share it.

    ``keys`` and ``values`` have room for more positions than that: those behind the last one hold nothing that counts.
    ``joined`` is for a body, which may keep weights there in another form.

    Shapes: ``keys, values (N, groups, room, E)``.
    """

    def __init__(self) -> None:
        self.joined: Any = None
        self.begin()

    def begin(self) -> None:
        """Forget all positions."""
        self.length = 0
        self.keys: Array | None = None
        self.values: Array | None = None

    def advanced(self, count: int) -> int:
        """Return the number of positions so far, and count more of them."""
        start, self.length = self.length, self.length + count
        return start

    def extended(self, k: Array, v: Array, start: int) -> tuple[Array, Array]:
        """Return the keys and values of all positions, those of the positions from ``start`` on among them."""
        self.keys, self.values = put(self.keys, k, start), put(self.values, v, start)
        return self.keys, self.values

    def choose(self, rows: Array) -> None:
        """Go on with other samples, the pasts of those at ``rows``."""
        if self.keys is not None and self.values is not None:
            xp = array_namespace(self.keys)
            self.keys, self.values = xp.take(self.keys, rows, axis=0), xp.take(self.values, rows, axis=0)


def put(old: Array | None, new: Array, start: int) -> Array:
    """Return an array with room for positions, which has ``new`` from ``start`` on, and before it what ``old`` has."""
    xp = array_namespace(new)
    N, groups, L, E = new.shape
    room = 0 if old is None else old.shape[2]
    if room < start + L:
        wanted = room_for(start + L)
        more = xp.zeros((N, groups, wanted - room, E), dtype=new.dtype, device=device_of(new))
        old, room = more if old is None else xp.concat([old, more], axis=2), wanted
    assert old is not None  # noqa: S101 (for the type checker)
    if L == 1:  # where does it without a shape of its own for each position
        here = xp.arange(room, device=device_of(new)) == start
        return xp.where(here[:, None], new, old)  # type: ignore[no-any-return]
    return xp.concat([old[:, :, :start, :], new, old[:, :, start + L :, :]], axis=2)  # type: ignore[no-any-return]


def room_for(length: int) -> int:
    """Return the smallest power of 2 that is not below the length."""
    return max(LEAST, 1 << (length - 1).bit_length())
