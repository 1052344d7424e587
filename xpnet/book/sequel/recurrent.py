"""The book's recurrent layers: single steps, and whole sequences ``(N, T, ...)``."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from xpnet import layers
from xpnet.autodiff import vjp
from xpnet.backend import array_namespace, device_of
from xpnet.book.sequel.listed import Listed
from xpnet.layers.activation import sigmoid
from xpnet.typing import Array

RNN_KIND = staticmethod(partial(layers.RNN, return_state=True))  # a partial alone is to become a method
LSTM_KIND = staticmethod(partial(layers.LSTM, return_state=True))


class GatedUnit:
    """The book's gated recurrent unit, ``h[t] = (1 - z) h[t-1] + z g`` with ``g = tanh(x Wg + (r h[t-1]) Ug + bg)``.

    The gates are in the order z, r, g. It is another unit than torch's and xpnet's: r comes before the product, z has
    the contrary meaning. Its backward comes from the tape.

    Shapes: ``x (N, T, D)``, ``h0 (N, H)``, ``Wx (D, 3H)``, ``Wh (H, 3H)``, ``b (3H,)``, results ``(N, T, H), (N, H)``.
    Source: Cho et al., 2014; Deep Learning from Scratch 2, appendix C.
    """

    parameters = ("Wx", "Wh", "b")

    def __init__(self, Wx: Array, Wh: Array, b: Array) -> None:
        self.Wx, self.Wh, self.b = Wx, Wh, b

    def forward(self, x: Array, mask: None, h0: Array | None) -> tuple[Array, Array]:  # noqa: ARG002 (as xpnet's)
        if h0 is None:
            like = {"dtype": self.Wh.dtype, "device": device_of(self.Wh)}
            h0 = array_namespace(self.Wh).zeros((x.shape[0], self.Wh.shape[0]), **like)
        hs, self.pull = vjp(gated, x, h0, self.Wx, self.Wh, self.b)
        return hs, hs[:, -1, :]

    def backward(self, dhs: Array, *_: Any) -> tuple[Array, Array]:
        dx, dh0, self.dWx, self.dWh, self.db = self.pull(dhs)
        return dx, dh0


def gated(x: Array, h: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    """Return the states of the book's gated recurrent unit at all steps, ``(N, T, H)``."""
    xp, H, states = array_namespace(x, h, Wx, Wh, b), h.shape[1], []
    for t in range(x.shape[1]):
        a = x[:, t, :] @ Wx + b
        gates = sigmoid(a[:, : 2 * H] + h @ Wh[:, : 2 * H])
        z, r = gates[:, :H], gates[:, H:]
        g = xp.tanh(a[:, 2 * H :] + (r * h) @ Wh[:, 2 * H :])
        h = (1.0 - z) * h + z * g
        states.append(h)
    return xp.stack(states, axis=1)  # type: ignore[no-any-return]


class Recurrent(Listed):
    """The base of recurrent layers, whose parameters are ``Wx, Wh, b``."""

    kind: ClassVar[Any]

    def __init__(self, Wx: Array, Wh: Array, b: Array) -> None:
        super().__init__(self.kind(Wx, Wh, b), Wx, Wh, b)


class Gates(Recurrent):
    """The base of LSTMs: the book's gates are in the order f, g, i, o, and those of xpnet in the order i, f, g, o."""

    kind = LSTM_KIND

    def _inward(self, W: Array) -> Array:
        return layers.LSTM.reorder(W, "fgio")

    def _outward(self, dW: Array) -> Array:
        return layers.LSTM.reorder(dW, "ifgo", "fgio")


class Step(Recurrent):
    """The base of single steps, ``h = forward(x, h_prev)`` and ``dx, dh_prev = backward(dh)``; an LSTM's have c too."""

    def forward(self, x: Array, *before: Array) -> Any:
        """Return the state after a step: h, or for an LSTM h and c."""
        self._take()
        _, *after = self.layer.forward(self._like(x)[:, None, :], None, *before)
        return tuple(after) if len(after) > 1 else after[0]

    def backward(self, dh_next: Array, *others: Array) -> Any:  # type: ignore[override]
        """Write the gradients, and return dx and the derivatives by the state before."""
        dx, *before = self.layer.backward(dh_next[:, None, :], 0.0, *others)
        self._give()
        return (dx[:, 0, :], *before)


