"""A few cameras and points in space put right at once, by the rotations of SciPy.

``SCIPY_ARRAY_API=1 python bundle_adjustment.py``. Prints how far the points are seen from where they should be, in
pixels, before and after.
"""

import argparse
import os

import numpy as np

os.environ["SCIPY_ARRAY_API"] = "1"  # SciPy reads it once, when it is imported

from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

import xpnet as xn
from xpnet.backend import array_namespace

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

rng = np.random.default_rng(0)
points = rng.uniform(-1.0, 1.0, (20, 3))
turns, moves = 0.3 * rng.standard_normal((4, 3)), np.asarray([0.0, 0.0, 5.0]) + 0.3 * rng.standard_normal((4, 3))


def seen(params):
    """Where each camera sees each point, with a focal length of 500 pixels."""
    xp = array_namespace(params["points"])
    views = []
    for camera in range(4):
        rotation = Rotation.from_rotvec(params["turns"][camera, :])
        place = rotation.apply(params["points"]) + params["moves"][camera, :]
        views.append(500.0 * place[:, :2] / place[:, 2:])
    return xp.stack(views)


true = {"points": points, "turns": turns, "moves": moves}
images = seen(true) + 0.5 * rng.standard_normal((4, 20, 2))


def loss(params):
    return ((seen(params) - images) ** 2).sum() / 100.0


def distance(params):
    return float(np.sqrt(np.mean(np.sum((seen(params) - images) ** 2, axis=-1))))


start = {name: x + 0.05 * rng.standard_normal(x.shape) for name, x in true.items()}
arguments = xn.for_scipy(loss, start, method="L-BFGS-B")
best = arguments.tree(minimize(*arguments, options={"maxiter": 500}).x)
print(f"before: {distance(start):.1f} pixels")
print(f"after:  {distance(best):.1f} pixels")
