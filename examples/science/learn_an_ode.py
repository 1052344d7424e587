"""The parameters of an ordinary differential equation learned from its solution, through the steps of Runge and Kutta.

``python learn_an_ode.py``. Prints the rates of predators and prey, after Lotka and Volterra, and the true ones.
"""

import argparse

import numpy as np
from scipy.optimize import least_squares

import xpnet as xn

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

TRUE = np.asarray([1.1, 0.4, 0.4, 0.1])
start, dt, steps = np.asarray([10.0, 5.0]), 0.1, 100


def slope(y, rates):
    prey, predators = y
    a, b, c, d = rates
    return np.stack([a * prey - b * prey * predators, d * prey * predators - c * predators])


def solution(rates):
    """Every tenth of the states, by the method of order four."""
    y, kept = start, []
    for step in range(steps):
        k1 = slope(y, rates)
        k2 = slope(y + 0.5 * dt * k1, rates)
        k3 = slope(y + 0.5 * dt * k2, rates)
        k4 = slope(y + dt * k3, rates)
        y = y + dt / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        if step % 10 == 9:
            kept.append(y)
    return np.stack(kept)


seen = solution(TRUE) + 0.05 * np.random.default_rng(0).standard_normal((10, 2))


def residuals(rates):
    return (solution(rates) - seen).ravel()


guess = np.asarray([1.0, 0.3, 0.3, 0.08])
found = least_squares(*xn.for_scipy(residuals, guess, "least_squares"))
for name, rate, true in zip(("birth", "hunting", "death", "feeding"), found.x, TRUE, strict=True):
    print(f"{name:8} {rate:.3f} (true {true})")
