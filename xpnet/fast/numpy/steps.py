"""The base of NumPy's bodies of recurrent layers: one product and a few passes in place for each step.

Features come first, ``(4H, L N)``, so that each gate of a step is one piece of memory, and the product of a step is
the one that BLAS does best; all other products are those of all steps at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one, workspace
from xpnet.layers.bodies import Body

STRIP = 8  # columns of arrays that are turned at a time


class Moment(NamedTuple):
    """The arrays of one step: x, 1 and h side by side, h before and after, what is kept, the cell before and after."""

    z: Host
    before: Host
    h: Host
    kept: Host
    cell: Host
    c: Host


class Carried(NamedTuple):
    """The derivatives that go from step to step, by h and by the cell, and what passes by the product of a step."""

    dh: Host
    dc: Host
    passed: Host


class FeaturesFirst(Body):
    """A recurrent layer in all its options, over x, 1 and h of all steps side by side, ``(D + 1 + H, (L + 1) N)``.

    The derivatives of a step are written by ``step_back`` and put beside those of the others. A sigmoid is
    ``(1 + tanh(u / 2)) / 2``: ``halved`` are the blocks of columns whose half is taken in the weights, so that all
    gates are one tanh. ``kept`` is the number of blocks that a step keeps, ``derived`` that of its derivatives.
    """

    halved: tuple[int, ...] = ()
    kept = 0
    derived = 1
    with_x = True
    """Whether the products of x and of h have the same derivative, and so one product of a step."""
    W: Any

    @classmethod
    def made_for(cls, *layers: Any) -> bool:
        return bool(layers[0].recurrent_dropout == 0.0)

    def forward(self, x: Host, mask: Host | None = None, *states: Host | None) -> Any:
        layer = self.layer
        if x.ndim != 3 or not x.size or not of_one(x, *layer.parameter_arrays().values()):
            return NotImplemented
        (N, L, D), H = x.shape, len(layer.Wh)
        before, padded = self.first_states((N, H), x.dtype, states), padding(x, mask)
        if before is None or padded is NotImplemented:
            return NotImplemented
        if padded is not None and layer.reverse:
            padded = padded[::-1]
        z = np.empty((D + 1 + H, L + 1, N), x.dtype)
        copy_turned(z[:D, :L], self.in_order(x.transpose(2, 1, 0)))
        z[D], z[D + 1 :, 0] = 1.0, before[0].T
        z[:D, L] = 0.0  # of no step, but in the products of all of them
        if padded is not None:
            z[:D, :L][:, padded] = 0.0
        kept = np.empty((L if self.training else 1, self.kept * H, N), x.dtype)
        cells = np.empty((L + 1, H if before[1:] else 0, N), x.dtype)
        for cell in before[1:]:
            cells[0] = cell.T
        self.prepare(z, D)
        for t in range(L):
            m = self.moment(t, z, kept, cells)
            self.step(t, m)
            if padded is not None:
                m.h[:, padded[t]], m.c[:, padded[t]] = m.before[:, padded[t]], m.cell[:, padded[t]]
        self.cache = z, kept, cells, padded
        return self.leaving(z[D + 1 :], cells, padded)

    def first_states(self, shape: tuple[int, ...], dtype: Any, given: tuple[Host | None, ...]) -> list[Host] | None:
        """Return the states before the first step, or None if one does not fit."""
        found: list[Host] = []
        layer = self.layer
        for name, state in zip(layer.state, (*given, None, None), strict=False):
            kept = getattr(layer, name) if state is None and layer.stateful else None
            if state is None:
                state = np.zeros(shape, dtype) if kept is None else kept.astype(dtype, copy=False)
            if state.shape != shape or state.dtype != dtype:
                return None
            found.append(state)
        return found

    def moment(self, t: int, z: Host, kept: Host, cells: Host) -> Moment:
        """Return the arrays of a step; in inference the same ones are kept for each."""
        H = len(self.layer.Wh)
        return Moment(z[:, t], z[-H:, t], z[-H:, t + 1], kept[t if len(kept) > 1 else 0], cells[t], cells[t + 1])

    def in_order(self, steps: Host) -> Host:
        """Return a view of steps, which are the second axis, in the order of reading, or back."""
        return steps[:, ::-1] if self.layer.reverse else steps

    def leaving(self, hs: Host, cells: Host, padded: Host | None) -> Any:
        """Return the output, and keep the last states where the layer does."""
        layer, (H, steps, N) = self.layer, hs.shape
        last = [np.ascontiguousarray(state.T) for state in (hs[:, -1], cells[-1])][: len(layer.state)]
        if layer.stateful and layer.training and self.training:
            for name, state in zip(layer.state, last, strict=True):
                setattr(layer, name, state)
        y = last[0]
        if layer.return_sequences:
            y = np.empty((N, steps - 1, H), hs.dtype)
            copy_turned(self.in_order(y), hs[:, 1:].transpose(2, 1, 0))
            if padded is not None:
                self.in_order(y)[padded.T] = 0.0
        return (y, *last) if layer.return_state else y

    def backward(self, dout: Any, *dstates: Any) -> Any:
        layer, (z, kept, cells, padded) = self.layer, self.cache
        (L, _, N), H, dtype = kept.shape, len(layer.Wh), z.dtype
        D = len(z) - 1 - H
        dz = np.zeros(((D if self.needs_dx and self.with_x else 0) + H, N), dtype)
        d = Carried(dz[-H:], np.zeros((H, N), dtype), np.zeros((H, N), dtype))
        for own, given in zip((d.dh, d.dc), dstates, strict=False):
            own += np.asarray(given, dtype).T
        dhs = self.upstream(dout, d.dh, (N, L, H), padded)
        das = workspace("derivatives of steps", (self.derived * H, (L + 1) * N), dtype)
        da = np.empty((self.derived * H, N), dtype)
        dxs = np.empty((D, L, N), dtype) if self.needs_dx else None
        self.prepare_back(D)
        for t in reversed(range(L)):
            if dhs is not None:
                d.dh[...] += dhs[t]
            at = None if padded is None else padded[t]
            around = None if at is None else (d.dh[:, at], d.dc[:, at])
            self.step_back(self.moment(t, z, kept, cells), d, da)
            if at is not None:
                da[:, at] = d.passed[:, at] = 0.0
            das[:, t * N : (t + 1) * N] = da
            self.through_products(da, d, dz, None if dxs is None else dxs[:, t])
            if around is not None:
                d.dh[:, at], d.dc[:, at] = around
        if self.trains:
            self.gradients(z.reshape(len(z), -1)[:, : L * N], das[:, : L * N], D)
        dx = None
        if dxs is not None:
            dx = np.empty((N, L, D), dtype)
            copy_turned(self.in_order(dx), dxs.transpose(2, 1, 0))
        first = [np.ascontiguousarray(own.T) for own in (d.dh, d.dc)][: len(layer.state)]
        return (dx, *first) if layer.return_state else dx

    def upstream(self, dout: Any, dh: Host, shape: tuple[int, ...], padded: Host | None) -> Host | None:
        """Return dout of each step, ``(L, H, N)``; or None, after that of the last state was added to ``dh``."""
        N, _, H = shape
        if not self.layer.return_sequences:
            dh += np.broadcast_to(dout, (N, H)).T
            return None
        dhs = np.empty((shape[1], H, N), self.cache[0].dtype)
        copy_turned(dhs, self.in_order(np.broadcast_to(dout, shape)).transpose(1, 2, 0))
        if padded is not None:
            dhs.transpose(0, 2, 1)[padded] = 0.0
        return dhs

    def prepare(self, z: Host, D: int) -> None:  # noqa: ARG002
        """Make the weights of a step, and what can be computed for all steps at once."""
        layer, H = self.layer, len(self.layer.Wh)
        self.W = transposed(np.concatenate([layer.Wx, one_row(layer.b, layer.Wx), layer.Wh]), H, self.halved)
        self.u = np.empty((len(self.W), z.shape[2]), z.dtype)

    def prepare_back(self, D: int) -> None:  # noqa: ARG002
        """Make the weights of the backward of a step: those of x as well where its derivative is needed."""
        layer = self.layer
        self.W = np.concatenate([layer.Wx, layer.Wh]) if self.needs_dx else np.ascontiguousarray(layer.Wh)

    def step(self, t: int, m: Moment) -> None:
        """Write h, c and what is kept."""
        raise NotImplementedError

    def step_back(self, m: Moment, d: Carried, da: Host) -> None:
        """Write the derivatives of the products of a step, and make ``dc`` that of the step before."""
        raise NotImplementedError

    def through_products(self, da: Host, d: Carried, dz: Host, dx: Host | None) -> None:  # noqa: ARG002
        """Write the derivatives by h, in ``d``, which is the end of ``dz``, and by x of a step."""
        np.matmul(self.W, da, out=dz)
        if dx is not None:
            dx[...] = dz[: len(dx)]

    def gradients(self, z: Host, das: Host, D: int) -> None:
        """Write the gradients of the parameters on the layer, one product of all steps."""
        layer, dW = self.layer, z @ das.T
        layer.dWx, layer.db, layer.dWh = dW[:D], dW[D], dW[D + 1 :]


def padding(x: Host, mask: Host | None) -> Any:
    """Return True where rows are padded, ``(L, N)``; None if none is; NotImplemented for a mask that does not fit."""
    if mask is None:
        return None
    N, L, _ = x.shape
    if mask.dtype.kind in "iu" and mask.shape == (N,):
        if mask.min() < 0 or mask.max() > L:
            return NotImplemented
        padded = np.arange(L)[:, None] >= mask
    elif mask.dtype == bool and mask.shape == (N, L):
        padded = ~mask.T
    else:
        return NotImplemented
    return padded if padded.any() else None


def one_row(b: Any, W: Host) -> Host:
    """Return a bias as a row below W, zeros where the layer has none."""
    return np.broadcast_to(np.asarray(b, W.dtype), (1, W.shape[1]))


def copy_turned(y: Host, x: Host) -> None:
    """Copy x, whose axes lie in memory in another order, a few columns at a time, whose lines stay in a cache."""
    for first in range(0, y.shape[-1], STRIP):
        at = (..., slice(first, first + STRIP))
        y[at] = x[at]


def transposed(W: Host, H: int, halved: tuple[int, ...] = ()) -> Host:
    """Return W transposed in C order, with half of the blocks of columns that are sigmoids."""
    made = np.empty(W.shape[::-1], W.dtype)
    copy_turned(made, W.T)
    for block in halved:
        made[H * block : H * (block + 1)] *= 0.5
    return made
