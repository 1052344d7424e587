"""The parameters of an ordinary differential equation learned from its solution, through the steps of Runge and Kutta.

``SCIPY_ARRAY_API=1 python learn_an_ode.py [FILE.svg]``. Prints the rates of predators and prey, after Lotka and
Volterra, and the true ones; draws the populations. The births change with the seasons; their number over the whole
time, which SciPy integrates, is known as well.
"""

import argparse
import os

import numpy as np

os.environ["SCIPY_ARRAY_API"] = "1"  # SciPy reads it once, when it is imported

from scipy.integrate import cubature
from scipy.optimize import least_squares

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.drawing import Panel, plot

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("file", nargs="?", metavar="FILE.svg", default="populations.svg")
file = parser.parse_args().file

TRUE = np.asarray([1.1, 0.4, 0.4, 0.1])
start, dt, steps = np.asarray([10.0, 5.0]), 0.1, 100


def slope(t, y, rates):
    prey, predators = y
    a, b, c, d = rates
    births = a * (1.0 + 0.3 * np.sin(2.0 * t)) * prey
    return np.stack([births - b * prey * predators, d * prey * predators - c * predators])


def solution(rates):
    """The states after every step, by the method of order four."""
    y, states = start, []
    for t in dt * np.arange(steps):
        k1 = slope(t, y, rates)
        k2 = slope(t + 0.5 * dt, y + 0.5 * dt * k1, rates)
        k3 = slope(t + 0.5 * dt, y + 0.5 * dt * k2, rates)
        k4 = slope(t + dt, y + dt * k3, rates)
        y = y + dt / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        states.append(y)
    return np.stack(states)


def births_of_one(rates):
    """The births by one animal of prey over the whole time."""
    xp = array_namespace(rates)
    ends = xp.asarray([0.0]), xp.asarray([dt * steps])
    return cubature(lambda t: rates[:1] * (1.0 + 0.3 * xp.sin(2.0 * t)), *ends).estimate


seen = solution(TRUE)[9::10] + 0.05 * np.random.default_rng(0).standard_normal((10, 2))
counted = births_of_one(TRUE)


def residuals(rates):
    return np.concatenate([(solution(rates)[9::10] - seen).ravel(), births_of_one(rates) - counted])


guess = np.asarray([1.0, 0.3, 0.3, 0.08])
found = least_squares(*xn.for_scipy(residuals, guess, "least_squares"))
for name, rate, true in zip(("birth", "hunting", "death", "feeding"), found.x, TRUE, strict=True):
    print(f"{name:8} {rate:.3f} (true {true})")

times = dt * (1.0 + np.arange(steps))
panels = [
    Panel(
        name,
        {
            "seen": zip(times[9::10], seen[:, at], strict=True),
            "first guess": zip(times, solution(guess)[:, at], strict=True),
            "found": zip(times, solution(found.x)[:, at], strict=True),
        },
        x="time",
    )
    for at, name in enumerate(("prey", "predators"))
]
with open(file, "w", encoding="utf-8") as out:
    out.write(plot(panels, "Predators and prey, seen ten times", columns=2))
