"""The base of NumPy's bodies of recurrent layers: one product and a few passes in place for each step.

Features come first, ``(4H, L N)``, so that each gate of a step is one piece of memory, and the product of a step is
the one that BLAS does best; all other products are those of all steps at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one, workspace
from xpnet.layers.bodies import Body


class Moment(NamedTuple):
    """The arrays of one step: the state before and after it, what it keeps for its backward, and its two cells."""

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
    """A recurrent layer in all its options, whose states are side by side, ``(H, (L + 1) N)``.

    A sigmoid is ``(1 + tanh(u / 2)) / 2``: ``halved`` are the blocks of columns whose half is taken in the weights, so
    that all gates are one tanh. ``kept`` is the number of blocks that a step keeps, ``derived`` that of the derivatives
    that its backward writes.
    """

    halved: tuple[int, ...] = ()
    kept = 0
    derived = 1

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
        inputs = np.empty((D + 1, L, N), x.dtype)
        inputs[:D], inputs[D] = self.in_order(x.transpose(2, 1, 0)), 1.0
        if padded is not None:
            inputs[:D, padded] = 0.0
        inputs = inputs.reshape(D + 1, L * N)
        WxT, WhT = self.transposed()
        a = np.matmul(WxT, inputs, out=workspace("contributions of x", (len(WxT), L * N), x.dtype))
        hs, kept = np.empty((H, (L + 1) * N), x.dtype), np.empty((L if self.training else 1, self.kept * H, N), x.dtype)
        cells = np.empty((L + 1, H if before[1:] else 0, N), x.dtype)
        hs[:, :N] = before[0].T
        for cell in before[1:]:
            cells[0] = cell.T
        u = np.empty((len(WhT), N), x.dtype)
        for t in range(L):
            m = self.moment(t, hs, kept, cells)
            np.matmul(WhT, m.before, out=u)
            self.step(u, a[:, t * N : (t + 1) * N], m)
            if padded is not None:
                m.h[:, padded[t]], m.c[:, padded[t]] = m.before[:, padded[t]], m.cell[:, padded[t]]
        self.cache = inputs, hs, kept, cells, padded
        return self.leaving(hs, cells, padded)

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

    def moment(self, t: int, hs: Host, kept: Host, cells: Host) -> Moment:
        """Return the arrays of a step; in inference the same ones are kept for each."""
        N = kept.shape[2]
        before, h = hs[:, t * N : (t + 1) * N], hs[:, (t + 1) * N : (t + 2) * N]
        return Moment(before, h, kept[t if len(kept) > 1 else 0], cells[t], cells[t + 1])

    def in_order(self, steps: Host) -> Host:
        """Return a view of steps, which are the second axis, in the order of reading, or back."""
        return steps[:, ::-1] if self.layer.reverse else steps

    def transposed(self) -> tuple[Host, Host]:
        """Return Wx with b as its last row, and Wh, both transposed."""
        layer, H = self.layer, len(self.layer.Wh)
        return transposed(layer.Wx, layer.b, H, self.halved), transposed(layer.Wh, None, H, self.halved)

    def leaving(self, hs: Host, cells: Host, padded: Host | None) -> Any:
        """Return the output, and keep the last states where the layer does."""
        layer, L, N, H = self.layer, len(cells) - 1, cells.shape[2], len(hs)
        last = [np.ascontiguousarray(state.T) for state in (hs[:, L * N :], cells[L])][: len(layer.state)]
        if layer.stateful and layer.training and self.training:
            for name, state in zip(layer.state, last, strict=True):
                setattr(layer, name, state)
        y = last[0]
        if layer.return_sequences:
            y = np.empty((N, L, H), hs.dtype)
            self.in_order(y)[...] = hs[:, N:].reshape(H, L, N).transpose(2, 1, 0)
            if padded is not None:
                self.in_order(y)[padded.T] = 0.0
        return (y, *last) if layer.return_state else y

    def backward(self, dout: Any, *dstates: Any) -> Any:
        layer, (inputs, hs, kept, cells, padded) = self.layer, self.cache
        L, _, N = kept.shape
        H, D, dtype = len(hs), len(inputs) - 1, hs.dtype
        d = Carried(*(np.zeros((H, N), dtype) for _ in range(3)))
        for own, given in zip((d.dh, d.dc), dstates, strict=False):
            own += np.asarray(given, dtype).T
        dhs = self.upstream(dout, d.dh, (N, L, H), padded)
        das = workspace("derivatives of steps", (self.derived * H, L * N), dtype)
        Wh = np.ascontiguousarray(layer.Wh)
        for t in reversed(range(L)):
            if dhs is not None:
                d.dh[...] += dhs[t]
            around = None if padded is None else (d.dh[:, padded[t]], d.dc[:, padded[t]])
            da, du = self.step_back(self.moment(t, hs, kept, cells), d, das[:, t * N : (t + 1) * N])
            if around is not None:
                da[:, padded[t]] = du[:, padded[t]] = d.passed[:, padded[t]] = 0.0
            np.matmul(Wh, du, out=d.dh)
            self.beside(d)
            if around is not None:
                d.dh[:, padded[t]], d.dc[:, padded[t]] = around
        if self.trains:
            self.gradients(inputs, hs[:, : L * N], das)
        dx = None
        if self.needs_dx:
            dx = np.empty((N, L, D), dtype)
            self.in_order(dx)[...] = self.through_inputs(das).reshape(D, L, N).transpose(2, 1, 0)
        first = [np.ascontiguousarray(own.T) for own in (d.dh, d.dc)][: len(layer.state)]
        return (dx, *first) if layer.return_state else dx

    def upstream(self, dout: Any, dh: Host, shape: tuple[int, ...], padded: Host | None) -> Host | None:
        """Return dout of each step, ``(L, H, N)``; or None, after that of the last state was added to ``dh``."""
        N, _, H = shape
        if not self.layer.return_sequences:
            dh += np.broadcast_to(dout, (N, H)).T
            return None
        dhs = np.ascontiguousarray(self.in_order(np.broadcast_to(dout, shape)).transpose(1, 2, 0))
        if padded is not None:
            dhs.transpose(0, 2, 1)[padded] = 0.0
        return dhs

    def step(self, u: Host, a: Host, m: Moment) -> None:
        """Write h, c and what is kept, given the product of the state before and that of x."""
        raise NotImplementedError

    def step_back(self, m: Moment, d: Carried, das: Host) -> tuple[Host, Host]:
        """Write and return the derivatives of the products of x and of h, and make ``dc`` that of the step before."""
        raise NotImplementedError

    def beside(self, d: Carried) -> None:
        """Add to ``dh`` what passes by the product; nothing here."""

    def gradients(self, inputs: Host, hs: Host, das: Host) -> None:
        """Write the gradients of the parameters on the layer."""
        layer = self.layer
        of_inputs = inputs @ das.T
        layer.dWx, layer.db, layer.dWh = of_inputs[:-1], of_inputs[-1], hs @ das.T

    def through_inputs(self, das: Host) -> Host:
        """Return the derivative by x, features first."""
        dx: Host = self.layer.Wx @ das
        return dx


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


def transposed(W: Host, b: Host | None, H: int, halved: tuple[int, ...]) -> Host:
    """Return W, and b as its last row, transposed in C order, with half of the blocks of columns that are sigmoids."""
    rows, columns = W.shape
    made = np.empty((columns, rows + (b is not None)), W.dtype)
    made[:, :rows] = W.T
    if b is not None:
        made[:, rows] = b
    for block in halved:
        made[H * block : H * (block + 1)] *= 0.5
    return made