class OverTime(Recurrent):
    """The base of layers over sequences: the states of all steps, from h, which lasts if ``stateful``.

    After ``backward``, ``dh`` is the derivative by the h before the first step.
    """

    lasting: ClassVar[tuple[str, ...]] = ("h",)

    def __init__(self, Wx: Array, Wh: Array, b: Array, stateful: bool = False) -> None:
        super().__init__(Wx, Wh, b)
        self.stateful = stateful
        self.dh: Any = None
        self.reset_state()

    def forward(self, x: Array) -> Any:
        """Return the states of all steps, ``(N, T, H)``."""
        self._take()
        before = [getattr(self, name) if self.stateful else None for name in self.lasting]
        hs, *after = self.layer.forward(self._like(x), None, *before)
        vars(self).update(zip(self.lasting, after, strict=True))
        return hs

    def backward(self, dout: Any = 1) -> Any:
        """Write the gradients of all steps, and return dx, ``(N, T, D)``."""
        dx, self.dh, *_ = self.layer.backward(dout)
        self._give()
        return dx

    def set_state(self, h: Array | None) -> None:
        """Start the next sequence from a state."""
        self.h = h

    def reset_state(self) -> None:
        """Start the next sequence from zeros."""
        vars(self).update(dict.fromkeys(self.lasting))


class RNN(Step):
    """A step of the plain recurrence, ``h = tanh(x Wx + h_prev Wh + b)``.

    Shapes: ``x (N, D)``, ``h_prev, h (N, H)``, ``Wx (D, H)``, ``Wh (H, H)``, ``b (H,)``.
    Source: Deep Learning from Scratch 2, section 5.3.1.

    >>> step = RNN(np.array([[1.0]]), np.array([[0.5]]), np.zeros(1))
    >>> step.forward(np.array([[1.0]]), np.array([[0.0]]))
    array([[0.7616]])
    """

    kind = RNN_KIND


class TimeRNN(OverTime):
    """The plain recurrence, ``h[t] = tanh(xs[t] Wx + h[t-1] Wh + b)``.

    Shapes: ``xs (N, T, D)``, ``Wx (D, H)``, ``Wh (H, H)``, ``b (H,)``, result ``(N, T, H)``.
    Source: Deep Learning from Scratch 2, section 5.3.2.

    >>> layer = TimeRNN(np.array([[1.0]]), np.array([[0.5]]), np.zeros(1), stateful=True)
    >>> layer.forward(np.array([[[1.0], [0.0]]]))
    array([[[0.7616],
            [0.3634]]])
    >>> layer.forward(np.array([[[0.0]]]))  # goes on where the last batch ended
    array([[[0.1797]]])
    """

    kind = RNN_KIND


class LSTM(Gates, Step):
    """A step of an LSTM, ``c = f c_prev + g i``, ``h = o tanh c``, gates f, g, i, o of ``x Wx + h_prev Wh + b``.

    Shapes: ``x (N, D)``, ``h_prev, c_prev, h, c (N, H)``, ``Wx (D, 4H)``, ``Wh (H, 4H)``, ``b (4H,)``.
    Source: Deep Learning from Scratch 2, section 6.3.

    >>> step = LSTM(np.zeros((1, 4)), np.zeros((1, 4)), np.zeros(4))  # all gates are half open
    >>> h, c = step.forward(np.array([[1.0]]), np.array([[0.0]]), np.array([[4.0]]))
    >>> c
    array([[2.]])
    """


