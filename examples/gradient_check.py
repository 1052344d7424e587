"""Backpropagation against numerical differentiation on three images (the book, section 5.7.3).

``python gradient_check.py`` uses the digits that ship with xpnet, ``python gradient_check.py mnist`` the book's images,
where the mean differences stay below the book's 2.2e-13 (W1), 9.7e-13 (b1), 8.4e-13 (W2), 1.2e-10 (b2).
"""

import argparse

import xpnet as xn
from xpnet.datasets import load_digits, load_mnist
from xpnet.networks import TwoLayerNet
from xpnet.random import Generator

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("dataset", nargs="?", choices=("digits", "mnist"), default="digits")
load = load_mnist if parser.parse_args().dataset == "mnist" else load_digits

xn.set_backend("numpy", dtype="float64")
(x_train, t_train), _ = load()

net = TwoLayerNet(input_size=x_train.shape[1], hidden_size=50, output_size=10, rng=Generator(0))
x_batch, t_batch = x_train[:3], t_train[:3]

# the book's loop: both gradients, and the mean of their difference for each parameter
grad_numerical = net.numerical_gradient(x_batch, t_batch)
grad_backprop = net.gradient(x_batch, t_batch)
for key, gradient in grad_backprop.items():
    print(f"{key}: {abs(gradient - grad_numerical[key]).mean():.1e}")

# the same and more in one call
print(xn.gradient_check(net, x_batch, t_batch))
