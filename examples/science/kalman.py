"""The likelihood of a Kalman filter, differentiated through all its steps, finds the noise of a random walk.

``python kalman.py [FILE.svg]``. Prints the standard deviations of the steps and of the observations, and the true ones;
draws the walk, what was seen of it, and what the filter makes of that.
"""

import argparse

import numpy as np
from scipy.optimize import minimize

import xpnet as xn
from xpnet.drawing import Panel, plot

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("file", nargs="?", metavar="FILE.svg", default="kalman.svg")
file = parser.parse_args().file

STEP, SEEN = 0.3, 0.8
rng = np.random.default_rng(0)
walk = np.cumsum(STEP * rng.standard_normal(400))
observed = walk + SEEN * rng.standard_normal(400)


def kalman_filter(log_deviations):
    """The means, and ½ Σ (log S + v² / S) over the innovations v and their variances S."""
    q, r = np.exp(2.0 * log_deviations)
    mean, variance, total, means = 0.0, 1.0, 0.0, []
    for y in observed:
        variance = variance + q
        s = variance + r
        innovation = y - mean
        gain = variance / s
        mean, variance = mean + gain * innovation, (1.0 - gain) * variance
        total = total + 0.5 * (np.log(s) + innovation**2 / s)
        means.append(mean)
    return means, total


result = minimize(*xn.for_scipy(lambda x: kalman_filter(x)[1], np.zeros(2)))
step, seen = np.exp(result.x)
print(f"steps:        {step:.2f} (true {STEP})")
print(f"observations: {seen:.2f} (true {SEEN})")

means, _ = kalman_filter(result.x)
curves = {"seen": observed, "filtered": means, "walk": walk}
panel = Panel("", {name: enumerate(y[:150]) for name, y in curves.items()}, x="step")
with open(file, "w", encoding="utf-8") as out:
    out.write(plot([panel], "A random walk, filtered with the noise that was found"))
