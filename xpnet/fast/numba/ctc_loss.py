"""CTC in compiled loops over the steps of each sample, which threads share."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet.fast.numba.compiler import compiled
from xpnet.fast.numba.threads import shared
from xpnet.fast.numpy import ctc_loss
from xpnet.fast.numpy.blocks import Host
from xpnet.layers.bodies import body
from xpnet.layers.ctc_loss import NEVER, CTCLoss

WORK = 50  # multiplications in whose time a place of a step is computed
FEW = 1500  # places of all samples beyond which NumPy's exponential, which is vectorized, outweighs its calls


@body("numba", CTCLoss)
class BothPartsOfEachSample(ctc_loss.BothPartsInOneLoop):
    """CTC by compiled loops over the steps of each sample."""

    def parts(self, own: Any, jumps: Host, last: Host) -> tuple[Host, Host]:
        (N, L, _), P = own.logy.shape, last.shape[1]
        if N * P > FEW:
            return super().parts(own, jumps, last)
        logy, steps = np.ascontiguousarray(own.logy), np.add.reduce(own.inside, axis=1)
        alpha, beta = np.empty((2, L, N, P), logy.dtype)

        def run(first: int, end: int) -> None:
            both_parts(logy, own.l, steps, jumps, last, alpha, beta, first, end)

        shared(N, 2 * N * L * P * WORK, run)
        return alpha, beta


@compiled
def both_parts(
    logy: Host, labels: Host, steps: Host, jumps: Host, last: Host, alpha: Host, beta: Host, first: int, end: int
) -> None:
    """Write log α and log β of some samples; beyond the end of a row they stay as they are."""
    (L, _, P), dtype = alpha.shape, logy.dtype
    never, zero = dtype.type(NEVER), dtype.type(0)
    z, sums = np.full((2, P + 2), never, dtype), np.empty((2, P), dtype)
    for n in range(first, end):
        at, jump = labels[n], jumps[n]
        for s in range(P):
            alpha[0, n, s] = logy[n, 0, at[s]] if steps[n] and s < 2 else never
            beta[L - 1, n, s] = zero if last[n, s] else never
        if not steps[n]:
            alpha[0, n, 0] = zero
        for step in range(1, L):
            back = L - step
            a, b = alpha[step], beta[back - 1]
            for s in range(P):
                z[0, s + 2] = alpha[step - 1, n, s]
                z[1, P + 1 - s] = max(beta[back, n, s] + logy[n, back, at[s]], never)
            for way in range(2):
                for s in range(P):
                    jumping = jump[s] if way == 0 else s > 1 and jump[P + 1 - s]
                    stay, one, two = z[way, s + 2], z[way, s + 1], z[way, s]
                    most = max(stay, one)
                    if jumping:
                        most = max(most, two)
                    total = np.exp(stay - most) + np.exp(one - most)
                    if jumping:
                        total += np.exp(two - most)
                    sums[way, s] = np.log(total) + most
            for s in range(P):
                a[n, s] = max(sums[0, s] + logy[n, step, at[s]], never) if step < steps[n] else alpha[step - 1, n, s]
                b[n, s] = sums[1, P - 1 - s] if back < steps[n] else beta[back, n, s]
