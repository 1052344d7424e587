"""Weights of one training in another: a network that knows the digits is tuned to noisy ones by 60 images.

Its convolutions are loaded and frozen; the last layer is loaded too, and goes on. Beside it the same network learns the
noisy digits from nothing.
"""

import argparse

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.datasets import load_digits
from xpnet.layers import Affine, Convolution, Flatten, MaxPooling, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.training import Trainer

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()


def make(seed: int) -> Sequential:
    """Two convolutions and a layer of ten classes."""
    rng = Generator(seed)
    return Sequential(
        Convolution.create(1, 16, 3, pad=1, rng=rng),
        Relu(),
        Convolution.create(16, 16, 3, pad=1, rng=rng),
        Relu(),
        MaxPooling(2, 2),
        Flatten(),
        Affine.create(16 * 4 * 4, 10, rng=rng),
        loss=SoftmaxWithLoss(),
    )


def noisy(data: tuple, name: str, count: int | None = None) -> tuple:
    """Some rows with noise on every pixel."""
    x, t = data[0][:count, ...], data[1][:count]
    return x + xn.asarray(0.4 * Generator(0).normal(x.shape, name)), t


train, test = load_digits(flatten=False)
few, noisy_test = noisy(train, "train", 60), noisy(test, "test")
known = make(0)
Trainer(known, Adam(lr=0.003), train, batch_size=20).fit(5)
xn.save("digits.safetensors", known)
print(f"on clean digits {known.accuracy(*test):.1%}, on noisy ones {known.accuracy(*noisy_test):.1%}")

tuned = make(1)
xn.load("digits.safetensors", tuned)
tuned.freeze("Convolution*")
before = {name: to_numpy(array).copy() for name, array in tuned.params.items()}
for name, net in (("finetuned", tuned), ("from nothing", make(1))):
    Trainer(net, Adam(lr=0.003), few, batch_size=20).fit(10)
    print(f"noisy digits, {name} by 60 images: {net.accuracy(*noisy_test):.1%}")
moved = [name for name, array in tuned.params.items() if (to_numpy(array) != before[name]).any()]
print(f"what moved: {', '.join(moved)}")
