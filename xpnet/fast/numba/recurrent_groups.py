"""The base of compiled bodies of recurrent layers: one loop over all steps, and the products of all steps at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from xpnet.fast.numba.products import packed
from xpnet.fast.numba.recurrent_loops import LANES
from xpnet.fast.numba.threads import shared, undisturbed
from xpnet.fast.numpy.blocks import Host, of_one, workspace
from xpnet.fast.numpy.steps import FeaturesFirst, padding


class InGroups(FeaturesFirst):
    """A recurrent layer whose steps are one compiled loop each way, where the batch is large enough for its vectors."""

    loop: Callable[..., None]
    loop_back: Callable[..., None]
    grouped = False

    def weights(self) -> tuple[Host, ...]:
        """Return the left matrices of the products of a step."""
        raise NotImplementedError

    def write_gradients(self, x: Host, hs: Host, das: Host) -> None:
        """Write the gradients of the parameters from x, the states before each step and the derivatives, as rows."""
        raise NotImplementedError

    def through_x(self, das: Host) -> Host:
        """Return the rows of dx."""
        raise NotImplementedError

    def forward(self, x: Host, mask: Host | None = None, *states: Host | None) -> Any:
        layer = self.layer
        fits = x.ndim == 3 and x.shape[2] == len(layer.Wx)
        self.grouped = fits and in_vectors(x, *layer.parameter_arrays().values())
        if not self.grouped:
            return super().forward(x, mask, *states)
        (N, L, _), H, groups = x.shape, len(layer.Wh), -(-len(x) // LANES)
        before, padded = self.first_states((N, H), x.dtype, states), padding(x, mask)
        if before is None or padded is NotImplemented:
            return NotImplemented
        last = [state.copy() for state in before]
        x = np.ascontiguousarray(x)
        if padded is not None:
            x = np.where(padded.T[:, :, None], np.zeros((), x.dtype), x)  # what is there may be anything
        padded = in_order(padded, layer.reverse)
        y = np.empty((N, L, H) if layer.return_sequences else 0, x.dtype)
        hs = np.empty((N, L, H) if self.training else 0, x.dtype)
        kept = np.empty((groups, L if self.training else 1, 5 * H * LANES), x.dtype)
        cells = [np.empty((groups, L + 1, H * LANES), x.dtype) for _ in before[1:]]
        weights = tuple([packed(W) for W in self.weights()])
        flat = x.reshape(-1), y.reshape(-1), hs.reshape(-1)
        run = partial(type(self).loop, weights, *flat, kept, *cells, *last, padded, layer.reverse, L)
        shared(groups, x.size * len(layer.Wh.T), run)
        self.cache = x, hs, kept, cells, padded
        if layer.stateful and layer.training and self.training:
            for name, state in zip(layer.state, last, strict=True):
                setattr(layer, name, state)
        if not layer.return_sequences:
            y = last[0]
        return (y, *last) if layer.return_state else y

    def backward(self, dout: Any, *dstates: Any) -> Any:
        if not self.grouped:
            return super().backward(dout, *dstates)
        layer, (x, hs, kept, cells, padded) = self.layer, self.cache
        (N, L, D), H, dtype = x.shape, len(layer.Wh), x.dtype
        states = [np.zeros((N, H), dtype) for _ in layer.state]
        for own, given in zip(states, dstates, strict=False):
            own += np.asarray(given, dtype)
        douts = np.empty(0, dtype)
        if layer.return_sequences:
            douts = np.ascontiguousarray(np.broadcast_to(dout, (N, L, H)), dtype)
        else:
            states[0] += np.broadcast_to(dout, (N, H))
        das = workspace("derivatives of steps", (N * L, 4 * H), dtype)
        told = packed(layer.Wh), douts.reshape(-1), das.reshape(-1), kept, *cells, *states, padded, layer.reverse
        shared(len(kept), x.size * len(layer.Wh.T), partial(type(self).loop_back, *told))
        if self.trains:
            self.write_gradients(x.reshape(N * L, D), hs.reshape(N * L, H), das)
        dx = self.through_x(das).reshape(x.shape) if self.needs_dx else None
        return (dx, *states) if layer.return_state else dx


def in_vectors(x: Host, *parameters: Host) -> bool:
    """Return whether a loop over all steps is faster: the samples of a batch fill most of its vectors."""
    filled = len(x) / (-(-len(x) // LANES) * LANES or 1)
    fits = x.dtype == np.float32 and x.size > 0 and filled > 0.6 and of_one(x, *parameters)
    return bool(fits and undisturbed())


def in_order(padded: Host | None, reverse: bool) -> Host:
    """Return True where samples are padded, in the order of reading, or an empty array if none is."""
    if padded is None:
        return np.zeros((0, 0), bool)
    return np.ascontiguousarray(padded[::-1] if reverse else padded)
