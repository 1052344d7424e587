"""The likelihood of a Kalman filter, differentiated through all its steps, finds the noise of a random walk.

``python kalman.py``. Prints the standard deviations of the steps and of the observations, and the true ones.
"""

import argparse

import numpy as np
from scipy.optimize import minimize

import xpnet as xn

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

STEP, SEEN = 0.3, 0.8
rng = np.random.default_rng(0)
observed = np.cumsum(STEP * rng.standard_normal(400)) + SEEN * rng.standard_normal(400)


def negative_log_likelihood(log_deviations):
    """½ Σ (log S + v² / S) over the innovations v and their variances S."""
    q, r = np.exp(2.0 * log_deviations)
    mean, variance, total = 0.0, 1.0, 0.0
    for y in observed:
        variance = variance + q
        s = variance + r
        innovation = y - mean
        gain = variance / s
        mean, variance = mean + gain * innovation, (1.0 - gain) * variance
        total = total + 0.5 * (np.log(s) + innovation**2 / s)
    return total


result = minimize(*xn.for_scipy(negative_log_likelihood, np.zeros(2)))
step, seen = np.exp(result.x)
print(f"steps:        {step:.2f} (true {STEP})")
print(f"observations: {seen:.2f} (true {SEEN})")
