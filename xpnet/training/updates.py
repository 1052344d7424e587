"""Updates of parameters by the gradients of batches: accumulated, clipped, averaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from xpnet.errors import ArgumentError
from xpnet.layers.checks import is_number
from xpnet.layers.row_gradient import on_values
from xpnet.networks import Network
from xpnet.optimizers import Optimizer, clip_by_norm, clip_by_value
from xpnet.optimizers.clipping import check_limit
from xpnet.optimizers.state import copied
from xpnet.typing import Array


class Updates:
    """Updates by an optimizer, ``W ← optimizer(W, clip(Σᵢ nᵢ dWᵢ / Σᵢ nᵢ))`` over ``accumulate`` batches.

    nᵢ is the weight of batch i in the mean of its loss; for losses that are sums, the gradients are added. ``average``
    is d of the moving average ``a ← d a + (1 - d) W``, kept in ``averages`` by name, or None to keep none.

    Raises: ``ArgumentError`` for limits and shares out of range, and for accumulated gradients of float16.
    """

    def __init__(
        self,
        who: str,
        network: Network,
        optimizer: Optimizer,
        clip_norm: float | None,
        clip_value: float | None,
        accumulate: int,
        average: float | None,
        summed: bool,
    ) -> None:
        for limit in (clip_norm, clip_value):
            if limit is not None:
                check_limit(who, limit)
        if average is not None and not (is_number(average) and 0.0 < average < 1.0):
            must, remedy = "average must be a share between 0 and 1", "try 0.999; None keeps no average"
            raise ArgumentError(who, must, repr(average), remedy)
        self.who, self.network, self.optimizer = who, network, optimizer
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.accumulate, self.average, self.summed = int(accumulate), average, summed
        self.averages: dict[str, Array] = {}
        self.begin()

    def begin(self) -> None:
        """Discard the gradients of batches that did not lead to an update."""
        self._sums: dict[str, Array] = {}
        self._counted: Any = 0.0
        self._batches = 0

    def take(self, gradients: Mapping[str, Array], counted: Any) -> None:
        """Add the gradients of a batch with its weight, and update after every ``accumulate`` batches."""
        if self.accumulate == 1:
            self.update(gradients)
            return
        if getattr(gradients, "finite", None) is not None:
            refuse_in_float16(self.who, self.accumulate)
        for name, dW in gradients.items():
            own = dW if self.summed else dW * counted
            self._sums[name] = own + self._sums[name] if name in self._sums else on_values(own, lambda d: d + 0.0)
        self._counted = counted + self._counted
        self._batches += 1
        if self._batches == self.accumulate:
            self.flush()

    def flush(self) -> None:
        """Update with the batches since the last update."""
        if self._batches:
            sums, counted = self._sums, self._counted
            self.begin()
            self.update(sums if self.summed else {name: total / counted for name, total in sums.items()})

    def update(self, gradients: Mapping[str, Array]) -> None:
        """Make one update with these gradients."""
        params = self.network.params
        if self.clip_value is not None:
            gradients = clip_by_value(gradients, self.clip_value)
        if self.clip_norm is not None:
            gradients = clip_by_norm(gradients, self.clip_norm)
        if self.average is not None and not self.averages:
            self.averages = {name: copied(W) for name, W in params.items()}
        self.optimizer.update(params, gradients)
        if self.average is not None:
            share = 1.0 - self.average
            self.averages = {name: old + share * (params[name] - old) for name, old in self.averages.items()}


def loss_and_gradient(optimizer: Any, network: Network, *batch: Array) -> tuple[Array, Mapping[str, Array]]:
    """Return the loss of a batch and the gradient for an update: the network's, or one that the optimizer takes itself.

    See ``SAM``.
    """
    if hasattr(optimizer, "loss_and_gradient"):
        found: tuple[Array, Mapping[str, Array]] = optimizer.loss_and_gradient(network, *batch)
        return found
    return network.loss_and_gradient(*batch)


def refuse_in_float16(who: str, accumulate: int) -> NoReturn:
    """Raise ArgumentError, because gradients with different loss scales must not be added."""
    must, remedy = "accumulate must be 1 in float16", 'compute in "bfloat16", or leave accumulate out'
    raise ArgumentError(who, must, accumulate, remedy)
