"""The comparison of analytic and numeric derivatives, element by element: equal, on a kink, or wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from xpnet.gradcheck.numerical import Evaluate, Host, differences, halved

KINKS_AT_MOST = 256
ROUNDING = 100.0
COARSE = 0.1
SUSPICIOUS = 4.0
LARGER = {2.0**-52: 64.0, 2.0**-23: 4.0}  # rounding -> the factor of a longer step, which rounding affects less


@dataclass(frozen=True)
class Comparison:
    """Derivatives by backward and by differences, their distance, and the elements where they disagree.

    ``blind`` marks elements where rounding in f hides its change, so that any derivative of this size would agree.
    """

    analytic: Host
    numeric: Host
    difference: Host
    relative: Host
    failed: Host
    kinked: Host
    blind: Host

    @classmethod
    def of_exact(cls, analytic: Host, numeric: Host, tolerance: float) -> Comparison:
        """Return a comparison with derivatives that carry no error of their own."""
        difference, relative = distances(analytic, numeric)
        none = np.zeros(difference.shape, dtype=bool)
        return cls(analytic, numeric, difference, relative, ~(relative <= tolerance), none, none)


def distances(analytic: Host, numeric: Host) -> tuple[Host, Host]:
    """Return absolute and relative differences, ``|a - n|`` and ``|a - n| / max(|a|, |n|, rms n)``."""
    difference = np.abs(analytic - numeric)
    largest = float(np.max(np.abs(numeric), initial=0.0))
    scale = largest * float(np.sqrt(np.mean((numeric / largest) ** 2))) if largest > 0.0 else 0.0
    larger = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), scale)
    return difference, np.divide(difference, larger, out=np.zeros_like(difference), where=larger != 0.0)


def compare(
    evaluate: Evaluate, indices: Host, steps: Host, analytic: Host, eps: float, tolerance: float, least: Host
) -> Comparison:
    """Compare derivatives, ``|a - n| ≤ tolerance max(|a|, |n|, rms n)`` or below the noise of rounding.

    Those that differ only by rounding have no relative difference.
    Where the derivatives from the left and from the right differ however small the step, there is no derivative to
    compare with: a kink. Where rounding hides the derivative, a longer step is tried.
    """
    numeric, noise, error = differences(evaluate, indices, steps, eps, least)

    def judged() -> tuple[Host, Host, Host, Host]:
        difference, relative = distances(analytic, numeric)
        even = (difference <= ROUNDING * noise) & np.isfinite(noise)
        return difference, relative, even, even & (relative > max(tolerance, COARSE))

    difference, relative, even, unclear = judged()
    # more than rounding makes of a derivative of 0, unless f itself is huge
    claimed = np.abs(analytic) > np.minimum(ROUNDING * noise * steps, math.sqrt(eps))
    again = np.flatnonzero(unclear & (claimed | (np.abs(numeric) > SUSPICIOUS * noise)))
    if again.size and eps in LARGER:
        farther, its_noise, its_error = halved(evaluate, indices[again], steps[again] * LARGER[eps], eps)
        settled = (its_error <= ROUNDING * its_noise) | (its_error <= COARSE * np.abs(farther))
        known = again[settled]
        numeric[known], noise[known], error[known] = farther[settled], its_noise[settled], its_error[settled]
        noise[known] += its_error[settled] / ROUNDING
        difference, relative, even, unclear = judged()
    blind = unclear & claimed
    failed = ~((relative <= tolerance) | even)
    relative[even & (relative > tolerance)] = 0.0  # such as between 0 and the rounding error of a derivative of 0
    # no step resolves a kink so near: the difference is no larger than between a step and its half
    kinked = failed & (error > ROUNDING * noise) & (difference <= 4.0 * error)
    for element in np.flatnonzero(failed & ~kinked)[:KINKS_AT_MOST]:
        low, high = one_sided(evaluate, indices[element], float(steps[element]), eps)
        slack = tolerance * max(abs(low), abs(high))
        kinked[element] = low < high and low - slack <= analytic[element] <= high + slack
    return Comparison(analytic, numeric, difference, relative, failed & ~kinked, kinked, blind)


def one_sided(evaluate: Evaluate, index: int, step: float, eps: float) -> tuple[float, float]:
    """Return the derivatives from the two sides, smaller first; equal where the function is smooth."""
    near, nearer = step / 64.0, step / 1024.0
    moves = np.asarray([[-near, -nearer, 0.0, nearer, near]])
    values = evaluate(np.asarray([index]), moves)[0]
    far_left, left, here, right, far_right = values
    gap = abs((right - here) - (here - left)) / nearer
    far_gap = abs((far_right - here) - (here - far_left)) / near
    noise = eps * float(np.max(np.abs(values))) / nearer
    if gap > 0.5 * far_gap and gap > ROUNDING * noise:
        sides = sorted(((here - left) / nearer, (right - here) / nearer))
        return sides[0], sides[1]
    return 0.0, 0.0
