"""A sum of Gaussians fitted to noisy counts by SciPy, with error bars from the Hessian.

``python fit_gaussians.py [FILE.svg]``. Prints the parameters, their errors, and the true values; draws counts and fit.
"""

import argparse

import numpy as np
from scipy.optimize import minimize

import xpnet as xn
from xpnet.drawing import Panel, plot

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("file", nargs="?", metavar="FILE.svg", default="gaussians.svg")
file = parser.parse_args().file

TRUE = {"height": np.asarray([3.0, 1.5]), "center": np.asarray([-1.0, 1.2]), "width": np.asarray([0.5, 0.8])}
SIGMA = 0.1
t = np.linspace(-4.0, 4.0, 200)


def model(p):
    """Σ h exp(-(t - c)² / 2 w²)"""
    return (p["height"] * np.exp(-0.5 * ((t[:, None] - p["center"]) / p["width"]) ** 2)).sum(axis=1)


counts = model(TRUE) + SIGMA * np.random.default_rng(0).standard_normal(t.shape)


def loss(p):
    """½ χ²"""
    return 0.5 * ((model(p) - counts) ** 2).sum() / SIGMA**2


start = {"height": np.ones(2), "center": np.asarray([-0.5, 0.5]), "width": np.ones(2)}
arguments = xn.for_scipy(loss, start)
result = minimize(*arguments)
curvature = xn.hessian(lambda x: loss({"height": x[:2], "center": x[2:4], "width": x[4:]}))(result.x)
errors = np.sqrt(np.diag(np.linalg.inv(curvature)))
for name, found, error, true in zip(
    [f"{name}{n}" for name in TRUE for n in (1, 2)], result.x, errors, np.concatenate([*TRUE.values()]), strict=True
):
    print(f"{name:8} {found:6.3f} ± {error:.3f}  (true {true})")

best = arguments.tree(result.x)
each = best["height"] * np.exp(-0.5 * ((t[:, None] - best["center"]) / best["width"]) ** 2)
curves = {"counts": counts, "fit": model(best), "first": each[:, 0], "second": each[:, 1]}
panel = Panel("", {name: zip(t, y, strict=True) for name, y in curves.items()}, x="t")
with open(file, "w", encoding="utf-8") as out:
    out.write(plot([panel], "Two Gaussians fitted to noisy counts"))
