"""Layers that draw random numbers in training: each from a named stream, by its step."""

from __future__ import annotations

from typing import Any, ClassVar

from xpnet import capturing
from xpnet.backend import array_namespace, device_of
from xpnet.errors import StateError
from xpnet.layers.base import Layer, leaves
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class Drawn(Layer):
    """A layer with a stream of random numbers, whose k-th numbers belong to the k-th call in training.

    A subclass calls ``draw_by`` in its constructor, or does without random numbers, and ``forward`` draws the numbers
    of ``stream`` at ``step`` from ``rng``, and adds 1 to ``step``, which is saved as state, together with the stream.
    """

    state: ClassVar[tuple[str, ...]] = ("step",)

    step: int

    def draw_by(self, rng: Generator | None) -> None:
        """Take the next stream of a Generator, from its first step on.

        Raises: ``DtypeError`` for an ``rng`` that is not a Generator.
        """
        who = type(self).__name__
        self.rng = generator_of(who, rng)
        self.stream = self.rng.next_name(who)
        self.step = 0

    @property
    def drawn(self) -> str:
        """The seed and the name of the stream, such as ``"0/Dropout1"``."""
        return f"{self.rng.seed}/{self.stream}"

    def draw_from(self, drawn: str) -> None:
        """Draw from the stream of another layer, given by its ``drawn``, to continue its training."""
        seed, _, self.stream = drawn.partition("/")
        self.rng = Generator(int(seed))

    def step_on_host(self) -> int:
        """Return the step that names the numbers, for numbers that are drawn on the host.

        Raises: ``StateError`` in a capture, whose replays would use the same numbers.
        """
        if capturing.current is not None:
            who, remedy = type(self).__name__, "train it without a capture"
            raise StateError(capturing.WHO, "numbers must be drawn on the device", who, remedy)
        return self.step

    def step_of(self, x: Array) -> Any:
        """Return the step that names the numbers; in a capture, an array with a new value in each replay."""
        capture = capturing.current
        if capture is None:
            return self.step
        like = array_namespace(x).zeros((), dtype=array_namespace(x).float64, device=device_of(x))
        return capture.numbers(self.lasting_state, "step", lambda step: (step,), like)[0]


def drawing_in(network: Layer) -> dict[str, Drawn]:
    """Return the layers of a network that draw random numbers, its loss among them, by path."""
    found = leaves(network)
    last = getattr(network, "last_layer", None)
    if last is not None:
        found["loss"] = last
    return {name: layer for name, layer in found.items() if isinstance(layer, Drawn) and hasattr(layer, "stream")}
