"""The same training on two backends, losses side by side.

``python same_code_two_backends.py [FIRST SECOND]``; without names numpy and the last of those ready here.
Every number that is drawn is the same on both, so the losses differ by rounding alone.
"""

import argparse

import xpnet as xn
from xpnet.datasets import load_digits
from xpnet.networks import TwoLayerNet
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer


def train(backend: str) -> list[float]:
    """The losses of five epochs on the digits."""
    with xn.use_backend(backend):
        training, test = load_digits()
        net = TwoLayerNet(64, 50, 10, rng=Generator(0))
        trainer = Trainer(net, SGD(lr=0.1), training, test, batch_size=50, rng=Generator(0))
        return [epoch.loss for epoch in trainer.run(5)]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("first", nargs="?", default="numpy")
parser.add_argument("second", nargs="?", default=xn.available_backends()[-1])
options = parser.parse_args()
first, second = options.first, options.second
if first == second:
    print(f"{first} is compared with itself: install another library, see xpnet backends, or name two")
print(f"epoch  {first:>16}  {second:>16}  difference")
for epoch, (one, other) in enumerate(zip(train(first), train(second), strict=True), 1):
    print(f"{epoch:5}  {one:16.8f}  {other:16.8f}  {abs(one - other):10.1e}")
