"""Derivatives of any function written against the array API standard, on any library, to any order.

``python autodiff.py [BACKEND]``. Prints the gradient of f, its derivative along a direction twice over, and the slope
of a network's loss in all its parameters by the tape and by the layers' own backward.
"""

import argparse

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.networks import TwoLayerNet
from xpnet.random import Generator

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("backend", nargs="?", default="numpy")
backend = xn.set_backend(parser.parse_args().backend, dtype="float64")
x = backend.asarray([1.0, 2.0, 3.0])


def f(x):
    """Σ x² sin x"""
    xp = array_namespace(x)
    return xp.sum(x * x * xp.sin(x))


print("f'(x)    ", backend.to_numpy(xn.grad(f)(x)))
print("f''(x) v ", backend.to_numpy(xn.hvp(f, x, backend.asarray([1.0, 0.0, 0.0]))))

# a network's loss as a function of its named parameters
rng = Generator(0)
net = TwoLayerNet(4, 3, 2, weight_init_std=0.5, rng=rng)
images, labels = backend.asarray(rng.normal((5, 4), "images")), backend.asarray(rng.integers(2, (5,), "labels"))


def loss(params):
    with net.using(params):
        return net.loss(images, labels)


by_tape, by_layers = xn.grad(loss)(dict(net.params)), net.gradient(images, labels)
for name, gradient in by_tape.items():
    difference = abs(backend.to_numpy(gradient) - backend.to_numpy(by_layers[name])).max()
    print(f"{name}: largest difference between tape and layers {difference:.0e}")
