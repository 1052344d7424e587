"""The seam at which several processes train one network, each on its rows of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from xpnet.layers import Layer
from xpnet.layers.containers import Chain
from xpnet.layers.stage import Stage
from xpnet.typing import Array


class Across(Protocol):
    """What the processes that train a network together make of each of its steps; see ``Network.share``."""

    def begin(self, loss: Array) -> Any:
        """What the derivative of the loss of these rows begins with, between forward and backward: their share."""

    def took(self, layers: tuple[Layer, ...]) -> None:
        """The gradients of these layers are final, while the backward of those before them is still to come."""

    def agree(self, finite: Array) -> Array:
        """Whether the gradients of all processes are finite, where those of this one are as told."""

    def end(self, loss: Array) -> Array:
        """The loss of all rows; the gradients of all rows stand on the layers then."""


class TellingStage(Stage):
    """A stage that tells when the gradients of its layers are final."""

    def __init__(self, across: Across, *stage: Any, **options: Any) -> None:
        super().__init__(*stage, **options)
        self.across = across

    def backward(self, dout: Any = 1.0) -> Any:
        dx = super().backward(dout)
        self.across.took(self.layers)
        return dx


class Shareable(Chain):
    """A network that several processes may train together; see ``Network``."""

    precision: Any
    _plan: Any

    def share(self, across: Across | None) -> None:
        """Have ``gradient`` be that of a batch of which other processes have the other rows; None ends it.

        It holds for this network, and not for its copies. See ``xpnet.distributed``.
        """
        self._shared, self._plan = across, None

    def pulled(self, loss: Array, last: Any, run: Callable[[Any], Any]) -> Array:
        """The loss, after its backward by ``run``; that of all rows where other processes have some of them."""
        across: Across | None = getattr(self, "_shared", None)
        dout = last.backward(1.0 if across is None else across.begin(loss))
        if self.precision is None:
            run(dout)
        else:
            self.precision.backward(self, dout, run, across)
        return loss if across is None else across.end(loss)