class TimeLSTM(Gates, OverTime):
    """An LSTM, ``c[t] = f c[t-1] + g i``, ``h[t] = o tanh c[t]``, gates f, g, i, o of ``xs[t] Wx + h[t-1] Wh + b``.

    Shapes: ``xs (N, T, D)``, ``Wx (D, 4H)``, ``Wh (H, 4H)``, ``b (4H,)``, result ``(N, T, H)``.
    Source: Deep Learning from Scratch 2, section 6.3.1.

    >>> layer = TimeLSTM(np.zeros((1, 4)), np.zeros((1, 4)), np.array([100.0, 100.0, 100.0, 100.0]))
    >>> layer.forward(np.zeros((1, 3, 1)))  # open gates: c counts 1, 2, 3, and h is its tanh
    array([[[0.7616],
            [0.964 ],
            [0.9951]]])
    """

    lasting = ("h", "c")

    def set_state(self, h: Array | None, c: Array | None = None) -> None:
        """Start the next sequence from a state."""
        self.h, self.c = h, c


class GRU(Step):
    """A step of the book's gated recurrent unit, ``h = (1 - z) h_prev + z g``; see ``GatedUnit``.

    Shapes: ``x (N, D)``, ``h_prev, h (N, H)``, ``Wx (D, 3H)``, ``Wh (H, 3H)``, ``b (3H,)``.

    >>> step = GRU(np.zeros((1, 3)), np.zeros((1, 3)), np.zeros(3))  # z is 1/2
    >>> step.forward(np.array([[1.0]]), np.array([[4.0]]))
    array([[2.]])
    """

    kind = GatedUnit


class TimeGRU(OverTime):
    """The book's gated recurrent unit, ``h[t] = (1 - z) h[t-1] + z g``; see ``GatedUnit``.

    Shapes: ``xs (N, T, D)``, ``Wx (D, 3H)``, ``Wh (H, 3H)``, ``b (3H,)``, result ``(N, T, H)``.
    Source: Deep Learning from Scratch 2, appendix C.

    >>> layer = TimeGRU(np.array([[0.0, 0.0, 100.0]]), np.zeros((1, 3)), np.zeros(3))  # z is 1/2, and g is ±1
    >>> layer.forward(np.array([[[1.0], [1.0], [-1.0]]]))
    array([[[ 0.5  ],
            [ 0.75 ],
            [-0.125]]])
    """

    kind = GatedUnit


class TimeBiLSTM:
    """Two LSTMs over a sequence, one from its end, ``y[t] = [h₁[t], h₂[t]]``.

    Shapes: ``xs (N, T, D)``, the parameters of each as in ``TimeLSTM``, result ``(N, T, 2H)``.
    Source: Deep Learning from Scratch 2, section 8.3.1.

    >>> W, U, b = np.zeros((1, 4)), np.zeros((1, 4)), np.full(4, 100.0)
    >>> TimeBiLSTM(W, U, b, W, U, b).forward(np.zeros((1, 3, 1)))  # counts the steps from both ends
    array([[[0.7616, 0.9951],
            [0.964 , 0.964 ],
            [0.9951, 0.7616]]])
    """

    def __init__(
        self, Wx1: Array, Wh1: Array, b1: Array, Wx2: Array, Wh2: Array, b2: Array, stateful: bool = False
    ) -> None:
        self.forward_lstm = TimeLSTM(Wx1, Wh1, b1, stateful)
        self.backward_lstm = TimeLSTM(Wx2, Wh2, b2, stateful)
        self.params = self.forward_lstm.params + self.backward_lstm.params
        self.grads = self.forward_lstm.grads + self.backward_lstm.grads

    def forward(self, xs: Array) -> Array:
        """Return the states of both, ``(N, T, 2H)``."""
        xp = array_namespace(xs)
        both = self.forward_lstm.forward(xs), backwards(self.backward_lstm.forward(backwards(xs)))
        return xp.concat(both, axis=2)  # type: ignore[no-any-return]

    def backward(self, dhs: Array) -> Array:
        """Write the gradients, and return dx."""
        H = dhs.shape[2] // 2
        from_end = self.backward_lstm.backward(backwards(dhs[:, :, H:]))
        return self.forward_lstm.backward(dhs[:, :, :H]) + backwards(from_end)  # type: ignore[no-any-return]


def backwards(xs: Array) -> Array:
    """Return a sequence from its last step to its first."""
    return array_namespace(xs).flip(xs, axis=1)  # type: ignore[no-any-return]
