"""The interface through which several processes train one network, each on its rows of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from xpnet.layers import Layer
from xpnet.layers.containers import Chain
from xpnet.layers.stage import Stage
from xpnet.typing import Array


class Across(Protocol):
    """The part of a training step that processes do together to train one network; see ``Network.share``."""

    def begin(self, loss: Array) -> Any:
        """Return the derivative from which backward starts: the share of these rows in the loss of all."""

    def took(self, layers: tuple[Layer, ...]) -> None:
        """Note that the gradients of these layers are final, while backward goes on through the layers before them."""

    def agree(self, finite: Array) -> Array:
        """Return whether the gradients of all processes are finite, given whether those of this one are."""

    def end(self, loss: Array) -> Array:
        """Return the loss of all rows, once the layers hold the gradients of all rows."""


class TellingStage(Stage):
    """A stage that reports when the gradients of its layers are final."""

    def __init__(self, across: Across, *stage: Any, **options: Any) -> None:
        super().__init__(*stage, **options)
        self.across = across

    def backward(self, dout: Any = 1.0, *others: Any) -> Any:
        dx = super().backward(dout, *others)
        self.across.took(self.layers)
        return dx


class Shareable(Chain):
    """A network that several processes may train together; see ``Network``."""

    precision: Any
    _plan: Any

    def share(self, across: Across | None) -> None:
        """Let ``gradient`` be that of a batch whose other rows are on other processes; None ends it.

        This applies to this network, and not to its copies. See ``xpnet.distributed``.
        """
        self._shared, self._plan = across, None

    def pulled(self, loss: Array, last: Any, run: Callable[[Any], Any]) -> Array:
        """Run the backward of a loss by ``run``; return the loss, of all rows if other processes have some of them."""
        across: Across | None = getattr(self, "_shared", None)
        dout = last.backward(1.0 if across is None else across.begin(loss))
        if self.precision is None:
            run(dout)
        else:
            self.precision.backward(self, dout, run, across)
        return loss if across is None else across.end(loss)
