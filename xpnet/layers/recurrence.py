"""Recurrence: padding, direction, and the states before the first step and after the last, of all recurrent layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

from xpnet import kernels
from xpnet.autodiff.batching.batch import bottom
from xpnet.backend import array_namespace, device_of, dtype_kind, dtype_name, library_of, to_numpy
from xpnet.errors import ArgumentError, DtypeError, ShapeError
from xpnet.initializers import Init, check_size, normal_weights
from xpnet.kernels.scatter import wide
from xpnet.layers.affine import initial_bias
from xpnet.layers.base import Layer
from xpnet.layers.checks import check_flags
from xpnet.layers.containers import Chain, Concat
from xpnet.layers.drawn import Drawn
from xpnet.layers.dropout import Dropout, check_ratio
from xpnet.layers.linear import rows
from xpnet.random import Generator, generator_of
from xpnet.typing import Array


class Recurrent(Drawn):
    """The base of recurrent layers, ``h[t] = f(x[t], h[t-1])``: all but the equations of a step.

    ``mask`` tells where the rows of a padded batch have steps, bool ``(N, L)``, or by their lengths, integers ``(N,)``.
    At padding the state stays as it is, the output is 0, and so are the gradients. ``h0`` is the state before the first
    step, zeros unless it is given. ``return_sequences=False`` returns only the state after the last step of each row.
    With ``return_state`` the layer returns the last state too, ``y, h = layer(x, mask, h0)``, and so ``dx, dh0 =
    layer.backward(dy, dh)``; those of an LSTM are two, h and c. With ``reverse`` the steps are read from the last to
    the first, and y is in the order of x.

    A network gets a mask beside x, ``net.gradient((x, mask), t)``, or makes it of what pads the rows:

        class Sentiment(Network):
            def forward(self, x):
                embedding, lstm, scores = self.layers.values()
                return scores(lstm(embedding(x), x != 0))

    With ``stateful``, each ``forward`` starts where the one before ended. The state is a constant there: backward ends
    at the first step (truncated backpropagation through time). ``predict`` also starts there, and does not change the
    state.

    With ``recurrent_dropout`` above 0, in training the state comes into the product ``h Wh`` times a mask m / (1 - p),
    with each m 0 with probability p: one for each row and unit, which is the same at all steps. It is drawn as that of
    ``Dropout``, by ``rng``. The state that a gate passes on is not dropped.

    The biases may be left out, ``LSTM(Wx, Wh)``.

    Inside, steps come first and in the order of reading, ``(L, N, …)``: the contributions of the inputs,
    ``a = x Wx + b``, are one product for all steps, and so are the gradients of the weights. ``hs`` are the states,
    ``hs[t]`` the one before step t. ``order`` names the blocks of H columns in Wx and Wh, the gates.

    Raises: ``ShapeError`` for weights of another width, a sequence without steps, a mask of another shape, and another
    number of rows than those of the kept state; ``DtypeError`` for a mask of numbers; ``ArgumentError`` for a length
    that is not from 0 to L, where it can be read without stalling a device, and a ratio outside 0 ≤ p < 1.
    Source: Williams and Peng, 1990 (truncated backpropagation through time); Gal and Ghahramani, 2016 (dropout).
    """

    state: ClassVar[tuple[str, ...]] = ()
    in_float32 = True
    order: ClassVar[str] = "h"

    Wx: Array
    Wh: Array

    def __init__(
        self,
        *arrays: Array | None,
        stateful: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        reverse: bool = False,
        recurrent_dropout: float = 0.0,
        rng: Generator | None = None,
    ) -> None:
        who, without = type(self).__name__, len(self.parameters) - len(arrays)
        spared = without > 0 and set(self.parameters[len(arrays) :]) <= set(self.optional_parameters)
        super().__init__(*arrays, *[None] * without * spared)
        flags = {"stateful": stateful, "return_sequences": return_sequences}
        check_flags(who, **flags, return_state=return_state, reverse=reverse)
        self.stateful, self.return_sequences = stateful, return_sequences
        self.return_state, self.reverse = return_state, reverse
        if return_state:
            names = ("x", *[f"{name}0" for name in self.state])
            vars(self).update(differentiable=names, spec=replace(self.spec, differentiable=names))
        H, columns = self.Wh.shape
        gates = len(self.order)
        if columns != gates * H:
            must = f"Wh must be ({H}, {gates * H}), {gates} blocks of H columns"
            raise ShapeError(who, must, (H, columns), "lay the weights of the gates side by side")
        self.recurrent_dropout = check_ratio(who, "recurrent_dropout", recurrent_dropout)
        if self.recurrent_dropout:
            self.draw_by(rng)
            vars(self).update(state=(*self.state, "step"))

    def reset_state(self) -> None:
        """Start the next sequence from zeros."""
        for name in type(self).state:
            setattr(self, name, None)

    def _entering(self, x: Array, mask: Array | None, b: Array | float) -> Array:
        """Return ``x Wx + b`` for all steps, ``(L, N, …)``, and keep x and the mask in that order."""
        if x.shape[1] == 0:
            raise ShapeError(type(self).__name__, "x must have at least one step", tuple(x.shape), "leave it out")
        xp = array_namespace(x, self.Wx, b)
        self.x = self._in_order(xp.permute_dims(x, (1, 0, 2)))
        self.real = None if mask is None else self._in_order(self._real_steps(x, mask))
        self.x = self._where_real(self.real, self.x)  # else a NaN of the padding would come into dWx
        self.dropout_mask = self._drawn_mask()
        a = rows(self.x) @ self.Wx + b
        return xp.reshape(a, (*self.x.shape[:2], a.shape[1]))  # type: ignore[no-any-return]

    def _drawn_mask(self) -> Array | None:
        """Return the mask of the states of all steps, ``(N, H)``, or None where nothing is dropped."""
        if not self.training or not self.recurrent_dropout:
            return None
        shape, like = (self.x.shape[1], self.Wh.shape[0]), {"dtype": self.x.dtype, "device": device_of(self.x)}
        states = array_namespace(self.x).zeros(shape, **like)
        step = self.step_of(states)
        self.step += 1
        return kernels.dropout_mask(states, self.rng, self.stream, step, 1.0 - self.recurrent_dropout)

    def _dropped(self, h: Array) -> Array:
        """Return the state, or the derivative by it, with what is dropped of it as zeros."""
        return h if self.dropout_mask is None else h * self.dropout_mask

    def _in_order(self, steps: Array, axis: int = 0) -> Array:
        """Return steps in the order of reading, or those in the order of reading as they were."""
        return array_namespace(steps).flip(steps, axis=axis) if self.reverse else steps

    def _real_steps(self, x: Array, mask: Array) -> Array:
        """Return True at the steps of each row and False at its padding, ``(L, N, 1)``."""
        who, xp, (N, L, _) = type(self).__name__, array_namespace(mask), x.shape
        kind = dtype_kind(mask)
        if kind not in ("bool", "integer"):
            remedy = "compare first, for example lengths[:, None] > steps"
            raise DtypeError(who, "mask must be bool, or lengths of integers", dtype_name(mask.dtype), remedy)
        if mask.shape != ((N, L) if kind == "bool" else (N,)):
            must = f"mask must be ({N}, {L}) of bool, or lengths ({N},)"
            raise ShapeError(who, must, tuple(mask.shape), "give it that shape")
        if kind == "integer":
            if library_of(xp).readable(mask):
                lengths = to_numpy(bottom(mask))
                if lengths.size and (lengths.min() < 0 or lengths.max() > L):
                    wrong = lengths[(lengths < 0) | (lengths > L)][0]
                    raise ArgumentError(who, f"lengths must be from 0 to {L}, the steps of x", wrong, "cut them")
            mask = wide(mask)[:, None] > wide(xp.arange(L, device=device_of(mask)))[None, :]
        return xp.permute_dims(mask, (1, 0))[:, :, None]  # type: ignore[no-any-return]

    def _where_real(self, real: Array | None, new: Array, kept: Array | None = None) -> Array:
        """Return ``new`` where rows have a step, and ``kept``, or zeros, where they are padded."""
        if real is None:
            return new
        xp = array_namespace(new) if kept is None else array_namespace(new, kept)
        if kept is None:
            kept = xp.zeros((), dtype=new.dtype, device=device_of(new))
        return xp.where(real, new, kept)  # type: ignore[no-any-return]

    def _unless_padded(self, t: int, new: Array, kept: Array | None = None) -> Array:
        """Return ``new``, but ``kept``, or zeros, in the rows that are padded at step t."""
        return new if self.real is None else self._where_real(self.real[t, ...], new, kept)

    def _before(self, name: str, given: Array | None) -> Array:
        """Return the state before the first step, ``(N, H)``: the given one, the one kept by ``forward``, or zeros."""
        if given is not None:
            return given
        _, N, _ = self.x.shape
        H = self.Wh.shape[0]
        kept: Array | None = getattr(self, name) if self.stateful else None
        if kept is None:
            zero: Array = array_namespace(self.x).zeros((N, H), dtype=self.x.dtype, device=device_of(self.x))
            return zero
        if kept.shape != (N, H):
            must = f"x must have {kept.shape[0]} rows, as the state kept from the call before"
            raise ShapeError(type(self).__name__, must, N, "call reset_state() where other sequences begin")
        return array_namespace(kept).astype(kept, self.x.dtype, copy=False)  # type: ignore[no-any-return]

    def _leaving(self, states: list[Array], **last: Array) -> Any:
        """Return the output from the states of all steps, and keep the ``last`` of each kind."""
        if self.stateful and self.training:
            for name, value in last.items():
                setattr(self, name, value)
        y = states[-1]
        if self.return_sequences:
            xp, real = array_namespace(*states), self.real
            real = None if real is None else array_namespace(real).permute_dims(real, (1, 0, 2))
            y = self._in_order(self._where_real(real, xp.stack(states, axis=1)), axis=1)
        return (y, *last.values()) if self.return_state else y

    def _upstream(self, dout: Array) -> list[Array]:
        """Return ``dout`` of each step in the order of reading, ``(N, H)``."""
        xp, steps = array_namespace(dout), range(self.x.shape[0])
        if not self.return_sequences:
            return [*[xp.zeros_like(dout)] * (len(steps) - 1), dout]
        d = self._where_real(self.real, self._in_order(xp.permute_dims(dout, (1, 0, 2))))
        return [d[t, ...] for t in steps]

    def _after(self, dstate: Array | None) -> Array:
        """Return the derivative by the last state, zeros unless it is given."""
        return array_namespace(self.hs[0]).zeros_like(self.hs[0]) if dstate is None else dstate

    def _to_inputs(self, das: list[Array], *dstates: Array) -> Any:
        """Compute ``dWx = Σ xᵀ da`` over all steps and rows; return ``dx = da Wxᵀ``, and those by the first states."""
        da, dx = in_one(das), None
        self.dWx = rows(self.x).T @ da
        if self.needs_dx:
            xp = array_namespace(da, self.Wx)
            dx = xp.permute_dims(self._in_order(xp.reshape(da @ self.Wx.T, self.x.shape)), (1, 0, 2))
        return (dx, *dstates) if self.return_state else dx

    def _seen(self) -> Array:
        """Return the states of all steps as they came into the product with Wh, ``(L N, H)``."""
        return in_one([self._dropped(h) for h in self.hs[:-1]])

    hs: list[Array]

    @classmethod
    def create(
        cls,
        inputs: int,
        hidden: int,
        *,
        stateful: bool = False,
        return_sequences: bool = True,
        return_state: bool = False,
        reverse: bool = False,
        recurrent_dropout: float = 0.0,
        bias: bool = True,
        init: Init = "lecun",
        rng: Generator | None = None,
        **options: Any,
    ) -> Self:
        """Return a layer with parameters on the current backend, ``Wx = σ z``, ``Wh = σ z``, ``b = 0``.

        ``init`` and ``bias`` as in ``Affine.create``. ``rng`` gives each layer numbers of its own. ``options`` are
        those of the constructor of one class alone, such as ``reset_after`` of a GRU.

        Raises: ``ArgumentError`` for sizes below 1 or an unknown ``init``.
        """
        rng = generator_of(cls.__name__, rng)
        check_size(cls.__name__, "hidden", hidden)
        path = rng.next_name(cls.__name__)
        columns = len(cls.order) * hidden
        Wx = normal_weights((inputs, columns), init, rng, f"{path}.Wx")
        Wh = normal_weights((hidden, columns), init, rng, f"{path}.Wh")
        options |= {"stateful": stateful, "return_sequences": return_sequences, "return_state": return_state}
        options |= {"reverse": reverse, "recurrent_dropout": recurrent_dropout}
        others = cls._others(hidden, initial_bias(cls.__name__, bias, columns), options)
        return cls(Wx, Wh, *others, **options, rng=rng)

    @classmethod
    def stacked(
        cls,
        inputs: int,
        hidden: int,
        layers: int,
        *,
        bidirectional: bool = False,
        dropout_ratio: float = 0.0,
        return_sequences: bool = True,
        rng: Generator | None = None,
        **options: Any,
    ) -> Chain:
        """Return several layers, each over the states of the one below, in a container that passes a mask to all.

        With ``bidirectional`` each is a ``Concat`` of two, of which the second reads from the last step to the first,
        and has 2 H outputs. A ``dropout_ratio`` above 0 puts a Dropout between layers. The container is part of a
        network like any layer. ``return_sequences=False`` is that of the uppermost layer. ``options`` are those of
        ``create`` for each layer.

        Raises: ``ArgumentError`` for sizes below 1, and as ``create``.
        """
        who = f"{cls.__name__}.stacked"
        rng = generator_of(who, rng)
        check_size(who, "layers", layers)
        check_flags(who, bidirectional=bidirectional)
        row: list[Layer] = []
        for number in range(1, layers + 1):
            if row and dropout_ratio:
                row.append(Dropout(dropout_ratio, rng))
            kept = return_sequences or number < layers
            width = inputs if number == 1 else (2 if bidirectional else 1) * hidden
            one, *other = [
                cls.create(width, hidden, return_sequences=kept, reverse=reverse, rng=rng, **options)
                for reverse in ((False, True) if bidirectional else (False,))
            ]
            row.append(Concat(one, *other, axis=-1) if other else one)
        return Chain(*row)

    @classmethod
    def _others(cls, hidden: int, b: Array | None, options: Mapping[str, Any]) -> tuple[Array | None, ...]:  # noqa: ARG003
        """Return the first values of the parameters besides Wx and Wh; a bias is ``b``, zeros or None."""
        return (b,)

    @classmethod
    def reorder(cls, array: Array, before: str, after: str | None = None) -> Array:
        """Return Wx, Wh or a bias with the blocks of its gates, in the order ``before``, in the order ``after``.

        ``after`` is the order of the layer unless it is given.

        Shapes: ``array (..., gates H)``, as the result.
        Raises: ``ArgumentError`` for an order that does not consist of the gates; ``ShapeError`` for another width.
        """
        who, columns, gates, after = f"{cls.__name__}.reorder", array.shape[-1], len(cls.order), after or cls.order
        for name, order in (("before", before), ("after", after)):
            if sorted(order) != sorted(cls.order):
                must, remedy = f"{name} must be an order of {', '.join(cls.order)}", f'try "{cls.order}"'
                raise ArgumentError(who, must, repr(order), remedy)
        if columns % gates:
            must = f"the last axis must be {gates} blocks of H columns"
            raise ShapeError(who, must, columns, "give it Wx, Wh or a bias")
        H = columns // gates
        blocks = [array[..., H * at : H * (at + 1)] for at in map(before.index, after)]
        return array_namespace(array).concat(blocks, axis=-1)  # type: ignore[no-any-return]


def in_one(steps: list[Array]) -> Array:
    """Return the rows of all steps, ``L of (N, M) -> (L N, M)``."""
    return array_namespace(*steps).concat(steps, axis=0)  # type: ignore[no-any-return]
