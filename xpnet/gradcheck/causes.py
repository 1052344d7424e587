"""What a wrong gradient tells of its cause."""

from __future__ import annotations

import numpy as np

from xpnet.gradcheck.numerical import Host
from xpnet.gradcheck.subjects import Target


def wrong_shape(got: tuple[int, ...] | None, wanted: tuple[int, ...]) -> str:
    """The likely cause of a gradient that is missing or has another shape than its array."""
    if got is None:
        return "backward leaves it out: it must set dW for each parameter W and return dx for each input"
    if got == wanted[::-1]:
        return f"its shape is {got} and not {wanted}: a transposed product"
    return f"its shape is {got} and not {wanted}: a sum over the wrong axis, or broadcasting not undone"


def wrong_values(analytic: Host, numeric: Host, target: Target) -> list[str]:
    """The patterns in which the values are wrong.

    Shapes: ``analytic`` and ``numeric`` as the target's array.
    """
    if not np.all(np.isfinite(analytic)):
        return ["backward gives NaN or infinity"]
    if not np.all(np.isfinite(numeric)):
        return ["forward gives NaN or infinity on both sides: there is nothing to compare with"]
    found = []
    if not analytic.any():
        found.append("backward gives zero everywhere")
    elif numeric.any():
        scaled = numeric / np.max(np.abs(numeric))
        ratio = float(np.vdot(analytic, scaled) / np.vdot(scaled, scaled) / np.max(np.abs(numeric)))
        if abs(ratio - 1.0) > 1e-3 and close(analytic, ratio * numeric):
            found.append(constant_factor(ratio, target.batch))
    dout = target.dout
    transposed = numeric.ndim == 2 and numeric.shape[0] == numeric.shape[1] and close(analytic, numeric.T)
    if dout is not None and dout.ndim == 2:
        square = [W for W in target.parameters if W.shape == (dout.shape[1], dout.shape[1])]
        transposed |= any(close(analytic, dout @ W) and close(numeric, dout @ W.T) for W in square)
        if dout.shape[:1] == analytic.shape and close(analytic, dout.sum(axis=1)):
            found.append("dout is summed over axis 1: the wrong axis in the bias sum, which is axis 0")
    if transposed:
        found.append("it is that of the transposed matrix: a transposed product")
    return found


def constant_factor(ratio: float, batch: int) -> str:
    """What a gradient means that is wrong by one factor everywhere."""
    if batch > 1 and np.isclose(ratio, batch, rtol=1e-3):
        return f"it is {batch} times too large everywhere: a missing division by the batch size"
    if batch > 1 and np.isclose(ratio * batch, 1.0, rtol=1e-3):
        return f"it is {batch} times too small everywhere: a division by the batch size too many"
    if np.isclose(ratio, -1.0, rtol=1e-3):
        return "its sign is wrong everywhere"
    return f"it is {ratio:.4g} times the right one everywhere: a constant factor (an ignored or doubled dout?)"


def close(one: Host, other: Host) -> bool:
    """Equal to one part in a thousand of the largest value."""
    if one.shape != other.shape:
        return False
    scale = float(np.max(np.abs(other), initial=0.0))
    return scale > 0.0 and bool(np.max(np.abs(one - other)) <= 1e-3 * scale)
