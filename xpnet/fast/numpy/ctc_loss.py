"""CTC on NumPy: the equations of the layer, whose recursions over the steps run as a body computes them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from xpnet.fast.numpy.blocks import Host, of_one
from xpnet.layers.bodies import Body, body
from xpnet.layers.ctc_loss import NEVER, CTCLoss


@body("numpy", CTCLoss)
class BothPartsInOneLoop(Body):
    """CTC by one loop over the steps: β is computed as the α of steps and labels in reverse order, beside α.

    A copy of the layer applies everything else.
    """

    def forward(self, x: Host, t: Host, *others: Any) -> Any:
        if not of_one(x):
            return NotImplemented
        own = self.layer.copy()
        own.parts = partial(self.parts, own)
        loss = own.forward(x, t, *others)
        del own.parts  # a circle, which would keep the arrays
        if self.training:
            self.layer.counted, self.cache = own.counted, own
        return loss

    def backward(self, dout: Any) -> Any:
        return self.cache.backward(dout)

    def parts(self, own: Any, jumps: Host, last: Host) -> tuple[Host, Host]:
        """Return log α and log β of each step, ``(L, N, 2S + 1)``."""
        (N, L, K), P, dtype = own.logy.shape, last.shape[1], own.logy.dtype
        at = (np.arange(N)[:, None] * K + own.l).reshape(-1)
        logs = own.logy.transpose(1, 0, 2).reshape(L, N * K).take(at, axis=1).reshape(L, N, P)
        alpha, beta = np.empty_like(logs), np.empty_like(logs)
        inside = None if own.inside.all() else own.inside
        alpha[0] = own.first_parts(logs[:1], jumps)[0]
        beta[-1] = np.where(last, dtype.type(0), dtype.type(NEVER))
        z = np.full((2, N, P + 2), NEVER, dtype)
        free = np.full((2, N, P), NEVER, dtype)  # added to what no jump leads to
        free[0][jumps] = free[1][:, ::-1][:, :-2][jumps[:, 2:]] = 0.0
        moves, most = np.empty((3, 2, N, P), dtype), np.empty((2, N, P), dtype)
        before, after = z[0, :, 2:], z[1, :, :1:-1]
        before[:] = alpha[0]
        for step, back in zip(range(1, L), range(L - 1, 0, -1), strict=True):
            np.add(beta[back], logs[back], out=after)
            np.maximum(after, NEVER, out=after)
            np.add(z[:, :, :-2], free, out=moves[2])
            np.maximum(z[:, :, 2:], z[:, :, 1:-1], out=most)
            np.maximum(most, moves[2], out=most)
            np.subtract(z[:, :, 2:], most, out=moves[0])
            np.subtract(z[:, :, 1:-1], most, out=moves[1])
            moves[2] -= most
            np.exp(moves, out=moves)
            total = np.add.reduce(moves, axis=0)
            np.log(total, out=total)
            total += most
            a, b = alpha[step], beta[back - 1]
            np.add(total[0], logs[step], out=a)
            np.maximum(a, NEVER, out=a)
            b[:] = total[1, :, ::-1]
            if inside is not None:
                np.copyto(a, before, where=~inside[:, step : step + 1])
                np.copyto(b, beta[back], where=~inside[:, back : back + 1])
            before[:] = a
        return alpha, beta
