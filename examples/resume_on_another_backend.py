"""A training begun on one backend goes on on another: ``python resume_on_another_backend.py [FIRST SECOND]``.

Two epochs on the first, three more on the second from the folder that the first has left; beside it all five on the
first. The losses differ by rounding alone. Without names: numpy, and the last of those ready here.
"""

import argparse
import shutil

import xpnet as xn
from xpnet.datasets import load_digits
from xpnet.layers import Affine, Dropout, Relu, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import Adam
from xpnet.random import Generator
from xpnet.training import Trainer

FOLDER = "run_resumed"


def trainer_on_current_backend() -> Trainer:
    """The same data, network and batches wherever it runs."""
    rng = Generator(0)
    layers = Affine.create(64, 50, rng=rng), Relu(), Dropout(0.2, rng=rng), Affine.create(50, 10, rng=rng)
    return Trainer(Sequential(*layers, loss=SoftmaxWithLoss()), Adam(), *load_digits(), batch_size=50, rng=rng)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("first", nargs="?", default="numpy")
parser.add_argument("second", nargs="?", default=xn.available_backends()[-1])
options = parser.parse_args()
shutil.rmtree(FOLDER, ignore_errors=True)

with xn.use_backend(options.first):
    whole = trainer_on_current_backend().fit(5)
    trainer_on_current_backend().fit(2, folder=FOLDER)
with xn.use_backend(options.second):
    resumed = trainer_on_current_backend().fit(5, folder=FOLDER, resume=True)

print(f"epoch  {options.first:>16}  {options.second + ' from 3':>24}  difference")
for one, other in zip(whole, resumed, strict=True):
    print(f"{one.epoch:5}  {one.loss:16.8f}  {other.loss:24.8f}  {abs(one.loss - other.loss):10.1e}")
