"""Answers of a network for rows as a user has them."""

from __future__ import annotations

from typing import Any, Protocol

from xpnet.autodiff import Variable
from xpnet.backend import array_namespace, backend_of, get_backend, to_numpy
from xpnet.backend.several import placed
from xpnet.errors import ArgumentError
from xpnet.layers import Layer, SigmoidWithLoss, Softmax, SoftmaxWithLoss
from xpnet.networks.across import Shareable
from xpnet.typing import Array


class Encodes(Protocol):
    """The conversion of rows as a user has them, and of scores to answers; see ``xpnet.datasets.Encoding``."""

    def many(self, data: Any) -> tuple[Any, bool]: ...
    def x(self, data: Any) -> Any: ...
    def answers(self, scores: Any) -> Any: ...


class Answering(Shareable):
    """A network that answers for rows as a user has them, once it knows their encoding; see ``Network``."""

    encoding: Encodes | None = None
    last_layer: Layer | None

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Run ``forward``; a network that ``load_network`` made of a run returns its answers for rows, ``net(rows)``.

        Rows are those that the training took, one or many: a DataFrame, a dict, images, texts. The answers are labels
        or numbers, ``(N,)`` on the host, or one of them for one row. A Variable is recorded as in any network.
        """
        if self.encoding is None or self.last_layer is None or named or len(inputs) != 1 or self._is_recorded(inputs):
            return super().__call__(*inputs, **named)
        rows, one = self.encoding.many(inputs[0])
        found = self.encoding.answers(to_numpy(self.scores_of_rows(rows)))
        return found[0] if one else found

    def _is_recorded(self, inputs: tuple[Any, ...]) -> bool:
        return any(type(array) is Variable for array in (*inputs, *self.params.values()))

    def scores_of_rows(self, rows: Any) -> Any:
        """Return the scores for many rows as the user has them, on the device of the network."""
        x = rows if self.encoding is None else self.encoding.x(rows)
        W = next(iter(self.params.values()), None)
        return self.predict(placed((get_backend() if W is None else backend_of(W)).asarray, x))

    def predict_proba(self, rows: Any) -> Any:
        """Return the probability of each class, ``softmax(y)``, or of yes under ``SigmoidWithLoss``, ``σ(y)``.

        Rows are what ``predict`` takes; for a network that ``load_network`` made of a run, rows as the user has them,
        one or many.

        Shapes: result ``(N, K)``, or ``(K,)`` for one row.
        Raises: ``ArgumentError`` for a network that learns numbers.
        """
        if self.encoding is None:
            return probabilities(type(self).__name__, self.last_layer, self.predict(rows))
        many, one = self.encoding.many(rows)
        found = probabilities(type(self).__name__, self.last_layer, self.scores_of_rows(many))
        return found[0, ...] if one else found


def probabilities(who: str, loss: Layer | None, scores: Array) -> Array:
    """Return the probabilities that scores stand for, by the loss that they were trained with.

    Raises: ``ArgumentError`` for a loss of numbers, and for none.
    """
    shares: Array
    if isinstance(loss, SoftmaxWithLoss):
        shares = Softmax().predict(scores)
        return shares
    if isinstance(loss, SigmoidWithLoss):
        xp = array_namespace(scores)
        small = xp.exp(-xp.abs(scores))  # of a negative number, which cannot overflow
        high: Array = 1.0 / (1.0 + small)
        shares = xp.where(scores >= 0.0, high, small * high)
        return shares
    got = "no loss" if loss is None else type(loss).__name__
    must, remedy = (
        "a network must end with a loss of classes to have probabilities",
        "use predict, which returns scores",
    )
    raise ArgumentError(f"{who}.predict_proba", must, got, remedy)
