"""Derivatives of derivatives: Newton's method on Rosenbrock's valley, and a network that is trained by its slopes.

The valley ``(1 - x)² + 100 (y - x²)²`` is curved: gradient descent creeps along it, while Newton's method divides by
the second derivatives. Then a network learns how far two clouds of points are apart (Wasserstein's distance): it may
rise by at most 1 for each step of length 1, so that its slope, a derivative, stands in the loss, whose derivatives
train it (gradient penalty). The clouds are one cloud and the same moved by (1.2, 1.6): the distance is 2.

RESULT

``python double_backward.py [STEPS]``; 1000 steps for the network by default.
"""

import argparse

import numpy as np

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.layers import Linear, Softplus
from xpnet.networks import Sequential
from xpnet.optimizers import Adam
from xpnet.random import Generator

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", nargs="?", type=int, default=1000, help="training steps of the network")
steps = parser.parse_args().steps
backend = xn.set_backend(xn.get_backend(), dtype="float64")
xp = backend.xp
rng = Generator(0)


def rosenbrock(p):
    x, y = p[0], p[1]
    return (1.0 - x) ** 2 + 100.0 * (y - x**2) ** 2


def steps_to_the_end(move):
    p, count = backend.asarray([0.0, 2.0]), 0
    while float(rosenbrock(p)) > 1e-6 and count < 100_000:
        p, count = move(p), count + 1
    return f"{count:,} steps to {float(rosenbrock(p)):.0e} at ({float(p[0]):.4f}, {float(p[1]):.4f})"


slope, curvature = xn.grad(rosenbrock), xn.hessian(rosenbrock)
print("gradient descent:", steps_to_the_end(lambda p: p - 1e-3 * slope(p)))
print("Newton's method: ", steps_to_the_end(lambda p: p - xp.linalg.solve(curvature(p), slope(p)[:, None])[:, 0]))

net = Sequential(
    *(Linear.create(2, 32, rng=rng), Softplus(), Linear.create(32, 32, rng=rng), Softplus()),
    Linear.create(32, 1, rng=rng),
)


def clouds(name, step=0, count=128):
    """Points of both clouds, and others on lines between them, where slopes are looked at."""
    here, share = rng.normal((count, 2), f"{name} here", step), rng.uniform((count, 1), f"{name} share", step)
    there = here[::-1] + np.asarray([1.2, 1.6])
    return [backend.asarray(points) for points in (here, there, share * here + (1.0 - share) * there)]


def rise_and_slopes(params, here, there, between):
    """How much higher the network is in one cloud than in the other, and how steep it is between them."""
    with net.using(params):
        slopes = xn.grad(lambda x: array_namespace(x).sum(net(x)))(between)
        xp = array_namespace(slopes)
        return xp.mean(net(there)) - xp.mean(net(here)), xp.sqrt(xp.sum(slopes**2, axis=1))


def loss(params, *points):
    rise, slopes = rise_and_slopes(params, *points)
    return 10.0 * array_namespace(slopes).mean((slopes - 1.0) ** 2) - rise


optimizer = Adam(1e-3)
for step in range(steps):
    grads = xn.grad(loss)(dict(net.params), *clouds("train", step))  # of the loss, which holds a gradient
    optimizer.update(net.params, grads)
    if (step + 1) % max(1, steps // 5) == 0:
        rise, slopes = rise_and_slopes(dict(net.params), *clouds("test", count=10_000))
        rise, mean = float(rise), float(xp.mean(slopes))
        print(f"step {step + 1}: it rises by {rise:.3f} with a slope of {mean:.3f}: distance {rise / mean:.3f}")
